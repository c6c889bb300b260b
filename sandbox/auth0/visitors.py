"""Visitors: where somebody comes from who does something at the tenant."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from sandbox.auth0.events import Visit
from sandbox.auth0.places import HOME, PLACES, USUAL_DEVICE


class Visitor(BaseModel):
    """Somebody in a city, at an address, with a device; what is left out is as usual."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    city: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    event_overrides: dict[str, Any] = {}

    def visit(self, protocol: str = "oidc-basic-profile") -> Visit:
        """Make the visit."""
        return Visit.of(
            PLACES.get(self.city or "", HOME),
            ip=self.ip,
            user_agent=self.user_agent or USUAL_DEVICE,
            geoip=None,
            protocol=protocol,
        )


def merged(value: Any, change: Any) -> Any:
    """Merge one JSON value into another, all the way down."""
    if not (isinstance(value, dict) and isinstance(change, dict)):
        return change
    return {**value, **{name: merged(value.get(name), one) for name, one in change.items()}}
