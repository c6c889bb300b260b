"""Turns: what becomes of an event while earlier runs of its flow are under way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from flows.history import History
from flows.misses import ONCE_PER, TURN
from tests.flows.drivers import OnDisk, Outside
from tests.flows.lifecycle import (
    ASK,
    Held,
    Time,
    break_off,
    decide,
    ended,
    keep,
    living,
    note,
    states,
    until_states,
)

PER_PERSON = 'per: "{{ event.who }}"'
STEPS = f"""
  - {ASK}
  - {note("{{ event.who }}")}
"""
CALLED = "when: {called: {who: {type: text, title: Who}}}"
BY_HAND = "when: {by hand: {who: {type: text, title: Who}}}"


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[OnDisk]:
    async with living(tmp_path, Outside()) as found:
        yield found


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[OnDisk, OnDisk]]:
    """Two processes over one database."""
    outside = Outside()
    async with AsyncExitStack() as stack:
        yield (
            await stack.enter_async_context(living(tmp_path, outside)),
            await stack.enter_async_context(living(tmp_path, outside)),
        )


def runs(mode: str, limit: int | None = None, per: str = "") -> str:
    parts = [f"mode: {mode}", *([f"limit: {limit}"] if limit else []), *([per] if per else [])]
    return f"runs: {{{', '.join(parts)}}}"


async def wake(disk: OnDisk, *event_ids: str, who: str = "Ann") -> list[list[str]]:
    return [await disk.wake(event_id, who) for event_id in event_ids]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (runs("parallel"), {"e1": "waiting", "e2": "waiting", "e3": "waiting", "e4": "waiting"}),
        (runs("parallel", 2), {"e1": "waiting", "e2": "waiting", "e3": "queued", "e4": "queued"}),
        (runs("queued"), {"e1": "waiting", "e2": "queued", "e3": "queued", "e4": "queued"}),
        (runs("queued", 2), {"e1": "waiting", "e2": "queued", "e3": "queued"}),
        (runs("single"), {"e1": "waiting"}),
        (runs("restart"), {"e1": "cancelled", "e2": "cancelled", "e3": "cancelled", "e4": "waiting"}),
    ],
)
async def test_a_mode_says_what_becomes_of_later_events(disk: OnDisk, turns: str, expected: dict[str, str]) -> None:
    await keep(disk, STEPS, more=turns)
    woken = await wake(disk, "e1", "e2", "e3", "e4")
    assert [bool(some) for some in woken] == [f"e{number}" in expected for number in (1, 2, 3, 4)]
    await until_states(disk, **expected)


@pytest.mark.parametrize("mode", ["single", "queued", "restart"])
async def test_turns_are_taken_for_each_key_on_its_own(disk: OnDisk, mode: str) -> None:
    await keep(disk, STEPS, more=runs(mode, per=PER_PERSON))
    await wake(disk, "e1", who="Ann")
    await wake(disk, "e2", who="Bob")
    await wake(disk, "e3", who="Ann")
    later = {"single": {}, "queued": {"e3": "queued"}, "restart": {"e3": "waiting"}}[mode]
    first = "cancelled" if mode == "restart" else "waiting"
    await until_states(disk, e1=first, e2="waiting", **later)


async def test_a_limit_of_parallel_runs_holds_for_each_key(disk: OnDisk) -> None:
    await keep(disk, STEPS, more=runs("parallel", 1, PER_PERSON))
    for event_id, who in (("e1", "Ann"), ("e2", "Ann"), ("e3", "Bob")):
        await disk.wake(event_id, who)
    await until_states(disk, e1="waiting", e2="queued", e3="waiting")
    await decide(disk, "e3")
    await until_states(disk, e1="waiting", e2="queued", e3="done")  # nobody of Ann's lane begins for it
    await decide(disk, "e1")
    await until_states(disk, e1="done", e2="waiting", e3="done")


async def test_an_event_that_is_let_go_can_be_explained(disk: OnDisk) -> None:
    await keep(disk, STEPS, more=runs("single"))
    await wake(disk, "e1", "e2")
    why = await disk.runs.why("f", since=0)
    assert why.counts == {TURN: 1}
    assert [sample.event_id for sample in why.samples] == ["a:e2"]


async def test_single_takes_the_next_event_once_it_is_free(disk: OnDisk) -> None:
    await keep(disk, STEPS, more=runs("single"))
    await wake(disk, "e1", "e2")
    await until_states(disk, e1="waiting")
    await decide(disk, "e1")
    await until_states(disk, e1="done")
    await wake(disk, "e3")
    await until_states(disk, e1="done", e3="waiting")


async def test_the_same_event_again_does_not_take_the_place_of_its_own_run(disk: OnDisk) -> None:
    await keep(disk, STEPS, more=runs("restart"))
    await wake(disk, "e1")
    await until_states(disk, e1="waiting")
    assert await wake(disk, "e1", "e1") == [[], []]
    await until_states(disk, e1="waiting")


ENDS = {
    "done": f"\n  - {ASK}\n",
    "failed": f"\n  - {ASK}\n  - {{stop: failed, say: No.}}\n",
    "cancelled": f"\n  - {ASK}\n",
    "broken": f"\n  - {ASK}\n",
}


@pytest.mark.parametrize("how", list(ENDS))
@pytest.mark.parametrize("turns", [runs("queued"), runs("parallel", 1)])
async def test_the_next_in_line_begins_however_a_run_ended(disk: OnDisk, turns: str, how: str) -> None:
    await keep(disk, ENDS[how], more=turns)
    await wake(disk, "e1", "e2", "e3")
    await until_states(disk, e1="waiting", e2="queued", e3="queued")
    match how:
        case "cancelled":
            assert await disk.runs.cancel("f/1/a:e1", by="U1")
        case "broken":
            await break_off(disk, "f/1/a:e1")
        case _:
            await decide(disk, "e1")
    await until_states(disk, e1="failed" if how == "broken" else how, e2="waiting", e3="queued")


async def test_a_broken_run_frees_its_place_among_several(disk: OnDisk) -> None:
    await keep(disk, STEPS, more=runs("parallel", 2))
    await wake(disk, "e1", "e2", "e3", "e4")
    await until_states(disk, e1="waiting", e2="waiting", e3="queued", e4="queued")
    await break_off(disk, "f/1/a:e1")
    await until_states(disk, e1="failed", e2="waiting", e3="waiting", e4="queued")


async def test_a_line_is_kept_in_the_order_of_its_events(tmp_path: Path) -> None:
    time, outside = Time(), Outside()
    events = ["e5", "e1", "e4", "e2", "e3"]
    async with living(tmp_path, outside, now=time) as disk:
        await keep(disk, f"\n  - {note('{{ event.who }}')}\n  - {ASK}\n", more=runs("queued"))
        for event_id in events:
            await disk.wake(event_id, event_id)
            time.at += 1
        for number, event_id in enumerate(events):
            later = dict.fromkeys(events[number + 1 :], "queued")
            await until_states(disk, **dict.fromkeys(events[:number], "done"), **{event_id: "waiting"}, **later)
            await decide(disk, event_id, path="steps/1")
        await ended(disk, "f/1/a:e3")
    assert outside.done == events


async def test_one_that_waits_in_line_can_be_cancelled_and_nobody_jumps_ahead(disk: OnDisk) -> None:
    await keep(disk, STEPS, more=runs("queued"))
    await wake(disk, "e1", "e2", "e3")
    await until_states(disk, e1="waiting", e2="queued", e3="queued")
    assert await disk.runs.cancel("f/1/a:e2", by="U1")
    await until_states(disk, e1="waiting", e2="cancelled", e3="queued")
    await decide(disk, "e1")
    await until_states(disk, e1="done", e2="cancelled", e3="waiting")


@pytest.mark.parametrize("mode", ["single", "queued"])
async def test_what_a_person_starts_waits_for_its_turn_and_then_begins(disk: OnDisk, mode: str) -> None:
    flow = await keep(disk, STEPS, more=runs(mode), when=BY_HAND)
    first, second = [await disk.runs.start(flow, trigger=0, event={"who": who, "by": "U1"}) for who in "ab"]
    of = {run.id: run.event_id for run in await History(disk.store).latest()}
    await until_states(disk, **{of[first]: "waiting", of[second]: "queued"})
    assert (await disk.runs.decide(f"{first}/steps/0", "yes_please", by="U1"))[0]
    await until_states(disk, **{of[first]: "done", of[second]: "waiting"})


@pytest.mark.parametrize("mode", ["single", "queued"])
async def test_a_run_that_is_tried_again_takes_its_turn(disk: OnDisk, mode: str) -> None:
    await keep(disk, f"\n  - {ASK}\n  - {{stop: failed, say: No.}}\n", more=runs(mode))
    await wake(disk, "e1")
    await until_states(disk, e1="waiting")
    await decide(disk, "e1")
    await until_states(disk, e1="failed")
    await wake(disk, "e2")
    await until_states(disk, e1="failed", e2="waiting")
    assert await disk.runs.again("f/1/a:e1")
    await until_states(disk, e1="queued", e2="waiting")
    assert await disk.runs.cancel("f/1/a:e2", by="U1")
    await until_states(disk, e1="failed", e2="cancelled")  # it had its turn, and failed once more


async def test_a_run_that_is_called_takes_its_turn_too(disk: OnDisk) -> None:
    await keep(disk, STEPS, more=runs("queued"), when=CALLED, name="called")
    await keep(disk, '\n  - {id: it, call: called, with: {who: "{{ event.who }}"}}\n')
    await wake(disk, "e1", "e2")
    await until_states(
        disk, **{"e1": "waiting", "f/1/a:e1/steps/0": "waiting", "e2": "waiting", "f/1/a:e2/steps/0": "queued"}
    )
    assert (await disk.runs.decide("f/1/a:e1/steps/0/called/steps/0", "yes_please", by="U1"))[0]
    await until_states(
        disk, **{"e1": "done", "f/1/a:e1/steps/0": "done", "e2": "waiting", "f/1/a:e2/steps/0": "waiting"}
    )


@pytest.mark.parametrize("turns", [runs("single"), runs("queued", 1)])
async def test_a_call_for_which_there_is_no_turn_fails_its_step(disk: OnDisk, turns: str) -> None:
    await keep(disk, STEPS, more=turns, when=CALLED, name="called")
    await keep(disk, '\n  - {id: it, call: called, with: {who: "{{ event.who }}"}}\n')
    await wake(disk, "e1", "e2", "e3")
    assert (await ended(disk, "f/1/a:e3")).message == "the flow called is busy with earlier runs, and takes no more"


async def test_a_newer_call_takes_the_place_of_the_earlier_whose_caller_hears_of_it(disk: OnDisk) -> None:
    await keep(disk, STEPS, more=runs("restart"), when=CALLED, name="called")
    await keep(disk, '\n  - {id: it, call: called, with: {who: "{{ event.who }}"}}\n')
    await wake(disk, "e1")
    await until_states(disk, **{"e1": "waiting", "f/1/a:e1/steps/0": "waiting"})
    await wake(disk, "e2")
    first = await ended(disk, "f/1/a:e1")
    assert (first.state, first.message) == ("failed", "called: A newer event took its place.")


# --- several at once --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("turns", "under_way", "others"),
    [
        (runs("single"), 1, None),
        (runs("queued"), 1, "queued"),
        (runs("parallel", 3), 3, "queued"),
        (runs("restart"), 1, "cancelled"),
    ],
)
async def test_two_processes_that_take_events_at_once_keep_to_the_mode(
    pair: tuple[OnDisk, OnDisk], turns: str, under_way: int, others: str | None
) -> None:
    one, _ = pair
    for process in pair:
        await keep(process, STEPS, more=turns)
    events = [f"e{number}" for number in range(20)]
    woken = await asyncio.gather(*(pair[index % 2].wake(event_id) for index, event_id in enumerate(events)))
    async with asyncio.timeout(20):
        while {"ready", "running"} & set((found := await states(one)).values()):
            await one.outside.rested.wait()
            one.outside.rested.clear()
    assert sorted(found.values()) == sorted(["waiting"] * under_way + ([others] * (20 - under_way) if others else []))
    assert sum(map(len, woken)) == len(found)


async def test_one_that_ends_in_one_process_lets_the_next_begin_that_another_accepted(
    pair: tuple[OnDisk, OnDisk],
) -> None:
    one, other = pair
    for process in pair:
        await keep(process, STEPS, more=runs("queued"))
    await one.wake("e1")
    await until_states(one, e1="waiting")
    await other.wake("e2")
    await decide(other, "e1")
    await until_states(one, e1="done", e2="waiting")


@pytest.mark.parametrize("mode", ["queued", "single"])
async def test_the_line_goes_on_when_a_process_ended_between(tmp_path: Path, mode: str) -> None:
    """A process ends in the middle of the first run: the second waits on, and begins after the first's end."""
    held = Held()
    async with living(tmp_path, held) as first:
        await keep(first, f"\n  - {note('{{ event.who }}')}\n  - {note('again')}\n", more=runs(mode))
        await first.wake("e1", "Ann")
        await held.begun.wait()
        await first.wake("e2", "Bob")
        closing = asyncio.create_task(first.runs.close())
        await asyncio.sleep(0)  # it has begun to close, and begins nothing more
        held.gate.set()
        await closing
        later = {"queued": {"e2": "queued"}, "single": {}}[mode]
        assert await states(first) == {"e1": "ready", **later}
        async with living(tmp_path, held) as second:
            await until_states(second, e1="done", **dict.fromkeys(later, "done"))
    assert held.done == {"queued": ["Ann", "again", "Bob", "again"], "single": ["Ann", "again"]}[mode]


@pytest.mark.parametrize(("edited", "then"), [("restart", "waiting"), ("single", "waiting"), ("parallel", "waiting")])
async def test_a_line_goes_on_after_the_mode_was_edited(disk: OnDisk, edited: str, then: str) -> None:
    await keep(disk, STEPS, more=runs("queued"))
    await wake(disk, "e1", "e2")
    await until_states(disk, e1="waiting", e2="queued")
    await keep(disk, STEPS, more=runs(edited))
    await disk.runs.cancel("f/1/a:e1", by="U1")
    await until_states(disk, e1="cancelled", e2=then)


async def test_a_line_begins_when_the_flow_may_do_more_at_once(disk: OnDisk) -> None:
    await keep(disk, STEPS, more=runs("parallel", 1))
    await wake(disk, "e1", "e2", "e3")
    await until_states(disk, e1="waiting", e2="queued", e3="queued")
    await keep(disk, STEPS, more=runs("parallel", 2))
    await until_states(disk, e1="waiting", e2="waiting", e3="queued")
    await keep(disk, STEPS)
    await until_states(disk, e1="waiting", e2="waiting", e3="waiting")


# --- turns, and `once per` --------------------------------------------------------------------------------------------

ONCE = """when:
  event: test.happened
  from: "{{ settings.account }}"
  once per: {key: "{{ event.who }}", within: 1h}
"""


@pytest.mark.parametrize(
    ("turns", "before"), [(runs("single"), {"e1": "waiting"}), (runs("queued", 1), {"e1": "waiting", "e2": "queued"})]
)
async def test_an_event_that_is_let_go_leaves_its_key_to_the_next(
    disk: OnDisk, turns: str, before: dict[str, str]
) -> None:
    await keep(disk, STEPS, more=turns, when=ONCE)
    for event_id in before:
        assert await disk.wake(event_id, event_id)
    await until_states(disk, **before)
    assert not await disk.wake("late", "Ann")
    assert (await disk.runs.why("f", since=0)).counts == {TURN: 1}
    for event_id in reversed(before):
        assert await disk.runs.cancel(f"f/1/a:{event_id}", by="U1")
    cancelled = dict.fromkeys(before, "cancelled")
    assert await disk.wake("again", "Ann")
    await until_states(disk, **cancelled, again="waiting")
    assert await disk.runs.cancel("f/1/a:again", by="U1")
    assert not await disk.wake("once more", "Ann")  # its key has had its run
    assert await states(disk) == {**cancelled, "again": "cancelled"}


@pytest.mark.parametrize(
    "turns", [runs("parallel"), runs("parallel", 1), runs("queued"), runs("single"), runs("restart")]
)
async def test_a_key_that_had_its_run_wakes_and_cancels_nothing_whatever_the_mode(disk: OnDisk, turns: str) -> None:
    await keep(disk, STEPS, more=turns, when=ONCE)
    assert await disk.wake("e1", "Ann")
    await until_states(disk, e1="waiting")
    assert not await disk.wake("e2", "Ann")
    await until_states(disk, e1="waiting")
    assert (await disk.runs.why("f", since=0)).counts == {ONCE_PER: 1}


async def test_a_key_is_free_again_once_its_time_has_passed_also_if_an_event_was_let_go_between(tmp_path: Path) -> None:
    time, outside = Time(), Outside()
    async with living(tmp_path, outside, now=time) as disk:
        await keep(disk, STEPS, more=runs("single"), when=ONCE)
        assert await disk.wake("e1", "Ann")
        time.at += 3700
        assert not await disk.wake("e2", "Ann")  # free, but the first is still under way
        assert await disk.runs.cancel("f/1/a:e1", by="U1")
        assert await disk.wake("e3", "Ann")


async def test_of_many_events_with_one_key_in_two_processes_one_becomes_a_run(pair: tuple[OnDisk, OnDisk]) -> None:
    for process in pair:
        await keep(process, STEPS, more=runs("single"), when=ONCE)
    assert await pair[0].wake("e0", "Bob")
    await until_states(pair[0], e0="waiting")
    late = await asyncio.gather(*(pair[number % 2].wake(f"late{number}", "Ann") for number in range(10)))
    assert not any(late)
    assert await pair[0].runs.cancel("f/1/a:e0", by="U1")
    woken = await asyncio.gather(*(pair[number % 2].wake(f"e{number + 1}", "Ann") for number in range(10)))
    assert sum(map(len, woken)) == 1
