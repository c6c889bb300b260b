"""Durations as people write them: ``90s``, ``30m``, ``1h``, ``7d``."""

import re
from typing import Annotated, Final

from pydantic import BeforeValidator

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WRITTEN: Final = re.compile(r"\s*(\d{1,6})\s*([smhd])\s*", re.IGNORECASE)


def seconds(written: object) -> int:
    """Return a written duration in seconds.

    Raises ValueError, in words that can be shown under a form field, when it is none.
    """
    found = _WRITTEN.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        raise ValueError("write a number and a unit: 90s, 30m, 1h or 7d")
    return int(found.group(1)) * UNITS[found.group(2).lower()]


def written(length: float) -> str:
    """Return a length of seconds in its largest whole unit: 5400 is ``90m``."""
    whole = int(length)
    unit = next(unit for unit in "dhms" if whole % UNITS[unit] == 0)
    return f"{whole // UNITS[unit]}{unit}"


def spoken(length: float) -> str:
    """Return a length of seconds in words: 5400 is ``90 minutes``."""
    number, unit = written(length)[:-1], written(length)[-1]
    word = {"s": "second", "m": "minute", "h": "hour", "d": "day"}[unit]
    return f"{number} {word}" if number == "1" else f"{number} {word}s"


def _checked(value: object) -> str:
    return written(seconds(value))


Duration = Annotated[str, BeforeValidator(_checked)]
"""A written duration, checked and brought to its largest whole unit."""
