"""A storm of questions becomes one message: all are decided at once, or each by itself, and nothing twice."""

import asyncio
import signal
from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from bot import assembly
from bot.settings import Settings
from flows.tables import Decision
from tests.bot.made import ended, make
from tests.worlds import Stage, text_of

STORM = """
template: storm
version: 1
title: Storm
about: Asks about every login.
settings:
  tenant: {connection: auth0, title: Tenant}
  channel: {type: channel, title: Where}
when: {event: auth0.post_login, from: "{{ settings.tenant }}"}
steps:
  - id: verdict
    ask: "Block {{ event.user.email }}?"
    title: Risky login
    details: {Address: "{{ event.request.ip }}"}
    in: "{{ settings.channel }}"
    choices: {approve: {title: Approve}, block: {title: Block, style: danger}}
    within: 1h
    otherwise: approve
    together: {within: 10m, from: 2}
  - {stop: done, say: "{{ steps.verdict.choice }}"}
"""


async def logins(stage: Stage, count: int) -> None:
    user = await stage.auth0.user()
    await asyncio.gather(*(stage.auth0.login(user["user_id"]) for _ in range(count)))


async def says(stage: Stage, *wanted: str) -> dict[str, Any]:
    """Return the message that says all of this, once there is one."""
    found: list[dict[str, Any]] = await stage.slack.until(
        lambda state: [m for m in stage.slack.alerts(state) if all(one in text_of(m) for one in wanted)],
        patience=60,  # a process that died is given up after a while only
    )
    return found[0]


async def listed(stage: Stage, words: str, *, user: str = "admin") -> dict[str, Any]:
    """Return the list that a person has open, once it says so."""
    person = stage.slack.who(user)
    found: dict[str, Any] = await stage.slack.until(
        lambda state: next((v for v in state["views"].get(person) or [] if words in text_of(v)), None)
    )
    return found


async def decided(stage: Stage, count: int) -> None:
    """Wait until so many questions are decided, whatever Slack has been told of it."""
    query = sa.select(sa.func.count()).where(col(Decision.state) == "decided")
    async with assembly.kept(Settings(**stage.settings)) as things, asyncio.timeout(30):
        while True:
            if await things.store.read(lambda session: session.execute(query).scalar()) == count:
                return
            await asyncio.sleep(0.02)  # the database tells nobody


def buttons(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for block in message["blocks"] if block["type"] == "actions" for one in block["elements"]]


async def test_a_storm_is_one_message_in_which_each_and_then_all_are_decided(set_up: Stage) -> None:
    await make(set_up, STORM)
    async with set_up.bot_running():
        await decides(set_up)


async def decides(running: Stage) -> None:
    slack = running.slack
    await logins(running, 7)
    storm = await says(running, "6 × Risky login", "all open")
    assert len(slack.alerts(await slack.get("state"))) == 2  # the first stands alone
    assert [button["text"]["text"] for button in buttons(storm)] == ["Approve: all 6", "Block: all 6", "See each"]
    # One is decided by itself; whoever may not decide is told so in the list.
    await slack.press(storm, "see_all", user="visitor")
    view = await listed(running, "6 questions", user="visitor")
    await slack.post("clicks", {"user": slack.who("visitor"), "view_id": view["id"], "action_id": "decide_one:block"})
    await listed(running, "not allowed to decide", user="visitor")
    await slack.press(storm, "see_all")
    view = await listed(running, "6 questions")
    await slack.post("clicks", {"user": slack.who("admin"), "view_id": view["id"], "action_id": "decide_one:approve"})
    await listed(running, "6 questions, 5 open.")
    storm = await says(running, "6 questions, 5 open.", f"*Approve*: 1, chosen by <@{slack.who('admin')}>")
    # All others at once, twice at the same time: each is decided once.
    await slack.said("allow @analyst decide")
    await asyncio.gather(
        slack.press(storm, "decide_all:block", user="analyst"), slack.press(storm, "decide_all:approve")
    )
    await slack.whispered("already decided")
    done = await says(running, "6 questions, all decided.")
    assert [button["text"]["text"] for button in buttons(done)] == ["See each"]
    # What comes after that is asked in a new message.
    await logins(running, 1)
    fresh = await slack.until(lambda s: [m for m in slack.alerts(s) if m["ts"] > storm["ts"]])
    await slack.press(fresh[0], "decide:approve")
    alone = slack.alerts(await slack.get("state"))[0]
    await slack.press(alone, "decide:approve")
    said = Counter(await ended(running, "storm", 8))
    assert said in (Counter(approve=3, block=5), Counter(approve=8))
    assert len(slack.alerts(await slack.get("state"))) == 3
    assert len(await slack.calls(method="chat.postMessage")) == 3


@pytest.mark.slow
async def test_killed_in_a_storm_nothing_is_posted_or_decided_twice(set_up: Stage) -> None:
    slack = set_up.slack
    await make(set_up, STORM)
    async with set_up.bot_process() as process:
        await slack.fault("chat.postMessage", delay=2, times=2)
        await logins(set_up, 5)
        await slack.until(slack.alerts)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with set_up.bot_process() as process:
        storm = await says(set_up, "4 × Risky login")
        await slack.press(storm, "decide_all:block")
        await decided(set_up, 4)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with set_up.bot_process():
        await says(set_up, "4 questions, all decided.", "*Block*: 4")
        await slack.press(slack.alerts(await slack.get("state"))[0], "decide:approve")
        assert Counter(await ended(set_up, "storm", 5)) == Counter(approve=1, block=4)
    assert len(slack.alerts(await slack.get("state"))) == 2
