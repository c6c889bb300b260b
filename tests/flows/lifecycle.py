"""What proofs about the lives of runs share: a time that is set by hand, actions that are held up, and looking on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, col, select

from bot import schema
from connectors.base import Catalog
from flows import document, run_states
from flows.builtins import BUILTINS
from flows.decisions import Decisions
from flows.history import History
from flows.language import Template, written
from flows.runs import Runs
from flows.store import SetUp, Store, open_engine
from flows.tables import Run
from tests.flows.drivers import NOW, PATIENCE, Given, Noted, OnDisk, Outside, catalog_of

USING = 'using: "{{ settings.account }}"'
ASK = '{id: sure, ask: "Sure of {{ event.who }}?", in: C1, choices: [yes_please, no_thanks], within: 1h, otherwise: no_thanks}'
EVENT = """when:
  event: test.happened
  from: "{{ settings.account }}"
"""


def head(more: str = "", when: str = EVENT) -> str:
    """Return the beginning of a flow, up to its steps."""
    return f"""
template: test-flow
version: 1
title: Test
about: A flow of the test's own.
settings:
  account: {{connection: test, title: Account}}
  most: {{type: number, min: 0, max: 100, default: 2, title: Most}}
{more}
{when}
steps:
"""


def note(what: str, action: str = "test.note", more: str = "") -> str:
    """Return a step that notes something outside."""
    return f'{{do: {action}, {USING}, with: {{what: "{what}"}}{more}}}'


class Time:
    """A time of day that goes on only when it is told to."""

    def __init__(self, at: float = NOW) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class Held(Outside):
    """A world in which every action waits until it is let through."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()

    async def client(self, _name: str) -> "Held":
        self.begun.set()
        await self.gate.wait()
        return self


class Slow(Held):
    """A world in which it takes a while until something is done."""

    async def client(self, _name: str) -> "Slow":
        return self


def with_linger(outside: Slow) -> Catalog:
    """Return the world of the tests with an action that is under way until it is let through."""
    catalog = catalog_of(outside)
    test = catalog.connectors["test"]

    @test.action("Linger", effect="changes")
    async def linger(client: Slow, given: Given) -> Noted:
        """Note something, in a while."""
        client.begun.set()
        await client.gate.wait()
        return Noted(number=client.note(given.what))

    return Catalog([test], builtins=BUILTINS)


@asynccontextmanager
async def living(
    folder: Path,
    outside: Outside,
    *,
    now: Callable[[], float] = lambda: NOW,
    catalog: Catalog | None = None,
    keep_days: int = 90,
) -> AsyncIterator[OnDisk]:
    """Open a database, and carry out runs over it. Opened twice, these are two processes."""
    engine = open_engine(f"sqlite:///{folder / 'flows.sqlite'}")
    async with AsyncExitStack() as stack:
        stack.callback(engine.dispose)
        schema.upgrade(engine)
        store = Store(engine)
        stack.callback(store.close)
        outside.decisions = Decisions(store)
        runs = Runs(
            store=store,
            decisions=outside.decisions,
            catalog=catalog or catalog_of(outside),
            accounts=outside,
            people=outside,
            own={},
            patience=PATIENCE,
            watch=outside.watch,
            now=now,
            keep_days=keep_days,
        )
        stack.push_async_callback(runs.close)
        await runs.launch()
        yield OnDisk(outside, store, runs)


async def keep(
    disk: OnDisk, steps: str, *, more: str = "", when: str = EVENT, name: str = "f", most: float | None = 2
) -> SetUp:
    """Set a flow up, and return it as it is then. Nobody checks it: its actions may be of another catalog."""
    template = Template.model_validate(document.read(head(more, when) + "\n" + steps))
    return await disk.store.set_up(
        name,
        template=template.template,
        document=written(template),
        settings={"account": "a", "most": most},
        by="UOWNER",
        now=1.0,
        tables=template.tables,
    )


async def until(disk: OnDisk, look: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so. It is looked at whenever a run has come to rest."""
    async with asyncio.timeout(10):
        while True:
            disk.outside.rested.clear()
            if await look():
                return
            await disk.outside.rested.wait()


async def states(disk: OnDisk) -> dict[str, str]:
    """Return how every run stands, by the event that woke it."""
    runs = await disk.store.read(lambda session: session.exec(select(Run).order_by(col(Run.began_at))).all())
    return {run.event_id.removeprefix("a:"): run.state for run in runs}


async def until_states(disk: OnDisk, **wanted: str) -> None:
    """Wait until the runs of these events, and no others, stand so."""

    async def look() -> bool:
        return await states(disk) == wanted

    try:
        await until(disk, look)
    except TimeoutError:
        raise AssertionError(f"{await states(disk)} instead of {wanted}") from None


async def ended(disk: OnDisk, run_id: str = "f/1/a:e1") -> Run:
    """Return a run once it has ended."""
    found: list[Run] = []

    async def look() -> bool:
        run = await History(disk.store).run(run_id)
        found[:] = [run] if run is not None and run.ended_at is not None else []
        return bool(found)

    await until(disk, look)
    return found[0]


async def decide(disk: OnDisk, event_id: str, choice: str = "yes_please", path: str = "steps/0") -> None:
    """Answer the question of a run."""
    won, _ = await disk.runs.decide(f"f/1/a:{event_id}/{path}", choice, by="U1")
    assert won


async def break_off(disk: OnDisk, run_id: str) -> None:
    """End a run as the bot does when something is wrong with the bot."""
    await disk.store.order(lambda connection: run_states.break_off(connection, run_id, message="It broke.", now=NOW))


async def count(disk: OnDisk, *tables: type[SQLModel]) -> list[int]:
    """Return how many rows there are in each table."""
    queries = [sa.select(sa.func.count()).select_from(table) for table in tables]
    return await disk.store.read(lambda session: [session.execute(query).scalar_one() for query in queries])


async def contents(disk: OnDisk) -> Mapping[str, Sequence[Any]]:
    """Return everything that the database holds, but for the signs of life of processes."""
    tables = [table for name, table in SQLModel.metadata.tables.items() if name != "process"]
    return await disk.store.read(
        lambda session: {table.name: [tuple(row) for row in session.execute(sa.select(table))] for table in tables}
    )
