"""History: what is remembered of a user or a network address, as JSON of bounded size."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from connectors.auth0.signals.travel import Place

PLACES: Final = 5
"""Latest places of a user: records of a log may come in another order than they happened."""
DEVICES: Final = 10
"""Devices of a user. Those that were not used for longest are forgotten."""
COUNTRIES: Final = 10
"""Countries of a user, likewise."""
FAILURES: Final = 20
"""Latest failures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The last login, and what was said of it."""

    at: float
    ip: str
    device: str
    session: str
    assessment: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known of a user or an address."""

    since: float | None = None
    """The first login."""
    places: tuple[tuple[float, Place], ...] = ()
    countries: Mapping[str, float] = field(default_factory=dict)
    devices: Mapping[str, float] = field(default_factory=dict)
    failures: tuple[float, ...] = ()
    blocked: float | None = None
    """When Auth0 itself found that there were too many failures."""
    leaked: float | None = None
    """When a password was used that has leaked elsewhere."""
    changed: float | None = None
    """When the password was changed last."""
    told: Told | None = None

    @classmethod
    def read(cls, known: Mapping[str, Any] | None) -> "History":
        """Read what was remembered. What was written in some other form is forgotten."""
        if not known:
            return cls()
        try:
            told = known.get("told")
            return cls(
                since=known.get("since"),
                places=tuple(
                    (at, Place(latitude=north, longitude=east, vague=bool(vague)))
                    for at, north, east, vague in known.get("places", ())
                ),
                countries=dict(known.get("countries", {})),
                devices=dict(known.get("devices", {})),
                failures=tuple(known.get("failures", ())),
                blocked=known.get("blocked"),
                leaked=known.get("leaked"),
                changed=known.get("changed"),
                told=Told(**told) if told else None,
            )
        except (TypeError, ValueError, AttributeError):
            return cls()

    def written(self) -> dict[str, Any]:
        """Return it as JSON, without what is empty."""
        told = self.told
        found: dict[str, Any] = {
            "since": self.since,
            "places": [[at, one.latitude, one.longitude, int(one.vague)] for at, one in self.places],
            "countries": dict(self.countries),
            "devices": dict(self.devices),
            "failures": list(self.failures),
            "blocked": self.blocked,
            "leaked": self.leaked,
            "changed": self.changed,
            "told": told and {name: getattr(told, name) for name in ("at", "ip", "device", "session", "assessment")},
        }
        return {name: value for name, value in found.items() if value not in (None, [], {})}

    def failed(self, at: float) -> "History":
        """Add a failure."""
        return replace(self, failures=tuple(sorted((*self.failures, at))[-FAILURES:]))

    def visited(self, at: float, place: Place | None, country: str | None, device: str | None) -> "History":
        """Add a login."""
        places = sorted((*self.places, (at, place)), key=lambda one: one[0]) if place else self.places
        return replace(
            self,
            since=at if self.since is None else min(at, self.since),
            places=tuple(places[-PLACES:]),
            countries=_latest(self.countries, country, at, COUNTRIES),
            devices=_latest(self.devices, device, at, DEVICES),
        )


def _latest(known: Mapping[str, float], name: str | None, at: float, most: int) -> Mapping[str, float]:
    if name is None:
        return known
    found = {**known, name: max(at, known.get(name, at))}
    return dict(sorted(found.items(), key=lambda one: (one[1], one[0]))[-most:])


def latest(one: float | None, other: float) -> float:
    """Return the later of two times."""
    return other if one is None else max(one, other)


def count_within(times: Iterable[float], start: float, end: float) -> int:
    """Return how many times lie between two, both included."""
    return sum(start <= each <= end for each in times)
