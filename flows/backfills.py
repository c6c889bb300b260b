"""Back-fills: a flow is carried out for those who were there before it, once for each of them.

First it is counted for whom that would be, and nothing happens. What was counted is kept, and is what is carried out when
somebody says so: bit by bit, so that neither services nor people are flooded, and each bit in one transaction with the
position that was reached, so that nobody is begun with twice, wherever a process ends.
"""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import col, select

from connectors.base import Catalog, Source
from connectors.limits import bulk
from flows import run_states
from flows.datasets import Datasets
from flows.door import Threshold, persons_of
from flows.durable import load_version
from flows.language import Template, Turns
from flows.live import Accounts
from flows.offering import Counted, Person, asks, known, offered
from flows.store import SetUp, Store
from flows.tables import Backfill, DatasetItem, Decision, Flow, Run

AT_ONCE: Final = 50
"""Runs of a back-fill that are under way at the same time."""
ASKED: Final = 10
"""The same for a flow that asks people, and questions that may be open."""
WAITING: Final = 1000
"""Runs of a back-fill that wait for a time or for somebody."""
BATCH: Final = 500
"""People who are looked up together."""
LEASE: Final = 10.0
"""Seconds after which another process may go on with what one has left."""
KEPT: Final = 86400.0
"""Seconds for which what was counted is kept, for somebody to say yes to it."""
SAMPLE: Final = 25
"""People for whom it is tried out what the flow would do."""

_BACKFILLS: Final[sa.Table] = Backfill.__table__  # type: ignore[attr-defined]  # SQLModel adds them
_FLOWS: Final[sa.Table] = Flow.__table__  # type: ignore[attr-defined]  # as above


class WontFillError(Exception):
    """A flow that cannot be carried out for those who were there before. The text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a back-fill is."""

    backfill: Backfill
    states: Mapping[str, int]
    """Its runs, by their state."""
    halted: str
    """Why nothing more is begun just now; empty if it goes on."""

    @property
    def begun(self) -> int:
        """How many runs it has begun."""
        return sum(self.states.values())

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        fed = self.backfill.state == "cancelled" or self.backfill.position >= self.backfill.total
        return fed and not any(self.states.get(state) for state in (*run_states.UNDER_WAY, "queued"))


class Backfills:
    """Counts, begins, feeds and cancels back-fills."""

    def __init__(
        self,
        *,
        store: Store,
        catalog: Catalog,
        accounts: Accounts,
        look: Callable[[], None],
        now: Callable[[], float],
        lease: float = LEASE,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._accounts = accounts
        self._look = look
        self._now = now
        self._lease = lease
        self._datasets = Datasets(store)
        self._me = uuid.uuid4().hex

    # --- counting ---------------------------------------------------------------------------------------------------

    def sources(self, flow: SetUp) -> Sequence[tuple[Source, str]]:
        """Return the events that existing people can stand for, with their connections, in the order of the triggers.

        Raises WontFillError if there is none.
        """
        threshold = Threshold(flow, persons_of(self._catalog))
        places = [(self._catalog.sources[name], connection) for name, connection in threshold.places]
        fit = [(source, connection) for source, connection in places if source.existing is not None]
        if fit:
            return fit
        known = [source.name for source in self._catalog.sources.values() if source.existing is not None]
        raise WontFillError(
            threshold.reason
            or f"it is woken by none of the events that people who were there before can stand for ({', '.join(known)})"
        )

    async def count(self, flow: SetUp, *, by: str) -> Counted:
        """Look at everybody, and keep for whom the flow would be carried out. Nothing is begun.

        Raises WontFillError, ConnectorError or StorageError.
        """
        offers = self.sources(flow)
        counted = Counted(id=f"fill-{uuid.uuid4().hex[:12]}")
        with bulk():
            kept = await self._datasets.store(
                counted.id, counted.id, self._wanted(flow, offers, counted), list(Person.model_fields), self._now()
            )
        counted.fill = kept.count
        row = Backfill(
            id=counted.id,
            flow=flow.name,
            version=flow.version,
            by=by,
            state="ready",
            total=kept.count,
            made_at=self._now(),
        )
        await self._store.transact(lambda session: session.add(row))
        return counted

    async def _wanted(
        self, flow: SetUp, offers: Sequence[tuple[Source, str]], counted: Counted
    ) -> AsyncIterator[Person]:
        threshold = Threshold(flow, persons_of(self._catalog))
        for connection in dict.fromkeys(connection for _, connection in offers):
            sources = [source for source, of in offers if of == connection]
            batch: list[Person] = []
            async for profile in self._everybody(sources[0], connection, await self._accounts.client(connection)):
                counted.seen += 1
                found = offered(threshold, sources, connection, profile, counted)
                if found is not None:
                    batch.append(found)
                if len(batch) == BATCH:
                    for one in await self._new(flow, batch, counted):
                        yield one
                    batch = []
            for one in await self._new(flow, batch, counted):
                yield one

    def _everybody(self, source: Source, connection: str, client: Any) -> AsyncIterator[Mapping[str, Any]]:
        connector = self._catalog.connectors[source.name.partition(".")[0]]
        if connector.everybody is None:
            raise WontFillError(f"{connector.title} does not say who is there ({connection})")
        return connector.everybody(client)

    async def _new(self, flow: SetUp, people: Sequence[Person], counted: Counted) -> Sequence[Person]:
        """Return those with whom the flow has not dealt."""
        now = self._now()
        dealt_with = await self._store.read(lambda session: known(session.connection(), flow.name, people, now))
        new = [one for one in people if not dealt_with(one)]
        counted.handled += len(people) - len(new)
        return new

    async def sample(self, backfill_id: str, most: int = SAMPLE) -> Sequence[Person]:
        """Return some of those for whom a flow would be carried out, from the first to the last."""
        found = await self._datasets.about(backfill_id)
        count = found.count if found else 0
        places = sorted({number * count // min(most, count) for number in range(min(most, count))}) if count else []
        picked = [await self._datasets.read(backfill_id, place, 1) for place in places]
        return [Person.model_validate(item) for some in picked for item in some]

    async def people(self, backfill_id: str, *, page: int = 1000) -> AsyncIterator[Sequence[Person]]:
        """Yield everybody for whom a flow would be carried out, some at a time."""
        start = 0
        while some := await self._datasets.read(backfill_id, start, page):
            yield [Person.model_validate(item) for item in some]
            start += len(some)

    # --- carrying out -----------------------------------------------------------------------------------------------

    async def get(self, backfill_id: str) -> Backfill | None:
        """Return a back-fill."""
        return await self._store.read(lambda session: session.get(Backfill, backfill_id))

    async def of(self, flow: str) -> Backfill | None:
        """Return the back-fill of a flow that is under way, if one is."""
        query = select(Backfill).where(Backfill.flow == flow, Backfill.state == "running")
        return await self._store.read(lambda session: session.exec(query).first())

    async def begin(self, backfill_id: str, *, channel: str, message: str) -> Backfill | str:
        """Begin what was counted. Returns why not, if it cannot be: then nothing has happened."""
        now = self._now()

        def work(connection: sa.Connection) -> str | None:
            row = connection.execute(sa.select(_BACKFILLS).where(_this(backfill_id)).with_for_update()).first()
            if row is None:
                return "What was counted is not kept any more. Count again."
            if row.state != "ready":
                return {
                    "running": "This back-fill is under way already.",
                    "done": "This back-fill is done already.",
                }.get(row.state, "This back-fill was cancelled.")
            flow = connection.execute(sa.select(_FLOWS).where(col(Flow.name) == row.flow)).first()
            if flow is None or not flow.enabled:
                return f"{row.flow} is off. Switch it on first."
            if flow.version != row.version:
                return f"{row.flow} was changed since this was counted. Count again."
            if row.made_at < now - KEPT:
                return "This was counted more than a day ago. Count again."
            other = sa.select(col(Backfill.id)).where(col(Backfill.flow) == row.flow, col(Backfill.state) == "running")
            if connection.execute(other).first() is not None:
                return f"Another back-fill of {row.flow} is under way."
            values = {"state": "running", "channel": channel, "message": message}
            connection.execute(sa.update(Backfill).where(_this(backfill_id)).values(**values))
            return None

        refused = await self._store.order(work)
        if refused is not None:
            return refused
        found = await self.get(backfill_id)
        return found or "What was counted is not kept any more. Count again."

    async def cancel(self, backfill_id: str) -> bool:
        """Begin nothing more. What was begun goes on, but for what waits in line. Returns False if it has ended."""
        now = self._now()

        def work(connection: sa.Connection) -> bool:
            ends = sa.update(Backfill).where(_this(backfill_id), col(Backfill.state).in_(("ready", "running")))
            if not connection.execute(ends.values(state="cancelled")).rowcount:
                return False
            line = sa.select(col(Run.id)).where(col(Run.backfill) == backfill_id, col(Run.state) == "queued")
            for run_id in connection.execute(line).scalars().all():
                run_states.cancel(connection, run_id, message="The back-fill was cancelled.", now=now)
            return True

        return await self._store.order(work)

    async def feed(self) -> Sequence[Progress]:
        """Go on with the back-fills that are this process's, or nobody's. Returns how far these are."""
        now = self._now()
        live = sa.or_(
            col(Backfill.state) == "running",
            sa.and_(col(Backfill.state) == "cancelled", col(Backfill.ended_at).is_(None), col(Backfill.message) != ""),
        )
        query = select(Backfill).where(live)
        found = await self._store.read(lambda session: session.exec(query).all())
        progress = []
        for one in found:
            fed = await self._store.order(lambda connection, one=one: self._feed(connection, one.id, now))  # type: ignore[misc]  # mypy knows no defaults of lambdas
            if fed is not None:
                progress.append(fed)
        if progress:
            self._look()
        return progress

    def _feed(self, connection: sa.Connection, backfill_id: str, now: float) -> Progress | None:
        """Begin as many as there is room for. Returns None if another process does that."""
        free = sa.or_(col(Backfill.owner) == self._me, col(Backfill.claimed_at) < now - self._lease)
        claim = sa.update(Backfill).where(_this(backfill_id), free, col(Backfill.ended_at).is_(None))
        if not connection.execute(claim.values(owner=self._me, claimed_at=now)).rowcount:
            return None
        row = Backfill(**connection.execute(sa.select(_BACKFILLS).where(_this(backfill_id))).mappings().one())
        version = load_version(connection, row.flow, row.version)
        template = Template.model_validate(version.document)
        halted = _halted(connection, row)
        if not halted and row.state == "running" and row.position < row.total:
            halted = self._begin_some(connection, row, template, now)
        return Progress(backfill=row, states=_states(connection, row.id), halted=halted)

    def _begin_some(self, connection: sa.Connection, row: Backfill, template: Template, now: float) -> str:
        states, questions = _states(connection, row.id), _open_questions(connection, row.id)
        most = ASKED if asks(template.steps) else AT_ONCE
        active = sum(states.get(state, 0) for state in ("queued", "ready", "running"))
        room = min(most - active, ASKED - questions, WAITING - states.get("waiting", 0))
        if questions >= ASKED:
            return f"{questions} questions wait for an answer"
        items = connection.execute(
            sa.select(col(DatasetItem.item))
            .where(
                col(DatasetItem.dataset) == row.id,
                col(DatasetItem.position) >= row.position,
                col(DatasetItem.position) < row.position + max(room, 0),
            )
            .order_by(col(DatasetItem.position))
        ).scalars()
        people = [Person.model_validate(item) for item in items]
        dealt_with = known(connection, row.flow, people, now)
        begun: set[str] = set()
        for person in people:
            if template.runs.mode == "restart" and _busy(connection, row.flow, person.lane):
                break  # a new run would end the one under way
            row.position += 1
            if person.person in begun or dealt_with(person) or not _claimed(connection, row, person, now):
                row.passed += 1
                continue
            begun.add(person.person)
            run_states.add(connection, self._run(connection, row, person, template.runs, now))
        values = {"position": row.position, "passed": row.passed}
        connection.execute(sa.update(Backfill).where(_this(row.id)).values(**values))
        return ""

    def _run(self, connection: sa.Connection, row: Backfill, person: Person, turns: Turns, now: float) -> Run:
        run_states.hold(connection, row.flow, turns)
        state, _ = run_states.turn(connection, row.flow, person.lane, turns, now)
        event_id = f"{person.connection}:{row.id}:{person.person}"
        return Run(
            id=f"{row.flow}/{row.version}/{event_id}",
            flow=row.flow,
            version=row.version,
            trigger=person.trigger,
            event_id=event_id,
            event=person.event,
            person=person.person,
            backfill=row.id,
            lane=person.lane,
            state=state or "queued",  # nobody is let go: they do not come again
            began_at=now,
        )

    async def shown(self, backfill_id: str, *, ended: bool) -> None:
        """Note that people were told how far it is; of one that is over, that they know how it ended."""
        values: dict[str, Any] = {"shown_at": self._now()}
        if ended:
            running = sa.case((col(Backfill.state) == "running", "done"), else_=col(Backfill.state))
            values |= {"state": running, "ended_at": self._now()}
        await self._store.order(
            lambda connection: connection.execute(sa.update(Backfill).where(_this(backfill_id)).values(**values))
        )
        if ended:
            await self._datasets.drop([backfill_id])

    async def forget(self) -> None:
        """Remove what was counted and never begun."""
        old = (col(Backfill.state) == "ready", col(Backfill.made_at) < self._now() - KEPT)
        query = sa.select(col(Backfill.id)).where(*old)
        ids = await self._store.read(lambda session: list(session.execute(query).scalars()))
        if ids:
            await self._datasets.drop(ids)
            await self._store.order(
                lambda connection: connection.execute(sa.delete(Backfill).where(col(Backfill.id).in_(ids), *old))
            )


def _this(backfill_id: str) -> sa.ColumnElement[bool]:
    return col(Backfill.id) == backfill_id


def _claimed(connection: sa.Connection, row: Backfill, person: Person, now: float) -> bool:
    """Claim the key of `once per`, if the flow has one. Returns False if somebody else has it."""
    if person.once is None:
        return True
    event_id = f"{person.connection}:{row.id}:{person.person}"
    until = now + person.within
    return run_states.claim_once(connection, flow=row.flow, key=person.once, event_id=event_id, now=now, until=until)


def _halted(connection: sa.Connection, row: Backfill) -> str:
    flow = connection.execute(sa.select(_FLOWS).where(col(Flow.name) == row.flow)).first()
    if flow is None or not flow.enabled:
        return f"{row.flow} is off"
    return f"{row.flow} is paused" if flow.paused else ""


def _states(connection: sa.Connection, backfill_id: str) -> Mapping[str, int]:
    query = sa.select(col(Run.state), sa.func.count()).where(col(Run.backfill) == backfill_id)
    return {state: count for state, count in connection.execute(query.group_by(col(Run.state))).all()}  # noqa: C416  # rows are no pairs to mypy


def _open_questions(connection: sa.Connection, backfill_id: str) -> int:
    query = (
        sa.select(sa.func.count())
        .select_from(Decision)
        .join(Run, col(Run.id) == col(Decision.run_id))
        .where(col(Run.backfill) == backfill_id, col(Decision.state) == "pending")
    )
    return int(connection.execute(query).scalar_one())


def _busy(connection: sa.Connection, flow: str, lane: str) -> bool:
    query = sa.select(col(Run.id)).where(
        col(Run.flow) == flow, col(Run.lane) == lane, col(Run.state).in_(run_states.UNDER_WAY)
    )
    return connection.execute(query.limit(1)).first() is not None
