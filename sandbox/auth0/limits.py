"""The rate limit: a bucket of tokens that refills at a steady pace."""

import math
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Bucket:
    """So many requests at once, so many more each second."""

    burst: int
    per_second: float
    level: float
    at: float

    @classmethod
    def full(cls, burst: int, per_second: float, now: float) -> "Bucket":
        """Make a bucket that nobody has drawn from."""
        return cls(burst=burst, per_second=per_second, level=float(burst), at=now)

    def take(self, now: float) -> bool:
        """Draw one request; False when the bucket is empty."""
        self.level = min(float(self.burst), self.level + max(0.0, now - self.at) * self.per_second)
        self.at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True

    def headers(self, now: float) -> dict[str, str]:
        """Say how much is left and when the next token comes (not when the bucket is full again)."""
        part = 1 - (self.level % 1)
        return {
            "x-ratelimit-limit": str(self.burst),
            "x-ratelimit-remaining": str(int(self.level)),
            "x-ratelimit-reset": str(math.ceil(now + part / self.per_second)),
        }
