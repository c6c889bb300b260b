"""Roles and permissions: what there is, who has it, and through what."""

from typing import Any

from starlette.responses import Response

from sandbox.auth0.checks import Rules
from sandbox.auth0.errors import ApiError
from sandbox.auth0.moments import letters
from sandbox.auth0.paging import BOTH, NUMBERED, numbered, paged
from sandbox.auth0.routing import Call, Routes, answer, empty
from sandbox.auth0.tenant import RESOURCE_SERVERS, Account, Permission, Tenant
from sandbox.auth0.users import account_of

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
PROPERTIES: Rules = {
    "name": {"type": "string", "shortest": 1, "longest": 255, "about": "Name of the role."},
    "description": {"type": "string", "longest": 255, "about": "Description of the role."},
}
PERMITTED: Rules = {
    "closed": True,
    "required": ("permissions",),
    "properties": {
        "permissions": {
            "type": "array",
            "at_least": 1,
            "about": "List of resource_server_identifier, permission_name pairs.",
            "items": {
                "type": "object",
                "closed": True,
                "required": ("resource_server_identifier", "permission_name"),
                "properties": {
                    "resource_server_identifier": {"type": "string", "shortest": 1},
                    "permission_name": {"type": "string", "shortest": 1},
                },
            },
        }
    },
}
PEOPLE: Rules = {
    "closed": True,
    "required": ("users",),
    "properties": {
        "users": {
            "type": "array",
            "at_least": 1,
            "items": {"type": "string", "shortest": 1, "longest": 305},
            "about": "user_id's of the users to assign the role to.",
        }
    },
}


@routes.on("GET", "/roles", any_of=("read:roles",), query={**NUMBERED, "name_filter": {"type": "string"}})
def list_roles(tenant: Tenant, call: Call) -> Response:
    """List the roles of the tenant."""
    part = call.query.get("name_filter", "").lower()
    return numbered([role for role in tenant.roles.values() if part in role["name"].lower()], "roles", call.query)


def role_of(tenant: Tenant, call: Call) -> dict[str, str]:
    """Find the role of an address.

    Raises ApiError 404 when there is none.
    """
    role = tenant.roles.get(call.ids["id"])
    if role is None:
        raise ApiError(404, "The role does not exist.", "inexistent_role")
    return role


def refuse_name(tenant: Tenant, name: str | None, except_for: str = "") -> None:
    """Refuse a name that another role has."""
    if any(role["name"] == name and role["id"] != except_for for role in tenant.roles.values()):
        raise ApiError(409, "The role already exists.", "role_conflict")


@routes.on("POST", "/roles", any_of=("create:roles",))
def create_role(tenant: Tenant, call: Call) -> Response:
    """Create a role that permits nothing yet."""
    given = call.body({"closed": True, "required": ("name",), "properties": PROPERTIES})
    refuse_name(tenant, given["name"])
    role_id = f"rol_{letters(16)}"
    tenant.roles[role_id] = {"id": role_id, **given}
    tenant.changes.happened()
    return answer(tenant.roles[role_id])


@routes.on("GET", "/roles/{id}", any_of=("read:roles",))
def get_role(tenant: Tenant, call: Call) -> Response:
    """Get one role."""
    return answer(role_of(tenant, call))


@routes.on("PATCH", "/roles/{id}", any_of=("update:roles",))
def change_role(tenant: Tenant, call: Call) -> Response:
    """Change the name or the description."""
    given = call.body({"closed": True, "at_least": 1, "properties": PROPERTIES})
    role = role_of(tenant, call)
    refuse_name(tenant, given.get("name"), except_for=role["id"])
    role.update(given)
    tenant.changes.happened()
    return answer(role)


@routes.on("DELETE", "/roles/{id}", any_of=("delete:roles",))
def delete_role(tenant: Tenant, call: Call) -> Response:
    """Delete a role, and take it from everybody who has it."""
    role_id = role_of(tenant, call)["id"]
    del tenant.roles[role_id]
    tenant.role_permissions.pop(role_id, None)
    held = [account.roles for account in tenant.accounts.values()]
    held += [roles for organization in tenant.organizations.values() for roles in organization.members.values()]
    for roles in held:
        if role_id in roles:
            roles.remove(role_id)
    tenant.changes.happened()
    return answer({})


@routes.on("GET", "/roles/{id}/users", all_of=("read:users", "read:roles"), query=BOTH)
def list_users_of_role(tenant: Tenant, call: Call) -> Response:
    """List who has a role."""
    role_id = role_of(tenant, call)["id"]
    names = ("user_id", "picture", "name", "email")
    found = [
        {name: account.profile[name] for name in names if name in account.profile}
        for account in tenant.accounts.values()
        if role_id in account.roles
    ]
    return paged(found, "users", call.query, lambda user: str(user["user_id"]))


@routes.on("POST", "/roles/{id}/users", any_of=("update:roles", "create:role_members"))
def give_role(tenant: Tenant, call: Call) -> Response:
    """Give several people a role."""
    named = call.body(PEOPLE)["users"]
    role_id = role_of(tenant, call)["id"]
    accounts = [account_of(tenant, user_id) for user_id in named]
    for account in accounts:
        hold(account, [role_id])
    tenant.changes.happened()
    return answer({})


def known_roles(tenant: Tenant, call: Call) -> list[str]:
    """Read the roles that a request names.

    Raises ApiError 404 when one of them does not exist.
    """
    named: list[str] = call.body(NAMED)["roles"]
    if any(role_id not in tenant.roles for role_id in named):
        raise ApiError(404, "The role does not exist.", "inexistent_role")
    return named


def hold(account: Account, named: list[str]) -> None:
    """Let one person have some roles besides the others.

    Raises ApiError 400 when these are too many.
    """
    wanted = [*account.roles, *(role_id for role_id in dict.fromkeys(named) if role_id not in account.roles)]
    if len(wanted) > MOST_ROLES:
        raise ApiError(400, f"A user can have at most {MOST_ROLES} roles", "invalid_body")
    account.roles = wanted


@routes.on("GET", "/users/{id}/roles", all_of=("read:users", "read:roles"), query=NUMBERED)
def list_roles_of_user(tenant: Tenant, call: Call) -> Response:
    """List the roles of one person."""
    account = account_of(tenant, call.ids["id"])
    return numbered([tenant.roles[role_id] for role_id in account.roles], "roles", call.query)


@routes.on("POST", "/users/{id}/roles", any_of=("update:users", "create:role_members"))
def add_roles(tenant: Tenant, call: Call) -> Response:
    """Give one person roles."""
    named = known_roles(tenant, call)
    hold(account_of(tenant, call.ids["id"]), named)
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


def named_permissions(call: Call, *, known: bool) -> list[Permission]:
    """Read the permissions that a request names.

    Raises ApiError 404 when they have to be known and one of them is not.
    """
    given = call.body(PERMITTED)["permissions"]
    pairs = [(one["resource_server_identifier"], one["permission_name"]) for one in given]
    for identifier, name in pairs if known else ():
        server = RESOURCE_SERVERS.get(identifier)
        if server is None:
            raise ApiError(404, f"The resource server {identifier} does not exist.", "inexistent_resource_server")
        if name not in server.permissions:
            raise ApiError(404, f"The permission {name} does not exist.", "inexistent_permission")
    return list(dict.fromkeys(pairs))


def shown_permission(permission: Permission) -> dict[str, Any]:
    """Show a permission with what its API says of it."""
    identifier, name = permission
    server = RESOURCE_SERVERS[identifier]
    return {
        "resource_server_identifier": identifier,
        "permission_name": name,
        "resource_server_name": server.name,
        "description": server.permissions[name],
    }


@routes.on("GET", "/roles/{id}/permissions", any_of=("read:roles",), query=NUMBERED)
def list_permissions_of_role(tenant: Tenant, call: Call) -> Response:
    """List what a role permits."""
    held = tenant.role_permissions.get(role_of(tenant, call)["id"], [])
    return numbered([shown_permission(one) for one in held], "permissions", call.query)


@routes.on("POST", "/roles/{id}/permissions", any_of=("update:roles",))
def permit_role(tenant: Tenant, call: Call) -> Response:
    """Let a role permit more."""
    named = named_permissions(call, known=True)
    held = tenant.role_permissions.setdefault(role_of(tenant, call)["id"], [])
    held.extend(one for one in named if one not in held)
    tenant.changes.happened()
    return answer({}, 201)


@routes.on("DELETE", "/roles/{id}/permissions", any_of=("update:roles",))
def forbid_role(tenant: Tenant, call: Call) -> Response:
    """Let a role permit less. The real answer is 204, whatever the specification says."""
    named = named_permissions(call, known=False)
    role_id = role_of(tenant, call)["id"]
    tenant.role_permissions[role_id] = [one for one in tenant.role_permissions.get(role_id, []) if one not in named]
    tenant.changes.happened()
    return empty()


@routes.on("GET", "/users/{id}/permissions", any_of=("read:users",), query=NUMBERED)
def list_permissions_of_user(tenant: Tenant, call: Call) -> Response:
    """List what one person may do, with where it comes from: given directly, or by a role."""
    account = account_of(tenant, call.ids["id"])
    sources: dict[Permission, list[dict[str, str]]] = {}
    for permission in account.permissions:
        sources.setdefault(permission, []).append({"source_id": "", "source_name": "", "source_type": "DIRECT"})
    for role_id in account.roles:
        source = {"source_id": role_id, "source_name": tenant.roles[role_id]["name"], "source_type": "ROLE"}
        for permission in tenant.role_permissions.get(role_id, []):
            sources.setdefault(permission, []).append(source)
    found = [{**shown_permission(one), "sources": where} for one, where in sources.items()]
    return numbered(found, "permissions", call.query)


@routes.on("POST", "/users/{id}/permissions", any_of=("update:users",))
def permit_user(tenant: Tenant, call: Call) -> Response:
    """Permit one person more, directly."""
    named = named_permissions(call, known=True)
    account = account_of(tenant, call.ids["id"])
    account.permissions.extend(one for one in named if one not in account.permissions)
    tenant.changes.happened()
    return answer({}, 201)


@routes.on("DELETE", "/users/{id}/permissions", any_of=("update:users",))
def forbid_user(tenant: Tenant, call: Call) -> Response:
    """Take directly given permissions back; what a role permits stays."""
    named = named_permissions(call, known=False)
    account = account_of(tenant, call.ids["id"])
    account.permissions = [one for one in account.permissions if one not in named]
    tenant.changes.happened()
    return empty()
