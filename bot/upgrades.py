"""Upgrades and forks: a flow becomes what a newer version of its template says, or goes its own way."""

import json
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
from bot.replies import Message, Said, refusal, tell
from bot.shelf import Entry, Shelf
from connectors.base import Catalog
from flows.exports import wrong_settings
from flows.language import Template, written
from flows.outline import Differences, differences
from flows.row_tables import WrongTableError
from flows.store import SetUp, Store

log = structlog.get_logger()

BUTTON: Final = "upgrade"
_SHOWN: Final = 30
"""Steps that are shown of an upgrade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrades:
    """Upgrades flows, and forks them."""

    store: Store
    shelf: Shelf
    catalog: Catalog
    permissions: Permissions
    settings: FlowSettings

    def verbs(self, example: str) -> Sequence[Verb]:
        """Return what can be typed. `example` is the name of a flow."""
        return [
            Verb(
                usage="upgrade <flow>",
                about="what a newer version of a flow's template would change, and the way to it",
                example=f"upgrade {example}",
                carry_out=self._show,
            ),
            Verb(
                usage="fork <flow> <name>",
                about="make a flow of your own out of one, which no upgrade touches",
                example=f"fork {example} my-own",
                carry_out=self._fork,
            ),
        ]

    async def _show(self, typed: Typed) -> Said:
        entry = await self.shelf.named(typed.rest)
        if isinstance(entry, str):
            return entry
        if not await self.permissions.may(typed.user, "configure"):
            return await refusal("configure", self.permissions)
        if entry.flow is None:
            return f"`{entry.name}` is not set up, so there is nothing to upgrade: `{COMMAND} enable {entry.name}` takes the newest version."
        if entry.newer is None:
            return f"`{entry.name}` is as new as can be: there is no newer version of {_what(entry)}."
        return await self._preview(entry, entry.flow, entry.newer)

    async def _preview(self, entry: Entry, flow: SetUp, newer: Template) -> Message:
        found = differences(entry.template, newer, self.catalog)
        head = f"`{entry.name}` is version {entry.template.version} of `{flow.template}`. Version {newer.version} would change this:"
        lines = list(_told(found))
        if not lines and not found.steps:
            lines = ["Only what it is called and how it is described."]
        changed = await self.shelf.shipped.changed(flow)
        if changed:
            lines.append(
                f":warning: Somebody has changed this flow. The upgrade replaces these changes; they are kept as version "
                f"{flow.version}, to compare or restore. `{COMMAND} fork {entry.name} <name>` keeps them as a flow of their own."
            )
        elif changed is None:
            lines.append(
                f":warning: I cannot tell whether somebody has changed this flow. What it is now is kept as version {flow.version}."
            )
        if found.steps:
            lines.append("• Steps (+ comes, - goes, ~ is done differently):")
        button = words.button(
            f"Upgrade to version {newer.version}", action=BUTTON, value=json.dumps([entry.name, newer.version])
        )
        small = "Settings stay as they are; new ones are asked for. Runs under way go on as they began."
        steps = words.code_pages("\n".join(found.steps[:_SHOWN]), 2) if found.steps else []
        more = [words.context(f"… and {len(found.steps) - _SHOWN} more steps")] if len(found.steps) > _SHOWN else []
        blocks = [
            words.section(head),
            *words.pages(lines),
            *(steps or []),
            *more,
            {"type": "actions", "elements": [{**button, "style": "primary"}]},
            words.context(small),
        ]
        return head, blocks

    async def upgrade(self, name: str, version: int, *, user: str, channel: str, trigger_id: str) -> Said | None:
        """Upgrade a flow, or ask in its form for what is new. Returns what to say, if anything."""
        if not await self.permissions.may(user, "configure"):
            return await refusal("configure", self.permissions)
        entry = await self.shelf.meant({"flow": name, "upgrade": version})
        if entry is None or entry.flow is None:
            return f"`{words.escape(name, 70)}` is not as it was. Look again with `{COMMAND} upgrade {words.escape(name, 70)}`."
        template, settings = entry.template, entry.flow.settings
        carried = {field: settings[field] for field in template.settings if field in settings}
        missing = [field for field in template.settings if field not in settings]
        if missing or any(wrong_settings(template, carried, await self.settings.connections(), "settings")):
            await self.settings.open(entry, user=user, channel=channel, trigger_id=trigger_id)
            return None
        try:
            flow = await self.store.set_up(
                name,
                template=template.template,
                document=written(template),
                settings=carried,
                by=user,
                now=time.time(),
                enabled=entry.on,
                tables=template.tables,
            )
        except WrongTableError as error:
            return f"Nothing was upgraded. {words.escape(str(error))}"
        log.info("flow_upgraded", flow=name, version=flow.version, template=template.version, user=user)
        what = f"upgraded `{name}` to version {template.version} of *{words.escape(template.title)}*"
        await self.settings.announce(flow, what, by=user)
        return f"`{name}` is version {template.version} of `{template.template}` now. `{COMMAND} restore {name} {flow.version - 1}` would take it back."

    async def _fork(self, typed: Typed) -> Said:
        if len(typed.rest) != 2:
            return f"Say it like this: `{COMMAND} fork <flow> <name>`."
        entry = await self.shelf.named(typed.rest[:1])
        if isinstance(entry, str):
            return entry
        if not await self.permissions.may(typed.user, "configure"):
            return await refusal("configure", self.permissions)
        name = typed.rest[1]
        wrong = await self.shelf.new_name(name)
        if wrong is not None:
            return wrong
        template = entry.template.model_copy(update={"template": name})
        flow = await self.store.set_up(
            name,
            template=name,
            document=written(template),
            settings=entry.flow.settings if entry.flow else {},
            by=typed.user,
            now=time.time(),
            enabled=False,
            tables=template.tables,
        )
        log.info("flow_forked", flow=name, source=entry.name, user=typed.user)
        both = f" Switch `{entry.name}` off when you do, or both will act." if entry.on else ""
        return (
            f"`{flow.name}` is a flow of your own, made of `{entry.name}`: no upgrade touches it. It is off. "
            f"`{COMMAND} export {name}` shows it as text to change, `python -m bot flows import` brings that back, and "
            f"`{COMMAND} enable {name}` switches it on.{both}"
        )


def _what(entry: Entry) -> str:
    return f"`{entry.of or entry.name}`"


def _told(found: Differences) -> Sequence[str]:
    """Return what differs, in lines."""
    lines = []
    for said, settings in (
        ("New settings", found.new_settings),
        ("Settings that go", found.gone_settings),
        ("Settings that ask for something else", found.other_settings),
    ):
        if settings:
            lines.append(f"• {said}: {words.escape(', '.join(settings.values()), 500)}")
    if found.others:
        lines.append(f"• Also different: {words.listed(found.others)}")
    return lines


def register(app: AsyncApp, upgrades: Upgrades) -> None:
    """Listen to the button that upgrades."""

    @app.action(BUTTON)
    async def pressed(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        name, version = json.loads(str(action["value"]))
        said = await upgrades.upgrade(
            name,
            version,
            user=str(body["user"]["id"]),
            channel=str(body["channel"]["id"]),
            trigger_id=str(body["trigger_id"]),
        )
        if said is not None:
            await tell(respond, said)
