"""Several processes over one database: some are killed, paused, restarted; nothing is lost, and nothing done twice."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import postgres
from tests.flows.fleet import AMBIGUOUS, USING, Fleet, Member, do, fleet, flow

pytestmark = pytest.mark.slow

ASKS = {
    "id": "verdict",
    "ask": "Which?",
    "in": "C1",
    "choices": ["left", "right"],
    "within": "1h",
    "otherwise": "left",
}


@pytest.fixture
def postgresql() -> str:
    """A database of the test's own."""
    return postgres.database()


@pytest.fixture
async def ships(postgresql: str) -> AsyncIterator[Fleet]:
    async with fleet(postgresql) as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Fleet]:
    address = f"sqlite:///{tmp_path / 'fleet.sqlite'}"
    if request.param == "postgresql":
        address = request.getfixturevalue("postgresql")
    async with fleet(address) as found:
        yield found


async def launched(ships: Fleet, count: int, **more: Any) -> list[Member]:
    return [await member.ready() for member in [await ships.start(**more) for _ in range(count)]]


def done(ships: Fleet) -> Counter[str]:
    """Count what was done in the world."""
    return Counter(line.removeprefix("did ") for line in ships.said if line.startswith("did "))


async def test_one_of_three_is_killed_and_every_run_ends_once(ships: Fleet) -> None:
    steps = [do("first", "mark", seconds=0.2), do("second", "send", seconds=0.2), do("third", "mark")]
    await ships.set_up("work", flow(*steps))
    members = await launched(ships, 3)
    numbers, began = range(500), time.monotonic()
    some = asyncio.Semaphore(60)
    killed_at, left = 0.0, set[str]()

    async def deliver(number: int) -> set[int]:
        """Deliver an event; every fifth to two processes at once. Whoever gets no answer asks somebody else."""
        nonlocal killed_at
        async with some:
            if number == 250:
                await members[0].until(lambda lines: len(lines) > 200)
                pid, killed_at = members[0].process.pid, time.time()
                await members[0].kill()
                owned = f"SELECT id FROM run WHERE owner LIKE '%%:{pid}:%%'"
                left.update(run["id"] for run in await ships.rows(owned))
            to = [members[(number + more) % 3] for more in range(2 if number % 5 == 0 else 1)]
            answers = await asyncio.gather(*(one.send(f"e{number}", number) for one in to), return_exceptions=True)
            if not any(isinstance(answer, httpx.Response) for answer in answers):
                assert members[0] in to
                answers = [await members[1].send(f"e{number}", number)]
            return {answer.status_code for answer in answers if isinstance(answer, httpx.Response)}

    statuses = set().union(*await asyncio.gather(*(deliver(number) for number in numbers)))
    runs = await ships.all_ended(500)
    took = time.monotonic() - began
    counts = done(ships)
    failed = {run["event_id"] for run in runs if run["state"] == "failed"}
    ended = {run["id"]: run["ended_at"] for run in runs}
    picked_up = max(ended[run_id] for run_id in left) - killed_at
    print(f"\n{500 / took:.0f} runs/s with a process killed; of {len(left)} that it left, {len(failed)} are ambiguous;")
    print(f"the last of them had ended after {picked_up:.1f} s")
    assert statuses == {202}
    assert len(runs) == 500
    assert {run["state"] for run in runs} <= {"done", "failed"}
    assert all(counts[f"first {number}"] >= 1 for number in numbers)
    assert all(counts[f"second {number}"] <= 1 for number in numbers)
    ended_well = [number for number in numbers if f"account:e{number}" not in failed]
    assert all(counts[f"second {number}"] == 1 and counts[f"third {number}"] >= 1 for number in ended_well)
    assert {run["message"] for run in runs if run["state"] == "failed"} <= {AMBIGUOUS}
    assert {run["id"] for run in runs if run["state"] == "failed"} <= left
    assert picked_up < 30


async def test_of_many_decisions_in_different_processes_one_counts(ships: Fleet) -> None:
    await ships.set_up("work", flow(ASKS, do("after", "send")))
    members = await launched(ships, 3)
    for number in range(20):
        assert (await members[number % 3].send(f"e{number}", number)).status_code == 202
    asked = [f"work/1/account:e{number}/steps/0" for number in range(20)]
    for number, decision in enumerate(asked):
        await members[number % 3].heard(f"asked {decision}")
    for decision in asked:
        answers = await asyncio.gather(
            *(member.decide(decision, choice, "U1") for member in members for choice in ("left", "right"))
        )
        assert sum(answer["won"] for answer in answers) == 1
        assert len({answer["choice"] for answer in answers}) == 1
    runs = await ships.all_ended(20)
    assert {run["state"] for run in runs} == {"done"}
    assert done(ships) == {f"after {number}": 1 for number in range(20)}


async def test_one_run_for_each_time_of_a_schedule_however_many_look(ships: Fleet) -> None:
    step = {
        "id": "tick",
        "do": "world.send",
        "using": USING,
        "with": {"what": "{{ event.scheduled_for }} {{ run.flow }}"},
    }
    for number in range(10):
        await ships.set_up(f"clock{number}", flow(step, when={"every": "1m"}))
    ahead = 60 - time.time() % 60 - 20  # the minute is full when all of them have been there for a while
    await launched(ships, 3, ahead=ahead)
    runs = await ships.all_ended(10)
    assert len({(run["flow"], run["event_id"]) for run in runs}) == 10
    assert list(done(ships).values()) == [1] * 10


async def test_restarted_one_after_the_other_they_lose_nothing_and_refuse_nothing(either: Fleet) -> None:
    await either.set_up("work", flow(do("first", "mark", seconds=0.02), do("second", "send", seconds=0.05)))
    members = await launched(either, 3)
    accepted: list[int] = []
    refused: list[tuple[Member, Any]] = []
    stopping: set[Member] = set()
    over = asyncio.Event()
    turns = cycle(range(3))

    async def events(first: int) -> None:
        """Send events to whoever is next. One that is not answered is sent again to somebody else."""
        number = first
        while not over.is_set():
            answer: Any = None
            while not isinstance(answer, httpx.Response) or answer.status_code != 202:
                to = members[next(turns)]
                [answer] = await asyncio.gather(to.send(f"e{number}", number), return_exceptions=True)
                if not isinstance(answer, httpx.Response) or answer.status_code != 202:
                    refused.append((to, answer))
            accepted.append(number)
            number += 10

    senders = [asyncio.create_task(events(first)) for first in range(10)]
    for place in range(3):
        stopping.add(members[place])
        assert await members[place].stop() in {0, -signal.SIGTERM}
        members[place] = await (await either.start()).ready()
    over.set()
    await asyncio.gather(*senders)
    runs = await either.all_ended(len(accepted))
    print(f"\n{len(runs)} runs while three processes were restarted; {len(refused)} deliveries found one down")
    assert {to for to, _ in refused} <= stopping
    assert not [answer for _, answer in refused if isinstance(answer, httpx.Response)]
    assert {run["event_id"] for run in runs} == {f"account:e{number}" for number in accepted}
    assert {run["state"] for run in runs} == {"done"}
    counts = done(either)
    assert all(counts[f"second {number}"] == 1 and counts[f"first {number}"] >= 1 for number in accepted)


async def test_who_was_paused_for_long_does_nothing_that_others_have_taken_over(either: Fleet) -> None:
    pulse = {"beat": 0.3, "unsure": 1.0, "dead": 1.5}
    await either.set_up("work", flow(do("first", "mark", seconds=0.5), do("second", "send"), do("third", "send")))
    [paused] = await launched(either, 1, pulse=pulse)
    for number in range(20):
        assert (await paused.send(f"e{number}", number)).status_code == 202
    await paused.until(lambda lines: len([line for line in lines if line.startswith("begins first")]) == 20)
    paused.process.send_signal(signal.SIGSTOP)
    stopped_at = time.monotonic()
    await launched(either, 1, pulse=pulse)
    runs = await either.all_ended(20)
    print(f"\ntaken over and done {time.monotonic() - stopped_at:.1f} s after the silence began")
    said = len(paused.lines)
    paused.process.send_signal(signal.SIGCONT)
    assert (await paused.send("last", 99)).status_code == 202
    await paused.heard("did third 99")
    await paused.stop()
    counts = done(either)
    assert {run["state"] for run in runs} == {"done"}
    assert all(counts[f"{step} {number}"] == 1 for step in ("second", "third") for number in range(20))
    assert {line for line in paused.lines[said:] if "99" not in line} <= {f"did first {number}" for number in range(20)}
    assert {run["state"] for run in await either.runs()} == {"done"}
    assert len(await either.runs()) == 21


async def test_paused_in_the_middle_of_sending_it_is_not_sent_again(ships: Fleet) -> None:
    pulse = {"beat": 0.3, "unsure": 1.0, "dead": 1.5}
    await ships.set_up("work", flow(do("only", "send", seconds=0.5), do("then", "mark")))
    [paused] = await launched(ships, 1, pulse=pulse)
    assert (await paused.send("e", 1)).status_code == 202
    await paused.heard("begins only 1")
    paused.process.send_signal(signal.SIGSTOP)
    await launched(ships, 1, pulse=pulse)
    [run] = await ships.all_ended(1)
    paused.process.send_signal(signal.SIGCONT)
    await paused.heard("did only 1")
    await paused.stop()
    assert (run["state"], run["message"]) == ("failed", AMBIGUOUS)
    assert done(ships) == {"only 1": 1}
    assert [run["state"] for run in await ships.runs()] == ["failed"]


async def test_an_event_delivered_to_all_at_once_does_not_take_its_own_place(ships: Fleet) -> None:
    await ships.set_up("work", flow(do("only", "send", seconds=0.2), runs={"mode": "restart"}))
    members = await launched(ships, 3)
    for number in range(20):
        answers = await asyncio.gather(*(member.send(f"e{number}", number) for member in members))
        assert {answer.status_code for answer in answers} == {202}
    runs = await ships.all_ended(20)
    assert "done" in {run["state"] for run in runs}
    last = max(runs, key=lambda run: int(run["event_id"].removeprefix("account:e")))
    assert last["state"] == "done"


async def test_what_was_not_done_for_want_of_time_is_done_once_when_there_is(ships: Fleet) -> None:
    await ships.set_up("work", flow(do("only", "send_later", seconds=6)))
    [one] = await launched(ships, 1)
    assert (await one.send("e", 1)).status_code == 202
    [run] = await ships.all_ended(1)
    assert (run["state"], run["message"], done(ships)) == ("done", "", {"only 1": 1})
