"""The template that keeps inactive people on a list in Marketo: who is inactive comes on it, who comes back or is gone comes off."""

import asyncio
import signal
import time
from typing import Any, Final

import pytest

from sandbox.auth0.crowd import Crowd, Many
from tests.bot.made import ended, run_says, start
from tests.stories.absentees import absentee, at_length, days_ago, passed, peak_of, posted, rows_of
from tests.stories.newcomers import service, shipped
from tests.worlds import Stage, text_of

FLOW: Final = "inactive-to-marketo"
TABLE: Final = "inactive_leads"
LIST: Final = "workflows_inactive_users"
ADDS: Final = "POST /rest/v1/lists/*/leads.json"


async def led(stage: Stage, *emails: str, action: str = "createOnly") -> list[int]:
    """Let there be leads in Marketo. Returns their ids."""
    given = stage.addresses["marketo"]
    ids = {"grant_type": "client_credentials"} | {name: given[name] for name in ("client_id", "client_secret")}
    token = (await stage.http.get(f"{given['url']}/identity/oauth/token", params=ids)).json()["access_token"]
    body = {"action": action, "lookupField": "email", "input": [{"email": email} for email in emails]}
    headers = {"authorization": f"Bearer {token}"}
    answer = (await stage.http.post(f"{given['url']}/rest/v1/leads.json", json=body, headers=headers)).json()
    return [each["id"] for each in answer["result"]]


async def lists(stage: Stage, name: str = LIST) -> list[dict[str, Any]]:
    return [one for one in (await service(stage, "marketo").get("state"))["lists"] if one["name"] == name]


async def members(stage: Stage) -> list[int]:
    (found,) = await lists(stage)
    return sorted(found["members"])


async def run(stage: Stage, number: int, **values: Any) -> list[str]:
    await start(stage, FLOW, **values)
    return await ended(stage, FLOW, number)


async def later(stage: Stage) -> None:
    """Let a day pass since the last run."""
    await passed(stage, TABLE, 1, "seen")


async def test_the_good_days_make_the_list_fill_it_and_take_off_who_comes_back(set_up: Stage) -> None:
    back = await absentee(set_up, 70, email="back@example.com")
    await absentee(set_up, 100, email="Stays@Example.com")
    await absentee(set_up, 80, email="unknown@example.com")
    await absentee(set_up, 300, email="gone@example.com")
    await absentee(set_up, 10, email="here@example.com")
    back_id, stays_id, *_ = await led(
        set_up, "back@example.com", "stays@example.com", "gone@example.com", "here@example.com"
    )
    await shipped(set_up, FLOW, zone="UTC")
    async with set_up.bot_running():
        (looked,) = await run(set_up, 1, only_look="yes")
        assert looked.startswith("It only looked. There after")
        assert "Added to the list: 2. Taken off: 0." in (await run(set_up, 2))
        (made,) = await lists(set_up)
        folders = {one["id"]: one for one in (await service(set_up, "marketo").get("state"))["folders"]}
        folder = folders[made["folder"]]
        assert (folder["name"], folders[folder["parent"]]["name"]) == ("Group Lists", "Lead Database")
        assert await members(set_up) == sorted([back_id, stays_id])
        told = text_of(await posted(set_up, LIST))
        assert "added *2*, taken off *0*, on it *2*" in told
        assert "*Without a lead*\n1" in told
        await later(set_up)
        await set_up.auth0.login(back)
        assert "Added to the list: 0. Taken off: 1." in (await run(set_up, 3))
        assert await members(set_up) == [stays_id]
        await later(set_up)
        assert "Added to the list: 0. Taken off: 0." in (await run(set_up, 4))
    assert len(await lists(set_up)) == 1


async def test_d3_and_d4_long_dead_people_do_not_crowd_out_those_who_are_wanted(set_up: Stage) -> None:
    """Okta's asked for all who are inactive, got the first 1,000, and threw the long dead among them away."""
    await set_up.auth0.put("settings", {"job_seconds": 0, "rate_limit": {"burst": 900, "per_second": 900}})
    await set_up.auth0.post("users/many", {"count": 3000, "never": 0, "inactive": 0.8, "days": 121, "blocked": 0})
    await absentee(set_up, 61, email="just@example.com")
    await absentee(set_up, 119, email="still@example.com")
    ids = await led(set_up, "just@example.com", "still@example.com")
    await shipped(set_up, FLOW, zone="UTC")
    async with set_up.bot_running():
        await run(set_up, 1)
        assert await members(set_up) == sorted(ids)
        told = text_of(await posted(set_up, LIST))
    counted = int(told.partition("*Inactive people*\n")[2].partition("\n")[0])
    assert 100 < counted < 700


async def test_d7_nobody_is_taken_off_after_a_look_that_was_not_clean(set_up: Stage) -> None:
    """Okta's took off whoever could not be looked up just then."""
    emails = [f"many.{number}@example.com" for number in range(301)]
    for email in emails:
        await absentee(set_up, 70, email=email)
    ids = await led(set_up, *emails[:300]) + await led(set_up, emails[300])
    await shipped(set_up, FLOW, zone="UTC")
    marketo = service(set_up, "marketo")
    async with set_up.bot_running():
        await run(set_up, 1)
        await later(set_up)
        await marketo.fault(ADDS, **said("1003"))
        (failed,) = [words for words in await run(set_up, 2) if "Added" not in words]
        assert failed.startswith("Not everybody could be looked at, so nobody was taken off the list.")
        assert "of 2." in text_of(await posted(set_up, "not everybody could be looked at"))
        assert await members(set_up) == sorted(ids)
        # The next clean look puts it right.
        assert "Added to the list: 0. Taken off: 0." in (await run(set_up, 3))
    assert await members(set_up) == sorted(ids)


async def test_d8_all_leads_of_one_address_come_on_and_off_and_the_names_are_those_that_are_set(set_up: Stage) -> None:
    """Okta's put all of them on, and took only the first off; its list had one name whatever was set."""
    back = await absentee(set_up, 70, email="twice@example.com")
    ids = await led(set_up, "twice@example.com") + await led(set_up, "twice@example.com", action="createDuplicate")
    await shipped(set_up, FLOW, zone="UTC", list="Come back!", folder="Remarketing", inside="Product")
    async with set_up.bot_running():
        await run(set_up, 1)
        (made,) = await lists(set_up, "Come back!")
        assert sorted(made["members"]) == sorted(ids)
        assert {row["lead"] for row in await rows_of(set_up, TABLE)} == set(ids)
        await later(set_up)
        await set_up.auth0.login(back)
        await run(set_up, 2)
    (made,) = await lists(set_up, "Come back!")
    folders = {one["id"]: one["name"] for one in (await service(set_up, "marketo").get("state"))["folders"]}
    assert (made["members"], folders[made["folder"]]) == ([], "Remarketing")
    assert await rows_of(set_up, TABLE) == []


async def test_who_was_put_on_by_hand_stays_and_a_list_that_is_there_is_used(set_up: Stage) -> None:
    await absentee(set_up, 70, email="ours@example.com")
    (ours,) = await led(set_up, "ours@example.com")
    await shipped(set_up, FLOW, zone="UTC", list="Newsletter")
    (before,) = await lists(set_up, "Newsletter")
    async with set_up.bot_running():
        await run(set_up, 1)
        (after,) = await lists(set_up, "Newsletter")
        assert sorted(after["members"]) == sorted([*before["members"], ours])


async def test_people_who_never_signed_in_and_silent_logins_count_if_that_is_wanted(set_up: Stage) -> None:
    await absentee(set_up, None, email="never@example.com", created_at=days_ago(70))
    await absentee(set_up, 70, email="quiet@example.com", sessions=1)
    never, quiet = await led(set_up, "never@example.com", "quiet@example.com")
    await shipped(set_up, FLOW, zone="UTC")
    async with set_up.bot_running():
        await run(set_up, 1)
        assert await members(set_up) == [quiet]
        await later(set_up)
        await shipped(set_up, FLOW, zone="UTC", who="all", signs="sessions")
        await run(set_up, 2)
        assert await members(set_up) == [never]


async def test_the_wrong_order_of_days_and_a_missing_folder_are_said_before_anything_is_done(set_up: Stage) -> None:
    await absentee(set_up, 70, email="ours@example.com")
    await shipped(set_up, FLOW, zone="UTC", inactive="120d", gone="60d")
    async with set_up.bot_running():
        (wrong,) = await run(set_up, 1)
        assert wrong == "People have to be gone for good later than they are inactive. Change that in the settings."
        await shipped(set_up, FLOW, zone="UTC", inside="Nowhere")
        assert "There is no folder in Marketo with the name Nowhere." in (await run(set_up, 2))
        assert await lists(set_up) == []


async def test_what_fails_in_passing_changes_nothing_in_the_end(set_up: Stage) -> None:
    await absentee(set_up, 70, email="ours@example.com")
    ids = await led(set_up, "ours@example.com")
    await shipped(set_up, FLOW, zone="UTC")
    marketo = service(set_up, "marketo")
    await marketo.fault("POST /rest/asset/v1/folders.json", drop="after")
    await marketo.fault("POST /rest/asset/v1/staticLists.json", status_after=500)
    await marketo.fault("GET /rest/v1/leads.json", **said("602"))
    await marketo.fault("GET /rest/v1/leads.json", **said("713"), times=2)
    await marketo.fault(ADDS, **said("615"), times=2)
    await marketo.fault(ADDS, drop="after")
    await set_up.slack.fault("chat.postMessage", status=503)
    async with set_up.bot_running():
        assert await run(set_up, 1) == ["Added to the list: 1. Taken off: 0."]
        await posted(set_up, LIST)
    assert await members(set_up) == ids
    assert len(await lists(set_up)) == 1


async def test_the_quota_of_the_day_is_waited_for_and_not_spent_on_asking_again(set_up: Stage) -> None:
    await absentee(set_up, 70, email="ours@example.com")
    await led(set_up, "ours@example.com")
    await shipped(set_up, FLOW, zone="UTC")
    marketo = service(set_up, "marketo")
    await marketo.fault("GET /rest/v1/leads.json", **said("607"), times=50)
    async with set_up.bot_running():
        begun = await start(set_up, FLOW)
        await run_says(set_up, begun, "waits")
        asked = [call for call in await marketo.get("calls") if call["path"] == "/rest/v1/leads.json"]
        assert len([call for call in asked if call["verb"] == "GET"]) == 1


def said(code: str) -> dict[str, Any]:
    """Return the fault with which Marketo refuses a call in an answer that is a success for HTTP."""
    errors = [{"code": code, "message": "Not now"}]
    return {"status": 200, "body": {"requestId": "1#2", "success": False, "errors": errors}}


@pytest.mark.slow
async def test_killed_in_the_middle_of_marking_and_of_sweeping_the_list_is_right_in_the_end(set_up: Stage) -> None:
    crowd = Many.model_validate({"count": 4000, "never": 0, "inactive": 0, "days": 120, "blocked": 0})
    await set_up.auth0.post("users/many", crowd.model_dump())
    await set_up.auth0.put("settings", {"job_seconds": 0})
    made, marketo = Crowd(crowd, time.time()), service(set_up, "marketo")
    emails = [email for number in range(len(made)) if (email := made.profile(number).get("email"))]
    await marketo.post("leads/many", {"emails": emails})
    await marketo.put("settings", {"latency": 0.2})
    for number, (days, verb) in enumerate(((60, "POST"), (110, "DELETE")), 1):
        await shipped(set_up, FLOW, zone="UTC", inactive=f"{days}d")
        async with set_up.bot_process() as process:
            await start(set_up, FLOW)
            await calls_of(set_up, verb, 2)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        begun = await calls_of(set_up, verb, 2)
        async with set_up.bot_process():
            await at_length(set_up, "taken off", number)
        after = await calls_of(set_up, verb, 2)
        tracked = sorted(row["lead"] for row in await rows_of(set_up, TABLE))
        assert await members(set_up) == tracked
        # What was done is not done again, but for what was under way.
        lots = -(-len({each for call in after for each in call}) // 300)
        assert len(begun) < len(after) <= lots + 4
        await later(set_up)
    assert 100 < len(tracked) < 500


async def calls_of(stage: Stage, verb: str, number: int) -> list[list[int]]:
    """Wait until leads were put on the list, or taken off, in so many calls. Returns their ids, call by call."""
    async with asyncio.timeout(60):
        while True:
            calls = await service(stage, "marketo").get("calls")
            found = [call["body"]["input"] for call in calls if call["verb"] == verb and "/lists/" in call["path"]]
            if len(found) >= number:
                return [[each["id"] for each in some] for some in found]
            await asyncio.sleep(0.02)  # the instance tells of changes only, and these may change nothing


@pytest.mark.slow
async def test_of_a_hundred_thousand_people_those_who_are_wanted_are_on_the_list_and_thousands_come_off(
    set_up: Stage,
) -> None:
    crowd = Many.model_validate({"count": 100_000, "never": 0.1, "inactive": 0.3, "days": 120, "blocked": 0})
    await set_up.auth0.post("users/many", crowd.model_dump())
    await set_up.auth0.put("settings", {"job_seconds": 0})
    made = Crowd(crowd, time.time())
    emails = {number: made.profile(number).get("email") for number in range(0, len(made), 2)}
    known = {number: email for number, email in emails.items() if email}
    ids = (await service(set_up, "marketo").post("leads/many", {"emails": list(known.values())}))["ids"]
    lead_of = dict(zip(known, ids, strict=True))
    wanted = {70: set[int](), 60: set[int]()}
    for days, leads in wanted.items():
        border, gone = (time.time() - more * 86400 for more in (days, 120))
        leads.update(lead for number, lead in lead_of.items() if gone <= made.logins[number] < border)
    assert len(wanted[60]) > 12_000
    took = []
    async with set_up.bot_process() as process:
        for number, days in enumerate((60, 70), 1):
            await shipped(set_up, FLOW, zone="UTC", inactive=f"{days}d")
            began = time.monotonic()
            await start(set_up, FLOW)
            await at_length(set_up, "taken off", number)
            took.append(f"{time.monotonic() - began:.1f} s")
            # Whoever is on the border goes over it while this runs.
            assert len(set(await members(set_up)) ^ wanted[days]) < 20
            await later(set_up)
        peak = peak_of(process.pid)
    calls = (await service(set_up, "marketo").get("state"))["limits"]
    print(
        f"{len(wanted[60]):,} on the list: {took[0]}, {len(wanted[60] - wanted[70]):,} off: {took[1]}; {peak} MB; {calls}"
    )
    assert peak < 300
