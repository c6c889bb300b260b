"""Sign-ups: somebody makes an account of their own, if the Actions before it allow that."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from sandbox.auth0 import user_events
from sandbox.auth0.continuing import Pursuit, carry_on, note
from sandbox.auth0.course import begin
from sandbox.auth0.events import (
    Visit,
    client,
    host_of,
    person,
    plain_request,
    security_context,
    shown_connection,
    transaction_of,
)
from sandbox.auth0.outcomes import Outcome, begun
from sandbox.auth0.profiles import WEAK_PASSWORD, new_account, taken
from sandbox.auth0.tenant import APPLICATION_ID, CONNECTIONS, Account, Connection, Tenant
from sandbox.auth0.triggers import POST_USER_REGISTRATION, PRE_USER_REGISTRATION
from sandbox.auth0.visitors import Visitor, merged

PROFILE = ("email", "phone_number", "username", "name", "given_name", "family_name", "nickname", "picture")


class SignUp(Visitor):
    """A sign-up that somebody asks for at `POST /sandbox/signups`."""

    connection: str = "Username-Password-Authentication"
    email: str | None = None
    phone_number: str | None = None
    username: str | None = None
    password: str = "a-password-of-my-own"
    leaked: bool = False
    """Whether the password is known from a leak elsewhere."""

    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    nickname: str | None = None
    picture: str | None = None
    user_metadata: Annotated[dict[str, Any], Field(default_factory=dict)]

    @model_validator(mode="after")
    def _somebody(self) -> "SignUp":
        if self.connection not in CONNECTIONS or CONNECTIONS[self.connection].social:
            raise ValueError(f"nobody can sign up at the connection {self.connection}")
        needed = "phone_number" if self.connection == "sms" else "email"
        if not getattr(self, needed):
            raise ValueError(f"a sign-up at {self.connection} needs the field {needed}")
        return self

    def profile(self) -> dict[str, Any]:
        """Give what was typed about the person."""
        typed = {name: getattr(self, name) for name in PROFILE if getattr(self, name) is not None}
        if "email" in typed:
            typed["email"] = typed["email"].lower()
        return typed


async def sign_up(tenant: Tenant, wanted: SignUp, address: str) -> Outcome:
    """Make an account, or refuse it; then run what is bound to the time after it, which decides nothing."""
    outcome = begun(tenant, PRE_USER_REGISTRATION.id)
    connection, visit, host = CONNECTIONS[wanted.connection], wanted.visit(), host_of(address)
    event = merged(before_event(tenant, wanted, connection, visit, host), wanted.event_overrides)
    course = begin(tenant, PRE_USER_REGISTRATION, event)
    pursuit = Pursuit(outcome=outcome, course=course, visit=visit, account=None, conclude=lambda: None)
    about: dict[str, Any] = {"connection": connection, "user_name": wanted.email or wanted.phone_number or ""}
    refusal = refused(tenant, wanted, connection)
    if refusal is not None:
        if wanted.leaked:
            note(
                tenant, pursuit, "signup_pwd_leak", "Someone tried to sign up with a password that has leaked", **about
            )
        note(tenant, pursuit, "fs", refusal, **about)
        outcome.refuse(refusal)
        return outcome
    await carry_on(tenant, pursuit)
    if course.denial is not None:
        note(tenant, pursuit, "fs", course.denial.reason, **about)
        outcome.refuse(course.denial.reason, message=course.denial.message, code=course.denial.code)
        return outcome
    given = {**wanted.profile(), "user_metadata": dict(wanted.user_metadata) or None, "password": wanted.password}
    account = pursuit.account = new_account(tenant, given, connection)
    course.effects.write_metadata(account)
    tenant.accounts[account.user_id] = account
    outcome.user_id = account.user_id
    outcome.allow()
    executions = [one.id for one in course.executions]
    body = {"client_id": APPLICATION_ID, "connection": connection.name, "tenant": tenant.name, **wanted.profile()}
    note(tenant, pursuit, "ss", "Successful signup", {"body": body, "actions": {"executions": executions}})
    user_events.created(tenant, account, visit)
    tenant.changes.happened()
    await run_after(tenant, pursuit, after_event(tenant, account, visit, host))
    return outcome


def refused(tenant: Tenant, wanted: SignUp, connection: Connection) -> str | None:
    """Say why the service itself refuses a sign-up, if it does."""
    if connection.strategy == "auth0" and wanted.leaked:
        return "the password has leaked elsewhere"
    if connection.strategy == "auth0" and len(wanted.password) < WEAK_PASSWORD:
        return "the password is too weak"
    if taken(tenant, connection, wanted.profile()):
        return "the user already exists"
    return None


async def run_after(tenant: Tenant, pursuit: Pursuit, event: dict[str, Any]) -> None:
    """Run what is bound to the time after a sign-up; whatever it does, the account is there."""
    after = Pursuit(
        outcome=pursuit.outcome,
        course=begin(tenant, POST_USER_REGISTRATION, event),
        visit=pursuit.visit,
        account=pursuit.account,
        conclude=lambda: None,
    )
    await carry_on(tenant, after)


def before_event(tenant: Tenant, wanted: SignUp, connection: Connection, visit: Visit, host: str) -> dict[str, Any]:
    """Write the event before a sign-up: the person has no id yet."""
    user: dict[str, Any] = {**wanted.profile(), "app_metadata": {}, "user_metadata": dict(wanted.user_metadata)}
    form = {"client_id": APPLICATION_ID, "connection": connection.name, **wanted.profile(), "password": wanted.password}
    return {
        "tenant": {"id": tenant.name},
        "client": client(),
        "connection": shown_connection(connection),
        "request": plain_request(visit, host, body=form),
        "security_context": security_context(),
        "transaction": transaction_of(visit),
        "user": user,
    }


def after_event(tenant: Tenant, account: Account, visit: Visit, host: str) -> dict[str, Any]:
    """Write the event after a sign-up."""
    return {
        "tenant": {"id": tenant.name},
        "connection": shown_connection(account.connection),
        "request": plain_request(visit, host),
        "security_context": security_context(),
        "transaction": transaction_of(visit),
        "user": person(account),
    }
