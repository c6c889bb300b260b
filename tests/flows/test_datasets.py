"""Datasets: very many items, stored in bounded memory and walked in pieces."""

import tracemalloc
from collections.abc import AsyncIterator, Iterator

import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from bot import schema
from connectors.base import Summary
from flows.datasets import Datasets
from flows.store import Store, open_engine
from flows.tables import Dataset, DatasetItem
from tests import postgres


class User(BaseModel):
    number: int
    email: str | None = None


class CutShort(Exception):  # noqa: N818  # what a killed process looks like from here
    pass


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    folder = tmp_path_factory.mktemp("datasets")
    address = f"sqlite:///{folder / 'datasets.sqlite'}"
    if request.param == "postgresql":
        address = postgres.database()
    opened = open_engine(address)
    schema.upgrade(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> Store:
    with engine.begin() as connection:
        connection.execute(sa.delete(DatasetItem))
        connection.execute(sa.delete(Dataset))
    return Store(engine)


@pytest.fixture
def datasets(store: Store) -> Datasets:
    return Datasets(store)


async def users(count: int, *, first: int = 0) -> AsyncIterator[User]:
    for number in range(first, first + count):
        yield User(number=number)


async def users_until_cut_short(count: int) -> AsyncIterator[User]:
    async for user in users(count):
        yield user
    raise CutShort


async def items_left(store: Store) -> int:
    query = sa.select(sa.func.count()).select_from(DatasetItem)
    return await store.transact(lambda session: session.execute(query).scalar_one())


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1200])
async def test_what_was_stored_is_read_in_pieces(datasets: Datasets, count: int) -> None:
    stored = await datasets.store("d", "r", users(count), ["number", "email"], 1.0)
    pieces = [await datasets.read("d", start, 100) for start in range(0, count + 100, 100)]
    assert stored == await datasets.about("d")
    assert (stored.count, stored.fields) == (count, ["number", "email"])
    assert [item for piece in pieces for item in piece] == [{"number": at, "email": None} for at in range(count)]


async def test_a_summary_among_the_items_is_given_back_and_is_no_item(datasets: Datasets) -> None:
    class Found(Summary):
        complete: bool

    async def some() -> AsyncIterator[BaseModel]:
        async for user in users(3):
            yield user
        yield Found(complete=True)

    stored = await datasets.store("d", "r", some(), ["number"], 1.0)
    assert (stored.count, stored.summary, len(await datasets.read("d", 0, 10))) == (3, {"complete": True}, 3)


async def test_nothing_is_known_of_a_dataset_that_is_not_there(datasets: Datasets) -> None:
    assert (await datasets.about("d"), await datasets.read("d", 0, 10)) == (None, [])


async def test_what_was_cut_short_looks_empty_and_is_stored_anew(store: Store, datasets: Datasets) -> None:
    with pytest.raises(CutShort):
        await datasets.store("d", "r", users_until_cut_short(2300), ["number"], 1.0)
    cut = await datasets.about("d")
    again = await datasets.store("d", "r", users(700, first=5), ["number"], 2.0)
    assert (cut and cut.count, again.count, await items_left(store)) == (0, 700, 700)
    assert [item["number"] for item in await datasets.read("d", 698, 10)] == [703, 704]


async def test_appending_at_the_same_positions_changes_nothing(store: Store, datasets: Datasets) -> None:
    for start, items in [(0, ["a", None]), (2, [{"x": 1}]), (0, ["a", None]), (2, []), (2, [{"x": 1}, "new"])]:
        await store.transact(
            lambda session, start=start, items=items: datasets.append(  # type: ignore[misc]  # it cannot see the defaults
                session.connection(), "d", "r", start, items, now=1.0
            )
        )
    known = await datasets.about("d")
    assert (known and known.count, await datasets.read("d", 0, 10)) == (4, ["a", None, {"x": 1}, "new"])


async def test_the_datasets_of_a_run_go_with_it(store: Store, datasets: Datasets) -> None:
    for name, run in [("a", "r1"), ("b", "r1"), ("c", "r2"), ("d", "r3")]:
        await datasets.store(name, run, users(1100), ["number"], 1.0)
    assert await datasets.drop([*(f"none{number}" for number in range(600)), "r1", "r3"]) == 3
    assert await datasets.drop(["r1"]) == 0
    assert [await datasets.about(name) is not None for name in "abcd"] == [False, False, True, False]
    assert await items_left(store) == 1100


@pytest.mark.slow
async def test_a_hundred_thousand_items_take_no_more_memory_than_a_few(datasets: Datasets) -> None:
    await datasets.store("warm", "r", users(1000), ["number"], 1.0)
    tracemalloc.start()
    stored = await datasets.store("d", "r", users(100_000), ["number"], 1.0)
    await datasets.drop(["r"])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert stored.count == 100_000
    assert most < 4_000_000  # the items alone would be ten times as much
