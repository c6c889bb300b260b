"""Open sessions: where a person is signed in."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from connectors.auth0.answers import MOST, PAGE, picked
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.devices import device_words
from connectors.auth0.ids import SessionId
from connectors.auth0.profiles import UserRef
from connectors.base import Value
from connectors.errors import Missing


class SessionRef(Value):
    """Which session is meant."""

    session_id: SessionId


class OpenSession(Value):
    """A session that is open."""

    id: str = Field(title="Session", description="Auth0's id of the session.")
    created_at: str | None = Field(default=None, title="Begun", description="When it began.")
    authenticated_at: str | None = Field(
        default=None, title="Signed in", description="When the person last showed who they are."
    )
    last_interacted_at: str | None = Field(
        default=None, title="Last used", description="When it was last used; a silent login counts."
    )
    idle_expires_at: str | None = Field(
        default=None, title="Ends unused", description="When it ends if it is not used."
    )
    expires_at: str | None = Field(default=None, title="Ends", description="When it ends at the latest.")
    device: str = Field(title="Device", description="What the browser says it is, such as Chrome on Windows.")
    ip: str | None = Field(default=None, title="Address", description="From which address it was last used.")
    applications: list[str] = Field(title="Applications", description="The ids of the applications that use it.")


class OpenSessions(Value):
    """Where a person is signed in."""

    sessions: list[OpenSession] = Field(title="Sessions", description="The open sessions, at most 1,000.")
    count: int = Field(title="Count", description="How many there are in the list.")
    last_used_at: str | None = Field(title="Last used", description="When any of them was last used.")


class SessionEnded(Value):
    """Which session is over."""

    session_id: str = Field(title="Session", description="Auth0's id of the session.")
    existed: bool = Field(title="Existed", description="False where it was over already.")


class SessionsEnded(Value):
    """Whose sessions are over."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    note: str = Field(title="Note", description="What goes on in spite of it.")


NOTE = "Refresh tokens stay valid, and access tokens that applications already hold go on until they run out."


@auth0.action("List sessions", effect="reads", repeatable=True)
async def list_sessions(client: Tenant, given: UserRef) -> OpenSessions:
    """List where a person is signed in. Auth0 offers this in some plans only."""
    found: list[OpenSession] = []
    async for each in await client.api.users.sessions.list(given.user_id, take=PAGE):
        found.append(_session(each.model_dump(mode="json")))
        if len(found) == MOST:
            break
    used = [each.last_interacted_at for each in found if each.last_interacted_at]
    return OpenSessions(sessions=found, count=len(found), last_used_at=max(used, default=None))


@auth0.action("End a session", effect="destroys", repeatable=True)
async def end_session(client: Tenant, given: SessionRef) -> SessionEnded:
    """End one session and revoke its refresh tokens. One that is over already is no error."""
    try:
        await client.api.sessions.revoke(given.session_id)
    except Missing as error:
        if error.code is None:  # it is the call that is not there: not in every plan
            raise
        return SessionEnded(session_id=given.session_id, existed=False)
    return SessionEnded(session_id=given.session_id, existed=True)


@auth0.action("End all sessions of a user", effect="destroys", repeatable=True)
async def end_sessions(client: Tenant, given: UserRef) -> SessionsEnded:
    """End all sessions of a person. Refresh tokens stay: sign the person out everywhere to take them away, too."""
    await client.api.users.sessions.delete(given.user_id)
    return SessionsEnded(user_id=given.user_id, note=NOTE)


def _session(data: Mapping[str, Any]) -> OpenSession:
    device = data.get("device") or {}
    return picked(
        OpenSession,
        data,
        device=device_words(device.get("last_user_agent") or device.get("initial_user_agent")),
        ip=device.get("last_ip") or device.get("initial_ip"),
        applications=[each["client_id"] for each in data.get("clients") or [] if each.get("client_id")],
    )
