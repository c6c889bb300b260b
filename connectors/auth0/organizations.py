"""Organizations: the companies that a tenant's customers belong to."""

from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

from connectors.auth0.answers import PAGE, listed, picked
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.ids import OrganizationId
from connectors.auth0.profiles import UserRef
from connectors.base import Value


class OrganizationRef(Value):
    """Which organization is meant."""

    organization_id: OrganizationId


class AllOrganizations(Value):
    """All of them."""


class Organization(Value):
    """An organization."""

    id: str = Field(title="Organization", description="Auth0's id of it.")
    name: str | None = Field(default=None, title="Name", description="Its short name, as used in logins.")
    display_name: str | None = Field(default=None, title="Shown name", description="Its name as people see it.")
    metadata: dict[str, Any] = Field(
        default_factory=dict, title="Metadata", description="What your applications store about it."
    )


class Organizations(Value):
    """Some organizations."""

    organizations: list[Organization] = Field(title="Organizations", description="Each of them, at most 1,000.")
    names: list[str] = Field(title="Names", description="Their short names.")
    complete: bool = Field(title="Complete", description="False when there are more than could be listed.")


@auth0.action("List organizations", effect="reads", repeatable=True)
async def list_organizations(client: Tenant, given: AllOrganizations) -> AsyncIterator[Organization]:  # noqa: ARG001 - there is nothing to choose
    """List all organizations of the tenant, however many there are."""
    async for each in await client.api.organizations.list(take=PAGE):
        yield picked(Organization, each)


@auth0.action("Get an organization", effect="reads", repeatable=True)
async def get_organization(client: Tenant, given: OrganizationRef) -> Organization:
    """Look up one organization."""
    return picked(Organization, await client.api.organizations.get(given.organization_id))


@auth0.action("List the organizations of a user", effect="reads", repeatable=True)
async def list_user_organizations(client: Tenant, given: UserRef) -> Organizations:
    """List the organizations that a person is a member of."""
    found, complete = await listed(
        lambda page: client.api.users.organizations.list(given.user_id, page=page, per_page=PAGE)
    )
    some = [picked(Organization, each) for each in found]
    return Organizations(organizations=some, names=[each.name for each in some if each.name], complete=complete)
