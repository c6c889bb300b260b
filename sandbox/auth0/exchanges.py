"""Exchanges: a program gets a token for itself, or for a person whom a token of somebody else's names."""

from typing import Annotated, Any

from pydantic import Field

from sandbox.auth0 import user_events
from sandbox.auth0.continuing import Pursuit, carry_on, note
from sandbox.auth0.course import begin
from sandbox.auth0.effects import Denial
from sandbox.auth0.events import Visit, host_of, plain_request
from sandbox.auth0.moments import hexadecimal
from sandbox.auth0.outcomes import Outcome, begun
from sandbox.auth0.profiles import new_account
from sandbox.auth0.tenant import CONNECTIONS, Account, Tenant
from sandbox.auth0.triggers import CREDENTIALS_EXCHANGE, CUSTOM_TOKEN_EXCHANGE
from sandbox.auth0.visitors import Visitor, merged

PROGRAM_ID = "sandboxReportingProgram00000001P"
PROGRAM_NAME = "Nightly reports"
PROGRAM = "node-fetch/3"


class Exchange(Visitor):
    """A program that asks for a token, at `POST /sandbox/exchanges`."""

    user_agent: str | None = PROGRAM
    client_id: str = PROGRAM_ID
    client_name: str = PROGRAM_NAME
    audience: str = "https://api.example.com/"
    scope: Annotated[list[str], Field(default_factory=lambda: ["read:orders"])]


class TokenExchange(Exchange):
    """A program that shows a token of somebody else's, at `POST /sandbox/token-exchanges`."""

    subject_token: str = "a token of another service"
    subject_token_type: str = "urn:example:session"
    requested_token_type: str | None = None


async def exchange_credentials(tenant: Tenant, wanted: Exchange, address: str) -> Outcome:
    """Give a program a token, if the Actions allow that."""
    outcome = begun(tenant, CREDENTIALS_EXCHANGE.id)
    visit = wanted.visit("oauth2-access-token")
    event = {
        **program_event(tenant, wanted, visit, host_of(address)),
        "accessToken": {"customClaims": {}, "scope": wanted.scope},
        "transaction": {"correlation_id": hexadecimal(32), "requested_scopes": wanted.scope},
    }
    course = begin(tenant, CREDENTIALS_EXCHANGE, merged(event, wanted.event_overrides))
    pursuit = Pursuit(outcome=outcome, course=course, visit=visit, account=None, conclude=lambda: None)

    def conclude() -> None:
        if course.denial is not None:
            outcome.refuse(course.denial.reason, code=course.denial.code)
            note(tenant, pursuit, "feccft", course.denial.reason, **about(wanted))
            return
        outcome.claims["access_token"] = course.effects.access_token
        outcome.scope = course.effects.scopes(wanted.scope)
        outcome.allow()
        executions = {"actions": {"executions": [one.id for one in course.executions]}}
        note(tenant, pursuit, "seccft", "Client Credentials for Access Token", executions, **about(wanted))

    pursuit.conclude = conclude
    await carry_on(tenant, pursuit)
    return outcome


async def exchange_token(tenant: Tenant, wanted: TokenExchange, address: str) -> Outcome:
    """Give a program a token for the person whom the Actions name."""
    outcome = begun(tenant, CUSTOM_TOKEN_EXCHANGE.id)
    visit = wanted.visit("oauth2-token-exchange")
    transaction: dict[str, Any] = {
        "requested_scopes": wanted.scope,
        "requested_token_type": wanted.requested_token_type,
        "subject_token": wanted.subject_token,
        "subject_token_type": wanted.subject_token_type,
    }
    event = {**program_event(tenant, wanted, visit, host_of(address)), "transaction": transaction}
    course = begin(tenant, CUSTOM_TOKEN_EXCHANGE, merged(event, wanted.event_overrides))
    pursuit = Pursuit(outcome=outcome, course=course, visit=visit, account=None, conclude=lambda: None)

    def conclude() -> None:
        denial = course.denial
        if denial is None:
            pursuit.account, denial = subject(tenant, course.effects.subject, visit)
        details = {"subject_token_type": wanted.subject_token_type}
        if denial is not None or pursuit.account is None:
            refused = denial or Denial(reason="no Action has said whose token it is", code="server_error")
            outcome.refuse(refused.reason, code=refused.code)
            note(tenant, pursuit, "fecte", refused.reason, details, **about(wanted))
            return
        if course.effects.write_metadata(pursuit.account):
            tenant.changes.happened()
        outcome.user_id = pursuit.account.user_id
        outcome.scope = course.effects.scopes(wanted.scope)
        outcome.organization, outcome.actor = course.effects.organization, course.effects.actor
        outcome.allow()
        note(tenant, pursuit, "secte", "Custom Token Exchange", details, **about(wanted))

    pursuit.conclude = conclude
    await carry_on(tenant, pursuit)
    return outcome


def about(wanted: Exchange) -> dict[str, Any]:
    """Say in a record which program it was, and what it wanted."""
    return {
        "client_id": wanted.client_id,
        "client_name": wanted.client_name,
        "audience": wanted.audience,
        "scope": " ".join(wanted.scope),
    }


def program_event(tenant: Tenant, wanted: Exchange, visit: Visit, host: str) -> dict[str, Any]:
    """Write the parts of an event that concern the program; its secret is in the form, as in real ones."""
    kind = "token-exchange" if isinstance(wanted, TokenExchange) else "client_credentials"
    form = {
        "grant_type": kind,
        "client_id": wanted.client_id,
        "client_secret": hexadecimal(64),
        "audience": wanted.audience,
    }
    if isinstance(wanted, TokenExchange):
        form["subject_token"] = wanted.subject_token
    return {
        "tenant": {"id": tenant.name},
        "client": {"client_id": wanted.client_id, "name": wanted.client_name, "metadata": {}},
        "request": plain_request(visit, host, body=form),
        "resource_server": {"identifier": wanted.audience},
    }


def subject(tenant: Tenant, named: dict[str, Any] | None, visit: Visit) -> tuple[Account | None, Denial | None]:
    """Find (or make) the person whom an Action has named."""
    if named is None:
        return None, None
    account = tenant.accounts.get(named["user_id"]) if "user_id" in named else of_connection(tenant, named, visit)
    if account is None:
        return None, Denial(reason="that user does not exist", code="invalid_request")
    if account.profile.get("blocked"):
        return None, Denial(reason="user is blocked", code="invalid_request")
    return account, None


def of_connection(tenant: Tenant, named: dict[str, Any], visit: Visit) -> Account | None:
    """Find the person of a connection, or make them where the Action wants that."""
    connection = CONNECTIONS.get(named["connection"])
    if connection is None:
        return None
    local_id = str(named["profile"].get("user_id", ""))
    account = tenant.accounts.get(f"{connection.strategy}|{local_id}")
    if account is None and named["options"].get("creationBehavior") == "create_if_not_exists":
        account = new_account(tenant, named["profile"], connection, local_id or None)
        tenant.accounts[account.user_id] = account
        user_events.created(tenant, account, visit)
    return account
