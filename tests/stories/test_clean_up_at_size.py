"""Very many accounts are cleaned up by the template that we ship: killed twice in the middle of it, and at 100,000 people."""

import asyncio
import signal
import time
from collections import Counter
from typing import Any, Final

import pytest

from tests.bot.made import start
from tests.stories.absentees import another_day, at_length, passed, peak_of, posted, rows_of, sheets
from tests.stories.newcomers import service, shipped
from tests.stories.test_clean_up_inactive import CHOSEN, FLOW, TABLE
from tests.worlds import Stage

COUNT: Final = 200
FAST: Final = {"rate_limit": {"burst": 5000, "per_second": 5000}, "job_seconds": 0}


async def deleted(stage: Stage, count: int) -> list[dict[str, Any]]:
    """Wait until so many accounts are deleted, and return the calls that did it."""
    async with asyncio.timeout(120):
        while len(calls := await stage.auth0.calls(verb="DELETE")) < count:
            await stage.auth0.get("changes", after=(await stage.auth0.get("state"))["sequence"], timeout=1)
    return calls


@pytest.mark.slow
async def test_killed_twice_in_the_middle_of_it_each_account_is_deleted_once(set_up: Stage) -> None:
    auth0 = set_up.auth0
    await auth0.post("users/many", {"count": COUNT, "never": 1, "blocked": 0})
    await auth0.put("settings", {"rate_limit": {"burst": 300, "per_second": 300}, "job_seconds": 0})
    await shipped(set_up, FLOW, **CHOSEN, inactive="30d", warnings=1000, deletions=1000)
    async with set_up.bot_process():
        await start(set_up, FLOW, only_look="no")
        await set_up.slack.press(await posted(set_up, "inactive users now?"), "decide:go_on")
        await posted(set_up, "Inactive users were cleaned up")
    warned = await rows_of(set_up, TABLE)
    there = [row["user_id"] for row in warned if row["state"] == "warned"]
    assert len(there) > COUNT * 0.9
    await passed(set_up, TABLE, 40, "since", "delete_after")
    for reached in (len(there) // 4, len(there) // 2):
        async with set_up.bot_process() as process:
            if reached == len(there) // 4:
                await start(set_up, FLOW, only_look="no")
            await deleted(set_up, reached)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        assert len(await auth0.calls(verb="DELETE")) < len(there)
    async with set_up.bot_process():
        await posted(set_up, "Inactive users were cleaned up", 2)
    times = Counter(call["path"] for call in await auth0.calls(verb="DELETE"))
    assert set(times.values()) == {1}
    assert len(times) == len(there)
    assert [row["state"] for row in await rows_of(set_up, TABLE) if row["state"] == "warned"] == []
    sent = Counter(mail["recipients"][0] for mail in (await service(set_up, "mail").get("state"))["mails"])
    assert set(sent.values()) == {1}


CROWD: Final = 100_000


@pytest.mark.slow
async def test_a_hundred_thousand_people_are_looked_at_listed_asked_about_and_the_first_of_them_warned_and_deleted(
    set_up: Stage,
) -> None:
    auth0, mail = set_up.auth0, service(set_up, "mail")
    await auth0.post("users/many", {"count": CROWD, "never": 0.1, "inactive": 0.9, "days": 61, "blocked": 0})
    await auth0.put("settings", FAST)
    await shipped(set_up, FLOW, **CHOSEN, inactive="60d", warnings=300, deletions=300, signs="none")
    took: dict[str, float] = {}
    async with set_up.bot_process() as process:
        began = time.monotonic()
        await start(set_up, FLOW, only_look="no")
        asked = await at_length(set_up, "inactive users now?")
        took["looked and listed"] = time.monotonic() - began
        listed = await sheets(set_up, await posted(set_up, "and to be warned"))
        assert len({row["user_id"] for row in listed["to-warn.csv"]}) > CROWD * 0.95
        began = time.monotonic()
        await set_up.slack.press(asked, "decide:go_on")
        await at_length(set_up, "Inactive users were cleaned up")
        took["300 warned"] = time.monotonic() - began
        warned = [row for row in await rows_of(set_up, TABLE) if row["state"] == "warned"]
        assert len((await mail.get("state"))["mails"]) == len(warned) > 280
        await passed(set_up, TABLE, 40, "since", "delete_after")
        await another_day(set_up, "clean_ups")
        began = time.monotonic()
        await start(set_up, FLOW, only_look="no")
        await set_up.slack.press(await at_length(set_up, "inactive users now?", 2), "decide:go_on")
        await at_length(set_up, "Inactive users were cleaned up", 2)
        took["looked again, 300 deleted and 300 warned"] = time.monotonic() - began
        peak = peak_of(process.pid)
    times = Counter(call["path"] for call in await auth0.calls(verb="DELETE"))
    assert (len(times), set(times.values())) == (len(warned), {1})
    print(", ".join(f"{what}: {seconds:.1f} s" for what, seconds in took.items()), f"; at most {peak} MB")
    assert peak < 300
