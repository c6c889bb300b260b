"""Organizations: the companies among the customers, who belongs to them with which roles, and how they come in."""

from typing import Any

from starlette.responses import Response

from sandbox.auth0.checks import Rules
from sandbox.auth0.errors import ApiError, no_such_user
from sandbox.auth0.jobs import connection_of
from sandbox.auth0.moments import letters
from sandbox.auth0.paging import BOTH, NUMBERED, numbered, paged
from sandbox.auth0.routing import Call, Routes, answer, empty
from sandbox.auth0.streams import emit
from sandbox.auth0.tenant import Organization, Tenant
from sandbox.auth0.users import FIELDS, account_of

routes = Routes()

MOST_MEMBERS_AT_ONCE = 10
"""The document names no limit; a small one here makes sure that long lists are sent in parts."""

MOST_ROLES = 50
NAME = r"^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$"
COLOUR: Rules = {"type": "string", "pattern": r"^#([0-9a-fA-F]{3}){1,2}$"}
LAST_PAGE: Rules = {"type": "integer", "minimum": 0, "maximum": 1000}
METADATA: Rules = {"type": "object", "at_most": 25, "values": {"type": ["string", "null"], "longest": 255}}
SWITCHES: Rules = {
    "assign_membership_on_login": {"type": "boolean", "about": "Whether a login makes a member."},
    "show_as_button": {"type": "boolean", "about": "Whether the login page shows it."},
    "is_signup_enabled": {"type": "boolean", "about": "Whether people can sign up through it."},
}
CONNECTION: Rules = {"connection_id": {"type": "string", "shortest": 1, "about": "ID of the connection."}, **SWITCHES}
PROPERTIES: Rules = {
    "name": {
        "type": "string",
        "shortest": 1,
        "longest": 50,
        "pattern": NAME,
        "about": "The name of this organization.",
    },
    "display_name": {"type": "string", "shortest": 1, "longest": 255, "about": "Friendly name of this organization."},
    "branding": {
        "type": "object",
        "closed": True,
        "properties": {
            "logo_url": {"type": ["string", "null"], "format": "uri"},
            "colors": {
                "type": "object",
                "closed": True,
                "required": ("primary", "page_background"),
                "properties": {"primary": COLOUR, "page_background": COLOUR},
            },
        },
    },
    "metadata": METADATA,
    "token_quota": {"type": "object", "required": ("client_credentials",)},
}
CREATION: Rules = {
    "closed": True,
    "required": ("name",),
    "properties": {
        **PROPERTIES,
        "enabled_connections": {
            "type": "array",
            "at_most": 10,
            "items": {"type": "object", "closed": True, "required": ("connection_id",), "properties": CONNECTION},
        },
    },
}
CHANGE: Rules = {"closed": True, "at_least": 1, "properties": PROPERTIES}
MEMBERS: Rules = {
    "required": ("members",),
    "properties": {
        "members": {
            "type": "array",
            "at_least": 1,
            "at_most": MOST_MEMBERS_AT_ONCE,
            "items": {"type": "string", "shortest": 1, "longest": 305},
            "about": "List of user IDs.",
        }
    },
}
NAMED_ROLES: Rules = {
    "closed": True,
    "required": ("roles",),
    "properties": {"roles": {"type": "array", "at_least": 1, "items": {"type": "string", "shortest": 1}}},
}


def organization_of(tenant: Tenant, call: Call) -> Organization:
    """Find the organization of an address.

    Raises ApiError 404 when there is none.
    """
    found = tenant.organizations.get(call.ids["id"])
    if found is None:
        raise ApiError(404, "The organization does not exist.", "inexistent_organization")
    return found


def shown(organization: Organization) -> dict[str, Any]:
    """Show an organization; what was never set is left out."""
    body = {
        "id": organization.id,
        "name": organization.name,
        "display_name": organization.display_name,
        "branding": organization.branding,
        "metadata": organization.metadata or None,
        "token_quota": organization.token_quota,
    }
    return {name: value for name, value in body.items() if value is not None}


def told(organization: Organization) -> dict[str, Any]:
    """Show an organization as events tell of it."""
    return {name: value for name, value in shown(organization).items() if name != "token_quota"}


def refuse_name(tenant: Tenant, name: str | None, except_for: str = "") -> None:
    """Refuse a name that another organization has."""
    if any(one.name == name and one.id != except_for for one in tenant.organizations.values()):
        raise ApiError(409, "An organization with this name already exists.", "organization_conflict")


@routes.on(
    "GET",
    "/organizations",
    any_of=("read:organizations", "read:organizations_summary"),
    query={
        **BOTH,
        "page": LAST_PAGE,
        "sort": {"type": "string", "longest": 15, "pattern": r"^(name|created_at):(1|-1)$"},
    },
)
def list_organizations(tenant: Tenant, call: Call) -> Response:
    """List the organizations, oldest first or as asked for."""
    found = list(tenant.organizations.values())
    field, _, direction = call.query.get("sort", "").partition(":")
    if field == "name":
        found.sort(key=lambda one: one.name)
    if direction == "-1":
        found.reverse()
    return paged([shown(one) for one in found], "organizations", call.query, lambda one: str(one["id"]))


@routes.on("POST", "/organizations", any_of=("create:organizations",))
def create_organization(tenant: Tenant, call: Call) -> Response:
    """Create an organization, with its connections where some are named."""
    given = call.body(CREATION)
    refuse_name(tenant, given["name"])
    wanted = given.get("enabled_connections", [])
    if wanted and "create:organization_connections" not in call.scopes:
        raise ApiError(
            403, "Insufficient scope, expected any of: create:organization_connections", "insufficient_scope"
        )
    enabled = {one["connection_id"]: enabling(one) for one in wanted}
    organization = Organization(
        id=f"org_{letters(16)}",
        name=given["name"],
        display_name=given.get("display_name", given["name"]),
        branding=given.get("branding"),
        metadata={name: value for name, value in given.get("metadata", {}).items() if value is not None},
        token_quota=given.get("token_quota"),
        connections=enabled,
    )
    tenant.organizations[organization.id] = organization
    tell(tenant, "organization.created", told(organization))
    for connection_id in enabled:
        tell_of_connection(tenant, "added", organization, connection_id)
    body = shown(organization)
    if wanted:
        body["enabled_connections"] = [shown_connection(organization, one) for one in organization.connections]
    return answer(body, 201)


@routes.on("GET", "/organizations/name/{name}", any_of=("read:organizations",))
def get_by_name(tenant: Tenant, call: Call) -> Response:
    """Get the organization of a name."""
    for organization in tenant.organizations.values():
        if organization.name == call.ids["name"]:
            return answer(shown(organization))
    raise ApiError(404, "No organization found by that id or name.", "inexistent_organization")


@routes.on("GET", "/organizations/{id}", any_of=("read:organizations", "read:organizations_summary"))
def get_organization(tenant: Tenant, call: Call) -> Response:
    """Get one organization."""
    return answer(shown(organization_of(tenant, call)))


@routes.on("PATCH", "/organizations/{id}", any_of=("update:organizations",))
def change_organization(tenant: Tenant, call: Call) -> Response:
    """Change an organization; metadata is merged at the first level, and null removes."""
    given = call.body(CHANGE)
    organization = organization_of(tenant, call)
    refuse_name(tenant, given.get("name"), except_for=organization.id)
    before = told(organization)
    if "metadata" in given:
        merged = {**organization.metadata, **given["metadata"]}
        given["metadata"] = {name: value for name, value in merged.items() if value is not None}
    for name, value in given.items():
        setattr(organization, name, value)
    tell(tenant, "organization.updated", told(organization), before)
    return answer(shown(organization))


@routes.on("DELETE", "/organizations/{id}", any_of=("delete:organizations",))
def delete_organization(tenant: Tenant, call: Call) -> Response:
    """Delete an organization; its members stay in the tenant."""
    organization = organization_of(tenant, call)
    del tenant.organizations[organization.id]
    tell(tenant, "organization.deleted", told(organization))
    return empty()


@routes.on(
    "GET",
    "/organizations/{id}/members",
    any_of=("read:organization_members",),
    query={**BOTH, **FIELDS, "page": LAST_PAGE},
)
def list_members(tenant: Tenant, call: Call) -> Response:
    """List the members; their roles only where `fields` names them."""
    organization = organization_of(tenant, call)
    names = [name.strip() for name in call.query.get("fields", "").split(",") if name.strip()]
    if "roles" in names and "read:organization_member_roles" not in call.scopes:
        raise ApiError(403, "Insufficient scope, expected any of: read:organization_member_roles", "insufficient_scope")
    members = [shown_member(tenant, organization, user_id) for user_id in organization.members]
    return paged(
        [chosen(member, names, leave=call.query.get("include_fields") is False) for member in members],
        "members",
        call.query,
        lambda member: str(member.get("user_id", "")),
    )


def shown_member(tenant: Tenant, organization: Organization, user_id: str) -> dict[str, Any]:
    """Show a member with the roles in the organization."""
    profile = tenant.accounts[user_id].profile
    roles = [{"id": role_id, "name": tenant.roles[role_id]["name"]} for role_id in organization.members[user_id]]
    named = ("user_id", "picture", "name", "email")
    return {name: value for name, value in profile.items() if name in named} | {"roles": roles}


def chosen(member: dict[str, Any], names: list[str], *, leave: bool) -> dict[str, Any]:
    """Keep (or leave out) the fields that were named; without names, all but the roles."""
    if not names or leave:
        return {name: value for name, value in member.items() if name not in {*names, "roles"}}
    return {name: value for name, value in member.items() if name in names}


@routes.on("POST", "/organizations/{id}/members", any_of=("create:organization_members",))
def add_members(tenant: Tenant, call: Call) -> Response:
    """Make people members; those who are already stay as they are."""
    named = call.body(MEMBERS)["members"]
    organization = organization_of(tenant, call)
    for user_id in named:
        account_of(tenant, user_id)
    for user_id in dict.fromkeys(named):
        if user_id not in organization.members:
            organization.members[user_id] = []
            tell_of_member(tenant, "added", organization, user_id)
    tenant.changes.happened()
    return empty()


@routes.on("DELETE", "/organizations/{id}/members", any_of=("delete:organization_members",))
def remove_members(tenant: Tenant, call: Call) -> Response:
    """Take people out; those who are no members are no error."""
    named = call.body(MEMBERS)["members"]
    organization = organization_of(tenant, call)
    for user_id in named:
        if user_id in organization.members:
            del organization.members[user_id]
            tell_of_member(tenant, "deleted", organization, user_id)
    tenant.changes.happened()
    return empty()


def tell(tenant: Tenant, kind: str, thing: dict[str, Any], before: dict[str, Any] | None = None) -> None:
    """Tell the event streams what has come about."""
    previous = {"previous_object": before} if before is not None else {}
    emit(tenant, kind, {"object": thing, **previous, "context": {"tenant": {"id": tenant.name}}})


def tell_of_connection(
    tenant: Tenant, what: str, organization: Organization, connection_id: str, before: dict[str, Any] | None = None
) -> None:
    """Tell the event streams of a connection of an organization; `before` is how it was enabled until now."""
    named = {"organization": {"id": organization.id}, "connection": {"id": connection_id}}
    now = organization.connections.get(connection_id, {})
    previous = None if before is None else {**named, **before}
    tell(tenant, f"organization.connection.{what}", {**named, **now}, previous)


def tell_of_member(tenant: Tenant, what: str, organization: Organization, user_id: str, **more: Any) -> None:
    """Tell the event streams of a membership."""
    named = {"organization": {"id": organization.id}, "user": {"user_id": user_id}}
    tell(tenant, f"organization.member.{what}", {**named, **more})


def member_of(tenant: Tenant, call: Call) -> tuple[Organization, str]:
    """Find an organization and a member of it.

    Raises ApiError 404 when one of them is not there, 400 when the person is no member.
    """
    organization = organization_of(tenant, call)
    user_id = call.ids["user_id"]
    if user_id not in tenant.accounts:
        raise no_such_user()
    if user_id not in organization.members:
        raise ApiError(400, "The user is not a member of the organization.", "inexistent_member")
    return organization, user_id


@routes.on(
    "GET",
    "/organizations/{id}/members/{user_id}/roles",
    any_of=("read:organization_member_roles",),
    query={**NUMBERED, "page": LAST_PAGE},
)
def list_member_roles(tenant: Tenant, call: Call) -> Response:
    """List the roles that a member has in the organization."""
    organization, user_id = member_of(tenant, call)
    return numbered([tenant.roles[role_id] for role_id in organization.members[user_id]], "roles", call.query)


@routes.on("POST", "/organizations/{id}/members/{user_id}/roles", any_of=("create:organization_member_roles",))
def add_member_roles(tenant: Tenant, call: Call) -> Response:
    """Give a member roles in the organization."""
    named = call.body(NAMED_ROLES)["roles"]
    organization, user_id = member_of(tenant, call)
    refuse_roles(tenant, named)
    held = organization.members[user_id]
    new = [role_id for role_id in dict.fromkeys(named) if role_id not in held]
    if len(held) + len(new) > MOST_ROLES:
        raise ApiError(409, "No more roles can be assigned to this organization member.", "too_many_roles")
    held.extend(new)
    for role_id in new:
        role = {"id": role_id, "name": tenant.roles[role_id]["name"]}
        tell_of_member(tenant, "role.assigned", organization, user_id, role=role)
    tenant.changes.happened()
    return empty()


@routes.on("DELETE", "/organizations/{id}/members/{user_id}/roles", any_of=("delete:organization_member_roles",))
def remove_member_roles(tenant: Tenant, call: Call) -> Response:
    """Take roles in the organization from a member."""
    named = call.body(NAMED_ROLES)["roles"]
    organization, user_id = member_of(tenant, call)
    refuse_roles(tenant, named)
    for role_id in named:
        if role_id in organization.members[user_id]:
            organization.members[user_id].remove(role_id)
            role = {"id": role_id, "name": tenant.roles[role_id]["name"]}
            tell_of_member(tenant, "role.deleted", organization, user_id, role=role)
    tenant.changes.happened()
    return empty()


def refuse_roles(tenant: Tenant, named: list[str]) -> None:
    """Refuse roles that do not exist."""
    if any(role_id not in tenant.roles for role_id in named):
        raise ApiError(404, "The role does not exist.", "inexistent_role")


def enabling(given: dict[str, Any]) -> dict[str, Any]:
    """Read how a connection is to be enabled.

    Raises ApiError 400 when there is no such connection.
    """
    connection_of(given["connection_id"])
    defaults = {"assign_membership_on_login": False, "show_as_button": True, "is_signup_enabled": False}
    return defaults | {name: value for name, value in given.items() if name in defaults}


def shown_connection(organization: Organization, connection_id: str) -> dict[str, Any]:
    """Show an enabled connection.

    Raises ApiError 404 when it is not enabled.
    """
    if connection_id not in organization.connections:
        raise ApiError(404, "The connection is not enabled for the organization.")
    connection = connection_of(connection_id)
    named = {"name": connection.name, "strategy": connection.strategy}
    return {"connection_id": connection_id, **organization.connections[connection_id], "connection": named}


@routes.on("GET", "/organizations/{id}/enabled_connections", any_of=("read:organization_connections",), query=NUMBERED)
def list_connections(tenant: Tenant, call: Call) -> Response:
    """List the connections that members may come through."""
    organization = organization_of(tenant, call)
    found = [shown_connection(organization, one) for one in organization.connections]
    return numbered(found, "enabled_connections", call.query)


@routes.on("POST", "/organizations/{id}/enabled_connections", any_of=("create:organization_connections",))
def enable_connection(tenant: Tenant, call: Call) -> Response:
    """Let members come through a connection."""
    given = call.body({"closed": True, "required": ("connection_id",), "properties": CONNECTION})
    organization = organization_of(tenant, call)
    if given["connection_id"] in organization.connections:
        raise ApiError(409, "The connection is already enabled for the organization.")
    organization.connections[given["connection_id"]] = enabling(given)
    tell_of_connection(tenant, "added", organization, given["connection_id"])
    return answer(shown_connection(organization, given["connection_id"]), 201)


@routes.on("GET", "/organizations/{id}/enabled_connections/{connection}", any_of=("read:organization_connections",))
def get_connection(tenant: Tenant, call: Call) -> Response:
    """Get one enabled connection."""
    return answer(shown_connection(organization_of(tenant, call), call.ids["connection"]))


@routes.on("PATCH", "/organizations/{id}/enabled_connections/{connection}", any_of=("update:organization_connections",))
def change_connection(tenant: Tenant, call: Call) -> Response:
    """Change how a connection is enabled."""
    given = call.body({"closed": True, "at_least": 1, "properties": SWITCHES})
    organization = organization_of(tenant, call)
    shown_connection(organization, call.ids["connection"])
    before = dict(organization.connections[call.ids["connection"]])
    organization.connections[call.ids["connection"]].update(given)
    tell_of_connection(tenant, "updated", organization, call.ids["connection"], before)
    return answer(shown_connection(organization, call.ids["connection"]))


@routes.on(
    "DELETE", "/organizations/{id}/enabled_connections/{connection}", any_of=("delete:organization_connections",)
)
def disable_connection(tenant: Tenant, call: Call) -> Response:
    """Let nobody come through a connection any more; members stay members."""
    organization = organization_of(tenant, call)
    shown_connection(organization, call.ids["connection"])
    del organization.connections[call.ids["connection"]]
    tell_of_connection(tenant, "removed", organization, call.ids["connection"])
    return empty()


@routes.on("GET", "/users/{id}/organizations", any_of=("read:organizations",), query={**NUMBERED, "page": LAST_PAGE})
def list_organizations_of_user(tenant: Tenant, call: Call) -> Response:
    """List the organizations that a person belongs to."""
    account = account_of(tenant, call.ids["id"])
    found = [shown(one) for one in tenant.organizations.values() if account.user_id in one.members]
    return numbered(found, "organizations", call.query)
