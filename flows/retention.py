"""Retention: what is older than it needs to be is removed, a little at a time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from flows.datasets import Datasets
from flows.store import Store, dialect_of
from flows.tables import (
    AlertMessage,
    Connection,
    Dataset,
    Decision,
    DeniedAddress,
    Gathering,
    Handled,
    Hold,
    Journal,
    Memory,
    Miss,
    MissSample,
    Once,
    Run,
    Spent,
    UnreadBody,
    Vote,
)

BATCH: Final = 200
"""Runs in one transaction: others are never kept waiting for long."""
ROWS: Final = 2000
"""Other rows in one transaction."""
ENOUGH: Final = 50
"""Batches at a time; the rest is for the next time."""
DAY: Final = 86400.0
DATASETS: Final = 7 * DAY
"""Datasets are by far the largest that a run leaves, and hold whole lists of people: they go this long after its end."""
MEMORIES: Final = 2_000_000
"""Keys that are remembered of one connection. Beyond that, those that were not touched for longest go."""


class Retention:
    """Forgets runs with all that belongs to them, and what missed the door, after a number of days."""

    def __init__(self, store: Store, datasets: Datasets, *, keep_days: int, memories: int = MEMORIES) -> None:
        self._store = store
        self._memories = memories
        self._datasets = datasets
        self._keep = keep_days * DAY

    async def forget(self, now: float) -> int:
        """Remove what is older. A failed run stays until somebody has dealt with it. Returns how many runs went."""
        before, gone = now - self._keep, 0
        for _ in range(ENOUGH):
            ids = await self._store.read(lambda session: list(session.execute(_ended(before)).scalars()))
            if not ids:
                break
            await self._datasets.drop(ids)
            await self._remove(Journal, col(Journal.run_id).in_(ids), most=None)
            # After all that is theirs: a removal that was cut short is found again by them.
            await self._store.order(partial(_forget, run_ids=ids))
            gone += len(ids)
        await self._forget_datasets(now - min(self._keep, DATASETS))
        day = datetime.fromtimestamp(before, UTC).date().isoformat()
        for table, old_rows in (
            (Once, col(Once.until) < now),
            (Miss, col(Miss.day) < day),
            (MissSample, col(MissSample.at) < before),
            (Spent, sa.and_(col(Spent.at) < before, col(Spent.scope).startswith("day "))),
            (Memory, col(Memory.touched) < before),
            (Memory, col(Memory.connection).not_in(sa.select(col(Connection.name)))),
            (UnreadBody, col(UnreadBody.at) < before),
            (UnreadBody, col(UnreadBody.connection).not_in(sa.select(col(Connection.name)))),
            (DeniedAddress, col(DeniedAddress.until) < now),
            (Gathering, sa.and_(col(Gathering.until) < before, col(Gathering.id).not_in(_asked(Decision.gathering)))),
            (
                AlertMessage,
                sa.and_(
                    col(AlertMessage.at) < before,
                    col(AlertMessage.alert).not_in(_asked(Decision.id)),
                    col(AlertMessage.alert).not_in(_asked(Decision.gathering)),
                ),
            ),
        ):
            await self._remove(table, old_rows)
        await self._forget_too_many()
        return gone

    async def _forget_datasets(self, before: float) -> None:
        """Remove the datasets of runs that ended before a time; their journals still tell what became of them."""
        theirs = sa.exists().where(col(Dataset.run_id) == col(Run.id))
        query = _ended(before).where(theirs)
        for _ in range(ENOUGH):
            ids = await self._store.read(lambda session: list(session.execute(query).scalars()))
            if not ids:
                return
            await self._datasets.drop(ids)

    async def _forget_too_many(self) -> None:
        """Remove what is remembered of a connection beyond what there may be of one."""
        names = await self._store.read(
            lambda session: list(session.execute(sa.select(col(Memory.connection)).distinct()).scalars())
        )
        for name in names:
            these = col(Memory.connection) == name
            too_old = await self._store.read(partial(_touched, which=these, position=self._memories))
            if too_old is not None:
                await self._remove(Memory, sa.and_(these, col(Memory.touched) <= too_old))

    async def _remove(self, table: type[Any], which: sa.ColumnElement[bool], *, most: int | None = ENOUGH) -> None:
        """Remove rows, so many batches of them at most."""
        done = 0
        while most is None or done < most:
            if await self._store.order(partial(_remove, table=table, which=which)) < ROWS:
                break
            done += 1


def _touched(session: Session, which: sa.ColumnElement[bool], position: int) -> float | None:
    """Return when a key was touched that has so many newer ones."""
    query = sa.select(col(Memory.touched)).where(which).order_by(col(Memory.touched).desc())
    return session.execute(query.offset(position).limit(1)).scalar()


def _ended(before: float) -> sa.Select[Any]:
    """Return the query for some runs that ended before a time. What was called stays as long as its caller needs it."""
    caller = aliased(Run)
    needed = sa.exists().where(col(caller.id) == col(Run.parent), col(caller.ended_at).is_(None))
    ended = sa.select(col(Run.id)).where(col(Run.ended_at) < before, col(Run.state) != "failed", ~needed)
    return ended.limit(BATCH)


def _asked(of: Any) -> sa.Select[Any]:
    """Return the query for a column of the questions that are remembered."""
    return sa.select(col(of)).where(col(of).is_not(None))


def _forget(connection: sa.Connection, run_ids: Sequence[str]) -> None:
    theirs = sa.select(col(Decision.id)).where(col(Decision.run_id).in_(run_ids))
    connection.execute(sa.delete(Vote).where(col(Vote.decision).in_(theirs)))
    connection.execute(sa.delete(Decision).where(col(Decision.run_id).in_(run_ids)))
    connection.execute(sa.delete(Spent).where(col(Spent.scope).in_([f"run {run_id}" for run_id in run_ids])))
    connection.execute(sa.delete(Hold).where(col(Hold.run_id).in_(run_ids)))
    _remember_handled(connection, run_ids)
    connection.execute(sa.delete(Run).where(col(Run.id).in_(run_ids)))


def _remember_handled(connection: sa.Connection, run_ids: Sequence[str]) -> None:
    """Remember of runs that are forgotten whom they dealt with: no back-fill is to do so again."""
    these = (col(Run.id).in_(run_ids), col(Run.person).is_not(None), col(Run.state) != "cancelled")
    handled = sa.select(col(Run.flow), col(Run.person), sa.func.max(col(Run.began_at))).where(*these)
    rows = connection.execute(handled.group_by(col(Run.flow), col(Run.person))).all()
    if rows:
        values = [{"flow": flow, "person": person, "at": at} for flow, person, at in rows]
        connection.execute(dialect_of(connection).insert(Handled).on_conflict_do_nothing(), values)


def _remove(connection: sa.Connection, table: type[Any], which: sa.ColumnElement[bool]) -> int:
    key = list(table.__table__.primary_key.columns)
    some = sa.select(*key).where(which).limit(ROWS)
    return connection.execute(sa.delete(table).where(sa.tuple_(*key).in_(some))).rowcount
