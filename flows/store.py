"""What is remembered, and where: one SQLite file, or PostgreSQL when a team outgrows one machine."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from pydantic_core import PydanticSerializationError, to_json
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from flows import references, row_tables
from flows.language import Table
from flows.tables import Flow, FlowVersion, Permission, Revision, Tick
from flows.writer import StorageError, Writer, storage_error

__all__ = ["SetUp", "StorageError", "Store", "changed", "dialect_of", "flows_set_up", "open_engine"]

T = TypeVar("T")


_CONNECTING: Final = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""So that a PostgreSQL that has gone away without a word is noticed. An address may say otherwise."""
PATIENCE: Final = 30.0
"""Seconds to wait while another process writes to the SQLite file. ``?timeout=`` in an address says otherwise."""


def as_json(value: object) -> str:
    """Return a value as JSON. Everything that is kept goes through here, so it is the quicker of two writers that does it.

    It refuses what the other one takes, such as half a character, or very many levels.
    """
    try:
        return to_json(value, inf_nan_mode="constants").decode()
    except (PydanticSerializationError, ValueError):
        return json.dumps(value)


def open_engine(address: str) -> sa.Engine:
    """Return an engine for a database address, as Heroku and others write it.

    SQLite is opened in write-ahead mode: readers and the one writer do not wait for each other, and a committed
    transaction survives the end of the process. Transactions begin IMMEDIATE, so that two processes queue instead of
    failing, unless the connection was opened only to read.
    """
    url = sa.make_url(address)
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg", query={**_CONNECTING, **url.query})
        return sa.create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=10, json_serializer=as_json)
    patience = {} if "timeout" in url.query else {"timeout": PATIENCE}
    engine = sa.create_engine(url, connect_args={"check_same_thread": False, **patience}, json_serializer=as_json)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver is to leave beginning to us
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        reads = connection.get_execution_options().get("only_reads")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """A flow that somebody set up, with the version of it that is in force."""

    name: str
    template: str
    version: int
    enabled: bool
    paused: bool = False
    document: Mapping[str, Any]
    settings: Mapping[str, Any]
    changed_by: str
    changed_at: float


class Store:
    """Rows, and the transactions around them. The database is spoken to in threads, never on the event loop."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._writer = Writer(engine)
        self.changes = 0
        """Counted up when a flow was changed through this store: what was read of it before is out of date."""

    def order(self, work: Callable[[sa.Connection], T]) -> "asyncio.Future[T]":
        """Have something written, in the order of asking. The future is done when it is kept. Raises StorageError."""
        return self._writer.order(work)

    async def transact(self, work: Callable[[Session], T]) -> T:
        """Carry out some work in one transaction: all of it is kept, or none. Raises StorageError."""

        def carry_out(connection: sa.Connection) -> T:
            with Session(connection, expire_on_commit=False) as session:
                found = work(session)
                session.flush()
                session.expunge_all()
                return found

        return await self._writer.order(carry_out)

    async def read(self, work: Callable[[Session], T]) -> T:
        """Look something up, without waiting for what is being written. Raises StorageError."""

        def look() -> T:
            try:
                with (
                    Session(self.engine.execution_options(only_reads=True), expire_on_commit=False) as session,
                    session.begin(),
                ):
                    return work(session)
            except sa.exc.SQLAlchemyError as error:
                raise storage_error(error) from error

        return await asyncio.to_thread(look)

    def close(self) -> None:
        """Write what was ordered, and stop."""
        self._writer.close()

    def insert(self, table: type[Any]) -> Any:
        """Return an INSERT that can say what to do ON CONFLICT, in the database's own dialect."""
        return dialect_of(self.engine).insert(table)

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
        enabled: bool = True,
        tables: Mapping[str, Table] | None = None,
    ) -> SetUp:
        """Keep a flow as its next version and switch it on. Saving what is already so adds no version.

        Raises WrongTableError if another flow has a table of the same name that does not fit.
        """

        def work(session: Session) -> SetUp:
            row = session.get(Flow, name, with_for_update=True)
            last = session.get(FlowVersion, (name, row.version)) if row else None
            if tables:
                row_tables.ensure(session.connection(), tables)
            same = last is not None and last.document == dict(document) and last.settings == dict(settings)
            version = row.version if row and same else (row.version + 1 if row else 1)
            if not same:
                session.add(
                    FlowVersion(
                        flow=name,
                        version=version,
                        document=dict(document),
                        settings=dict(settings),
                        saved_by=by,
                        saved_at=now,
                    )
                )
            if last is not None and _times(last.document, last.settings) != _times(document, settings):
                # Another schedule begins now: none of its times before was missed.
                session.execute(sa.update(Tick).where(col(Tick.flow) == name).values(at=now))
            row = row or Flow(
                name=name, template=template, version=version, enabled=True, changed_by=by, changed_at=now
            )
            row.template, row.version, row.enabled, row.changed_by, row.changed_at = (
                template,
                version,
                enabled,
                by,
                now,
            )
            session.add(row)
            _revised(session)
            return _set_up(row, document, settings)

        return await self._change(work)

    async def switch_off(self, name: str, *, by: str, now: float) -> bool:
        """Switch a flow off. Returns False if it was not on."""

        statement = (
            sa.update(Flow)
            .where(col(Flow.name) == name, col(Flow.enabled))
            .values(enabled=False, changed_by=by, changed_at=now)
        )

        def work(session: Session) -> bool:
            _revised(session)
            # Times that pass while it is off are not missed.
            session.execute(sa.delete(Tick).where(col(Tick.flow) == name))
            return changed(session, statement)

        return await self._change(work)

    async def pause(self, name: str, *, paused: bool) -> bool:
        """Pause a flow, or let it go on. Returns False if that was so already."""
        statement = sa.update(Flow).where(col(Flow.name) == name, col(Flow.paused) != paused).values(paused=paused)

        def work(session: Session) -> bool:
            _revised(session)
            return changed(session, statement)

        return await self._change(work)

    async def _change(self, work: Callable[[Session], T]) -> T:
        found = await self.transact(work)
        self.changes += 1
        return found

    async def versions(self, name: str) -> Sequence[FlowVersion]:
        """Return every version of a flow, the latest first."""
        query = select(FlowVersion).where(FlowVersion.flow == name).order_by(col(FlowVersion.version).desc())
        return await self.read(lambda session: session.exec(query).all())

    async def revision(self) -> int:
        """Return a number that is another one whenever a flow was changed."""
        query = select(sa.func.max(Revision.number))
        return int(await self.read(lambda session: session.exec(query).one()) or 0)

    async def flow(self, name: str) -> SetUp | None:
        """Return a flow that was set up, on or off."""
        return next((flow for flow in await self.flows() if flow.name == name), None)

    async def flows(self) -> Sequence[SetUp]:
        """Return every flow that was set up, by name."""
        return await self.read(flows_set_up)

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
        return await self.read(lambda session: session.exec(query).all())


def dialect_of(bound: sa.Engine | sa.Connection) -> Any:
    """Return the module of a database's own dialect, whose INSERT can say what to do ON CONFLICT."""
    return sqlite if bound.dialect.name == "sqlite" else postgresql


def changed(session: Session | sa.Connection, statement: Any) -> bool:
    """Carry out a write. Returns whether it changed any row."""
    # Without the option, PostgreSQL's driver does not say how many rows an INSERT … ON CONFLICT made.
    result = session.execute(statement, execution_options={"preserve_rowcount": True})
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


def _revised(session: Session) -> None:
    session.execute(sa.update(Revision).values(number=Revision.number + 1))


def _set_up(row: Flow, document: Mapping[str, Any], settings: Mapping[str, Any]) -> SetUp:
    return SetUp(
        name=row.name,
        template=row.template,
        version=row.version,
        enabled=row.enabled,
        paused=row.paused,
        document=document,
        settings=settings,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
    )


def _times(document: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
    """Return a flow's triggers as they are with its settings: the time may be one of these."""
    return references.fill(document.get("when"), {"settings": settings})
