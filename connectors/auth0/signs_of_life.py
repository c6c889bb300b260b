"""Signs of life: what shows that somebody was there, although their last login is long ago."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Literal
from urllib.parse import quote

from connectors.auth0.client import SERVICE, Tenant
from connectors.auth0.profiles import NO_SUCH_USER
from connectors.errors import ConnectorError, Missing, Refused
from connectors.limits import patiently

Signal = Literal["last_login", "session", "refresh_token", "log", "never"]
Signs = Literal["sessions", "refresh tokens", "sessions and refresh tokens", "logs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Where to look for a later sign of life."""

    signal: Signal
    name: str
    path: str
    """Below the user's own."""
    things: str
    """What the list of them is called there."""
    moments: Sequence[str]
    """What in each of them says when it was used; the first that is there."""
    query: Mapping[str, str]
    types: frozenset[str] = frozenset()
    """The types that count; empty for all."""


_ONE: Final[Mapping[str, Sign]] = {
    "sessions": Sign(
        signal="session",
        name="sessions",
        path="sessions",
        things="sessions",
        moments=("last_interacted_at", "updated_at", "authenticated_at"),
        query={"take": "100"},
    ),
    "refresh tokens": Sign(
        signal="refresh_token",
        name="refresh tokens",
        path="refresh-tokens",
        things="tokens",
        moments=("last_exchanged_at", "created_at"),
        query={"take": "100"},
    ),
    "logs": Sign(
        signal="log",
        name="logs",
        path="logs",
        things="logs",
        moments=("date",),
        query={"sort": "date:-1", "per_page": "100"},
        types=frozenset({"s", "ss", "ssa", "sens", "seacft", "sertft", "sepft", "seoobft", "seotpft", "sede"}),
    ),
}
"""Logs also tell of failures and of what administrators did to a person: only what the person did with success counts."""

SIGNS: Final[Mapping[str, Sequence[Sign]]] = {
    **{name: [sign] for name, sign in _ONE.items()},
    "sessions and refresh tokens": [_ONE["sessions"], _ONE["refresh tokens"]],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """When somebody was there last, and what shows it."""

    signal: Signal
    at: datetime


async def last_of(client: Tenant, user_id: str, signs: Sequence[Sign]) -> Seen | None:
    """Return the latest of some signs of life of a person, if there is any. Raises Missing where there is no such person."""
    found: list[Seen] = []
    for sign in signs:
        try:
            at = await _last(client, user_id, sign)
        except Missing as error:
            if error.code == NO_SUCH_USER:
                raise
            raise _not_offered(sign.name, error) from error
        except Refused as error:
            raise _not_offered(sign.name, error) from error
        found += [] if at is None else [Seen(signal=sign.signal, at=at)]
    return max(found, key=lambda seen: seen.at, default=None)


async def _last(client: Tenant, user_id: str, sign: Sign) -> datetime | None:
    """Return the last moment of one sign."""
    path, query = f"/api/v2/users/{quote(user_id, safe='')}/{sign.path}", dict(sign.query)
    moments: list[datetime | None] = []
    while True:
        answer = await patiently(partial(client.http.get, path, params=query))
        try:
            body = answer.json()
            things, following = (body, None) if isinstance(body, list) else (body[sign.things], body.get("next"))
            moments += [
                moment_of(next((thing[name] for name in sign.moments if thing.get(name)), None))
                for thing in things
                if not sign.types or thing.get("type") in sign.types
            ]
        except (ValueError, LookupError, AttributeError, TypeError):
            raise Refused(f"{SERVICE} answered with something that cannot be understood.") from None
        if not following:
            return max((moment for moment in moments if moment is not None), default=None)
        query["from"] = str(following)


def _not_offered(what: str, error: ConnectorError) -> Refused:
    return Refused(f"Nobody can be confirmed with {what} here. {error.message}", status=error.status, code=error.code)


def moment_of(text: Any) -> datetime | None:
    """Read a moment as Auth0 writes it; None where there is none. Raises Refused for what is not one."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise Refused(f"{SERVICE} gave a moment that cannot be understood.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
