"""Recoveries: runs that a process left when it was killed are taken up again, but not for ever."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from flows.durable import SUSPECT
from flows.run_states import RECOVERIES
from flows.store import Store, open_engine
from flows.tables import Run
from tests.flows.drivers import OnDisk, Outside
from tests.flows.lifecycle import (
    ASK,
    Held,
    ended,
    keep,
    living,
    note,
    until_states,
)

ROOT = Path(__file__).parent.parent.parent
PATIENT = 60
CALLED = "when: {called: {who: {type: text, title: Who}}}"


class Deadly(Outside):
    """A world in which actions that are given certain words never come back, as if they had killed their process."""

    def __init__(self, *deadly: str) -> None:
        super().__init__()
        self.deadly = set(deadly)
        self.fatal = asyncio.Event()
        self.begun: list[str] = []
        self.held: set[str] = set()
        self.gate = asyncio.Event()

    async def client(self, _name: str) -> "Deadly":
        run = asyncio.current_task()
        if run is not None and run.get_name() in self.held:
            await self.gate.wait()
            if self.fatal.is_set():
                raise asyncio.CancelledError  # the process is dead
        return self

    def note(self, what: str) -> int:
        self.begun.append(what)
        if what in self.deadly:
            self.fatal.set()
            raise asyncio.CancelledError
        return super().note(what)


async def recoveries(folder: Path) -> dict[str, int]:
    """Return how often every run was taken up again since it last came further."""
    engine = open_engine(f"sqlite:///{folder / 'flows.sqlite'}")
    runs = await Store(engine).read(lambda session: session.exec(select(Run)).all())
    engine.dispose()
    return {run.event_id.removeprefix("a:"): run.recoveries for run in runs}


async def killed(disk: OnDisk, world: Deadly) -> None:
    """Leave everything as a process does that is killed: what it carried out belongs to one that is no more."""
    gone = sa.update(Run).where(col(Run.state) == "running").values(owner="nowhere:1:killed")
    await disk.store.order(lambda connection: connection.execute(gone))
    world.gate.set()


async def kill_again_and_again(folder: Path, world: Deadly, times: int) -> None:
    """Let processes take up what is there, one after the other, and be killed by it."""
    for _ in range(times):
        world.fatal.clear()
        world.gate.clear()
        async with living(folder, world) as disk, asyncio.timeout(10):
            await world.fatal.wait()
            await killed(disk, world)


async def begin(folder: Path, world: Deadly, steps: str, *events: str, **more: Any) -> None:
    """Let the first process take events, and be killed by what they wake."""
    async with living(folder, world) as disk, asyncio.timeout(10):
        await keep(disk, steps, **more)
        for event_id in events:
            await disk.wake(event_id, event_id)
        await world.fatal.wait()
        await killed(disk, world)


WHO = f"\n  - {note('{{ event.who }}')}\n"
TWO = f"\n  - {note('first')}\n  - {note('{{ event.who }}')}\n"


async def test_a_run_that_kills_its_process_again_and_again_is_given_up(tmp_path: Path) -> None:
    world = Deadly("e1")
    await begin(tmp_path, world, TWO, "e1")
    await kill_again_and_again(tmp_path, world, RECOVERIES)
    async with living(tmp_path, world) as disk:
        run = await ended(disk)
    assert run.state == "failed"
    assert "ended 6 times" in run.message
    assert "look in the program's log for why, mend that, then retry the run" in run.message
    assert world.begun == ["first"] + ["e1"] * 6
    assert [told.message for told in world.told] == [run.message]


async def test_one_that_is_given_up_can_be_tried_again_and_counts_from_the_start(tmp_path: Path) -> None:
    world = Deadly("e1")
    await begin(tmp_path, world, TWO, "e1")
    await kill_again_and_again(tmp_path, world, RECOVERIES)
    async with living(tmp_path, world) as disk:
        await ended(disk)
        assert await disk.runs.again("f/1/a:e1")
        world.fatal.clear()
        await asyncio.wait_for(world.fatal.wait(), 10)
        await killed(disk, world)
    world.deadly.clear()
    async with living(tmp_path, world) as disk:
        assert (await ended(disk)).state == "done"
        assert await recoveries(tmp_path) == {"e1": 0}
    assert world.done == ["first", "e1"]  # what was done before stayed done


async def test_a_run_that_comes_further_each_time_is_never_given_up(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(RECOVERIES * 2)]
    steps = "".join(f"\n  - {note(word)}" for word in words) + "\n"
    world = Deadly(*words)
    await begin(tmp_path, world, steps, "e1")
    for word in words[:-1]:
        world.deadly.discard(word)
        await kill_again_and_again(tmp_path, world, 1)
    world.deadly.clear()
    async with living(tmp_path, world) as disk:
        assert (await ended(disk)).state == "done"
    assert world.done == words


async def test_what_waits_for_an_answer_begins_to_count_anew(tmp_path: Path) -> None:
    world = Deadly("e1")
    await begin(tmp_path, world, f"\n  - {note('{{ event.who }}')}\n  - {ASK}\n  - {note('after')}\n", "e1")
    await kill_again_and_again(tmp_path, world, RECOVERIES - 1)
    world.deadly.clear()
    async with living(tmp_path, world) as disk:
        await until_states(disk, e1="waiting")
        assert await recoveries(tmp_path) == {"e1": 0}


async def test_a_process_that_stops_in_good_order_is_not_counted(tmp_path: Path) -> None:
    held = Held()
    async with living(tmp_path, held) as disk:
        await keep(disk, WHO)
        await disk.wake("e1")
        await held.begun.wait()
        closing = asyncio.create_task(disk.runs.close())
        await asyncio.sleep(0)
        held.gate.set()
        await closing
        assert await recoveries(tmp_path) == {"e1": 0}


async def test_the_company_of_a_run_that_kills_is_not_given_up_with_it(tmp_path: Path) -> None:
    others = ["e1", "e2", "e3"]
    world = Deadly("bad")
    world.held = {f"f/1/a:{event_id}" for event_id in others}
    await begin(tmp_path, world, WHO, *others, "bad")
    await kill_again_and_again(tmp_path, world, SUSPECT - 1)
    assert await recoveries(tmp_path) == dict.fromkeys([*others, "bad"], SUSPECT - 1)
    world.held.clear()
    await kill_again_and_again(tmp_path, world, RECOVERIES - SUSPECT + 1)
    async with living(tmp_path, world) as disk:
        await until_states(disk, bad="failed", **dict.fromkeys(others, "done"))
    assert sorted(world.done) == others


async def test_of_several_that_may_have_killed_one_is_carried_out_at_a_time(tmp_path: Path) -> None:
    world = Deadly("bad")
    world.held = {"f/1/a:e1", "f/1/a:e2"}
    await begin(tmp_path, world, WHO, "e1", "e2", "bad")
    await kill_again_and_again(tmp_path, world, SUSPECT - 1)
    world.deadly.clear()
    world.fatal.clear()
    world.gate.clear()
    async with living(tmp_path, world) as disk:
        await disk.wake("new", "new")  # who is not suspected is not kept waiting
        await until_states(disk, e1="running", e2="ready", bad="ready", new="done")
        world.gate.set()
        await until_states(disk, e1="done", e2="done", bad="done", new="done")


async def test_whoever_is_next_in_line_and_whoever_called_go_on_when_a_run_is_given_up(tmp_path: Path) -> None:
    world = Deadly("e1")
    async with living(tmp_path, world) as disk, asyncio.timeout(10):
        await keep(disk, WHO, when=CALLED, name="called", more="runs: {mode: queued}")
        await keep(disk, '\n  - {id: it, call: called, with: {who: "{{ event.who }}"}}\n')
        await disk.wake("e1", "e1")
        await world.fatal.wait()
        await disk.wake("e2", "e2")
        await until_states(
            disk, **{"e1": "waiting", "f/1/a:e1/steps/0": "running", "e2": "waiting", "f/1/a:e2/steps/0": "queued"}
        )
        await killed(disk, world)
    await kill_again_and_again(tmp_path, world, RECOVERIES)
    async with living(tmp_path, world) as disk:
        await until_states(
            disk, **{"e1": "failed", "f/1/a:e1/steps/0": "failed", "e2": "done", "f/1/a:e2/steps/0": "done"}
        )


# --- real processes ---------------------------------------------------------------------------------------------------


class Killing(Outside):
    """A world in which every action kills the process."""

    def note(self, what: str) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return super().note(what)


async def program(folder: Path) -> None:
    """Carry out what is there until the run has ended."""
    async with living(folder, Killing()) as disk:
        print((await ended(disk)).state)


@pytest.mark.slow
async def test_processes_that_a_run_kills_one_after_the_other_come_to_rest(tmp_path: Path) -> None:
    await begin(tmp_path, Deadly("e1"), WHO, "e1")
    said: list[tuple[int | None, str]] = []
    for _ in range(RECOVERIES + 1):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.flows.test_recoveries", str(tmp_path)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await asyncio.wait_for(process.communicate(), PATIENT)
        said.append((process.returncode, out.decode().strip().rpartition("\n")[2]))
    assert said == [(-signal.SIGKILL, "")] * RECOVERIES + [(0, "failed")]


if __name__ == "__main__":
    asyncio.run(program(Path(sys.argv[1])))
