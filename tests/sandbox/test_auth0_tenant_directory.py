"""What is only looked at in the simulated tenant: connections, clients, figures, settings, the log's checkpoints."""

from collections.abc import AsyncIterator

import pytest
from auth0.management.errors import NotFoundError

from tests.sandbox.auth0_tenancy import CUSTOMER, DATABASE, OTHER, Tenancy, tenancy


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        yield found


async def test_connections_are_listed_by_name_and_by_strategies(tenant: Tenancy) -> None:
    connections = tenant.sdk.connections
    assert len([one async for one in await connections.list()]) == 4
    assert len([one async for one in await connections.list(take=3)]) == 4
    assert [one.id async for one in await connections.list(name="Username-Password-Authentication")] == [DATABASE]
    named = [one.strategy async for one in await connections.list(strategy=["sms", "email"])]
    assert named == ["sms", "email"]
    assert (await connections.get(DATABASE)).enabled_clients
    with pytest.raises(NotFoundError):
        await connections.get("con_Nothing000000001")


async def test_clients_are_listed_without_their_secrets(tenant: Tenancy) -> None:
    machine, *others = [one async for one in await tenant.sdk.clients.list(app_type="non_interactive")]
    assert (machine.client_id, machine.client_secret, others) == (tenant.credentials["client_id"], None, [])
    assert machine.client_id is not None
    assert (await tenant.sdk.clients.get(machine.client_id)).name == "Management"
    await tenant.control("PUT", "settings", {"scopes": "read:clients read:client_keys"})
    assert (await tenant.sdk.clients.get(machine.client_id)).client_secret == tenant.credentials["client_secret"]


async def test_figures_and_settings_are_shown(tenant: Tenancy) -> None:
    before = await tenant.sdk.stats.get_active_users_count()
    assert before == 9
    await tenant.login(OTHER)
    (day,) = await tenant.sdk.stats.get_daily()
    assert day.logins == 1
    shown = await tenant.sdk.tenants.settings.get(fields="friendly_name,session_lifetime")
    assert (shown.friendly_name, shown.session_lifetime, shown.support_email) == ("cicflow-sandbox", 168, None)


async def test_the_log_is_read_by_checkpoint_to_its_end_and_further(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"rate_limit": None})
    token = await tenant.token()
    for _ in range(5):
        await tenant.login(CUSTOMER)
    read: list[str] = []
    last = ""
    while True:
        query = {"take": "2", **({"from": last} if last else {})}
        page = (await tenant.api("GET", "/logs", token, params=query)).json()
        if not page:
            break
        read += [record["log_id"] for record in page]
        last = read[-1]
    assert len(read) == len(set(read)) == 5
    await tenant.login(OTHER)
    (record,) = (await tenant.api("GET", "/logs", token, params={"from": last, "fields": "user_id,type"})).json()
    assert record == {"user_id": OTHER, "type": "s"}


async def test_the_log_by_page_ends_after_a_thousand(tenant: Tenancy) -> None:
    answer = await tenant.api("GET", "/logs", params={"page": 10, "per_page": 100})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "invalid_paging")
