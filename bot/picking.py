"""Picking: while somebody types into a menu of a form, Slack asks what fits."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot import forms, words
from bot.menus import Looked, Menus
from bot.permissions import Permissions, Right
from bot.shelf import Entry, Shelf
from flows.fields import Fields, PickField
from flows.language import Template
from flows.triggers import ByHandTrigger
from flows.vault import Vault

log = structlog.get_logger()

PATIENCE: Final = 2.2
"""Seconds in which a menu is answered: Slack waits for three."""
SHOWN: Final = 100
"""Options of one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picking:
    """Answers Slack's questions for the options of a menu."""

    menus: Menus
    shelf: Shelf
    vault: Vault
    permissions: Permissions

    async def options(self, view: Mapping[str, Any], field: str, connection: str, text: str, *, user: str) -> Any:
        """Return the options of a field that fit what was typed: none for those who may not see them."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._options(view, field, connection, text, user)
        except TimeoutError:
            return _as_typed(text)

    async def _options(self, view: Mapping[str, Any], field: str, connection: str, text: str, user: str) -> Any:
        right, fields = await self._form(view)
        picked = fields.get(field)
        if not isinstance(picked, PickField) or not await self.permissions.may(user, right):
            log.info("pick_refused", field=field, user=user)
            return []
        if connection not in await self.vault.names(picked.from_.partition(".")[0]):
            return []
        looked = await self.menus.look(picked, connection, text, patience=PATIENCE)
        return _shown(looked, text)

    async def _form(self, view: Mapping[str, Any]) -> tuple[Right, Fields]:
        """Return the fields of the form that is open, and what somebody needs to be allowed to fill it in."""
        kept = json.loads(view.get("private_metadata") or "{}")
        entry = await self.shelf.meant(kept) if "flow" in kept else None
        match view.get("callback_id"):
            case forms.SETTINGS if entry is not None:
                return "configure", entry.template.settings
            case forms.START if entry is not None:
                return "decide", _by_hand(entry)
            case _:
                return "configure", {}


def _by_hand(entry: Entry) -> Fields:
    template = Template.model_validate(entry.flow.document) if entry.flow else entry.template
    return next((trigger.by_hand for trigger in template.when if isinstance(trigger, ByHandTrigger)), {})


def _shown(looked: Looked, text: str) -> Sequence[Mapping[str, Any]]:
    options = [forms.chosen(each) for each in looked.choices if len(each.value) <= forms.LONGEST_PICK][:SHOWN]
    if options or (looked.all and not looked.problem):
        return options
    return _as_typed(text)


def _as_typed(text: str) -> list[dict[str, Any]]:
    """Offer what was typed as it is, so that nobody is stuck where an account does not answer."""
    value = text.strip()[: forms.LONGEST_PICK]
    return [{"text": words.plain(f"{value} (as typed: nothing is known of it)", 75), "value": value}] if value else []


def register(app: AsyncApp, picking: Picking) -> None:
    """Listen to what is typed into menus."""

    @app.options(re.compile(rf"^{re.escape(forms.PICK)}"))
    async def typed(ack: AsyncAck, body: dict[str, Any]) -> None:
        connection = str(body["action_id"]).removeprefix(forms.PICK)
        options = await picking.options(
            body.get("view") or {},
            str(body["block_id"]),
            connection,
            str(body.get("value") or ""),
            user=str(body["user"]["id"]),
        )
        await ack(options=options)
