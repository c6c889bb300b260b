"""Runs: woken by events, resumed by answers and deadlines, tried again by people."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, col

from connectors.base import Catalog
from flows.clock import Clock
from flows.decisions import Decisions
from flows.durable import Durable
from flows.engine import Accounts, Errand, Patience, People, carry_out
from flows.journal import Journal, SuspendedError
from flows.language import Template
from flows.store import Store, changed
from flows.tables import Decision, Run
from flows.triggers import Door

AGAIN: Final = "~again"
"""In the name of a segment: it tries again what failed in the earlier ones."""


class Runs:
    """Carries out runs durably. Whatever process ends at whatever moment, `launch` goes on with what was accepted."""

    def __init__(
        self,
        *,
        store: Store,
        decisions: Decisions,
        catalog: Catalog,
        accounts: Accounts,
        people: People,
        patience: Patience,
        watch: Callable[[str], AbstractAsyncContextManager[None]],
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._decisions = decisions
        self._catalog = catalog
        self._accounts = accounts
        self._people = people
        self._patience = patience
        self._now = now
        self._door = Door(store)
        self._durable = Durable(store.engine, self._carry_out, watch)
        self._clock = Clock(self._deadline_passed)

    async def launch(self) -> None:
        """Begin, and go on with everything that was accepted before."""
        self._durable.launch()
        self._clock.start()
        for run_id, segments in await self._store.waking():
            await self._begin(run_id, segment=segments[-1] if segments else run_id)
        for decision in await self._decisions.unheard():
            await self._resume(decision)
        self._clock.set(await self._decisions.next_deadline())

    def close(self) -> None:
        """Stop. What is under way goes on at the next launch."""
        self._clock.stop()
        self._durable.close()

    async def receive(self, *, source: str, connection: str, event_id: str, event: Mapping[str, Any]) -> Sequence[str]:
        """Accept an event and begin the runs it wakes. Returns their ids."""
        woken = await self._door.knock(
            source=source, connection=connection, event_id=event_id, event=event, now=self._now()
        )
        for run_id in woken:
            await self._begin(run_id, segment=run_id)
        return woken

    async def decide(self, decision_id: str, choice: str, *, by: str) -> tuple[bool, Decision | None]:
        """Decide an open question, and let its run go on. Returns whether this call decided, and how it stands."""
        won, decision = await self._decisions.decide(decision_id, choice, by=by, now=self._now())
        if won and decision is not None:
            await self._resume(decision)
        return won, decision

    async def again(self, run_id: str) -> bool:
        """Try a failed run again from the step that failed. Returns False if it is not (or no longer) failed."""

        def reopen(session: Session) -> str | None:
            reopened = (
                sa.update(Run)
                .where(col(Run.id) == run_id, col(Run.state) == "failed")
                .values(state="waking", message="", ended_at=None)
            )
            if not changed(session, reopened):
                return None
            run = session.get_one(Run, run_id)
            segment = f"{run_id}{AGAIN}{len(run.segments)}"
            run.segments = [*run.segments, segment]
            return segment

        segment = await self._store.transact(reopen)
        if segment is not None:
            await self._begin(run_id, segment=segment)
        return segment is not None

    async def _resume(self, decision: Decision) -> None:
        await self._begin(decision.run_id, segment=f"{decision.run_id}~{decision.path}")
        await self._decisions.heard(decision.id)

    async def _deadline_passed(self) -> None:
        for decision in await self._decisions.expire(now=self._now()):
            await self._resume(decision)
        self._clock.set(await self._decisions.next_deadline())

    async def _begin(self, run_id: str, *, segment: str) -> None:
        def add(session: Session) -> list[str]:
            run = session.get_one(Run, run_id, with_for_update=True)
            if segment not in run.segments:
                run.segments = [*run.segments, segment]
                session.add(run)
            return run.segments[: run.segments.index(segment)]

        earlier = await self._store.transact(add)
        await self._durable.begin(segment, run_id=run_id, earlier=earlier, afresh=AGAIN in segment)

    async def _carry_out(self, run_id: str, journal: Journal) -> None:
        run, version = await self._store.run(run_id)
        errand = Errand(
            run_id=run_id,
            flow=run.flow,
            template=Template.model_validate(version.document),
            settings=version.settings,
            event=run.event,
        )
        await self._store.note(run_id, state="running")
        try:
            ended = await carry_out(
                errand,
                journal=journal,
                catalog=self._catalog,
                accounts=self._accounts,
                people=self._people,
                patience=self._patience,
            )
        except SuspendedError:
            await self._store.note(run_id, state="waiting")
            self._clock.set(await self._decisions.next_deadline())
        else:
            await self._store.note(run_id, state=ended.outcome, message=ended.message, ended_at=self._now())
