"""Flows that stories of the bot are told with, kept as an import would keep them."""

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any

from sqlmodel import select

from bot import assembly
from bot.settings import Settings
from flows import document
from flows.language import Template, written
from flows.tables import Run
from tests.worlds import TENANT, Stage

NOTE = """
template: note
version: 1
title: Note something down
about: Keeps a note.
settings:
  channel: {type: channel, title: Where}
when:
  by hand:
    what: {type: text, title: What}
    many: {type: number, min: 1, max: 5, default: 2, title: How many}
steps:
  - {id: kept, set: {said: "{{ event.what }}"}}
  - {stop: done, say: "{{ event.by }} noted {{ steps.kept.said }} {{ event.many }} times"}
"""
FAILS = """
template: fails
version: 1
title: Fails
about: Fails always.
when: {by hand: {}}
steps:
  - {stop: failed, say: No <luck>}
"""
WAITS = """
template: waits
version: 1
title: Waits
about: Waits for a day.
when: {by hand: {}}
steps:
  - {wait: 1d}
"""
LOCKS = """
template: locks
version: 1
title: Lock people out
about: Locks a person out.
settings:
  tenant: {connection: auth0, title: Tenant}
  channel: {type: channel, title: Where}
limits: {destroys: {per run: 0}}
when: {by hand: {who: {type: text, title: Who}}}
steps:
  - do: auth0.lock_out_user
    using: "{{ settings.tenant }}"
    with: {user_id: "{{ event.who }}"}
  - {stop: done, say: Locked out}
"""
SHORT = re.compile(r"`([0-9a-hjkmnp-tv-z]{10})`")


async def make(stage: Stage, text: str, *, owner: str = "", **settings: Any) -> None:
    """Keep a flow and switch it on. It is called as its template is."""
    template = Template.model_validate(document.read(text))
    known: Mapping[str, Any] = {"tenant": TENANT, "channel": stage.slack.security, **settings}
    async with assembly.kept(Settings(**stage.settings)) as things:
        await things.store.set_up(
            template.template,
            template=template.template,
            document=written(template),
            settings={name: known[name] for name in template.settings},
            by=owner,
            now=time.time(),
        )


async def start(stage: Stage, flow: str, *, user: str = "admin", **values: Any) -> str:
    """Start a flow by hand as people do. Returns the short id of its run."""
    slack = stage.slack
    await slack.command(f"start {flow}", user=user)
    form = await slack.form(user=user)
    body = {"user": slack.who(user), "view_id": form["id"], "values": values}
    answer = await slack.post("submissions", body)
    assert "errors" not in answer, answer
    view = await slack.until(lambda state: _started(state, slack.who(user)))
    found = re.search(r"/cicflow run ([0-9a-z]{10})", str(view["blocks"]))
    assert found is not None, view
    await slack.post("closes", {"user": slack.who(user), "view_id": view["id"], "all": True})
    return found.group(1)


def _started(state: dict[str, Any], person: str) -> Any:
    view = (state["views"].get(person) or [None])[-1]
    return view if view and "is started" in str(view["blocks"]) else None


async def run_says(stage: Stage, run: str, words: str) -> str:
    """Return what is said of a run, once it has come so far."""
    for _ in range(100):
        said = await shown(stage, f"run {run}")
        if words in said:
            return said
    raise AssertionError(f"never said: {words}; last: {said}")


async def shown(stage: Stage, command: str, *, user: str = "admin") -> str:
    """Type a command, and return every text of the answer."""
    found = await answered(stage, command, user=user)
    return str(found["blocks"])


async def answered(stage: Stage, command: str, *, user: str = "admin") -> dict[str, Any]:
    """Type a command, and return the answer: only this person sees it."""
    slack = stage.slack
    before = len((await slack.get("state"))["ephemerals"])
    await slack.command(command, user=user)
    found: list[dict[str, Any]] = await slack.until(lambda state: state["ephemerals"][before:])
    return found[0]


async def ended(stage: Stage, flow: str, number: int) -> list[str]:
    """Wait until so many runs of a flow have ended, and return what they say, sorted."""
    query = select(Run).where(Run.flow == flow)
    async with assembly.kept(Settings(**stage.settings)) as things, asyncio.timeout(10):
        while True:
            runs = await things.store.read(lambda session: session.exec(query).all())
            if len(runs) >= number and all(run.ended_at is not None for run in runs):
                return sorted(run.message for run in runs)
            await asyncio.sleep(0.02)  # the database tells nobody
