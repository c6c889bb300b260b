"""Retention: what is older than it needs to be goes, all of it and a little at a time; nothing else does."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, col

from bot import schema
from flows.datasets import Datasets
from flows.retention import BATCH, DATASETS, DAY, ENOUGH, ROWS, Retention
from flows.store import StorageError, Store, open_engine
from flows.tables import Dataset, DatasetItem, Decision, Journal, Miss, MissSample, Once, Run, Spent
from tests import postgres
from tests.flows.drivers import OnDisk, Outside
from tests.flows.lifecycle import Time, count, ended, keep, living, note

TODAY = 1000 * DAY
KEEP = 7
OLD, YOUNG = TODAY - KEEP * DAY - 1, TODAY - KEEP * DAY + 1
TABLES: Sequence[type[SQLModel]] = (
    Run,
    Journal,
    Decision,
    Dataset,
    DatasetItem,
    Once,
    Miss,
    MissSample,
    Spent,
)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    folder = tmp_path_factory.mktemp("retention")
    address = f"sqlite:///{folder / 'flows.sqlite'}"
    if request.param == "postgresql":
        address = postgres.database()
    opened = open_engine(address)
    schema.upgrade(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> Iterator[Store]:
    with engine.begin() as connection:
        for table in TABLES:
            connection.execute(sa.delete(table))
    opened = Store(engine)
    yield opened
    opened.close()


def forgetting(store: Store, keep_days: int = KEEP) -> Retention:
    return Retention(store, Datasets(store), keep_days=keep_days)


def run(name: str, *, state: str = "done", ended_at: float | None = OLD, parent: str | None = None) -> dict[str, Any]:
    """Return a run, as a row."""
    found = Run(id=name, flow="f", version=1, event_id=name, event={}, state=state, parent=parent, began_at=1.0)
    return {**found.model_dump(), "ended_at": ended_at}


def line(run_id: str, name: str = "steps/0") -> dict[str, Any]:
    return {"run_id": run_id, "name": name, "value": {"gave": 1}, "at": 1.0, "took": 0.1}


def question(run_id: str) -> dict[str, Any]:
    values = {"question": {}, "channel": "C1", "posting": False, "asked_at": 1.0, "deadline": 2.0}
    return {"id": f"{run_id}/steps/1", "run_id": run_id, "path": "steps/1", "state": "decided", **values}


async def put(store: Store, table: type[SQLModel], *rows: dict[str, Any]) -> None:
    await store.order(lambda connection: connection.execute(sa.insert(table), list(rows)))


async def put_dataset(store: Store, name: str, run_id: str, items: int) -> None:
    await put(store, Dataset, {"id": name, "run_id": run_id, "count": items, "fields": [], "made_at": 1.0})
    await put(store, DatasetItem, *({"dataset": name, "position": place, "item": {}} for place in range(items)))


async def left(store: Store, *columns: Any) -> list[Any]:
    """Return what is left of a column, or of several."""
    query = sa.select(*columns).order_by(*columns)
    found = await store.read(lambda session: session.execute(query).all())
    return [row[0] if len(columns) == 1 else tuple(row) for row in found]


async def number(store: Store, table: type[SQLModel]) -> int:
    query = sa.select(sa.func.count()).select_from(table)
    return await store.read(lambda session: session.execute(query).scalar_one())


# --- what goes, and what stays ----------------------------------------------------------------------------------------


async def test_what_has_ended_long_ago_goes_and_everything_else_stays(store: Store) -> None:
    await put(
        store,
        Run,
        *(run(f"old {state}", state=state) for state in ("done", "cancelled", "discarded", "failed")),
        *(run(f"young {state}", state=state, ended_at=YOUNG) for state in ("done", "cancelled", "discarded", "failed")),
        *(run(state, state=state, ended_at=None) for state in ("queued", "ready", "running", "waiting")),
    )
    assert await forgetting(store).forget(TODAY) == 3
    assert await left(store, col(Run.id)) == sorted(
        [
            "old failed",
            *(f"young {state}" for state in ("done", "cancelled", "discarded", "failed")),
            *("queued", "ready", "running", "waiting"),
        ]
    )


async def test_with_a_run_goes_all_that_belongs_to_it_and_nothing_of_another(store: Store) -> None:
    await put(store, Run, run("old"), run("old/2", ended_at=YOUNG), run("waiting", state="waiting", ended_at=None))
    runs = ("old", "old/2", "waiting")
    await put(store, Journal, *(line(name, f"steps/{place}") for name in runs for place in range(3)))
    await put(store, Decision, *map(question, runs))
    for name in runs:
        await put_dataset(store, f"{name}/steps/0", name, 5)
        await put(store, Spent, {"scope": f"run {name}", "effect": "changes", "count": 1, "allowed": 0, "at": 1.0})
    await forgetting(store).forget(TODAY)
    kept = ["old/2", "waiting"]
    assert await left(store, col(Run.id)) == kept
    assert sorted(set(await left(store, col(Journal.run_id)))) == kept
    assert await left(store, col(Decision.run_id)) == kept
    assert await left(store, col(Dataset.run_id)) == kept
    assert sorted(set(await left(store, col(DatasetItem.dataset)))) == [f"{name}/steps/0" for name in kept]
    assert await left(store, col(Spent.scope)) == [f"run {name}" for name in kept]
    assert [await number(store, table) for table in (Journal, DatasetItem)] == [6, 10]


async def test_datasets_go_a_week_after_their_run_has_ended_and_the_run_stays(store: Store) -> None:
    ends = {"old": TODAY - DATASETS - 1, "young": TODAY - DATASETS + 60, "failed": TODAY - DATASETS - 1, "runs": None}
    for name, ended_at in ends.items():
        state = {"failed": "failed", "runs": "running"}.get(name, "done")
        await put(store, Run, run(name, state=state, ended_at=ended_at))
        await put(store, Journal, line(name))
        await put_dataset(store, f"{name}/steps/0", name, 5)
    assert await forgetting(store, keep_days=90).forget(TODAY) == 0
    assert await left(store, col(Dataset.run_id)) == ["failed", "runs", "young"]
    assert len(set(await left(store, col(DatasetItem.dataset)))) == 3
    assert await left(store, col(Run.id)) == await left(store, col(Journal.run_id)) == sorted(ends)


async def test_what_was_called_stays_until_its_caller_has_ended_and_so_does_its_dataset(store: Store) -> None:
    await put(store, Run, run("caller", state="waiting", ended_at=None), run("called", parent="caller"))
    await put_dataset(store, "called/steps/0", "called", 5)
    assert await forgetting(store).forget(TODAY) == 0
    assert await Datasets(store).read("called/steps/0", 0, 9) == [{}] * 5
    over = sa.update(Run).where(col(Run.id) == "caller").values(state="done", ended_at=YOUNG)
    await store.order(lambda connection: connection.execute(over))
    assert await forgetting(store).forget(TODAY) == 1
    assert (await left(store, col(Run.id)), await number(store, DatasetItem)) == (["caller"], 0)


async def test_of_what_missed_the_door_and_was_counted_only_what_is_older_goes(store: Store) -> None:
    when = {"day old": OLD, "day young": YOUNG}
    await put(
        store, Miss, *({"flow": "f", "day": day, "guard": "g", "count": 2} for day in ("1972-09-19", "1972-09-20"))
    )
    sample = {"flow": "f", "event_id": "e", "guard": "g", "value": None, "wanted": None}
    await put(store, MissSample, {**sample, "slot": 1, "at": OLD}, {**sample, "slot": 2, "at": YOUNG})
    await put(
        store,
        Spent,
        *({"scope": day, "effect": "changes", "count": 1, "allowed": 0, "at": at} for day, at in when.items()),
    )
    claim = {"flow": "f", "event_id": "e"}
    await put(store, Once, {**claim, "key": "over", "until": TODAY - 1}, {**claim, "key": "holds", "until": TODAY + 1})
    await forgetting(store).forget(TODAY)
    assert await left(store, col(Miss.day)) == ["1972-09-20"]
    assert await left(store, col(MissSample.slot)) == [2]
    assert await left(store, col(Spent.scope)) == ["day young"]
    assert await left(store, col(Once.key)) == ["holds"]


async def test_what_a_run_has_changed_is_counted_as_long_as_it_may_go_on(store: Store) -> None:
    await put(store, Run, run("waiting", state="waiting", ended_at=None), run("failed", state="failed"), run("done"))
    for name in ("waiting", "failed", "done"):
        await put(store, Spent, {"scope": f"run {name}", "effect": "destroys", "count": 9, "allowed": 0, "at": OLD})
    await forgetting(store).forget(TODAY)
    assert await left(store, col(Spent.scope)) == ["run failed", "run waiting"]


@pytest.mark.parametrize("keep_days", [1, 30, 3650])
async def test_the_setting_says_how_long_to_the_second(store: Store, keep_days: int) -> None:
    now = 4000 * DAY
    edge = now - keep_days * DAY
    await put(
        store, Run, run("older", ended_at=edge - 1), run("edge", ended_at=edge), run("younger", ended_at=edge + 1)
    )
    assert await forgetting(store, keep_days).forget(now) == 1
    assert await left(store, col(Run.id)) == ["edge", "younger"]


async def test_a_failed_run_goes_once_somebody_has_dealt_with_it(store: Store) -> None:
    await put(store, Run, run("failed", state="failed"))
    assert await forgetting(store).forget(TODAY) == 0
    discarded = sa.update(Run).values(state="discarded")
    await store.order(lambda connection: connection.execute(discarded))
    assert await forgetting(store).forget(TODAY) == 1


# --- a little at a time -----------------------------------------------------------------------------------------------


def deletions(store: Store) -> list[tuple[str, int]]:
    """Return a list to which every removal is added: from where, and how many rows."""
    found: list[tuple[str, int]] = []

    @sa.event.listens_for(store.engine, "after_cursor_execute")
    def look(_connection: Any, cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("DELETE FROM "):
            found.append((statement.split()[2], cursor.rowcount))

    return found


async def test_it_is_removed_in_bounded_batches(store: Store) -> None:
    await put(store, Run, *(run(f"r{number}") for number in range(3 * BATCH + 7)), run("long"))
    await put(store, Journal, *(line("long", f"steps/0/batch/{number}") for number in range(12_345)))
    await put(store, Once, *({"flow": "f", "key": str(key), "event_id": "e", "until": 1.0} for key in range(6789)))
    await put_dataset(store, "many", "long", 4321)
    removed = deletions(store)
    assert await forgetting(store).forget(TODAY) == 3 * BATCH + 8
    assert [await number(store, table) for table in TABLES] == [0] * len(TABLES)
    assert max(rows for _, rows in removed) <= ROWS
    assert max(rows for table, rows in removed if table == "run") <= BATCH


async def test_at_one_time_no_more_than_enough_goes_and_the_rest_the_next_time(store: Store) -> None:
    most = BATCH * ENOUGH
    await put(store, Run, *(run(f"r{number}") for number in range(most + 5)))
    assert await forgetting(store).forget(TODAY) == most
    assert await forgetting(store).forget(TODAY) == 5
    assert await forgetting(store).forget(TODAY) == 0


@pytest.mark.parametrize("cut_at", range(1, 12))
async def test_a_removal_that_is_cut_goes_on_where_it_was(store: Store, cut_at: int) -> None:
    await put(store, Run, run("old"), run("young", ended_at=YOUNG))
    for name in ("old", "young"):
        await put(store, Journal, *(line(name, f"steps/{place}") for place in range(3)))
        await put(store, Decision, question(name))
        await put_dataset(store, f"{name}/1", name, 1500)
        await put_dataset(store, f"{name}/2", name, 2)
    left_to_do = [cut_at]

    @sa.event.listens_for(store.engine, "before_cursor_execute")
    def cut(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("DELETE FROM "):
            left_to_do[0] -= 1
            if left_to_do[0] == 0:
                raise sa.exc.OperationalError(statement, {}, OSError("the disk is away"))

    with pytest.raises(StorageError):
        await forgetting(store).forget(TODAY)
    assert "young" in await left(store, col(Run.id))
    sa.event.remove(store.engine, "before_cursor_execute", cut)
    await forgetting(store).forget(TODAY)
    assert await left(store, col(Run.id)) == ["young"]
    assert [await number(store, table) for table in TABLES[1:5]] == [3, 1, 2, 1502]


# --- from end to end --------------------------------------------------------------------------------------------------


async def listing(disk: OnDisk, event_id: str) -> None:
    await disk.wake(event_id)
    await ended(disk, f"f/1/a:{event_id}")


async def test_a_run_that_really_was_leaves_nothing_behind_and_may_come_again(tmp_path: Path) -> None:
    time, outside = Time(TODAY), Outside()
    many = '{id: many, do: test.listed, using: "{{ settings.account }}", with: {count: 700}}'
    async with living(tmp_path, outside, now=time, keep_days=1) as disk:
        await keep(disk, f"\n  - {many}\n  - {note('it')}\n")
        await listing(disk, "e1")
        retention = Retention(disk.store, Datasets(disk.store), keep_days=1)
        assert await retention.forget(time()) == 0
        assert await count(disk, DatasetItem) == [700]
        time.at += DAY + 1
        assert await retention.forget(time()) == 1
        assert await count(disk, *(table for table in TABLES if table is not Spent)) == [0] * 8
        await listing(disk, "e1")
    assert outside.done == ["it", "it"]
