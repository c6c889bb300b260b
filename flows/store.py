"""What is remembered, and where: one SQLite file, or PostgreSQL when a team outgrows one machine."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from flows.tables import Flow, FlowVersion, Once, Permission, Run

T = TypeVar("T")


def open_engine(address: str) -> sa.Engine:
    """Return an engine for a database address, as Heroku and others write it.

    SQLite is opened in write-ahead mode: readers and the one writer do not wait for each other, and a committed
    transaction survives the end of the process. Transactions are IMMEDIATE, so that two writers queue instead of failing.
    """
    url = sa.make_url(address)
    if url.drivername in {"postgres", "postgresql"}:
        return sa.create_engine(
            url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, pool_size=10, max_overflow=10
        )
    engine = sa.create_engine(url, connect_args={"check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """A flow that somebody set up, with the version of it that is in force."""

    name: str
    template: str
    version: int
    enabled: bool
    document: Mapping[str, Any]
    settings: Mapping[str, Any]
    changed_by: str
    changed_at: float


class Store:
    """Rows, and the transactions around them. The database is spoken to in threads, never on the event loop."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    async def transact(self, work: Callable[[Session], T]) -> T:
        """Carry out some work in one transaction: all of it is kept, or none."""

        def carry_out() -> T:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                return work(session)

        return await asyncio.to_thread(carry_out)

    def insert(self, table: type[Any]) -> Any:
        """Return an INSERT that can say what to do ON CONFLICT, in the database's own dialect."""
        dialect = sqlite if self.engine.dialect.name == "sqlite" else postgresql
        return dialect.insert(table)

    # --- flows ------------------------------------------------------------------------------------------------------

    async def set_up(
        self,
        name: str,
        *,
        template: str,
        document: Mapping[str, Any],
        settings: Mapping[str, Any],
        by: str,
        now: float,
    ) -> SetUp:
        """Keep a flow as its next version and switch it on. Saving what is already so adds no version."""

        def work(session: Session) -> SetUp:
            row = session.get(Flow, name, with_for_update=True)
            last = session.get(FlowVersion, (name, row.version)) if row else None
            same = last is not None and last.document == dict(document) and last.settings == dict(settings)
            version = row.version if row and same else (row.version + 1 if row else 1)
            if not same:
                session.add(FlowVersion(flow=name, version=version, document=dict(document), settings=dict(settings)))
            row = row or Flow(
                name=name, template=template, version=version, enabled=True, changed_by=by, changed_at=now
            )
            row.template, row.version, row.enabled, row.changed_by, row.changed_at = template, version, True, by, now
            session.add(row)
            return _set_up(row, document, settings)

        return await self.transact(work)

    async def switch_off(self, name: str, *, by: str, now: float) -> bool:
        """Switch a flow off. Returns False if it was not on."""

        statement = (
            sa.update(Flow)
            .where(col(Flow.name) == name, col(Flow.enabled))
            .values(enabled=False, changed_by=by, changed_at=now)
        )
        return await self.transact(lambda session: changed(session, statement))

    async def flow(self, name: str) -> SetUp | None:
        """Return a flow that was set up, on or off."""
        return next((flow for flow in await self.flows() if flow.name == name), None)

    async def flows(self) -> Sequence[SetUp]:
        """Return every flow that was set up, by name."""
        return await self.transact(flows_set_up)

    # --- runs -------------------------------------------------------------------------------------------------------

    async def run(self, run_id: str) -> tuple[Run, FlowVersion]:
        """Return a run with the version of the flow it carries out. Raises KeyError if there is none."""

        def work(session: Session) -> tuple[Run, FlowVersion]:
            row = session.get(Run, run_id)
            version = session.get(FlowVersion, (row.flow, row.version)) if row else None
            if row is None or version is None:
                raise KeyError(run_id)
            return row, version

        return await self.transact(work)

    async def note(self, run_id: str, *, state: str, message: str = "", ended_at: float | None = None) -> None:
        """Note how a run stands. A run that has ended stays as it ended."""

        def work(session: Session) -> None:
            session.execute(
                sa.update(Run)
                .where(col(Run.id) == run_id, col(Run.ended_at).is_(None))
                .values(state=state, message=message[:1000], ended_at=ended_at)
            )

        await self.transact(work)

    async def waking(self) -> Sequence[tuple[str, list[str]]]:
        """Return the runs, with their segments, that were accepted and have not begun: the process ended in between."""
        query = select(Run).where(Run.state == "waking")
        return await self.transact(lambda session: [(run.id, run.segments) for run in session.exec(query)])

    async def last_runs(self, flow: str, limit: int = 5) -> Sequence[Run]:
        """Return a flow's latest runs, newest first."""
        query = select(Run).where(Run.flow == flow).order_by(col(Run.began_at).desc()).limit(limit)
        return await self.transact(lambda session: session.exec(query).all())

    async def counts(self, flow: str, since: float) -> Mapping[str, int]:
        """Return how many of a flow's runs since a time are in each state."""
        query = select(Run.state, sa.func.count()).where(Run.flow == flow, Run.began_at >= since).group_by(Run.state)
        return await self.transact(lambda session: dict(session.exec(query).all()))

    # --- permissions ------------------------------------------------------------------------------------------------

    async def allow(self, right: str, subject: str) -> None:
        """Give a right to a Slack user or user group."""
        statement = self.insert(Permission).values(right=right, subject=subject).on_conflict_do_nothing()
        await self.transact(lambda session: session.execute(statement))

    async def disallow(self, right: str, subject: str) -> bool:
        """Take a right away. Returns False if it was not given."""
        statement = sa.delete(Permission).where(col(Permission.right) == right, col(Permission.subject) == subject)
        return await self.transact(lambda session: changed(session, statement))

    async def allowed(self, right: str) -> Sequence[str]:
        """Return the Slack users and user groups that have a right."""
        query = select(Permission.subject).where(Permission.right == right).order_by(Permission.subject)
        return await self.transact(lambda session: session.exec(query).all())


def changed(session: Session, statement: Any) -> bool:
    """Carry out a write. Returns whether it changed any row."""
    result = session.execute(statement)
    return isinstance(result, sa.CursorResult) and result.rowcount > 0


def flows_set_up(session: Session, *, only_enabled: bool = False) -> list[SetUp]:
    """Return the flows that were set up, within a transaction."""
    query = (
        select(Flow, FlowVersion)
        .join(FlowVersion, sa.and_(col(FlowVersion.flow) == Flow.name, col(FlowVersion.version) == Flow.version))
        .order_by(Flow.name)
    )
    if only_enabled:
        query = query.where(Flow.enabled)
    return [_set_up(row, version.document, version.settings) for row, version in session.exec(query)]


def _set_up(row: Flow, document: Mapping[str, Any], settings: Mapping[str, Any]) -> SetUp:
    return SetUp(
        name=row.name,
        template=row.template,
        version=row.version,
        enabled=row.enabled,
        document=document,
        settings=settings,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
    )


def claim_once(store: Store, session: Session, *, flow: str, key: str, event_id: str, now: float, until: float) -> bool:
    """Claim a key of a flow until a time. Returns False if an earlier claim still holds."""
    statement = store.insert(Once).values(flow=flow, key=key, event_id=event_id, until=until)
    statement = statement.on_conflict_do_update(
        index_elements=["flow", "key"],
        set_={"event_id": event_id, "until": until},
        where=Once.__table__.c.until <= now,  # type: ignore[attr-defined]  # SQLModel adds it
    )
    return changed(session, statement)


def add_run(store: Store, session: Session, run: Run) -> bool:
    """Accept a run. Returns False if this flow has had one for the same event."""
    return changed(session, store.insert(Run).values(**run.model_dump()).on_conflict_do_nothing())
