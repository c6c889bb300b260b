"""The pace of one Marketo instance: so many calls in any window of time, so many at once, and a quota for the day.

A call is counted from the moment it begins until a window after its answer: whenever in between Marketo counts it, no
window of Marketo's ever holds more than was allowed.
"""

import asyncio
import heapq
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final
from zoneinfo import ZoneInfo

import httpx

from connectors.errors import TryLater
from connectors.limits import LONGEST, Allowance, Pace, Urgency, urgency

WINDOW: Final = 20.0
QUOTA_ZONE: Final = ZoneInfo("America/Chicago")
"""Where the day begins with which the quota begins again."""
TOO_FAST: Final = frozenset({"606"})
QUOTA: Final = "607"


def codes(response: httpx.Response) -> list[str]:
    """List the codes of what is wrong with a whole call; none where it is a success, or cannot be read."""
    if "json" not in response.headers.get("content-type", ""):
        return []
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return []
    errors = body.get("errors") if isinstance(body, dict) else None
    return [str(each.get("code")) for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []


def until_reset(now: datetime) -> float:
    """Return the seconds until the quota of the day begins again."""
    there = now.astimezone(QUOTA_ZONE)
    midnight = datetime.combine(there.date() + timedelta(days=1), datetime.min.time(), QUOTA_ZONE)
    return max(1.0, (midnight.astimezone(UTC) - now.astimezone(UTC)).total_seconds())


@dataclass(order=True, slots=True)
class _Place:
    """A place in the line."""

    urgency: Urgency
    number: int
    turn: "asyncio.Future[None]" = field(compare=False)


class Window(Pace):
    """The pace of one instance, shared by all connections to it in this process."""

    def __init__(
        self,
        *,
        calls: int,
        at_once: int,
        seconds: float = WINDOW,
        patience: float = 60.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(Allowance(calls, calls / seconds))
        self.calls = calls
        self.at_once = at_once
        self._seconds = seconds
        self._longest_wait = patience
        self._now = now
        self._order = count()
        self._places: list[_Place] = []
        self._under_way = 0
        self._ended: deque[float] = deque()
        """When the calls of the last window ended."""
        self._closed_until = 0.0
        self._parked_until: datetime | None = None
        self._wake: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, request: httpx.Request) -> AsyncIterator[None]:  # noqa: ARG002 - all calls count the same
        """Wait for a turn and hold it during the call. Raises TryLater when it would take too long."""
        await self._stand_in_line()
        try:
            yield
        finally:
            self._under_way -= 1
            self._ended.append(time.monotonic())
            self._serve()

    async def _stand_in_line(self) -> None:
        self._refuse_parked()
        how = urgency()
        patience = LONGEST if how is Urgency.BULK else self._longest_wait
        place = _Place(how, next(self._order), asyncio.get_running_loop().create_future())
        heapq.heappush(self._places, place)
        self._serve()
        try:
            async with asyncio.timeout(patience):
                await place.turn
        except BaseException as error:  # also when the caller gives up: its place is for the next
            self._leave(place)
            if not isinstance(error, TimeoutError):
                raise
            raise TryLater("Too many calls to Marketo are waiting for their turn.", after=self._seconds) from None

    def _leave(self, place: _Place) -> None:
        """Give back a turn that nobody takes any more."""
        if not place.turn.done():
            place.turn.cancel()
        elif not place.turn.cancelled() and place.turn.exception() is None:
            self._under_way -= 1
            self._serve()

    def _serve(self) -> None:
        """Give their turn to all for whom there is a call."""
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        while self._places:
            first = self._places[0]
            if first.turn.done():
                heapq.heappop(self._places)
                continue
            if self._under_way >= self.at_once:
                return
            wait = self._waits(first.urgency)
            if wait > 0:
                self._wake = first.turn.get_loop().call_later(wait, self._serve)
                return
            heapq.heappop(self._places)
            self._under_way += 1
            first.turn.set_result(None)

    def _waits(self, how: Urgency) -> float:
        """Return the seconds until the next call of an urgency may begin."""
        now = time.monotonic()
        while self._ended and self._ended[0] <= now - self._seconds:
            self._ended.popleft()
        allowed = self.calls - (max(1, self.calls // 10) if how is Urgency.BULK and self.calls > 1 else 0)
        wait = self._closed_until - now
        over = len(self._ended) + self._under_way - allowed + 1
        if over > 0:
            # Calls under way free their place a window after their end at the soonest, and serve the line then.
            oldest = self._ended[min(over, len(self._ended)) - 1] if self._ended else now
            wait = max(wait, oldest + self._seconds - now, 0.001)
        return wait

    def heard(self, response: httpx.Response) -> None:
        """Take note of what an answer says about the limits."""
        # A call whose token was rejected was made twice.
        self._ended.extend([time.monotonic()] * len(response.history))
        said = codes(response)
        if QUOTA in said:
            self._parked_until = self._now() + timedelta(seconds=until_reset(self._now()))
            parked = self._parking()
            for place in self._places:
                if not place.turn.done():
                    place.turn.set_exception(parked)
        elif TOO_FAST.intersection(said):
            # Somebody else calls the same instance: its window is full, and clears within one length of it.
            self._closed_until = max(self._closed_until, time.monotonic() + self._seconds / 4)

    def _parking(self) -> TryLater:
        left = (self._parked_until - self._now()).total_seconds() if self._parked_until else 0.0
        message = "Marketo's quota of calls for today is used up; it begins again at midnight, US Central Time."
        return TryLater(message, after=max(1.0, left), code=QUOTA)

    def _refuse_parked(self) -> None:
        """Refuse a call without making it while the quota of the day is used up."""
        if self._parked_until is None:
            return
        if self._now() < self._parked_until:
            raise self._parking()
        self._parked_until = None
