"""Switches: which flows there are; on, off, paused."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot import words
from bot.commands import COMMAND, Typed, Verb
from bot.flow_settings import FlowSettings
from bot.permissions import Permissions
from bot.replies import Said, refusal, tell
from bot.shelf import Entry, Shelf
from flows.store import SetUp, Store
from flows.uses import Use, users

log = structlog.get_logger()

BUTTON: Final = "disable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """Lists flows, and switches them."""

    store: Store
    shelf: Shelf
    permissions: Permissions
    settings: FlowSettings

    def verbs(self, example: str) -> Sequence[Verb]:
        """Return what can be typed. `example` is the name of a flow."""
        return [
            Verb(
                usage="enable <flow> [as name]",
                about="set a flow up and switch it on; with a name of its own, as often as you like",
                example=f"enable {example}",
                carry_out=self._enable,
            ),
            Verb(
                usage="configure <flow>",
                about="change the settings of a flow that is on",
                example=f"configure {example}",
                carry_out=self._configure,
            ),
            Verb(
                usage="disable <flow>",
                about="switch a flow off",
                example=f"disable {example}",
                carry_out=self._disable,
            ),
            Verb(
                usage="pause <flow>",
                about="stop carrying a flow out for a while; what comes is kept",
                example=f"pause {example}",
                carry_out=lambda typed: self._pause(typed, paused=True),
            ),
            Verb(
                usage="resume <flow>",
                about="go on with a paused flow",
                example=f"resume {example}",
                carry_out=lambda typed: self._pause(typed, paused=False),
            ),
        ]

    async def _enable(self, typed: Typed) -> Said | None:
        if len(typed.rest) < 2 or typed.rest[1].lower() != "as":
            return await self._configure(typed)
        if len(typed.rest) != 3:
            return f"Say it like this: `{COMMAND} enable <flow> as <name>`."
        entry = await self.shelf.instance(typed.rest[0], typed.rest[2])
        if isinstance(entry, str):
            return entry
        await self.settings.open(entry, user=typed.user, channel=typed.channel, trigger_id=typed.trigger_id)
        return None

    async def _configure(self, typed: Typed) -> Said | None:
        entry = await self.shelf.named(typed.rest)
        if isinstance(entry, str):
            return entry
        await self.settings.open(entry, user=typed.user, channel=typed.channel, trigger_id=typed.trigger_id)
        return None

    async def _disable(self, typed: Typed) -> Said:
        entry = await self.shelf.named(typed.rest)
        if isinstance(entry, str):
            return entry
        if not await self.permissions.may(typed.user, "configure"):
            return await refusal("configure", self.permissions)
        callers = [flow for flow in users(Use(kind="flow", name=entry.name), await self.store.flows()) if flow.enabled]
        if callers and entry.on:
            return _used(entry.name, callers)
        return await self.switch_off(entry, user=typed.user)

    async def anyway(self, name: str, *, user: str) -> Said:
        """Switch a flow off that others use."""
        entry = await self.shelf.named([name])
        if isinstance(entry, str):
            return entry
        if not await self.permissions.may(user, "configure"):
            return await refusal("configure", self.permissions)
        return await self.switch_off(entry, user=user)

    async def switch_off(self, entry: Entry, *, user: str) -> Said:
        """Switch a flow off. Returns what to say."""
        name, flow = entry.name, entry.flow
        if flow is None or not await self.store.switch_off(name, by=user, now=time.time()):
            return f"`{name}` is not on, so there is nothing to switch off."
        log.info("flow_disabled", flow=name, user=user)
        await self.settings.announce(flow, f"switched off *{words.escape(entry.template.title)}*", by=user)
        return f"`{name}` is off. Questions that are open stay open; new events wake nothing."

    async def _pause(self, typed: Typed, *, paused: bool) -> Said:
        flow = await self.shelf.set_up(typed.rest)
        if isinstance(flow, str):
            return flow
        if not await self.permissions.may(typed.user, "configure"):
            return await refusal("configure", self.permissions)
        if not await self.store.pause(flow.name, paused=paused):
            return f"`{flow.name}` {'is paused already' if paused else 'is not paused'}, so nothing changed."
        log.info("flow_paused" if paused else "flow_resumed", flow=flow.name, user=typed.user)
        await self.settings.announce(flow, f"{'paused' if paused else 'resumed'} `{flow.name}`", by=typed.user)
        if not paused:
            return f"`{flow.name}` goes on, also with what came meanwhile."
        return f"`{flow.name}` is paused. What comes is kept, and carried out after `{COMMAND} resume {flow.name}`."


def _used(name: str, callers: Sequence[SetUp]) -> Said:
    """Say who would miss a flow, with a button to switch it off all the same."""
    who = words.listed([f"`{flow.name}`" for flow in callers])
    verb = "uses" if len(callers) == 1 else "use"
    said = f"{who} {verb} `{name}`, and will fail where they call it once it is off."
    button = words.button("Switch it off all the same", action=BUTTON, value=name, style="danger")
    return said, [words.section(said), {"type": "actions", "elements": [button]}]


def register(app: AsyncApp, switches: Switches) -> None:
    """Listen to the button that switches a flow off that others use."""

    @app.action(BUTTON)
    async def anyway(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        await tell(respond, await switches.anyway(str(action["value"]), user=str(body["user"]["id"])))
