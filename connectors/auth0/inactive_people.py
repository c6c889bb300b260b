"""One person who may be inactive: looked at once more, before they are written to or deleted."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.profiles import NO_SUCH_USER, User, UserId, user_from
from connectors.auth0.signs_of_life import SIGNS, Signal, Signs, last_of, moment_of
from connectors.base import Value
from connectors.errors import Missing


class Whether(Value):
    """Who is looked at, and what counts as being there."""

    user_id: UserId
    since: AwareDatetime = Field(
        title="Since", description="Whoever was there at this moment or later is active, by whatever shows it."
    )
    confirm_with: Signs | Literal["none"] = Field(
        default="none",
        title="Confirm with",
        description="Silent logins and refresh tokens do not count as a login. What else to look at: sessions and refresh "
        "tokens are not in every plan, and logs go back some days only.",
    )


class Life(Value):
    """When somebody was there last."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    exists: bool = Field(title="Exists", description="Whether there is such a person still.")
    active: bool = Field(title="Active", description="Whether they were there since the moment.")
    signal: Signal = Field(title="Signal", description="What shows when; never: only the account's age is known.")
    seen_at: str | None = Field(default=None, title="Seen", description="When the person was there last, if ever.")
    email: str | None = Field(default=None, title="E-mail", description="The person's e-mail address.")
    name: str | None = Field(default=None, title="Name", description="The full name.")
    accounts: list[str] = Field(
        default=[], title="Accounts", description="The accounts that are linked in this user, the main one first."
    )


class Removed(Life):
    """What became of somebody who was to be deleted."""

    deleted: bool = Field(title="Deleted", description="False if they were there since, or are not there any more.")


@auth0.action("Check that somebody is inactive", effect="reads", repeatable=True)
async def check_inactive(client: Tenant, given: Whether) -> Life:
    """Look when a person was there last, as it is known at this moment. The age of an account alone is no sign of life."""
    return await _life(client, given)


@auth0.action("Delete an inactive user", effect="destroys", repeatable=True)
async def delete_inactive_user(client: Tenant, given: Whether) -> Removed:
    """Delete a person for good, unless they were there since a moment: that is looked at right before, each time."""
    life = await _life(client, given)
    deleted = life.exists and not life.active
    if deleted:
        await client.api.users.delete(given.user_id)
    return Removed(**life.model_dump(), deleted=deleted)


async def _life(client: Tenant, given: Whether) -> Life:
    signs = [] if given.confirm_with == "none" else SIGNS[given.confirm_with]
    try:
        user = user_from(await client.api.users.get(given.user_id))
        # A login says enough: nothing else is asked for then.
        login = moment_of(user.last_login)
        later = None if _active(login, given.since) else await last_of(client, given.user_id, signs)
    except Missing as error:
        if error.code != NO_SUCH_USER:
            raise
        return Life(user_id=given.user_id, exists=False, active=False, signal="never")
    signal: Signal = "never" if login is None else "last_login"
    if later is not None and (login is None or later.at > login):
        login, signal = later.at, later.signal
    return Life(
        user_id=given.user_id,
        exists=True,
        active=_active(login, given.since),
        signal=signal,
        seen_at=None if login is None else login.astimezone(UTC).isoformat(timespec="milliseconds"),
        email=user.email,
        name=user.name,
        accounts=_accounts(user),
    )


def _active(at: datetime | None, since: datetime) -> bool:
    return at is not None and at >= since


def _accounts(user: User) -> list[str]:
    return [f"{each.connection or each.provider}: {each.provider}|{each.user_id}" for each in user.identities]
