"""Lifecycles: runs that are cancelled, left where they are, tried again, begun afresh, and outlived by their flow's versions."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Refused, TryLater
from flows.datasets import Datasets
from flows.exports import compare
from flows.history import History
from flows.problems import Problem
from flows.retention import Retention
from flows.runs import WrongEventError
from flows.store import SetUp
from flows.tables import Run
from flows.versions import restore, version_of
from tests.flows.drivers import NOW, OnDisk, Outside, catalog_of
from tests.flows.lifecycle import (
    ASK,
    EVENT,
    Held,
    Slow,
    Time,
    break_off,
    decide,
    ended,
    keep,
    living,
    note,
    until,
    until_states,
    with_linger,
)

DAY = 86_400
RUN = "f/1/a:e1"
BY_HAND = "when: {by hand: {who: {type: text, title: Who}, many: {type: number, min: 1, max: 5, title: Many}}}"
CALLED = "when: {called: {who: {type: text, title: Who}}}"
CALL = '{id: it, call: called, with: {who: "{{ event.who }}"}}'


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[OnDisk]:
    async with living(tmp_path, Outside()) as found:
        yield found


async def run_of(disk: OnDisk, run_id: str = RUN) -> Run:
    run = await History(disk.store).run(run_id)
    assert run is not None, run_id
    return run


async def until_state(disk: OnDisk, wanted: str, run_id: str = RUN) -> Run:
    """Wait until a run stands so."""

    async def look() -> bool:
        run = await History(disk.store).run(run_id)
        return run is not None and run.state == wanted

    await until(disk, look)
    return await run_of(disk, run_id)


async def passing(disk: OnDisk, *numbers: int) -> None:
    """Let a flow of its own be carried out meanwhile: whatever was ready before it was looked at, too."""
    for number in numbers:
        flow = await keep(
            disk, "  - {stop: done, say: Passed.}\n", when="when: {by hand: {}}", name=f"passing-{number}"
        )
        await until_state(disk, "done", await disk.runs.start(flow, trigger=0, event={"by": "U1"}))


def steps(*of: str) -> str:
    return "".join(f"  - {one}\n" for one in of)


# --- cancel -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("waits", "mode"),
    [
        (ASK, "parallel"),
        ("{wait: 3d}", "parallel"),
        ("{each: [a, b, c], id: walk, at once: 2, steps: [" + ASK + "]}", "parallel"),
        (note("held", more=", on error: {try again: {attempts: 3, pause: 1h}}"), "parallel"),
    ],
    ids=["an answer", "a time", "several answers", "another attempt"],
)
async def test_a_run_that_waits_is_cancelled_with_its_questions_and_never_wakes_again(
    tmp_path: Path, waits: str, mode: str
) -> None:
    time, outside = Time(), Outside()
    outside.goes_wrong = [TryLater("Later.")] if "held" in waits else []
    async with living(tmp_path, outside, now=time) as disk:
        await keep(disk, steps(waits, note("after")), more=f"runs: {{mode: {mode}}}")
        await disk.wake("e1")
        await until_state(disk, "waiting")
        assert await disk.runs.cancel(RUN, by="U1")
        run = await run_of(disk)
        assert (run.state, run.message, run.ended_at, run.owner) == ("cancelled", "Cancelled by U1.", NOW, None)
        assert [(one.outcome, one.message) for one in outside.told] == [("cancelled", "Cancelled by U1.")]
        assert outside.decisions is not None
        questions = await outside.decisions.of_run(RUN)
        assert [one.state for one in questions] == ["cancelled"] * len(outside.asked)
        for question in questions:
            won, decision = await disk.runs.decide(question.id, "yes_please", by="U2")
            assert (won, decision and decision.choice) == (False, None)
        time.at += 30 * DAY
        await passing(disk, 1, 2)
        assert (await run_of(disk)).state == "cancelled"
        assert not await disk.runs.cancel(RUN, by="U2")
        assert not await disk.runs.again(RUN)
    assert outside.done == []


async def test_a_run_that_is_being_carried_out_ends_with_what_it_is_just_doing(tmp_path: Path) -> None:
    held = Slow()
    async with living(tmp_path, held, catalog=with_linger(held)) as disk:
        await keep(disk, steps(note("first", action="test.linger"), note("second")))
        await disk.wake("e1")
        await held.begun.wait()
        assert await disk.runs.cancel(RUN, by="U1")
        held.gate.set()
        await disk.rest()  # it has come to its next line
        assert (await run_of(disk)).message == "Cancelled by U1."
        await passing(disk, 1)
    assert held.done == ["first"]


async def test_a_run_whose_turn_has_not_come_is_cancelled_before_it_begins(disk: OnDisk) -> None:
    await keep(disk, steps(ASK, note("{{ event.who }}")), more="runs: {mode: queued}")
    await disk.wake("e1", "Ann")
    await disk.wake("e2", "Bob")
    await until_states(disk, e1="waiting", e2="queued")
    assert await disk.runs.cancel("f/1/a:e2", by="U1")
    await decide(disk, "e1")
    await until_states(disk, e1="done", e2="cancelled")
    assert disk.outside.done == ["Ann"]


async def test_a_run_of_a_paused_flow_is_cancelled_before_it_begins(disk: OnDisk) -> None:
    await keep(disk, steps(note("never")))
    await disk.store.pause("f", paused=True)
    await disk.wake("e1")
    assert await disk.runs.cancel(RUN, by="U1")
    await disk.store.pause("f", paused=False)
    await passing(disk, 1)
    assert ((await run_of(disk)).state, disk.outside.done) == ("cancelled", [])


async def test_the_runs_that_a_run_called_are_cancelled_with_it_and_those_in_the_background_go_on(disk: OnDisk) -> None:
    waits = steps(ASK, note("{{ event.who }}"))
    await keep(disk, waits, when=CALLED, name="deepest")
    await keep(disk, steps(CALL.replace("called", "deepest")), when=CALLED, name="called")
    await keep(disk, waits, when=CALLED, name="beside")
    beside = '{id: beside, call: beside, with: {who: "{{ event.who }}"}, background: true}'
    await keep(disk, steps(beside, CALL))
    await disk.wake("e1")
    called, on_its_own = f"{RUN}/steps/1/called", f"{RUN}/steps/0/beside"
    deepest = f"{called}/steps/0/deepest"
    await until_state(disk, "waiting", deepest)
    await until_state(disk, "waiting", on_its_own)
    assert await disk.runs.cancel(RUN, by="U1")
    found = {run_id: await run_of(disk, run_id) for run_id in (called, deepest, on_its_own)}
    assert {run.message for run in (found[called], found[deepest])} == {"The run that called it was cancelled."}
    assert found[on_its_own].state == "waiting"
    assert not (await disk.runs.decide(f"{deepest}/steps/0", "yes_please", by="U1"))[0]
    assert (await disk.runs.decide(f"{on_its_own}/steps/0", "yes_please", by="U1"))[0]
    await until_state(disk, "done", on_its_own)
    assert disk.outside.done == ["Ann"]
    assert [one.outcome for one in disk.outside.told].count("cancelled") == 3


@pytest.mark.parametrize(
    ("more", "outcome"),
    [("", ("failed", "called: Cancelled by U1.")), (", on error: {give: {outcome: failed}}", ("done", ""))],
)
async def test_whoever_called_a_run_that_is_cancelled_hears_of_it(
    disk: OnDisk, more: str, outcome: tuple[str, str]
) -> None:
    await keep(disk, steps(ASK), when=CALLED, name="called")
    await keep(disk, steps(CALL.removesuffix("}") + more + "}"))
    await disk.wake("e1")
    await until_state(disk, "waiting", f"{RUN}/steps/0/called")
    await until_state(disk, "waiting")
    assert await disk.runs.cancel(f"{RUN}/steps/0/called", by="U1")
    run = await ended(disk)
    assert (run.state, run.message) == outcome


async def test_what_has_ended_or_never_was_cannot_be_cancelled(disk: OnDisk) -> None:
    await keep(disk, steps("{stop: done, say: Fine.}"))
    await disk.wake("e1")
    await ended(disk)
    assert not await disk.runs.cancel(RUN, by="U1")
    assert not await disk.runs.cancel("f/1/a:nothing", by="U1")
    assert ((await run_of(disk)).state, disk.outside.told) == ("done", [])


# --- pause ------------------------------------------------------------------------------------------------------------


async def test_events_of_a_paused_flow_are_kept_and_carried_out_when_it_goes_on(disk: OnDisk) -> None:
    await keep(disk, steps(note("{{ event.who }}")))
    assert await disk.store.pause("f", paused=True)
    assert not await disk.store.pause("f", paused=True)
    assert await disk.wake("e1", "Ann") == [RUN]
    assert await disk.wake("e2", "Bob") == ["f/1/a:e2"]
    assert await disk.wake("e1", "Ann") == []
    await passing(disk, 1, 2)
    assert [(await run_of(disk, f"f/1/a:{event_id}")).state for event_id in ("e1", "e2")] == ["ready", "ready"]
    assert disk.outside.done == []
    assert await disk.store.pause("f", paused=False)
    await until_state(disk, "done")
    await until_state(disk, "done", "f/1/a:e2")
    assert sorted(disk.outside.done) == ["Ann", "Bob"]


@pytest.mark.parametrize("comes", ["an answer", "a time", "a deadline", "the end of a run that it called"])
async def test_a_waiting_run_of_a_paused_flow_goes_on_when_the_flow_does(tmp_path: Path, comes: str) -> None:
    time, outside = Time(), Outside()
    waits = {"a time": "{wait: 1h}", "the end of a run that it called": CALL}.get(comes, ASK)
    async with living(tmp_path, outside, now=time) as disk:
        await keep(disk, steps(ASK), when=CALLED, name="called")
        await keep(disk, steps(note("before"), waits, note("after")))
        await disk.wake("e1")
        await until_state(disk, "waiting")
        await disk.store.pause("f", paused=True)
        match comes:
            case "an answer":
                await decide(disk, "e1", path="steps/1")
            case "a time" | "a deadline":
                time.at += 2 * 3600
            case _:
                await until_state(disk, "waiting", called := f"{RUN}/steps/1/called")
                assert (await disk.runs.decide(f"{called}/steps/0", "yes_please", by="U1"))[0]
                await until_state(disk, "done", called)
        await passing(disk, 1, 2)
        assert ((await run_of(disk)).ended_at, outside.done) == (None, ["before"])
        await disk.store.pause("f", paused=False)
        await until_state(disk, "done")
    assert outside.done == ["before", "after"]


async def test_what_is_being_carried_out_when_its_flow_is_paused_comes_to_its_end(tmp_path: Path) -> None:
    held = Held()
    async with living(tmp_path, held) as disk:
        await keep(disk, steps(note("first"), note("second"), ASK, note("third")))
        await disk.wake("e1")
        await held.begun.wait()
        await disk.store.pause("f", paused=True)
        held.gate.set()
        await until_state(disk, "waiting")
        await decide(disk, "e1", path="steps/2")
        await passing(disk, 1)
    assert held.done == ["first", "second"]


async def test_a_flow_stays_paused_when_it_is_edited_or_the_process_begins_anew(tmp_path: Path) -> None:
    outside = Outside()
    async with living(tmp_path, outside) as disk:
        await keep(disk, steps(note("one")))
        await disk.store.pause("f", paused=True)
        await disk.wake("e1")
        flow = await keep(disk, steps(note("two")))
        assert (flow.version, flow.paused) == (2, True)
    async with living(tmp_path, outside) as disk:
        assert await disk.wake("e2") == ["f/2/a:e2"]
        await passing(disk, 1)
        assert outside.done == []
        await disk.store.pause("f", paused=False)
        await until_state(disk, "done")
        await until_state(disk, "done", "f/2/a:e2")
    assert sorted(outside.done) == ["one", "two"]


async def test_a_run_of_a_paused_flow_can_be_tried_again_and_waits_for_it(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [Refused("No.")]
    await keep(disk, steps(note("it")))
    await disk.wake("e1")
    await ended(disk)
    await disk.store.pause("f", paused=True)
    assert await disk.runs.again(RUN)
    await passing(disk, 1)
    assert (await run_of(disk)).state == "ready"
    await disk.store.pause("f", paused=False)
    await until_state(disk, "done")


# --- again, from the step that failed ---------------------------------------------------------------------------------

FIRST = note("first", action="test.send", more=", id: first")
"""Gives the number of things done: carried out again, it would give another one."""
LAST = note("last {{ steps.first.number }}", action="test.send")
MEETS = Refused("Not now.")


@pytest.mark.parametrize(
    ("between", "wrong", "done"),
    [
        ([], [MEETS], ["first", "last 1"]),
        ([note("x"), note("y")], [MEETS], ["first", "x", "y", "last 1"]),
        (
            [f'{{if: [{{left: "{{{{ event.who }}}}", is: Ann}}], then: [{note("x")}, {note("y")}]}}'],
            [MEETS],
            ["first", "x", "y", "last 1"],
        ),
        (
            [f"{{id: walk, each: [a, b, c], steps: [{note('{{ item }}')}]}}"],
            [MEETS],
            ["first", "a", "b", "c", "last 1"],
        ),
        ([note("x", more=", on error: {give: {number: 0}}")], [Refused("x"), MEETS], ["first", "last 1"]),
        (
            [note("x", more=f", on error: {{steps: [{note('y')}]}}")],
            [Refused("x"), None, MEETS],
            ["first", "y", "last 1"],
        ),
        ([note("x")], [TryLater("x"), None, MEETS], ["first", "x", "last 1"]),
        ([note("x", action="test.send")], [TryLater("x"), TryLater("x"), None, MEETS], ["first", "x", "last 1"]),
        (
            [f"{{id: walk, each: [a, b, c], failing: set aside, steps: [{note('{{ item }}')}]}}"],
            [None, Refused("b"), None, MEETS],
            ["first", "a", "c", "last 1"],
        ),
    ],
    ids=[
        "nothing",
        "steps",
        "a branch",
        "a loop",
        "a failure that was given for",
        "a failure that was made up for",
        "a failure in passing",
        "failures in passing of what is not repeatable",
        "a loop with an item set aside",
    ],
)
async def test_what_was_done_before_the_step_that_failed_is_not_done_again(
    tmp_path: Path, between: list[str], wrong: list[Exception | None], done: list[str]
) -> None:
    outside = Faulty([None, *wrong])
    async with living(tmp_path, outside) as disk:
        if wrong == [MEETS]:
            outside.script = [None] * (len(done) - 1) + [MEETS]
        await keep(disk, steps(FIRST, *between, LAST))
        await disk.wake("e1")
        run = await ended(disk)
        assert (run.state, run.path, run.message) == ("failed", f"steps/{len(between) + 1}", "Not now.")
        before = await disk.runs.trace(RUN)
        assert await disk.runs.again(RUN)
        run = await until_state(disk, "done")
        assert (run.message, run.path) == ("", "")
        after = await disk.runs.trace(RUN)
        assert before is not None
        assert after is not None
        assert after[: len(before) - 1] == before[:-1]
    assert outside.done == done


class Faulty(Outside):
    """A world in which things go wrong in the order of a script, and well where it has come to its end."""

    def __init__(self, script: list[Exception | None]) -> None:
        super().__init__()
        self.script = script

    def note(self, what: str) -> int:
        if self.script and (wrong := self.script.pop(0)) is not None:
            raise wrong
        return super().note(what)


@pytest.mark.parametrize(
    ("failing", "path", "done"),
    [
        (
            f'{{if: [{{left: "{{{{ event.who }}}}", is: Ann}}], then: [{note("x")}, {note("y")}]}}',
            "steps/1/then/1",
            "xy",
        ),
        (
            f'{{if: [{{left: "{{{{ event.who }}}}", is: Bob}}], then: [], else: [{note("x")}, {note("y")}]}}',
            "steps/1/else/1",
            "xy",
        ),
        (f"{{id: walk, each: [x, y, z], steps: [{note('{{ item }}')}]}}", "steps/1/1/0", "xyz"),
        (
            "{id: walk, each: [x, y], as: one, steps: [{id: inner, each: [1, 2], steps: ["
            + note("{{ one }}{{ item }}")
            + "]}]}",
            "steps/1/0/0/1/0",
            ["x1", "x2", "y1", "y2"],
        ),
    ],
)
async def test_a_step_within_others_is_tried_again_where_it_failed(
    tmp_path: Path, failing: str, path: str, done: str | list[str]
) -> None:
    outside = Faulty([None, None, MEETS])
    async with living(tmp_path, outside) as disk:
        await keep(disk, steps(FIRST, failing, LAST))
        await disk.wake("e1")
        assert (await ended(disk)).path == path
        assert await disk.runs.again(RUN)
        await until_state(disk, "done")
    assert outside.done == ["first", *done, "last 1"]


async def test_a_step_that_makes_up_for_another_is_tried_again_alone(tmp_path: Path) -> None:
    outside = Faulty([Refused("x"), None, MEETS])
    async with living(tmp_path, outside) as disk:
        await keep(disk, steps(note("x", more=f", on error: {{steps: [{note('y')}, {note('z')}]}}")))
        await disk.wake("e1")
        assert (await ended(disk)).path == "steps/0/on error/steps/1"
        assert await disk.runs.again(RUN)
        await until_state(disk, "done")
    assert outside.done == ["y", "z"]


@pytest.mark.parametrize("more", ["", ", on error: {only for: [missing], give: {number: 0}}"])
async def test_every_item_that_failed_at_once_is_tried_again(tmp_path: Path, more: str) -> None:
    outside = Together(3)
    async with living(tmp_path, outside) as disk:
        walk = f"{{id: walk, each: [a, b, c, d], at once: 3, steps: [{note('{{ item }}', more=more)}]}}"
        await keep(disk, steps(walk))
        await disk.wake("e1")
        assert (await ended(disk)).state == "failed"
        assert await disk.runs.again(RUN)
        await until_state(disk, "done")
    assert sorted(outside.done) == ["a", "b", "c", "d"]


class Together(Outside):
    """A world in which the first few actions fail, all at the same time."""

    def __init__(self, many: int) -> None:
        super().__init__()
        self.barrier = asyncio.Barrier(many)
        self.failing = many

    async def client(self, _name: str) -> "Together":
        if self.failing:
            await self.barrier.wait()
            self.failing -= 1
            raise MEETS
        return self


async def test_a_long_loop_goes_on_at_the_item_that_failed(tmp_path: Path) -> None:
    outside = Faulty([*[None] * 150, MEETS])
    async with living(tmp_path, outside) as disk:
        many = f"{{id: many, do: text.split, with: {{text: '{','.join(map(str, range(250)))}', separator: ','}}}}"
        walk = f'{{id: walk, each: "{{{{ steps.many.items }}}}", steps: [{note("{{ item }}")}]}}'
        await keep(disk, steps(many, walk, '{stop: done, say: "{{ steps.walk.done }}"}'))
        await disk.wake("e1")
        assert (await ended(disk)).path == "steps/1/150/0"
        assert await disk.runs.again(RUN)
        assert (await until_state(disk, "done")).message == "250"
    assert outside.done == list(map(str, range(250)))


async def test_what_people_answered_and_the_time_that_passed_hold_when_a_run_is_tried_again(tmp_path: Path) -> None:
    time, outside = Time(), Faulty([MEETS])
    async with living(tmp_path, outside, now=time) as disk:
        await keep(disk, steps(ASK, "{wait: 1h}", note("{{ steps.sure.choice }}")))
        await disk.wake("e1")
        await until_state(disk, "waiting")
        await decide(disk, "e1")

        async def waits_for_the_time() -> bool:
            return (await run_of(disk)).wake_at == NOW + 3600

        await until(disk, waits_for_the_time)
        time.at += 3600
        await until_state(disk, "failed")
        assert await disk.runs.again(RUN)
        await until_state(disk, "done")
    assert (outside.asked, outside.done) == (["Sure of Ann?"], ["yes_please"])


async def test_a_flow_that_was_called_and_went_well_is_not_called_again(tmp_path: Path) -> None:
    async with living(tmp_path, Faulty([None, MEETS])) as disk:
        called = steps(note("called", action="test.send"), "{stop: done, say: Fine., give: {it: 7}}")
        await keep(disk, called, when=CALLED, name="called")
        await keep(disk, steps(CALL, note("gave {{ steps.it.gave.it }}")))
        await disk.wake("e1")
        assert (await ended(disk)).path == "steps/1"
        assert await disk.runs.again(RUN)
        await until_state(disk, "done")
        assert disk.outside.done == ["called", "gave 7"]


async def test_a_flow_that_was_called_and_failed_is_called_again_as_a_run_of_its_own(tmp_path: Path) -> None:
    async with living(tmp_path, Faulty([None, MEETS])) as disk:
        await keep(disk, steps(note("a"), note("b")), when=CALLED, name="called")
        await keep(disk, steps(CALL, note("after")))
        await disk.wake("e1")
        assert (await ended(disk)).message == "called: Not now."
        assert await disk.runs.again(RUN)
        await until_state(disk, "done")
        runs = await History(disk.store).latest(flow="called")
        assert sorted(run.state for run in runs) == ["done", "failed"]
        assert disk.outside.done == ["a", "a", "b", "after"]


class Deaf(Outside):
    """A world in which nobody can be asked at first."""

    def __init__(self) -> None:
        super().__init__()
        self.deaf = True

    async def ask(self, question: Any) -> None:
        assert self.decisions is not None
        await self.decisions.open(question, now=NOW)
        if self.deaf:
            raise MEETS
        await super().ask(question)


async def test_a_question_that_nobody_saw_is_put_again_with_all_its_time(tmp_path: Path) -> None:
    time, outside = Time(), Deaf()
    async with living(tmp_path, outside, now=time) as disk:
        await keep(disk, steps(ASK, note("{{ steps.sure.choice }}")))
        await disk.wake("e1")
        await until_state(disk, "failed")
        time.at += DAY
        outside.deaf = False
        await disk.runs.close()
    async with living(tmp_path, outside, now=time) as disk:
        await passing(disk, 1)
        assert await disk.runs.again(RUN)
        await until_state(disk, "waiting")
        await decide(disk, "e1")
        await until_state(disk, "done")
    assert outside.done == ["yes_please"]


async def test_a_run_that_broke_off_goes_on_where_it_was(disk: OnDisk) -> None:
    await keep(disk, steps(note("before"), ASK, note("after")))
    await disk.wake("e1")
    await until_state(disk, "waiting")
    await break_off(disk, RUN)
    assert await disk.runs.again(RUN)
    await until_state(disk, "waiting")
    await decide(disk, "e1", path="steps/1")
    await until_state(disk, "done")
    assert disk.outside.done == ["before", "after"]


async def test_of_two_people_who_try_a_run_again_at_once_one_does(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [MEETS]
    await keep(disk, steps(note("it", action="test.send")))
    await disk.wake("e1")
    await ended(disk)
    tried = await asyncio.gather(disk.runs.again(RUN), disk.runs.again(RUN))
    assert sorted(tried) == [False, True]
    await until_state(disk, "done")
    assert disk.outside.done == ["it"]


async def test_a_run_that_fails_again_can_be_tried_again_as_often_as_one_likes(disk: OnDisk) -> None:
    await keep(disk, steps(note("it")))
    disk.outside.goes_wrong = [Refused(f"No {number}.") for number in range(4)]
    await disk.wake("e1")
    for number in range(4):
        assert (await until_state(disk, "failed")).message == f"No {number}."
        assert await disk.runs.again(RUN)
        await disk.rest()
    await until_state(disk, "done")
    assert disk.outside.done == ["it"]


@pytest.mark.parametrize("state", ["waiting", "done", "cancelled", "discarded", "unknown"])
async def test_only_a_failed_run_is_tried_again(disk: OnDisk, state: str) -> None:
    end = {"waiting": ASK, "cancelled": ASK, "discarded": "{stop: failed, say: No.}"}.get(
        state, "{stop: done, say: Yes.}"
    )
    await keep(disk, steps(end))
    await disk.wake("e1")
    await until_state(disk, {"cancelled": "waiting", "discarded": "failed", "unknown": "done"}.get(state, state))
    match state:
        case "cancelled":
            await disk.runs.cancel(RUN, by="U1")
        case "discarded":
            await disk.runs.discard(RUN)
    assert not await disk.runs.again("f/1/a:nothing" if state == "unknown" else RUN)


# --- afresh, from the start -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stands", ["failed", "done", "waiting", "cancelled", "discarded"])
async def test_a_run_begun_afresh_does_everything_again_however_the_first_one_stands(disk: OnDisk, stands: str) -> None:
    last = {"failed": "{stop: failed, say: No.}", "discarded": "{stop: failed, say: No.}", "done": note("last")}
    await keep(disk, steps(note("{{ event.who }}", action="test.send"), last.get(stands, ASK)))
    await disk.wake("e1")
    rests = {"cancelled": "waiting", "discarded": "failed"}.get(stands, stands)
    await until_state(disk, rests)
    match stands:
        case "cancelled":
            await disk.runs.cancel(RUN, by="U1")
        case "discarded":
            await disk.runs.discard(RUN)
    disk.outside.done.clear()
    new = await disk.runs.afresh(RUN)
    assert new is not None
    assert new.startswith(f"{RUN}~")
    assert (await until_state(disk, rests, new)).event == {"who": "Ann"}
    assert disk.outside.done[0] == "Ann"
    assert (await run_of(disk)).state == stands


async def test_a_run_is_begun_afresh_with_an_edited_event_as_often_as_one_likes(disk: OnDisk) -> None:
    await keep(disk, steps(note("{{ event.who }} {{ event.more }}")))
    await disk.wake("e1")
    await ended(disk)
    for who in ("Bob", "Cem"):
        new = await disk.runs.afresh(RUN, event={"who": who, "more": "kept"})
        assert new is not None
        await until_state(disk, "done", new)
    assert disk.outside.done == ["Ann ", "Bob kept", "Cem kept"]
    assert (await run_of(disk)).event == {"who": "Ann"}


async def test_what_is_begun_afresh_takes_its_turn(disk: OnDisk) -> None:
    await keep(disk, steps(ASK), more="runs: {mode: single}")
    await disk.wake("e1")
    await until_state(disk, "waiting")
    new = await disk.runs.afresh(RUN)
    assert new is not None
    assert (await run_of(disk, new)).state == "queued"
    await decide(disk, "e1")
    await until_state(disk, "waiting", new)


async def test_a_run_that_is_not_remembered_cannot_be_begun_afresh(disk: OnDisk) -> None:
    assert await disk.runs.afresh("f/1/a:nothing") is None


EDITED: list[tuple[str, Mapping[str, Any], Mapping[str, Any], list[Problem]]] = [
    ("event", {"who": "Ann"}, {}, [Problem(path="event/who", message="`who:` is missing")]),
    ("event", {"who": "Ann"}, {"who": ["Ann"]}, [Problem(path="event/who", message="a text is needed here")]),
    ("event", {"who": "Ann"}, {"who": None}, [Problem(path="event/who", message="a text is needed here")]),
    (
        "by hand",
        {"who": "Ann", "many": 2, "by": "U1"},
        {"who": "Ann", "many": 9, "by": "U1"},
        [Problem(path="event/many", message="9 is too large: at most 5, please")],
    ),
    (
        "by hand",
        {"who": "Ann", "many": 2, "by": "U1"},
        {"woh": "Ann", "many": 2, "by": "U1"},
        [
            Problem(path="event/who", message="`who:` is missing"),
            Problem(path="event/woh", message="`woh:` is not known here", hint="did you mean who?"),
        ],
    ),
    (
        "by hand",
        {"who": "Ann", "many": 2, "by": "U1"},
        {"who": "Ann", "many": 2, "by": 7},
        [Problem(path="event/by", message="a text is needed here")],
    ),
    (
        "called",
        {"who": "Ann"},
        {"who": ""},
        [Problem(path="event/who", message="at least 1 character must stand here")],
    ),
    (
        "called",
        {"who": "Ann"},
        {"who": "Ann", "what": 1},
        [Problem(path="event/what", message="`what:` is not known here", hint="known here: who")],
    ),
    (
        "every",
        {"scheduled_for": "1970-01-01T00:00:00Z"},
        {"scheduled_for": "tomorrow"},
        [Problem(path="event/scheduled_for", message="tomorrow is no time")],
    ),
]
WHEN = {"event": EVENT, "by hand": BY_HAND, "called": CALLED, "every": "when: {every: 1d}"}


@pytest.mark.parametrize(("kind", "event", "edited", "problems"), EDITED)
async def test_an_edited_event_that_does_not_fit_is_refused_and_nothing_begins(
    disk: OnDisk, kind: str, event: Mapping[str, Any], edited: Mapping[str, Any], problems: list[Problem]
) -> None:
    flow = await keep(disk, steps(note("it")), when=WHEN[kind])
    run_id = await disk.runs.start(flow, trigger=0, event=event)
    await until_state(disk, "done", run_id)
    with pytest.raises(WrongEventError) as refused:
        await disk.runs.afresh(run_id, event=edited)
    assert refused.value.problems == problems
    assert str(problems[0]) in str(refused.value)
    await passing(disk, 1)
    assert disk.outside.done == ["it"]
    new = await disk.runs.afresh(run_id, event=event)
    assert new is not None
    assert (await until_state(disk, "done", new)).event == event


async def test_a_run_that_was_called_is_begun_afresh_on_its_own(disk: OnDisk) -> None:
    await keep(disk, steps(note("called {{ event.who }}")), when=CALLED, name="called")
    await keep(disk, steps(CALL, note("after")))
    await disk.wake("e1")
    await ended(disk)
    new = await disk.runs.afresh(f"{RUN}/steps/0/called", event={"who": "Bob"})
    assert new is not None
    assert (await until_state(disk, "done", new)).parent is None
    assert disk.outside.done == ["called Ann", "after", "called Bob"]


# --- dead letters -----------------------------------------------------------------------------------------------------


async def listed(disk: OnDisk) -> list[str]:
    """Return the failed runs that somebody has to look at."""
    return [run.id for run in await History(disk.store).latest(states=["failed"])]


async def test_a_failed_run_stays_listed_until_it_is_tried_again_or_discarded(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [Refused("No.") for _ in range(3)]
    await keep(disk, steps(note("it")))
    for event_id in ("e1", "e2", "e3"):
        await disk.wake(event_id)
        await ended(disk, f"f/1/a:{event_id}")
    one, two, three = (f"f/1/a:{event_id}" for event_id in ("e1", "e2", "e3"))
    assert sorted(await listed(disk)) == [one, two, three]
    new = await disk.runs.afresh(one)
    assert new is not None
    await until_state(disk, "done", new)
    assert sorted(await listed(disk)) == [one, two, three]
    assert await disk.runs.again(two)
    await until_state(disk, "done", two)
    assert sorted(await listed(disk)) == [one, three]
    assert await disk.runs.discard(three)
    assert not await disk.runs.discard(three)
    assert not await disk.runs.discard(two)
    assert await listed(disk) == [one]


async def test_one_that_fails_again_is_listed_again(disk: OnDisk) -> None:
    await keep(disk, steps("{stop: failed, say: No.}"))
    await disk.wake("e1")
    await ended(disk)
    await disk.runs.again(RUN)
    await disk.rest()
    await until_state(disk, "failed")
    assert await listed(disk) == [RUN]


async def test_a_failed_run_is_remembered_however_old_it_is_until_it_was_dealt_with(disk: OnDisk) -> None:
    await keep(disk, steps("{stop: failed, say: No.}"))
    await disk.wake("e1")
    await disk.wake("e2")
    await ended(disk)
    await ended(disk, "f/1/a:e2")
    await disk.runs.discard("f/1/a:e2")
    retention = Retention(disk.store, Datasets(disk.store), keep_days=90)
    assert await retention.forget(NOW + 1000 * DAY) == 1
    assert await listed(disk) == [RUN]


async def test_why_a_run_failed_and_where_is_remembered_with_it(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [Refused("Not allowed.")]
    await keep(disk, steps("{id: one, set: {a: 1}}", note("it")))
    await disk.wake("e1")
    run = await ended(disk)
    assert (run.state, run.path, run.message) == ("failed", "steps/1", "Not allowed.")


# --- versions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["answered", "cut and answered", "tried again", "its turn", "resumed", "afresh"])
async def test_a_run_begun_under_one_version_ends_under_it(tmp_path: Path, how: str) -> None:
    outside = Outside()
    outside.goes_wrong = [MEETS] if how in {"tried again", "afresh"} else []
    last = note("{{ event.who }} under {{ settings.most }}")
    first = steps(last) if outside.goes_wrong or how == "resumed" else steps(ASK, last)
    more = "runs: {mode: queued}" if how == "its turn" else ""
    event_id = "e2" if how == "its turn" else "e1"
    run_id = f"f/1/a:{event_id}"
    async with living(tmp_path, outside) as disk:
        await keep(disk, first, more=more, most=1)
        if how == "resumed":
            await disk.store.pause("f", paused=True)
        await disk.wake("e1")
        if how == "its turn":
            await until_state(disk, "waiting")
            await disk.wake("e2")
        stands = {"its turn": "queued", "resumed": "ready", "tried again": "failed", "afresh": "failed"}
        await until_state(disk, stands.get(how, "waiting"), run_id)
        second = await keep(disk, steps(note("the second version")), more=more, most=2)
        assert second.version == 2
        if how == "cut and answered":
            await disk.runs.close()
    async with living(tmp_path, outside) as disk:
        match how:
            case "tried again":
                await disk.runs.again(run_id)
            case "afresh":
                run_id = await disk.runs.afresh(run_id) or ""
            case "resumed":
                await disk.store.pause("f", paused=False)
            case "its turn":
                await decide(disk, "e1")
                await until_state(disk, "done")
                outside.done.clear()
                await until_state(disk, "waiting", run_id)
                await decide(disk, "e2")
            case _:
                await decide(disk, "e1")
        assert (await until_state(disk, "done", run_id)).version == 1
        assert outside.done == ["Ann under 1"]
        assert await disk.wake("e3") == ["f/2/a:e3"]
        await until_state(disk, "done", "f/2/a:e3")
    assert outside.done == ["Ann under 1", "the second version"]


async def test_a_flow_that_is_switched_off_lets_its_runs_come_to_their_end(disk: OnDisk) -> None:
    await keep(disk, steps(ASK, note("after")))
    await disk.wake("e1")
    await until_state(disk, "waiting")
    assert await disk.store.switch_off("f", by="U1", now=2.0)
    assert await disk.wake("e2") == []
    await decide(disk, "e1")
    await until_state(disk, "done")
    assert disk.outside.done == ["after"]


async def test_a_call_is_of_the_version_in_force_when_it_is_made(disk: OnDisk) -> None:
    await keep(disk, steps(ASK, note("one")), when=CALLED, name="called")
    await keep(disk, steps(CALL, CALL.replace("it", "then", 1)))
    await disk.wake("e1")
    await until_state(disk, "waiting", f"{RUN}/steps/0/called")
    await keep(disk, steps(note("two")), when=CALLED, name="called")
    assert (await disk.runs.decide(f"{RUN}/steps/0/called/steps/0", "yes_please", by="U1"))[0]
    await until_state(disk, "done")
    assert disk.outside.done == ["one", "two"]


async def test_every_version_is_kept_with_who_saved_it_and_when(disk: OnDisk) -> None:
    one, two, same = [await keep(disk, steps(note(what))) for what in ("one", "two", "two")]
    assert [flow.version for flow in (one, two, same)] == [1, 2, 2]
    versions = await disk.store.versions("f")
    assert [(each.version, each.saved_by, each.saved_at) for each in versions] == [
        (2, "UOWNER", 1.0),
        (1, "UOWNER", 1.0),
    ]
    assert [each.document["steps"][0]["with"]["what"] for each in versions] == ["two", "one"]


async def test_what_differs_between_two_versions_can_be_read(disk: OnDisk) -> None:
    await keep(disk, steps(note("one"), "{wait: 1h}"), most=1)
    await keep(disk, steps(note("two"), "{wait: 1h}", note("three")), most=2)
    old, new = [await version_of(disk.store, "f", version) for version in (1, 2)]
    assert old is not None
    assert new is not None
    said = [line.replace(" ", "") for line in compare(old, new).splitlines() if line[0] in "+-"]
    assert said == [
        "---fversion1",
        "+++fversion2",
        "-most:1",
        "+most:2",
        "-what:one",
        "+what:two",
        "+-do:test.note",
        "+using:'{{settings.account}}'",
        "+with:",
        "+what:three",
    ]
    assert compare(old, old) == ""


async def restored(
    disk: OnDisk, version: int, name: str = "f", accounts: tuple[str, ...] = ("a",)
) -> SetUp | list[Problem]:
    connections = {"test": accounts}
    catalog = catalog_of(disk.outside)
    return await restore(disk.store, name, version, by="U9", now=9.0, catalog=catalog, connections=connections)


async def test_a_version_that_is_restored_is_the_next_one_and_runs_go_by_it(disk: OnDisk) -> None:
    await keep(disk, steps(note("one {{ settings.most }}")), most=1)
    await keep(disk, steps(note("two {{ settings.most }}")), most=2)
    flow = await restored(disk, 1)
    assert isinstance(flow, SetUp)
    assert (flow.version, flow.enabled, flow.changed_by, flow.settings["most"]) == (3, True, "U9", 1)
    assert await disk.wake("e1") == ["f/3/a:e1"]
    await until_state(disk, "done", "f/3/a:e1")
    assert disk.outside.done == ["one 1"]


@pytest.mark.parametrize("stands", ["off", "paused"])
async def test_a_flow_that_is_restored_stays_off_or_paused(disk: OnDisk, stands: str) -> None:
    await keep(disk, steps(note("one")))
    await keep(disk, steps(note("two")))
    match stands:
        case "off":
            await disk.store.switch_off("f", by="U1", now=2.0)
        case _:
            await disk.store.pause("f", paused=True)
    flow = await restored(disk, 1)
    assert isinstance(flow, SetUp)
    assert (flow.enabled, flow.paused) == (stands == "paused", stands == "paused")


@pytest.mark.parametrize(
    ("version", "name", "accounts", "problem"),
    [
        (7, "f", ("a",), "document: there is no version 7 of f"),
        (1, "g", ("a",), "document: there is no flow g"),
        (1, "f", ("b",), "settings/account: there is no connection a to test (there is b)"),
        (3, "f", ("a",), "steps/0/do: there is no action test.notte (did you mean test.note?)"),
    ],
)
async def test_what_cannot_be_carried_out_any_more_is_not_restored(
    disk: OnDisk, version: int, name: str, accounts: tuple[str, ...], problem: str
) -> None:
    await keep(disk, steps(note("one")))
    await keep(disk, steps(note("two")))
    await keep(disk, steps(note("three", action="test.notte")))
    await keep(disk, steps(note("four")))
    found = await restored(disk, version, name, accounts)
    assert isinstance(found, list)
    assert [str(one) for one in found] == [problem]
    flow = await disk.store.flow("f")
    assert flow is not None
    assert flow.version == 4
