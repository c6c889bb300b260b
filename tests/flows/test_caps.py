"""Caps: how much a flow changes and destroys before its owners are asked, and what becomes of their word."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import select

from bot import schema
from connectors.base import Catalog, Value
from connectors.errors import Refused, TryLater
from flows.builtins import BUILTINS
from flows.caps import KeptCaps
from flows.decisions import question_of
from flows.language import Limits
from flows.store import open_engine
from flows.surroundings import Errand
from flows.tables import Decision, Spent
from tests import postgres
from tests.flows.drivers import NOW, Noted, OnDisk, Outside, catalog_of, template_of
from tests.flows.lifecycle import USING, Time, ended, keep, living, note, until_states

DAY = 86_400
REACHED = "the flow reached its cap of 2 a run, and was stopped there"


class Many(Value):
    """Several things at once."""

    whats: list[str]


def with_many(outside: Outside) -> Catalog:
    """Return the world of the tests with an action that destroys several things at once."""
    catalog = catalog_of(outside)
    test = catalog.connectors["test"]

    @test.action("Delete many", effect="destroys", repeatable=True, counts=lambda given: len(given.whats))
    async def delete_many(client: Outside, given: Many) -> Noted:
        """Delete several things."""
        return Noted(number=max(client.note(what) for what in given.whats))

    return Catalog([test], builtins=BUILTINS)


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[OnDisk]:
    outside = Outside()
    async with living(tmp_path, outside, catalog=with_many(outside)) as found:
        yield found


def several(*whats: str, action: str = "test.note") -> str:
    return "".join(f"  - {note(what, action)}\n" for what in whats)


async def spent(disk: OnDisk) -> dict[tuple[str, str], tuple[int, int]]:
    """Return what is counted, and how much more is allowed, by period and effect."""
    rows = await disk.store.read(lambda session: session.exec(select(Spent)).all())
    return {(row.scope.split(" ")[0], row.effect): (row.count, row.allowed) for row in rows}


async def say(disk: OnDisk, choice: str, *, step: str = "steps/2", event_id: str = "e1") -> None:
    """Say as an owner whether a run may go on."""
    won, _ = await disk.runs.decide(f"f/1/a:{event_id}/{step}/cap", choice, by="U1")
    assert won


@pytest.mark.parametrize(
    ("limits", "action"),
    [
        ("{changes: {per run: 2}}", "test.note"),
        ("{changes: {per day: 2}}", "test.send"),
        ("{changes: {per run: 2, per day: 100}}", "test.note"),
        ("{destroys: {per run: 2}}", "test.delete"),
        ("{destroys: {per day: 2}}", "test.delete"),
        ('{destroys: {per run: "{{ settings.most }}"}}', "test.delete"),
        ('{changes: {per day: "{{ settings.most }}"}}', "test.send"),
    ],
)
async def test_a_run_waits_before_it_passes_a_cap(disk: OnDisk, limits: str, action: str) -> None:
    await keep(disk, several("a", "b", "c", action=action), more=f"limits: {limits}")
    await disk.wake("e1")
    await until_states(disk, e1="waiting")
    assert (disk.outside.done, disk.outside.asked) == (["a", "b"], ["May Test go on?"])
    assert {count for count, _ in (await spent(disk)).values()} == {2}  # the third is not counted before it may be


async def test_the_owner_is_asked_in_plain_words(disk: OnDisk) -> None:
    await keep(disk, several("a", "b", "c", action="test.delete"), more="limits: {destroys: {per run: 2}}")
    await disk.wake("e1")
    await until_states(disk, e1="waiting")
    [decision] = await disk.store.read(lambda session: session.exec(select(Decision)).all())
    question = question_of(decision)
    assert (question.channel, question.for_owners, question.otherwise) == ("UOWNER", True, "stop")
    assert question.details == {
        "What": "Delete",
        "Cap": "2 a run",
        "This would make it": "3 things that it would destroy in this run",
    }
    assert {name: choice["title"] for name, choice in question.choices.items()} == {
        "go_on": "Allow 2 more",
        "stop": "Stop it here",
    }


async def test_whoever_lets_it_go_on_allows_as_much_again(disk: OnDisk) -> None:
    await keep(disk, several("a", "b", "c", "d", "e"), more="limits: {changes: {per run: 2}}")
    await disk.wake("e1")
    await until_states(disk, e1="waiting")
    await say(disk, "go_on")
    await until_states(disk, e1="waiting")
    assert disk.outside.done == ["a", "b", "c", "d"]
    await say(disk, "go_on", step="steps/4")
    assert (await ended(disk)).state == "done"
    assert disk.outside.done == ["a", "b", "c", "d", "e"]
    assert await spent(disk) == {("run", "changes"): (5, 4), ("day", "changes"): (5, 0)}


async def test_whoever_stops_it_ends_the_run_where_it_is(disk: OnDisk) -> None:
    await keep(disk, several("a", "b", "c", "d"), more="limits: {changes: {per run: 2}}")
    await disk.wake("e1")
    await until_states(disk, e1="waiting")
    await say(disk, "stop")
    run = await ended(disk)
    assert (run.state, run.path, run.message) == ("failed", "steps/2", REACHED)
    assert disk.outside.done == ["a", "b"]
    assert await spent(disk) == {("run", "changes"): (2, 0), ("day", "changes"): (2, 0)}


async def test_a_run_is_stopped_if_nobody_answers(tmp_path: Path) -> None:
    time, outside = Time(), Outside()
    async with living(tmp_path, outside, now=time) as disk:
        await keep(disk, several("a", "b", "c"), more="limits: {changes: {per run: 2}}")
        await disk.wake("e1")
        await until_states(disk, e1="waiting")
        time.at += 7 * DAY - 1
    async with living(tmp_path, outside, now=time) as disk:
        await until_states(disk, e1="waiting")
        time.at += 1
    async with living(tmp_path, outside, now=time) as disk:
        run = await ended(disk)
    assert (run.state, run.message, outside.done) == ("failed", REACHED, ["a", "b"])


async def test_a_stop_can_be_answered_as_every_failure(disk: OnDisk) -> None:
    ways = ", on error: {steps: [{stop: done, say: 'Stopped: {{ error.message }}'}]}"
    steps = several("a", "b") + f"  - {note('c', more=ways)}\n"
    await keep(disk, steps, more="limits: {changes: {per run: 2}}")
    await disk.wake("e1")
    await until_states(disk, e1="waiting")
    await say(disk, "stop")
    run = await ended(disk)
    assert (run.state, run.message) == ("done", f"Stopped: {REACHED}")


async def test_a_cap_of_a_run_begins_anew_with_each_run(disk: OnDisk) -> None:
    await keep(disk, several("a", "b"), more="limits: {changes: {per run: 2}}")
    for event_id in ("e1", "e2", "e3"):
        await disk.wake(event_id)
        await ended(disk, f"f/1/a:{event_id}")
    assert (len(disk.outside.done), disk.outside.asked) == (6, [])


async def test_a_cap_of_a_day_holds_for_all_runs_of_the_flow_until_the_next_day(tmp_path: Path) -> None:
    time, outside = Time(), Outside()
    async with living(tmp_path, outside, now=time) as disk:
        await keep(disk, several("a", "b"), more="limits: {changes: {per day: 3}}")
        await keep(disk, several("other"), name="other", more="limits: {changes: {per day: 1}}")  # has its own
        await disk.wake("e1")
        await ended(disk)
        await disk.wake("e2")
        await until_waiting(disk, "f/1/a:e2")
        assert sorted(outside.done) == ["a", "a", "b", "other"]
        time.at += DAY
        await disk.wake("e3")
        assert (await ended(disk, "f/1/a:e3")).state == "done"


async def until_waiting(disk: OnDisk, run_id: str) -> None:
    async with asyncio.timeout(10):
        while (await disk.outcome(run_id))[0] != "waiting":
            await disk.rest()


async def test_what_one_owner_allows_for_the_day_is_there_for_other_runs(disk: OnDisk) -> None:
    await keep(disk, several("x"), more="limits: {changes: {per day: 2}}")
    for event_id in ("e1", "e2"):
        await disk.wake(event_id)
        await ended(disk, f"f/1/a:{event_id}")
    await disk.wake("e3")
    await until_states(disk, e1="done", e2="done", e3="waiting")
    await say(disk, "go_on", step="steps/0", event_id="e3")
    assert (await ended(disk, "f/1/a:e3")).state == "done"
    await disk.wake("e4")
    assert (await ended(disk, "f/1/a:e4")).state == "done"
    await disk.wake("e5")
    await until_states(disk, e1="done", e2="done", e3="done", e4="done", e5="waiting")


async def test_what_destroys_asks_at_once_where_the_flow_has_no_cap(disk: OnDisk) -> None:
    await keep(disk, several("a", "b", action="test.delete"))
    await disk.wake("e1")
    await until_states(disk, e1="waiting")
    assert disk.outside.done == []
    await say(disk, "go_on", step="steps/0")  # this one, no other
    await until_states(disk, e1="waiting")
    assert disk.outside.done == ["a"]
    await say(disk, "stop", step="steps/1")
    assert (await ended(disk)).state == "failed"
    assert disk.outside.done == ["a"]


async def test_a_cap_from_a_setting_that_is_none_allows_nothing(disk: OnDisk) -> None:
    await keep(
        disk, several("a", action="test.delete"), more='limits: {destroys: {per run: "{{ settings.most }}"}}', most=None
    )
    await disk.wake("e1")
    await until_states(disk, e1="waiting")
    assert disk.outside.done == []


async def test_what_only_changes_and_what_destroys_are_counted_apart(disk: OnDisk) -> None:
    steps = several("a", "b") + several("c", action="test.delete")
    await keep(disk, steps, more="limits: {changes: {per run: 2}, destroys: {per run: 1}}")
    await disk.wake("e1")
    assert (await ended(disk)).state == "done"
    assert await spent(disk) == {
        ("run", "changes"): (2, 0),
        ("day", "changes"): (2, 0),
        ("run", "destroys"): (1, 0),
        ("day", "destroys"): (1, 0),
    }


def many(*whats: str) -> str:
    return f"  - {{do: test.delete_many, {USING}, with: {{whats: [{', '.join(whats)}]}}}}\n"


async def test_an_action_counts_everything_that_it_destroys(disk: OnDisk) -> None:
    await keep(disk, many("a", "b") + many("c", "d"), more="limits: {destroys: {per run: 3}}")
    await disk.wake("e1")
    await until_states(disk, e1="waiting")  # one more would be fine, two are not: neither is destroyed
    assert disk.outside.done == ["a", "b"]
    await say(disk, "go_on", step="steps/1")
    assert (await ended(disk)).state == "done"
    assert (await spent(disk))["run", "destroys"] == (4, 3)


async def test_more_at_once_than_the_cap_is_allowed_as_a_whole_or_not_at_all(disk: OnDisk) -> None:
    await keep(disk, many("a", "b", "c", "d", "e"), more="limits: {destroys: {per run: 2}}")
    await disk.wake("e1")
    await until_states(disk, e1="waiting")
    assert disk.outside.done == []
    await say(disk, "go_on", step="steps/0")
    assert (await ended(disk)).state == "done"
    assert disk.outside.done == ["a", "b", "c", "d", "e"]


async def test_items_of_a_loop_are_counted_one_by_one(disk: OnDisk) -> None:
    steps = f"  - {{id: walk, each: [a, b, c], steps: [{note('{{ item }}')}]}}\n"
    await keep(disk, steps, more="limits: {changes: {per run: 2}}")
    await disk.wake("e1")
    await until_states(disk, e1="waiting")
    await say(disk, "go_on", step="steps/0/2/0")
    assert (await ended(disk)).state == "done"
    assert disk.outside.done == ["a", "b", "c"]


# --- tried again ------------------------------------------------------------------------------------------------------


async def test_attempts_in_passing_are_counted_once(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [TryLater("Later."), TryLater("Later.")]
    await keep(disk, several("a", "b"), more="limits: {changes: {per run: 2}}")
    await disk.wake("e1")
    assert (await ended(disk)).state == "done"
    assert await spent(disk) == {("run", "changes"): (2, 0), ("day", "changes"): (2, 0)}


@pytest.mark.parametrize("action", ["test.note", "test.send"])
async def test_a_failed_step_that_a_person_tries_again_is_counted_once(disk: OnDisk, action: str) -> None:
    disk.outside.goes_wrong = [Refused("No.")]
    await keep(disk, several("a", "b", action=action), more="limits: {changes: {per run: 2, per day: 2}}")
    await disk.wake("e1")
    assert (await ended(disk)).state == "failed"
    assert await disk.runs.again("f/1/a:e1")
    await until_states(disk, e1="done")
    assert disk.outside.done == ["a", "b"]
    assert await spent(disk) == {("run", "changes"): (2, 0), ("day", "changes"): (2, 0)}


async def test_a_run_that_was_stopped_at_its_cap_asks_once_more_when_it_is_tried_again(disk: OnDisk) -> None:
    await keep(disk, several("a", "b", "c"), more="limits: {changes: {per run: 2}}")
    await disk.wake("e1")
    await until_states(disk, e1="waiting")
    await say(disk, "stop")
    await ended(disk)
    assert await disk.runs.again("f/1/a:e1")
    await until_states(disk, e1="waiting")
    assert disk.outside.asked == ["May Test go on?"] * 2
    await say(disk, "go_on")
    await until_states(disk, e1="done")
    assert disk.outside.done == ["a", "b", "c"]


async def test_a_step_that_was_allowed_and_failed_is_counted_once_when_it_is_tried_again(disk: OnDisk) -> None:
    await keep(disk, several("a", "b", "c"), more="limits: {changes: {per run: 2}}")
    await disk.wake("e1")
    await until_states(disk, e1="waiting")
    disk.outside.goes_wrong = [Refused("No.")]
    await say(disk, "go_on")
    assert (await ended(disk)).state == "failed"
    assert await disk.runs.again("f/1/a:e1")
    await until_states(disk, e1="done")  # what was allowed is still allowed
    assert disk.outside.done == ["a", "b", "c"]
    assert (await spent(disk))["run", "changes"] == (3, 2)


# --- several at once --------------------------------------------------------------------------------------------------


@pytest.fixture
def postgresql() -> Iterator[sa.Engine]:
    engine = open_engine(postgres.database())
    schema.upgrade(engine)
    yield engine
    engine.dispose()


@pytest.mark.slow
def test_of_several_processes_no_two_take_the_last_place_of_a_day(postgresql: sa.Engine) -> None:
    limits = Limits.model_validate({"changes": {"per day": 1}})
    caps, start, over = KeptCaps(lambda: NOW), threading.Barrier(8), list[bool]()
    template = template_of(several("a"), Outside())

    def run(number: int) -> None:
        errand = Errand(run_id=f"r{number}", flow="f", template=template, settings={}, event={})
        start.wait()
        with postgresql.begin() as connection:
            over.append(caps.spend(connection, errand, effect="changes", count=1, limits=limits) is not None)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(over) == [False] + [True] * 7
