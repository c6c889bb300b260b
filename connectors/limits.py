"""How fast a connection may call its service: what its plan allows, what its answers say, and who goes first."""

import asyncio
import heapq
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import IntEnum
from itertools import count
from typing import Final, TypeAlias, TypeVar

import httpx

from connectors.errors import TryLater

T = TypeVar("T")
LONGEST: Final = 3600.0
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


async def patiently(call: Callable[[], Awaitable[T]], *, attempts: int = 8, longest: float = 60.0) -> T:
    """Make a call that may be repeated, again where the service has no time, after as long as it asks for."""
    for attempt in range(attempts - 1):
        try:
            return await call()
        except TryLater as error:
            await asyncio.sleep(min(longest, 0.5 * 2**attempt if error.after is None else error.after))
    return await call()


class Urgency(IntEnum):
    """Who goes first where several calls wait."""

    INTERACTIVE = 0
    """Somebody waits for it: a click, an answer in a login."""
    ORDINARY = 1
    BULK = 2
    """One of very many that nobody waits for."""


_urgency: ContextVar[Urgency] = ContextVar("urgency", default=Urgency.ORDINARY)


def urgency() -> Urgency:
    """Tell how urgent the calls are that are made here."""
    return _urgency.get()


@contextmanager
def calling(urgency: Urgency) -> Iterator[None]:
    """Give the calls that are made in this block, and in what it starts, an urgency."""
    before = _urgency.set(urgency)
    try:
        yield
    finally:
        _urgency.reset(before)


def interactive() -> AbstractContextManager[None]:
    """Let the calls of a block go first: somebody waits for them."""
    return calling(Urgency.INTERACTIVE)


def hurry() -> None:
    """Let the calls that are made from here on go first, as far as the task or the block goes: somebody waits for them."""
    _urgency.set(Urgency.INTERACTIVE)


def as_before() -> AbstractContextManager[None]:
    """Let what hurries within a block hurry nothing after it."""
    return calling(_urgency.get())


def bulk() -> AbstractContextManager[None]:
    """Let all others go before the calls of a block. They wait as long as it takes, and never use up the last calls."""
    return calling(Urgency.BULK)


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many calls at once, and so many more each second."""

    burst: int
    per_second: float

    @property
    def kept_back(self) -> int:
        """How many calls bulk work leaves to the others."""
        return min(self.burst - 1, max(1, self.burst // 10))


REST: Final = ""
"""The group of all calls that are in no other."""
Plan: TypeAlias = Mapping[str, Allowance]
"""What a service allows, for each group of calls that it counts together."""


@dataclass(order=True, slots=True)
class _Place:
    """A place in a line."""

    urgency: Urgency
    number: int
    group: str = field(compare=False)
    turn: "asyncio.Future[_Line]" = field(compare=False)


class _Line:
    """A bucket of calls that fills up again steadily, and those who wait for one, the most urgent first."""

    def __init__(self, allowance: Allowance, *, cautious: bool = False) -> None:
        self.allowance = allowance
        self.cautious = cautious
        """Calls go one by one: nothing is known yet of what is allowed."""
        self.opens_at = 0.0
        self.waiting: list[_Place] = []
        self._left = float(allowance.burst)
        self._seen_at = time.monotonic()
        self._under_way = 0
        self._alarm: asyncio.TimerHandle | None = None

    def serve(self) -> None:
        """Give their turn to all for whom there is a call."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        while self.waiting:
            first = self.waiting[0]
            if not first.turn.done():
                wait = self._wait(first.urgency)
                if wait > 0:
                    if wait < math.inf:
                        self._alarm = first.turn.get_loop().call_later(wait, self.serve)
                    return
                self._left -= 1
                self._under_way += 1
                first.turn.set_result(self)
            heapq.heappop(self.waiting)

    def _wait(self, urgency: Urgency) -> float:
        """Return the seconds until the next call of an urgency may be made."""
        if self.cautious and self._under_way:
            return math.inf
        now, allowed = time.monotonic(), self.allowance
        if now > self._seen_at:
            self._left = min(float(allowed.burst), self._left + (now - self._seen_at) * allowed.per_second)
            self._seen_at = now
        needed = 1 + (allowed.kept_back if urgency is Urgency.BULK else 0)
        # A thousandth is forgiven: an alarm may come that much too early.
        return max(self.opens_at - now, (needed - self._left) / allowed.per_second - 0.001)

    def ended(self) -> None:
        """Note that a call was made."""
        self._under_way -= 1
        self.serve()

    def not_made(self) -> None:
        """Take a call back that was not made after all."""
        self._left += 1
        self.ended()

    def left(self, remaining: int) -> None:
        """Believe the service about what is left; calls under way may not be counted in it yet."""
        self._left = max(0.0, remaining - max(0.0, self._under_way - 1.0))
        self._seen_at = time.monotonic()

    def close(self, seconds: float) -> None:
        """Let nobody through for a while. Then there is one call, and more come at the usual pace."""
        self._left = 1.0
        self._seen_at = self.opens_at = max(self.opens_at, time.monotonic() + seconds)


class Pace:
    """The pace of one connection, shared by all that use it in this process.

    It makes no more calls than the plan allows, and believes the service: each answer may say what is left. Where
    nothing is left, or the service says that it was too much, all calls of the group wait until the moment it names.

    Without a plan it is learnt: the first call goes alone, and how many calls at once its answer allows tells which of
    the plans it is. Where no answer says anything, `plan` is kept to.

    Several processes that share a connection do not know of each other. Each hears from the answers how little the
    others leave, and slows down: together they get what one would get, in no particular order. A call that is too much
    is told so by the service, did nothing, and is to be made again.
    """

    def __init__(
        self,
        plan: Plan | Allowance,
        *,
        learning_from: Sequence[Plan] = (),
        group: Callable[[httpx.Request], str] = lambda _request: REST,
        patience: float = 10.0,
    ) -> None:
        self._plan = {REST: plan} if isinstance(plan, Allowance) else plan
        self._plans = learning_from
        self._group = group
        self._patience = patience
        self._numbers = count()
        self._lines: dict[str, _Line] = {}
        self._heard = not learning_from
        self._lay()

    def _lay(self) -> None:
        self._lines = {name: _Line(allowance, cautious=not self._heard) for name, allowance in self._plan.items()}

    def _line(self, group: str) -> _Line:
        return self._lines.get(group) or self._lines[REST]

    @asynccontextmanager
    async def turn(self, request: httpx.Request) -> AsyncIterator[None]:
        """Wait for a turn and hold it during the call. Raises TryLater when it would take too long."""
        line = await self._wait(self._group(request))
        try:
            yield
        finally:
            line.ended()

    async def _wait(self, group: str) -> _Line:
        urgency = _urgency.get()
        patience = LONGEST if urgency is Urgency.BULK else self._patience
        line = self._line(group)
        if line.opens_at - time.monotonic() > patience:
            raise self._too_many(group)
        place = _Place(urgency, next(self._numbers), group, asyncio.get_running_loop().create_future())
        try:
            heapq.heappush(line.waiting, place)
            line.serve()
            async with asyncio.timeout(patience):
                return await place.turn
        except BaseException as error:  # also when the caller gives up: its place is for the next
            _leave(place)
            if not isinstance(error, TimeoutError):
                raise
            raise self._too_many(group) from None

    def _too_many(self, group: str) -> TryLater:
        after = max(1.0, self._line(group).opens_at - time.monotonic())
        return TryLater("Too many calls are waiting for their turn.", after=after)

    def heard(self, response: httpx.Response) -> None:
        """Take note of what an answer says about the limits."""
        group, headers = self._group(response.request), response.headers
        limit, remaining = (_number(headers.get(f"x-ratelimit-{name}")) for name in ("limit", "remaining"))
        if limit:
            self._learn(group, limit)
        line = self._line(group)
        if remaining is not None:
            line.left(remaining)
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS or remaining == 0:
            asked = wait_asked(headers)
            line.close(1.0 if asked is None else asked)
        self._heard = True
        for each in self._lines.values():
            each.cautious = False
            each.serve()

    def _learn(self, group: str, limit: int) -> None:
        line = self._line(group)
        if not self._plans and line.allowance.burst == limit:
            return
        fitting = [plan for plan in self._plans if plan.get(group, plan[REST]).burst == limit]
        if len(fitting) == 1:
            self._adopt(fitting[0])
            return
        paces = [plan.get(group, plan[REST]).per_second for plan in fitting]
        # Of what no plan is known to allow so much, a sixth a second is what the larger plans give.
        pace = min(paces) if paces else max(1.0, limit / 6) if self._plans else line.allowance.per_second
        line.allowance = Allowance(limit, pace)

    def _adopt(self, plan: Plan) -> None:
        """Keep to a plan from now on, and let those who wait stand in its lines."""
        waiting = [place for line in self._lines.values() for place in line.waiting]
        closed = self._lines[REST].opens_at
        for line in self._lines.values():
            line.waiting.clear()
        self._plan, self._plans = plan, ()
        self._lay()
        for place in waiting:
            heapq.heappush(self._line(place.group).waiting, place)
        for line in self._lines.values():
            line.opens_at = closed


def _leave(place: _Place) -> None:
    """Give back a turn that nobody takes any more."""
    if not place.turn.done():
        place.turn.cancel()
    elif not place.turn.cancelled():
        place.turn.result().not_made()


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text[:12]) if text.isdecimal() else None
