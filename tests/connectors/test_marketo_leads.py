"""Leads: created, updated, found and deleted; each key once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import ValidationError

from connectors.errors import Missing, Refused
from connectors.marketo.client import Instance
from connectors.wire import Wire
from tests.connectors.marketo_double import ANA, BEN, Marketo, connected, do, simulated
from tests.specs import marketo_conforms


@pytest.fixture
async def service() -> AsyncIterator[Marketo]:
    async with simulated() as opened:
        yield opened
        marketo_conforms(opened.double.calls)


@pytest.fixture
def client(service: Marketo, wire: Wire) -> Instance:
    return connected(service, wire)


async def test_a_lead_is_created_and_then_updated(service: Marketo, client: Instance) -> None:
    made = await do(client, "upsert_lead", key_value="new@example.com", attributes={"firstName": "Nia"})
    again = await do(client, "upsert_lead", key_value="NEW@example.com", attributes={"lastName": "Ode"})
    assert (made.status, again.status, again.id) == ("created", "updated", made.id)
    (lead,) = service.with_email("new@example.com")
    assert (lead["firstName"], lead["lastName"]) == ("Nia", "Ode")


async def test_a_lead_is_found_with_more_fields(client: Instance) -> None:
    found = await do(client, "find_lead", value="Ana.Keller@example.com", fields=["company", "phone"])
    assert (found.id, found.first_name, found.fields["company"], found.fields["phone"]) == (
        ANA,
        "Ana",
        "Northwind Traders",
        None,
    )


async def test_a_lead_that_is_there_is_not_created_again(service: Marketo, client: Instance) -> None:
    with pytest.raises(Refused, match="already") as caught:
        await do(client, "create_lead", key_value="ana.keller@example.com", attributes={"firstName": "X"})
    assert caught.value.code == "1005"
    assert service.double.leads[ANA]["firstName"] == "Ana"


async def test_a_lead_that_is_not_there_is_missing(service: Marketo, client: Instance) -> None:
    with pytest.raises(Missing):
        await do(client, "update_lead", key_value="nobody@example.com", attributes={"firstName": "X"})
    with pytest.raises(Missing):
        await do(client, "find_lead", value="nobody@example.com")
    assert service.with_email("nobody@example.com") == []


async def test_a_lead_is_updated_by_its_id(service: Marketo, client: Instance) -> None:
    assert (await do(client, "update_lead", key_field="id", key_value=str(ANA), attributes={"title": "CTO"})).id == ANA
    assert service.double.leads[ANA]["title"] == "CTO"


@pytest.mark.parametrize(
    ("attributes", "code"),
    [({"shoeSize": 1}, "1006"), ({"leadScore": "x"}, "1001"), ({"firstName": "x" * 300}, "1003")],
)
async def test_what_a_field_does_not_take_is_refused(
    service: Marketo, client: Instance, attributes: dict[str, object], code: str
) -> None:
    with pytest.raises(Refused) as caught:
        await do(client, "create_lead", key_value="new@example.com", attributes=attributes)
    assert caught.value.code == code
    assert service.with_email("new@example.com") == []


async def test_several_leads_with_one_key_are_named_as_that(service: Marketo, client: Instance) -> None:
    service.double.leads[7] = {"id": 7, "email": "ana.keller@example.com"}
    for name, given in (("find_lead", "value"), ("upsert_lead", "key_value")):
        with pytest.raises(Refused) as caught:
            await do(client, name, **{given: "ana.keller@example.com"})
        assert caught.value.code == "1007"


async def test_what_came_of_each_lead_is_in_the_order_of_what_was_given(service: Marketo, client: Instance) -> None:
    records = [
        {"email": "ana.keller@example.com", "title": "CTO"},
        {"firstName": "nobody"},
        {"email": "jürgen@example.com"},
        {"email": "new@example.com", "shoeSize": 42},
        {"email": "new@example.com", "firstName": "Nia"},
        {"email": "new@example.com", "firstName": "Nia"},
        {"email": "New@example.com", "firstName": "Nina"},
    ]
    given = await do(client, "upsert_leads", records=records)
    assert [(each.status, each.code) for each in given.results] == [
        ("updated", None),
        ("skipped", "1002"),
        ("skipped", "1003"),
        ("skipped", "1006"),
        ("created", None),
        ("created", None),
        ("updated", None),
    ]
    assert (given.done, given.failed) == (4, 3)
    (lead,) = service.with_email("new@example.com")
    assert lead["firstName"] == "Nina"


async def test_seven_hundred_leads_go_in_three_calls(service: Marketo, client: Instance) -> None:
    records = [{"email": f"bulk.{number}@example.com"} for number in range(700)]
    given = await do(client, "upsert_leads", records=records)
    assert (given.done, given.failed) == (700, 0)
    assert [service.double.leads[each.id]["email"] for each in given.results] == [each["email"] for each in records]
    assert service.calls().count("POST /rest/v1/leads.json") == 3


async def test_leads_with_much_in_them_go_in_calls_that_marketo_takes(service: Marketo, client: Instance) -> None:
    service.double.attributes["notes"] = service.double.attributes["email"].__class__(
        id=62, name="notes", title="Notes", length=None
    )
    records = [{"email": f"bulk.{number}@example.com", "notes": "x" * 20_000} for number in range(100)]
    assert (await do(client, "upsert_leads", records=records)).done == 100


async def test_a_token_that_ends_in_the_middle_of_a_batch_does_no_harm(service: Marketo, client: Instance) -> None:
    await service.says("POST /rest/v1/leads.json", 602, "Access token expired")
    records = [{"email": f"bulk.{number}@example.com"} for number in range(600)]
    given = await do(client, "upsert_leads", records=records)
    assert {each.status for each in given.results} == {"created"}
    assert len({each.id for each in given.results}) == 600


async def test_two_upserts_of_one_key_never_happen_at_the_same_time(service: Marketo, client: Instance) -> None:
    await service.change(sync_seconds=0.03)
    one = (do(client, "upsert_lead", key_value="same@example.com", attributes={"title": str(n)}) for n in range(4))
    many = (do(client, "upsert_leads", records=[{"email": "b@x.org"}, {"email": "SAME@example.com"}]) for _ in range(2))
    await asyncio.gather(*one, *many)
    assert len(service.with_email("same@example.com")) == 1
    assert len(service.with_email("b@x.org")) == 1


async def test_the_double_makes_two_of_what_is_written_twice_at_once(service: Marketo, wire: Wire) -> None:
    await service.change(sync_seconds=0.05)
    token, _ = service.double.token()
    body = {"input": [{"email": "same@example.com"}]}
    send = [service.control.post("/rest/v1/leads.json", json=body, headers={"Authorization": f"Bearer {token}"})] * 1
    send.append(service.control.post("/rest/v1/leads.json", json=body, headers={"Authorization": f"Bearer {token}"}))
    await asyncio.gather(*send)
    assert len(service.with_email("same@example.com")) == 2


async def test_three_hundred_leads_are_found_at_a_time_however_long_the_query(
    service: Marketo, client: Instance
) -> None:
    service.add_many(250)
    await service.change(page=70)
    values = [f"many.{500_000 + number}@example.com" for number in range(300)]
    found = await do(client, "find_leads", values=values)
    assert (len(found.leads), len(found.missing)) == (250, 50)
    assert "POST /rest/v1/leads.json" in service.calls()


@pytest.mark.parametrize(
    "body", [{"requestId": "1#1", "success": True, "result": []}, {"requestId": "1", "success": True}]
)
async def test_nothing_found_may_come_with_or_without_a_result(
    service: Marketo, client: Instance, body: dict[str, object]
) -> None:
    await service.fault("GET /rest/v1/leads.json", status=200, body=body)
    assert (await do(client, "find_leads", values=["x@example.com"])).missing == ["x@example.com"]


@pytest.mark.parametrize("value", ["a@example.com,b@example.com", ""])
async def test_a_value_that_would_be_read_as_two_is_refused(client: Instance, value: str) -> None:
    with pytest.raises(ValidationError):
        await do(client, "find_lead", value=value)


async def test_deleted_leads_are_gone_and_those_that_were_not_there_are_named(
    service: Marketo, client: Instance
) -> None:
    given = await do(client, "delete_leads", lead_ids=[ANA, 999, BEN, ANA])
    assert [(each.status, each.code) for each in given.results] == [
        ("deleted", None),
        ("skipped", "1004"),
        ("deleted", None),
        ("deleted", None),
    ]
    assert not {ANA, BEN} & set(service.double.leads)


async def test_fields_are_described_for_forms(client: Instance) -> None:
    fields = (await do(client, "describe_leads")).fields
    assert [each.name for each in fields if each.key] == ["id", "email", "auth0Id"]


async def test_several_leads_are_updated_and_none_is_made(service: Marketo, client: Instance) -> None:
    records = [{"email": "ana.keller@example.com", "title": "CTO"}, {"email": "nobody@example.com", "title": "CTO"}]
    given = await do(client, "update_leads", records=records)
    assert [each.status for each in given.results] == ["updated", "skipped"]
    assert service.double.leads[ANA]["title"] == "CTO"
    assert service.with_email("nobody@example.com") == []
