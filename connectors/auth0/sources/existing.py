"""Users who were there before, as the events that would have come: what back-fills offer to flows.

A profile is as `connectors.auth0.existing` brings it: Auth0's own fields, and the name of the `tenant`.
"""

from collections.abc import Mapping
from typing import Any, Final

_APART: Final = frozenset({"tenant", "logins_count", "last_login", "last_ip", "blocked"})
"""What an Action does not know of a user, or tells in another place."""


def as_creation(profile: Mapping[str, Any]) -> Mapping[str, Any]:
    """Show a user as an event stream tells of somebody new."""
    user = {name: value for name, value in profile.items() if name != "tenant"}
    connection = _connection(profile)
    return {
        "id": f"existing:{profile['user_id']}",
        "type": "user.created",
        "time": profile.get("created_at"),
        "object": user,
        "context": {"tenant": {"id": profile["tenant"]}, **({"connection": connection} if connection else {})},
    }


def as_registration(profile: Mapping[str, Any]) -> Mapping[str, Any]:
    """Show a user as an Auth0 Action tells of somebody who has signed up."""
    user = {name: value for name, value in profile.items() if name not in _APART}
    connection = _connection(profile)
    return {
        "tenant": {"id": profile["tenant"]},
        "user": user,
        **({"connection": connection} if connection else {}),
    }


def as_login(profile: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Show a user as an Auth0 Action tells of their first login. None for somebody who has never signed in.

    How often they have signed in since is not counted: a flow for newcomers is to know them as such.
    """
    if not profile.get("logins_count") and not profile.get("last_login"):
        return None
    return {**as_registration(profile), "stats": {"logins_count": 1}}


def _connection(profile: Mapping[str, Any]) -> Mapping[str, Any] | None:
    match profile.get("identities"):
        case [{"connection": str(name)}, *_]:
            return {"name": name}
        case _:
            return None
