"""Organizations, roles and permissions of the simulated tenant, before the official client."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from auth0.management.core.api_error import ApiError
from auth0.management.errors import BadRequestError, ConflictError, NotFoundError
from auth0.management.types import PermissionRequestPayload

from tests.sandbox.auth0_tenancy import CUSTOMER, DATABASE, OTHER, SOCIAL, Tenancy, tenancy

API = "https://api.example.com/"
CUSTOMERS = "rol_Customer00000001"
BILLING = "rol_Billing000000001"


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        yield found


async def new(tenant: Tenancy, name: str = "acme", **more: Any) -> str:
    return str((await tenant.sdk.organizations.create(name=name, **more)).id)


def may(*names: str) -> list[PermissionRequestPayload]:
    return [PermissionRequestPayload(resource_server_identifier=API, permission_name=name) for name in names]


async def test_an_organization_is_made_found_changed_and_deleted(tenant: Tenancy) -> None:
    made = await tenant.sdk.organizations.create(
        name="acme",
        display_name="Acme",
        metadata={"tier": "gold", "region": "eu"},
        enabled_connections=[{"connection_id": DATABASE, "assign_membership_on_login": True}],
    )
    assert made.id is not None
    assert made.enabled_connections is not None
    assert [one.connection_id for one in made.enabled_connections] == [DATABASE]
    assert (await tenant.sdk.organizations.get_by_name("acme")).id == made.id
    changed = await tenant.sdk.organizations.update(made.id, display_name="Acme Ltd", metadata={"tier": None})
    assert (changed.display_name, changed.metadata) == ("Acme Ltd", {"region": "eu"})
    await tenant.sdk.organizations.delete(made.id)
    with pytest.raises(NotFoundError):
        await tenant.sdk.organizations.get(made.id)


@pytest.mark.parametrize("name", ["Acme", "acme ", "-acme", "a" * 51, ""])
async def test_an_organization_has_a_plain_name(tenant: Tenancy, name: str) -> None:
    with pytest.raises(BadRequestError):
        await tenant.sdk.organizations.create(name=name)


async def test_no_two_organizations_have_one_name(tenant: Tenancy) -> None:
    await new(tenant)
    other = await new(tenant, "other")
    with pytest.raises(ConflictError):
        await new(tenant)
    with pytest.raises(ApiError) as refusal:  # the document knows no 409 here, so the client has no name for it
        await tenant.sdk.organizations.update(other, name="acme")
    assert refusal.value.status_code == 409


async def test_many_organizations_are_listed_by_checkpoint_and_by_page(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"rate_limit": None})
    token = await tenant.token()
    for number in range(7):
        await tenant.api("POST", "/organizations", token, json={"name": f"company-{number}"})
    assert len([one.name async for one in await tenant.sdk.organizations.list(take=3)]) == 7
    page = await tenant.api("GET", "/organizations", token, params={"per_page": 3, "page": 2, "include_totals": True})
    assert {name: page.json()[name] for name in ("start", "limit", "total")} == {"start": 6, "limit": 3, "total": 7}
    assert [one["name"] for one in page.json()["organizations"]] == ["company-6"]
    backwards = (await tenant.api("GET", "/organizations", token, params={"sort": "name:-1"})).json()
    assert backwards[0]["name"] == "company-6"


@pytest.mark.parametrize(
    "query", [{"from": "nonsense"}, {"take": 101}, {"page": 10, "per_page": 100}, {"per_page": 0}, {"sort": "id:1"}]
)
async def test_a_page_that_cannot_be_is_refused(tenant: Tenancy, query: dict[str, Any]) -> None:
    assert (await tenant.api("GET", "/organizations", params=query)).status_code == 400


async def test_members_come_and_go(tenant: Tenancy) -> None:
    organization = await new(tenant)
    members = tenant.sdk.organizations.members
    await members.create(organization, members=[CUSTOMER, OTHER, SOCIAL])
    await members.create(organization, members=[CUSTOMER])
    assert [one.user_id async for one in await members.list(organization, take=2)] == [CUSTOMER, OTHER, SOCIAL]
    await members.delete(organization, members=[OTHER, "auth0|nobody"])
    assert [one.user_id async for one in await members.list(organization)] == [CUSTOMER, SOCIAL]
    found = [one.name async for one in await tenant.sdk.users.organizations.list(CUSTOMER)]
    assert found == ["acme"]
    await tenant.sdk.users.delete(CUSTOMER)
    assert [one.user_id async for one in await members.list(organization)] == [SOCIAL]


async def test_nobody_is_made_a_member_of_nothing(tenant: Tenancy) -> None:
    organization = await new(tenant)
    for place, member in ((organization, "auth0|nobody"), ("org_nothing", CUSTOMER)):
        with pytest.raises(ApiError) as refusal:
            await tenant.sdk.organizations.members.create(place, members=[member])
        assert refusal.value.status_code == 404
    with pytest.raises(BadRequestError):
        await tenant.sdk.organizations.members.create(organization, members=[])


async def test_a_member_has_roles_in_the_organization_only(tenant: Tenancy) -> None:
    organization = await new(tenant)
    await tenant.sdk.organizations.members.create(organization, members=[OTHER])
    roles = tenant.sdk.organizations.members.roles
    await roles.assign(organization, OTHER, roles=[BILLING])
    assert [role.name async for role in await roles.list(organization, OTHER)] == ["Billing contact"]
    assert [role.id async for role in await tenant.sdk.users.roles.list(OTHER)] == [CUSTOMERS]
    listed = await tenant.api("GET", f"/organizations/{organization}/members", params={"fields": "user_id,roles"})
    assert listed.json() == [{"user_id": OTHER, "roles": [{"id": BILLING, "name": "Billing contact"}]}]
    await roles.delete(organization, OTHER, roles=[BILLING])
    assert [role.name async for role in await roles.list(organization, OTHER)] == []
    with pytest.raises(BadRequestError):
        await roles.assign(organization, CUSTOMER, roles=[BILLING])
    with pytest.raises(ApiError, match="The role does not exist"):
        await roles.assign(organization, OTHER, roles=["rol_nothing"])


async def test_roles_of_members_take_a_scope_of_their_own(tenant: Tenancy) -> None:
    organization = await new(tenant)
    token = (await tenant.ask_for_token(scope="read:organization_members")).json()["access_token"]
    path = f"/organizations/{organization}/members"
    assert (await tenant.api("GET", path, token)).status_code == 200
    answer = await tenant.api("GET", path, token, params={"fields": "roles"})
    assert answer.json()["message"] == "Insufficient scope, expected any of: read:organization_member_roles"


async def test_connections_of_an_organization_are_enabled_and_disabled(tenant: Tenancy) -> None:
    organization = await new(tenant)
    enabled = tenant.sdk.organizations.enabled_connections
    made = await enabled.add(organization, connection_id=DATABASE, show_as_button=False)
    assert made.connection is not None
    assert made.connection.strategy == "auth0"
    changed = await enabled.update(organization, DATABASE, assign_membership_on_login=True)
    assert (changed.assign_membership_on_login, changed.show_as_button) == (True, False)
    assert [one.connection_id async for one in await enabled.list(organization)] == [DATABASE]
    await enabled.delete(organization, DATABASE)
    with pytest.raises(NotFoundError):
        await enabled.get(organization, DATABASE)
    with pytest.raises(BadRequestError):
        await enabled.add(organization, connection_id="con_Nothing000000001")


async def test_a_role_is_made_changed_given_and_deleted(tenant: Tenancy) -> None:
    role = await tenant.sdk.roles.create(name="Auditor", description="Reads everything")
    assert role.id is not None
    await tenant.sdk.roles.users.assign(role.id, users=[CUSTOMER, SOCIAL])
    assert [user.user_id async for user in await tenant.sdk.roles.users.list(role.id)] == [CUSTOMER, SOCIAL]
    assert (await tenant.sdk.roles.update(role.id, name="Auditors")).description == "Reads everything"
    with pytest.raises(ConflictError):
        await tenant.sdk.roles.create(name="Auditors")
    await tenant.sdk.roles.delete(role.id)
    with pytest.raises(NotFoundError):
        await tenant.sdk.roles.get(role.id)
    assert [one.id async for one in await tenant.sdk.users.roles.list(CUSTOMER)] == [CUSTOMERS]


async def test_a_role_permits_and_says_so_at_each_who_has_it(tenant: Tenancy) -> None:
    permissions = tenant.sdk.roles.permissions
    await permissions.add(CUSTOMERS, permissions=may("read:orders", "create:orders"))
    assert [one.permission_name async for one in await permissions.list(CUSTOMERS)] == ["read:orders", "create:orders"]
    await tenant.sdk.users.permissions.create(CUSTOMER, permissions=may("read:orders", "cancel:orders"))
    found = [one async for one in await tenant.sdk.users.permissions.list(CUSTOMER)]
    assert [one.permission_name for one in found] == ["read:orders", "cancel:orders", "create:orders"]
    assert found[0].sources == [
        {"source_id": "", "source_name": "", "source_type": "DIRECT"},
        {"source_id": CUSTOMERS, "source_name": "Customer", "source_type": "ROLE"},
    ]
    await tenant.sdk.users.permissions.delete(CUSTOMER, permissions=may("read:orders", "cancel:orders"))
    await permissions.delete(CUSTOMERS, permissions=may("create:orders"))
    left = [one.permission_name async for one in await tenant.sdk.users.permissions.list(CUSTOMER)]
    assert left == ["read:orders"]


async def test_a_permission_that_is_not_there_is_not_given(tenant: Tenancy) -> None:
    with pytest.raises(NotFoundError):
        await tenant.sdk.users.permissions.create(CUSTOMER, permissions=may("drop:tables"))
    with pytest.raises(BadRequestError):
        await tenant.sdk.roles.permissions.add(CUSTOMERS, permissions=[])
