"""Runs, over both journals: what happens once, what is tried again, what is waited for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from connectors.errors import Ambiguous, Refused, TryLater
from tests.flows.drivers import ASK, NOTE, PATIENCE, SEND, Driver, InMemory, OnDisk, Outside, on_disk


@pytest.fixture(params=["in memory", "on disk"])
async def driver(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Driver]:
    outside = Outside()
    async with AsyncExitStack() as stack:
        yield (
            InMemory(outside)
            if request.param == "in memory"
            else await stack.enter_async_context(on_disk(tmp_path, outside))
        )


async def test_a_run_waits_and_goes_on_and_does_nothing_twice(driver: Driver) -> None:
    await driver.go(ASK)
    assert (driver.outside.done, driver.outside.asked, driver.outside.told) == (["before Ann"], ["Really Ann?"], [])
    await driver.answer("yes_please")
    assert driver.outside.done == ["before Ann", "after 1"]
    assert driver.outside.asked == ["Really Ann?"]
    assert [ended.message for ended in driver.outside.told] == ["Did it for Ann."]


async def test_the_other_choice_takes_the_other_branch(driver: Driver) -> None:
    await driver.go(ASK)
    await driver.answer("no_thanks")
    assert driver.outside.done == ["before Ann"]
    assert [ended.message for ended in driver.outside.told] == ["Left alone."]


async def test_what_failed_in_passing_is_tried_again(driver: Driver) -> None:
    driver.outside.goes_wrong = [TryLater("later", after=0.001), Ambiguous("who knows")]
    await driver.go(NOTE)
    assert driver.outside.done == ["it"]
    assert await driver.outcome() == ("done", "")


async def test_what_must_not_be_repeated_is_not(driver: Driver) -> None:
    driver.outside.goes_wrong = [Ambiguous("It may or may not have happened.")]
    await driver.go(SEND)
    assert driver.outside.done == []
    assert (driver.outside.told[0].outcome, driver.outside.told[0].path) == ("failed", "steps/0")


async def test_a_refusal_ends_the_run_at_once(driver: Driver) -> None:
    driver.outside.goes_wrong = [Refused("No."), Refused("never reached")]
    await driver.go(NOTE)
    assert [(ended.outcome, ended.message) for ended in driver.outside.told] == [("failed", "No.")]
    assert len(driver.outside.goes_wrong) == 1


async def test_patience_has_an_end(driver: Driver) -> None:
    driver.outside.goes_wrong = [TryLater("later") for _ in range(9)]
    await driver.go(NOTE)
    assert driver.outside.told[0].outcome == "failed"
    assert len(driver.outside.goes_wrong) == 9 - PATIENCE.attempts


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[OnDisk]:
    async with on_disk(tmp_path, Outside()) as found:
        yield found


async def test_one_event_and_one_key_wake_one_run(disk: OnDisk) -> None:
    await disk.go(ASK)
    assert await disk.wake("e1") == []
    assert await disk.wake("e2") == []
    assert await disk.wake("e3", who="Bob") == ["f/1/a:e3"]
    await disk.set_up(ASK + "  - {stop: done, say: more}\n")
    assert await disk.wake("e3", who="Bob") == []


async def test_of_two_decisions_at_once_one_counts(disk: OnDisk) -> None:
    await disk.go(ASK)
    question = "f/1/a:e1/steps/2"
    answers = await asyncio.gather(
        disk.runs.decide(question, "yes_please", by="U1"), disk.runs.decide(question, "no_thanks", by="U2")
    )
    assert sorted(won for won, _ in answers) == [False, True]
    assert len({decision.choice for _, decision in answers if decision}) == 1


async def test_a_failed_run_is_tried_again_where_it_failed(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [Refused("No.")]
    second = SEND.replace("id: it", "id: other").replace("what: it", "what: other")
    await disk.go("\n  - {id: known, set: {one: 1}}" + NOTE + second)
    assert disk.outside.told[0].outcome == "failed"
    assert await disk.runs.again("f/1/a:e1")
    await disk.rest()
    assert disk.outside.done == ["it", "other"]
    assert await disk.outcome() == ("done", "")


async def test_nobody_answers_and_the_default_is_taken(tmp_path: Path) -> None:
    outside = Outside()
    async with on_disk(tmp_path, outside) as disk:
        await disk.go(ASK.replace("within: 1h", "within: 0s"))
        await disk.rest()
    assert [ended.message for ended in outside.told] == ["Left alone."]


async def test_the_next_process_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    outside = Outside()
    async with on_disk(tmp_path, outside) as disk:
        await disk.go(ASK)
    async with on_disk(tmp_path, outside) as disk:
        await disk.answer("yes_please")
    assert outside.done == ["before Ann", "after 1"]
    assert outside.asked == ["Really Ann?"]
