"""Static lists, folders, campaigns, imports, and any other call."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import Missing, Reconnect, Refused, TryLater
from connectors.marketo.client import Instance
from connectors.wire import Wire
from tests.connectors.marketo_double import ANA, BEN, DAI, ELIF, Marketo, connected, do, simulated, stream
from tests.specs import marketo_conforms


@pytest.fixture
async def service() -> AsyncIterator[Marketo]:
    async with simulated() as opened:
        yield opened
        marketo_conforms(opened.double.calls)


@pytest.fixture
def client(service: Marketo, wire: Wire) -> Instance:
    return connected(service, wire)


@pytest.mark.parametrize("name", ["Newsletter", "Webinar, spring"])
async def test_a_list_is_found_by_its_exact_name_also_with_a_comma(client: Instance, name: str) -> None:
    assert (await do(client, "find_list", name=name)).name == name


async def test_what_there_is_not_is_missing(client: Instance) -> None:
    with pytest.raises(Missing):
        await do(client, "find_list", name="newsletter")
    with pytest.raises(Missing):
        await do(client, "find_folder", name="Nowhere")
    with pytest.raises(Missing):
        await do(client, "add_to_list", list_id=99, lead_ids=[ANA])


async def test_a_list_is_created_in_a_folder_once(client: Instance) -> None:
    folder = await do(client, "create_folder", name="Idle", parent_id=12)
    again = await do(client, "create_folder", name="Idle", parent_id=12)
    assert (folder.path, folder.created, again.created, again.id) == ("/Lead Database/Idle", True, False, folder.id)
    made = await do(client, "create_list", name="Idle, 2026", folder_id=folder.id, description="Idle accounts")
    same = await do(client, "create_list", name="Idle, 2026", folder_id=folder.id)
    assert (made.created, same.created, made.id, made.folder_id) == (True, False, same.id, folder.id)
    assert (await do(client, "find_folder", name="Idle", parent_id=12)).id == folder.id


async def test_members_come_and_go(service: Marketo, client: Instance) -> None:
    for _ in range(2):
        added = await do(client, "add_to_list", list_id=1022, lead_ids=[ANA, 999, BEN])
        assert [(each.status, each.code) for each in added.results] == [
            ("added", None),
            ("skipped", "1004"),
            ("added", None),
        ]
    found = await do(client, "check_list_members", list_id=1022, lead_ids=[ANA, DAI, 999])
    assert (found.members, found.others) == ([ANA], [DAI, 999])
    removed = await do(client, "remove_from_list", list_id=1022, lead_ids=[ANA, DAI])
    assert [(each.status, each.code) for each in removed.results] == [("removed", None), ("skipped", "1015")]
    assert [*service.double.lists[1022].members] == [BEN]


async def test_leads_are_put_into_a_list_by_their_e_mail_and_none_is_created(
    service: Marketo, client: Instance
) -> None:
    values = ["dai.nakamura@example.com", "nobody@example.com", "Elif.Sahin@example.com", "dai.nakamura@example.com"]
    given = await do(client, "add_to_list_by_key", list_id=1022, values=values)
    assert [(each.id, each.status) for each in given.results] == [
        (DAI, "added"),
        (None, "skipped"),
        (ELIF, "added"),
        (DAI, "added"),
    ]
    assert service.with_email("nobody@example.com") == []


async def test_all_members_stream_by_however_short_the_pages_are(service: Marketo, client: Instance) -> None:
    service.double.lists[1022].members = dict.fromkeys(service.add_many(750), "")
    await service.change(page=200)
    members = await stream(client, "list_members", list_id=1022, fields=["company"])
    assert [each.id for each in members] == [*service.double.lists[1022].members]
    assert len([call for call in service.calls() if "lists/1022" in call]) == 4


async def test_an_empty_page_with_more_to_come_is_not_the_end(service: Marketo, client: Instance) -> None:
    service.double.pages["MORE==="] = ("members 1020", 0)
    body = {"requestId": "1#1", "success": True, "result": [], "nextPageToken": "MORE==="}
    await service.fault("GET */lists/1020/leads.json", status=200, body=body)
    assert len(await stream(client, "list_members", list_id=1020)) == 3


async def test_campaigns_to_trigger_are_listed(client: Instance) -> None:
    assert [each.id for each in (await do(client, "list_campaigns")).campaigns] == [3001, 3002]


async def test_a_campaign_is_triggered_with_tokens(service: Marketo, client: Instance) -> None:
    given = {"campaign_id": 3002, "lead_ids": [ANA, BEN, ANA], "tokens": {"my.reason": "new country", "{{my.x}}": "1"}}
    assert (await do(client, "trigger_campaign", **given)).lead_ids == [ANA, BEN]
    sent = service.double.campaigns[3002].sent
    assert [each["lead"] for each in sent] == [ANA, BEN]
    assert sent[0]["tokens"] == [
        {"name": "{{my.reason}}", "value": "new country"},
        {"name": "{{my.x}}", "value": "1"},
    ]


@pytest.mark.parametrize("campaign_id", [3003, 3004, 3005])
async def test_a_campaign_that_cannot_be_triggered_is_refused(client: Instance, campaign_id: int) -> None:
    with pytest.raises(Refused) as caught:
        await do(client, "trigger_campaign", campaign_id=campaign_id, lead_ids=[ANA])
    assert caught.value.code == "1003"


AWKWARD = ['=cmd|"/c calc"!A1', "a,b;c\td", 'say "hi"', "two\nlines", "+49 30 1", "@SUM(1)", "-1", "ü"]


async def test_leads_are_imported_as_they_are_and_what_fails_is_told_with_its_reason(
    service: Marketo, client: Instance
) -> None:
    good: list[dict[str, Any]] = [
        {"email": f"imported.{number}@example.com", "company": text} for number, text in enumerate(AWKWARD)
    ]
    bad = {"email": "not an address", "company": 'he said "no", twice'}
    begun = await do(client, "import_leads", records=[*good, bad], list_id=1022)
    assert (begun.status, begun.finished) == ("Queued", False)
    status = await do(client, "get_import", import_id=begun.import_id)
    assert (status.finished, status.complete, status.processed, status.failed) == (True, False, len(AWKWARD), 1)
    (failure,) = await stream(client, "list_import_failures", import_id=begun.import_id)
    assert failure.record == bad
    assert "invalid" in failure.reason
    assert len(service.double.lists[1022].members) == len(AWKWARD)
    assert [service.with_email(each["email"])[0]["company"] for each in good] == AWKWARD


async def test_an_import_under_way_is_not_finished(service: Marketo, client: Instance) -> None:
    await service.change(import_seconds=60, importing=1)
    states = [
        await do(
            client, "get_import", import_id=(await do(client, "import_leads", records=[{"email": "a@b.c"}])).import_id
        )
        for _ in range(2)
    ]
    assert [(each.status, each.finished, each.complete) for each in states] == [
        ("Importing", False, False),
        ("Queued", False, False),
    ]
    await service.change(queued=2)
    with pytest.raises(TryLater) as caught:
        await do(client, "import_leads", records=[{"email": "a@b.c"}])
    assert caught.value.code == "1016"


async def test_an_import_that_is_too_large_or_lacks_its_key_is_not_sent(service: Marketo, client: Instance) -> None:
    for records in ([{"email": "a@b.c", "notes": "x" * 11_000_000}], [{"firstName": "A"}]):
        with pytest.raises(Refused):
            await do(client, "import_leads", records=records)
    assert service.calls("/bulk") == []


async def test_any_other_call_can_be_made(service: Marketo, client: Instance) -> None:
    usage = await do(client, "call_read", path="/rest/v1/stats/usage.json")
    assert usage.result[0]["total"] == 1
    made = await do(
        client,
        "call_change",
        method="POST",
        path="/rest/asset/v1/staticLists.json",
        form={"name": "By hand", "folder": '{"id": 35, "type": "Folder"}'},
    )
    body = {"input": [{"id": ANA}]}
    path = f"/rest/v1/lists/{made.result[0]['id']}/leads.json"
    assert (await do(client, "call_change", method="POST", path=path, body=body)).result[0]["status"] == "added"


@pytest.mark.parametrize(
    "path",
    [
        "/identity/oauth/token",
        "/rest/v1/../../identity/oauth/token",
        "//x/rest/v1/a",
        "/rest/v1/%2e%2e/a",
        "https://x/rest/v1/",
    ],
)
async def test_no_call_leaves_the_api(client: Instance, path: str) -> None:
    with pytest.raises(ValidationError):
        await do(client, "call_read", path=path)


async def test_while_nothing_may_be_changed_reading_goes_on(service: Marketo, client: Instance) -> None:
    await service.control.put("/sandbox/read-only", json={"on": True})
    await do(client, "find_leads", values=["x@example.com"] * 2)
    with pytest.raises(Reconnect):
        await do(client, "upsert_lead", key_value="new@example.com")
    assert [each["method"] for each in service.double.read_only.as_given()["refused"]] == ["POST"]
