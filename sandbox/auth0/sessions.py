"""Sessions and refresh tokens: what a login leaves behind, and how it is taken away."""

from typing import Any

from starlette.responses import Response

from sandbox.auth0.checks import Rules
from sandbox.auth0.errors import ApiError
from sandbox.auth0.moments import iso, letters
from sandbox.auth0.routing import Call, Routes, answer, empty
from sandbox.auth0.tenant import APPLICATION_ID, Plan, Tenant
from sandbox.auth0.users import account_of, forget

routes = Routes()

DAY = 86400
SESSIONS: tuple[Plan, str] = ("enterprise", "session management")
TOKENS: tuple[Plan, str] = ("enterprise", "refresh token management")
CHECKPOINTS: Rules = {
    "include_totals": {"type": "boolean", "about": "Return the total too."},
    "from": {"type": "string", "about": "Optional Id from which to start selection."},
    "take": {"type": "integer", "minimum": 1, "maximum": 100, "about": "Number of results per page."},
}
SESSION_ID: Rules = {"type": "string", "shortest": 1, "longest": 50, "about": "ID of the session"}
REVOCATION: Rules = {
    "closed": True,
    "properties": {
        "session_id": {**SESSION_ID, "about": "ID of the session to revoke."},
        "preserve_refresh_tokens": {"type": "boolean", "about": "Whether to preserve the refresh tokens."},
    },
}


def open_session(
    tenant: Tenant, user_id: str, *, ip: str, user_agent: str, asn: str, method: str = "pwd"
) -> dict[str, Any]:
    """Open a session for a person who has just logged in."""
    now = tenant.now()
    session = {
        "id": letters(32),
        "user_id": user_id,
        "created_at": iso(now),
        "updated_at": iso(now),
        "authenticated_at": iso(now),
        "authentication": {"methods": [{"name": method, "timestamp": iso(now)}]},
        "idle_expires_at": iso(now + 3 * DAY),
        "expires_at": iso(now + 7 * DAY),
        "last_interacted_at": iso(now),
        "device": {
            "initial_ip": ip,
            "initial_asn": asn,
            "initial_user_agent": user_agent,
            "last_ip": ip,
            "last_asn": asn,
            "last_user_agent": user_agent,
        },
        "clients": [{"client_id": APPLICATION_ID}],
        "cookie": {"mode": "persistent"},
    }
    tenant.sessions[str(session["id"])] = session
    return session


def give_refresh_token(tenant: Tenant, user_id: str, session: dict[str, Any] | None) -> dict[str, Any]:
    """Give a refresh token, in a session or outside one."""
    now = tenant.now()
    token = {
        "id": f"rt_{letters(18)}",
        "user_id": user_id,
        "created_at": iso(now),
        "idle_expires_at": iso(now + 15 * DAY),
        "expires_at": iso(now + 30 * DAY),
        "device": dict(session["device"]) if session else {},
        "client_id": APPLICATION_ID,
        "session_id": session["id"] if session else None,
        "rotating": True,
        "resource_servers": [{"audience": "https://api.example.com/", "scopes": "offline_access read:orders"}],
        "last_exchanged_at": iso(now),
    }
    tenant.refresh_tokens[str(token["id"])] = token
    return token


def close_session(tenant: Tenant, session_id: str, *, with_tokens: bool = True) -> None:
    """Close a session and, unless they are to stay, take its refresh tokens."""
    tenant.sessions.pop(session_id, None)
    for token in [one for one in tenant.refresh_tokens.values() if one["session_id"] == session_id]:
        if with_tokens:
            del tenant.refresh_tokens[token["id"]]
        else:
            token["session_id"] = None


def checkpoint_page(things: list[dict[str, Any]], name: str, query: Any) -> dict[str, Any]:
    """Cut a page that begins after the thing named by `from`."""
    ids = [thing["id"] for thing in things]
    start = ids.index(query["from"]) + 1 if query.get("from") in ids else 0
    page = things[start : start + query.get("take", 50)]
    body: dict[str, Any] = {name: page}
    if start + len(page) < len(things) and page:
        body["next"] = page[-1]["id"]
    if query.get("include_totals"):
        body["total"] = len(things)
    return body


@routes.on("GET", "/users/{id}/sessions", any_of=("read:sessions",), query=CHECKPOINTS, plan=SESSIONS)
def list_sessions(tenant: Tenant, call: Call) -> Response:
    """List a person's open sessions."""
    account = account_of(tenant, call.ids["id"])
    return answer(checkpoint_page(tenant.sessions_of(account.user_id), "sessions", call.query))


@routes.on("DELETE", "/users/{id}/sessions", any_of=("delete:sessions",), plan=SESSIONS)
def delete_sessions(tenant: Tenant, call: Call) -> Response:
    """Close all sessions of a person."""
    account = account_of(tenant, call.ids["id"])
    for session in tenant.sessions_of(account.user_id):
        close_session(tenant, session["id"], with_tokens=False)
    tenant.changes.happened()
    return answer({}, 202)


@routes.on("GET", "/users/{id}/refresh-tokens", any_of=("read:refresh_tokens",), query=CHECKPOINTS, plan=TOKENS)
def list_refresh_tokens(tenant: Tenant, call: Call) -> Response:
    """List a person's refresh tokens."""
    account = account_of(tenant, call.ids["id"])
    return answer(checkpoint_page(tenant.refresh_tokens_of(account.user_id), "tokens", call.query))


@routes.on("DELETE", "/users/{id}/refresh-tokens", any_of=("delete:refresh_tokens",))
def delete_refresh_tokens(tenant: Tenant, call: Call) -> Response:
    """Take all refresh tokens of a person away."""
    account = account_of(tenant, call.ids["id"])
    forget(tenant.refresh_tokens, account.user_id)
    tenant.changes.happened()
    return answer({}, 202)


@routes.on("POST", "/users/{id}/revoke-access", all_of=("delete:sessions", "delete:refresh_tokens"))
def revoke_access(tenant: Tenant, call: Call) -> Response:
    """Close a person's sessions (or one of them) and take the refresh tokens, unless they are to stay."""
    given = call.body(REVOCATION) if call.content else {}
    user_id = call.ids["id"]  # nobody of this id: 202 all the same, says the specification
    keep = given.get("preserve_refresh_tokens", False)
    wanted = given.get("session_id")
    for session in tenant.sessions_of(user_id):
        if wanted in {None, session["id"]}:
            close_session(tenant, session["id"], with_tokens=not keep)
    if wanted is None and not keep:
        forget(tenant.refresh_tokens, user_id)
    tenant.changes.happened()
    return empty(202)


def session_of(tenant: Tenant, call: Call) -> dict[str, Any]:
    """Find a session by its id.

    Raises ApiError 404 when it is gone.
    """
    session = tenant.sessions.get(call.ids["id"])
    if session is None:
        raise ApiError(404, "The session does not exist.", "inexistent_session")
    return session


@routes.on("GET", "/sessions/{id}", any_of=("read:sessions",), plan=SESSIONS)
def get_session(tenant: Tenant, call: Call) -> Response:
    """Get one session."""
    return answer(session_of(tenant, call))


@routes.on("DELETE", "/sessions/{id}", any_of=("delete:sessions",), plan=SESSIONS)
def delete_session(tenant: Tenant, call: Call) -> Response:
    """Close one session; its refresh tokens stay."""
    close_session(tenant, call.ids["id"], with_tokens=False)
    tenant.changes.happened()
    return answer({}, 202)


@routes.on("POST", "/sessions/{id}/revoke", all_of=("delete:sessions", "delete:refresh_tokens"), plan=SESSIONS)
def revoke_session(tenant: Tenant, call: Call) -> Response:
    """Close one session and take its refresh tokens."""
    session = session_of(tenant, call)
    close_session(tenant, session["id"])
    tenant.changes.happened()
    return empty(202)


def token_of(tenant: Tenant, call: Call) -> dict[str, Any]:
    """Find a refresh token by its id.

    Raises ApiError 404 when it is gone.
    """
    token = tenant.refresh_tokens.get(call.ids["id"])
    if token is None:
        raise ApiError(404, "The refresh token does not exist.", "inexistent_refresh_token")
    return token


@routes.on("GET", "/refresh-tokens/{id}", any_of=("read:refresh_tokens",), plan=TOKENS)
def get_refresh_token(tenant: Tenant, call: Call) -> Response:
    """Get one refresh token."""
    return answer(token_of(tenant, call))


@routes.on("DELETE", "/refresh-tokens/{id}", any_of=("delete:refresh_tokens",))
def delete_refresh_token(tenant: Tenant, call: Call) -> Response:
    """Take one refresh token away; the real service says 204 here, whatever its specification says."""
    tenant.refresh_tokens.pop(call.ids["id"], None)
    tenant.changes.happened()
    return empty()
