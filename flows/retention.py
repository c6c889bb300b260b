"""Retention: what is older than it needs to be is removed, a little at a time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import col

from flows.datasets import Datasets
from flows.store import Store
from flows.tables import Decision, Journal, Miss, MissSample, Once, Run, Spent

BATCH: Final = 200
"""Runs in one transaction: others are never kept waiting for long."""
ENOUGH: Final = 50
"""Batches at a time; the rest is for the next time."""
DAY: Final = 86400.0


class Retention:
    """Forgets runs with all that belongs to them, and what missed the door, after a number of days."""

    def __init__(self, store: Store, datasets: Datasets, *, keep_days: int) -> None:
        self._store = store
        self._datasets = datasets
        self._keep = keep_days * DAY

    async def forget(self, now: float) -> int:
        """Remove what is older. A failed run stays until somebody has dealt with it. Returns how many runs went."""
        before, gone = now - self._keep, 0
        old = sa.select(col(Run.id)).where(col(Run.ended_at) < before, col(Run.state) != "failed").limit(BATCH)
        for _ in range(ENOUGH):
            ids = await self._store.read(lambda session: list(session.execute(old).scalars()))
            if not ids:
                break
            await self._datasets.drop(ids)
            await self._store.order(partial(_forget, run_ids=ids))
            gone += len(ids)
        day = datetime.fromtimestamp(before, UTC).date().isoformat()
        for table, old_rows in (
            (Once, col(Once.until) < now),
            (Miss, col(Miss.day) < day),
            (MissSample, col(MissSample.at) < before),
            (Spent, col(Spent.at) < before),
        ):
            await self._store.order(partial(_remove, table=table, which=old_rows))
        return gone


def _forget(connection: sa.Connection, run_ids: Sequence[str]) -> None:
    connection.execute(sa.delete(Journal).where(col(Journal.run_id).in_(run_ids)))
    connection.execute(sa.delete(Decision).where(col(Decision.run_id).in_(run_ids)))
    connection.execute(sa.delete(Run).where(col(Run.id).in_(run_ids)))


def _remove(connection: sa.Connection, table: type[Any], which: sa.ColumnElement[bool]) -> None:
    key = list(table.__table__.primary_key.columns)
    some = sa.select(*key).where(which).limit(BATCH * 10)
    connection.execute(sa.delete(table).where(sa.tuple_(*key).in_(some)))
