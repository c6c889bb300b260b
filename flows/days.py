"""Days and times of day, as people choose them: Mondays and Thursdays at 09:00, the clocks being Berlin's."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Final, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator

Day = Literal[
    "every day",
    "weekdays",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "first of the month",
    "last of the month",
]
DAYS: Final[Sequence[str]] = get_args(Day)

_WEEKDAYS: Final = {"every day": "*", "weekdays": "mon-fri", **{day: day[:3] for day in DAYS[2:9]}}
_OF_THE_MONTH: Final = {"first of the month": "1", "last of the month": "last"}
_TIME: Final = re.compile(r"\s*([01]?[0-9]|2[0-3]):([0-5][0-9])\s*", re.ASCII)
_REGIONS: Final = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


def time_of_day(value: str) -> str:
    """Return a time of day as ``09:00``. Raises ValueError, in words, when it is none."""
    found = _TIME.fullmatch(value)
    if found is None:
        raise ValueError("write a time of day such as 09:00 or 17:30")
    return f"{int(found[1]):02}:{found[2]}"


def time_zone(value: str) -> str:
    """Return the name of a time zone. Raises ValueError, in words, when it is none."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {value[:60]!r}; write one such as Europe/Berlin") from error
    return value


TimeOfDay = Annotated[str, AfterValidator(time_of_day)]
TimeZone = Annotated[str, AfterValidator(time_zone)]


def cron(at: str, days: Iterable[str]) -> str:
    """Return the cron expression of a time of day on days: it comes on each day that one of them names."""
    hour, minute = time_of_day(at).split(":")
    chosen = set(days)
    weekdays = ",".join(_WEEKDAYS[day] for day in DAYS if day in chosen and day in _WEEKDAYS)
    month = ",".join(_OF_THE_MONTH[day] for day in DAYS if day in chosen and day in _OF_THE_MONTH)
    if "every day" in chosen:
        weekdays, month = "*", ""
    return f"{int(minute)} {int(hour)} {month or '*'} * {weekdays or '*'}"


@lru_cache(maxsize=1)
def zones() -> Sequence[str]:
    """Return the names of the time zones that places have, in order. Those of offices and offsets are left out."""
    places = [name for name in available_timezones() if name.partition("/")[0] in _REGIONS]
    return ("UTC", *sorted(places))
