"""Runs that only think: carried out in memory while whoever sent the event waits, and kept a moment later, many at a time.

Somebody is logging in there, so it has to be quick. A run that looks at its event, decides and answers has changed nothing
that a crash could leave half done: nothing has to be on the disk before the answer is given. As soon as a run wants to do
anything else (call a service, ask people, wait, remember something) it is given up here, and carried out durably.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
import structlog

from flows import run_states
from flows.answers import Received, otherwise
from flows.door import Woken, new_run
from flows.engine import carry_out
from flows.journal import Act, Note, Work
from flows.store import StorageError, Store
from flows.surroundings import Ended, Errand, Surroundings
from flows.triggers import Answers

log = structlog.get_logger()

SOON: Final = 0.25
"""Seconds until a run that has ended is kept: what a crash may take with it."""
MANY: Final = 50
"""Runs that have ended and are not left to wait any longer. Few at a time, so that it holds up nobody who logs in."""
BATCH: Final = 250
"""Runs that are kept in one change: others, which wait for the disk, come in between."""
MOST: Final = 20_000
"""Runs that wait to be kept. While there are more, the database has to keep up first."""


class _MoreThanThinkingError(Exception):
    """The run wants to do something that has to be noted first."""


class _Thoughts:
    """A journal in which nothing can be noted."""

    def noted(self, _name: str) -> Note | None:
        return None

    async def step(self, name: str, _act: Act) -> Any:
        raise _MoreThanThinkingError(name)

    async def stored(self, name: str, _work: Work) -> Any:
        raise _MoreThanThinkingError(name)

    async def fold(self, name: str, _work: Work, *, within: Sequence[str]) -> Any:  # noqa: ARG002  # a Journal's
        raise _MoreThanThinkingError(name)


_NOTHING_NOTED: Final = _Thoughts()


class AtOnce:
    """Carries out runs that only think, and keeps them afterwards."""

    def __init__(self, store: Store, surroundings: Surroundings, now: Callable[[], float]) -> None:
        self._store = store
        self._surroundings = replace(surroundings, answer=self._hear)
        self._now = now
        self._said: dict[str, Mapping[str, Any]] = {}
        self._ended: list[dict[str, Any]] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._troubled = False
        self._closed = False

    async def receive(self, woken: Sequence[Woken], event_id: str, event: Mapping[str, Any]) -> Received | None:
        """Carry out the runs that an event wakes, if all of them answer and only think.

        Returns None if they do not: then nothing has happened.
        """
        if len(self._ended) >= MOST or not all(map(_may_only_think, woken)):
            return None
        now, thoughts = self._now(), []
        for one in woken:
            row = new_run(one, event_id, event, now)
            thought = await self._think(one, row["id"], event)
            if thought is None:
                return None
            thoughts.append((row, *thought))
        for row, ended, _ in thoughts:
            self._keep_soon(row, ended)
        return Received(
            runs=[row["id"] for row, _, _ in thoughts],
            replies=[(row["id"], reply) for row, _, reply in thoughts],
            kept=False,
        )

    async def _think(
        self, woken: Woken, run_id: str, event: Mapping[str, Any]
    ) -> tuple[Ended, Mapping[str, Any]] | None:
        """Carry a run out. Returns how it ended and what it answered, or None if it has to do more than to think."""
        flow = woken.flow
        errand = Errand(
            run_id=run_id,
            flow=flow.name,
            template=woken.template,
            settings=flow.settings,
            event=event,
            owner=flow.changed_by,
        )
        try:
            ended = await carry_out(errand, journal=_NOTHING_NOTED, surroundings=self._surroundings)
        except _MoreThanThinkingError:
            return None
        finally:
            said = self._said.pop(run_id, None)
        return ended, otherwise(woken.answers or Answers()) if said is None else said

    def _hear(self, run_id: str, reply: Mapping[str, Any]) -> None:
        """Hear the answer of a run. The first one counts."""
        self._said.setdefault(run_id, reply)

    def _keep_soon(self, row: dict[str, Any], ended: Ended) -> None:
        """Have a run kept that has ended."""
        row |= {"state": ended.outcome, "message": ended.message[:1000], "path": ended.path, "ended_at": self._now()}
        self._ended.append(row | {"result": dict(ended.gave)})
        self._arrange()

    def _arrange(self) -> None:
        """Have what has ended kept now if it is much, or else in a moment; later, if the database was away."""
        if self._closed or not self._ended or self._keeping is not None:
            return
        if len(self._ended) >= MANY and not self._troubled:
            self._begin()
        elif self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(SOON * (4 if self._troubled else 1), self._begin)

    def _begin(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._keeping = asyncio.get_running_loop().create_task(self._keep())
        self._keeping.add_done_callback(self._go_on)

    def _go_on(self, _kept: asyncio.Task[None]) -> None:
        self._keeping = None
        self._arrange()

    async def _keep(self) -> None:
        """Keep the first of what has ended. What cannot be kept just now stays there."""
        batch = self._ended[:BATCH]
        try:
            await self._keep_these(batch)
        except StorageError as error:
            self._troubled = True
            log.warning("runs_not_kept", runs=len(self._ended), why=str(error))
        else:
            self._troubled = False
            del self._ended[: len(batch)]

    async def _keep_these(self, batch: Sequence[dict[str, Any]]) -> None:
        """Keep some runs: together, or each by itself if one of them cannot be kept at all. Raises StorageError."""
        try:
            await self._store.order(_adding(batch))
        except StorageError:
            raise
        except Exception as error:  # the others must not be lost with it
            if len(batch) == 1:
                log.exception("run_not_kept", run=batch[0]["id"], kind=type(error).__name__)
                return
            for row in batch:
                await self._keep_these([row])

    async def close(self) -> None:
        """Keep what is left."""
        self._closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        if self._keeping is not None:
            await self._keeping
        self._troubled = False
        while self._ended and not self._troubled:
            await self._keep()


def _may_only_think(woken: Woken) -> bool:
    """Tell whether a run may be carried out without asking the database whether it may begin."""
    turns = woken.template.runs
    freely = turns.mode == "parallel" and turns.limit is None
    return woken.answers is not None and woken.once is None and freely and not woken.flow.paused


def _adding(rows: Sequence[dict[str, Any]]) -> Callable[[sa.Connection], None]:
    return lambda connection: run_states.add_many(connection, rows)
