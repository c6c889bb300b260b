"""Signed events that wake nothing: how many in a second, 16 at a time, 4 kB each."""

from collections.abc import Sequence

from bench import events, flows
from bench.figures import Figure
from bench.scene import Scene

FLOOR = "checks the same signature and parses the same JSON"


async def measure(scene: Scene) -> Sequence[Figure]:
    """Measure with one flow switched on, and with ten."""
    return [await _with(scene, 1), await _with(scene, 10)]


async def _with(scene: Scene, count: int) -> Figure:
    body, seconds = events.post_login(risk="high"), 1.0 if scene.quick else 2.0
    named = [flows.question(f"question-{number}") for number in range(count)]
    ours, floor = [], []
    async with scene.place(f"misses-{count}", flows=named, tenants=0) as place, place.bot.serving() as (_, door):
        for address in (place.floors["verify"], door):
            await address.send(body, first=0, seconds=0.3)
        for _ in range(scene.rounds):
            floor.append((await place.floors["verify"].send(body, first=0, seconds=seconds)).per_second)
            ours.append((await door.send(body, first=0, seconds=seconds)).per_second)
    return Figure(
        measure=f"events that wake nothing, {count} flow{'s' if count > 1 else ''} on",
        unit="events/s",
        runs=ours,
        floor=FLOOR,
        floor_runs=floor,
        aim="70 % of floor",
    )
