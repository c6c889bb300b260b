"""Answers: what flows tell an Auth0 Action that waits in this process."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows import durations, triggers


@dataclass(slots=True)
class _Waiting:
    """Those who wait for the answer of one run: the same event may have come several times."""

    reply: asyncio.Future[Mapping[str, Any] | None]
    many: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What came of an event."""

    runs: Sequence[str]
    """The runs that it woke."""
    replies: Sequence[tuple[str, Mapping[str, Any]]] = ()
    """What flows that answer told its sender to do, each with its run."""
    kept: bool = True
    """The runs are on the disk. Those that only think are a moment later."""


class Answers:
    """Those who wait for the answer of a run."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}

    def expect(self, run_id: str) -> bool:
        """Be ready for the answer of a run that is about to begin. Returns whether somebody waits for it already."""
        waiting = self._waiting.setdefault(run_id, _Waiting(asyncio.get_running_loop().create_future()))
        waiting.many += 1
        return waiting.many > 1

    def give(self, run_id: str, reply: Mapping[str, Any]) -> None:
        """Tell whoever waits. The first answer of a run counts; where nobody waits (any more), it is for nobody."""
        self._settle(run_id, reply)

    def over(self, run_id: str) -> None:
        """Let nobody wait any longer: the run has ended, and there comes no other answer."""
        self._settle(run_id, None)

    async def wait(self, run_id: str, answers: triggers.Answers) -> Mapping[str, Any]:
        """Return a run's answer, or what its flow says to do when there is none in time."""
        try:
            within = durations.seconds(answers.within)
            reply = await asyncio.wait_for(asyncio.shield(self._waiting[run_id].reply), within)
        except TimeoutError:
            reply = None
        return otherwise(answers) if reply is None else reply

    def forget(self, run_id: str) -> None:
        """Wait no more, as one of those who did."""
        waiting = self._waiting[run_id]
        waiting.many -= 1
        if not waiting.many:
            del self._waiting[run_id]

    def _settle(self, run_id: str, reply: Mapping[str, Any] | None) -> None:
        waiting = self._waiting.get(run_id)
        if waiting is not None and not waiting.reply.done():
            waiting.reply.set_result(reply)


def otherwise(answers: triggers.Answers) -> Mapping[str, Any]:
    """Return what a flow says to do where it has not answered."""
    return {} if answers.otherwise == "allow" else {"deny": "This login could not be checked in time."}
