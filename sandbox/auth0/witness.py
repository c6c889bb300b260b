"""The witness: turns what a client has changed through the Management API into log records and events about people."""

import json
from typing import Any

from starlette.responses import Response

from sandbox.auth0 import records, user_events
from sandbox.auth0.events import Visit
from sandbox.auth0.places import HOME
from sandbox.auth0.routing import Call, Route
from sandbox.auth0.tenant import CLIENT_ID, Account, Tenant

CLIENT_NAME = "Management client"
SECRETS = (b'"client_secret"', b'"httpAuthorization"')
"""What makes the reading of an answer worth a record."""


def before(tenant: Tenant, route: Route, call: Call) -> Account | None:
    """Remember the person whom a call may change, as they are now."""
    if route.method == "GET" or route.parts[2:4] != ("users", "{id}"):
        return None
    account = tenant.accounts.get(call.ids["id"])
    return Account(profile=user_events.shown_user(account.profile)) if account else None


def after(tenant: Tenant, route: Route, call: Call, remembered: Account | None, response: Response) -> None:
    """Tell what a call has changed."""
    if response.status_code >= 300:
        return
    if route.method == "GET":
        content = bytes(response.body) if hasattr(response, "body") else b""
        if any(one in content for one in SECRETS):
            record(tenant, route, call, "mgmt_api_read", response)
        return
    record(tenant, route, call, "sapi", response)
    if route.method == "POST" and route.parts[2:] == ("users",):
        user_events.created(tenant, tenant.accounts[json.loads(bytes(response.body))["user_id"]])
    if route.method == "DELETE" and route.parts[2:3] == ("user-blocks",):
        details = {"title": "Unblock User", "query": dict(call.query)}
        about: dict[str, Any] = {"strategy": "", "strategy_type": ""}
        records.write(tenant, "ublkdu", "User block released", visit=visit(call), details=details, **about)
    if remembered is None:
        return
    account = tenant.accounts.get(remembered.user_id)
    if account is None:
        records.write(tenant, "sdu", "User deleted", visit=visit(call), account=remembered, details={"body": {}})
        user_events.deleted(tenant, remembered)
    else:
        user_events.updated(tenant, account, remembered.profile)


def limited(tenant: Tenant, method: str, path: str, user_agent: str) -> None:
    """Write that a client has reached the limit; once, however many of its calls do so one after the other."""
    if tenant.logs and tenant.logs[-1]["type"] == "api_limit":
        return
    limit = {"bucket": "management-api", "global": True, "size": tenant.settings.burst}
    records.write(
        tenant,
        "api_limit",
        "You passed the limit of calls of the Management API",
        visit=visit_of(user_agent),
        details={"limit": limit, "request": {"method": method.lower(), "path": path}},
        client_id=CLIENT_ID,
        client_name=CLIENT_NAME,
    )


def visit(call: Call) -> Visit:
    """Say where the client of a call is."""
    return visit_of(call.headers.get("user-agent", ""))


def visit_of(user_agent: str) -> Visit:
    """Say where a client is."""
    return Visit(ip="127.0.0.1", asn=HOME.asn, user_agent=user_agent, geoip={}, protocol="")


def record(tenant: Tenant, route: Route, call: Call, kind: str, response: Response) -> None:
    """Write the record of a call. What it carried is not in it: the real one is masked in places that nobody documents."""
    asked: dict[str, Any] = {
        "method": call.method.lower(),
        "path": call.path,
        "query": dict(call.query),
        "ip": "127.0.0.1",
        "userAgent": call.headers.get("user-agent", ""),
        "channel": "api",
        "auth": {"strategy": "jwt", "credentials": None, "user": ""},
    }
    details: dict[str, Any] = {"request": asked, "response": {"statusCode": response.status_code, "body": {}}}
    if kind == "mgmt_api_read":
        details["accessedSecrets"] = ["client_secret" if SECRETS[0] in bytes(response.body) else "sink"]
    words = (route.endpoint.__doc__ or kind).partition(".")[0].partition(";")[0]
    records.write(tenant, kind, words, visit=visit(call), details=details, client_id=CLIENT_ID, client_name=CLIENT_NAME)
