"""Dates and times, in time zones.

A date is given as ISO 8601 text (2026-03-29, 2026-03-29T09:00:00Z) or as Unix seconds. Text that names no zone is read in
the zone of the action, which is UTC unless said otherwise. Days and longer units follow the calendar of the zone: nine
o'clock stays nine o'clock when the clocks change. Hours and shorter units, and durations such as 1d, are time that passes.

Where the clocks go forward, a time that they leave out is moved on by what they leave out: 2:30 becomes 3:30. Where they
go back, a time that comes twice is the earlier one.
"""

import calendar
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field

from connectors.base import Declaring, Value
from connectors.errors import Refused
from flows import durations
from flows.builtins.shapes import OneText, ShortText, Whole, as_text, data, literally, one_text, quoted
from flows.conditions import moment, pattern
from flows.durations import Duration

dates: Final = Declaring("dates", title="Dates and times")

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
Unit = Literal["hour", "day", "week", "month", "quarter", "year"]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("there is no such time zone; write one such as Europe/Berlin") from error
    return name


def _when(value: object) -> object:
    match value:
        case None:
            raise ValueError("there is nothing here, and a date is needed")
        case bool():
            raise ValueError("this is no date")
        case _:
            return data(value)


When = Annotated[str | int | float, BeforeValidator(_when)]
Zone = Annotated[ShortText, AfterValidator(_zone)]


class InZone(Value):
    """A time zone."""

    zone: Zone = Field(
        default="UTC",
        title="Time zone",
        description="Such as Europe/Berlin. The result is in it, and so is a date that names no zone.",
    )


class OfDate(InZone):
    """A date in a time zone."""

    date: When = Field(
        title="Date", description="A date or time: ISO 8601, such as 2026-03-29T09:00:00Z, or Unix seconds."
    )


class Moment(Value):
    """A point in time."""

    date: str = Field(title="Date and time", description="ISO 8601 with its zone, such as 2026-03-29T09:00:00+02:00.")
    day: str = Field(title="Day", description="The date alone, such as 2026-03-29.")
    unix: int | float = Field(title="Unix time", description="Seconds since midnight UTC of 1 January 1970.")


@contextmanager
def _within_the_calendar() -> Iterator[None]:
    try:
        yield
    except (OverflowError, ValueError) as error:
        raise Refused("This is before the year 1 or after the year 9999.") from error


def _settled(wall: datetime, zone: tzinfo) -> datetime:
    """Return the time at which the clocks on a zone's walls show this; see above for when they never do, or twice."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC).astimezone(zone)


def _read(value: str | float, zone: str) -> datetime:
    found = moment(value)
    if found is None:
        raise Refused(f"{quoted(value)} is no date; write one such as 2026-03-29 or 2026-03-29T09:00:00Z.")
    with _within_the_calendar():
        # What names no zone comes back as UTC: its clock shows what was written.
        if isinstance(value, str) and datetime.fromisoformat(value.strip()).tzinfo is None:
            return _settled(found, ZoneInfo(zone))
        return found.astimezone(ZoneInfo(zone))


def _written(found: datetime) -> str:
    precision = (
        "seconds" if not found.microsecond else "milliseconds" if not found.microsecond % 1000 else "microseconds"
    )
    return re.sub(r"\+00:00$", "Z", found.isoformat(timespec=precision))


def _moment(found: datetime) -> Moment:
    unix = found.timestamp()
    return Moment(date=_written(found), day=found.date().isoformat(), unix=int(unix) if unix.is_integer() else unix)


@dates.action("Look at the clock", effect="reads", repeatable=True)
async def now(client: Callable[[], float], given: InZone) -> Moment:
    """Give the time at which this step is carried out. A run that goes on after a crash keeps the time it had."""
    return _moment(datetime.fromtimestamp(client(), ZoneInfo(given.zone)))


@dates.action("Bring a date into a time zone", effect="reads")
def in_zone(given: OfDate) -> Moment:
    """Give the same point in time as the clocks of a time zone show it."""
    return _moment(_read(given.date, given.zone))


class Shift(OfDate):
    """How far to go from a date."""

    years: Whole = Field(default=0, title="Years", description="How many years.")
    months: Whole = Field(
        default=0, title="Months", description="How many months. A month after 31 January is the last day of February."
    )
    weeks: Whole = Field(default=0, title="Weeks", description="How many weeks.")
    days: Whole = Field(default=0, title="Days", description="How many days of the calendar, at the same time of day.")
    hours: Whole = Field(default=0, title="Hours", description="How many hours.")
    minutes: Whole = Field(default=0, title="Minutes", description="How many minutes.")
    seconds: Whole = Field(default=0, title="Seconds", description="How many seconds.")
    duration: Duration | None = Field(
        default=None, title="Duration", description="Such as 90s, 30m, 1h or 7d; a day is 24 hours here."
    )


@dates.action("Add to a date", effect="reads")
def add(given: Shift) -> Moment:
    """Give the date so much later: years and months first, then weeks and days, then the time that passes."""
    return _moment(_shifted(given, 1))


@dates.action("Subtract from a date", effect="reads")
def subtract(given: Shift) -> Moment:
    """Give the date so much earlier: years and months first, then weeks and days, then the time that passes."""
    return _moment(_shifted(given, -1))


def _shifted(given: Shift, sign: Literal[1, -1]) -> datetime:
    if not given.model_fields_set - {"date", "zone"}:
        raise Refused("Say how far: with days, hours, another unit or a duration.")
    start = _read(given.date, given.zone)
    passing = given.hours * 3600 + given.minutes * 60 + given.seconds
    passing += durations.seconds(given.duration) if given.duration else 0
    with _within_the_calendar():
        days = timedelta(days=sign * (given.weeks * 7 + given.days))
        months = sign * (given.years * 12 + given.months)
        # Without a step on the calendar, the second of two equal times of day stays the second.
        found = _settled(_months_on(start, months) + days, ZoneInfo(given.zone)) if months or days else start
        return (found.astimezone(UTC) + timedelta(seconds=sign * passing)).astimezone(found.tzinfo)


def _months_on(start: datetime, months: int) -> datetime:
    """Return the clock's time so many months on, without its zone."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(tzinfo=None, year=year, month=month + 1, day=day)


class Two(InZone):
    """Two dates."""

    start: When = Field(title="From", description="The first date: ISO 8601 or Unix seconds.")
    end: When = Field(title="To", description="The second date: ISO 8601 or Unix seconds.")


class Difference(Value):
    """The time between two dates: negative if the second is the earlier one."""

    seconds: int | float = Field(title="Seconds", description="The seconds that pass in between.")
    minutes: int = Field(title="Minutes", description="The full minutes.")
    hours: int = Field(title="Hours", description="The full hours.")
    days: int = Field(title="Days", description="The full days of 24 hours.")
    calendar_days: int = Field(title="Calendar days", description="How many midnights of the time zone lie in between.")
    text: str = Field(title="In words", description="The largest full unit, such as 3 days.")


@dates.action("Measure between two dates", effect="reads")
def difference(given: Two) -> Difference:
    """Give the time that passes between two dates."""
    start, end = _read(given.start, given.zone), _read(given.end, given.zone)
    between = end.astimezone(UTC) - start.astimezone(UTC)
    seconds = between.total_seconds()
    length = abs(between) // timedelta(seconds=1)
    unit = next((unit for unit in (86400, 3600, 60) if length >= unit), 1)
    return Difference(
        seconds=int(seconds) if seconds.is_integer() else seconds,
        minutes=int(between / timedelta(minutes=1)),
        hours=int(between / timedelta(hours=1)),
        days=int(between / timedelta(days=1)),
        calendar_days=(end.date() - start.date()).days,
        text=durations.spoken(length - length % unit) if length else "0 seconds",
    )


class Period(OfDate):
    """A stretch of the calendar."""

    unit: Unit = Field(
        default="day",
        title="Of the",
        description="Which one: hour, day, week, month, quarter or year. Weeks begin on Monday.",
    )


@dates.action("Find the beginning of a period", effect="reads")
def start_of(given: Period) -> Moment:
    """Give when the hour, day, week, month, quarter or year begins in which a date lies."""
    with _within_the_calendar():
        return _moment(_start(_read(given.date, given.zone), given.unit, ZoneInfo(given.zone)))


@dates.action("Find the end of a period", effect="reads")
def end_of(given: Period) -> Moment:
    """Give the last millisecond of the hour, day, week, month, quarter or year in which a date lies."""
    zone = ZoneInfo(given.zone)
    with _within_the_calendar():
        start = _start(_read(given.date, given.zone), given.unit, zone)
        if given.unit == "hour":
            end = start.astimezone(UTC) + timedelta(hours=1)
        elif given.unit in {"day", "week"}:
            end = _settled(
                start.replace(tzinfo=None, hour=0, minute=0) + timedelta(days=1 if given.unit == "day" else 7), zone
            )
        else:
            months = {"month": 1, "quarter": 3, "year": 12}[given.unit]
            end = _settled(_months_on(start.replace(hour=0, minute=0), months), zone)
        return _moment((end.astimezone(UTC) - timedelta(milliseconds=1)).astimezone(zone))


def _start(found: datetime, unit: Unit, zone: tzinfo) -> datetime:
    if unit == "hour":
        # The zone and the fold stay: of two equal hours, this one.
        return found.replace(minute=0, second=0, microsecond=0).astimezone(UTC).astimezone(zone)
    midnight = datetime.combine(found.date(), time())
    match unit:
        case "week":
            midnight -= timedelta(days=midnight.weekday())
        case "month":
            midnight = midnight.replace(day=1)
        case "quarter":
            midnight = midnight.replace(month=(midnight.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            midnight = midnight.replace(month=1, day=1)
        case "day":
            pass
    return _settled(midnight, zone)


class Following(OfDate):
    """A time of day to come."""

    at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = Field(
        title="At", description="The time of day in the time zone, such as 09:00."
    )
    on: Annotated[list[Weekday], Field(min_length=1, max_length=7)] = Field(
        default=list(WEEKDAYS), title="On", description="Which days of the week. Left out: all."
    )


@dates.action("Find the next time of day", effect="reads")
def next_time(given: Following) -> Moment:
    """Give the first time after a date at which the clocks show a time of day, for instance on a working day."""
    zone, start = ZoneInfo(given.zone), _read(given.date, given.zone)
    hour, minute = map(int, given.at.split(":"))
    with _within_the_calendar():
        for days in range(9):
            wall = datetime.combine(start.date() + timedelta(days=days), time(hour, minute))
            found = _settled(wall, zone)
            if WEEKDAYS[wall.weekday()] in given.on and found.astimezone(UTC) > start.astimezone(UTC):
                return _moment(found)
    raise Refused("There is no such time.")


class Parts(Value):
    """A date in its parts, as the clocks and calendars of its time zone show it."""

    year: int = Field(title="Year", description="Such as 2026.")
    month: int = Field(title="Month", description="1 to 12.")
    day: int = Field(title="Day", description="1 to 31.")
    hour: int = Field(title="Hour", description="0 to 23.")
    minute: int = Field(title="Minute", description="0 to 59.")
    second: int = Field(title="Second", description="0 to 59.")
    month_name: str = Field(title="Name of the month", description="In English.")
    weekday: str = Field(title="Day of the week", description="In English.")
    weekday_number: int = Field(title="Number of the weekday", description="1 is Monday, 7 is Sunday.")
    weekend: bool = Field(title="Weekend", description="Whether it is a Saturday or Sunday.")
    week: int = Field(title="Week", description="The number of the week in the year, after ISO 8601.")
    quarter: int = Field(title="Quarter", description="1 to 4.")
    day_of_year: int = Field(title="Day of the year", description="1 to 366.")
    days_in_month: int = Field(title="Days in the month", description="28 to 31.")
    offset: str = Field(title="Offset", description="How far the clocks are from UTC, such as +02:00.")


@dates.action("Take a date apart", effect="reads")
def parts(given: OfDate) -> Parts:
    """Give the year, month, day of the week and so on of a date."""
    found = _read(given.date, given.zone)
    return Parts(
        year=found.year,
        month=found.month,
        day=found.day,
        hour=found.hour,
        minute=found.minute,
        second=found.second,
        month_name=MONTHS[found.month - 1],
        weekday=WEEKDAYS[found.weekday()],
        weekday_number=found.isoweekday(),
        weekend=found.isoweekday() > 5,
        week=found.isocalendar().week,
        quarter=(found.month + 2) // 3,
        day_of_year=found.timetuple().tm_yday,
        days_in_month=calendar.monthrange(found.year, found.month)[1],
        offset=_offset(found),
    )


# --- layouts --------------------------------------------------------------------------------------------------------

_TOKEN: Final = re.compile(r"\[([^\[\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DD|D|dddd|ddd|HH|H|hh|h|mm|m|ss|s|SSS|A|a|Z|X")
_LAYOUT: Final = (
    "YYYY year, MM or M month, MMMM or MMM its name, DD or D day, dddd or ddd weekday, HH or H hour, hh or h with A or a "
    "(AM, am), mm minute, ss second, SSS millisecond, Z offset, X Unix seconds. Other words go in [brackets]."
)
_SHAPES: Final = {
    "YYYY": r"\d{4}",
    "YY": r"\d\d",
    "MMMM": "|".join(MONTHS),
    "MMM": "|".join(name[:3] for name in MONTHS),
    "dddd": "|".join(WEEKDAYS),
    "ddd": "|".join(name[:3] for name in WEEKDAYS),
    "SSS": r"\d{3}",
    "A": "AM|PM",
    "a": "AM|PM",
    "Z": r"Z|[+-]\d\d:?\d\d",
    "X": r"-?\d{1,12}",
    **dict.fromkeys(("MM", "DD", "HH", "hh", "mm", "ss"), r"\d\d"),
    **dict.fromkeys(("M", "D", "H", "h", "m", "s"), r"\d{1,2}"),
}
Layout = Annotated[str, Field(min_length=1, max_length=100), BeforeValidator(as_text)]


def _offset(found: datetime) -> str:
    return f"{found:%z}"[:3] + ":" + f"{found:%z}"[3:5]


def _shown(piece: str, found: datetime) -> str:
    match piece:
        case "YYYY":
            return f"{found.year:04}"
        case "YY":
            return f"{found.year % 100:02}"
        case "MMMM" | "MMM":
            return MONTHS[found.month - 1][: None if piece == "MMMM" else 3]
        case "dddd" | "ddd":
            return WEEKDAYS[found.weekday()][: None if piece == "dddd" else 3]
        case "SSS":
            return f"{found.microsecond // 1000:03}"
        case "A" | "a":
            word = "AM" if found.hour < 12 else "PM"
            return word if piece == "A" else word.lower()
        case "Z":
            return _offset(found)
        case "X":
            return str(int(found.timestamp() // 1))
    number = {
        "M": found.month,
        "D": found.day,
        "H": found.hour,
        "h": (found.hour + 11) % 12 + 1,
        "m": found.minute,
        "s": found.second,
    }[piece[0]]
    return f"{number:0{len(piece)}}"


class Laid(OfDate):
    """How to write a date."""

    layout: Layout = Field(default="YYYY-MM-DD", title="Layout", description=_LAYOUT)


@dates.action("Write a date as text", effect="reads")
def to_text(given: Laid) -> OneText:
    """Write a date as people read it, such as D MMMM YYYY for 29 March 2026."""
    found = _read(given.date, given.zone)
    return one_text(
        _TOKEN.sub(
            lambda token: token.group(1) if token.group(1) is not None else _shown(token.group(), found), given.layout
        )
    )


class Found(InZone):
    """A date as it is written somewhere."""

    text: ShortText = Field(title="Text", description="The text to read.")
    layout: Layout | None = Field(
        default=None, title="Layout", description=f"How it is written. Left out: ISO 8601. {_LAYOUT}"
    )


@dates.action("Read a date from text", effect="reads")
def from_text(given: Found) -> Moment:
    """Read a date that is written in a certain layout. What the layout leaves out is the first: of the month, of the day."""
    if given.layout is None:
        return _moment(_read(given.text, given.zone))
    found = pattern(_as_pattern(given.layout)).fullmatch(given.text.strip())
    if found is None:
        raise Refused(f"{quoted(given.text)} is not written as {quoted(given.layout)}.")
    try:
        return _moment(_put_together(found.groupdict(), given.zone))
    except (ValueError, OverflowError) as error:
        raise Refused(f"{quoted(given.text)} is no date.") from error


@lru_cache(maxsize=128)
def _as_pattern(layout: str) -> str:
    pieces, stand, seen = [], 0, set[str]()
    for token in _TOKEN.finditer(layout):
        pieces.append(literally(layout[stand : token.start()]))
        stand = token.end()
        name = token.group()
        if token.group(1) is not None:
            pieces.append(literally(token.group(1)))
            continue
        if name in seen:
            raise Refused(f"The layout has {name} twice.")
        seen.add(name)
        pieces.append(f"(?P<{name}>{_SHAPES[name]})")
    if not seen & {"YYYY", "YY", "X"}:
        raise Refused("A layout to read dates with needs a year: YYYY, YY or X.")
    return "(?i)" + "".join([*pieces, literally(layout[stand:])])


def _put_together(found: dict[str, Any], zone: str) -> datetime:
    def one(*names: str) -> str | None:
        return next((found[name] for name in names if found.get(name) is not None), None)

    if found.get("X"):
        return datetime.fromtimestamp(int(found["X"]), ZoneInfo(zone))
    year = one("YYYY") or (f"20{found['YY']}" if int(found["YY"]) < 69 else f"19{found['YY']}")
    named = one("MMMM", "MMM")
    month = int(one("MM", "M") or 1)
    if named:
        month = next(number for number, name in enumerate(MONTHS, 1) if name[:3].lower() == named[:3].lower())
    hour = int(one("HH", "H", "hh", "h") or 0)
    half = one("A", "a")
    if half:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    wall = datetime(  # noqa: DTZ001 - it gets its zone below
        int(year),
        month,
        int(one("DD", "D") or 1),
        hour,
        int(one("mm", "m") or 0),
        int(one("ss", "s") or 0),
        int(one("SSS") or 0) * 1000,
    )
    offset = one("Z")
    if offset:
        return datetime.fromisoformat(f"{wall.isoformat()}{offset.upper()}").astimezone(ZoneInfo(zone))
    return _settled(wall, ZoneInfo(zone))
