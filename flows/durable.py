"""Durable runs: the journal on DBOS, in the same database as everything else.

A run is carried out in segments. A segment goes on until the run ends or has to wait for people; then it is over, and
a waiting run costs nothing. The answer starts the next segment, which finds in the earlier ones' journals what was done.
"""

import asyncio
import contextvars
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID, WorkflowHandleAsync

from flows import language
from flows.engine import is_failure
from flows.journal import Act, Journal, SuspendedError

T = TypeVar("T")
CarryOut = Callable[[str, Journal], Awaitable[None]]
"""Carries out a run, by its id, over a journal."""
Watch = Callable[[str], AbstractAsyncContextManager[None]]
"""Surrounds a segment of a run, to notice if it breaks."""

ENDED: Final = frozenset({"SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})


class PlainJson(Serializer):
    """Keeps journals as JSON: readable by anyone, and nothing in them can run."""

    def serialize(self, data: Any) -> str:
        """Return data as JSON. Errors become their texts."""
        return json.dumps(data, default=repr, separators=(",", ":"))

    def deserialize(cls, serialized_data: str) -> Any:  # noqa: N805  # named as in the library
        """Return the data of a JSON text."""
        return json.loads(serialized_data)

    def name(self) -> str:
        """Return the name that is kept beside the data."""
        return "plain_json"


class DurableJournal:
    """The journal of one segment, after those of the segments before it."""

    def __init__(self, noted: Mapping[str, Any]) -> None:
        self._noted = noted

    async def step(self, name: str, act: Act) -> Any:
        """Return what was noted under a name; if nothing was, act and note it."""
        if name in self._noted:
            return self._noted[name]

        async def acted() -> Any:
            return await act()

        return await DBOS.run_step_async({"name": name}, acted)

    async def receive(self, name: str, look: Act) -> Any:
        """Return what was received under a name. Raises SuspendedError while `look` finds None."""
        found = await self.step(name, look)
        if found is None:
            raise SuspendedError(name)
        return found

    async def sleep(self, name: str, seconds: float) -> None:
        """Let some time pass, once: a process that starts again waits only for what is left of it."""
        if name not in self._noted:
            await DBOS.sleep_async(seconds)


class Durable:
    """Starts segments of runs, and finishes those that a process left behind."""

    def __init__(self, engine: sa.Engine, carry_out: CarryOut, watch: Watch) -> None:
        config: DBOSConfig = {
            "name": "cicflow",
            "application_version": f"flow-language-{language.VERSION}",
            "system_database_url": engine.url.render_as_string(hide_password=False),
            "system_database_engine": engine,
            "serializer": PlainJson(),
            "log_level": "WARNING",
            "use_listen_notify": False,
        }
        self._dbos = DBOS(config=config)
        self._carry_out = carry_out
        self._watch = watch

        @DBOS.workflow(name="segment")
        async def segment(run_id: str, earlier: list[str], afresh: bool) -> None:
            await self._carry_out_segment(run_id, earlier, afresh=afresh)

        self._segment = segment

    def launch(self) -> None:
        """Begin, and go on with what was under way. Call this on the running event loop: runs live there."""
        DBOS.launch()

    def close(self) -> None:
        """Stop. What is under way goes on at the next launch. Call this on the event loop of `launch`."""
        DBOS.destroy(destroy_registry=True)
        # DBOS had put its own threads behind asyncio.to_thread, and they are gone.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())

    async def begin(self, segment: str, *, run_id: str, earlier: Sequence[str], afresh: bool = False) -> None:
        """Begin a segment of a run, unless it was begun before. `afresh` forgets the failures of the earlier ones."""
        with SetWorkflowID(segment):
            await DBOS.start_workflow_async(self._segment, run_id, list(earlier), afresh)

    async def _carry_out_segment(self, run_id: str, earlier: Sequence[str], *, afresh: bool) -> None:
        async with self._watch(run_id):
            noted = await _outside(_journal_of(earlier))
            if afresh:
                noted = _without_failures(noted)
            await self._carry_out(run_id, DurableJournal(noted))


async def _journal_of(segments: Sequence[str]) -> dict[str, Any]:
    """Return what segments noted, once they are over. What they left unanswered is left out."""
    noted: dict[str, Any] = {}
    for segment in segments:
        handle: WorkflowHandleAsync[None] = await DBOS.retrieve_workflow_async(segment)
        while (await handle.get_status()).status not in ENDED:  # noqa: ASYNC110  # it may end in another process
            await asyncio.sleep(0.05)
        for step in await DBOS.list_workflow_steps_async(segment):
            if step["output"] is not None:
                noted[step["function_name"]] = step["output"]
    return noted


def _without_failures(noted: Mapping[str, Any]) -> dict[str, Any]:
    """Return a journal without what went wrong, so that it is tried again."""
    failed = {name.partition("#")[0] for name, value in noted.items() if is_failure(value)}
    return {
        name: value
        for name, value in noted.items()
        if not any(name.startswith((f"{at}#", f"{at}/begun")) or name == at for at in failed)
    }


async def _outside(work: Coroutine[Any, Any, T]) -> T:
    """Do some reading outside of the workflow: the segments read are over, so what is found needs no noting."""
    return await asyncio.create_task(work, context=contextvars.Context())
