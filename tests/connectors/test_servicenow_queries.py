"""Looking for things in ServiceNow: what may be asked, and that nothing else is believed."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.catalog import catalog
from connectors.errors import Ambiguous, Missing, Refused
from connectors.servicenow.client import Instance
from connectors.servicenow.queries import PAGE, Condition
from connectors.wire import Wire
from sandbox.servicenow.seed import fixed_id
from tests.connectors.servicenow_double import ServiceNow, do, simulated

HOSTILE = [
    "x^ORsys_idISNOTEMPTY",
    "x^NQactive=true",
    "x\n^active=true",
    "x\nactive=true",
    "x\r",
    "x\u2028y",
    "javascript:gs.getUserID()",
    " JavaScript:gs.getUserID()",
]


@pytest.fixture
async def servicenow() -> AsyncIterator[ServiceNow]:
    async with simulated() as opened:
        yield opened


@pytest.fixture
async def client(servicenow: ServiceNow, wire: Wire) -> Instance:
    return servicenow.connect(wire)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("find_users", lambda text: {"email": text}),
        ("find_users", lambda text: {"user_name": text}),
        ("get_group", lambda text: {"group": text}),
        ("get_incident", lambda text: {"incident": text}),
        ("add_work_note", lambda text: {"incident": text, "text": "Hello"}),
        ("find_incidents", lambda text: {"contains": text}),
        ("find_incidents", lambda text: {"where": {"category": text}}),
        ("find_incidents", lambda text: {"caller": text}),
        ("create_incident", lambda text: {"short_description": "x", "caller": text}),
        ("find_records", lambda text: {"table": "incident", "where": {"category": text}}),
        ("find_records", lambda text: {"table": "incident", "where": {text: "x"}}),
        ("find_records", lambda text: {"table": text}),
        (
            "find_records",
            lambda text: {
                "table": "incident",
                "conditions": [{"field": "state", "test": "is one of", "value": [text]}],
            },
        ),
        ("get_record", lambda text: {"table": "incident", "sys_id": text}),
        ("get_record", lambda text: {"table": "incident", "sys_id": "a", "fields": [text]}),
        ("delete_record", lambda text: {"table": "incident", "sys_id": text}),
        ("update_record", lambda text: {"table": "incident", "sys_id": "a", "values": {text: "x"}}),
        ("list_attachments", lambda text: {"table": "incident", "sys_id": text}),
    ],
)
def test_nothing_that_would_change_a_query_can_be_given(action: str, given: Any, text: str) -> None:
    with pytest.raises(ValidationError):
        catalog().actions[f"servicenow.{action}"].given.model_validate(given(text))


def test_a_comma_cannot_be_in_a_list() -> None:
    with pytest.raises(ValidationError, match="comma"):
        Condition(field="state", test="is one of", value=["1,2"])


@pytest.mark.parametrize(
    "given",
    [
        {"field": "state", "test": "is"},
        {"field": "state", "test": "is", "value": ""},
        {"field": "state", "test": "is one of", "value": "1"},
        {"field": "state", "test": "is", "value": ["1"]},
        {"field": "state", "test": "is one of", "value": []},
        {"field": "state", "test": "is empty", "value": "1"},
        {"field": "State", "value": "1"},
        {"field": "a..b", "value": "1"},
    ],
)
def test_a_condition_that_means_nothing_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate(given)


async def test_texts_that_go_into_records_may_be_anything(servicenow: ServiceNow, client: Instance) -> None:
    for number, text in enumerate(HOSTILE):
        made = await do(client, "create_incident", short_description=f"Text {number}", description=text, key=text)
        assert made.created
    kept = [one["description"] for one in await servicenow.records("incident") if one["description"]]
    assert kept == HOSTILE
    assert await servicenow.evaluated() == []


async def test_a_field_that_does_not_exist_brings_no_others(servicenow: ServiceNow, client: Instance) -> None:
    with pytest.raises(Refused, match="no such field"):
        await do(client, "find_records", table="incident", where={"u_no_such": "x"})
    await servicenow.change(unknown_terms_find_nothing=True)
    assert (await do(client, "find_records", table="incident", where={"u_no_such": "x"})).records == []


async def test_a_field_that_may_not_be_seen_is_not_believed(servicenow: ServiceNow, client: Instance) -> None:
    await servicenow.forbid("sys_user", "read", field="email")
    with pytest.raises(Refused, match="may not be seen"):
        await do(client, "create_incident", short_description="x", caller="mara.conti@example.com")
    assert await servicenow.records("incident", short_description="x") == []


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ({"field": "state", "value": 1}, 2),
        ({"field": "active", "value": True}, 4),
        ({"field": "state", "test": "is not", "value": "1"}, 2),
        ({"field": "state", "test": "is one of", "value": ["2", "6"]}, 2),
        ({"field": "short_description", "test": "contains", "value": "LOGIN"}, 1),
        ({"field": "short_description", "test": "starts with", "value": "many"}, 1),
        ({"field": "assigned_to", "test": "is empty"}, 4),
        ({"field": "caller_id", "test": "is not empty"}, 4),
        ({"field": "state", "test": "is more than", "value": 1}, 2),
        ({"field": "sys_created_on", "test": "is less than", "value": "2000-01-01 00:00:00"}, 0),
        ({"field": "caller_id.email", "value": "Mara.Conti@example.com"}, 1),
    ],
)
async def test_records_are_found_by_conditions(client: Instance, condition: dict[str, Any], count: int) -> None:
    found = await do(client, "find_records", table="incident", conditions=[condition])
    assert (found.count, found.complete) == (count, True)


async def test_all_records_are_listed_page_by_page_although_some_may_not_be_seen(
    servicenow: ServiceNow, client: Instance
) -> None:
    made = [servicenow.double.put("problem", {"short_description": f"P{number}"}) for number in range(2 * PAGE + 7)]
    ordered = sorted(one["sys_id"] for one in made)
    hidden = set(ordered[:PAGE]) | {ordered[-1]}
    rules = [{"table": "problem", "operation": "read", "record": one} for one in hidden]
    await servicenow.change(acls=rules)
    action = catalog().actions["servicenow.list_records"]
    given = action.given.model_validate({"table": "problem", "where": {"active": True}})
    listed = [one.sys_id async for one in action.carry_out(client, given)]
    assert listed == [one for one in ordered if one not in hidden]


async def test_fewer_than_there_are_say_so(client: Instance) -> None:
    found = await do(client, "find_incidents", active=True, limit=2)
    assert (found.count, found.complete) == (2, False)


async def test_people_and_groups_are_found(client: Instance) -> None:
    users = await do(client, "find_users", email="MARA.conti@example.com")
    assert [one.user_name for one in users.users] == ["mara.conti"]
    group = await do(client, "get_group", group="Security Operations")
    members = await do(client, "list_group_members", group=group.name)
    assert {one.email for one in members.users} == {"abel.tuter@example.com", "david.loo@example.com"}


async def test_people_of_whom_there_are_two_are_not_guessed(servicenow: ServiceNow, client: Instance) -> None:
    await servicenow.add("sys_user", user_name="mara2", email="mara.conti@example.com")
    with pytest.raises(Refused, match="several"):
        await do(client, "create_incident", short_description="x", caller="mara.conti@example.com")
    with pytest.raises(Missing, match="no user"):
        await do(client, "create_incident", short_description="x", caller="nobody@example.com")


async def test_an_incident_is_changed_resolved_and_looked_up(servicenow: ServiceNow, client: Instance) -> None:
    changed = await do(
        client,
        "update_incident",
        incident="INC0010001",
        urgency="1",
        assigned_to="david.loo",
        fields={"u_no_such": "x", "subcategory": "mfa"},
    )
    assert (changed.urgency, changed.assigned_to) == ("1", fixed_id("david.loo"))
    assert changed.ignored == ["u_no_such"]
    resolved = await do(client, "resolve_incident", incident=changed.sys_id, close_notes="Done")
    assert (resolved.state, resolved.number) == ("6", "INC0010001")
    assert (await do(client, "get_incident", incident="inc0010001")).state == "6"
    with pytest.raises(Missing):
        await do(client, "get_incident", incident="INC0099999")


async def test_a_state_that_a_right_keeps_from_changing_is_told(servicenow: ServiceNow, client: Instance) -> None:
    await servicenow.forbid("incident", "write", field="state")
    with pytest.raises(Refused, match="did not resolve"):
        await do(client, "resolve_incident", incident="INC0010001", close_notes="Done")


async def test_a_rule_that_stops_a_change_is_named(servicenow: ServiceNow, client: Instance) -> None:
    await servicenow.change(aborted_by="No changes on Friday")
    with pytest.raises(Refused, match="No changes on Friday"):
        await do(client, "update_incident", incident="INC0010001", urgency="1")


async def test_records_are_made_read_changed_and_deleted(client: Instance) -> None:
    made = await do(client, "create_record", table="problem", values={"short_description": "Deep", "impact": 1})
    ref = {"table": "problem", "sys_id": made.sys_id}
    assert made.number.startswith("PRB")
    assert (await do(client, "update_record", **ref, values={"impact": None})).values["impact"] == ""
    assert (await do(client, "get_record", **ref)).values["short_description"] == "Deep"
    assert (await do(client, "delete_record", **ref)).existed
    assert not (await do(client, "delete_record", **ref)).existed
    with pytest.raises(Missing):
        await do(client, "get_record", **ref)


async def test_a_delete_whose_answer_was_lost_may_be_repeated(servicenow: ServiceNow, client: Instance) -> None:
    ref = {"table": "incident", "sys_id": fixed_id("incident 1")}
    await servicenow.fault("DELETE /api/now/table/incident/*", drop="after")
    with pytest.raises(Ambiguous):
        await do(client, "delete_record", **ref)
    assert not (await do(client, "delete_record", **ref)).existed


async def test_files_are_attached_listed_and_read(client: Instance) -> None:
    ref = {"table": "incident", "sys_id": fixed_id("incident 1")}
    text = await do(client, "add_attachment", **ref, file_name="ü & more.csv", text="a,ü", content_type="text/csv")
    await do(client, "add_attachment", **ref, file_name="b.bin", base64="/wD/", content_type="application/octet-stream")
    listed = await do(client, "list_attachments", **ref)
    assert {one.file_name for one in listed.attachments} == {"ü & more.csv", "b.bin"}
    read = await do(client, "get_attachment", sys_id=text.sys_id)
    assert (read.text, read.size, read.content_type) == ("a,ü", 4, "text/csv")
    with pytest.raises(Missing):
        await do(client, "get_attachment", sys_id="a" * 32)


async def test_a_row_is_imported_and_what_is_wrong_with_it_is_told(client: Instance) -> None:
    row = {"u_email": "new@example.com", "u_first_name": "New"}
    said = [(await do(client, "import_row", table="imp_user", values=row)).status for _ in range(2)]
    assert said == ["inserted", "ignored"]
    changed = await do(client, "import_row", table="imp_user", values={**row, "u_last_name": "Name"})
    assert changed.status == "updated"
    with pytest.raises(Refused, match="is not an e-mail address"):
        await do(client, "import_row", table="imp_user", values={"u_email": "nobody"})


async def test_any_call_can_be_made(client: Instance) -> None:
    query = {"sysparm_limit": 1, "sysparm_fields": "number", "sysparm_query": "ORDERBYnumber"}
    read = await do(client, "call_read", path="/api/now/v2/table/incident", query=query)
    assert (read.status, read.body, read.total) == (200, {"result": [{"number": "INC0010001"}]}, 4)
    body = {"short_description": "By hand"}
    made = await do(client, "call_change", method="POST", path="/api/now/table/incident", body=body)
    assert made.status == 201


@pytest.mark.parametrize(
    "path",
    ["/oauth_token.do", "/api/../login.do", "/api/%2e%2e/x", "/api/a?b", "/api//x", "//evil/api/", "/api/%252e%252e/x"],
)
def test_a_call_stays_inside(path: str) -> None:
    with pytest.raises(ValidationError):
        catalog().actions["servicenow.call_read"].given.model_validate({"path": path})
