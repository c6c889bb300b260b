"""An export of very many users, filtered into a dataset: how long it takes, and the memory."""

import asyncio
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from bench import events, flows, people
from bench.figures import Figure
from bench.scene import Scene

FLOOR = "gzip -dc FILE | wc -l, with the same file"
IDLE = "the same process before"


async def measure(scene: Scene) -> Sequence[Figure]:
    """Let a flow find the inactive among all users, each time in a new process."""
    file, flow = scene.folder / "export.json.gz", flows.export(days=people.DAYS)
    inactive = await asyncio.to_thread(people.write, file, scene.users)
    ours, peaks, floor, idle = list[float](), list[float](), list[float](), list[float]()
    async with scene.place("exports", flows=[flow], tenants=scene.rounds) as place:
        await place.outside.export(file)
        for turn in range(scene.rounds):
            floor.append(await _lines(file, scene.users))
            async with place.bot.serving() as (process, door):
                await door.send(events.post_login(risk="high"), first=0, count=50)
                idle.append(process.megabytes)
                began = time.monotonic()
                await door.send(events.post_login(risk="low"), first=turn, count=1)
                ours.append(await place.bot.finished(flow["template"], turn + 1, patience=600) - began)
                peaks.append(process.peak_megabytes)
        assert await asyncio.to_thread(place.bot.items) == inactive * scene.rounds
    many = f"export of {scene.users:,} users, {inactive:,} into a dataset"
    aim = f"under {6 * sorted(floor)[len(floor) // 2]:.1f}: six times the floor"
    return [
        Figure(measure=many, unit="s", runs=ours, floor=FLOOR, floor_runs=floor, aim=aim),
        Figure(measure=f"{many}: peak memory", unit="MB", runs=peaks, floor=IDLE, floor_runs=idle, aim="under 200"),
    ]


async def _lines(file: Path, count: int) -> float:
    """Unpack the file and count its lines. Returns how long that took."""
    began = time.monotonic()
    command = f"gzip -dc {shlex.quote(str(file))} | wc -l"
    process = await asyncio.create_subprocess_shell(command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert int(said) == count
    return time.monotonic() - began
