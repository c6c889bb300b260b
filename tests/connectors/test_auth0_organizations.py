"""Organizations, their members, and the roles of those."""

import pytest

from connectors.auth0.client import Tenant
from connectors.errors import Missing, Refused
from sandbox.auth0.tenant import Organization
from tests.connectors.doing import FIRST, SECOND, do, stream
from tests.connectors.doubles import Auth0

BILLING = "rol_Billing000000001"


async def organization(tenant: Tenant, name: str = "acme") -> str:
    body = {"name": name, "display_name": name.title(), "metadata": {"size": "big"}}
    answer = await do(tenant, "call_change", method="POST", path="/api/v2/organizations", body=body)
    return str(answer.body["id"])


async def test_an_organization_is_got_with_what_is_stored_about_it(tenant: Tenant) -> None:
    found = await do(tenant, "get_organization", organization_id=await organization(tenant))
    assert (found.name, found.display_name, found.metadata) == ("acme", "Acme", {"size": "big"})


async def test_an_organization_that_is_not_there_is_missing(tenant: Tenant) -> None:
    with pytest.raises(Missing):
        await do(tenant, "get_organization", organization_id="org_nothing")


async def test_all_organizations_stream_by_however_many_there_are(auth0: Auth0, tenant: Tenant) -> None:
    for number in range(120):
        name = f"acme-{number}"
        auth0.double.organizations[name] = Organization(id=f"org_{number:016d}", name=name, display_name=name)
    found = await stream(tenant, "list_organizations")
    assert sorted(each.name for each in found) == sorted(f"acme-{number}" for number in range(120))


async def test_members_come_go_and_are_listed_with_their_roles(tenant: Tenant) -> None:
    acme = await organization(tenant)
    for _ in range(2):
        await do(tenant, "add_organization_members", organization_id=acme, user_ids=[FIRST, SECOND])
    await do(tenant, "assign_member_roles", organization_id=acme, user_id=FIRST, roles=[BILLING])
    members = await stream(tenant, "list_organization_members", organization_id=acme)
    assert [(each.user_id, each.email, [role.name for role in each.roles]) for each in members] == [
        (FIRST, "customer.1@example.com", ["Billing contact"]),
        (SECOND, "customer.2@example.com", []),
    ]
    assert (await do(tenant, "list_user_organizations", user_id=FIRST)).names == ["acme"]
    for _ in range(2):
        await do(tenant, "remove_organization_members", organization_id=acme, user_ids=[FIRST])
    members = await stream(tenant, "list_organization_members", organization_id=acme)
    assert [each.user_id for each in members] == [SECOND]


async def test_more_members_than_pages_can_show_stream_by(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(rate_limit=None)
    acme = await organization(tenant)
    auth0.add_many(1200)
    people = [user_id for user_id in auth0.double.accounts if user_id not in {FIRST, SECOND}]
    auth0.double.organizations[acme].members.update({user_id: [] for user_id in people})
    members = await stream(tenant, "list_organization_members", organization_id=acme)
    assert [each.user_id for each in members] == people


async def test_roles_of_a_member_hold_in_the_organization_only(tenant: Tenant) -> None:
    acme = await organization(tenant)
    await do(tenant, "add_organization_members", organization_id=acme, user_ids=[FIRST])
    await do(tenant, "assign_member_roles", organization_id=acme, user_id=FIRST, roles=[BILLING])
    there = await do(tenant, "list_member_roles", organization_id=acme, user_id=FIRST)
    everywhere = await do(tenant, "list_user_roles", user_id=FIRST)
    assert (there.names, everywhere.names) == (["Billing contact"], ["Customer"])
    await do(tenant, "remove_member_roles", organization_id=acme, user_id=FIRST, roles=[BILLING])
    assert (await do(tenant, "list_member_roles", organization_id=acme, user_id=FIRST)).names == []


async def test_who_is_no_member_gets_no_roles_there(tenant: Tenant) -> None:
    acme = await organization(tenant)
    with pytest.raises(Refused, match="not a member"):
        await do(tenant, "assign_member_roles", organization_id=acme, user_id=FIRST, roles=[BILLING])
