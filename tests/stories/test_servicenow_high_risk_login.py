"""The template that opens tickets for risky logins: one for a person or an address, with everything that one asks about."""

import asyncio
import json
import signal
import time
from typing import Any, Final

import pytest

from tests.bot.arrivals import event, send, signed
from tests.bot.made import ended
from tests.stories.newcomers import saying, service, shipped
from tests.worlds import Stage, text_of

FLOW: Final = "servicenow-high-risk-login"
LOGIN: Final = "2026-11-20T08:15:00.000Z"


async def incidents(stage: Stage) -> list[dict[str, Any]]:
    """Return the incidents that were opened for risky logins."""
    found = (await service(stage, "servicenow").get("state"))["tables"]["incident"]
    return [one for one in found if one["short_description"].startswith("High-risk login")]


async def notes(stage: Stage) -> list[str]:
    found = (await service(stage, "servicenow").get("state"))["tables"]["sys_journal_field"]
    return [one["value"] for one in found if "Risky login number" in one["value"]]


async def changed(stage: Stage, incident: dict[str, Any], **values: str) -> None:
    """Change an incident, as people in ServiceNow do."""
    given = stage.addresses["servicenow"]
    auth = (given["username"], given["password"])
    url = f"{given['url']}/api/now/table/incident/{incident['sys_id']}"
    answer = await stage.http.patch(url, json=values, headers={"accept": "application/json"}, auth=auth)
    assert answer.status_code == 200, answer.text


def replies(stage: Stage, state: dict[str, Any]) -> list[str]:
    return [reply["text"] for alert in stage.slack.alerts(state) for reply in alert["replies"]]


async def test_d16_a_storm_of_one_person_is_one_incident_with_notes_and_all_that_it_needs(set_up: Stage) -> None:
    await shipped(set_up, FLOW, urgency="2", impact="3", category="network", group="Service Desk")
    async with set_up.bot_running():
        user = await set_up.auth0.user()
        await asyncio.gather(*(set_up.auth0.login(user["user_id"]) for _ in range(6)))
        assert len(await ended(set_up, FLOW, 6)) == 6
    (incident,) = await incidents(set_up)
    assert (incident["urgency"], incident["impact"], incident["category"]) == ("2", "3", "network")
    assert incident["assignment_group"]
    assert len(await notes(set_up)) == 5
    state = await set_up.slack.get("state")
    assert len(set_up.slack.alerts(state)) == 1
    (reply,) = replies(set_up, state)
    assert f"|{incident['number']}>" in reply
    assert incident["sys_id"] in reply


async def test_one_incident_for_an_address_and_another_once_somebody_has_closed_it(set_up: Stage) -> None:
    await shipped(set_up, FLOW, one_per="network address")
    async with set_up.bot_running():
        first, second = await set_up.auth0.user(0), await set_up.auth0.user(1)
        await set_up.auth0.login(first["user_id"], ip="203.0.113.9")
        await ended(set_up, FLOW, 1)
        await set_up.auth0.login(second["user_id"], ip="203.0.113.9")
        await set_up.auth0.login(second["user_id"], ip="203.0.113.10")
        await ended(set_up, FLOW, 3)
        assert len(await incidents(set_up)) == 2
        assert len(await notes(set_up)) == 1
        await changed(set_up, (await incidents(set_up))[0], state="7", active="false")
        await set_up.auth0.login(first["user_id"], ip="203.0.113.9")
        await saying(set_up, FLOW, "is closed")
        await set_up.auth0.login(second["user_id"], ip="203.0.113.9")
        await ended(set_up, FLOW, 5)
    assert len(await incidents(set_up)) == 3
    assert len(await notes(set_up)) == 2


async def test_d17_thresholds_are_chosen_reasons_are_in_words_and_the_time_is_the_logins_own(set_up: Stage) -> None:
    await shipped(set_up, FLOW, risk=["low", "medium"])
    async with set_up.bot_running():
        for number, confidence in enumerate(("high", "medium")):
            risk = {
                "confidence": confidence,
                "version": "1",
                "assessments": {"UntrustedIP": {"confidence": "low", "code": "found_on_deny_list"}},
            }
            methods = [{"name": "pwd", "timestamp": LOGIN}]
            told = event(f"auth0|{number}", authentication={"methods": methods, "riskAssessment": risk})
            body = json.dumps(told)
            await send(set_up, body, signed(set_up, body, event_id=f"evt_{number}"))
        await ended(set_up, FLOW, 1)
    (incident,) = await incidents(set_up)
    assert "When: 2026-11-20T08:15:00Z" in incident["description"]
    assert "The network address is on a list of addresses known for attacks" in incident["description"]
    assert "Medium: Auth0 is not sure" in incident["description"]
    (alert,) = set_up.slack.alerts(await set_up.slack.get("state"))
    assert "known for attacks" in text_of(alert)


async def test_d18_a_slow_servicenow_delays_no_login(set_up: Stage) -> None:
    await shipped(set_up, FLOW)
    async with set_up.bot_running():
        await service(set_up, "servicenow").fault("POST /api/now/*", delay=3)
        user = await set_up.auth0.user()
        began = time.monotonic()
        login = await set_up.auth0.login(user["user_id"])
        assert login["allowed"]
        assert time.monotonic() - began < 3
        assert len(await ended(set_up, FLOW, 1)) == 1


async def test_d19_outages_are_waited_for_refusals_are_told_and_the_ticket_says_no_more_than_it_needs(
    set_up: Stage,
) -> None:
    await shipped(set_up, FLOW)
    desk, slack = service(set_up, "servicenow"), set_up.slack
    async with set_up.bot_running():
        first, second = await set_up.auth0.user(0), await set_up.auth0.user(1)
        await desk.fault("POST /api/now/*", times=2, status=503)
        await slack.fault("chat.postMessage", status=503)
        await set_up.auth0.login(first["user_id"])
        assert "was opened" in str(await ended(set_up, FLOW, 1))
        await desk.fault("POST /api/now/*", status=403)
        await set_up.auth0.login(second["user_id"])
        failed = await slack.until(lambda s: [m for m in slack.messages(s) if "could not be carried out" in m["text"]])
        assert len(await incidents(set_up)) == 1
        await slack.press(failed[0], "again")
        await slack.until(lambda s: replies(set_up, s)[1:])
        await ended(set_up, FLOW, 2)
    found = await incidents(set_up)
    assert len(found) == 2
    assert "riskAssessment" not in str(found)
    assert "phone" not in str(found)
    assert len(slack.alerts(await slack.get("state"))) == 2


async def test_the_same_event_twice_is_one_login(set_up: Stage) -> None:
    await shipped(set_up, FLOW)
    async with set_up.bot_running():
        body = json.dumps(event())
        for _ in range(2):
            assert (await send(set_up, body, signed(set_up, body)))[0] == 202
        assert len(await ended(set_up, FLOW, 1)) == 1
    assert len(await incidents(set_up)) == 1
    assert await notes(set_up) == []


@pytest.mark.slow
async def test_killed_while_the_incident_is_opened_there_is_one_and_one_message(set_up: Stage) -> None:
    await shipped(set_up, FLOW)
    slack, desk = set_up.slack, service(set_up, "servicenow")
    user = await set_up.auth0.user()
    async with set_up.bot_process() as process:
        await desk.fault("POST /api/now/*", drop="after", delay=20)
        await set_up.auth0.login(user["user_id"])
        await slack.until(slack.alerts)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    (await set_up.http.delete(f"{desk.given['url']}/sandbox/faults")).raise_for_status()
    async with set_up.bot_process():
        await slack.until(lambda s: replies(set_up, s), patience=60)
    assert len(await incidents(set_up)) == 1
    assert len(slack.alerts(await slack.get("state"))) == 1
