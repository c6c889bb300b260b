"""The settings of a flow: opened as a form, saved, and announced."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot import forms, words
from bot.decisions import refusal
from bot.permissions import Permissions
from bot.workspace import Workspace
from connectors.base import Catalog
from connectors.errors import ConnectorError
from flows.fields import ChannelField
from flows.language import Template, written
from flows.store import SetUp, Store
from flows.vault import Vault

log = structlog.get_logger()

PATIENCE: Final = 2.0
"""Seconds to wait for Slack while a form is being submitted: it must be answered within three."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A flow whose settings were saved, and what there is to say about it."""

    flow: SetUp
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSettings:
    """Opens and saves the forms in which flows are set up."""

    store: Store
    vault: Vault
    catalog: Catalog
    library: Mapping[str, Template]
    permissions: Permissions
    workspace: Workspace

    async def open(self, template: Template, *, user: str, channel: str, trigger_id: str) -> None:
        """Open a flow's form. Something is opened before anything else is looked at: the trigger lasts three seconds."""
        opened = await self.workspace.call(
            "views.open", trigger_id=trigger_id, view=forms.loading(forms.name_of(template))
        )
        view = await self._view(template, user=user, channel=channel)
        await self.workspace.call("views.update", view_id=opened["view"]["id"], view=view)

    async def _view(self, template: Template, *, user: str, channel: str) -> dict[str, Any]:
        if not await self.permissions.may(user, "configure"):
            return forms.notice(forms.name_of(template), await refusal("configure", self.permissions))
        connections = await self.connections()
        missing = forms.missing_connection(template, connections)
        if missing is not None:
            title = self.catalog.connectors[missing].title
            return forms.notice(
                forms.name_of(template),
                f"This needs a connection to {words.escape(title)}, and there is none yet. "
                f"Whoever runs this bot makes one with `python -m bot {missing} connect`.",
            )
        flow = await self.store.flow(template.template)
        return forms.settings_form(
            template,
            current=flow.settings if flow else {},
            connections=connections,
            channel=channel,
            enabled=bool(flow and flow.enabled),
        )

    async def connections(self) -> Mapping[str, Sequence[str]]:
        """Return the names of the connections, by connector."""
        return {connector: await self.vault.names(connector) for connector in self.catalog.connectors}

    async def submitted(self, template: Template, *, user: str, values: Mapping[str, Any]) -> Saved | dict[str, str]:
        """Save a form and switch the flow on. Returns what is wrong with which field if nothing was saved."""
        if not await self.permissions.may(user, "configure"):
            return {next(iter(template.settings)): words.clean(await refusal("configure", self.permissions), 150)}
        settings, wrong = forms.filled_in(template, values, await self.connections())
        if not wrong:
            wrong = await self._unreachable(template, settings)
        if wrong:
            return wrong
        before = await self.store.flow(template.template)
        flow = await self.store.set_up(
            template.template,
            template=template.template,
            document=written(template),
            tables=template.tables,
            settings=settings,
            by=user,
            now=time.time(),
        )
        log.info("flow_enabled", flow=flow.name, version=flow.version, user=user)
        what = "changed the settings of" if before and before.enabled else "switched on"
        return Saved(flow=flow, what=f"{what} *{words.escape(template.title)}*\n{forms.summary(template, settings)}")

    async def _unreachable(self, template: Template, settings: Mapping[str, Any]) -> dict[str, str]:
        """Return the channels that the bot cannot post in."""
        channels = [name for name, setting in template.settings.items() if isinstance(setting, ChannelField)]
        wrong = {}
        for name in channels:
            try:
                reachable = await asyncio.wait_for(self.workspace.can_post(settings[name]), PATIENCE)
            except (ConnectorError, TimeoutError):
                wrong[name] = "Slack does not say whether I can post there. Please try again in a moment."
                continue
            if not reachable:
                wrong[name] = "I cannot post there. Invite me to the channel first, or choose another."
        return wrong

    async def announce(self, flow: SetUp, what: str, *, by: str) -> None:
        """Say in a flow's channel that it was changed, and by whom."""
        channel = flow.settings.get("channel")
        if not isinstance(channel, str):
            return
        said = f"{words.person(by)} {what}"
        key = f"{flow.name}/{flow.version}/announced"
        try:
            await self.workspace.post(channel, text=said, blocks=[words.section(said)], key=key)
        except ConnectorError as error:
            log.warning("could_not_announce", flow=flow.name, why=error.message)


def register(app: AsyncApp, settings: FlowSettings) -> None:
    """Listen to submitted forms."""

    @app.view(forms.SETTINGS)
    async def submitted(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        template = settings.library.get(json.loads(view["private_metadata"])["template"])
        if template is None:
            await ack(response_action="update", view=forms.notice("Gone", "This flow is not there any more."))
            return
        user = str(body["user"]["id"])
        saved = await settings.submitted(template, user=user, values=view["state"]["values"])
        if isinstance(saved, Saved):
            await ack()
            await settings.announce(saved.flow, saved.what, by=user)
        else:
            await ack(response_action="errors", errors=saved)
