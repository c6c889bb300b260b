"""Roles, and who has them."""

from typing import Any

from starlette.responses import Response

from sandbox.auth0.checks import Rules
from sandbox.auth0.errors import ApiError
from sandbox.auth0.routing import Call, Routes, answer, empty
from sandbox.auth0.tenant import Tenant
from sandbox.auth0.users import PAGES, account_of

routes = Routes()

MOST_ROLES = 50
NAMED: Rules = {
    "closed": True,
    "required": ("roles",),
    "properties": {
        "roles": {
            "type": "array",
            "at_least": 1,
            "items": {"type": "string", "shortest": 1},
            "about": "List of roles IDs to associate with the user.",
        }
    },
}


def paged(found: list[dict[str, str]], query: Any) -> Response:
    """Cut a page."""
    page, size = query.get("page", 0), query.get("per_page", 50)
    some = found[page * size : (page + 1) * size]
    if not query.get("include_totals"):
        return answer(some)
    return answer({"start": page * size, "limit": size, "total": len(found), "roles": some})


@routes.on("GET", "/roles", any_of=("read:roles",), query={**PAGES, "name_filter": {"type": "string"}})
def list_roles(tenant: Tenant, call: Call) -> Response:
    """List the roles of the tenant."""
    part = call.query.get("name_filter", "").lower()
    return paged([role for role in tenant.roles.values() if part in role["name"].lower()], call.query)


def known_roles(tenant: Tenant, call: Call) -> list[str]:
    """Read the roles that a request names.

    Raises ApiError 404 when one of them does not exist.
    """
    named: list[str] = call.body(NAMED)["roles"]
    if any(role_id not in tenant.roles for role_id in named):
        raise ApiError(404, "The role does not exist.", "inexistent_role")
    return named


@routes.on("GET", "/users/{id}/roles", all_of=("read:users", "read:roles"), query=PAGES)
def list_roles_of_user(tenant: Tenant, call: Call) -> Response:
    """List the roles of one person."""
    account = account_of(tenant, call.ids["id"])
    return paged([tenant.roles[role_id] for role_id in account.roles], call.query)


@routes.on("POST", "/users/{id}/roles", any_of=("update:users", "create:role_members"))
def add_roles(tenant: Tenant, call: Call) -> Response:
    """Give one person roles."""
    named = known_roles(tenant, call)
    account = account_of(tenant, call.ids["id"])
    wanted = [*account.roles, *(role_id for role_id in dict.fromkeys(named) if role_id not in account.roles)]
    if len(wanted) > MOST_ROLES:
        raise ApiError(400, f"A user can have at most {MOST_ROLES} roles", "invalid_body")
    account.roles = wanted
    tenant.changes.happened()
    return empty()


@routes.on("DELETE", "/users/{id}/roles", any_of=("update:users", "delete:role_members"))
def remove_roles(tenant: Tenant, call: Call) -> Response:
    """Take roles from one person."""
    named = known_roles(tenant, call)
    account = account_of(tenant, call.ids["id"])
    account.roles = [role_id for role_id in account.roles if role_id not in named]
    tenant.changes.happened()
    return empty()
