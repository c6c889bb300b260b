"""A tenant's calls are used up, and somebody presses a button: that is done first."""

import asyncio
import json
import time
from typing import Any

from bot import assembly
from bot.settings import Settings
from tests.bot.arrivals import event, send, signed
from tests.bot.made import ended, make, start
from tests.worlds import TENANT, Stage

ASKS = """
template: asks
version: 1
title: Asks
about: Blocks somebody when people say so.
settings:
  tenant: {connection: auth0, title: Tenant}
  channel: {type: channel, title: Where}
when: {by hand: {who: {type: text, title: Who}}}
steps:
  - id: decision
    ask: Block them?
    in: "{{ settings.channel }}"
    choices: [block, leave]
    within: 1h
    otherwise: leave
  - {do: auth0.block_user, using: "{{ settings.tenant }}", with: {user_id: "{{ event.who }}"}}
"""
WALKS = """
template: walks
version: 1
title: Walks
about: Reads very many people.
settings:
  tenant: {connection: auth0, title: Tenant}
when: {by hand: {ids: {type: text, title: Ids}}}
steps:
  - {id: split, do: text.split, with: {text: "{{ event.ids }}", by: " "}}
  - each: "{{ steps.split.items }}"
    at once: 10
    failing: set aside
    steps:
      - {do: auth0.get_user, using: "{{ settings.tenant }}", with: {user_id: "{{ item }}"}}
"""
READS = """
template: reads
version: 1
title: Reads
about: Reads whoever logged in.
settings:
  tenant: {connection: auth0, title: Tenant}
when:
  event: auth0.post_login
  from: "{{ settings.tenant }}"
steps:
  - {do: auth0.get_user, using: "{{ settings.tenant }}", with: {user_id: "{{ event.user.user_id }}"}}
"""
MANY = 12
LOGINS = 8


async def on_the_free_plan(stage: Stage) -> None:
    """Let the connection make two calls a second, and no more."""
    await stage.auth0.put("settings", {"rate_limit": {"burst": 2, "per_second": 2}})
    async with assembly.kept(Settings(**stage.settings)) as things:
        account = await things.vault.named(TENANT)
        assert account is not None
        settings = {**account.settings, "plan": "free"}
        await things.vault.keep(TENANT, connector="auth0", settings=settings, accepts="signed", now=time.time())


async def logs_in(stage: Stage, user_id: str, number: int) -> None:
    body = json.dumps({"trigger": "post-login", "event": event(user_id)})
    status, _ = await send(stage, body, signed(stage, body, event_id=f"evt_{number}"))
    assert status == 202


async def people(stage: Stage, count: int) -> list[str]:
    made = [await stage.auth0.post("users", {"email": f"person{number}@example.com"}) for number in range(count)]
    return [str(user["user_id"]) for user in made]


async def test_a_click_is_acted_on_before_logins_and_before_a_loop_over_many(set_up: Stage) -> None:
    for flow in (ASKS, WALKS, READS):
        await make(set_up, flow)
    await on_the_free_plan(set_up)
    suspect, *others = await people(set_up, 1 + MANY + LOGINS)
    async with set_up.bot_running():
        slack = set_up.slack
        await start(set_up, "asks", who=suspect)
        alert = await slack.alert()
        await start(set_up, "walks", ids=" ".join(others[:MANY]))
        await asyncio.gather(*(logs_in(set_up, others[MANY + number], number) for number in range(LOGINS)))
        before = len(await set_up.auth0.calls())
        await slack.press(alert, "decide:block")
        await ended(set_up, "asks", 1)
        assert await ended(set_up, "reads", LOGINS) == [""] * LOGINS
    calls = (await set_up.auth0.calls())[before:]
    changed, later = parted(calls, suspect, set(others[MANY:]))
    assert changed <= 3, [f"{call['verb']} {call['path']}" for call in calls]
    assert later >= LOGINS - 4


def parted(calls: list[dict[str, Any]], suspect: str, others: set[str]) -> tuple[int, int]:
    """Return how many calls came before that which blocks the suspect, and how many of the logins' came after it."""
    at = next(index for index, call in enumerate(calls) if call["verb"] == "PATCH")
    named = [any(other.partition("|")[2] in call["path"] for other in others) for call in calls]
    assert suspect.partition("|")[2] in calls[at]["path"]
    return at, sum(named[at:])
