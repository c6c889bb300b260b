"""Counts: numbers of a period, by what they are of, with those of the period before beside them."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, Field

from connectors.auth0.answers import MOST, PAGE
from connectors.base import Value

TOP: Final = 10
"""Names that a list of counts has at most, the greatest first; days are all there."""
WEEK: Final = 8
"""Up to so many days, each is written with its day of the week."""
NARROWEST: Final = timedelta(seconds=1)
UNKNOWN: Final = "unknown"


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("there is no such time zone; write one such as Europe/Berlin") from None
    return name


class Period(Value):
    """Some whole days, and as many before them."""

    days: int = Field(default=7, ge=1, le=366, title="Days", description="How many days are counted.")
    until: AwareDatetime = Field(
        title="Until",
        description="Where they end: within this day, by the clocks of the time zone, nothing is counted.",
    )
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", title="Time zone", description="Whose days, such as Europe/Berlin."
    )

    @property
    def edges(self) -> tuple[datetime, datetime, datetime]:
        """Where the days before begin, where these begin, and where they end."""
        zone = ZoneInfo(self.zone)
        end = self.until.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        begin, before = end - timedelta(days=self.days), end - timedelta(days=2 * self.days)
        return before, begin, end

    def day(self, moment: datetime) -> int:
        """Return which day of its period a moment lies in, from 0."""
        before, _, _ = self.edges
        return (moment.astimezone(ZoneInfo(self.zone)).date() - before.date()).days % self.days

    def day_names(self) -> list[str]:
        """Return what the days are called."""
        _, begin, _ = self.edges
        form = "%a %d" if self.days <= WEEK else "%d %b"
        return [(begin + timedelta(days=number)).strftime(form) for number in range(self.days)]

    def spoken(self) -> tuple[str, str]:
        """Return what the days are called together, and those before them."""
        before, begin, end = self.edges
        return _span(begin, end), _span(before, begin)


class Count(Value):
    """How many of something."""

    name: str = Field(title="Name", description="Of what.")
    count: int = Field(title="Count", description="How many in these days.")
    before: int | None = Field(
        default=None, title="Before", description="How many in the days before, if that is known."
    )


class Counts(Value):
    """What was counted."""

    period: str = Field(title="Period", description="Which days, such as 23 to 29 Nov.")
    period_before: str = Field(title="Period before", description="Which days before.")
    total: int = Field(title="Total", description="How many in these days.")
    before: int | None = Field(title="Before", description="How many in the days before, if that is known.")
    by_day: list[Count] = Field(title="By day", description="How many on each day; before: as many days earlier.")
    by_connection: list[Count] = Field(title="By connection", description="How many by connection, the most first.")


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts while they are made."""

    now: Counter[str] = field(default_factory=Counter)
    then: Counter[str] = field(default_factory=Counter)

    def add(self, name: object, *, now: bool) -> None:
        """Count one."""
        (self.now if now else self.then)[UNKNOWN if name in (None, "") else str(name)[:100]] += 1

    def counts(self, *, known: bool = True, most: int = TOP) -> list[Count]:
        """Return the counts, the greatest first. `known`: what was before is known."""
        names = sorted({*self.now, *self.then}, key=lambda name: (-self.now[name], -self.then[name], name))
        return [
            Count(name=name, count=self.now[name], before=self.then[name] if known else None) for name in names[:most]
        ]

    def days(self, names: Sequence[str], *, known: bool = True) -> list[Count]:
        """Return the counts of days that were counted by their numbers."""
        return [
            Count(name=name, count=self.now[str(number)], before=self.then[str(number)] if known else None)
            for number, name in enumerate(names)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of what lies in a span of time."""

    total: int
    items: Sequence[Mapping[str, Any]]


Read = Callable[[datetime, datetime, int], Awaitable[Found]]
"""Reads a page of what happened from a moment until before another one."""


async def spans(read: Read, low: datetime, high: datetime) -> AsyncIterator[tuple[Sequence[Mapping[str, Any]], bool]]:
    """Yield everything between two moments, page by page, however much it is: Auth0 shows a thousand of a search at most.

    With each comes whether some of it cannot be had, because more than that have the same second.
    """
    left = [(low, high)]
    while left:
        begin, end = left.pop()
        first = await read(begin, end, 0)
        too_many = first.total >= MOST
        if too_many and end - begin > NARROWEST:
            middle = (begin + (end - begin) / 2).replace(microsecond=0)
            if begin < middle < end:
                left += [(begin, middle), (middle, end)]
                continue
        yield first.items, too_many
        for number in range(1, -(-min(first.total, MOST) // PAGE)):
            yield (await read(begin, end, number)).items, False


def moment_of(text: object) -> datetime | None:
    """Return a moment that Auth0 wrote, None if it is none."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _span(begin: datetime, end: datetime) -> str:
    last = end - timedelta(days=1)
    if begin.date() == last.date():
        return f"{last.day} {last:%b}"
    return (
        f"{begin.day} to {last.day} {last:%b}"
        if begin.month == last.month
        else f"{begin.day} {begin:%b} to {last.day} {last:%b}"
    )
