"""Alerts: from the event's arrival to the message's, at ten in a second."""

import re
from collections.abc import Sequence

from bench import events, flows
from bench.figures import Figure, quantile
from bench.load import Address
from bench.outside import POST
from bench.scene import Place, Scene

FLOOR = "checks, parses, and posts to Slack before it answers; keeps nothing"
_PERSON = re.compile(r"bench-(\d+)@")


async def measure(scene: Scene) -> Sequence[Figure]:
    """Measure the median and the slowest hundredth."""
    body, count = events.post_login(risk="low"), 20 if scene.quick else 100
    ours: list[list[float]] = []
    floor: list[list[float]] = []
    async with scene.place("alerts", flows=[flows.question()], tenants=0) as place, place.bot.serving() as (_, door):
        first = 0
        both = ((place.floors["post"], floor), (door, ours))
        for address, _ in both:
            await _milliseconds(place, address, body, first=first, count=10)
            first += 10
        for _ in range(scene.rounds):
            for address, times in both:
                times.append(await _milliseconds(place, address, body, first=first, count=count))
                first += count
    return [
        Figure(
            measure=f"webhook in to Slack message out at 10/s, {named}",
            unit="ms",
            runs=[quantile(times, part) for times in ours],
            floor=FLOOR,
            floor_runs=[quantile(times, part) for times in floor],
            aim=aim,
        )
        for named, part, aim in (("p50", 0.5, "under 20"), ("p99", 0.99, "under 60"))
    ]


async def _milliseconds(place: Place, address: Address, body: str, *, first: int, count: int) -> list[float]:
    """Send events at ten in a second. Returns how long each took to become a message."""
    sent = await address.send(body, first=first, count=count, rate=10)
    await place.outside.until(first + count, "POST", POST)
    began = dict(zip(sent.numbers, sent.began, strict=True))
    arrived: dict[int, float] = {}
    for call in await place.outside.calls("POST", POST, after=first):
        found = _PERSON.search(call.body)
        if found:
            arrived.setdefault(int(found.group(1)), call.at)
    return [(arrived[number] - moment) * 1000 for number, moment in began.items()]
