"""Loops: ten thousand items, through five sudden ends of the process.

As a program, this carries the loop out and says on standard output what it did for each item: what was said stays
said, whatever becomes of the process.
"""

import asyncio
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from bot import logs
from flows.loops import BATCH
from flows.store import Store, open_engine
from tests.flows.drivers import FLOW, Outside, on_disk, template_of

ROOT = Path(__file__).parent.parent.parent
ITEMS = 10_000
KILLS = 5
AT_ONCE = 20
RUN = "f/1/a:e1"
HEAD = FLOW.replace("steps:\n", "limits: {changes: {per run: 20000, per day: 20000}}\nsteps:\n")
STEPS = f"""
  - {{id: many, do: test.listed, using: "{{{{ settings.account }}}}", with: {{count: {ITEMS}}}}}
  - id: walk
    each: "{{{{ steps.many }}}}"
    at once: {AT_ONCE}
    collect: "{{{{ item.number }}}}"
    steps:
      - {{id: noted, do: test.note, using: "{{{{ settings.account }}}}", with: {{what: "item {{{{ item.number }}}}"}}}}
  - {{stop: done, say: "{{{{ steps.walk.done }}}} of {{{{ steps.walk.count }}}}, {{{{ steps.walk.results.count }}}}"}}
"""


class Aloud(Outside):
    """A world in which everything that is done is said."""

    def note(self, what: str) -> int:
        os.write(1, f"{what}\n".encode())
        return 0


async def program(folder: Path) -> None:
    """Carry the run out to its end, from where it is."""
    outside = Aloud()
    async with on_disk(folder, outside) as disk:
        await disk.wake("e1")
        await outside.rested.wait()


async def until_killed(folder: Path, after: int | None) -> tuple[list[int], int]:
    """Carry the run out in a process of its own; kill it after it has done so many items. Returns those it did."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.flows.test_loops", str(folder), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    done: list[int] = []
    async for line in process.stdout:
        done.append(int(line.split()[1]))
        if len(done) == after:
            process.kill()  # what it says until it is dead is read too
    return done, await process.wait()


@pytest.mark.slow
async def test_ten_thousand_items_are_all_done_though_the_process_is_killed_five_times(tmp_path: Path) -> None:
    async with on_disk(tmp_path, Outside()) as disk:
        await disk.keep("f", template_of(STEPS, disk.outside, head=HEAD))
    store = Store(open_engine(f"sqlite:///{tmp_path / 'flows.sqlite'}"))

    def look(query: str) -> list[tuple[object, ...]]:
        with store.engine.execution_options(only_reads=True).begin() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    began, done, lines = time.monotonic(), Counter[int](), list[int]()
    moments = [random.randint(1, ITEMS // KILLS - BATCH) for _ in range(KILLS)]  # any moment will do
    for after in [*moments, None]:
        some, code = await until_killed(tmp_path, after)
        assert code == (0 if after is None else -9), moments
        done.update(some)
        lines += [len(look(f"SELECT name FROM journal WHERE run_id = '{RUN}'"))]  # our own words
    took = time.monotonic() - began
    state = look("SELECT state, message FROM run")
    store.close()
    store.engine.dispose()

    print(
        f"{ITEMS} items in {took:.1f} s, killed after {moments}: lines {lines}, repeated {done.total() - ITEMS}"
    )  # a figure to know
    assert state == [("done", f"{ITEMS} of {ITEMS}, {ITEMS}")]
    assert set(done) == set(range(ITEMS)), "nothing is lost"
    assert done.total() - ITEMS <= KILLS * AT_ONCE, "no more is repeated than was under way"
    # The first batch, the one under way, and one line for each that is done; two lines an item.
    assert max(lines) <= 2 * 2 * BATCH + ITEMS // BATCH + 10


if __name__ == "__main__":
    logs.configure("ERROR")
    asyncio.run(program(Path(sys.argv[1])))
