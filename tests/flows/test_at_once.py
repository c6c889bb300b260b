"""Runs that only think: answered from memory, kept a moment later, and durable as soon as they do more."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlmodel import select

from flows.answers import Received
from flows.at_once import MANY
from flows.tables import Run
from tests.flows.drivers import OnDisk, Outside
from tests.flows.lifecycle import keep, living, note, states, until_states

ANSWERED = """when:
  event: test.happened
  from: "{{ settings.account }}"
  answers: {within: 5s}
"""
THINKS = """
  - if: [{left: "{{ event.who }}", is: Eve}]
    then: [{answer: {deny: "Not you, {{ event.who }}."}}, {stop: done, say: Kept out}]
  - {answer: {claims: {id token: {seen: true}}}}
"""
ACTS = f"""
  - {{answer: {{deny: "No."}}}}
  - {note("{{ event.who }}")}
"""


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[OnDisk]:
    async with living(tmp_path, Outside()) as found:
        yield found


async def receive(disk: OnDisk, event_id: str, who: str = "Ann") -> Received:
    return await disk.runs.receive(source="test.happened", connection="a", event_id=event_id, event={"who": who})


async def rows(disk: OnDisk) -> dict[str, Run]:
    found = await disk.store.read(lambda session: session.exec(select(Run)).all())
    return {run.event_id: run for run in found}


async def test_an_answer_needs_no_disk_and_its_run_is_kept_a_moment_later(disk: OnDisk) -> None:
    await keep(disk, THINKS, when=ANSWERED)
    received = await receive(disk, "e1", "Eve")
    assert [reply for _, reply in received.replies] == [{"deny": "Not you, Eve."}]
    assert await rows(disk) == {}
    await disk.runs.close()
    found = (await rows(disk))["a:e1"]
    assert (found.id, found.state, found.message, found.event) == (received.runs[0], "done", "Kept out", {"who": "Eve"})
    assert found.ended_at is not None


async def test_how_it_came_about_is_shown_like_that_of_any_run(disk: OnDisk) -> None:
    await keep(disk, THINKS, when=ANSWERED)
    received = await receive(disk, "e1", "Ann")
    await disk.runs.close()
    lines = await disk.runs.trace(received.runs[0])
    assert lines is not None
    assert [(line.path, line.kind) for line in lines] == [("steps/0", "if"), ("steps/1", "answer")]


async def test_the_same_event_is_answered_again_and_kept_once(disk: OnDisk) -> None:
    await keep(disk, THINKS, when=ANSWERED)
    first, again = await receive(disk, "e1"), await receive(disk, "e1")
    assert first.replies == again.replies
    await disk.runs.close()
    assert list(await rows(disk)) == ["a:e1"]


async def test_many_are_answered_and_every_one_is_kept(disk: OnDisk) -> None:
    await keep(disk, THINKS, when=ANSWERED)
    answered = await asyncio.gather(*(receive(disk, f"e{number}") for number in range(1200)))
    assert all(received.replies for received in answered)
    await disk.runs.close()
    found = await rows(disk)
    assert (len(found), {run.state for run in found.values()}) == (1200, {"done"})


async def test_whatever_does_more_than_think_is_durable_before_it_is_answered(disk: OnDisk) -> None:
    await keep(disk, ACTS, when=ANSWERED)
    received = await receive(disk, "e1", "Eve")
    assert [reply for _, reply in received.replies] == [{"deny": "No."}]
    assert list(await rows(disk)) == ["a:e1"]
    await until_states(disk, e1="done")
    assert disk.outside.done == ["Eve"]


@pytest.mark.parametrize("more", ["runs: {mode: queued}", "runs: {mode: single}", "runs: {limit: 3}"])
async def test_where_runs_take_turns_the_database_is_asked_first(disk: OnDisk, more: str) -> None:
    await keep(disk, THINKS, when=ANSWERED, more=more)
    await receive(disk, "e1")
    assert list(await rows(disk)) == ["a:e1"]


async def test_a_run_that_fails_is_kept_at_once_because_somebody_has_to_look_at_it(disk: OnDisk) -> None:
    await keep(disk, "\n  - {stop: failed, say: Odd}", when=ANSWERED.replace("5s}", "5s, otherwise: deny}"))
    received = await receive(disk, "e1")
    assert "deny" in received.replies[0][1]
    await until_states(disk, e1="failed")


async def test_a_run_that_thinks_and_gives_no_answer_does_as_its_flow_says(disk: OnDisk) -> None:
    await keep(disk, "\n  - {stop: done, say: Fine.}", when=ANSWERED.replace("5s}", "5s, otherwise: deny}"))
    assert "deny" in (await receive(disk, "e1")).replies[0][1]


async def test_the_first_of_them_are_kept_while_more_come(disk: OnDisk) -> None:
    await keep(disk, THINKS, when=ANSWERED)
    for number in range(MANY):
        await receive(disk, f"e{number}")
    await asyncio.sleep(0)  # they are handed to the writer, which works in order
    await disk.store.order(lambda _connection: None)
    assert await states(disk) == {f"e{number}": "done" for number in range(MANY)}


async def test_one_that_cannot_be_kept_takes_no_other_with_it(disk: OnDisk) -> None:
    await keep(disk, THINKS, when=ANSWERED)
    await receive(disk, "e1")
    await disk.runs.receive(source="test.happened", connection="a", event_id="odd", event={"who": object()})
    await receive(disk, "e2")
    await disk.runs.close()
    assert list(await rows(disk)) == ["a:e1", "a:e2"]
