"""Tickets: pages where a person sets a new password or verifies an e-mail address."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from connectors.auth0.answers import picked
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.ids import OnePart
from connectors.auth0.profiles import UserId
from connectors.base import Value

Address = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^https?://\S+$")]

MONTH = 30 * 86400


class Wanted(Value):
    """For whom a ticket is, and what comes after."""

    user_id: UserId
    result_url: Address | None = Field(
        default=None,
        title="Page afterwards",
        description="Where the person goes when it is done. Not with an application.",
    )
    client_id: OnePart | None = Field(
        default=None, title="Application", description="The id of the application that the person goes on to."
    )
    organization_id: OnePart | None = Field(
        default=None, title="Organization", description="Whose looks the page has: Auth0's id of it."
    )
    seconds: int | None = Field(
        default=None, ge=60, le=MONTH, title="Seconds", description="How long it is good; Auth0's own is five days."
    )


class PasswordTicket(Wanted):
    """For whom a password-change ticket is, and what comes after."""

    mark_email_as_verified: bool = Field(
        default=False,
        title="Verifies the e-mail address",
        description="Only if the ticket goes to that address and nowhere else.",
    )


class Ticket(Value):
    """A page for one person."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    ticket: str = Field(
        title="Page", description="Its address: whoever has it can do what it is for, so tell nobody but the person."
    )


class Recipient(Value):
    """Who gets an e-mail."""

    user_id: UserId
    client_id: OnePart | None = Field(
        default=None, title="Application", description="The id of the application that the e-mail speaks for."
    )
    organization_id: OnePart | None = Field(
        default=None, title="Organization", description="Whose looks the e-mail has: Auth0's id of it."
    )


class Sending(Value):
    """An e-mail on its way."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    id: str = Field(title="Job", description="Auth0's id of the job that sends it.")
    status: str = Field(title="Status", description="How far it is, such as pending.")


@auth0.action("Create a password-change ticket", effect="changes")
async def create_password_ticket(client: Tenant, given: PasswordTicket) -> Ticket:
    """Make the page where a person sets a new password. Auth0 sends nothing: that is up to the flow.

    A new password set in this way may also lift an administrator's block, so do not use it for people who are to
    stay blocked.
    """
    answer = await client.api.tickets.change_password(
        user_id=given.user_id, mark_email_as_verified=given.mark_email_as_verified, **_wanted(given)
    )
    return picked(Ticket, answer, user_id=given.user_id)


@auth0.action("Create an e-mail verification ticket", effect="changes")
async def create_email_verification_ticket(client: Tenant, given: Wanted) -> Ticket:
    """Make the page that verifies a person's e-mail address. Auth0 sends nothing: that is up to the flow."""
    answer = await client.api.tickets.verify_email(user_id=given.user_id, **_wanted(given))
    return picked(Ticket, answer, user_id=given.user_id)


@auth0.action("Send a verification e-mail", effect="changes")
async def send_verification_email(client: Tenant, given: Recipient) -> Sending:
    """Have Auth0 send a person its e-mail that verifies their address."""
    wanted = given.model_dump(exclude={"user_id"}, exclude_none=True)
    answer = await client.api.jobs.verification_email.create(user_id=given.user_id, **wanted)
    return picked(Sending, answer, user_id=given.user_id)


def _wanted(given: Wanted) -> dict[str, Any]:
    known = {
        "result_url": given.result_url,
        "client_id": given.client_id,
        "organization_id": given.organization_id,
        "ttl_sec": given.seconds,
    }
    return {name: value for name, value in known.items() if value is not None}
