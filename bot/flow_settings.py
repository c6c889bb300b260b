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
from bot.commands import COMMAND
from bot.menus import Menus
from bot.permissions import Permissions
from bot.replies import refusal
from bot.shelf import Entry, Shelf
from bot.workspace import Workspace
from connectors.base import Catalog
from connectors.errors import ConnectorError
from flows.days import time_zone
from flows.fields import ChannelField, Fields, TimeZoneField
from flows.language import written
from flows.row_tables import WrongTableError
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
    shelf: Shelf
    permissions: Permissions
    workspace: Workspace
    menus: Menus

    async def open(self, entry: Entry, *, user: str, channel: str, trigger_id: str) -> None:
        """Open a flow's form. Something is opened before anything else is looked at: the trigger lasts three seconds."""
        loading = forms.loading(forms.name_of(entry.name))
        opened = await self.workspace.call("views.open", trigger_id=trigger_id, view=loading)
        current = entry.flow.settings if entry.flow else {}
        view = await self._view(entry, current, user=user, channel=channel)
        await self.workspace.call("views.update", view_id=opened["view"]["id"], view=view)

    async def chosen(self, view: Mapping[str, Any], *, user: str) -> None:
        """Show a form anew, in which another connection was chosen: what is picked is picked from there."""
        kept = json.loads(view["private_metadata"])
        entry = await self.shelf.meant(kept)
        if entry is None:
            return
        fields, values = entry.template.settings, view["state"]["values"]
        current = forms.typed(fields, values)
        # An id means something else in another account, or nothing.
        current |= dict.fromkeys(forms.elsewhere(fields, values, current))
        fresh = await self._view(entry, current, user=user, channel=str(kept["channel"]))
        await self.workspace.call("views.update", view_id=view["id"], hash=view["hash"], view=fresh)

    async def _view(self, entry: Entry, current: Mapping[str, Any], *, user: str, channel: str) -> dict[str, Any]:
        if not await self.permissions.may(user, "configure"):
            return forms.notice(forms.name_of(entry.name), await refusal("configure", self.permissions))
        connections = await self.connections()
        missing = forms.missing_connection(entry.template.settings, connections)
        if missing is not None:
            title = self.catalog.connectors[missing].title
            return forms.notice(
                forms.name_of(entry.name),
                f"This needs a connection to {words.escape(title)}, and there is none yet. "
                f"Make one with `{COMMAND} connect {missing}`.",
            )
        fields = entry.template.settings
        return forms.settings_form(
            entry.name,
            entry.template,
            current=current,
            connections=connections,
            channel=channel,
            zone=await self.zone(user, entry.template.settings),
            enabled=entry.on,
            form=entry.form,
            picks=await self.menus.picks(fields, forms.meant(fields, current, connections), current),
        )

    async def zone(self, user: str, fields: Fields) -> str:
        """Return the time zone of a person, if one of the fields asks for it; UTC where Slack does not say."""
        if not any(isinstance(field, TimeZoneField) for field in fields.values()):
            return "UTC"
        try:
            person = await asyncio.wait_for(self.workspace.user(user), PATIENCE)
            return time_zone(str(person.get("tz") or "UTC"))
        except (ConnectorError, TimeoutError, ValueError):
            return "UTC"

    async def connections(self) -> Mapping[str, Sequence[str]]:
        """Return the names of the connections, by connector."""
        return {connector: await self.vault.names(connector) for connector in self.catalog.connectors}

    async def submitted(
        self, form: Mapping[str, Any], *, user: str, values: Mapping[str, Any]
    ) -> Saved | dict[str, str] | str:
        """Save a form and switch the flow on; one that is upgraded stays as it was, on or off.

        Returns what is wrong with which field, or with the whole, if nothing was saved.
        """
        entry = await self.shelf.meant(form)
        if entry is None:
            return "This flow is not as it was when the form was opened: nothing was saved. Open it once more."
        if not await self.permissions.may(user, "configure"):
            return await refusal("configure", self.permissions)
        template, name = entry.template, entry.name
        settings, wrong = forms.filled_in(template.settings, values, await self.connections())
        if not wrong:
            wrong = await self._unreachable(template.settings, settings)
        if wrong:
            return wrong
        try:
            flow = await self.store.set_up(
                name,
                template=template.template,
                document=written(template),
                settings=settings,
                by=user,
                now=time.time(),
                enabled=entry.on or not entry.upgrades,
                tables=template.tables,
            )
        except WrongTableError as error:
            return f"Nothing was saved. {words.escape(str(error))}"
        log.info("flow_enabled", flow=flow.name, version=flow.version, user=user)
        what = "upgraded" if entry.upgrades else "changed the settings of" if entry.on else "switched on"
        version = f" to version {template.version}" if entry.upgrades else ""
        which = "" if name == template.template else f" as `{name}`"
        return Saved(
            flow=flow,
            what=f"{what} *{words.escape(template.title)}*{which}{version}\n{forms.summary(template, settings, forms.labels(template.settings, values))}",
        )

    async def _unreachable(self, fields: Fields, settings: Mapping[str, Any]) -> dict[str, str]:
        """Return the channels that the bot cannot post in."""
        channels = [name for name, setting in fields.items() if isinstance(setting, ChannelField) and settings[name]]
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

    async def announce(self, flow: SetUp, what: str, *, by: str, where: str | None = None) -> None:
        """Say in a flow's channel that it was changed, and by whom. One that has none: only to who did it, if it is said where."""
        channel = flow.settings.get("channel")
        said = f"{words.person(by)} {what}"
        blocks, key = [words.section(said)], f"{flow.name}/{flow.version}/announced"
        try:
            if isinstance(channel, str):
                await self.workspace.post(channel, text=said, blocks=blocks, key=key)
            elif where is not None:
                await self.workspace.call("chat.postEphemeral", channel=where, user=by, text=said, blocks=blocks)
        except ConnectorError as error:
            log.warning("could_not_announce", flow=flow.name, why=error.message)


def register(app: AsyncApp, settings: FlowSettings) -> None:
    """Listen to submitted forms, and to connections chosen in them."""

    @app.action(forms.FIELD)
    async def chosen(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await settings.chosen(body["view"], user=str(body["user"]["id"]))

    @app.view(forms.SETTINGS)
    async def submitted(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        form, user = json.loads(view["private_metadata"]), str(body["user"]["id"])
        name = str(form["flow"])
        saved = await settings.submitted(form, user=user, values=view["state"]["values"])
        match saved:
            case Saved():
                await ack()
                await settings.announce(saved.flow, saved.what, by=user, where=str(form["channel"]))
            case str():
                await ack(response_action="update", view=forms.notice(forms.name_of(name), saved))
            case _:
                await ack(response_action="errors", errors=saved)
