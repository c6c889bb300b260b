"""How fast a connection may call its service: our own rate, and what the service says about its limits."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from email.utils import parsedate_to_datetime

import httpx
from pyrate_limiter import InMemoryBucket, Limiter, Rate
from pyrate_limiter.limiter import SingleBucketFactory

from connectors.errors import TryLater

LONGEST = 3600.0
"""Seconds; no service is believed that asks for a longer wait."""


def wait_asked(headers: httpx.Headers, *, now: float | None = None) -> float | None:
    """Read the seconds to wait from Retry-After or x-ratelimit-reset; None where neither says.

    A reset is a moment on the service's clock, so it is compared with the answer's own Date where there is one.
    """
    served_at = _moment(headers.get("date")) or (time.time() if now is None else now)
    asked = headers.get("retry-after", "").strip()
    if asked.isdecimal():
        return min(float(asked[:12]), LONGEST)
    moment = _moment(asked)
    reset = headers.get("x-ratelimit-reset", "").strip()
    if moment is None and reset.isdecimal():
        moment = float(reset[:12])
    return None if moment is None else min(max(moment - served_at, 0.0), LONGEST)


def _moment(date: str | None) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except (ValueError, OverflowError):
        return None


class Pace:
    """The pace of one connection. While the service reports that nothing is left, calls go one by one.

    Nothing runs in the background: old entries are dropped at every turn.
    """

    def __init__(self, *rates: Rate, patience: float = 10.0) -> None:
        self._bucket = InMemoryBucket(list(rates))
        # The limiter's own clearing of old entries would start a thread that outlives the connection.
        self._limiter = Limiter(SingleBucketFactory(self._bucket, schedule_leak=False), buffer_ms=5)
        self._patience = patience
        self._lane = asyncio.Lock()
        self._tight = False
        self._open_at = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it during the call; raises TryLater when it would take too long."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._patience):
                    self._bucket.leak(time.monotonic_ns() // 1_000_000)
                    await self._limiter.try_acquire_async()
                    if self._tight:
                        await held.enter_async_context(self._lane)
                        await asyncio.sleep(max(0.0, self._open_at - time.monotonic()))
            except TimeoutError:
                after = max(1.0, self._open_at - time.monotonic())
                raise TryLater("Too many calls are waiting for their turn.", after=after) from None
            yield

    def heard(self, response: httpx.Response) -> None:
        """Take note of what an answer says about the limits."""
        throttled = response.status_code == httpx.codes.TOO_MANY_REQUESTS
        self._tight = throttled or response.headers.get("x-ratelimit-remaining", "").strip() == "0"
        if self._tight:
            asked = wait_asked(response.headers)
            self._open_at = time.monotonic() + (1.0 if asked is None else asked)
