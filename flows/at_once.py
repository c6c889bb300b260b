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
        self._surroundings = surroundings
        self._now = now
        self._ended: list[dict[str, Any]] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._closed = False
        self._keeping: set[asyncio.Task[None]] = set()

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
            runs=[row["id"] for row, _, _ in thoughts], replies=[(row["id"], reply) for row, _, reply in thoughts]
        )

    async def _think(
        self, woken: Woken, run_id: str, event: Mapping[str, Any]
    ) -> tuple[Ended, Mapping[str, Any]] | None:
        """Carry a run out. Returns how it ended and what it answered, or None if it has to do more than to think."""
        flow, replies = woken.flow, []
        around = replace(self._surroundings, answer=lambda _run_id, reply: replies.append(reply))
        errand = Errand(
            run_id=run_id,
            flow=flow.name,
            template=woken.template,
            settings=flow.settings,
            event=event,
            owner=flow.changed_by,
        )
        try:
            ended = await carry_out(errand, journal=_NOTHING_NOTED, surroundings=around)
        except _MoreThanThinkingError:
            return None
        return ended, replies[0] if replies else otherwise(woken.answers or Answers())

    def _keep_soon(self, row: dict[str, Any], ended: Ended) -> None:
        """Have a run kept that has ended."""
        row |= {"state": ended.outcome, "message": ended.message[:1000], "path": ended.path, "ended_at": self._now()}
        self._ended.append(row | {"result": dict(ended.gave)})
        if self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(SOON, self._begin)

    def _begin(self) -> None:
        self._alarm = None
        task = asyncio.get_running_loop().create_task(self.keep())
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def keep(self) -> None:
        """Keep what has ended. What cannot be kept just now is tried again."""
        rows, self._ended = self._ended, []
        batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        kept = await asyncio.gather(*(self._store.order(_adding(batch)) for batch in batches), return_exceptions=True)
        failed = [error for error in kept if isinstance(error, BaseException)]
        for batch, error in zip(batches, kept, strict=True):
            if isinstance(error, StorageError):
                self._ended += batch
        if failed:
            log.warning("runs_not_kept", runs=len(self._ended), why=str(failed[0]))
        if self._ended and self._alarm is None and not self._closed:
            self._alarm = asyncio.get_running_loop().call_later(SOON * 4, self._begin)

    async def close(self) -> None:
        """Keep what is left."""
        self._closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        await asyncio.gather(*self._keeping)
        await self.keep()


def _may_only_think(woken: Woken) -> bool:
    """Tell whether a run may be carried out without asking the database whether it may begin."""
    turns = woken.template.runs
    freely = turns.mode == "parallel" and turns.limit is None
    return woken.answers is not None and woken.once is None and freely and not woken.flow.paused


def _adding(rows: Sequence[dict[str, Any]]) -> Callable[[sa.Connection], None]:
    return lambda connection: run_states.add_many(connection, rows)
