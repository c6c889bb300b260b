"""Durable runs: carried out by this process, each over a journal in the database.

A run belongs to the process that carries it out, and every line of its journal is kept only while it does. A run that
waits belongs to nobody and costs nothing. Whoever wakes it makes it ready, and any process takes it from there.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlmodel import col

from flows.interruptions import LostError
from flows.journal import Act, Note, Work, begun
from flows.processes import ThisProcess
from flows.store import StorageError, Store
from flows.tables import Flow, FlowVersion, Journal, Run

log = structlog.get_logger()

MOST: Final = 100
"""Runs that one process carries out at the same time. The others are ready, and wait."""
SUSPECT: Final = 2
"""Recoveries of a run without any progress, from which on it is carried out as the only one of its kind in a process: if
it is what ends processes, it must not be time and again in the company of others, who would be counted with it."""
PAUSE: Final = 1.0
"""Seconds until runs are looked for again after that broke."""
GRACE: Final = 8.0
"""Seconds that runs have, when a process ends, to come to their next line."""


_LINES: Final[sa.Table] = Journal.__table__  # type: ignore[attr-defined]  # SQLModel adds them
_RUNS: Final[sa.Table] = Run.__table__  # type: ignore[attr-defined]  # as above
_VERSIONS: Final[sa.Table] = FlowVersion.__table__  # type: ignore[attr-defined]  # as above


def _note_statement() -> sa.Insert:
    owned = sa.select(1).where(
        _RUNS.c.id == sa.bindparam("of_run"), _RUNS.c.owner == sa.bindparam("by_owner"), _RUNS.c.state == "running"
    )
    values = sa.select(
        sa.bindparam("of_run", type_=sa.String()),
        sa.bindparam("of_name", type_=sa.String()),
        sa.bindparam("of_value", type_=sa.JSON()),
        sa.bindparam("of_at", type_=sa.Float()),
        sa.bindparam("of_took", type_=sa.Float()),
    ).where(sa.exists(owned))
    return sa.insert(_LINES).from_select(["run_id", "name", "value", "at", "took"], values)


_NOTE: Final = _note_statement()


class DurableJournal:
    """The journal of a run, as long as the run is this process's."""

    def __init__(
        self,
        store: Store,
        process: ThisProcess,
        run_id: str,
        notes: Mapping[str, Note],
        now: Callable[[], float],
        *,
        recoveries: int = 0,
    ) -> None:
        self._now = now
        self.recoveries = recoveries
        """How often the run was taken up again without coming further."""
        self._store = store
        self._process = process
        self._run_id = run_id
        self._notes = dict(notes)
        self._writing: list[asyncio.Future[None]] = []
        self.closing = False

    def noted(self, name: str) -> Note | None:
        """Return what was noted under a name."""
        return self._notes.get(name)

    async def step(self, name: str, act: Act) -> Any:
        """Return what was noted under a name; if nothing was, act and note it.

        What is noted is on its way to the disk when this returns, and there before anything else is begun.
        Raises LostError if the run is not this process's any more.
        """
        if name in self._notes:
            return self._notes[name].value
        # Once it is noted that something begins, it is done: otherwise nobody could know later whether it was.
        await self._may_act(ends=begun(name) not in self._notes)
        began, at = time.monotonic(), self._now()
        value = await act()
        note = Note(value=value, at=at, took=round(time.monotonic() - began, 6))
        self._notes[name] = note
        self._writing.append(self._store.order(lambda connection: self._keep(connection, name, note)))
        return value

    async def stored(self, name: str, work: Work) -> Any:
        """Return what was noted under a name; if nothing was, change the database and note it, both or neither."""
        return await self.fold(name, work, within=())

    async def fold(self, name: str, work: Work, *, within: Sequence[str]) -> Any:
        """As `stored`, and forget what was noted under names that begin with these."""
        if name in self._notes:
            return self._notes[name].value
        await self._may_act()
        forgotten = [noted for noted in self._notes if noted.startswith(tuple(within))] if within else []
        began, at = time.monotonic(), self._now()

        def change(connection: sa.Connection) -> Note:
            note = Note(value=work(connection), at=at, took=round(time.monotonic() - began, 6))
            self._keep(connection, name, note)
            for start in range(0, len(forgotten), 500):
                some = forgotten[start : start + 500]
                connection.execute(
                    sa.delete(Journal).where(col(Journal.run_id) == self._run_id, col(Journal.name).in_(some))
                )
            return note

        note = await self._store.order(change)
        self.recoveries = 0
        for noted in forgotten:
            del self._notes[noted]
        self._notes[name] = note
        return note.value

    async def flush(self) -> None:
        """Wait until everything noted is kept. Raises LostError or StorageError if it is not."""
        writing, self._writing = self._writing, []
        for future in writing:
            await future
            self.recoveries = 0

    async def _may_act(self, *, ends: bool = True) -> None:
        await self.flush()
        if (self.closing and ends) or not self._process.lives():
            raise LostError(self._run_id)

    def _keep(self, connection: sa.Connection, name: str, note: Note) -> None:
        kept = connection.execute(
            _NOTE,
            {
                "of_run": self._run_id,
                "by_owner": self._process.id,
                "of_name": name,
                "of_value": note.value,
                "of_at": note.at,
                "of_took": note.took,
            },
            execution_options={"preserve_rowcount": True},
        )
        if kept.rowcount != 1:
            raise LostError(self._run_id)
        if self.recoveries:
            connection.execute(sa.update(Run).where(col(Run.id) == self._run_id).values(recoveries=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A run that this process took, with all that it needs to be carried out."""

    run: Run
    version: FlowVersion
    notes: Mapping[str, Note]


CarryOut = Callable[[Taken, DurableJournal], Awaitable[None]]
"""Carries out a run over its journal, and notes how it stands then."""
Watch = Callable[[str], AbstractAsyncContextManager[None]]
"""Surrounds the carrying-out of a run, to notice if it breaks."""


class Durable:
    """The runs that this process carries out."""

    def __init__(
        self, store: Store, process: ThisProcess, carry_out: CarryOut, watch: Watch, now: Callable[[], float]
    ) -> None:
        self._store = store
        self._process = process
        self._carry_out = carry_out
        self._watch = watch
        self._now = now
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._journals: dict[str, DurableJournal] = {}
        self._promised: set[str] = set()
        self._look = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    def launch(self) -> None:
        """Begin to look for runs that are ready, now and whenever `look` is called."""
        self._looking = asyncio.create_task(self._look_again_and_again())
        self._looking.add_done_callback(self._stopped_looking)
        self._look.set()

    def look(self) -> None:
        """Look for runs that are ready."""
        self._look.set()

    def look_for(self, ready: Iterable[Run]) -> None:
        """Look for runs that are ready, if there are any."""
        if any(ready):
            self._look.set()

    @property
    def working(self) -> list[str]:
        """The runs that are being carried out here."""
        return [*self._tasks, *self._promised]

    def promise(self, run_id: str) -> bool:
        """Keep a place for a run that is about to be accepted. Returns False if there is none."""
        if self._closed or len(self.working) >= MOST or run_id in self._tasks or run_id in self._promised:
            return False
        self._promised.add(run_id)
        return True

    def keep_promise(self, run_id: str, taken: Taken | None) -> None:
        """Carry out the run that a place was kept for, or give the place back."""
        self._promised.discard(run_id)
        if taken is not None:
            self._begin(taken)

    async def close(self) -> None:
        """Stop. What is under way comes to its next line, and goes on in another process, or later."""
        self._closed = True
        if self._looking is not None:
            self._looking.cancel()
        for journal in self._journals.values():
            journal.closing = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _stopped_looking(self, done: asyncio.Task[None]) -> None:
        """Begin again to look after what nobody foresaw: without it, this process would take no run any more."""
        if self._closed or done.cancelled():
            return
        log.error("looking_broke", exc_info=done.exception())
        asyncio.get_running_loop().call_later(PAUSE, lambda: None if self._closed else self.launch())

    async def _look_again_and_again(self) -> None:
        while True:
            await self._look.wait()
            self._look.clear()
            room = MOST - len(self.working)
            if room <= 0:
                continue
            try:
                found = await self._take(room)
            except StorageError as error:
                log.warning("cannot_take_runs", why=str(error))
                continue
            for taken in found:
                self._begin(taken)
            if len(found) == room:
                self._look.set()

    async def _take(self, most: int) -> Sequence[Taken]:
        """Take runs that are ready, or whose time has come."""
        now, mine = self._now(), self._process.id
        busy = set(self.working)
        any_suspect = any(journal.recoveries >= SUSPECT for journal in self._journals.values())

        def work(connection: sa.Connection) -> list[Taken]:
            ready = sa.or_(col(Run.state) == "ready", sa.and_(col(Run.state) == "waiting", col(Run.wake_at) <= now))
            query = (
                sa.select(col(Run.id), col(Run.recoveries))
                .join(Flow, col(Flow.name) == col(Run.flow), isouter=True)
                .where(ready, sa.func.coalesce(col(Flow.paused), sa.false()).is_(sa.false()))
                .order_by(col(Run.recoveries) >= SUSPECT, col(Run.began_at))
                .limit(most)
                .with_for_update(skip_locked=True, of=Run)
            )
            found = [(run_id, times) for run_id, times in connection.execute(query).all() if run_id not in busy]
            suspects = [run_id for run_id, times in found if times >= SUSPECT]
            later = suspects if any_suspect else suspects[1:]
            ids = [run_id for run_id, _ in found if run_id not in later]
            if not ids:
                return []
            connection.execute(
                sa.update(Run)
                .where(col(Run.id).in_(ids))
                .values(state="running", owner=mine, wake_at=None, nudged=False)
            )
            return load(connection, ids)

        return await self._store.order(work)

    def _begin(self, taken: Taken) -> None:
        run_id = taken.run.id
        journal = DurableJournal(
            self._store, self._process, run_id, taken.notes, self._now, recoveries=taken.run.recoveries
        )
        self._journals[run_id] = journal
        task = asyncio.create_task(self._watched(taken, journal), name=run_id)
        self._tasks[run_id] = task
        task.add_done_callback(lambda _done: self._ended(run_id))

    async def _watched(self, taken: Taken, journal: DurableJournal) -> None:
        async with self._watch(taken.run.id):
            try:
                await self._carry_out(taken, journal)
            except LostError:
                log.info("run_lost", run=taken.run.id)
            except StorageError as error:
                # What is noted is noted. It is taken up from there when the database can keep something again.
                log.warning("run_interrupted", run=taken.run.id, why=str(error))

    def _ended(self, run_id: str) -> None:
        suspect = self._journals[run_id].recoveries >= SUSPECT
        del self._tasks[run_id], self._journals[run_id]
        if suspect or len(self.working) >= MOST - 1:
            self._look.set()


def load(connection: sa.Connection, run_ids: Sequence[str]) -> list[Taken]:
    """Return runs with their versions and journals."""
    notes: dict[str, dict[str, Note]] = {run_id: {} for run_id in run_ids}
    lines = sa.select(_LINES).where(_LINES.c.run_id.in_(run_ids))
    for line in connection.execute(lines).mappings():
        notes[line["run_id"]][line["name"]] = Note(value=line["value"], at=line["at"], took=line["took"])
    runs = connection.execute(sa.select(_RUNS).where(_RUNS.c.id.in_(run_ids)).order_by(_RUNS.c.began_at)).mappings()
    found = [Run(**run) for run in runs]
    wanted = sa.tuple_(_VERSIONS.c.flow, _VERSIONS.c.version).in_({(run.flow, run.version) for run in found})
    versions = [FlowVersion(**row) for row in connection.execute(sa.select(_VERSIONS).where(wanted)).mappings()]
    of = {(version.flow, version.version): version for version in versions}
    return [Taken(run=run, version=of[run.flow, run.version], notes=notes[run.id]) for run in found]


def load_version(connection: sa.Connection, flow: str, version: int) -> FlowVersion:
    """Return a version of a flow. Raises KeyError if there is none."""
    query = sa.select(_VERSIONS).where(_VERSIONS.c.flow == flow, _VERSIONS.c.version == version)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise KeyError((flow, version))
    return FlowVersion(**row)
