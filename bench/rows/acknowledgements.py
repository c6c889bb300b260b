"""Acknowledgements: how long an event that wakes a flow waits for its answer, at fifty in a second."""

from collections.abc import Sequence

from bench import events, flows
from bench.figures import Figure, quantile
from bench.scene import Scene

FLOOR = "checks, parses and commits one row"


async def measure(scene: Scene) -> Sequence[Figure]:
    """Measure the median and the slowest hundredth, while the runs that were woken are carried out."""
    flow, body, count = flows.two_calls(), events.post_login(risk="low"), 75 if scene.quick else 250
    ours: list[list[float]] = []
    floor: list[list[float]] = []
    async with scene.place("acknowledgements", flows=[flow]) as place, place.bot.serving() as (_, door):
        bare, done = place.floors["commit"], 100
        await bare.send(body, first=0, count=done)
        await door.send(body, first=0, count=done)
        for _ in range(scene.rounds):
            await place.bot.finished(flow["template"], done)  # nothing of an earlier round is still under way
            floor.append((await bare.send(body, first=0, count=count, rate=50)).milliseconds)
            ours.append((await door.send(body, first=0, count=count, rate=50)).milliseconds)
            done += count
    return [
        Figure(
            measure=f"answer to a waking event at 50/s, {named}",
            unit="ms",
            runs=[quantile(times, part) for times in ours],
            floor=FLOOR,
            floor_runs=[quantile(times, part) for times in floor],
            aim=aim,
        )
        for named, part, aim in (("p50", 0.5, ""), ("p99", 0.99, "under 30"))
    ]
