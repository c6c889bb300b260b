"""What the application of a connection has not been granted, and what cannot be done without it."""

from collections.abc import Iterable, Mapping
from typing import Final

from connectors.auth0.scopes import SCOPES

ACTIONS: Final = ("read:actions", "create:actions", "update:actions", "delete:actions")
LOG_STREAMS: Final = tuple(f"{verb}:log_streams" for verb in ("read", "create", "update", "delete"))
EVENT_STREAMS: Final = tuple(f"{verb}:event_streams" for verb in ("read", "create", "update", "delete"))

INSTALLING: Final[Mapping[str, tuple[str, ...]]] = {
    "install our Auth0 Actions": ACTIONS,
    "install the log stream": LOG_STREAMS,
    "install the event stream": EVENT_STREAMS,
    "have events sent again that were missed": ("update:event_deliveries",),
}
"""What we do in a tenant besides the actions of flows."""


def missing(granted: Iterable[str] | None) -> Mapping[str, list[str]]:
    """Return what is not granted, and for each the names of actions, or what else we do, that need it.

    Where any one of several permissions would do, the first is named. Empty where the token says nothing.
    """
    if granted is None:
        return {}
    have = set(granted)
    found: dict[str, list[str]] = {}
    for what, needs in {**SCOPES, **INSTALLING}.items():
        for need in needs:
            either = (need,) if isinstance(need, str) else need
            if have.isdisjoint(either):
                found.setdefault(either[0], []).append(what)
    return found
