"""Our own risk signals, for tenants whose logins Auth0 does not assess (that needs Adaptive MFA).

A login that brings an assessment of Auth0's own is left as it is.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final

from connectors.auth0.signals.assessing import VERSION, Login, assess, assess_failure
from connectors.auth0.signals.history import History, latest
from connectors.auth0.signals.travel import place_of
from connectors.base import Memory, Remembered

__all__ = ["VERSION", "assessed", "forget_user", "in_log", "of_trigger", "usable"]

UNAVAILABLE: Final = "assessment_not_available"
NOT_BY_PERSONS: Final = frozenset({"oauth2-refresh-token", "oauth2-token-exchange"})
"""Protocols in which a program calls, at any time and from its own place: that says nothing of the person."""
LEAKS: Final = frozenset({"pwd_leak", "signup_pwd_leak", "reset_pwd_leak"})
BLOCKS: Final = frozenset({"limit_wc", "limit_mu", "limit_sul"})
FAILS: Final = frozenset({"f", "fp", "fu"}) | LEAKS | BLOCKS
CHANGES: Final = frozenset({"scp"})
GONE: Final = frozenset({"sdu", "du"})
_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")

Enrich = Callable[[Memory, Mapping[str, Any], float], Awaitable[Mapping[str, Any]]]


def usable(risk: Any) -> bool:
    """Say whether an assessment says something: Auth0 also sends one that only says that there is none."""
    if not isinstance(risk, Mapping) or not isinstance(risk.get("confidence"), str):
        return False
    assessments = risk.get("assessments")
    said = [one.get("code") for one in _maps(assessments).values() if isinstance(one, Mapping)]
    return not said or any(code != UNAVAILABLE for code in said)


def assessed(event: Mapping[str, Any]) -> bool:
    """Say whether the event of a trigger is left as it is: Auth0 assesses it, or no person is there to be assessed."""
    authentication, transaction = _maps(event.get("authentication")), _maps(event.get("transaction"))
    return usable(authentication.get("riskAssessment")) or _text(transaction.get("protocol")) in NOT_BY_PERSONS


def of_trigger(*, learns: bool = False, changes_password: bool = False) -> Enrich:
    """Return what adds our assessment to the events of one of Auth0's triggers.

    Those that learn are told of a person who got in: where they are is one of their places from then on.
    """

    async def enrich(memory: Memory, event: Mapping[str, Any], now: float) -> Mapping[str, Any]:
        if assessed(event):
            return event
        authentication = _maps(event.get("authentication"))
        request, session = _maps(event.get("request")), _maps(event.get("session"))
        place = _maps(request.get("geoip"))
        login = _login(
            request,
            at=now,
            session=session.get("id"),
            place=(place.get("latitude"), place.get("longitude"), place.get("cityName"), place.get("countryCode")),
            learns=learns,
        )

        user_id = _maps(event.get("user")).get("user_id")
        risk = await _changed(memory, user_id, login, changes_password=changes_password)
        return {**event, "authentication": {**authentication, "riskAssessment": risk}}

    return enrich


async def in_log(memory: Memory, event: Mapping[str, Any], now: float) -> Mapping[str, Any]:
    """Remember what a record of the log says, and add our assessment to logins and to failures."""
    kind, user_id = _text(event.get("type")), event.get("user_id")
    if kind in GONE:
        await forget_user(memory, user_id)
        return event
    if kind not in FAILS | CHANGES | {"s"} or usable(event.get("riskAssessment")):
        return event
    place = _maps(event.get("location_info"))
    login = _login(
        event,
        at=_time(event.get("date"), now),
        session=_maps(event.get("details")).get("session_id"),
        place=(place.get("latitude"), place.get("longitude"), place.get("city_name"), place.get("country_code")),
        learns=kind == "s",
    )
    if kind in CHANGES:
        if key := _user_key(user_id):
            await memory.change([key], lambda known: ([_changed_password(known[0], login.at)], None))
        return event
    if kind == "s":
        risk = await _changed(memory, user_id, login)
    else:
        risk = await _failed(memory, user_id, login, kind)
    return {**event, "riskAssessment": risk}


async def forget_user(memory: Memory, user_id: Any) -> None:
    """Forget what is remembered of a user."""
    if key := _user_key(user_id):
        await memory.change([key], lambda _known: ([None], None))


async def _changed(memory: Memory, user_id: Any, login: Login, *, changes_password: bool = False) -> dict[str, Any]:
    """Assess a login, and change what is known of the user."""
    listed = await memory.denied(login.ip) if login.ip else None
    user, address = _user_key(user_id), _address_key(login.ip)
    keys = [key for key in (user, address) if key]

    def change(found: Sequence[Remembered]) -> tuple[Sequence[Remembered], dict[str, Any]]:
        known = dict(zip(keys, found, strict=True))
        risk, after = assess(login, known.get(user), known.get(address), listed)
        if user and changes_password:
            after = _changed_password(after, login.at)
        if user and after:
            known[user] = after
        return [known[key] for key in keys], risk

    return await memory.change(keys, change)


async def _failed(memory: Memory, user_id: Any, login: Login, kind: str) -> dict[str, Any]:
    """Remember a failure of a user, and from an address."""
    listed = await memory.denied(login.ip) if login.ip else None
    user, address = _user_key(user_id), _address_key(login.ip)
    keys = [key for key in (user, address) if key]

    def change(found: Sequence[Remembered]) -> tuple[Sequence[Remembered], dict[str, Any]]:
        known: dict[str, Remembered] = {
            key: _with_failure(one, login.at, kind, of_user=key == user) for key, one in zip(keys, found, strict=True)
        }
        risk = assess_failure(login, known.get(user), known.get(address), listed)
        return [known[key] for key in keys], risk

    return await memory.change(keys, change)


def _with_failure(known: Remembered, at: float, kind: str, *, of_user: bool) -> dict[str, Any]:
    history = History.read(known).failed(at)
    if kind in LEAKS and of_user:
        history = replace(history, leaked=latest(history.leaked, at))
    if kind in ({"limit_wc", "limit_sul"} if of_user else {"limit_mu"}):
        history = replace(history, blocked=latest(history.blocked, at))
    return history.written()


def _changed_password(known: Remembered, at: float) -> dict[str, Any]:
    history = History.read(known)
    return replace(history, changed=latest(history.changed, at)).written()


# --- reading events -----------------------------------------------------------------------------------------------------


def _login(
    request: Mapping[str, Any], *, at: float, session: Any, place: tuple[Any, Any, Any, Any], learns: bool
) -> Login:
    said = request.get("ip")
    address = _address(said)
    latitude, longitude, city, country = place
    agent = request.get("user_agent")
    return Login(
        at=at,
        ip=str(address) if address else "",
        said_ip=said[:60] if isinstance(said, str) else "",
        user_agent=agent if isinstance(agent, str) else None,
        place=place_of(latitude, longitude, city),
        country=country.upper() if isinstance(country, str) and _COUNTRY.fullmatch(country) else None,
        session=session if isinstance(session, str) and len(session) <= 100 and session.isprintable() else "",
        learns=learns,
    )


def _address(said: Any) -> IPv4Address | IPv6Address | None:
    if not isinstance(said, str) or len(said) > 60 or "%" in said:
        return None
    try:
        found = ip_address(said.strip())
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _user_key(user_id: Any) -> str:
    if not isinstance(user_id, str) or not user_id:
        return ""
    return f"user:{user_id if len(user_id) <= 200 and user_id.isprintable() else sha256(_bytes(user_id)).hexdigest()}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _address_key(ip: str) -> str:
    """Return the key of an address. Whoever has one of version 6 has a network of them."""
    address = _address(ip)
    if isinstance(address, IPv6Address):
        return f"ip:{ip_network((address, 64), strict=False).network_address}"
    return f"ip:{address}" if address else ""


def _time(date: Any, now: float) -> float:
    """Read the time of a record. One without a time, or of the future, is of now."""
    if isinstance(date, str):
        try:
            moment = datetime.fromisoformat(date)
            at = (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()
        except (ValueError, OverflowError):
            return now
        return min(at, now)
    return now


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _maps(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
