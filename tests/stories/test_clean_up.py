"""Very many accounts are cleaned up, and the process ends in the middle of it, twice."""

import asyncio
import signal
import time
from collections import Counter
from typing import Any

import pytest

from bot import assembly
from bot.settings import Settings
from flows import document
from flows.language import Template, written
from tests.worlds import TENANT, Stage

COUNT = 300
FLOW = """
template: clean-up
version: 1
title: Clean up
about: Deletes the accounts that nobody ever used.
settings:
  tenant: {connection: auth0, title: Tenant}
limits: {destroys: {per run: 1000, per day: 1000}}
when:
  event: auth0.post_login
  from: "{{ settings.tenant }}"
steps:
  - id: people
    do: auth0.find_inactive_users
    using: "{{ settings.tenant }}"
    with: {days: 1, who: never signed in}
  - each: "{{ steps.people }}"
    as: person
    at once: 4
    steps:
      - do: auth0.delete_user
        using: "{{ settings.tenant }}"
        with: {user_id: "{{ person.user_id }}"}
"""


async def switched_on(stage: Stage) -> None:
    template = Template.model_validate(document.read(FLOW))
    async with assembly.kept(Settings(**stage.settings)) as things:
        await things.store.set_up(
            "clean-up",
            template="clean-up",
            document=written(template),
            settings={"tenant": TENANT},
            by=stage.slack.who("admin"),
            now=time.time(),
        )


async def deleted(stage: Stage, count: int) -> list[dict[str, Any]]:
    """Wait until so many accounts are deleted, and return the calls that did it."""
    async with asyncio.timeout(60):
        while len(calls := await stage.auth0.calls(verb="DELETE")) < count:
            await stage.auth0.get("changes", after=(await stage.auth0.get("state"))["sequence"], timeout=1)
    return calls


@pytest.mark.slow
async def test_killed_twice_in_the_middle_of_a_clean_up_each_account_is_deleted_once(set_up: Stage) -> None:
    auth0 = set_up.auth0
    somebody = await auth0.user()
    await auth0.post("users/many", {"count": COUNT, "never": 1, "blocked": 0})
    await auth0.put("settings", {"rate_limit": {"burst": 300, "per_second": 300}, "job_seconds": 0})
    await switched_on(set_up)
    for reached in (60, 180):
        async with set_up.bot_process() as process:
            if reached == 60:
                await auth0.login(somebody["user_id"])
            await deleted(set_up, reached)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        assert len(await auth0.calls(verb="DELETE")) < COUNT
    async with set_up.bot_process():
        await deleted(set_up, COUNT + 1)  # and the one of the first people who never signed in
    times = Counter(call["path"] for call in await auth0.calls(verb="DELETE"))
    assert set(times.values()) == {1}
    assert len(times) == COUNT + 1
    assert (await auth0.get("state"))["users_total"] == 11
