"""Cron expressions: times of the calendar, written as minute, hour, day of month, month and day of week."""

import re
from collections.abc import Iterator, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger as Calendar

FARTHEST: Final = timedelta(days=366 * 9)
"""How far ahead a time is looked for: 29 February may be eight years away."""

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ITEM: Final = re.compile(
    r"(?:\*|(?P<first>\d{1,2}|[a-z]{3})(?:-(?P<last>\d{1,2}|[a-z]{3}))?)(?:/(?P<step>\d{1,2}))?", re.ASCII
)
_MINUTE: Final = timedelta(minutes=1)


class Cron:
    """The times of a cron expression in a time zone, as the `cron` of Unix reads it.

    Days of the week are 0 to 7, where 0 and 7 are Sunday, or sun to sat. If both the day of the month and the day of
    the week are given, either will do. `last` is the last day of the month.

    When the clocks change, each local time comes once. A time that the clocks skip comes when they have skipped it: 02:30
    at 03:00. A time that there is twice comes the first time.
    """

    def __init__(self, expression: str, zone: str) -> None:
        """Read an expression. Raises ValueError, in words, when it is none."""
        fields = expression.lower().split()
        if len(fields) != 5:
            raise ValueError(f"it has five fields, not {len(fields)}")
        minute, hour, day, month, weekday = fields
        month = ",".join(_month(item) for item in _items(month, "month"))
        days = ",".join(str(number) for number in sorted(_weekdays(weekday)))
        for name, field in (("minute", minute), ("hour", hour)):
            _items(field, name, named=False)
        for one in day.split(","):
            if one != "last":
                _items(one, "day of month", named=False)
        either = not day.startswith("*") and not weekday.startswith("*")
        pairs = [(day, "*"), ("*", days)] if either else [(day, days)]
        # APScheduler reads local times as if they were UTC here, and so never meets a change of the clocks.
        self._calendars = [
            Calendar(minute=minute, hour=hour, day=dom, month=month, day_of_week=dow, timezone=UTC)
            for dom, dow in pairs
        ]
        self._zone = ZoneInfo(zone)
        if _first(self._calendars, datetime(2024, 1, 1, tzinfo=UTC)) is None:
            raise ValueError("that day never comes")

    def after(self, moment: float) -> Iterator[float]:
        """Yield the times after a moment, in order (Unix seconds)."""
        try:
            wall = datetime.fromtimestamp(moment, self._zone).replace(tzinfo=UTC)
        except (OverflowError, OSError, ValueError):
            return
        calendars = [copy(calendar) for calendar in self._calendars]
        latest = moment
        while (found := _first(calendars, wall)) is not None:
            wall = found + _MINUTE
            at = _instant(found.replace(tzinfo=self._zone))
            if at > latest:
                latest = at
                yield at


@lru_cache(maxsize=512)
def read(expression: str, zone: str = "UTC") -> Cron:
    """Return the times of a cron expression. Raises ValueError, in words, when it is none."""
    return Cron(expression, zone)


def _first(calendars: Sequence[Any], wall: datetime) -> datetime | None:
    found: list[datetime] = []
    for calendar in calendars:
        calendar.end_date = wall + FARTHEST  # without an end it would look for 30 February until the year 9999
        at = calendar.get_next_fire_time(None, wall)
        if at is not None:
            found.append(at)
    return min(found, default=None)


def _instant(local: datetime) -> float:
    """Return when a local time is, or, if the clocks skip it, when they do."""
    before, after = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    if before is None or after is None or before >= after:
        return local.replace(fold=0).timestamp()
    naive = local.replace(tzinfo=UTC)
    early, late = int((naive - after).timestamp()), int((naive - before).timestamp())
    while early < late:  # the first second at which the later offset is in force
        middle = (early + late) // 2
        if datetime.fromtimestamp(middle, local.tzinfo).utcoffset() == after:
            late = middle
        else:
            early = middle + 1
    return float(early)


def _items(field: str, name: str, *, named: bool = True) -> list[re.Match[str]]:
    found = [_ITEM.fullmatch(item) for item in field.split(",")]
    items = [item for item in found if item is not None]
    if len(items) != len(found) or (not named and re.search("[a-z]", field)):
        raise ValueError(f"{field[:40]!r} is no {name}")
    if any(item["step"] is not None and int(item["step"]) == 0 for item in items):
        raise ValueError(f"the step of a {name} is at least 1, not 0")
    return items


def _month(item: re.Match[str]) -> str:
    if item["first"] is None:
        return item[0]
    ends = [end for end in (item["first"], item["last"]) if end is not None]
    numbers = [str(_MONTHS.index(end) + 1) if end in _MONTHS else end for end in ends]
    if any(not number.isdigit() for number in numbers):
        raise ValueError(f"{item[0]!r} is no month")
    return "-".join(numbers) + (f"/{item['step']}" if item["step"] else "")


def _weekdays(field: str) -> set[int]:
    """Return the days of the week as APScheduler counts them: from Monday, which is 0."""
    days: set[int] = set()
    for item in _items(field, "day of week"):
        step = int(item["step"] or 1)
        first = 0 if item["first"] is None else _weekday(item["first"])
        last = (
            _weekday(item["last"]) if item["last"] is not None else (6 if item["step"] or not item["first"] else first)
        )
        last += 7 if last < first else 0  # from Friday to Monday
        days.update((number - 1) % 7 for number in range(first, last + 1, step))
    return days


def _weekday(written: str) -> int:
    number = _WEEKDAYS.index(written) if written in _WEEKDAYS else int(written) if written.isdigit() else 8
    if number > 7:
        raise ValueError(f"{written!r} is no day of the week: they are 0 to 7 (0 and 7 are Sunday), or sun to sat")
    return number
