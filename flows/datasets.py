"""Datasets: collections too big for a run, stored item by item, for `each` to walk through."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any, Final, Self

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from connectors import base
from flows.store import Store
from flows.tables import Dataset, DatasetItem

BATCH: Final = 1000
"""Items in one transaction: all that is in memory at once, however many there are."""


class Datasets:
    """The datasets of runs. They go when their runs are forgotten."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def store(
        self, dataset_id: str, run_id: str, items: AsyncIterator[BaseModel], fields: Sequence[str], now: float
    ) -> base.Dataset:
        """Store what comes as a dataset. What an earlier attempt left of the same one is removed first.

        A summary among the items is no item: it is given back with the dataset.
        """

        def make(session: Session) -> None:
            values = {"run_id": run_id, "count": 0, "fields": list(fields), "made_at": now}
            statement = _insert(session.connection(), Dataset).values(id=dataset_id, **values)
            session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))

        await self._store.transact(make)
        await self._empty(dataset_id)
        count, batch, summary = 0, list[str](), dict[str, Any]()
        async with _Writing(self._store) as writing:
            async for item in items:
                if isinstance(item, base.Summary):
                    summary = item.model_dump(mode="json", by_alias=True)
                    continue
                batch.append(_written(item))  # a text is smaller than an item, and lives shorter
                if len(batch) == BATCH:
                    await writing.go_on(partial(_keep, dataset_id, count, batch))
                    count, batch = count + len(batch), []
            await writing.go_on(partial(_keep, dataset_id, count, batch))
        count += len(batch)
        # The count comes last: a dataset that was not stored to its end looks empty, never short.
        finish = sa.update(Dataset).where(col(Dataset.id) == dataset_id).values(count=count)
        await self._store.transact(lambda session: session.execute(finish))
        return base.Dataset(id=dataset_id, count=count, fields=list(fields), summary=summary)

    @staticmethod
    def append(
        connection: sa.Connection, dataset_id: str, run_id: str, start: int, items: Sequence[Any], *, now: float
    ) -> None:
        """Put items at the positions from a start on, in a dataset that is made if it is not there.

        Doing it again for the same positions changes nothing.
        """
        table, end = Dataset, start + len(items)
        statement = _insert(connection, table).values(id=dataset_id, run_id=run_id, count=end, fields=[], made_at=now)
        counted = sa.case((col(table.count) < end, end), else_=col(table.count))
        connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"count": counted}))
        _put(connection, dataset_id, start, items)

    async def read(self, dataset_id: str, start: int, count: int) -> list[Any]:
        """Return so many items from a position on: fewer at the end."""
        query = (
            sa.select(col(DatasetItem.item))
            .where(
                col(DatasetItem.dataset) == dataset_id,
                col(DatasetItem.position) >= start,
                col(DatasetItem.position) < start + count,
            )
            .order_by(col(DatasetItem.position))
        )
        return await self._store.transact(lambda session: list(session.execute(query).scalars()))

    async def about(self, dataset_id: str) -> base.Dataset | None:
        """Return what is known of a dataset, or None if there is none."""
        row = await self._store.transact(lambda session: session.get(Dataset, dataset_id))
        return None if row is None else base.Dataset(id=row.id, count=row.count, fields=row.fields)

    async def drop(self, run_ids: Sequence[str]) -> int:
        """Remove the datasets of runs, a bounded number of items at a time. Returns how many datasets it were."""
        dropped = 0
        for start in range(0, len(run_ids), BATCH):
            while found := await self._some_of(run_ids[start : start + BATCH]):
                for dataset_id in found:
                    await self._empty(dataset_id)
                    await self._forget(dataset_id)
                dropped += len(found)
        return dropped

    async def _some_of(self, run_ids: Sequence[str]) -> Sequence[str]:
        query = sa.select(col(Dataset.id)).where(col(Dataset.run_id).in_(run_ids)).limit(BATCH)
        return await self._store.transact(lambda session: session.execute(query).scalars().all())

    async def _forget(self, dataset_id: str) -> None:
        # After its items: a removal that was cut short is found again by it.
        gone = sa.delete(Dataset).where(col(Dataset.id) == dataset_id)
        await self._store.transact(lambda session: session.execute(gone))

    async def _empty(self, dataset_id: str) -> None:
        of_dataset = col(DatasetItem.dataset) == dataset_id

        def work(session: Session) -> bool:
            first = session.execute(sa.select(sa.func.min(col(DatasetItem.position))).where(of_dataset)).scalar()
            if first is None:
                return False
            session.execute(sa.delete(DatasetItem).where(of_dataset, col(DatasetItem.position) < first + 2 * BATCH))
            return True

        while await self._store.transact(work):
            pass


class _Writing:
    """Writing one thing while the next is being made: never more than one behind."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        last, self._last = self._last, None
        if last is not None:
            (said,) = await asyncio.gather(last, return_exceptions=True)
            if error is None and said is not None:
                raise said

    async def go_on(self, work: Callable[[sa.Connection], None]) -> None:
        """Have something written, once what was to be written before is. Raises StorageError if that was not."""
        if self._last is not None:
            await self._last
        self._last = self._store.order(work)


def _keep(dataset_id: str, start: int, items: Sequence[str], connection: sa.Connection) -> None:
    """Put items, written as JSON, at the positions from a start on."""
    if items:
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        values = ", ".join([mark] * 3)
        statement = f"INSERT INTO dataset_item (dataset, position, item) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608  # marks only
        rows = [(dataset_id, place, item) for place, item in enumerate(items, start)]
        connection.exec_driver_sql(statement, rows)


def _written(item: BaseModel) -> str:
    try:
        return item.model_dump_json(by_alias=True)
    except ValueError:  # half of a character, which people's names do hold
        return json.dumps(item.model_dump(mode="json", by_alias=True))


def _put(connection: sa.Connection, dataset_id: str, start: int, items: Sequence[Any]) -> None:
    if items:
        rows = [{"dataset": dataset_id, "position": place, "item": item} for place, item in enumerate(items, start)]
        connection.execute(_insert(connection, DatasetItem).on_conflict_do_nothing(), rows)


def _insert(connection: sa.Connection, table: type[Any]) -> Any:
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
