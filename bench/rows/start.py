"""Starting: how long until the first event is answered, and what an idle process holds."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from bench import events, flows
from bench.figures import Figure
from bench.floors import SECRET, bare
from bench.load import Address, first_answer
from bench.processes import Running
from bench.scene import Scene

FLOOR = "the smallest Starlette application, served the same way"


async def measure(scene: Scene) -> Sequence[Figure]:
    """Start the bot and the smallest application in turn, over a database that is there already."""
    ours: list[tuple[float, float]] = []
    floor: list[tuple[float, float]] = []
    async with scene.place("start", flows=[flows.question()], tenants=0) as place:
        for _ in range(scene.rounds):
            floor.append(await _started(lambda: bare(place.folder), _bare, scene.quiet))
            ours.append(await _started(place.bot.started, place.bot.address, scene.quiet))
    return [
        Figure(
            measure=measure,
            unit=unit,
            runs=[run[which] for run in ours],
            floor=FLOOR,
            floor_runs=[run[which] for run in floor],
            aim=aim,
        )
        for which, measure, unit, aim in (
            (0, "start to first answered webhook", "s", "under 2"),
            (1, "idle memory", "MB", "under 130"),
        )
    ]


def _bare(process: Running) -> Address:
    return Address(port=process.port, path="/", secret=SECRET)


async def _started(
    begin: Callable[[], AbstractAsyncContextManager[Running]], address: Callable[[Running], Address], idle: float
) -> tuple[float, float]:
    """Start a process. Returns the seconds until it answered an event, and its memory when it was idle for a while."""
    began = time.monotonic()
    async with begin() as process:
        answered = await first_answer(address(process), body=events.post_login(risk="high"))
        await asyncio.sleep(idle)
        return answered - began, process.megabytes
