"""Tickets: links that let a person choose a new password or prove an e-mail address."""

from typing import Any, Literal

from starlette.responses import Response

from sandbox.auth0.checks import Rules
from sandbox.auth0.errors import ApiError, bad_body, no_such_user
from sandbox.auth0.jobs import connection_of, new_job, shown_job
from sandbox.auth0.mails import send
from sandbox.auth0.moments import letters
from sandbox.auth0.routing import Call, Routes, answer
from sandbox.auth0.tenant import APPLICATION_ID, Account, Tenant, Ticket
from sandbox.auth0.users import account_of

routes = Routes()

USUAL_LIFE = 432_000
IDENTITY: Rules = {
    "type": "object",
    "closed": True,
    "required": ("user_id", "provider"),
    "properties": {
        "user_id": {"type": "string"},
        "provider": {"type": "string"},
        "connection_id": {"type": "string", "pattern": r"^con_[A-Za-z0-9]{16}$"},
    },
}
COMMON: Rules = {
    "result_url": {"type": "string", "format": "uri", "about": "URL the user will be redirected to."},
    "user_id": {"type": "string", "shortest": 1, "about": "user_id of for whom the ticket should be created."},
    "client_id": {"type": "string", "shortest": 1, "about": "ID of the client."},
    "organization_id": {"type": "string", "shortest": 1, "about": "ID of the organization."},
    "ttl_sec": {"type": "integer", "minimum": 0, "about": "Number of seconds for which the ticket is valid."},
    "includeEmailInRedirect": {"type": "boolean"},
    "identity": IDENTITY,
}
DOMAIN: Rules = {"auth0-custom-domain": {"type": "string", "shortest": 3, "longest": 255}}
VERIFICATION: Rules = {"closed": True, "required": ("user_id",), "properties": COMMON}
PASSWORD: Rules = {
    "closed": True,
    "properties": {
        **COMMON,
        "connection_id": {"type": "string", "pattern": r"^con_[A-Za-z0-9]{16}$"},
        "email": {"type": "string", "format": "email", "about": "Email address of the user."},
        "mark_email_as_verified": {"type": "boolean"},
    },
}
VERIFICATION_JOB: Rules = {
    "closed": True,
    "required": ("user_id",),
    "properties": {name: COMMON[name] for name in ("user_id", "client_id", "organization_id", "identity")},
}


def refuse_names(tenant: Tenant, given: dict[str, Any]) -> None:
    """Refuse a client or an organization that is not there."""
    if given.get("client_id", APPLICATION_ID) not in {APPLICATION_ID, tenant.client_id}:
        raise ApiError(404, "The client does not exist.", "inexistent_client")
    if "organization_id" in given and given["organization_id"] not in tenant.organizations:
        raise ApiError(404, "The organization does not exist.", "inexistent_organization")


def new_ticket(
    tenant: Tenant, kind: Literal["password-change", "email-verification"], account: Account, given: dict[str, Any]
) -> Ticket:
    """Make a ticket."""
    life = given.get("ttl_sec") or USUAL_LIFE
    ticket = Ticket(id=letters(32), kind=kind, user_id=account.user_id, expires=tenant.now() + life, asked=dict(given))
    tenant.tickets[ticket.id] = ticket
    tenant.changes.happened()
    return ticket


@routes.on("POST", "/tickets/password-change", any_of=("create:user_tickets",), query=DOMAIN)
def change_password(tenant: Tenant, call: Call) -> Response:
    """Make a link under which a person can choose a new password."""
    given = call.body(PASSWORD)
    account = person_meant(tenant, given)
    refuse_names(tenant, given)
    if account.connection.strategy != "auth0":
        raise ApiError(400, "The user's main connection does not support this operation.", "operation_not_supported")
    ticket = new_ticket(tenant, "password-change", account, given)
    return answer({"ticket": f"{call.address}/lo/reset?ticket={ticket.id}#"}, 201)


def person_meant(tenant: Tenant, given: dict[str, Any]) -> Account:
    """Find whose password it is: by id, or by e-mail and connection.

    Raises ApiError 404 when there is nobody, 400 when it cannot be told who is meant.
    """
    if "user_id" in given and "email" in given:
        raise bad_body("Either user_id or email, not both")
    if "user_id" in given:
        return account_of(tenant, given["user_id"])
    for name in ("email", "connection_id"):
        if name not in given:
            raise bad_body(f"Missing required property: {name}")
    connection = connection_of(given["connection_id"])
    for account in tenant.accounts.values():
        if account.connection is connection and account.profile.get("email") == given["email"].lower():
            return account_of(tenant, account.user_id)
    raise no_such_user()


@routes.on("POST", "/tickets/email-verification", any_of=("create:user_tickets",), query=DOMAIN)
def verify_email(tenant: Tenant, call: Call) -> Response:
    """Make a link that proves an e-mail address."""
    given = call.body(VERIFICATION)
    account = with_email(tenant, given)
    ticket = new_ticket(tenant, "email-verification", account, given)
    return answer({"ticket": f"{call.address}/u/email-verification?ticket={ticket.id}#"}, 201)


def with_email(tenant: Tenant, given: dict[str, Any]) -> Account:
    """Find a person who has an e-mail address.

    Raises ApiError 404 when there is nobody, 400 when there is no address.
    """
    account = account_of(tenant, given["user_id"])
    refuse_names(tenant, given)
    if not account.profile.get("email"):
        raise ApiError(400, "The user does not have an email address.", "invalid_body")
    return account


@routes.on("POST", "/jobs/verification-email", any_of=("update:users",), query=DOMAIN)
def send_verification(tenant: Tenant, call: Call) -> Response:
    """Send a link that proves an e-mail address."""
    given = call.body(VERIFICATION_JOB)
    account = with_email(tenant, given)
    ticket = new_ticket(tenant, "email-verification", account, given)
    url = f"{call.address}/u/email-verification?ticket={ticket.id}#"
    send(tenant, kind="email-verification", to=str(account.profile["email"]), user_id=account.user_id, url=url)
    shown = shown_job(tenant, new_job(tenant, "verification_email", None))
    return answer({name: shown[name] for name in ("status", "type", "created_at", "id")}, 201)
