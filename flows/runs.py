"""Runs: woken by events, times, people and other flows; resumed by answers; tried again and cancelled by people."""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlmodel import col

from connectors.base import Catalog
from connectors.errors import ConnectorError
from connectors.limits import bulk
from flows import misses, run_states, triggers
from flows.answers import Answers, Received, otherwise
from flows.at_once import AtOnce
from flows.attempts import attempt
from flows.caps import KeptCaps
from flows.clock import Clock
from flows.datasets import Datasets
from flows.decisions import Decisions, KeptPages, no_link
from flows.door import Door, Woken, new_run, persons_of
from flows.dry_run import DryRun, dry_run
from flows.durable import Durable, DurableJournal, Taken, Watch, load, load_version
from flows.easel import Easel
from flows.engine import carry_out
from flows.events import fitting
from flows.holds import KeptHolds
from flows.interruptions import SuspendedError
from flows.language import Template
from flows.live import Accounts, LiveCalls, LiveDatasets, LiveHands
from flows.misses import ONCE_PER, TURN, Misses, Why
from flows.problems import Problem
from flows.processes import Pulse, ThisProcess
from flows.retention import Retention
from flows.store import SetUp, Store
from flows.surroundings import Ended, Errand, Patience, People, Surroundings
from flows.tables import Decision, FlowVersion, Run
from flows.timetable import Timetable
from flows.trace import Line, answer_of, trace

log = structlog.get_logger()

LOOK: Final = 0.5
"""Seconds between two looks for runs that others made ready, or whose time has come."""
NOTICE: Final = 1.0
"""Seconds until a process notices that another one changed a flow, and between two writings of what missed the door."""
FORGET: Final = 60.0
"""Seconds between two removals of what is older than it needs to be."""
SHORT: Final = 5.0
"""Seconds that a run waits without giving its place away."""


class WrongEventError(Exception):
    """An edited event is not what its flow is woken by. Nothing was begun."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class _Plan:
    """A run that is about to be accepted."""

    run: Run
    woken: Woken
    here: bool
    """This process has a place for it."""


class Runs:
    """Carries out runs durably. Whatever process ends at whatever moment, what was accepted goes on."""

    def __init__(
        self,
        *,
        store: Store,
        decisions: Decisions,
        catalog: Catalog,
        accounts: Accounts,
        people: People,
        own: Mapping[str, Any],
        patience: Patience,
        watch: Watch,
        now: Callable[[], float],
        link: Callable[[str, str], str] = no_link,
        works: bool = True,
        keep_days: int = 90,
        pulse: Pulse | None = None,
    ) -> None:
        self._store = store
        self._decisions = decisions
        self._people = people
        self._now = now
        self._works = works
        self._misses = Misses()
        self._door = Door(self._misses, persons_of(catalog))
        self._revision: tuple[int, int] | None = None
        self._pulse = pulse or Pulse()
        self._process = ThisProcess(store, self._pulse)
        self._durable = Durable(store, self._process, self._carry_out, watch, now)
        self._answers = Answers()
        self._timetable = Timetable(store, self._misses)
        self._clock = Clock(self._ring, now=now)
        self._catalog = catalog
        datasets = Datasets(store)
        self._hands = LiveHands(accounts, {"rows": store, "dates": now, "charts": Easel(), **own}, datasets, now)
        self._retention = Retention(store, datasets, keep_days=keep_days)
        self._surroundings = Surroundings(
            catalog=catalog,
            hands=self._hands,
            people=people,
            caps=KeptCaps(now),
            calls=LiveCalls(store, self._begin, now),
            datasets=LiveDatasets(datasets, now),
            holds=KeptHolds(now),
            pages=KeptPages(link, now),
            answer=self._answers.give,
            pause=self._pause,
            now=now,
            patience=patience,
        )
        self._at_once = AtOnce(store, self._surroundings, now)

    # --- the process ------------------------------------------------------------------------------------------------

    async def launch(self) -> None:
        """Begin, and go on with everything that was accepted before."""
        await self._process.beat(self._now(), ())
        await self._refresh()
        self._clock.start()
        self._clock.every(NOTICE, self._notice, "notice")
        self._clock.every(self._pulse.beat, self._beat, "beat")
        if self._works:
            self._durable.launch()
            self._clock.every(LOOK, self._look, "look")
            self._clock.every(FORGET, self._forget, "forget")
            await self._set_clock()

    async def close(self) -> None:
        """Stop. What is under way comes to its next line, and goes on in another process, or at the next launch."""
        self._clock.stop()
        await self._at_once.close()
        await self._durable.close()
        await self._keep_misses()
        await self._process.leave()

    async def _beat(self) -> None:
        freed = await self._process.beat(self._now(), self._durable.working)
        if freed or await self._store.order(run_states.begin_waiting):
            self._durable.look()
        if self._works:
            await self._set_clock()  # for questions that a process asked which is no more

    async def _look(self) -> None:
        self._durable.look()

    async def _notice(self) -> None:
        await self._keep_misses()
        await self._refresh()

    async def _forget(self) -> None:
        await self._retention.forget(self._now())

    async def _keep_misses(self) -> None:
        batch = self._misses.take()
        if batch:
            await self._store.order(lambda connection: misses.keep(connection, batch))

    async def _refresh(self) -> None:
        """Open the door for the flows as they are now, if they have changed."""
        seen = (self._store.changes, await self._store.revision())
        if seen == self._revision:
            return
        flows = await self._store.flows()
        self._door.open_for(flows)
        for name, reason in self._door.skipped.items():
            log.warning("flow_skipped", flow=name, why=reason)
        await self._timetable.open_for(flows, self._now())
        self._revision = seen
        if self._works:
            await self._store.order(run_states.begin_waiting)
            await self._set_clock()
            self._durable.look()

    async def _set_clock(self) -> None:
        times = [await self._decisions.next_deadline(), self._timetable.next(self._now())]
        self._clock.set(min((at for at in times if at is not None), default=None))

    async def _ring(self) -> None:
        now = self._now()
        expired = await self._decisions.expire(now=now)
        if await self._timetable.tick(now) or expired:
            self._durable.look()
        await self._set_clock()

    # --- events -----------------------------------------------------------------------------------------------------

    async def receive(self, *, source: str, connection: str, event_id: str, event: Mapping[str, Any]) -> Received:
        """Accept an event, and begin the runs it wakes. The same event wakes a flow once, however often it comes.

        Where a flow answers, this waits for the answer, as long as the flow says.
        """
        while True:
            if self._revision is None or self._revision[0] != self._store.changes:
                await self._refresh()
            woken = self._door.knock(
                source=source, connection=connection, event_id=event_id, event=event, now=self._now()
            )
            if not woken:
                return _NOTHING
            answered = await self._at_once.receive(woken, f"{connection}:{event_id}", event)
            if answered is not None:
                return answered
            accepted = await self._accept(woken, f"{connection}:{event_id}", event)
            if accepted is not None:
                return accepted
            # Somebody changed a flow in another process a moment ago.
            self._revision = None

    async def _accept(self, woken: Sequence[Woken], event_id: str, event: Mapping[str, Any]) -> Received | None:
        """Keep the runs that an event wakes, and begin them. Returns None if a flow is not what the door thought."""
        plans = [self._plan(one, event_id, event, self._now()) for one in woken]
        answering = [plan for plan in plans if plan.woken.answers is not None]
        joined = {plan.run.id for plan in answering if self._answers.expect(plan.run.id)}
        try:
            accepted = await self._begin_accepted(plans)
            if accepted is None:
                return None
            here = accepted.keys() | (joined & set(self._durable.working))
            found = await asyncio.gather(
                *(
                    self._answers.wait(plan.run.id, plan.woken.answers)
                    if plan.run.id in here
                    else self._answered_before(plan.run, plan.woken.answers)
                    for plan in answering
                    if plan.woken.answers is not None
                )
            )
            replies = [(plan.run.id, reply) for plan, reply in zip(answering, found, strict=True) if reply is not None]
            return Received(runs=list(accepted), replies=replies)
        finally:
            for plan in answering:
                self._answers.forget(plan.run.id)

    async def _begin_accepted(self, plans: Sequence[_Plan]) -> Mapping[str, Run] | None:
        """Keep the runs that are planned, and begin those that have a place here. Returns those that are new, by id."""
        now = self._now()
        kept: Sequence[Run] | None = None
        try:
            kept = await self._store.order(lambda connection: self._keep(connection, plans, now))
        finally:
            accepted = {run.id: run for run in kept or ()}
            for plan in plans:
                run = accepted.get(plan.run.id)
                runs_here = plan.here and run is not None and run.owner == self._process.id
                if plan.here:
                    self._durable.keep_promise(plan.run.id, _taken(run, plan.woken.flow) if runs_here and run else None)
            self._durable.look_for(run for run in accepted.values() if run.state == "ready")
        return accepted if kept is not None else None

    async def _answered_before(self, run: Run, answers: triggers.Answers) -> Mapping[str, Any] | None:
        """Return what was answered when the same event came before; None if it did not, but was turned away."""
        same = sa.select(col(Run.id)).where(col(Run.flow) == run.flow, col(Run.event_id) == run.event_id)
        run_id = await self._store.read(lambda session: session.execute(same).scalar())
        if run_id is None:
            return None
        under_way = run_id == run.id and run_id in self._durable.working
        datasets = LiveDatasets(Datasets(self._store), self._now)
        told = await answer_of(run_id, store=self._store, catalog=self._catalog, datasets=datasets, now=self._now)
        if told is None and under_way:
            return await self._answers.wait(run_id, answers)  # who sent it first has gone, and it is still under way
        return otherwise(answers) if told is None else told

    def _plan(self, woken: Woken, event_id: str, event: Mapping[str, Any], now: float) -> _Plan:
        flow = woken.flow
        run = Run(**new_run(woken, event_id, event, now))
        wanted = self._works or woken.answers is not None  # whoever answers has to be the process that was asked
        return _Plan(run, woken, wanted and not flow.paused and self._durable.promise(run.id))

    def _keep(self, connection: sa.Connection, plans: Sequence[_Plan], now: float) -> Sequence[Run] | None:
        if not run_states.still_so(connection, [plan.woken.flow for plan in plans]):
            return None
        kept = []
        for plan in plans:
            run = plan.run.model_copy()
            # Before it is looked whether it is new: the same event may just now be accepted by another process, and its
            # run would be taken for an earlier one.
            run_states.hold(connection, run.flow, plan.woken.template.runs)
            if self._is_new(connection, plan, now):
                state, cancelled = run_states.turn(connection, run.flow, run.lane, plan.woken.template.runs, now)
                if state is None:
                    self._misses.note(run.flow, TURN, run.event_id, run.lane, plan.woken.template.runs.mode, now)
                    _release(connection, plan)
                    continue
                begins = state == "ready" and plan.here
                run.state, run.owner = ("running", self._process.id) if begins else (state, None)
                if run_states.add(connection, run):
                    kept.append(run)
                for run_id in cancelled:
                    log.info("run_cancelled", run=run_id, by=run.id)
        return kept

    def _is_new(self, connection: sa.Connection, plan: _Plan, now: float) -> bool:
        """Return whether there was no run for this event, nor for its key of `once per`."""
        run, once = plan.run, plan.woken.once
        known = sa.select(col(Run.id)).where(col(Run.flow) == run.flow, col(Run.event_id) == run.event_id)
        if connection.execute(known).first() is not None:
            return False
        if once is None:
            return True
        key, within = once
        if run_states.claim_once(
            connection, flow=run.flow, key=key, event_id=run.event_id, now=now, until=now + within
        ):
            return True
        self._misses.note(run.flow, ONCE_PER, run.event_id, key, None, now)
        return False

    # --- people -----------------------------------------------------------------------------------------------------

    async def decide(self, decision_id: str, choice: str, *, by: str | None) -> tuple[bool, Decision | None]:
        """Decide an open question, and let its run go on. Returns whether this call decided, and how it stands."""
        won, decision = await self._decisions.decide(decision_id, choice, by=by, now=self._now())
        if won:
            self._durable.look()
        return won, decision

    async def decide_all(self, gathering: str, choice: str, *, last: int, by: str) -> int:
        """Decide the open questions of one message, up to a place, and let their runs go on. Returns how many."""
        count = await self._decisions.decide_all(gathering, choice, last=last, by=by, now=self._now())
        self._durable.look()
        return count

    async def start(self, flow: SetUp, *, trigger: int, event: Mapping[str, Any]) -> str:
        """Start a flow by hand, with what was filled in. Returns the run's id."""
        event_id = f"hand:{uuid.uuid4().hex}"
        run = Run(
            id=f"{flow.name}/{flow.version}/{event_id}",
            flow=flow.name,
            version=flow.version,
            trigger=trigger,
            event_id=event_id,
            event=dict(event),
            state="ready",
            began_at=self._now(),
        )
        await self._add(run)
        return run.id

    async def again(self, run_id: str) -> bool:
        """Try a failed run again from the step that failed. Returns False if it is not (or no longer) failed."""

        now = self._now()
        reopened = await self._store.order(lambda connection: run_states.reopen(connection, run_id, now=now))
        if reopened:
            self._durable.look()
        return reopened

    async def afresh(self, run_id: str, *, event: Mapping[str, Any] | None = None) -> str | None:
        """Begin a run again from the start, with its own event or an edited one. Returns the new run's id.

        None if the run is not remembered. Raises WrongEventError if the edited event does not fit.
        """
        found = await self._store.order(lambda connection: load(connection, [run_id]))
        if not found:
            return None
        old, version = found[0].run, found[0].version
        if event is not None:
            trigger = _template(old.flow, old.version, version.document).when[old.trigger]
            fits = fitting(event, trigger, self._catalog)
            if isinstance(fits, list):
                raise WrongEventError(fits)
            event = fits
        event_id = f"{old.event_id}~{uuid.uuid4().hex[:8]}"
        run = Run(
            id=f"{old.flow}/{old.version}/{event_id}",
            flow=old.flow,
            version=old.version,
            trigger=old.trigger,
            event_id=event_id,
            event=dict(old.event if event is None else event),
            state="ready",
            began_at=self._now(),
        )
        await self._add(run)
        return run.id

    async def cancel(self, run_id: str, *, by: str) -> bool:
        """Cancel a run that has not ended. What it is doing just now is done; nothing more is begun."""
        now = self._now()

        def work(connection: sa.Connection) -> Sequence[Taken]:
            cancelled = run_states.cancel(connection, run_id, message=f"Cancelled by {by}.", now=now)
            found = load(connection, cancelled)
            for this in found:
                if this.run.id == run_id:
                    template = _template(this.run.flow, this.run.version, this.version.document)
                    run_states.next_in_line(connection, this.run.flow, this.run.lane, template.runs)
            return found

        cancelled = await self._store.order(work)
        if not cancelled:
            return False
        self._durable.look()
        for taken in cancelled:
            self._answers.over(taken.run.id)
            try:
                await self._people.tell(_errand(taken), Ended(outcome="cancelled", message=taken.run.message))
            except ConnectorError as error:
                log.warning("could_not_tell", run=taken.run.id, why=error.message)
        return True

    async def discard(self, run_id: str) -> bool:
        """Take a failed run off the list of those that somebody has to look at."""
        statement = sa.update(Run).where(col(Run.id) == run_id, col(Run.state) == "failed").values(state="discarded")
        return await self._store.order(lambda connection: connection.execute(statement).rowcount > 0)

    async def dry_run(
        self, flow: SetUp, event: Mapping[str, Any], *, choices: Mapping[str, str] | None = None
    ) -> DryRun:
        """Say what a flow would do for an event, without doing it. `choices` answer its questions, by step path."""
        errand = Errand(
            run_id="dry",
            flow=flow.name,
            template=_template(flow.name, flow.version, flow.document),
            settings=flow.settings,
            event=event,
        )
        return await dry_run(
            errand, catalog=self._catalog, hands=self._hands, store=self._store, now=self._now, choices=choices
        )

    def look(self) -> None:
        """Look for runs that were made ready in the database."""
        self._durable.look()

    async def trace(self, run_id: str) -> Sequence[Line] | None:
        """Return every step of a run, in the order it was carried out. None if there is no such run."""
        datasets = LiveDatasets(Datasets(self._store), self._now)
        return await trace(run_id, store=self._store, catalog=self._catalog, datasets=datasets, now=self._now)

    async def why(self, flow: str, *, since: float) -> Why:
        """Return which guards kept events from waking a flow, and the latest of these events."""
        await self._keep_misses()
        return await misses.why(self._store, flow, since)

    async def _add(self, run: Run) -> None:
        version = (run.flow, run.version)

        def work(connection: sa.Connection) -> None:
            found = load_version(connection, *version)
            turns = _template(*version, found.document).runs
            run.lane = run_states.lane(turns, found.settings, run.event)
            state, _ = run_states.turn(connection, run.flow, run.lane, turns, run.began_at)
            run.state = state or "queued"  # what a person starts is not let go
            run_states.add(connection, run)

        await self._store.order(work)
        self._durable.look()

    # --- carrying out -----------------------------------------------------------------------------------------------

    async def _begin(self, _run_id: str) -> None:
        self._durable.look()

    async def _pause(self, until: float) -> None:
        left = until - self._now()
        if left > SHORT:
            raise SuspendedError("time", until=until)
        if left > 0:
            await asyncio.sleep(left)

    async def _carry_out(self, taken: Taken, journal: DurableJournal) -> None:
        run, errand = taken.run, _errand(taken)
        try:
            ended = run_states.given_up(run)
            if ended is None:
                # Whoever is there now goes before those who have been there for long.
                with bulk() if run.backfill else nullcontext():
                    ended = await carry_out(errand, journal=journal, surroundings=self._surroundings)
            else:
                await self._tell(errand, ended, journal)
        except SuspendedError as waits:
            until = waits.until
            await journal.flush()
            ready = await self._store.order(
                lambda connection: run_states.suspend(connection, run.id, self._process.id, until)
            )
            if ready:
                self._durable.look()
            if self._works:
                await self._set_clock()
            return
        now = self._now()
        settled = self._store.order(
            lambda connection: run_states.settle(
                connection, run, owner=self._process.id, ended=ended, turns=errand.template.runs, now=now
            )
        )
        self._answers.over(run.id)
        await asyncio.gather(journal.flush(), settled)
        log.info("run_ended", run=run.id, outcome=ended.outcome, path=ended.path)
        if settled.result():
            self._durable.look()

    async def _tell(self, errand: Errand, ended: Ended, journal: DurableJournal) -> None:
        async def act() -> None:
            await self._people.tell(errand, ended)

        # Once only: while the run waited to tell it again, it would be taken for one that came further.
        await attempt(journal, self._surroundings, f"told/{ended.outcome}", act, once=True)


_NOTHING: Final = Received(runs=())


def _release(connection: sa.Connection, plan: _Plan) -> None:
    """Leave the key of `once per` to an event that becomes a run."""
    if plan.woken.once is not None:
        run, (key, _) = plan.run, plan.woken.once
        run_states.release_once(connection, flow=run.flow, key=key, event_id=run.event_id)


def _errand(taken: Taken) -> Errand:
    run, version = taken.run, taken.version
    return Errand(
        run_id=run.id,
        flow=run.flow,
        template=_template(run.flow, run.version, version.document),
        settings=version.settings,
        event=run.event,
        owner=version.saved_by,
        depth=run.depth,
    )


class _Templates:
    """Flows that were read lately, by name and version: a version never changes."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, int], tuple[Mapping[str, Any], Template]] = {}

    def __call__(self, flow: str, version: int, document: Mapping[str, Any]) -> Template:
        """Return a version of a flow, read."""
        found = self._read.get((flow, version))
        if found is None or (found[0] is not document and found[0] != document):
            if len(self._read) > 500:
                self._read.clear()
            found = (document, Template.model_validate(document))
            self._read[flow, version] = found
        return found[1]


_template: Final = _Templates()


def _taken(run: Run, flow: SetUp) -> Taken:
    version = FlowVersion(
        flow=flow.name,
        version=flow.version,
        document=dict(flow.document),
        settings=dict(flow.settings),
        saved_by=flow.changed_by,
    )
    return Taken(run=run, version=version, notes={})
