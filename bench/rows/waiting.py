"""Waiting decisions: what ten thousand of them cost, and how soon a click on one is acted upon."""

import asyncio
import json
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from bench import events, flows
from bench.events import slack_signature
from bench.figures import Figure, quantile
from bench.load import SIGNING_SECRET
from bench.outside import POST, USERS, Call
from bench.scene import Place, Scene

NONE = "the same process before any decision waited"
FLOOR = "checks Slack's signature and makes the call to the tenant before it answers"


async def measure(scene: Scene) -> Sequence[Figure]:
    """Let decisions wait, weigh the process, start it again, weigh it again, and click."""
    body, count, watched = events.post_login(risk="low"), scene.waiting, scene.quiet
    async with scene.place("waiting", flows=[flows.question()]) as place:
        async with place.bot.serving() as (process, door):
            await door.send(events.post_login(risk="high"), first=0, count=50)
            await asyncio.sleep(1)
            memory, idle = process.megabytes, await process.cpu_percent(watched)
            began = time.monotonic()
            # At most a few hundred are on their way: what is measured is waiting, not a flood.
            for first in range(0, count, 250):
                await door.send(body, first=first, count=min(250, count - first))
                await place.outside.until(max(0, min(first + 250, count) - 100), "POST", POST)
            await place.outside.until(count, "POST", POST)
            took = time.monotonic() - began
            await asyncio.sleep(scene.quiet)
            more, busy = process.megabytes - memory, await process.cpu_percent(watched)
        async with place.bot.serving() as (process, _):
            await asyncio.sleep(scene.quiet)
            again, still = process.megabytes - memory, await process.cpu_percent(watched)
            asked = [*await place.outside.calls("POST", POST)]
            clicks = 20 if scene.quick else 60
            chosen = random.Random(7).sample(asked, min(clicks, len(asked)))
            ours = [await _clicked(place, process.port, "/slack/events", _press(call)) for call in chosen]
        floor_port = place.floors["click"].port
        floor = [
            await _clicked(place, floor_port, "/click", (person, _payload({"value": person})))
            for person in (f"auth0|floor-{number}" for number in range(len(ours)))
        ]
    many = f"{count:,} waiting decisions"

    def figure(measure: str, unit: str, value: float, of: str, least: float | None, aim: str = "") -> Figure:
        floors = [] if least is None else [least]
        return Figure(measure=measure, unit=unit, runs=[value], floor=of, floor_runs=floors, aim=aim)

    return [
        figure(f"{many}: memory more, when they came", "MB", more, NONE, None),
        figure(f"{many}: memory more, after a new start", "MB", again, NONE, None, "under 150"),
        figure(f"{many}: processor, when they came", "% of a core", busy, NONE, idle, "under 10"),
        figure(f"{many}: processor, after a new start", "% of a core", still, NONE, idle, "under 10"),
        figure(f"{many}: asked in a second until there", "runs/s", count / took, NONE, None),
        figure("click to call at the tenant, p50", "ms", quantile(ours, 0.5), FLOOR, quantile(floor, 0.5), "under 100"),
        figure("click to call at the tenant, slowest", "ms", max(ours), FLOOR, max(floor), "under 100"),
    ]


def _press(call: Call) -> tuple[str, bytes]:
    """Return whom a message asks about, and the body of a click on its button Block."""
    message = json.loads(call.body)
    blocks: list[dict[str, Any]] = message["blocks"]
    rows = [block for block in blocks if block["type"] == "actions"]
    row, button = next((row, one) for row in rows for one in row["elements"] if one["text"]["text"] == "Block")
    person = call.body.partition("bench-")[2].partition("@")[0]
    action = {**button, "block_id": row.get("block_id", "b"), "action_ts": f"{time.time():.6f}"}
    return f"auth0|bench-{person}", _payload(action, ts=f"{call.at:.6f}", blocks=blocks)


def _payload(action: Mapping[str, Any], **message: Any) -> bytes:
    said = {
        "type": "block_actions",
        "api_app_id": "A1",
        "team": {"id": "T1", "domain": "bench"},
        "user": {"id": "U1", "username": "admin", "team_id": "T1"},
        "channel": {"id": "C1", "name": "bench"},
        "container": {"type": "message", "message_ts": message.get("ts"), "channel_id": "C1"},
        "message": {"type": "message", **message},
        "trigger_id": "1.2.3",
        "response_url": "http://127.0.0.1:9/none",
        "actions": [action],
    }
    return urlencode({"payload": json.dumps(said)}).encode()


async def _clicked(place: Place, port: int, path: str, press: tuple[str, bytes]) -> float:
    """Click. Returns the milliseconds until the call about the person arrived at the tenant."""
    person, body = press
    moment = int(time.time())
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": str(moment),
        "X-Slack-Signature": slack_signature(SIGNING_SECRET, moment, body),
    }
    call = f"{USERS}{quote(person, safe='')}"
    async with httpx.AsyncClient(trust_env=False) as http:
        began = time.monotonic()
        answer = await http.post(f"http://127.0.0.1:{port}{path}", content=body, headers=headers, timeout=30)
        answer.raise_for_status()
    await place.outside.until(1, "PATCH", call, patience=30)
    found = await place.outside.calls("PATCH", call)
    return (found[0].at - began) * 1000
