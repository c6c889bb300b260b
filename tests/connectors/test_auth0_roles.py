"""Roles and permissions of people."""

import pytest

from connectors.auth0.client import Tenant
from connectors.catalog import catalog
from connectors.errors import ConnectorError, Missing
from tests.connectors.doing import FIRST, do
from tests.connectors.doubles import Auth0

CUSTOMER = "rol_Customer00000001"
BILLING = "rol_Billing000000001"


async def test_roles_are_listed_all_or_by_a_part_of_their_name(tenant: Tenant) -> None:
    every = await do(tenant, "list_roles")
    assert (every.names, every.complete) == (["Customer", "Billing contact"], True)
    some = await do(tenant, "list_roles", name="bill")
    assert [role.id for role in some.roles] == [BILLING]


async def test_more_roles_than_can_be_listed_are_said_to_be_more(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(rate_limit=None)
    for number in range(1100):
        auth0.double.roles[f"rol_{number:016d}"] = {"id": f"rol_{number:016d}", "name": f"Role {number}"}
    found = await do(tenant, "list_roles")
    assert (len(found.roles), found.complete) == (1000, False)


async def test_a_person_gets_a_role_and_loses_it_again(tenant: Tenant) -> None:
    await do(tenant, "assign_roles", user_id=FIRST, roles=[BILLING, CUSTOMER, BILLING])
    assert (await do(tenant, "list_user_roles", user_id=FIRST)).names == ["Customer", "Billing contact"]
    await do(tenant, "assign_roles", user_id=FIRST, roles=[BILLING])
    for _ in range(2):
        await do(tenant, "remove_roles", user_id=FIRST, roles=[BILLING])
    assert (await do(tenant, "list_user_roles", user_id=FIRST)).names == ["Customer"]


async def test_a_role_that_is_not_there_is_missing(tenant: Tenant) -> None:
    with pytest.raises(Missing, match="role"):
        await do(tenant, "assign_roles", user_id=FIRST, roles=["rol_nothing"])


async def test_permissions_are_added_listed_and_removed(auth0: Auth0, tenant: Tenant) -> None:
    apis = auth0.double.accounts[FIRST].permissions
    assert apis == []
    api, name = "https://api.example.com/", "read:orders"
    for _ in range(2):
        await do(tenant, "add_permissions", user_id=FIRST, permissions=[{"api": api, "name": name}])
    found = await do(tenant, "list_user_permissions", user_id=FIRST)
    held = [each for each in found.permissions if each.direct]
    assert ([(each.api, each.name) for each in held], found.complete) == ([(api, name)], True)
    for _ in range(2):
        await do(tenant, "remove_permissions", user_id=FIRST, permissions=[{"api": api, "name": name}])
    assert [
        each for each in (await do(tenant, "list_user_permissions", user_id=FIRST)).permissions if each.direct
    ] == []


async def test_a_permission_that_is_not_there_is_an_error(tenant: Tenant) -> None:
    with pytest.raises(ConnectorError, match="Auth0"):
        await do(
            tenant, "add_permissions", user_id=FIRST, permissions=[{"api": "https://api.example.com/", "name": "fly"}]
        )


@pytest.mark.parametrize(
    ("name", "given", "count"),
    [
        ("assign_roles", {"user_id": FIRST, "roles": [BILLING, CUSTOMER, BILLING]}, 2),
        ("remove_roles", {"user_id": FIRST, "roles": [BILLING]}, 1),
        ("add_permissions", {"user_id": FIRST, "permissions": [{"api": "a", "name": n} for n in "xyz"]}, 3),
        ("add_organization_members", {"organization_id": "org_1", "user_ids": [FIRST, "auth0|2"]}, 2),
        ("assign_member_roles", {"organization_id": "org_1", "user_id": FIRST, "roles": ["a", "b"]}, 2),
        ("delete_user", {"user_id": FIRST}, 1),
    ],
)
def test_what_is_changed_is_counted(name: str, given: dict[str, object], count: int) -> None:
    action = catalog().actions[f"auth0.{name}"]
    assert action.counts(action.given.model_validate(given)) == count
