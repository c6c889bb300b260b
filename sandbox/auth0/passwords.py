"""Passwords: somebody changes one, or has forgotten it and proves to be who they say before they choose another."""

from typing import Any

from sandbox.auth0 import user_events
from sandbox.auth0.challenges import Answering, challenge
from sandbox.auth0.continuing import Pursuit, carry_on, note
from sandbox.auth0.course import begin
from sandbox.auth0.events import (
    Visit,
    client,
    host_of,
    plain_request,
    shown_connection,
    user,
)
from sandbox.auth0.moments import hexadecimal, iso, letters
from sandbox.auth0.outcomes import Outcome, begun
from sandbox.auth0.tenant import Account, Tenant
from sandbox.auth0.triggers import PASSWORD_RESET, POST_CHANGE_PASSWORD
from sandbox.auth0.visitors import Visitor, merged

CHANGED = ("email", "last_password_reset", "phone_number", "phone_verified", "user_id", "username")


class PasswordChange(Visitor):
    """A password that somebody changes, as asked for at `POST /sandbox/password-changes`."""

    user_id: str
    password: str = "a-new-password-of-my-own"


class PasswordReset(PasswordChange):
    """A forgotten password, as asked for at `POST /sandbox/password-resets`: the person has opened the link in their mail."""

    mfa: Answering = "passed"


async def change_password(tenant: Tenant, account: Account, wanted: PasswordChange, address: str) -> Outcome:
    """Change a password; what is bound to the time after it decides nothing."""
    outcome = begun(tenant, POST_CHANGE_PASSWORD.id, account.user_id)
    visit = wanted.visit()
    set_password(tenant, account, wanted.password, visit)
    event = merged(changed_event(tenant, account, visit, host_of(address)), wanted.event_overrides)
    course = begin(tenant, POST_CHANGE_PASSWORD, event)
    pursuit = Pursuit(outcome=outcome, course=course, visit=visit, account=account, conclude=outcome.allow)
    note_change(tenant, pursuit)
    outcome.allow()
    await carry_on(tenant, pursuit)
    return outcome


async def reset_password(tenant: Tenant, account: Account, wanted: PasswordReset, address: str) -> Outcome:
    """Let somebody choose a new password, if the Actions after the first proof allow that."""
    outcome = begun(tenant, PASSWORD_RESET.id, account.user_id)
    visit = wanted.visit()
    event = merged(reset_event(tenant, account, visit, host_of(address)), wanted.event_overrides)
    course = begin(tenant, PASSWORD_RESET, event)
    pursuit = Pursuit(outcome=outcome, course=course, visit=visit, account=account, conclude=lambda: None)

    def conclude() -> None:
        denial = course.denial or challenge(tenant, pursuit, wanted.mfa)
        outcome.result_url = course.effects.result_url
        if denial is not None:
            body = {"connection": account.connection.name, "email": account.profile.get("email", ""), "debug": False}
            asked = {**body, "client_id": "", "tenant": tenant.name, "verify": True}
            note(tenant, pursuit, "fcpr", denial.reason, {"body": asked})
            outcome.refuse(denial.reason, message=denial.message, code=denial.code)
            return
        set_password(tenant, account, wanted.password, visit)
        note_change(tenant, pursuit)
        outcome.allow()

    pursuit.conclude = conclude
    await carry_on(tenant, pursuit)
    return outcome


def set_password(tenant: Tenant, account: Account, password: str, visit: Visit) -> None:
    """Remember the new password."""
    before = user_events.shown_user(account.profile)
    account.password = password
    account.profile["last_password_reset"] = account.profile["updated_at"] = iso(tenant.now())
    user_events.updated(tenant, account, before, visit)
    tenant.changes.happened()


def note_change(tenant: Tenant, pursuit: Pursuit) -> None:
    """Write the record of a password that has been changed."""
    email = pursuit.account.profile.get("email", "") if pursuit.account else ""
    details: dict[str, Any] = {"body": {}, "query": {}, "email": email, "title": "Change Password"}
    note(tenant, pursuit, "scp", "You can now login to the application with the new password.", details)


def changed_event(tenant: Tenant, account: Account, visit: Visit, host: str) -> dict[str, Any]:
    """Write the event after a change of password."""
    profile = account.profile
    known = {name: profile[name] for name in CHANGED if name in profile}
    return {
        "tenant": {"id": tenant.name},
        "connection": shown_connection(account.connection),
        "request": plain_request(visit, host),
        "transaction": {"correlation_id": hexadecimal(32)},
        "user": {**known, "email_verified": bool(profile.get("email_verified", False))},
    }


def reset_event(tenant: Tenant, account: Account, visit: Visit, host: str) -> dict[str, Any]:
    """Write the event after the first proof of somebody who has forgotten their password."""
    written = user(account, account.profile["identities"][0])
    written.pop("multifactor", None)
    roles = [tenant.roles[role_id]["name"] for role_id in account.roles if role_id in tenant.roles]
    return {
        "tenant": {"id": tenant.name},
        "authentication": {"methods": [{"name": "email", "timestamp": iso(tenant.now())}]},
        "authorization": {"roles": roles},
        "client": client(),
        "connection": shown_connection(account.connection),
        "prompt": {"id": "reset-password"},
        "request": plain_request(visit, host, body={}, query={"ticket": letters(32)}),
        "stats": {"logins_count": account.profile.get("logins_count", 0)},
        "transaction": {
            "correlation_id": hexadecimal(32),
            "locale": "en",
            "login_hint": account.profile.get("email", ""),
            "state": letters(32),
            "ui_locales": [],
        },
        "user": written,
    }
