"""Slack's rate limits: so many calls a minute per method, one message a second per channel."""

import math

from sandbox.slack.stamps import Clock

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
"""Slack promises at least this many for each tier."""
MESSAGES_IN_A_BURST = 5


class Rates:
    """Counts calls. Off in the beginning."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}
        self.on = False

    def wait(self, method: str, tier: int | None, channel: str) -> int:
        """Count a call; gives the seconds to wait when it was one too many, else 0."""
        if not self.on:
            return 0
        if method == "chat.postMessage":
            return self._spend(f"{method} {channel}", burst=MESSAGES_IN_A_BURST, per_second=1)
        if tier is None:
            return 0
        return self._spend(method, burst=PER_MINUTE[tier], per_second=PER_MINUTE[tier] / 60)

    def _spend(self, what: str, *, burst: int, per_second: float) -> int:
        now = self._clock()
        left, since = self._left.get(what, (float(burst), now))
        left = min(float(burst), left + (now - since) * per_second)
        if left < 1:
            self._left[what] = (left, now)
            return max(1, math.ceil((1 - left) / per_second))
        self._left[what] = (left - 1, now)
        return 0
