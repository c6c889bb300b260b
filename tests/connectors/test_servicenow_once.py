"""Whatever goes wrong, what a flow makes in ServiceNow is there once, or the flow says that it does not know."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from connectors.errors import Ambiguous, ConnectorError, Reconnect, Refused, TryLater
from connectors.servicenow.client import Instance
from connectors.wire import Wire
from sandbox.servicenow.seed import fixed_id
from tests.connectors.servicenow_double import TABLE, ServiceNow, do, simulated

INCIDENT = fixed_id("incident 1")


@dataclass(frozen=True)
class Making:
    """An action that makes something, where it sends it, and how what it made is counted."""

    action: str
    given: dict[str, Any]
    path: str
    verb: str
    table: str
    mark: dict[str, str]

    async def done(self, client: Instance) -> Any:
        return await do(client, self.action, **self.given)

    async def count(self, servicenow: ServiceNow) -> int:
        return len(await servicenow.records(self.table, **self.mark))


MAKING = {
    "incident": Making(
        "create_incident",
        {"short_description": "Once"},
        TABLE,
        "POST",
        "incident",
        {"short_description": "Once"},
    ),
    "incident with a key": Making(
        "create_incident",
        {"short_description": "Once", "key": "k1"},
        TABLE,
        "POST",
        "incident",
        {"short_description": "Once"},
    ),
    "record of a task": Making(
        "create_record",
        {"table": "problem", "values": {"short_description": "Once"}, "key": "k1"},
        "/api/now/table/problem",
        "POST",
        "problem",
        {"short_description": "Once"},
    ),
    "record of a customer's table": Making(
        "create_record",
        {"table": "u_access_review", "values": {"u_name": "Once"}, "key": "k1"},
        "/api/now/table/u_access_review",
        "POST",
        "u_access_review",
        {"u_name": "Once"},
    ),
    "work note": Making(
        "add_work_note",
        {"incident": "INC0010001", "text": "Once\nmore ^ than one line"},
        f"{TABLE}/*",
        "PATCH",
        "sys_journal_field",
        {"value": "Once\nmore ^ than one line"},
    ),
    "attachment": Making(
        "add_attachment",
        {"table": "incident", "sys_id": INCIDENT, "file_name": "once.csv", "text": "a,b"},
        "/api/now/attachment/file",
        "POST",
        "sys_attachment",
        {"file_name": "once.csv"},
    ),
    "import": Making(
        "import_row",
        {"table": "imp_user", "values": {"u_email": "once@example.com", "u_first_name": "Once"}},
        "/api/now/import/imp_user",
        "POST",
        "sys_user",
        {"email": "once@example.com"},
    ),
}
CUT = '{"result":{"sys_id":"12'
CANCELLED = {
    "error": {"message": "Transaction cancelled: maximum execution time exceeded", "detail": None},
    "status": "failure",
}
FAULTS: dict[str, dict[str, Any]] = {
    "cut before": {"drop": "before"},
    "cut after": {"drop": "after"},
    "trouble before": {"status": 500, "body": CANCELLED},
    "trouble after": {"status_after": 500, "body": CANCELLED},
    "gateway": {"status": 502, "html": "<html>Bad gateway"},
    "gateway after": {"status_after": 504, "html": "<html>Time-out"},
    "page": {"status": 200, "html": "<html>Log in"},
    "page after": {"status_after": 200, "html": "<html>Log in"},
    "half an answer after": {"status_after": 201, "body": CUT, "headers": {"content-type": "application/json"}},
    "result and error after": {"status_after": 200, "body": {"result": {"sys_id": "x"}, **CANCELLED}},
    "no result after": {"status_after": 201, "body": {}},
    "empty result after": {"status_after": 201, "body": {"result": {}}},
    "too often": {"status": 429, "headers": {"retry-after": "1"}},
    "too often for ever": {"status": 429},
    "refused": {"status": 403, "body": {"error": {"message": "Operation Failed", "detail": "ACL Exception"}}},
    "unauthorized for ever": {"status": 401},
}


@pytest.fixture
async def servicenow() -> AsyncIterator[ServiceNow]:
    async with simulated() as opened:
        yield opened


@pytest.fixture
async def client(servicenow: ServiceNow, wire: Wire) -> Instance:
    return servicenow.connect(wire)


async def outcome(making: Making, client: Instance) -> type[ConnectorError] | None:
    try:
        await making.done(client)
    except ConnectorError as error:
        return type(error)
    return None


def allowed(came: type[ConnectorError] | None) -> set[int]:
    """Say how many there may be after something ended so."""
    return {1} if came is None else {0, 1} if came is Ambiguous else {0}


@pytest.mark.parametrize(("honoured", "times"), [(True, 1), (False, 9)], ids=["sys_id kept", "ignored, for ever"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("making", MAKING.values(), ids=MAKING)
async def test_it_is_there_once_or_it_is_said_that_nobody_knows(
    servicenow: ServiceNow, client: Instance, making: Making, fault: dict[str, Any], times: int, honoured: bool
) -> None:
    await servicenow.change(honours_sys_id=honoured)
    await servicenow.fault(f"{making.verb} {making.path}", times=times, **fault)
    came = await outcome(making, client)
    assert await making.count(servicenow) in allowed(came)


@pytest.mark.parametrize("fault", ["cut after", "trouble after", "gateway after", "page after", "no result after"])
@pytest.mark.parametrize("making", [name for name in MAKING if name != "import"])
async def test_what_was_made_before_the_answer_was_lost_is_found(
    servicenow: ServiceNow, client: Instance, making: str, fault: str
) -> None:
    made = MAKING[making]
    await servicenow.fault(f"{made.verb} {made.path}", **FAULTS[fault])
    assert await outcome(made, client) is None
    assert await made.count(servicenow) == 1


@pytest.mark.parametrize("making", ["incident", "incident with a key", "record of a task"])
async def test_what_was_made_is_found_by_its_mark_where_the_id_is_ignored(
    servicenow: ServiceNow, client: Instance, making: str
) -> None:
    await servicenow.change(honours_sys_id=False)
    await servicenow.fault(f"POST {MAKING[making].path}", **FAULTS["trouble after"])
    assert await outcome(MAKING[making], client) is None
    assert await MAKING[making].count(servicenow) == 1


async def test_what_can_be_found_by_nothing_is_not_known(servicenow: ServiceNow, client: Instance) -> None:
    await servicenow.change(honours_sys_id=False)
    made = MAKING["record of a customer's table"]
    await servicenow.fault(f"POST {made.path}", **FAULTS["trouble after"])
    with pytest.raises(Ambiguous, match=r"look for the record with the sys_id or correlation id [0-9a-f]{32}"):
        await made.done(client)
    assert await made.count(servicenow) == 1


async def test_it_is_sent_again_where_a_second_one_would_collide(servicenow: ServiceNow, client: Instance) -> None:
    await do(client, "create_incident", short_description="The first tells that ids are kept")
    await servicenow.fault(f"POST {TABLE}", drop="before")
    made = await do(client, "create_incident", short_description="Once")
    assert made.created
    assert len(await servicenow.records("incident", short_description="Once")) == 1


async def test_it_is_looked_for_before_it_is_sent_again(servicenow: ServiceNow, client: Instance) -> None:
    await do(client, "create_incident", short_description="The first tells that ids are kept")
    before = len(await servicenow.calls("", "/api"))
    await servicenow.fault(f"POST {TABLE}", drop="before")
    await do(client, "create_incident", short_description="Once")
    after = [call["verb"] for call in (await servicenow.calls("", "/api"))[before:]]
    assert (after[0], after[1], after[-1]) == ("POST", "GET", "POST")
    assert after.count("POST") == 2


@pytest.mark.parametrize("learnt", [True, False], ids=["ids are known to be kept", "nothing is known"])
@pytest.mark.parametrize("making", MAKING.values(), ids=MAKING)
async def test_what_comes_into_being_only_after_we_gave_up_is_there_once(
    servicenow: ServiceNow, client: Instance, making: Making, learnt: bool
) -> None:
    if learnt:
        client.honouring.update({"incident", "problem", "u_access_review"})
    await client.credentials.token()  # type: ignore[union-attr]  # it is connected by OAuth here
    await do(client, "find_users", email="mara.conti@example.com")
    client.http.timeout = httpx.Timeout(0.25)
    await servicenow.fault(f"{making.verb} {making.path}", delay=0.9)
    came = await outcome(making, client)
    async with asyncio.timeout(10):
        while not any(call["fault"] for call in await servicenow.calls(making.verb, "/api")):
            await servicenow.double.changes.after(servicenow.double.changes.sequence, 0.05)
    assert await making.count(servicenow) == 1
    assert came in {None, Ambiguous}


@pytest.mark.parametrize("table", ["incident", "sys_journal_field", "sys_attachment"])
@pytest.mark.parametrize("fault", ["cut after", "cut before"])
@pytest.mark.parametrize("making", MAKING.values(), ids=MAKING)
async def test_rights_that_are_missing_make_no_second_one(
    servicenow: ServiceNow, client: Instance, making: Making, fault: str, table: str
) -> None:
    client.honouring.add("incident")
    await servicenow.forbid(table, "read")
    await servicenow.fault(f"{making.verb} {making.path}", **FAULTS[fault])
    came = await outcome(making, client)
    assert await making.count(servicenow) in allowed(came)


@pytest.mark.parametrize("honoured", [True, False], ids=["sys_id kept", "sys_id ignored"])
@pytest.mark.parametrize("making", ["incident with a key", "record of a task", "attachment"])
async def test_the_same_again_makes_no_second_one(
    servicenow: ServiceNow, client: Instance, making: str, honoured: bool
) -> None:
    await servicenow.change(honours_sys_id=honoured)
    first, second = [await MAKING[making].done(client) for _ in range(2)]
    assert (first.created, second.created) == (True, False)
    assert first.sys_id == second.sys_id
    assert await MAKING[making].count(servicenow) == 1


async def test_a_table_that_keeps_no_mark_says_so(servicenow: ServiceNow, client: Instance) -> None:
    await servicenow.add("u_access_review", u_name="Another")
    made = MAKING["record of a customer's table"]
    assert (await made.done(client)).known_by_key
    assert not (await made.done(client)).created
    await servicenow.change(honours_sys_id=False)
    again = await do(client, "create_record", table="u_access_review", values={"u_name": "Lost"}, key="k2")
    assert again.created
    assert not again.known_by_key


@pytest.mark.parametrize("honoured", [True, False], ids=["sys_id kept", "sys_id ignored"])
async def test_twenty_at_once_with_one_key_make_one(servicenow: ServiceNow, client: Instance, honoured: bool) -> None:
    await servicenow.change(honours_sys_id=honoured)
    made = await asyncio.gather(*(MAKING["incident with a key"].done(client) for _ in range(20)))
    assert len({one.sys_id for one in made}) == 1
    assert [one.created for one in made].count(True) == 1
    assert len(await servicenow.calls("POST", "/oauth_token.do")) == 1
    assert len(await servicenow.records("incident", short_description="Once")) == 1


async def test_two_processes_with_one_key_make_one(servicenow: ServiceNow, wire: Wire) -> None:
    clients = [servicenow.connect(wire) for _ in range(8)]
    made = await asyncio.gather(*(MAKING["incident with a key"].done(each) for each in clients))
    assert len({one.sys_id for one in made}) == 1
    assert len(await servicenow.records("incident", short_description="Once")) == 1


async def test_without_a_key_each_is_one_of_its_own(servicenow: ServiceNow, client: Instance) -> None:
    for _ in range(2):
        assert (await MAKING["incident"].done(client)).created
    assert len(await servicenow.records("incident", short_description="Once")) == 2


async def test_a_token_that_ends_in_the_middle_makes_no_second_one(servicenow: ServiceNow, client: Instance) -> None:
    await do(client, "find_users", email="mara.conti@example.com")
    await servicenow.expire_tokens()
    assert (await MAKING["incident"].done(client)).created
    assert len(await servicenow.records("incident", short_description="Once")) == 1


async def test_a_token_with_seconds_left_is_used_and_renewed(servicenow: ServiceNow, client: Instance) -> None:
    await servicenow.change(token_lifetime=2)
    for number in range(3):
        await do(client, "create_incident", short_description=f"Number {number}")
    assert len(await servicenow.records("incident")) == 7


@pytest.mark.parametrize(("fault", "expected"), [("too often", TryLater), ("refused", Refused)])
async def test_what_was_refused_was_not_made(
    servicenow: ServiceNow, client: Instance, fault: str, expected: type[ConnectorError]
) -> None:
    await servicenow.fault(f"POST {TABLE}", **FAULTS[fault])
    with pytest.raises(expected):
        await MAKING["incident"].done(client)
    assert await MAKING["incident"].count(servicenow) == 0


async def test_credentials_that_end_for_ever_are_asked_for(servicenow: ServiceNow, client: Instance) -> None:
    await servicenow.fault(f"POST {TABLE}", times=2, status=401)
    with pytest.raises(Reconnect):
        await MAKING["incident"].done(client)
    assert await MAKING["incident"].count(servicenow) == 0


async def test_a_note_that_is_there_is_not_written_again_where_that_is_wanted(
    servicenow: ServiceNow, client: Instance
) -> None:
    given = {"incident": "INC0010002", "text": "Blocked by Mara", "once": True}
    first, second = [await do(client, "add_work_note", **given) for _ in range(2)]
    assert (first.written, second.written) == (True, False)
    assert len(await servicenow.records("sys_journal_field", value="Blocked by Mara")) == 1


async def test_the_same_note_twice_is_two_notes(servicenow: ServiceNow, client: Instance) -> None:
    for _ in range(2):
        await servicenow.fault(f"PATCH {TABLE}/*", drop="after")
        assert (await do(client, "add_work_note", incident="INC0010002", text="Again")).written
    assert len(await servicenow.records("sys_journal_field", value="Again")) == 2
