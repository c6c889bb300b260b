"""The tenant's corner of the page: the users and their last logins, as the Auth0 service tells them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.page.outcomes import Outcomes

REASONS = (
    ("impossible_travel", "Impossible travel"),
    ("new_device", "New device"),
    ("untrusted_ip", "Untrusted address"),
)
SHOWN_LOGINS = 15
SHOWN_USERS = 60
PLANTED = 12
"""Those who are there from the beginning stay at the top; who comes later is above them, the newest first."""

UNINTERESTING = frozenset({"sessions", "refresh_tokens", "picture", "last_ip", "updated_at", "nickname", "blocked"})
ABSENCES = (
    (8, "8 days ago"),
    (65, "2 months ago"),
    (200, "6 months ago"),
    (400, "13 months ago"),
    (760, "25 months ago"),
)
THROUGH = {"google-oauth2": "Google", "sms": "SMS", "email": "E-mail code"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantUser:
    """One row of the table."""

    user_id: str
    name: str
    email: str
    blocked: bool
    sessions: int
    refresh_tokens: int
    last_login: object
    verified: bool = True
    marks: tuple[str, ...] = ()
    known: str = ""
    """What is known of them, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One run of one Action in a login."""

    action: str
    runner: str
    error: str | None
    milliseconds: int | None
    logs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantLogin:
    """One login, allowed or refused."""

    key: str
    at: object
    name: str
    allowed: bool
    reason: str | None
    page: str | None
    """Where the person is meanwhile, while the login is held."""

    risk: str | None
    ran: bool | None
    second_factor: str | None = None
    executions: tuple[Execution, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRecord:
    """One line of the tenant's log."""

    key: str
    at: object
    kind: str
    words: str
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Corner:
    """Everything that the page shows of the tenant."""

    there: bool
    domain: str
    sequence: int = 0
    users: list[TenantUser] = field(default_factory=list)
    crowd: int = 0
    """Others, who are not shown."""
    logins: list[TenantLogin] = field(default_factory=list)
    records: list[TenantRecord] = field(default_factory=list)
    reasons: tuple[tuple[str, str], ...] = REASONS


def corner(state: Mapping[str, Any] | None, domain: str, outcomes: Outcomes) -> Corner:
    """Choose what the page shows; without a state, that the tenant is not there."""
    if state is None:
        return Corner(there=False, domain=domain)
    profiles = [user for user in state.get("users") or [] if isinstance(user, dict) and "user_id" in user]
    names = {str(profile["user_id"]): _name(profile) for profile in profiles}
    logins = [login for login in state.get("logins") or [] if isinstance(login, dict)]
    newest = sorted(enumerate(logins), key=lambda pair: (str(pair[1].get("at", "")), pair[0]), reverse=True)
    return Corner(
        there=True,
        domain=domain,
        sequence=int(state.get("sequence") or 0),
        users=[_user(profile) for profile in _ordered(profiles)[:SHOWN_USERS]],
        crowd=max(0, int(state.get("users_total") or 0) - min(len(profiles), SHOWN_USERS)),
        logins=[_login(outcomes.of(login), names) for _, login in newest[:SHOWN_LOGINS]],
        records=[_record(one) for one in state.get("logs") or [] if isinstance(one, dict)],
    )


def _ordered(profiles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*reversed(profiles[PLANTED:]), *profiles[:PLANTED]]


def _user(profile: Mapping[str, Any]) -> TenantUser:
    identities = [one for one in profile.get("identities") or [] if isinstance(one, Mapping)]
    through = [THROUGH[name] for one in identities if (name := str(one.get("provider"))) in THROUGH]
    unverified = bool(profile.get("email")) and profile.get("email_verified") is False
    marks = [
        *through,
        *(["Unverified"] if unverified else []),
        *(["Second factor"] if profile.get("multifactor") else []),
    ]
    if len(identities) > 1:
        marks.append(f"{len(identities)} identities")
    known = {
        name: value for name, value in profile.items() if name not in UNINTERESTING and value not in (None, {}, [])
    }
    return TenantUser(
        user_id=str(profile["user_id"]),
        name=_name(profile),
        email=str(profile.get("email") or profile.get("phone_number") or ""),
        blocked=bool(profile.get("blocked")),
        sessions=len(profile.get("sessions") or []),
        refresh_tokens=len(profile.get("refresh_tokens") or []),
        last_login=profile.get("last_login"),
        verified=not unverified,
        marks=tuple(marks),
        known=json.dumps(known, indent=1, ensure_ascii=False),
    )


def _name(profile: Mapping[str, Any]) -> str:
    return str(profile.get("name") or profile.get("email") or profile["user_id"])


def _login(login: Mapping[str, Any], names: Mapping[str, str]) -> TenantLogin:
    user_id = str(login.get("user_id", ""))
    runs = login.get("executions")
    return TenantLogin(
        key=f"{login.get('at')}-{user_id}",
        at=login.get("at"),
        name=names.get(user_id, user_id),
        allowed=bool(login.get("allowed")),
        reason=str(login["reason"]) if login.get("reason") else None,
        page=_web_address(login.get("redirect")),
        risk=str(login["risk"]) if login.get("risk") else None,
        ran=bool(runs) if isinstance(runs, list) else None,
        second_factor=str(login["second_factor"]) if login.get("second_factor") else None,
        executions=tuple(_execution(run) for run in runs or [] if isinstance(run, dict)),
    )


def _web_address(given: object) -> str | None:
    """Give an address that may be a link: what an Action names could be anything."""
    return given if isinstance(given, str) and given.startswith(("http://", "https://")) else None


def _record(record: Mapping[str, Any]) -> TenantRecord:
    return TenantRecord(
        key=str(record.get("log_id", "")),
        at=record.get("date"),
        kind=str(record.get("type", "")),
        words=str(record.get("description", "")),
        who=str(record.get("user_name") or record.get("client_name") or ""),
    )


def _execution(run: Mapping[str, Any]) -> Execution:
    spent = run.get("milliseconds")
    runner = str(run.get("runner", ""))
    return Execution(
        action=str(run.get("action", "")),
        runner={"node": "node", "twin": "Python (no node here)"}.get(runner, runner),
        error=str(run["error"]) if run.get("error") else None,
        milliseconds=round(spent) if isinstance(spent, int | float) else None,
        logs=tuple(str(line) for line in run.get("logs") or []),
    )
