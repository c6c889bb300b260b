"""The people of a workspace."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from connectors.base import Value
from connectors.slack.client import Workspace
from connectors.slack.connector import slack

Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=320)]


class Person(Value):
    """A person of the workspace."""

    user_id: str = Field(title="Person", description="Their id, such as U0123456789.")
    name: str = Field(title="Name", description="The name they go by.")
    real_name: str = Field(title="Full name", description="Their full name, as far as they give it.")
    email: str | None = Field(title="E-mail", description="Their e-mail address, if Slack tells it.")
    is_admin: bool = Field(title="Admin", description="Whether they are an admin or owner of the workspace.")
    is_guest: bool = Field(title="Guest", description="Whether they see some channels only.")
    is_bot: bool = Field(title="Bot", description="Whether it is an app.")
    deleted: bool = Field(title="Switched off", description="Whether the account is switched off.")
    time_zone: str | None = Field(title="Time zone", description="Such as Europe/Berlin.")


class EmailRef(Value):
    """An e-mail address."""

    email: Email = Field(title="E-mail", description="The address that the person has in Slack.")


class Everybody(Value):
    """Whom to list."""

    bots: bool = Field(default=False, title="Bots", description="Whether apps are listed, too.")
    deleted: bool = Field(
        default=False, title="Switched off", description="Whether accounts that are switched off are listed, too."
    )


@slack.action("Find a person by e-mail", effect="reads", repeatable=True)
async def find_user_by_email(client: Workspace, given: EmailRef) -> Person:
    """Find the person who has an e-mail address in Slack. It is an error if there is nobody."""
    return await user_with(client, given.email)


@slack.action("List people", effect="reads", repeatable=True)
async def list_users(client: Workspace, given: Everybody) -> AsyncIterator[Person]:
    """List the people of the workspace, however many they are."""
    async for page in client.listed("users.list", "members"):
        for each in page:
            person = _person(each)
            if (given.bots or not person.is_bot) and (given.deleted or not person.deleted):
                yield person


async def user_with(client: Workspace, email: str) -> Person:
    """Find the person who has an e-mail address. Raises Missing."""
    return _person((await client.call("users.lookupByEmail", reads=True, email=email))["user"])


def _person(user: Mapping[str, Any]) -> Person:
    profile = user.get("profile") or {}
    return Person(
        user_id=str(user["id"]),
        name=str(profile.get("display_name") or user.get("name") or ""),
        real_name=str(profile.get("real_name") or user.get("real_name") or ""),
        email=profile.get("email"),
        is_admin=bool(user.get("is_admin") or user.get("is_owner")),
        is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        # Slackbot is a bot that Slack does not call one.
        is_bot=bool(user.get("is_bot")) or user["id"] == "USLACKBOT",
        deleted=bool(user.get("deleted")),
        time_zone=user.get("tz"),
    )
