"""Storms: many questions in one message, decided all at once or each by itself in a list."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot import forms, words
from bot.alerts import verdict
from bot.decisions import refused_to_decide
from bot.gathered_alerts import AGAIN, ALL, LIST, ONE, PAGES, listing
from bot.gatherings import GatheredAlerts
from bot.permissions import Permissions
from bot.replies import refusal, tell
from bot.workspace import Workspace
from flows.decisions import Decisions
from flows.runs import Runs

log = structlog.get_logger()
_TITLE: Final = "Questions"
_GONE: Final = "I do not know these questions any more, so nothing was done."


@dataclass(frozen=True, slots=True, kw_only=True)
class Storms:
    """Decides many questions, and lists them."""

    gathered: GatheredAlerts
    decisions: Decisions
    runs: Runs
    permissions: Permissions
    workspace: Workspace

    async def decide_all(self, gathering: str, choice: str, *, last: int, by: str) -> str | None:
        """Decide every open question that was shown. Returns what to say, or None where the message says it."""
        if not await self.permissions.may(by, "decide"):
            return await refusal("decide", self.permissions)
        count = await self.runs.decide_all(gathering, choice, last=last, by=by)
        log.info("all_decided", gathering=gathering, user=by, choice=choice, count=count)
        await self.gathered.show(gathering)
        if not count:
            return "All of these are already decided. Nothing more was done."
        return None

    async def again(self, gathering: str, *, by: str) -> str:
        """Try what failed again. Returns what to say."""
        if not await self.permissions.may(by, "decide"):
            return await refusal("decide", self.permissions)
        tried = [run for run in await self.gathered.kept.failed(gathering) if await self.runs.again(run)]
        return f"Trying {words.number(len(tried), 'time')} again." if tried else "These were tried again already."

    async def open(self, gathering: str, *, trigger_id: str) -> None:
        """Open the list. Something is opened before anything else is looked at: the trigger lasts three seconds."""
        opened = await self.workspace.call("views.open", trigger_id=trigger_id, view=forms.loading(_TITLE))
        await self.show(str(opened["view"]["id"]), gathering, 0)

    async def show(self, view_id: str, gathering: str, page: int, *, note: str = "") -> None:
        """Show a page of the list in a form that is open."""
        look = await self.gathered.kept.look(gathering)
        if look is None:
            view = forms.notice(_TITLE, _GONE)
        else:
            view = listing(look, await self.gathered.kept.page(gathering, page), page, note=note)
        await self.workspace.call("views.update", view_id=view_id, view=view)

    async def decide_one(self, decision_id: str, choice: str, *, by: str) -> tuple[str, str | None]:
        """Decide one of many. Returns what to say, and the questions that it stands with."""
        refused = await refused_to_decide(decision_id, by, decisions=self.decisions, permissions=self.permissions)
        if refused is not None:
            return refused, None
        won, decision = await self.runs.decide(decision_id, choice, by=by)
        log.info("decision_clicked", user=by, choice=choice, won=won)
        if decision is None:
            return _GONE, None
        return ("" if won else f"This is already decided: {verdict(decision)}."), decision.gathering


def register(app: AsyncApp, storms: Storms) -> None:
    """Listen to the buttons of messages with many questions, and of their lists."""

    @app.action(re.compile(rf"{ALL}:[a-z][a-z0-9_]*"))
    async def decide_all(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        gathering, _, last = str(action["value"]).rpartition(" ")
        choice = str(action["action_id"]).partition(":")[2]
        said = await storms.decide_all(gathering, choice, last=int(last), by=str(body["user"]["id"]))
        if said is not None:
            await tell(respond, said)

    @app.action(AGAIN)
    async def again(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        await tell(respond, await storms.again(str(action["value"]), by=str(body["user"]["id"])))

    @app.action(LIST)
    async def see_all(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await storms.open(str(action["value"]), trigger_id=str(body["trigger_id"]))

    @app.action(re.compile(rf"{PAGES}:[a-z]+"))
    async def turn(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await storms.show(str(body["view"]["id"]), _shown(body)["gathering"], int(action["value"]))

    @app.action(re.compile(rf"{ONE}:[a-z][a-z0-9_]*"))
    async def decide_one(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        shown, choice = _shown(body), str(action["action_id"]).partition(":")[2]
        note, gathering = await storms.decide_one(str(action["value"]), choice, by=str(body["user"]["id"]))
        await storms.show(str(body["view"]["id"]), gathering or shown["gathering"], int(shown["page"]), note=note)


def _shown(body: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(body["view"]["private_metadata"])
    return found
