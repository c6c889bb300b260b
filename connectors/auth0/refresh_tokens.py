"""Refresh tokens: how applications stay signed in without asking the person again."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from connectors.auth0.answers import MOST, PAGE, picked
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.devices import device_words
from connectors.auth0.ids import RefreshTokenId
from connectors.auth0.profiles import UserRef
from connectors.base import Value


class RefreshTokenRef(Value):
    """Which refresh token is meant."""

    refresh_token_id: RefreshTokenId


class RefreshToken(Value):
    """A refresh token, without the token itself."""

    id: str = Field(title="Refresh token", description="Auth0's id of it.")
    created_at: str | None = Field(default=None, title="Given", description="When it was given.")
    last_exchanged_at: str | None = Field(default=None, title="Last used", description="When it was last used.")
    idle_expires_at: str | None = Field(
        default=None, title="Ends unused", description="When it ends if it is not used."
    )
    expires_at: str | None = Field(default=None, title="Ends", description="When it ends at the latest.")
    client_id: str | None = Field(default=None, title="Application", description="The id of the application it is for.")
    session_id: str | None = Field(default=None, title="Session", description="The session it was given in.")
    device: str = Field(title="Device", description="What the browser says it is, such as Chrome on Windows.")
    ip: str | None = Field(default=None, title="Address", description="From which address it was last used.")


class RefreshTokens(Value):
    """The refresh tokens of a person."""

    tokens: list[RefreshToken] = Field(title="Refresh tokens", description="Those that are valid, at most 1,000.")
    count: int = Field(title="Count", description="How many there are in the list.")
    last_used_at: str | None = Field(title="Last used", description="When any of them was last used.")


class RefreshTokenRevoked(Value):
    """Which refresh token is revoked."""

    refresh_token_id: str = Field(title="Refresh token", description="Auth0's id of it.")
    note: str = Field(title="Note", description="What goes on in spite of it.")


class RefreshTokensRevoked(Value):
    """Whose refresh tokens are revoked."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    note: str = Field(title="Note", description="What goes on in spite of it.")


NOTE = "Sessions stay open, and access tokens that applications already hold go on until they run out."


@auth0.action("List refresh tokens", effect="reads", repeatable=True)
async def list_refresh_tokens(client: Tenant, given: UserRef) -> RefreshTokens:
    """List the refresh tokens of a person. Auth0 offers this in some plans only."""
    found: list[RefreshToken] = []
    async for each in await client.api.users.refresh_token.list(given.user_id, take=PAGE):
        found.append(_token(each.model_dump(mode="json")))
        if len(found) == MOST:
            break
    used = [each.last_exchanged_at for each in found if each.last_exchanged_at]
    return RefreshTokens(tokens=found, count=len(found), last_used_at=max(used, default=None))


@auth0.action("Revoke a refresh token", effect="destroys", repeatable=True)
async def revoke_refresh_token(client: Tenant, given: RefreshTokenRef) -> RefreshTokenRevoked:
    """Revoke one refresh token. One that is not there any more is no error."""
    await client.api.refresh_tokens.delete(given.refresh_token_id)
    return RefreshTokenRevoked(refresh_token_id=given.refresh_token_id, note=NOTE)


@auth0.action("Revoke all refresh tokens of a user", effect="destroys", repeatable=True)
async def revoke_refresh_tokens(client: Tenant, given: UserRef) -> RefreshTokensRevoked:
    """Revoke all refresh tokens of a person: applications ask them to sign in again sooner or later."""
    await client.api.users.refresh_token.delete(given.user_id)
    return RefreshTokensRevoked(user_id=given.user_id, note=NOTE)


def _token(data: Mapping[str, Any]) -> RefreshToken:
    device = data.get("device") or {}
    return picked(
        RefreshToken,
        data,
        device=device_words(device.get("last_user_agent") or device.get("initial_user_agent")),
        ip=device.get("last_ip") or device.get("initial_ip"),
    )
