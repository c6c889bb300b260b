"""Answers: what flows tell an Auth0 Action that waits in this process."""

import asyncio
from collections.abc import Mapping
from typing import Any

from flows import durations, triggers


class Answers:
    """Those who wait for the answer of a run."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[Mapping[str, Any]]] = {}

    def expect(self, run_id: str) -> str:
        """Be ready for the answer of a run that is about to begin."""
        self._waiting[run_id] = asyncio.get_running_loop().create_future()
        return run_id

    def give(self, run_id: str, reply: Mapping[str, Any]) -> None:
        """Tell whoever waits. The first answer of a run counts; where nobody waits (any more), it is for nobody."""
        future = self._waiting.get(run_id)
        if future is not None and not future.done():
            future.set_result(reply)

    async def wait(self, run_id: str, answers: triggers.Answers) -> Mapping[str, Any]:
        """Return a run's answer, or what its flow says to do when there is none in time."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._waiting[run_id]), durations.seconds(answers.within))
        except TimeoutError:
            return {} if answers.otherwise == "allow" else {"deny": "This login could not be checked in time."}

    def forget(self, run_id: str) -> None:
        """Wait no more."""
        future = self._waiting.pop(run_id, None)
        if future is not None:
            future.cancel()
