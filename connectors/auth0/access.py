"""Letting people in and keeping them out."""

from collections.abc import Awaitable
from typing import Literal

from pydantic import Field

from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.profiles import NO_SUCH_USER, UserRef
from connectors.base import Value
from connectors.errors import ConnectorError, Missing, Refused

NOT_IN_THE_PLAN = "insufficient_entitlement"
LATER = "Access tokens that applications already hold go on until they run out."
NOT_BACK = "Sessions and refresh tokens that were ended are not brought back: the person signs in again."


class Blocked(Value):
    """The person cannot sign in."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    blocked: Literal[True] = Field(title="Blocked", description="Always true.")


class Unblocked(Value):
    """The person can sign in."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    blocked: Literal[False] = Field(title="Blocked", description="Always false.")
    note: str = Field(title="Note", description="What this does not do.")


class Revoked(Value):
    """What the person has lost."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    sessions_ended: bool = Field(
        title="Sessions ended", description="False only where the tenant's plan does not allow it."
    )
    refresh_tokens_revoked: bool = Field(
        title="Refresh tokens revoked", description="False only where the tenant's plan does not allow it."
    )
    note: str = Field(title="Note", description="What goes on in spite of it.")


class LockedOut(Revoked):
    """The person cannot sign in, and what was open is closed."""

    blocked: Literal[True] = Field(title="Blocked", description="Always true.")


@auth0.action("Block a user", effect="changes", undo="unblock_user", repeatable=True)
async def block_user(client: Tenant, given: UserRef) -> Blocked:
    """Stop a person from signing in. Sessions that are already open go on."""
    await client.api.users.update(given.user_id, blocked=True)
    return Blocked(user_id=given.user_id, blocked=True)


@auth0.action("Unblock a user", effect="changes", undo="block_user", repeatable=True)
async def unblock_user(client: Tenant, given: UserRef) -> Unblocked:
    """Let a person sign in again whom an administrator blocked. Blocks after wrong passwords are another thing."""
    await client.api.users.update(given.user_id, blocked=False)
    return Unblocked(user_id=given.user_id, blocked=False, note=NOT_BACK)


@auth0.action("Sign a user out everywhere", effect="destroys", repeatable=True)
async def revoke_access(client: Tenant, given: UserRef) -> Revoked:
    """End all sessions of a person and revoke all their refresh tokens. They may sign in again."""
    # Auth0 accepts the revocation for people who do not exist: ask first.
    await client.api.users.get(given.user_id, fields="user_id", include_fields=True)
    sessions, tokens = await _end_access(client, given.user_id)
    if not sessions and not tokens:
        raise Refused("The plan of this Auth0 tenant does not allow ending sessions.", code=NOT_IN_THE_PLAN)
    return Revoked(
        user_id=given.user_id, sessions_ended=sessions, refresh_tokens_revoked=tokens, note=_note(sessions, tokens)
    )


@auth0.action("Lock a user out", effect="destroys", undo="unblock_user", repeatable=True)
async def lock_out_user(client: Tenant, given: UserRef) -> LockedOut:
    """Stop a person from signing in, end all their sessions and revoke all their refresh tokens.

    Undoing it lets the person sign in again; what was ended stays ended.
    """
    await client.api.users.update(given.user_id, blocked=True)
    try:
        sessions, tokens = await _end_access(client, given.user_id)
    except ConnectorError as error:  # half done is said, or an open session would be taken for closed
        raise error.preceded_by("The person is blocked, but their open sessions may go on.") from error
    return LockedOut(
        user_id=given.user_id,
        blocked=True,
        sessions_ended=sessions,
        refresh_tokens_revoked=tokens,
        note=_note(sessions, tokens),
    )


async def _end_access(client: Tenant, user_id: str) -> tuple[bool, bool]:
    """End sessions and revoke refresh tokens; tell which of the two the tenant's plan allowed."""
    users = client.api.users
    if await _offered(users.revoke_access(user_id)):
        return True, True
    return await _offered(users.sessions.delete(user_id)), await _offered(users.refresh_token.delete(user_id))


async def _offered(call: Awaitable[None]) -> bool:
    """Make a call that not every plan has; False where this tenant's has not."""
    try:
        await call
    except (Missing, Refused) as error:
        plan = error.code == NOT_IN_THE_PLAN or (isinstance(error, Missing) and error.code != NO_SUCH_USER)
        if not plan:
            raise
        return False
    return True


def _note(sessions: bool, tokens: bool) -> str:
    """Say what goes on."""
    kept = [
        text for text, ended in (("Open sessions go on", sessions), ("Refresh tokens stay valid", tokens)) if not ended
    ]
    return " ".join([*(f"{text}: the plan of this Auth0 tenant does not allow ending them." for text in kept), LATER])
