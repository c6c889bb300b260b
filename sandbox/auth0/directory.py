"""What there is in the tenant besides people, for looking only: connections, clients, settings, figures."""

from typing import Any

from starlette.responses import Response

from sandbox.auth0.checks import Rules
from sandbox.auth0.errors import ApiError
from sandbox.auth0.moments import iso, seconds
from sandbox.auth0.paging import BOTH, paged
from sandbox.auth0.profiles import selected
from sandbox.auth0.routing import Call, Routes, answer
from sandbox.auth0.tenant import (
    APPLICATION_ID,
    APPLICATION_NAME,
    CONNECTIONS,
    Connection,
    Tenant,
)
from sandbox.auth0.users import FIELDS

routes = Routes()

DAY = 86400.0
ACTIVE_DAYS = 30


def shown_connection(connection: Connection) -> dict[str, Any]:
    """Show a connection."""
    return {
        "id": connection.id,
        "name": connection.name,
        "strategy": connection.strategy,
        "options": {},
        "realms": [connection.name],
        "is_domain_connection": False,
        "authentication": {"active": True},
        "connected_accounts": {"active": False},
    }


@routes.on(
    "GET",
    "/connections",
    any_of=("read:connections",),
    query={
        **BOTH,
        **FIELDS,
        "strategy": {"type": "array", "about": "Provide strategies to only retrieve connections with such strategies."},
        "name": {"type": "string", "about": "Provide the name of the connection to retrieve."},
    },
)
def list_connections(tenant: Tenant, call: Call) -> Response:
    """List connections, all or those of a name or some strategies."""
    query = call.query
    found = [
        selected(shown_connection(one), dict(query))
        for one in CONNECTIONS.values()
        if query.get("name", one.name) == one.name and one.strategy in query.get("strategy", [one.strategy])
    ]
    return paged(found, "connections", query, lambda one: str(one.get("id", "")))


@routes.on("GET", "/connections/{id}", any_of=("read:connections",), query=FIELDS)
def get_connection(tenant: Tenant, call: Call) -> Response:
    """Get one connection, with the clients that it is enabled for."""
    for connection in CONNECTIONS.values():
        if connection.id == call.ids["id"]:
            shown = {**shown_connection(connection), "enabled_clients": [APPLICATION_ID]}
            return answer(selected(shown, dict(call.query)))
    raise ApiError(404, "The connection does not exist.", "inexistent_connection")


def clients(tenant: Tenant, scopes: frozenset[str]) -> list[dict[str, Any]]:
    """Give the clients: the customers' application, and the one that uses this API. Secrets take a scope of their own."""
    common = {"tenant": tenant.name, "global": False, "is_first_party": True, "oidc_conformant": True}
    application = {
        "client_id": APPLICATION_ID,
        "name": APPLICATION_NAME,
        "app_type": "regular_web",
        "callbacks": ["https://app.example.com/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "client_secret_post",
        "client_metadata": {"team": "customers"},
        **common,
    }
    machine: dict[str, Any] = {
        "client_id": tenant.client_id,
        "name": "Management",
        "app_type": "non_interactive",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_post",
        **common,
    }
    if "read:client_keys" in scopes:
        machine["client_secret"] = tenant.client_secret
    return [application, machine]


CLIENT_SCOPES = ("read:clients", "read:client_keys", "read:client_summary")
CLIENTS: Rules = {
    **BOTH,
    **FIELDS,
    "per_page": {"type": "integer", "minimum": 0, "maximum": 100},
    "is_global": {"type": "boolean"},
    "is_first_party": {"type": "boolean"},
    "app_type": {"type": "string"},
    "external_client_id": {"type": "string", "shortest": 1, "longest": 120},
    "q": {"type": "string"},
}


@routes.on("GET", "/clients", any_of=CLIENT_SCOPES, query=CLIENTS)
def list_clients(tenant: Tenant, call: Call) -> Response:
    """List the clients."""
    kinds = call.query.get("app_type", "").split(",") if "app_type" in call.query else None
    found = [
        selected(one, dict(call.query))
        for one in clients(tenant, call.scopes)
        if (kinds is None or one["app_type"] in kinds)
        and call.query.get("is_global", False) is False
        and call.query.get("is_first_party", True) is True
        and "external_client_id" not in call.query
    ]
    return paged(found, "clients", call.query, lambda one: str(one.get("client_id", "")))


@routes.on("GET", "/clients/{id}", any_of=CLIENT_SCOPES, query=FIELDS)
def get_client(tenant: Tenant, call: Call) -> Response:
    """Get one client."""
    for client in clients(tenant, call.scopes):
        if client["client_id"] == call.ids["id"]:
            return answer(selected(client, dict(call.query)))
    raise ApiError(404, "The client does not exist.", "inexistent_client")


@routes.on("GET", "/stats/active-users", any_of=("read:stats",))
def active_users(tenant: Tenant, call: Call) -> Response:
    """Count the people who logged in within thirty days."""
    since = tenant.now() - ACTIVE_DAYS * DAY
    logins = [seconds(str(account.profile.get("last_login", ""))) for account in tenant.accounts.values()]
    return answer(sum(1 for login in logins if login is not None and login >= since))


@routes.on(
    "GET",
    "/stats/daily",
    any_of=("read:stats",),
    query={name: {"type": "string", "pattern": r"^\d{8}$"} for name in ("from", "to")},
)
def daily(tenant: Tenant, call: Call) -> Response:
    """Count the logins of each day, from the log."""
    first, last = call.query.get("from", ""), call.query.get("to", "99999999")
    days: dict[str, dict[str, int]] = {}
    for record in tenant.logs:
        day = record["date"][:10]
        if not first <= day.replace("-", "") <= last:
            continue
        counts = days.setdefault(day, {"logins": 0, "signups": 0, "leaked_passwords": 0})
        kind = {"s": "logins", "ss": "signups", "pwd_leak": "leaked_passwords"}.get(record["type"])
        if kind:
            counts[kind] += 1
    now = iso(tenant.now())
    return answer(
        [
            {"date": f"{day}T00:00:00.000Z", **counts, "updated_at": now, "created_at": f"{day}T00:00:00.000Z"}
            for day, counts in sorted(days.items())
        ]
    )


@routes.on("GET", "/tenants/settings", any_of=("read:tenant_settings",), query=FIELDS)
def settings(tenant: Tenant, call: Call) -> Response:
    """Show the tenant's settings."""
    shown = {
        "friendly_name": tenant.name,
        "support_email": "support@example.com",
        "support_url": "https://example.com/support",
        "picture_url": "https://example.com/logo.png",
        "session_lifetime": 168,
        "idle_session_lifetime": 72,
        "sandbox_version": "22",
        "sandbox_versions_available": ["18", "22"],
        "enabled_locales": ["en"],
        "default_audience": "",
        "default_directory": "",
        "flags": {"enable_client_connections": True, "revoke_refresh_token_grant": False},
        "session_cookie": {"mode": "persistent"},
        "customize_mfa_in_postlogin_action": True,
    }
    return answer(selected(shown, dict(call.query)))
