"""What can be picked from connected accounts: every menu of every connector, against its double."""

from collections.abc import AsyncIterator, Mapping

import pytest

from connectors.auth0.client import Tenant
from connectors.base import Catalog
from connectors.catalog import catalog
from connectors.errors import Reconnect, Refused, TryLater
from connectors.menus import Choice, Sought, fitting
from connectors.wire import Wire
from tests.connectors import marketo_double, servicenow_double
from tests.connectors.doubles import Auth0
from tests.connectors.orgs import Stage, staged

MENUS = catalog().menus
Found = list[tuple[str, str]]


@pytest.fixture
async def service() -> AsyncIterator[marketo_double.Marketo]:
    async with marketo_double.simulated() as opened:
        yield opened


async def shown(client: object, name: str, text: str = "", of: str = "") -> Found:
    found = await MENUS[name].find(client, Sought(text=text, of=of))
    return [(each.value, each.label) for each in found]


def test_a_menu_is_named_and_says_what_it_is_of() -> None:
    known: Catalog = catalog()
    assert {menu.name.partition(".")[0] for menu in known.menus.values()} <= set(known.connectors)
    assert all(menu.title for menu in known.menus.values())
    assert {menu.name for menu in known.menus.values() if menu.of} == {
        "servicenow.values",
        "salesforce.fields",
        "salesforce.external_ids",
        "salesforce.values",
        "salesforce.record_types",
    }


def test_every_menu_that_an_input_names_is_there() -> None:
    named = {
        str(extra["choices_of"])
        for action in catalog().actions.values()
        for field in action.given.model_fields.values()
        for extra in [field.json_schema_extra]
        if isinstance(extra, Mapping) and "choices_of" in extra
    }
    assert named
    assert named <= set(MENUS)


def test_what_fits_has_every_word_and_what_begins_with_it_comes_first() -> None:
    choices = [Choice(value=str(place), label=label) for place, label in enumerate(("A trial", "Trial users", "Users"))]
    assert [each.label for each in fitting(choices, "TRIAL")] == ["Trial users", "A trial"]
    assert [each.label for each in fitting(choices, "user tri")] == ["Trial users"]
    assert [each.label for each in fitting(choices, " 2 ")] == ["Users"]
    assert fitting(choices, "") == choices


async def test_marketos_menus(service: marketo_double.Marketo, wire: Wire) -> None:
    client = marketo_double.connected(service, wire)
    assert await shown(client, "marketo.lists") == [
        ("1020", "Newsletter"),
        ("1021", "Trial users"),
        ("1022", "Webinar, spring"),
    ]
    assert ("35", "/Lead Database/Product") in await shown(client, "marketo.folders")
    assert await shown(client, "marketo.programmes") == [("1100", "Customer programme")]
    # Only what is active and may be asked for.
    assert await shown(client, "marketo.campaigns") == [
        ("3002", "Customer programme: Security notice"),
        ("3001", "Customer programme: Welcome"),
    ]
    keys = await shown(client, "marketo.key_fields")
    assert {value for value, _ in keys} == {"id", "email", "auth0Id"}
    assert set(keys) < set(await shown(client, "marketo.fields"))
    await service.says("GET /rest/asset/v1/programs.json", 603, "Access denied")
    with pytest.raises(Reconnect):
        await shown(client, "marketo.programmes")


async def test_servicenows_menus(wire: Wire) -> None:
    async with servicenow_double.simulated() as double:
        client = double.connect(wire)
        groups = [label for _, label in await shown(client, "servicenow.groups")]
        assert groups == ["Identity Team", "Security Operations", "Service Desk"]
        ((desk, _),) = await shown(client, "servicenow.groups", "vice d")
        assert await shown(client, "servicenow.groups", desk) == [(desk, "Service Desk")]
        await double.add("sys_user_group", name="Service Desk of old", active="false")
        assert len(await shown(client, "servicenow.groups", "Service Desk")) == 1
        # Nothing that is typed changes the query.
        assert await shown(client, "servicenow.groups", "x^ORactive=false") == []
        assert await shown(client, "servicenow.groups", "javascript:gs.sleep(1)") == []
        assert await double.evaluated() == []
        assert [label for _, label in await shown(client, "servicenow.users", "mara.conti@")] == [
            "Mara Conti, mara.conti@example.com"
        ]
        assert await shown(client, "servicenow.values", of="incident.urgency") == [
            ("1", "1 - High"),
            ("2", "2 - Medium"),
            ("3", "3 - Low"),
        ]
        with pytest.raises(Refused, match="not a table and a field"):
            await shown(client, "servicenow.values", of="incident^ORname=x")


async def test_salesforces_menus() -> None:
    async with staged() as org:
        await _salesforce(org)


async def _salesforce(org: Stage) -> None:
    client = org.client
    assert ("Contact", "Contact") in await shown(client, "salesforce.objects")
    fields = await shown(client, "salesforce.fields", of="Contact")
    assert ("LastName", "Last Name (LastName)") in fields
    assert "CreatedDate" not in {value for value, _ in fields}
    ids = {value for value, _ in await shown(client, "salesforce.external_ids", of="Contact")}
    assert ids == {"Auth0_Id__c", "Flow_Key__c", "Legacy_Id__c"}
    statuses = [value for value, _ in await shown(client, "salesforce.values", of="Lead.Status")]
    assert statuses == ["Open - Not Contacted", "Working - Contacted", "Closed - Converted"]
    types = await shown(client, "salesforce.record_types", of="Contact")
    assert types == [("012000000000001QAQ", "Customer"), ("012000000000002QAQ", "Partner")]
    assert await shown(client, "salesforce.record_types", of="Case") == []
    everybody = await shown(client, "salesforce.users")
    assert everybody
    assert await shown(client, "salesforce.users", "%' OR Name LIKE '") == []
    for of in ("Contact/../User", "Nothing__c.x", ""):
        with pytest.raises(Refused):
            await shown(client, "salesforce.fields", of=of)
    with pytest.raises(Refused, match="has no field"):
        await shown(client, "salesforce.values", of="Lead.Nothing")


async def test_auth0s_menus(auth0: Auth0, tenant: Tenant) -> None:
    roles = await shown(tenant, "auth0.roles")
    assert roles
    (value, label), *_ = roles
    assert (value, label) in await shown(tenant, "auth0.roles", label[:4])
    assert (value, label) in await shown(tenant, "auth0.roles", value)
    assert all(each.startswith("org_") for each, _ in await shown(tenant, "auth0.organizations"))
    assert ("Username-Password-Authentication", "Username-Password-Authentication (auth0)") in await shown(
        tenant, "auth0.connections"
    )
    assert "Management" in {label for _, label in await shown(tenant, "auth0.applications")}
    await auth0.fault("GET /api/v2/roles", status=429, headers={"retry-after": "1"})
    with pytest.raises(TryLater):
        await shown(tenant, "auth0.roles", "x")
