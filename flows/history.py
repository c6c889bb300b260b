"""The history: which runs there were, and how they ended."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlmodel import col, select

from flows.store import Store
from flows.tables import Run


class History:
    """Looks runs up."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def latest(self, *, flow: str | None = None, states: Sequence[str] = (), limit: int = 20) -> Sequence[Run]:
        """Return the latest runs, of all flows or of one, in any state or in some, newest first."""
        query = select(Run).order_by(col(Run.began_at).desc()).limit(limit)
        if flow is not None:
            query = query.where(Run.flow == flow)
        if states:
            query = query.where(col(Run.state).in_(states))
        return await self._store.read(lambda session: session.exec(query).all())

    async def run(self, run_id: str) -> Run | None:
        """Return a run."""
        return await self._store.read(lambda session: session.get(Run, run_id))

    async def of_event(self, event_id: str) -> Sequence[Run]:
        """Return the runs that an event woke, by its id as its sender knows it."""
        query = select(Run).where(col(Run.event_id).endswith(event_id, autoescape=True)).limit(20)
        return await self._store.read(lambda session: session.exec(query).all())

    async def counts(self, flow: str, since: float) -> Mapping[str, int]:
        """Return how many of a flow's runs since a time are in each state."""
        query = select(Run.state, sa.func.count()).where(Run.flow == flow, Run.began_at >= since).group_by(Run.state)
        return await self._store.read(lambda session: dict(session.exec(query).all()))
