"""Logins: what the tenant does when a person signs in."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.auth0.events import Visit, post_login_event
from sandbox.auth0.logs import note_login
from sandbox.auth0.moments import iso
from sandbox.auth0.places import DENIED_IP, FAR_AWAY, HOME, OTHER_DEVICE, PLACES, USUAL_DEVICE
from sandbox.auth0.profiles import merge
from sandbox.auth0.risk import DEFAULT_REASONS, Confidence, Reason, assess
from sandbox.auth0.runner import Execution, run
from sandbox.auth0.sessions import close_session, give_refresh_token, open_session
from sandbox.auth0.tenant import Account, Tenant

REFRESH = "oauth2-refresh-token"


class Login(BaseModel):
    """A login that somebody asks for at `POST /sandbox/logins`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user_id: str
    risk: Confidence | None = None
    why: list[Reason] | None = None
    protocol: str = "oidc-basic-profile"
    city: str | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    country_name: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    event_overrides: dict[str, Any] = {}

    def reasons(self) -> list[Reason]:
        """Say why the login is risky: as asked for, or as fits the risk."""
        if self.risk is None:
            return []
        return DEFAULT_REASONS[self.risk] if self.why is None else self.why


class Outcome(BaseModel):
    """How a login ended."""

    allowed: bool
    reason: str | None
    event: dict[str, Any] | None
    executions: list[dict[str, Any]]


async def log_in(tenant: Tenant, account: Account, login: Login, address: str) -> Outcome:
    """Let a person sign in, or not, and run what is bound to post-login."""
    exchange = login.protocol == REFRESH
    visit = visit_of(login)
    first = "last_login" not in account.profile
    if not exchange:
        count(tenant, account, visit)
    if account.profile.get("blocked"):
        note(tenant, account, visit, {}, "user is blocked")
        return Outcome(allowed=False, reason="user is blocked", event=None, executions=[])
    session = None
    if exchange:
        session = next(iter(tenant.sessions_of(account.user_id)), None)
    else:
        session = open_session(tenant, account.user_id, ip=visit.ip, user_agent=visit.user_agent, asn=visit.asn)
        give_refresh_token(tenant, account.user_id, session)
    risk = risk_of(login, account, visit, first=first)
    event = post_login_event(tenant, account, visit, address=address, session=session, risk=risk)
    event = merged(event, login.event_overrides)
    tenant.changes.happened()
    executions, reason = await run_bound(tenant, account, event)
    if reason is None:
        account.user_agents.add(visit.user_agent)
        account.cities.add(visit.geoip.get("cityName", ""))
    elif session and not exchange:
        close_session(tenant, session["id"])
    details = {"session_id": session["id"] if session else None, "riskAssessment": risk}
    note(tenant, account, visit, {name: value for name, value in details.items() if value}, reason)
    return Outcome(
        allowed=reason is None,
        reason=reason,
        event=event,
        executions=[execution.shown() for execution in executions],
    )


def visit_of(login: Login) -> Visit:
    """Say where the login comes from: what was asked for, else what fits the reasons."""
    reasons = login.reasons()
    travelled = "impossible_travel" in reasons
    place = PLACES.get(login.city or "", FAR_AWAY if travelled else HOME)
    geoip = place.geoip()
    if login.city is not None and login.city not in PLACES:
        geoip = {"cityName": login.city}
    if login.country is not None and login.country != geoip.get("countryCode"):
        geoip = {name: value for name, value in geoip.items() if name == "cityName" and login.city is not None}
        geoip["countryCode"] = login.country
    if login.country_name is not None:
        geoip["countryName"] = login.country_name
    ip = login.ip or (DENIED_IP if "untrusted_ip" in reasons else None)
    new = "new_device" in reasons
    user_agent = login.user_agent or (OTHER_DEVICE if new and login.risk == "low" else USUAL_DEVICE)
    return Visit.of(place, ip=ip, user_agent=user_agent, geoip=geoip, protocol=login.protocol)


def risk_of(login: Login, account: Account, visit: Visit, *, first: bool) -> dict[str, Any] | None:
    """Assess the risk, where the login has one."""
    if login.risk is None:
        return None
    moved = bool(account.cities) and visit.geoip.get("cityName") not in account.cities
    return assess(login.risk, login.reasons(), ip=visit.ip, first=first, moved=moved, devices=bool(account.user_agents))


def count(tenant: Tenant, account: Account, visit: Visit) -> None:
    """Count the attempt. The real service does so for a blocked person as well."""
    profile = account.profile
    profile["last_ip"] = visit.ip
    profile["last_login"] = iso(tenant.now())
    profile["updated_at"] = profile["last_login"]
    profile["logins_count"] = profile.get("logins_count", 0) + 1


async def run_bound(tenant: Tenant, account: Account, event: dict[str, Any]) -> tuple[list[Execution], str | None]:
    """Run what is bound, in order, till one of them refuses; gives the runs and the reason of the refusal."""
    executions: list[Execution] = []
    for binding in list(tenant.bindings.get("post-login", [])):
        action = tenant.actions.get(binding["action_id"])
        if action is None or action.deployed is None:
            continue
        execution = await run(tenant.settings, action.name, action.deployed.draft, event)
        executions.append(execution)
        if execution.error is not None:
            return executions, execution.error
        write_metadata(account, execution)
        reason = execution.denied()
        if reason is not None:
            return executions, reason
    return executions, None


METADATA: dict[str, Literal["app_metadata", "user_metadata"]] = {
    "user.setAppMetadata": "app_metadata",
    "user.setUserMetadata": "user_metadata",
}


def write_metadata(account: Account, execution: Execution) -> None:
    """Write the metadata that an Action set, once, at its end; a refusal does not undo it."""
    for name, *arguments in execution.commands:
        if name in METADATA and len(arguments) == 2:
            merge(account.profile, METADATA[name], {str(arguments[0]): arguments[1]})


def note(tenant: Tenant, account: Account, visit: Visit, details: dict[str, Any], reason: str | None) -> None:
    """Note how the login ended."""
    tenant.logins.append(
        {"at": iso(tenant.now()), "user_id": account.user_id, "allowed": reason is None, "reason": reason}
    )
    note_login(tenant, account, visit, details, reason)
    tenant.changes.happened()


def merged(value: Any, change: Any) -> Any:
    """Merge one JSON value into another, all the way down."""
    if not (isinstance(value, dict) and isinstance(change, dict)):
        return change
    return {**value, **{name: merged(value.get(name), one) for name, one in change.items()}}
