"""Members of organizations, and the roles that they have there."""

from collections.abc import AsyncIterator
from typing import Annotated

from pydantic import Field

from connectors.auth0.answers import PAGE, listed, picked
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.ids import OrganizationId, RoleIds
from connectors.auth0.organizations import OrganizationRef
from connectors.auth0.profiles import UserId
from connectors.auth0.roles import Role, Roles, roles_from
from connectors.base import Value


class Member(Value):
    """A member of an organization."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    name: str | None = Field(default=None, title="Name", description="The full name.")
    email: str | None = Field(default=None, title="E-mail", description="The person's e-mail address.")
    roles: list[Role] = Field(default_factory=list, title="Roles", description="The roles they have there.")


class Membership(Value):
    """An organization, and people."""

    organization_id: OrganizationId
    user_ids: Annotated[
        list[UserId], Field(min_length=1, max_length=10, title="Users", description="Auth0's ids of the people.")
    ]


class MembershipChanged(Value):
    """Whose membership was changed."""

    organization_id: str = Field(title="Organization", description="Auth0's id of it.")
    user_ids: list[str] = Field(title="Users", description="Auth0's ids of the people.")


class MemberRef(Value):
    """Which member of which organization is meant."""

    organization_id: OrganizationId
    user_id: UserId


class MemberRoles(Value):
    """A member of an organization, and roles there."""

    organization_id: OrganizationId
    user_id: UserId
    roles: RoleIds


class MemberRolesChanged(Value):
    """Whose roles in an organization were changed."""

    organization_id: str = Field(title="Organization", description="Auth0's id of it.")
    user_id: str = Field(title="User", description="Auth0's id of the person.")
    roles: list[str] = Field(title="Roles", description="The ids of the roles.")


def _people(given: Membership) -> int:
    return len(set(given.user_ids))


def _roles(given: MemberRoles) -> int:
    return len(set(given.roles))


@auth0.action("List the members of an organization", effect="reads", repeatable=True)
async def list_organization_members(client: Tenant, given: OrganizationRef) -> AsyncIterator[Member]:
    """List everybody who is in an organization, with their roles there, however many they are."""
    pages = await client.api.organizations.members.list(
        given.organization_id, take=PAGE, fields="user_id,name,email,roles", include_fields=True
    )
    async for each in pages:
        yield picked(Member, each, roles=[picked(Role, role) for role in each.roles or []])


@auth0.action(
    "Add members to an organization",
    effect="changes",
    undo="remove_organization_members",
    repeatable=True,
    counts=_people,
)
async def add_organization_members(client: Tenant, given: Membership) -> MembershipChanged:
    """Make people members of an organization. Those who are members stay so."""
    await client.api.organizations.members.create(given.organization_id, members=given.user_ids)
    return MembershipChanged(organization_id=given.organization_id, user_ids=given.user_ids)


@auth0.action(
    "Remove members from an organization",
    effect="destroys",
    undo="add_organization_members",
    repeatable=True,
    counts=_people,
)
async def remove_organization_members(client: Tenant, given: Membership) -> MembershipChanged:
    """Take people out of an organization. Adding them again does not bring back the roles they had there."""
    await client.api.organizations.members.delete(given.organization_id, members=given.user_ids)
    return MembershipChanged(organization_id=given.organization_id, user_ids=given.user_ids)


@auth0.action("List the roles of a member", effect="reads", repeatable=True)
async def list_member_roles(client: Tenant, given: MemberRef) -> Roles:
    """List the roles that a person has in an organization."""
    found, complete = await listed(
        lambda page: client.api.organizations.members.roles.list(
            given.organization_id, given.user_id, page=page, per_page=PAGE
        )
    )
    return roles_from([*found], complete=complete)


@auth0.action("Assign roles to a member", effect="changes", undo="remove_member_roles", repeatable=True, counts=_roles)
async def assign_member_roles(client: Tenant, given: MemberRoles) -> MemberRolesChanged:
    """Give a member of an organization roles there, besides those they have."""
    await client.api.organizations.members.roles.assign(given.organization_id, given.user_id, roles=given.roles)
    return MemberRolesChanged(organization_id=given.organization_id, user_id=given.user_id, roles=given.roles)


@auth0.action(
    "Remove roles from a member", effect="changes", undo="assign_member_roles", repeatable=True, counts=_roles
)
async def remove_member_roles(client: Tenant, given: MemberRoles) -> MemberRolesChanged:
    """Take roles in an organization from a member of it."""
    await client.api.organizations.members.roles.delete(given.organization_id, given.user_id, roles=given.roles)
    return MemberRolesChanged(organization_id=given.organization_id, user_id=given.user_id, roles=given.roles)
