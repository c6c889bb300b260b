"""Answers within a login: how many in a second, 16 at a time, 4 kB each, and whether every run is in the history."""

import time
from collections.abc import Sequence

from bench import events, flows
from bench.figures import Figure, quantile
from bench.floors import SECRET, bare
from bench.load import Address
from bench.processes import listening
from bench.scene import Scene

FLOOR = "checks the same signature and parses the same JSON"
PLAIN = "the smallest Starlette application, as uvicorn serves it without uvloop and httptools"


async def measure(scene: Scene) -> Sequence[Figure]:
    """Measure the rate, the median and the slowest hundredth, and how long the history takes to have them all."""
    flow, body, seconds = flows.answer(), events.post_login(risk="low"), 1.0 if scene.quick else 3.0
    ours, floor, plain, behind, answered = [], [], [], list[float](), 0
    async with (
        scene.place("answers", flows=[flow], tenants=0) as place,
        place.bot.serving() as (_, door),
        bare(place.folder, plain=True) as smallest,
    ):
        await listening(smallest, place.folder / "bare.log")
        smallest_door = Address(port=smallest.port, path="/", secret=SECRET)
        await place.floors["verify"].send(body, first=0, seconds=0.3)
        answered += len((await door.send(body, first=0, seconds=0.3)).numbers)
        for _ in range(scene.rounds):
            floor.append(await place.floors["verify"].send(body, first=0, seconds=seconds))
            plain.append(await smallest_door.send(body, first=0, seconds=seconds))
            ours.append(await door.send(body, first=answered, seconds=seconds))
            over = time.monotonic()
            answered += len(ours[-1].numbers)
            behind.append(await place.bot.finished(flow["template"], answered) - over)
    return [
        Figure(
            measure="answers within a login",
            unit="answers/s",
            runs=[sent.per_second for sent in ours],
            floor=FLOOR,
            floor_runs=[sent.per_second for sent in floor],
        ),
        Figure(
            measure="answers within a login, beside the smallest application",
            unit="answers/s",
            runs=[sent.per_second for sent in ours],
            floor=PLAIN,
            floor_runs=[sent.per_second for sent in plain],
            aim="over 3,500 where the floor is 7,000",
        ),
        *(
            Figure(
                measure=f"answer within a login, {named}",
                unit="ms",
                runs=[quantile(sent.milliseconds, part) for sent in ours],
                floor=FLOOR,
                floor_runs=[quantile(sent.milliseconds, part) for sent in floor],
                aim=aim,
            )
            for named, part, aim in (("p50", 0.5, ""), ("p99", 0.99, "under 10"))
        ),
        Figure(
            measure=f"from the last answer until all runs ({answered:,}) are kept",
            unit="s",
            runs=behind,
            floor="",
            floor_runs=[],
        ),
    ]
