"""The template that makes leads in Marketo: everybody once, with the day they came, and what Marketo refuses is said."""

import asyncio
import signal
import time
from typing import Any, Final
from urllib.parse import quote

import pytest

from tests.bot.made import ended, start
from tests.stories.newcomers import card, changed, comes, saying, service, shipped, streaming, told
from tests.stories.test_backfill import counted, over, press
from tests.worlds import Stage

FLOW: Final = "marketo-lead"
NEWS: Final = "new.person@example.com"
NEW: Final[dict[str, Any]] = {"email": NEWS, "email_verified": True, "name": "New Person"}
ANA: Final = "ana.keller@example.com"
"""Who is a lead already."""
SYNC: Final = "POST /rest/v1/leads.json"
FIND: Final = "GET /rest/v1/leads.json"


async def leads(stage: Stage, email: str) -> list[dict[str, Any]]:
    state = await service(stage, "marketo").get("state")
    return [each for each in state["leads"] if str(each.get("email")).casefold() == email.casefold()]


def said_by_marketo(code: int) -> dict[str, Any]:
    """Return a refusal of a whole call, which comes with status 200."""
    body = {"requestId": "1#1", "success": False, "errors": [{"code": str(code), "message": "No."}]}
    return {"status": 200, "body": body}


def skipped(code: int, message: str) -> dict[str, Any]:
    """Return a refusal of a single lead, in the answer to a call that is a success."""
    result = [{"status": "skipped", "reasons": [{"code": str(code), "message": message}]}]
    return {"status": 200, "body": {"requestId": "1#1", "success": True, "result": result}}


async def test_a_new_person_of_whom_two_tell_becomes_one_lead_with_the_day_they_came(set_up: Stage) -> None:
    await shipped(set_up, FLOW, id_field="auth0Id")
    async with set_up.bot_running():
        await streaming(set_up)
        await set_up.auth0.post("signups", {"email": NEWS, "given_name": "Noor", "family_name": "van Dijk"})
        (user,) = [u for u in (await set_up.auth0.get("state"))["users"] if u.get("email") == NEWS]
        await set_up.auth0.login(user["user_id"])
        said = await ended(set_up, FLOW, 1)
    (lead,) = await leads(set_up, NEWS)
    assert said == [f"Lead {lead['id']} is theirs."]
    assert (lead["firstName"], lead["lastName"], lead["auth0Id"]) == ("Noor", "van Dijk", user["user_id"])
    assert lead["acquisitionDate"] == f"{user['created_at'][:19]}Z"


async def test_d13_many_events_at_once_and_a_missed_login_make_one_lead(set_up: Stage) -> None:
    user = await comes(set_up, **NEW)
    await set_up.auth0.login(user["user_id"])  # the bot is not there
    await shipped(set_up, FLOW)
    async with set_up.bot_running():
        await asyncio.gather(
            *(told(set_up, user, number=number) for number in range(10)),
            *(set_up.auth0.login(user["user_id"]) for _ in range(2)),
        )
        assert len(await ended(set_up, FLOW, 1)) == 1
        await start(set_up, FLOW, user_id=user["user_id"])
        await saying(set_up, FLOW, "was there already")
    assert len(await leads(set_up, NEWS)) == 1


async def test_d14_who_has_one_name_or_no_address_is_taken_as_they_are(set_up: Stage) -> None:
    nobody = await comes(set_up, phone_number="+15550166", name="+15550166")
    await shipped(set_up, FLOW)
    async with set_up.bot_running():
        await told(set_up, await comes(set_up, **{**NEW, "name": "Ana"}))
        await told(set_up, nobody, number=2)
        await saying(set_up, FLOW, "Waits for an e-mail address")
        await start(set_up, FLOW)
        assert nobody["user_id"] in str(await card(set_up, "Not in Marketo yet"))
        await changed(set_up, nobody["user_id"], email="later@example.com")
        with_email = {**nobody, "email": "later@example.com"}
        await told(set_up, with_email, "user.updated", before={"email": None}, number=3)
        await ended(set_up, FLOW, 4)
    (lead,) = await leads(set_up, NEWS)
    (later,) = await leads(set_up, "later@example.com")
    assert (lead.get("firstName"), lead["lastName"], later["lastName"]) == (None, "Ana", "later")


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [
        ({}, {"lastName": "Keller"}),
        ({"id_field": "auth0Id"}, {"lastName": "Keller", "auth0Id": "theirs"}),
        ({"id_field": "auth0Id", "existing": "update"}, {"lastName": "Married", "auth0Id": "theirs"}),
    ],
)
async def test_a_lead_that_is_there_is_used_once_the_address_is_verified(
    set_up: Stage, chosen: dict[str, Any], kept: dict[str, Any]
) -> None:
    user = await comes(set_up, email=ANA, name="Ana Married", email_verified=False)
    await shipped(set_up, FLOW, **chosen)
    async with set_up.bot_running():
        await told(set_up, user)
        await saying(set_up, FLOW, "until the e-mail address is verified")
        await changed(set_up, user["user_id"], email_verified=True)
        verified = {**user, "email_verified": True}
        await told(set_up, verified, "user.updated", before={"email_verified": False}, number=2)
        await saying(set_up, FLOW, "was there")
        await told(set_up, await comes(set_up, email=ANA, connection="google-oauth2", email_verified=True), number=3)
        await ended(set_up, FLOW, 3)
    (lead,) = await leads(set_up, ANA)
    named = {"theirs": user["user_id"]}
    assert {name: lead.get(name) for name in kept} == {name: named.get(value, value) for name, value in kept.items()}
    assert lead.get("acquisitionDate") is None


@pytest.mark.parametrize(
    ("fault", "chosen", "why"),
    [
        (skipped(1003, "The value is not right"), {}, "The value is not right"),
        (skipped(1007, "Multiple lead match lookup criteria"), {}, "Multiple lead match"),
        (None, {"id_field": "notThere"}, "Field Management"),
    ],
)
async def test_d19_a_lead_that_marketo_skips_is_a_failure_with_its_reason_and_can_be_tried_again(
    set_up: Stage, fault: dict[str, Any] | None, chosen: dict[str, Any], why: str
) -> None:
    user = await comes(set_up, **NEW)
    await shipped(set_up, FLOW, **chosen)
    async with set_up.bot_running():
        for one in [fault] if fault else []:
            await service(set_up, "marketo").fault(SYNC, **one)
        await told(set_up, user)
        failed = await card(set_up, why)
        assert NEWS not in str(failed)
        await set_up.slack.press(failed, "again")
        await saying(set_up, FLOW, "is theirs" if fault else why)
    assert len(await leads(set_up, NEWS)) == (1 if fault else 0)


FAULTS: Final[list[dict[str, Any]]] = [
    said_by_marketo(602),
    said_by_marketo(606),
    said_by_marketo(611),
    {"status": 502, "body": {}},
    {"drop": "before"},
    {"drop": "after"},
]


async def test_marketo_and_auth0_fail_in_passing_and_everybody_is_there_once(set_up: Stage) -> None:
    await shipped(set_up, FLOW)
    instance = service(set_up, "marketo")
    async with set_up.bot_running():
        for number, fault in enumerate(FAULTS):
            user = await comes(set_up, email=f"{number}@example.com", name="New Person")
            await instance.fault(SYNC, **fault)
            await set_up.auth0.fault(f"GET /api/v2/users/{quote(user['user_id'], safe='')}", drop="before")
            await told(set_up, user, number=number)
            await ended(set_up, FLOW, number + 1)
        said = await ended(set_up, FLOW, len(FAULTS))
    assert all("is theirs" in one for one in said), said
    assert [len(await leads(set_up, f"{number}@example.com")) for number in range(len(FAULTS))] == [1] * len(FAULTS)


async def test_d18_a_login_does_not_wait_for_marketo(set_up: Stage) -> None:
    user = await comes(set_up, **NEW)
    await shipped(set_up, FLOW)
    async with set_up.bot_running():
        await service(set_up, "marketo").fault(FIND, delay=1.5)
        began = time.monotonic()
        assert (await set_up.auth0.login(user["user_id"]))["allowed"]
        assert time.monotonic() - began < 1.2
        await ended(set_up, FLOW, 1)
    assert len(await leads(set_up, NEWS)) == 1


async def test_everybody_who_is_there_already_becomes_a_lead_300_at_a_time(set_up: Stage) -> None:
    people = 700
    await set_up.auth0.post("users/many", {"count": people})
    await comes(set_up, email="zoë@example.com", name="Zoë")
    await comes(set_up, email=ANA, name="Ana Married")
    await shipped(set_up, FLOW)
    instance = service(set_up, "marketo")
    known = (await instance.get("state"))["leads_total"]
    with_email = {user["email"] for user in (await set_up.auth0.get("state"))["users"] if user.get("email")}
    async with set_up.bot_running():
        await start(set_up, FLOW, everybody="yes")
        said = await saying(set_up, FLOW, "new leads")
        assert "Marketo takes only e-mail addresses in ASCII" in str(await card(set_up, "Leads for everybody"))
    new = (await instance.get("state"))["leads_total"] - known
    assert said == f"{new} new leads, 1 refused."
    assert new == people - people // 20 + len(with_email) - 2  # one in twenty of the crowd signs in by text message
    syncs = [call for call in await instance.calls(method="POST") if call["path"] == "/rest/v1/leads.json"]
    assert len(syncs) <= people // 300 + 1
    assert (await leads(set_up, ANA))[0]["lastName"] == "Keller"


async def test_those_who_were_there_before_are_made_up_for_and_tried_out_first(set_up: Stage) -> None:
    await shipped(set_up, FLOW)
    people = [user for user in (await set_up.auth0.get("state"))["users"] if user.get("email")]
    async with set_up.bot_running():
        message = await counted(set_up, FLOW)
        assert await service(set_up, "marketo").calls(verb="POST", path="/rest/v1/leads.json") == []
        await press(set_up, message, "backfill:begin")
        await over(set_up, message)
    assert [len(await leads(set_up, user["email"])) for user in people] == [1] * len(people)


@pytest.mark.slow
async def test_killed_while_marketo_works_the_next_process_finishes_and_one_lead_is_there(set_up: Stage) -> None:
    user = await comes(set_up, **NEW)
    await shipped(set_up, FLOW)
    instance = service(set_up, "marketo")
    async with set_up.bot_process() as process:
        await instance.fault(SYNC, delay=30)
        await told(set_up, user)
        while not await instance.calls(verb="GET", path="/rest/v1/leads.json"):  # noqa: ASYNC110  # as below
            await asyncio.sleep(0.02)  # the instance tells nobody
        process.send_signal(signal.SIGKILL)
        await process.wait()
    (await set_up.http.delete(f"{instance.given['url']}/sandbox/faults")).raise_for_status()
    async with set_up.bot_process():
        said = await ended(set_up, FLOW, 1)
    (lead,) = await leads(set_up, NEWS)
    assert said == [f"Lead {lead['id']} is theirs."]
