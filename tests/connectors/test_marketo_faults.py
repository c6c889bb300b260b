"""Whatever goes wrong while something is created: it is there once, or the step says that it does not know."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import Ambiguous, ConnectorError, TryLater
from connectors.limits import bulk
from connectors.marketo.client import Instance, connect
from connectors.marketo.pace import until_reset
from connectors.wire import Wire
from tests.connectors.marketo_double import ANA, BEN, Marketo, connected, do, quick, simulated
from tests.specs import marketo_conforms


@pytest.fixture
async def service() -> AsyncIterator[Marketo]:
    async with simulated() as opened:
        yield opened
        marketo_conforms(opened.double.calls)


@pytest.fixture
def client(service: Marketo, wire: Wire) -> Instance:
    return connected(service, wire)


CREATING: list[tuple[str, str, dict[str, Any]]] = [
    ("create_lead", "POST /rest/v1/leads.json", {"key_value": "new@example.com"}),
    ("upsert_lead", "POST /rest/v1/leads.json", {"key_value": "new@example.com"}),
    ("create_leads", "POST /rest/v1/leads.json", {"records": [{"email": "new@example.com"}]}),
    ("upsert_leads", "POST /rest/v1/leads.json", {"records": [{"email": "new@example.com"}]}),
    ("create_list", "POST /rest/asset/v1/staticLists.json", {"name": "New", "folder_id": 35}),
    ("create_list", "POST /rest/asset/v1/staticLists.json", {"name": "New, too", "folder_id": 35}),
    ("create_folder", "POST /rest/asset/v1/folders.json", {"name": "New", "parent_id": 12}),
    ("import_leads", "POST /bulk/v1/leads.json", {"records": [{"email": "new@example.com"}]}),
]
HTML = {"content-type": "text/html"}


def refused(code: int) -> dict[str, Any]:
    return {
        "status": 200,
        "body": {"requestId": "1#1", "success": False, "errors": [{"code": str(code), "message": "No."}]},
    }


FAULTS: dict[str, dict[str, Any]] = {
    "cut before": {"drop": "before"},
    "cut after it was done": {"drop": "after"},
    "html": {"status": 200, "body": "<html>Waking up</html>", "headers": HTML},
    "bad gateway": {"status": 502, "body": "<html>", "headers": HTML},
    "internal error": {"status": 500, "body": "", "headers": HTML},
    "too slow, then done": {"delay": 0.4},
    "no result": {"status": 200, "body": {"requestId": "1#1", "success": True}},
    "an empty result": {"status": 200, "body": {"requestId": "1#1", "success": True, "result": []}},
    **{str(code): refused(code) for code in (601, 602, 604, 606, 607, 608, 611, 614, 615, 713, 719)},
}


def made(service: Marketo) -> int:
    """Count what is there of what the actions create, once for each kind."""
    leads = len(service.with_email("new@example.com"))
    lists = sum(each.name.startswith("New") and each.id != 1020 for each in service.double.lists.values())
    return leads + lists + sum(each.name == "New" for each in service.double.folders.values())


@pytest.mark.parametrize("times", [1, 20], ids=["once", "again and again"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("name", "match", "given"), CREATING, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_what_is_created_is_there_once_or_the_step_does_not_know(
    service: Marketo, wire: Wire, name: str, match: str, given: dict[str, Any], fault: str, times: int
) -> None:
    client = connected(service, wire, sync_timeout=0.1, timeout=0.1, attempts=3)
    await service.fault(match, times=times, **FAULTS[fault])
    error: ConnectorError | None = None
    try:
        await do(client, name, **given)
    except ConnectorError as raised:
        error = raised
    if fault.startswith("too slow"):
        while service.double.limits.under_way:
            await service.control.get("/sandbox/state")
    there = made(service)
    assert there <= 1
    assert error is not None or there == 1
    assert there == 0 or error is None or isinstance(error, Ambiguous)


async def test_a_campaign_is_triggered_at_most_once_unless_it_may_be_more(service: Marketo, client: Instance) -> None:
    for fault in ({"drop": "after"}, {"drop": "before"}, refused(604), {"status": 502}):
        await service.fault("POST */trigger.json", **fault)
        with pytest.raises(Ambiguous):
            await do(client, "trigger_campaign", campaign_id=3001, lead_ids=[ANA])
    assert len(service.double.campaigns[3001].sent) == 1
    await service.fault("POST */trigger.json", drop="after")
    await do(client, "trigger_campaign", campaign_id=3001, lead_ids=[BEN], delivery="at least once")
    assert [each["lead"] for each in service.double.campaigns[3001].sent].count(BEN) == 2


async def test_a_batch_that_stops_in_the_middle_says_what_was_done(service: Marketo, client: Instance) -> None:
    records = [{"email": f"bulk.{number}@example.com"} for number in range(900)]
    call = asyncio.create_task(do(client, "upsert_leads", records=records))
    await service.control.get("/sandbox/changes", params={"after": 0, "timeout": 5})
    await service.fault("POST /rest/v1/leads.json", times=50, drop="before")
    given = await call
    counts = {each.status for each in given.results}
    assert given.results[0].status == "created"
    assert counts <= {"created", "unknown", "not done"}
    assert given.results[-1].status in {"not done", "unknown"}
    assert given.done == sum(str(lead["email"]).startswith("bulk.") for lead in service.double.leads.values())


async def test_sustained_load_stays_inside_what_marketo_allows(service: Marketo, client: Instance) -> None:
    await service.change(seconds=0.2, calls=20, at_once=10, latency=0.005)
    client.pace.calls = 20
    await do(client, "describe_leads")

    async def background() -> None:
        with bulk():
            await asyncio.gather(*(do(client, "find_lead", value="ana.keller@example.com") for _ in range(60)))

    await asyncio.gather(background(), *(do(client, "find_lead", value="ana.keller@example.com") for _ in range(60)))
    limits = service.double.limits
    assert limits.most_in_window <= 20
    assert 5 < limits.most_at_once <= 10
    assert {call["answer"]["success"] for call in service.double.calls if call["path"].startswith("/rest")} == {True}


async def test_connections_to_one_instance_share_its_limits(service: Marketo, wire: Wire) -> None:
    one, other = (quick(connect(service.settings(at_once=3), wire, window=0.2)) for _ in range(2))
    await service.change(latency=0.01, at_once=3)
    await asyncio.gather(*(do(client, "describe_leads") for client in (one, other) for _ in range(10)))
    assert service.double.limits.most_at_once == 3


async def test_the_quota_of_the_day_parks_all_calls_until_it_begins_again(service: Marketo, client: Instance) -> None:
    await service.change(daily=2)
    for _ in range(2):
        await do(client, "describe_leads")
    for _ in range(3):
        with pytest.raises(TryLater, match="quota") as caught:
            await do(client, "upsert_leads", records=[{"email": "new@example.com"}])
        assert caught.value.after == pytest.approx(until_reset(datetime.now(UTC)), abs=60)
    assert len(service.calls()) == 3


def test_the_quota_begins_again_at_midnight_in_chicago() -> None:
    assert until_reset(datetime(2026, 11, 24, 17, 0, tzinfo=UTC)) == 13 * 3600
    assert until_reset(datetime(2026, 7, 1, 4, 59, tzinfo=UTC)) == 60
    # The day on which the clocks go back has 25 hours.
    assert until_reset(datetime(2026, 11, 1, 5, 0, tzinfo=UTC)) == 25 * 3600


async def test_too_many_at_once_are_told_so_by_the_double(service: Marketo) -> None:
    await service.change(latency=0.05, at_once=2)
    token, _ = service.double.token()
    call = "/rest/v1/leads/describe.json"
    headers = {"Authorization": f"Bearer {token}"}
    answers = await asyncio.gather(*(service.control.get(call, headers=headers) for _ in range(4)))
    said = [each.json().get("errors", [{"code": ""}])[0]["code"] for each in answers]
    assert sorted(said) == ["", "", "615", "615"]
