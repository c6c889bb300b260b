"""Roles, and who has them."""

from pydantic import BaseModel, Field

from connectors.auth0.answers import PAGE, listed, picked
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.ids import RoleIds
from connectors.auth0.profiles import UserId, UserRef
from connectors.base import Value


class RoleFilter(Value):
    """Which roles to list."""

    name: str | None = Field(
        default=None, min_length=1, max_length=200, title="Name", description="Only roles with this in their name."
    )


class Role(Value):
    """A role."""

    id: str = Field(title="Role", description="Auth0's id of the role.")
    name: str | None = Field(default=None, title="Name", description="What the role is called.")
    description: str | None = Field(default=None, title="Description", description="What the role is for.")


class Roles(Value):
    """Some roles."""

    roles: list[Role] = Field(title="Roles", description="The roles, at most 1,000.")
    names: list[str] = Field(title="Names", description="What they are called.")
    complete: bool = Field(title="Complete", description="False when there are more than could be listed.")


class UserRoles(Value):
    """A person, and roles."""

    user_id: UserId
    roles: RoleIds


class RolesChanged(Value):
    """Whose roles were changed."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    roles: list[str] = Field(title="Roles", description="The ids of the roles.")


def how_many(given: UserRoles) -> int:
    """Count the roles that are given or taken."""
    return len(set(given.roles))


def roles_from(found: list[BaseModel], *, complete: bool) -> Roles:
    """Say what was found in our own words."""
    roles = [picked(Role, each) for each in found]
    return Roles(roles=roles, names=[each.name for each in roles if each.name], complete=complete)


@auth0.action("List roles", effect="reads", repeatable=True)
async def list_roles(client: Tenant, given: RoleFilter) -> Roles:
    """List the roles of the tenant."""
    found, complete = await listed(lambda page: client.api.roles.list(page=page, per_page=PAGE, name_filter=given.name))
    return roles_from([*found], complete=complete)


@auth0.action("List the roles of a user", effect="reads", repeatable=True)
async def list_user_roles(client: Tenant, given: UserRef) -> Roles:
    """List the roles that a person has everywhere; those in organizations are another thing."""
    found, complete = await listed(lambda page: client.api.users.roles.list(given.user_id, page=page, per_page=PAGE))
    return roles_from([*found], complete=complete)


@auth0.action("Assign roles", effect="changes", undo="remove_roles", repeatable=True, counts=how_many)
async def assign_roles(client: Tenant, given: UserRoles) -> RolesChanged:
    """Give a person roles, besides those they have. Auth0 allows 50 for one person."""
    await client.api.users.roles.assign(given.user_id, roles=given.roles)
    return RolesChanged(user_id=given.user_id, roles=given.roles)


@auth0.action("Remove roles", effect="changes", undo="assign_roles", repeatable=True, counts=how_many)
async def remove_roles(client: Tenant, given: UserRoles) -> RolesChanged:
    """Take roles from a person. Roles that they do not have are no error."""
    await client.api.users.roles.delete(given.user_id, roles=given.roles)
    return RolesChanged(user_id=given.user_id, roles=given.roles)
