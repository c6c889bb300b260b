"""The writer: what is ordered is written in that order, together, and fails alone."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from flows.store import Store, open_engine
from flows.writer import MOST, StorageError, Writer
from tests import postgres


def tables(engine: sa.Engine) -> sa.Engine:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE line (number INTEGER PRIMARY KEY, said TEXT)")
    return engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    opened = tables(open_engine(f"sqlite:///{tmp_path / 'lines.sqlite'}?timeout=0.3"))
    yield opened
    opened.dispose()


@pytest.fixture
def writer(engine: sa.Engine) -> Iterator[Writer]:
    made = Writer(engine)
    yield made
    made.close()


@pytest.fixture
def commits(engine: sa.Engine) -> list[str]:
    """What was committed, or undone, one entry each."""
    found: list[str] = []
    sa.event.listen(engine, "commit", lambda _connection: found.append("kept"))
    sa.event.listen(engine, "rollback", lambda _connection: found.append("undone"))
    return found


def line(number: int, said: str = "") -> Callable[[sa.Connection], int]:
    def work(connection: sa.Connection) -> int:
        connection.execute(sa.text("INSERT INTO line VALUES (:number, :said)"), {"number": number, "said": said})
        return number

    return work


def wrong(number: int) -> Callable[[sa.Connection], int]:
    def work(connection: sa.Connection) -> int:
        line(number)(connection)
        raise ValueError(number)

    return work


def written(engine: sa.Engine) -> list[int]:
    with engine.execution_options(only_reads=True).connect() as connection:
        return list(connection.exec_driver_sql("SELECT number FROM line ORDER BY number").scalars())


class Held:
    """Work that lasts until it is let go, so that what is ordered meanwhile waits together."""

    def __init__(self, writer: Writer) -> None:
        self.began, self._go = threading.Event(), threading.Event()
        self.future = writer.order(self._work)

    def _work(self, _connection: sa.Connection) -> None:
        self.began.set()
        self._go.wait(10)

    async def __aenter__(self) -> None:
        await asyncio.to_thread(self.began.wait, 10)

    async def __aexit__(self, *_error: object) -> None:
        self._go.set()
        await self.future


async def test_what_waits_together_is_committed_together(writer: Writer, engine: sa.Engine, commits: list[str]) -> None:
    async with Held(writer):
        orders = [writer.order(line(number)) for number in range(50)]
    assert await asyncio.gather(*orders) == list(range(50))
    assert commits == ["kept", "kept"]
    assert written(engine) == list(range(50))


async def test_very_many_are_committed_in_several_parts(writer: Writer, engine: sa.Engine, commits: list[str]) -> None:
    async with Held(writer):
        orders = [writer.order(line(number)) for number in range(2 * MOST + 1)]
    await asyncio.gather(*orders)
    assert commits == ["kept"] * 4
    assert written(engine) == list(range(2 * MOST + 1))


async def test_they_are_written_in_the_order_of_asking(writer: Writer) -> None:
    told: list[int] = []

    def work(number: int) -> Callable[[sa.Connection], list[int]]:
        def look(connection: sa.Connection) -> list[int]:
            before = list(connection.exec_driver_sql("SELECT number FROM line ORDER BY rowid").scalars())
            line(number)(connection)
            return before

        return look

    orders = [writer.order(work(number)) for number in range(300)]
    for number, order in enumerate(orders):
        order.add_done_callback(lambda _done, number=number: told.append(number))  # type: ignore[misc]  # mypy reads no default
    assert await asyncio.gather(*orders) == [list(range(number)) for number in range(300)]
    assert told == list(range(300))


async def test_one_that_fails_fails_alone_and_leaves_nothing(writer: Writer, engine: sa.Engine) -> None:
    async with Held(writer):
        orders = [writer.order((wrong if number in {3, 7} else line)(number)) for number in range(10)]
    results = await asyncio.gather(*orders, return_exceptions=True)
    assert [repr(result) for result in results if isinstance(result, Exception)] == ["ValueError(3)", "ValueError(7)"]
    assert written(engine) == [0, 1, 2, 4, 5, 6, 8, 9]


async def test_a_fault_of_what_was_asked_is_no_fault_of_the_storage(writer: Writer) -> None:
    await writer.order(line(1))
    with pytest.raises(sa.exc.IntegrityError):
        await writer.order(line(1))
    with pytest.raises(sa.exc.ProgrammingError):
        await writer.order(lambda connection: connection.exec_driver_sql("SELECT ?", (1, 2)))


async def test_a_fault_of_the_storage_says_what_the_database_says(writer: Writer, engine: sa.Engine) -> None:
    with open_engine(str(engine.url)).begin(), pytest.raises(StorageError) as caught:
        await writer.order(line(1))
    assert str(caught.value) == f"{StorageError()} It says: database is locked."
    assert isinstance(caught.value.__cause__, sa.exc.OperationalError)
    assert await writer.order(line(1)) == 1


async def test_many_wait_for_a_locked_database_no_longer_than_one(writer: Writer, engine: sa.Engine) -> None:
    async with Held(writer):
        orders = [writer.order(line(number)) for number in range(50)]
        # Of two that wait, the lock goes to who asks first: this one asks until it has it.
        holding = asyncio.create_task(asyncio.to_thread(hold, engine, 3.0))
    began = time.monotonic()
    results = await asyncio.gather(*orders, return_exceptions=True)
    assert {type(result) for result in results} <= {StorageError, int}
    assert time.monotonic() - began < 3
    await holding


def hold(engine: sa.Engine, seconds: float) -> None:
    with open_engine(f"{engine.url}".replace("timeout=0.3", "timeout=20")).begin():
        threading.Event().wait(seconds)


async def test_a_damaged_file_is_a_fault_of_the_storage(tmp_path: Path) -> None:
    file = tmp_path / "damaged.sqlite"
    file.write_bytes(b"This is no database at all. " * 300)
    engine = open_engine(f"sqlite:///{file}")
    store = Store(engine)
    for asked in (store.read(lambda session: session.execute(sa.text("SELECT 1"))), store.order(line(1))):
        with pytest.raises(StorageError, match="file is not a database"):
            await asked
    store.close()
    engine.dispose()


async def test_whoever_does_not_wait_any_more_does_not_disturb_the_others(writer: Writer, engine: sa.Engine) -> None:
    async with Held(writer):
        first, second = writer.order(line(1)), writer.order(line(2))
        first.cancel()
    assert await second == 2
    assert written(engine) == [1, 2]


async def test_whoever_is_gone_altogether_does_not_disturb_the_others(writer: Writer, engine: sa.Engine) -> None:
    async def order_and_go() -> None:
        writer.order(line(1))

    async with Held(writer):
        await asyncio.to_thread(asyncio.run, order_and_go())
    assert await writer.order(line(2)) == 2
    assert written(engine) == [1, 2]


async def test_what_was_ordered_is_written_before_it_closes(writer: Writer, engine: sa.Engine) -> None:
    orders = [writer.order(line(number)) for number in range(500)]
    writer.close()
    assert written(engine) == list(range(500))
    await asyncio.gather(*orders)
    assert await writer.order(line(500)) == 500  # and one that comes later is not forgotten


@pytest.mark.slow
async def test_what_postgresql_undoes_because_two_wait_for_one_another_is_tried_again() -> None:
    engine = tables(open_engine(postgres.database()))
    writers, met = [Writer(engine), Writer(engine)], threading.Barrier(2, timeout=10)
    await asyncio.gather(writers[0].order(line(1)), writers[0].order(line(2)))
    tries: list[int] = []

    def both(first: int, then: int) -> Callable[[sa.Connection], str]:
        def work(connection: sa.Connection) -> str:
            change = sa.text("UPDATE line SET said = said || '!' WHERE number = :number")
            connection.execute(change, {"number": first})
            tries.append(first)
            if len(tries) <= 2:
                met.wait()  # now each has what the other one wants
            connection.execute(change, {"number": then})
            return "kept"

        return work

    kept = await asyncio.gather(writers[0].order(both(1, 2)), writers[1].order(both(2, 1)))
    assert list(kept) == ["kept", "kept"]
    assert len(tries) >= 3  # another time, where the one that is tried again meets the other once more
    for writer in writers:
        writer.close()
    with engine.connect() as connection:
        assert list(connection.exec_driver_sql("SELECT said FROM line").scalars()) == ["!!", "!!"]
    engine.dispose()
