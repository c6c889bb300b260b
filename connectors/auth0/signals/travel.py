"""Travel: whether a person can have come from one place to another in the time between."""

from dataclasses import dataclass
from math import asin, cos, isfinite, radians, sin, sqrt
from typing import Final

EARTH: Final = 6371.0
"""Kilometres from its middle to its surface."""
NEAR: Final = 50.0
"""Kilometres within which it is the same place: addresses are not known more exactly."""
FAR: Final = 300.0
"""Kilometres beyond which it is asked how fast somebody was. Below it, a network may only seem to be elsewhere."""
FASTEST: Final = 1000.0
"""Kilometres an hour beyond which nobody travels: an airliner does 900."""
FAST: Final = 250.0
"""Kilometres an hour beyond which somebody must have flown."""
VAGUE: Final = 2500.0
"""Kilometres that a place may be wrong by, where no city is known: its coordinates are the middle of a country."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a network address seems to be."""

    latitude: float
    longitude: float
    vague: bool = False
    """Only the country is known."""


def place_of(latitude: object, longitude: object, city: object) -> Place | None:
    """Read a place as it comes. Returns None where it is none."""
    numbers = [_number(latitude), _number(longitude)]
    if numbers[0] is None or numbers[1] is None or abs(numbers[0]) > 90 or abs(numbers[1]) > 180:
        return None
    return Place(latitude=round(numbers[0], 2), longitude=round(numbers[1], 2), vague=not city)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > 40:
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if isfinite(found) else None


def kilometres(one: Place, other: Place) -> float:
    """Return how far two places are apart, along the surface of the earth."""
    north, other_north = radians(one.latitude), radians(other.latitude)
    half_north, half_east = (other_north - north) / 2, radians(other.longitude - one.longitude) / 2
    part = sin(half_north) ** 2 + cos(north) * cos(other_north) * sin(half_east) ** 2
    return 2 * EARTH * asin(sqrt(min(1.0, max(0.0, part))))


def travelled(before: Place, here: Place, seconds: float) -> tuple[str, str, int]:
    """Return how confident one can be that one person was at both places, Auth0's code of why, and the distance."""
    there = kilometres(before, here)
    surely = max(0.0, there - VAGUE * (before.vague + here.vague))
    hours = max(seconds, 0.0) / 3600
    shown = round(there)
    if surely > FAR and surely > FASTEST * hours:
        return "low", "impossible_travel_from_last_login", shown
    if surely > FAR and surely > FAST * hours:
        return "medium", "substantial_travel_from_last_login", shown
    if there > NEAR:
        return "high", "travel_from_last_login", shown
    return "high", "minimal_travel_from_last_login", shown
