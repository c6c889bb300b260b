"""Records of a Salesforce org: made once, found exactly, changed, in batches and by bulk jobs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import Ambiguous, Missing, Refused, TryLater
from tests.connectors.orgs import Stage, staged

WITHOUT_KEYS = {"create_records"}
CREATES: list[tuple[str, str, dict[str, Any]]] = [
    ("create_contact", "Contact", {"last_name": "Twice", "email": "twice@example.com"}),
    ("create_lead", "Lead", {"last_name": "Twice", "company": "Twice & Co", "email": "twice@example.com"}),
    ("create_account", "Account", {"name": "Twice's"}),
    ("create_case", "Case", {"subject": "Twice", "description": "Once."}),
    ("create_record", "Contact", {"sobject": "Contact", "values": {"LastName": "Twice", "Legacy_Id__c": "t-1"}}),
    ("create_records", "Contact", {"sobject": "Contact", "records": [{"LastName": "Twice"}]}),
]
ERROR = [{"message": "Something went wrong.", "errorCode": "UNKNOWN_EXCEPTION"}]
FAULTS: list[dict[str, Any]] = [
    {"drop": "before"},
    {"drop": "after"},
    {"status": 500, "body": ERROR},
    {"status_after": 500, "body": ERROR},
    {"status": 503, "body": [{"message": "Busy.", "errorCode": "SERVER_UNAVAILABLE"}]},
    {"status": 401, "body": [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]},
    {"status": 403, "body": [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]},
    {"status": 400, "body": [{"message": "unable to obtain", "errorCode": "UNABLE_TO_LOCK_ROW"}]},
    {"status": 200, "body": "<html>Back soon</html>"},
]
HOSTILE = ["O'Brien", "' OR Name != '", "a\\", "\\' OR Id != null --", "%", "_", "line\nbreak", '"', "x') LIMIT 1 --"]


@pytest.fixture
async def org() -> AsyncIterator[Stage]:
    async with staged() as stage:
        yield stage


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize(
    ("name", "sobject", "given", "keyed"),
    [(*each, keyed) for each in CREATES for keyed in (False, True) if not (keyed and each[0] in WITHOUT_KEYS)],
    ids=lambda one: one if isinstance(one, str) else "keyed" if one is True else "",
)
async def test_a_record_is_made_once_whatever_goes_wrong_or_it_is_said_that_nobody_knows(
    org: Stage, name: str, sobject: str, given: dict[str, Any], fault: dict[str, Any], keyed: bool
) -> None:
    org.connected(key_field="Flow_Key__c")
    before = set(org.double.records[sobject])
    org.fault("P* */sobjects*", **fault)
    try:
        await org.do(name, **given, **({"key": "run-1/steps/2"} if keyed else {}))
    except Ambiguous:
        assert not keyed
        assert len(set(org.double.records[sobject]) - before) <= 1
    except TryLater:
        assert set(org.double.records[sobject]) == before
    else:
        assert len(set(org.double.records[sobject]) - before) == 1


@pytest.mark.parametrize(("name", "sobject", "given"), CREATES[:2], ids=["contact", "lead"])
async def test_the_same_person_twenty_times_at_once_is_one_record(
    org: Stage, name: str, sobject: str, given: dict[str, Any]
) -> None:
    made = await asyncio.gather(*(org.do(name, **given) for _ in range(20)))
    assert len({each.id for each in made}) == 1
    assert [each.created for each in made].count(True) == 1
    assert len(org.those(sobject, Email="twice@example.com")) == 1


@pytest.mark.parametrize("spelt", ["duplicateResult", "duplicateResut"])
async def test_a_duplicate_rule_names_the_record_that_is_there(org: Stage, spelt: str) -> None:
    org.ways(duplicate_rules="alert", duplicate_key=spelt)
    (known,) = org.those("Contact", Email="ines.moreau@example.com")
    given: dict[str, Any] = {"sobject": "Contact", "values": {"LastName": "Moreau", "Email": "Ines.Moreau@example.com"}}
    with pytest.raises(Refused, match="duplicate rule"):
        await org.do("create_record", **given)
    used = await org.do("create_record", **given, if_there="use it")
    assert (used.id, used.created) == (known["Id"], False)
    assert (await org.do("create_record", **given, if_there="create anyway")).created


async def test_an_external_id_makes_or_changes_a_record_and_several_are_refused(org: Stage) -> None:
    given = {"external_id_field": "Auth0_Id__c", "external_id": "auth0|a/b?c#d %'"}
    made = await org.do("upsert_contact", **given, last_name="One", more={"Auth0_Id__c": "other"})
    again = await org.do("upsert_contact", **given, last_name="Two")
    assert (made.created, again.created, made.id) == (True, False, again.id)
    for _ in range(2):
        await org.do("create_record", sobject="Contact", values={"LastName": "L", "Legacy_Id__c": "same"})
    with pytest.raises(Refused, match="more than one"):
        await org.do("upsert_contact", external_id_field="Legacy_Id__c", external_id="same", last_name="X")
    with pytest.raises(Missing):
        await org.do(
            "upsert_record",
            sobject="Contact",
            external_id_field="Auth0_Id__c",
            external_id="nobody",
            values={"LastName": "X"},
            update_only=True,
        )


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("comparison", ["is", "contains", "starts with", "ends with", "one of"])
async def test_what_is_looked_for_is_never_part_of_the_query(org: Stage, text: str, comparison: str) -> None:
    values = {"LastName": text, "Department": "hostile"}
    made = await org.do("create_record", sobject="Contact", values=values)
    value = [text] if comparison == "one of" else text
    where = [{"field": "LastName", "comparison": comparison, "value": value}]
    found = await org.do("find_records", sobject="Contact", where=where, fields=["Id", "LastName"])
    assert made.id in [each["Id"] for each in found.records]
    assert all(text in each["LastName"] for each in found.records)


@pytest.mark.parametrize("name", ["Name FROM User", "Id,Name", "a'b", "", "1x", "Account..Name", "COUNT()"])
async def test_names_are_names_and_nothing_else(org: Stage, name: str) -> None:
    condition = {"field": "LastName", "value": "x"}
    for given in (
        {"sobject": name},
        {"sobject": "Contact", "fields": [name]},
        {"sobject": "Contact", "where": [condition | {"field": name}]},
    ):
        with pytest.raises(ValidationError):
            await org.do("find_records", **given)


async def test_pages_are_followed_to_the_end_also_short_ones(org: Stage) -> None:
    org.ways(page_size=2, short_pages=True)
    found = await org.do("find_contacts")
    assert (found.total, found.complete) == (4, True)
    some = await org.do("find_contacts", limit=3)
    assert (some.total, some.complete) == (3, False)


async def test_dates_and_parents_are_looked_for(org: Stage) -> None:
    where: list[dict[str, Any]] = [
        {"field": "Account.Name", "value": "Kestrel Robotics"},
        {"field": "CreatedDate", "comparison": "more than", "value": "2020-01-01T00:00:00Z", "date": True},
    ]
    found = await org.do("find_contacts", where=where, fields=["Email", "Account.Name"])
    assert {each["Account"]["Name"] for each in found.records} == {"Kestrel Robotics"}
    assert found.total == 2
    with pytest.raises(ValidationError):
        await org.do("find_contacts", where=[where[1] | {"value": "2020 OR Id != null"}])


async def test_a_record_is_read_changed_and_deleted(org: Stage) -> None:
    made = await org.do("create_contact", last_name="Short", phone="1")
    await org.do("update_contact", id=made.id, first_name="Very", more={"Phone": None})
    read = await org.do("get_contact", id=made.id, fields=["Name", "Phone"])
    assert read.record == {"Name": "Very Short", "Phone": None}
    await org.do("delete_contact", id=made.id)
    with pytest.raises(Missing):
        await org.do("get_contact", id=made.id)


async def test_many_are_told_one_by_one_and_locked_ones_are_sent_again_alone(org: Stage) -> None:
    org.ways(locked_once=["name 7"])
    records: list[dict[str, Any]] = [{"LastName": f"name {number}"} for number in range(450)]
    records[3] = {"FirstName": "Nameless"}
    org.double.tokens.clear()
    made = await org.do("create_records", sobject="Contact", records=records)
    assert (made.done, made.failed) == (449, 1)
    assert [each.position for each in made.results] == list(range(450))
    assert "REQUIRED_FIELD_MISSING" in made.results[3].message
    assert all(len(org.those("Contact", LastName=f"name {number}")) == 1 for number in (0, 7, 449))
    ids = [each.id for each in made.results if each.id]
    sent = [each for each in org.double.calls if each["path"].endswith("/composite/sobjects")]
    assert [len(each["body"]["records"]) for each in sent] == [200, 1, 200, 50]
    changed = await org.do("update_records", sobject="Contact", records=[{"id": ids[0], "values": {"Title": "T"}}])
    assert changed.done == 1
    gone = await org.do("delete_records", sobject="Contact", ids=ids[:201])
    assert gone.done == 201


async def test_a_token_that_ends_in_the_middle_of_a_batch_is_renewed_and_nothing_is_made_twice(org: Stage) -> None:
    records = [{"LastName": f"many {number}"} for number in range(600)]
    before = org.double.changes.sequence
    work = asyncio.create_task(org.do("create_records", sobject="Contact", records=records))
    await org.double.changes.after(before + 199, 10)
    org.double.tokens.clear()
    assert (await work).done == 600
    assert len(org.double.records["Contact"]) == 604
    assert org.double.tokens_given == 2


async def test_a_batch_that_is_cut_in_its_middle_says_what_is_known(org: Stage) -> None:
    records = [{"LastName": f"many {number}"} for number in range(300)]
    before = org.double.changes.sequence
    work = asyncio.create_task(org.do("create_records", sobject="Contact", records=records))
    await org.double.changes.after(before + 199, 10)
    org.fault("POST */composite/sobjects", drop="after")
    with pytest.raises(Ambiguous, match="of 300 records 200 are done, of 100"):
        await work


@pytest.mark.parametrize("cut", ["POST */jobs/ingest", "PUT *", "PATCH *", "GET */jobs/ingest/*"])
@pytest.mark.parametrize("drop", ["before", "after"])
async def test_very_many_are_a_bulk_job_that_does_everything_once(org: Stage, cut: str, drop: str) -> None:
    records: list[dict[str, Any]] = [{"LastName": f'bulk, "{number}"\n\'', "Title": None} for number in range(2001)]
    records[5] = {"LastName": None}
    org.fault(cut, drop=drop)
    made = await org.do("create_records", sobject="Contact", records=records)
    assert (made.done, made.failed) == (2000, 1)
    assert "REQUIRED_FIELD_MISSING" in made.results[5].message
    assert len(org.double.records["Contact"]) == 2004
    third = org.double.records["Contact"][made.results[3].id]
    assert third["LastName"] == 'bulk, "3"\n\''


async def test_very_many_are_upserted_by_bulk_twice_as_once(org: Stage) -> None:
    records = [{"LastName": f"n {number}", "Auth0_Id__c": f"auth0|{number}"} for number in range(2001)]
    for created in (True, False):
        made = await org.do("upsert_records", sobject="Contact", external_id_field="Auth0_Id__c", records=records)
        assert {each.created for each in made.results} == {created}
    assert len(org.double.records["Contact"]) == 2005


@pytest.mark.parametrize("drop", ["before", "after", None])
async def test_a_lead_is_converted_once(org: Stage, drop: str | None) -> None:
    lead = next(iter(org.double.records["Lead"]))
    if drop:
        org.fault("POST */convertLead", drop=drop)
    try:
        first = await org.do("convert_lead", id=lead)
    except Ambiguous:  # as an engine does with what may be repeated
        first = await org.do("convert_lead", id=lead)
    again = await org.do("convert_lead", id=lead)
    assert (again.account_id, again.converted_now) == (first.account_id, False)
    assert len(org.double.records["Account"]) == 4


async def test_forms_are_filled_from_the_org(org: Stage) -> None:
    assert "Contact" in [each.value for each in (await org.do("list_objects")).choices]
    external = await org.do("list_fields", sobject="Contact", which="external ids")
    assert "Auth0_Id__c" in [each.value for each in external.choices]
    assert "CreatedDate" not in [
        each.value for each in (await org.do("list_fields", sobject="Lead", which="that can be filled")).choices
    ]
    assert "High" in [each.value for each in (await org.do("list_values", sobject="Case", field="Priority")).choices]


async def test_any_call_is_possible_within_the_api_only(org: Stage) -> None:
    read = await org.do("call_read", path="/services/data/v64.0/limits")
    assert read.body["DailyApiRequests"]["Max"] == 15000
    made = await org.do(
        "call_change", path="/services/data/v64.0/sobjects/Account", method="POST", body={"Name": "Raw"}
    )
    assert made.status == 201
    for path in ("/services/oauth2/token", "/services/data/../oauth2", "/services/data/%2e%2e/x", "//evil.example/x"):
        with pytest.raises(ValidationError):
            await org.do("call_read", path=path)


NOUNS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("account", "accounts", {"name": "Fabrikam"}, {"phone": "1"}),
    ("case", "cases", {"subject": "Cannot sign in"}, {"priority": "High"}),
    ("contact", "contacts", {"last_name": "Osei", "email": "osei@example.com"}, {"title": "CTO"}),
    ("lead", "leads", {"last_name": "Lund", "company": "Lund & Co"}, {"title": "CTO"}),
]


@pytest.mark.parametrize(
    ("noun", "nouns", "values", "change"), NOUNS, ids=lambda one: one if isinstance(one, str) else ""
)
async def test_each_kind_of_record_is_made_found_changed_and_deleted(
    org: Stage, noun: str, nouns: str, values: dict[str, Any], change: dict[str, Any]
) -> None:
    made = await org.do(f"create_{noun}", **values)
    assert (await org.do(f"get_{noun}", id=made.id)).id == made.id
    (name, value), *_ = values.items()
    found = await org.do(f"find_{nouns}", **{name: value})
    assert [each["Id"] for each in found.records] == [made.id]
    await org.do(f"update_{noun}", id=made.id, **change)
    key = {"external_id_field": "Auth0_Id__c", "external_id": "auth0|nouns"}
    first, second = [await org.do(f"upsert_{noun}", **key, **values | {name: "Another"}) for _ in range(2)]
    assert (first.created, second.created, first.id == second.id) == (True, False, True)
    assert first.id != made.id
    await org.do(f"delete_{noun}", id=made.id)
    with pytest.raises(Missing):
        await org.do(f"get_{noun}", id=made.id)
