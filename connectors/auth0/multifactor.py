"""Second factors: inviting people to set one up, and forgetting what was remembered of them."""

from typing import Literal

from pydantic import Field

from connectors.auth0.answers import picked
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.profiles import UserId, UserRef
from connectors.base import Value

Factor = Literal["push-notification", "phone", "email", "otp", "webauthn-roaming", "webauthn-platform"]


class Invitation(Value):
    """Whom to invite to set up a second factor."""

    user_id: UserId
    send_mail: bool = Field(
        default=True, title="Send an e-mail", description="Whether Auth0 sends the person the address of the page."
    )
    email: str | None = Field(
        default=None,
        min_length=3,
        max_length=320,
        title="E-mail",
        description="Where to send it, if not to the person's own address.",
    )
    factor: Factor | None = Field(default=None, title="Factor", description="Which one; empty for the person's choice.")


class EnrolmentTicket(Value):
    """A page where a person sets up a second factor."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    ticket_id: str | None = Field(default=None, title="Ticket", description="Auth0's id of the invitation.")
    ticket_url: str | None = Field(
        default=None,
        title="Page",
        description="Its address: whoever has it can set up the factor, so tell nobody else.",
    )


class BrowsersForgotten(Value):
    """Whose browsers are forgotten."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")


class ProviderRef(Value):
    """Which provider of second factors of which person is meant."""

    user_id: UserId
    provider: Literal["duo", "google-authenticator"] = Field(title="Provider", description="Whose factor it is.")


class ProviderDeleted(Value):
    """Whose second factor is gone."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    provider: str = Field(title="Provider", description="Whose factor it was.")


@auth0.action("Invite a user to set up a second factor", effect="changes")
async def create_enrolment_ticket(client: Tenant, given: Invitation) -> EnrolmentTicket:
    """Make the page where a person sets up a second factor, and send them its address."""
    wanted = given.model_dump(exclude={"user_id"}, exclude_none=True)
    answer = await client.api.guardian.enrollments.create_ticket(user_id=given.user_id, **wanted)
    return picked(EnrolmentTicket, answer, user_id=given.user_id)


@auth0.action("Forget remembered browsers", effect="changes", repeatable=True)
async def forget_browsers(client: Tenant, given: UserRef) -> BrowsersForgotten:
    """Ask a person for their second factor again in every browser where they chose not to be asked."""
    await client.api.users.multifactor.invalidate_remember_browser(given.user_id)
    return BrowsersForgotten(user_id=given.user_id)


@auth0.action("Delete a multifactor provider", effect="destroys", repeatable=True)
async def delete_multifactor_provider(client: Tenant, given: ProviderRef) -> ProviderDeleted:
    """Take a factor of Duo, or of a code generator that was set up the old way, from a person."""
    await client.api.users.multifactor.delete_provider(given.user_id, given.provider)
    return ProviderDeleted(user_id=given.user_id, provider=given.provider)
