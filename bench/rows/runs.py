"""Durable runs: how many are finished in a second, with a guard, two calls to the tenant and their history."""

from collections.abc import Sequence

from bench import events, flows
from bench.figures import Figure
from bench.outside import USERS
from bench.scene import Scene

FLOOR = "commits one row an event on the same kind of database, answers, and then makes the same two calls"
AIMS = {"SQLite": "over 100", "PostgreSQL": "over 80"}


async def measure(scene: Scene) -> Sequence[Figure]:
    """Measure on each kind of database."""
    return [await _on(scene, kind) for kind in scene.databases]


async def _on(scene: Scene, kind: str) -> Figure:
    flow, body = flows.two_calls(), events.post_login(risk="low")
    count, floor_count = (60, 200) if scene.quick else (300, 1000)
    ours, floor = [], []
    async with scene.place(f"runs-{kind}", flows=[flow], kind=kind) as place, place.bot.serving() as (_, door):
        seen = done = 0

        async def changes(more: int) -> float:
            nonlocal seen
            seen += more
            await place.outside.until(seen, "PATCH", USERS)
            return max(call.at for call in await place.outside.calls("PATCH", USERS, after=seen - more))

        await door.send(body, first=0, count=100)  # every connection fetches its token
        await changes(100)
        done = 100
        await place.bot.finished(flow["template"], done)
        for _ in range(scene.rounds):
            sent = await place.floors["run"].send(body, first=0, count=floor_count)
            floor.append(floor_count / (await changes(floor_count) - min(sent.began)))
            sent = await door.send(body, first=0, count=count)
            await changes(count)
            done += count
            ours.append(count / (await place.bot.finished(flow["template"], done) - min(sent.began)))
    return Figure(
        measure=f"durable runs finished, {kind}",
        unit="runs/s",
        runs=ours,
        floor=FLOOR,
        floor_runs=floor,
        aim=AIMS[kind],
    )
