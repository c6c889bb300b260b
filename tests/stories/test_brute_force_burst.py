"""The template that tells of bursts of failed logins: blocks are lifted or set by a button, and one burst is one alert."""

import asyncio
import json
import signal
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from bot import assembly
from bot.settings import Settings
from connectors.auth0 import streams
from tests.bot.made import ended
from tests.bot.test_streams_in import send
from tests.stories.newcomers import shipped
from tests.worlds import TENANT, Stage, text_of

FLOW: Final = "brute-force-burst"
LAGOS: Final = "198.51.100.23"


def failures(count: int, **more: Any) -> str:
    """Return so many wrong passwords of the last minute, as the log stream tells of them."""
    records = []
    for number in range(count):
        date = (datetime.now(UTC) - timedelta(seconds=60 - number)).isoformat()
        said = {"date": date, "type": "fp", "ip": LAGOS, "log_id": f"9{number:04}"}
        of = {name: value.format(number) if isinstance(value, str) else value for name, value in more.items()}
        records.append({"log_id": said["log_id"], "data": {**said, **of}})
    return json.dumps(records)


async def streaming(stage: Stage) -> None:
    """Let the tenant's log stream tell the bot of everything."""
    async with assembly.kept(Settings(**stage.settings)) as things:
        url = f"http://127.0.0.1:{stage.settings['port']}/in/{stage.key}"
        await streams.install(await things.accounts.client(TENANT), "logs", url=url, secret=stage.secret)


async def test_a_person_whom_auth0_has_blocked_is_unblocked_by_a_button(set_up: Stage) -> None:
    await shipped(set_up, FLOW, second_channel=None)
    slack, auth0 = set_up.slack, set_up.auth0
    async with set_up.bot_running():
        await streaming(set_up)
        user = await auth0.user()
        await auth0.post("failed-logins", {"user": user["user_id"], "times": 14, "city": "Lagos"})
        alert = await slack.alert()
        assert user["email"] in text_of(alert)
        assert LAGOS in text_of(alert)
        assert "*Blocked by Auth0*\nyes" in text_of(alert)
        await slack.press(alert, "decide:unblock")
        await slack.ended("can try to sign in again")
        assert (await auth0.login(user["user_id"], risk=None, ip=LAGOS))["allowed"]
    assert len(slack.alerts(await slack.get("state"))) == 1


async def test_a_blocked_address_is_refused_at_login_and_others_are_not(set_up: Stage) -> None:
    await shipped(set_up, FLOW, second_channel=None)
    slack, auth0 = set_up.slack, set_up.auth0
    async with set_up.bot_running():
        people = failures(21, user_id="auth0|nobody{0}", user_name="nobody{0}@example.com")
        for _ in range(2):  # Auth0 may tell twice
            assert (await send(set_up, "logs", people))[0] == 202
        alert = await slack.alert()
        assert f"Many logins from {LAGOS} have failed" in text_of(alert)
        await slack.press(alert, "decide:block")
        await slack.ended(f"The address {LAGOS} is blocked for 7d")
        user = await auth0.user()
        async with asyncio.timeout(10):  # the list is believed for two seconds
            while (await auth0.login(user["user_id"], risk=None, ip=LAGOS))["allowed"]:
                pass
        assert (await auth0.login(user["user_id"], risk=None, ip="203.0.113.77"))["allowed"]
    assert len(slack.alerts(await slack.get("state"))) == 1


async def test_few_failures_are_no_burst_and_what_auth0_refuses_is_told_and_tried_again(set_up: Stage) -> None:
    await shipped(set_up, FLOW, second_channel=None, failures=7)
    slack, auth0 = set_up.slack, set_up.auth0
    user, other = await auth0.user(0), await auth0.user(1)
    async with set_up.bot_running():
        few = failures(6, user_id=other["user_id"], user_name=other["email"], ip="192.0.2.{0}")
        await send(set_up, "logs", few.replace('"9', '"8'))
        await send(set_up, "logs", failures(8, user_id=user["user_id"], user_name=user["email"]))
        alert = await slack.alert()
        await auth0.fault("DELETE /api/v2/user-blocks/*", status=403)
        await slack.press(alert, "decide:unblock")
        failed = await slack.ended("At the step unblocked:")
        await slack.press(failed, "again")
        await slack.ended("can try to sign in again")
        assert len(await ended(set_up, FLOW, 1)) == 1
    assert len(slack.alerts(await slack.get("state"))) == 1


@pytest.mark.slow
async def test_killed_between_the_alert_and_the_click_the_address_is_blocked_once(set_up: Stage) -> None:
    await shipped(set_up, FLOW, second_channel=None)
    slack = set_up.slack
    async with set_up.bot_process() as process:
        await send(set_up, "logs", failures(21, user_id="auth0|nobody{0}", user_name="nobody{0}@example.com"))
        alert = await slack.alert()
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with set_up.bot_process():
        await slack.press(alert, "decide:block")
        await slack.ended("is blocked for 7d")
    assert len(slack.alerts(await slack.get("state"))) == 1
