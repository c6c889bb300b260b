"""Assessing: how confident one can be that a login is by the person, from what is remembered and nothing else.

The verdict has the form of Auth0's own (`riskAssessment` of a login), with Auth0's codes where there are such, so that a
flow need not care where it came from; its `version` says `cicflow-1`.

What it cannot know. An address tells the country well, the city often, and nothing of a person who uses a VPN, a proxy of
their company or a mobile carrier that goes online elsewhere: such logins may look like travel, and an attacker who uses a
VPN near the person like none. A browser can claim to be any other. Failures are told by the log stream, seconds after they
happened: a login right after them may be assessed without them, and its own record in the log with them. Whoever logged in
before anything was remembered has their next login taken for the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from connectors.auth0.signals.devices import device_of, recognised
from connectors.auth0.signals.history import History, Told, count_within
from connectors.auth0.signals.travel import Place, travelled
from connectors.base import Listed
from connectors.wording import clean

VERSION: Final = "cicflow-1"
WINDOW: Final = 600.0
"""Seconds before a login in which failures count."""
SKEW: Final = 60.0
"""Seconds that the clocks of a stream and of ours may differ."""
USER_BURST: Final = 5
"""Failures of one user that are a burst."""
ADDRESS_BURST: Final = 20
"""Failures from one address that are a burst: many people may share one."""
LEAKED: Final = 30 * 86400.0
"""Seconds that a password counts as leaked, unless it is changed before."""
AGAIN: Final = 60.0
"""Seconds within which the same address and device are the same login, told once more."""
RANKS: Final[Mapping[str, int]] = {"low": 0, "medium": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What an event says of somebody who is at the door."""

    at: float
    ip: str = ""
    """The address, in its usual spelling; empty where it is not said or none."""
    said_ip: str = ""
    user_agent: str | None = None
    place: Place | None = None
    country: str | None = None
    session: str = ""
    learns: bool = True
    """It is a login: what it shows is known from now on."""


def assess(
    login: Login,
    known: Mapping[str, Any] | None,
    address: Mapping[str, Any] | None = None,
    listed: Listed | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Judge a login by what is known of its user and its address. Returns the assessment, and what is known now."""
    history = History.read(known)
    device = device_of(login.user_agent)
    parts = {
        "ImpossibleTravel": _travel(login, history),
        "NewDevice": _device(device, history),
        "NewCountry": _country(login, history),
        "UntrustedIP": _address(login, listed),
        "FailureBurst": _failures(login.at, history, History.read(address)),
        "LeakedPassword": _leaked(login.at, history),
    }
    found = _whole(parts)
    told = history.told
    if told is not None and _same(told, login, device):
        if RANKS.get(told.assessment["confidence"], 2) <= RANKS.get(found["confidence"], 2):
            found = dict(told.assessment)
        elif login.learns:
            history = replace(history, told=replace(told, assessment=found))
    elif login.learns:
        history = replace(
            history,
            told=Told(at=login.at, ip=login.ip, device=device or "", session=login.session, assessment=found),
        )
    if login.learns:
        history = history.visited(login.at, login.place, login.country, device)
    return found, history.written()


def assess_failure(
    login: Login, known: Mapping[str, Any] | None, address: Mapping[str, Any] | None, listed: Listed | None
) -> dict[str, Any]:
    """Judge somebody who did not get in, by what is known of the user and the address."""
    history = History.read(known)
    return _whole(
        {
            "UntrustedIP": _address(login, listed),
            "FailureBurst": _failures(login.at, history, History.read(address)),
            "LeakedPassword": _leaked(login.at, history),
        }
    )


def _whole(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Sum up: one thing that is not right is enough, but a new device or a new country alone is daily life."""
    grave = ("ImpossibleTravel", "UntrustedIP", "FailureBurst", "LeakedPassword")
    if any(parts[name]["confidence"] == "low" for name in grave if name in parts):
        confidence = "low"
    elif parts.get("NewCountry", {}).get("code") == "new_country" and parts.get("NewDevice", {}).get("code") in {
        "no_match",
        "partial_match",
    }:
        confidence = "medium"
    else:
        confidence = "high"
    return {"confidence": confidence, "version": VERSION, "assessments": dict(parts)}


def _same(told: Told, login: Login, device: str | None) -> bool:
    """Say whether a login is the one that was told of last: by its Action, by the log, or once more by either."""
    if abs(told.at - login.at) > AGAIN:
        return False
    if told.session and login.session:
        return told.session == login.session
    return (told.ip, told.device) == (login.ip, device or "")


def _travel(login: Login, history: History) -> dict[str, Any]:
    if login.place is None:
        return {"confidence": "neutral", "code": "missing_geoip"}
    if history.since is None:
        return {"confidence": "neutral", "code": "initial_login"}
    # What is told late is compared with what was before it, never with what came after.
    before = [(at, place) for at, place in history.places if at <= login.at]
    if not before:
        return {"confidence": "neutral", "code": "location_history_not_found"}
    at, place = before[-1]
    confidence, code, distance = travelled(place, login.place, login.at - at)
    details = {"kilometres": distance, "minutes": round((login.at - at) / 60)}
    return {"confidence": confidence, "code": code, "details": details}


def _device(device: str | None, history: History) -> dict[str, Any]:
    if device is None:
        return {"confidence": "neutral", "code": "unknown_device"}
    if history.since is None:
        return {"confidence": "neutral", "code": "initial_login"}
    if not history.devices:
        return {"confidence": "neutral", "code": "no_device_history"}
    confidence, code, same = recognised(device, tuple(history.devices))
    said = "known" if same else "unknown"
    return {"confidence": confidence, "code": code, "details": {"device": said, "useragent": said}}


def _country(login: Login, history: History) -> dict[str, Any]:
    if login.country is None:
        return {"confidence": "neutral", "code": "unknown_country"}
    if history.since is None:
        return {"confidence": "neutral", "code": "initial_login"}
    if not history.countries:
        return {"confidence": "neutral", "code": "no_country_history"}
    if login.country in history.countries:
        return {"confidence": "high", "code": "known_country"}
    return {"confidence": "medium", "code": "new_country"}


def _address(login: Login, listed: Listed | None) -> dict[str, Any]:
    if listed is not None:
        details = {
            "ip": login.ip,
            "matches": listed.network,
            "source": "cicflow",
            "category": clean(listed.reason, limit=60),
        }
        return {"confidence": "low", "code": "found_on_deny_list", "details": details}
    if login.ip:
        return {"confidence": "high", "code": "not_found_on_deny_list"}
    code = "invalid_ip_address" if login.said_ip else "assessment_not_available"
    return {"confidence": "neutral", "code": code}


def _failures(at: float, user: History, address: History) -> dict[str, Any]:
    start, end = at - WINDOW, at + SKEW
    of_user, of_address = (count_within(one.failures, start, end) for one in (user, address))
    if of_user >= USER_BURST or count_within(filter(None, [user.blocked]), start, end):
        return {"confidence": "low", "code": "too_many_failures", "details": {"failures": of_user}}
    if of_address >= ADDRESS_BURST or count_within(filter(None, [address.blocked]), start, end):
        return {"confidence": "low", "code": "too_many_failures_from_address", "details": {"failures": of_address}}
    return {"confidence": "high", "code": "few_failures"}


def _leaked(at: float, user: History) -> dict[str, Any]:
    if user.leaked is None or (user.changed is not None and user.changed >= user.leaked):
        return {"confidence": "high", "code": "not_known_to_have_leaked"}
    if not at - LEAKED <= user.leaked <= at + SKEW:
        return {"confidence": "high", "code": "not_known_to_have_leaked"}
    return {"confidence": "low", "code": "leaked_password"}
