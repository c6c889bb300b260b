"""Logins: what the tenant does when a person signs in."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.auth0 import failures, user_events
from sandbox.auth0.challenges import Answering, challenge
from sandbox.auth0.continuing import ASKING, Pursuit, carry_on, end, note
from sandbox.auth0.course import begin
from sandbox.auth0.effects import Denial
from sandbox.auth0.events import Visit, post_login_event
from sandbox.auth0.moments import iso
from sandbox.auth0.outcomes import Outcome, begun
from sandbox.auth0.places import DENIED_IP, FAR_AWAY, HOME, OTHER_DEVICE, PLACES, USUAL_DEVICE
from sandbox.auth0.risk import DEFAULT_REASONS, Confidence, Reason, assess
from sandbox.auth0.sessions import close_session, give_refresh_token, open_session
from sandbox.auth0.tenant import Account, Organization, Tenant
from sandbox.auth0.triggers import POST_LOGIN
from sandbox.auth0.visitors import merged

REFRESH = "oauth2-refresh-token"
AUDIENCE = "https://api.example.com/"


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
    mfa: Answering | Literal["asked"] = "passed"
    """How a second factor is answered, if there is one; "asked" sends the person to the tenant's own page for it."""

    organization: str | None = None
    """The id or the name of the organization that the person logs in to."""

    event_overrides: dict[str, Any] = {}

    def reasons(self) -> list[Reason]:
        """Say why the login is risky: as asked for, or as fits the risk."""
        if self.risk is None:
            return []
        return DEFAULT_REASONS[self.risk] if self.why is None else self.why


async def log_in(tenant: Tenant, account: Account, login: Login, address: str) -> Outcome:
    """Let a person sign in, or not, and run what is bound to post-login."""
    exchange = login.protocol == REFRESH
    visit = visit_of(login)
    outcome = begun(tenant, POST_LOGIN.id, account.user_id)
    first = "last_login" not in account.profile
    before = user_events.shown_user(account.profile)
    if not exchange:
        count(tenant, account, visit)
    session = None
    if exchange:
        session = next(iter(tenant.sessions_of(account.user_id)), None)
    else:
        session = open_session(tenant, account.user_id, ip=visit.ip, user_agent=visit.user_agent, asn=visit.asn)
        del tenant.sessions[session["id"]]  # nobody is logged in before the last Action has run
    risk = risk_of(login, account, visit, first=first)
    event = post_login_event(tenant, account, visit, address=address, session=session, risk=risk)
    organization = named_organization(tenant, login.organization)
    if organization is not None:
        event["organization"] = shown_organization(organization)
    event = merged(event, login.event_overrides)
    course = begin(tenant, POST_LOGIN, event)
    pursuit = Pursuit(outcome=outcome, course=course, visit=visit, account=account, conclude=lambda: None)
    attempt = Attempt(
        tenant=tenant, account=account, login=login, pursuit=pursuit, session=session, risk=risk, before=before
    )
    pursuit.conclude = attempt.conclude
    pursuit.asks = f"{address}{ASKING}" if login.mfa == "asked" else None
    pursuit.entry = {"id": outcome.id, "at": iso(tenant.now()), "user_id": account.user_id}
    tenant.logins.append(pursuit.entry)
    refusal = failures.refusal(tenant, account, visit, exchange=exchange)
    if refusal is not None:
        attempt.refuse_at_the_door(refusal)
        return outcome
    tenant.changes.happened()
    await carry_on(tenant, pursuit)
    return outcome


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One login from its beginning to its end."""

    tenant: Tenant
    account: Account
    login: Login
    pursuit: Pursuit
    session: dict[str, Any] | None
    risk: dict[str, Any] | None
    before: dict[str, Any]

    @property
    def exchange(self) -> bool:
        """Whether it is the exchange of a refresh token: nobody logs in."""
        return self.login.protocol == REFRESH

    def refuse_at_the_door(self, refusal: failures.Refusal) -> None:
        """Refuse it before any Action runs."""
        self.pursuit.outcome.refuse(refusal.reason)
        user_events.updated(self.tenant, self.account, self.before, self.pursuit.visit)
        self.write(refusal.kind, refusal.reason)
        end(self.tenant, self.pursuit)

    def conclude(self) -> None:
        """Do what the Actions asked for, and let the person in or not."""
        pursuit, outcome = self.pursuit, self.pursuit.outcome
        if outcome.reason is not None:
            return
        course = pursuit.course
        effects = course.effects
        answer = pursuit.answer or ("passed" if self.login.mfa == "asked" else self.login.mfa)
        denial = course.denial or challenge(self.tenant, pursuit, answer) or self.change_person()
        outcome.claims = {"id_token": effects.id_token, "access_token": effects.access_token}
        outcome.scope = effects.scopes(list(course.event.get("transaction", {}).get("requested_scopes") or []))
        if not course.failed:
            effects.write_metadata(self.account)
        self.close_what_was_revoked()
        if denial is None:
            self.let_in()
            outcome.allow()
        else:
            outcome.refuse(denial.reason, message=denial.message, code=denial.code)
        if self.account.user_id in self.tenant.accounts:
            user_events.updated(self.tenant, self.account, self.before, pursuit.visit)
        self.write_ending(denial)

    def change_person(self) -> Denial | None:
        """Log the person in as the one whose identity this is, where an Action says so; gives what is against it."""
        primary_id = self.pursuit.course.effects.primary_user
        if primary_id is not None:
            primary = self.tenant.accounts.get(primary_id)
            mine = self.account.profile["identities"][0]
            names = (mine["provider"], mine["user_id"])
            identities = primary.profile["identities"] if primary else []
            if primary is None or names not in [(one["provider"], one["user_id"]) for one in identities]:
                return Denial(reason="the identity of this login is not among those of the primary user")
            self.become(primary)
        return None

    def become(self, primary: Account) -> None:
        """Go on as somebody else."""
        self.before = user_events.shown_user(primary.profile)
        self.account = self.pursuit.account = primary
        self.pursuit.outcome.user_id = primary.user_id
        if self.session:
            self.session["user_id"] = primary.user_id

    def close_what_was_revoked(self) -> None:
        """End the session or take the refresh token, where an Action has revoked it."""
        effects = self.pursuit.course.effects
        if effects.session_revoked and self.session:
            close_session(self.tenant, self.session["id"], with_tokens=not effects.keep_refresh_tokens)
        token = self.pursuit.course.event.get("refresh_token")
        if effects.refresh_token_revoked and token:
            self.tenant.refresh_tokens.pop(token["id"], None)

    def let_in(self) -> None:
        """Open the session, and remember the device and the place."""
        visit = self.pursuit.visit
        self.account.user_agents.add(visit.user_agent)
        self.account.cities.add(visit.geoip.get("cityName", ""))
        self.account.wrong_passwords.pop(visit.ip, None)
        # Whoever was deleted or linked in the middle of it has no account that a session could be of.
        if self.session and not self.exchange and self.account.user_id in self.tenant.accounts:
            self.tenant.sessions[self.session["id"]] = self.session
            give_refresh_token(self.tenant, self.account.user_id, self.session)

    def write_ending(self, denial: Denial | None) -> None:
        """Write the record of how it ended."""
        details: dict[str, Any] = {}
        if self.session:
            details["session_id"] = self.session["id"]
        if self.risk:
            details["riskAssessment"] = self.risk
        executions = [one.id for one in self.pursuit.course.executions]
        if denial is None:
            details["actions"] = {"executions": executions}
            self.write("sertft" if self.exchange else "s", "Successful login", details)
        else:
            details["error"] = {"message": denial.reason, "oauthError": denial.code}
            self.write("fertft" if self.exchange else "f", denial.reason, details)

    def write(self, kind: str, description: str, details: dict[str, Any] | None = None) -> None:
        """Write a record of it."""
        exchanged: dict[str, Any] = {"audience": AUDIENCE, "scope": "openid profile email"} if self.exchange else {}
        usual: dict[str, Any] = {"error": {"message": description, "oauthError": "unauthorized"}}
        more = {**exchanged, **organization_of(self.pursuit.course.event)}
        note(self.tenant, self.pursuit, kind, description, details if details is not None else usual, **more)


def named_organization(tenant: Tenant, named: str | None) -> Organization | None:
    """Find the organization that a login is to."""
    every = tenant.organizations.values()
    return next((one for one in every if named in (one.id, one.name)), None) if named else None


def shown_organization(organization: Organization) -> dict[str, Any]:
    """Write an organization as events have it."""
    return {
        "id": organization.id,
        "name": organization.name,
        "display_name": organization.display_name,
        "metadata": dict(organization.metadata),
    }


def organization_of(event: dict[str, Any]) -> dict[str, Any]:
    """Say in a record which organization it was."""
    known = event.get("organization")
    return {"organization_id": known["id"], "organization_name": known["name"]} if known else {}


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
