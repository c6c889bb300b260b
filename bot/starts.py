"""Starts: flows that people start by hand, with a form of their own."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot import forms, words
from bot.commands import COMMAND, Typed, Verb
from bot.flow_settings import FlowSettings
from bot.permissions import Permissions
from bot.replies import Said, refusal
from bot.shelf import Entry, Shelf
from bot.workspace import Workspace
from connectors.slack.contents import START
from flows.history import History
from flows.language import Template
from flows.runs import Runs
from flows.short_ids import short_id
from flows.triggers import ByHandTrigger

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """Opens the forms that start flows, and starts them."""

    shelf: Shelf
    history: History
    runs: Runs
    settings: FlowSettings
    permissions: Permissions
    workspace: Workspace

    def verbs(self, example: str) -> Sequence[Verb]:
        """Return what can be typed. `example` is the name of a flow."""
        return [
            Verb(
                usage="start <flow>",
                about="start a flow by hand, if it is made for that",
                example=f"start {example}",
                carry_out=self._open,
            )
        ]

    async def _open(self, typed: Typed) -> Said | None:
        await self.open(typed.rest, user=typed.user, channel=typed.channel, trigger_id=typed.trigger_id)
        return None

    async def open(self, named: Sequence[str], *, user: str, channel: str, trigger_id: str) -> None:
        """Open the form that starts a flow, or say there why it cannot be started. The trigger lasts three seconds."""
        opened = await self.workspace.call("views.open", trigger_id=trigger_id, view=forms.loading("Start a flow"))
        view = await self._view(named, user=user, channel=channel)
        await self.workspace.call("views.update", view_id=opened["view"]["id"], view=view)

    async def _view(self, named: Sequence[str], *, user: str, channel: str) -> dict[str, Any]:
        found = await self._startable(named, user)
        if isinstance(found, str):
            return forms.notice("Start a flow", found)
        entry, _, trigger = found
        connections = await self.settings.connections()
        missing = forms.missing_connection(trigger.by_hand, connections)
        if missing is not None:
            return forms.notice(
                "Start a flow",
                f"This needs a connection to {words.escape(missing)}, and there is none. Make one with `{COMMAND} connect {missing}`.",
            )
        meant = entry.flow.settings if entry.flow else {}
        return forms.start_form(
            entry.name,
            entry.template,
            trigger.by_hand,
            connections=connections,
            channel=channel,
            picks=await self.settings.menus.picks(trigger.by_hand, meant, {}),
            zone=await self.settings.zone(user, trigger.by_hand),
        )

    async def submitted(self, name: str, *, user: str, values: Mapping[str, Any]) -> str | dict[str, str]:
        """Start a flow with what was filled in. Returns what to say, or what is wrong with which field."""
        found = await self._startable([name], user)
        if isinstance(found, str):
            return found
        _, _, trigger = found
        filled, wrong = forms.filled_in(trigger.by_hand, values, await self.settings.connections())
        return wrong or await self._begin(found, filled, user=user)

    async def at_once(self, name: str, *, user: str) -> str | None:
        """Start a flow that has nothing to fill in. Returns what to say, or None if there is something to fill in."""
        found = await self._startable([name], user)
        if isinstance(found, str):
            return found
        return None if found[2].by_hand else await self._begin(found, {}, user=user)

    async def _begin(self, found: tuple[Entry, int, ByHandTrigger], filled: Mapping[str, Any], *, user: str) -> str:
        entry, index, _ = found
        if entry.flow is None:
            return ""
        run_id = await self.runs.start(entry.flow, trigger=index, event={**filled, "by": user})
        run = await self.history.run(run_id)
        log.info("flow_started", flow=entry.name, run=run_id, user=user)
        seen = f" See what it does with `{COMMAND} run {short_id(run)}`." if run else ""
        return f"*{words.escape(entry.template.title)}* is started.{seen}"

    async def _startable(self, typed: Sequence[str], user: str) -> tuple[Entry, int, ByHandTrigger] | str:
        """Return a flow with its form, or why this person cannot start it."""
        entry = await self.shelf.named(typed)
        if isinstance(entry, str):
            return entry
        if entry.flow is None or not entry.on:
            return f"`{entry.name}` is not on. Switch it on with `{COMMAND} enable {entry.name}`."
        forms_ = enumerate(Template.model_validate(entry.flow.document).when)
        found = next(((index, one) for index, one in forms_ if isinstance(one, ByHandTrigger)), None)
        if found is None:
            return f"`{entry.name}` is not made to be started by hand."
        if not await self.permissions.may(user, "decide"):
            return await refusal("decide", self.permissions)
        return entry, *found


def register(app: AsyncApp, starts: Starts) -> None:
    """Listen to submitted forms, and to the buttons of messages that open them."""

    @app.action(re.compile(rf"{START}:\d+"))
    async def pressed(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await starts.open(
            [str(action["value"])],
            user=str(body["user"]["id"]),
            channel=str((body.get("channel") or {}).get("id") or ""),
            trigger_id=str(body["trigger_id"]),
        )

    @app.view(forms.START)
    async def submitted(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        name = str(json.loads(view["private_metadata"])["flow"])
        said = await starts.submitted(name, user=str(body["user"]["id"]), values=view["state"]["values"])
        if isinstance(said, str):
            await ack(response_action="update", view=forms.notice("Start a flow", said))
        else:
            await ack(response_action="errors", errors=said)
