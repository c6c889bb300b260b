"""The gallery: every flow in a line or two, with a button that opens its form."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot import words
from bot.commands import COMMAND, Typed, Verb
from bot.flow_settings import FlowSettings
from bot.replies import Message, Said, tell
from bot.shelf import Entry, Shelf

SET_UP: Final = "set_up"
MOST: Final = 45
"""Flows that are shown, each with its button: a message has room for 50 blocks. The others are named."""
BRIEF: Final = 200
"""Characters that a flow is explained with in the gallery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Shows what there is."""

    shelf: Shelf
    settings: FlowSettings

    def verbs(self, example: str) -> Sequence[Verb]:
        """Return what can be typed. `example` is the name of a flow."""
        return [
            Verb(
                usage="list [flow]",
                about="the flows there are, and which are on; or what one of them does and needs",
                example=f"list {example}",
                carry_out=self._list,
            )
        ]

    async def _list(self, typed: Typed) -> Said:
        if not typed.rest:
            entries = (await self.shelf.entries()).values()
            hint = f"`{COMMAND} list <flow>` says more of one."
            return "\n".join([*map(_line, entries), hint]), [*sections(entries), words.context(hint)]
        entry = await self.shelf.named(typed.rest)
        return entry if isinstance(entry, str) else _whole(entry)


def sections(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return the blocks of a gallery, at most `MOST` and one more."""
    shown = list(entries)
    blocks = [{**words.section(_line(entry)), "accessory": _button(entry)} for entry in shown[:MOST]]
    rest = ", ".join(f"`{entry.name}`" for entry in shown[MOST:])
    return [*blocks, words.context(f"… and {rest}"[:2900])] if rest else blocks


def _whole(entry: Entry) -> Message:
    """Return what one flow does, and what an admin fills in."""
    template = entry.template
    about = f"{_title(entry)}\n{words.escape(template.about, 2000)}"
    settings = [
        f"• *{words.escape(field.title)}*{f': {words.escape(field.hint)}' if field.hint else ''}"
        for field in template.settings.values()
    ]
    lines = [about, *(["It can be set up with:", *settings] if settings else [])]
    return "\n".join(lines), [*words.pages(lines), {"type": "actions", "elements": [_button(entry)]}]


def _line(entry: Entry) -> str:
    """Return a flow in a line or two. An instance of a template need not be explained."""
    if entry.of:
        return f"{entry.sign}  `{entry.name}`, made of `{entry.of}`{_newer(entry)}"
    return f"{_title(entry)}\n{words.escape(_first_sentence(entry.template.about), BRIEF)}"


def _title(entry: Entry) -> str:
    return f"{entry.sign}  `{entry.name}`  *{words.escape(entry.template.title)}*{_newer(entry)}"


def _newer(entry: Entry) -> str:
    return f" (version {entry.newer.version} is there: `{COMMAND} upgrade {entry.name}`)" if entry.newer else ""


def _first_sentence(text: str) -> str:
    sentence, stop, _ = text.partition(". ")
    return f"{sentence}." if stop else text


def _button(entry: Entry) -> dict[str, Any]:
    title = "Settings …" if entry.flow is not None else "Set up …"
    return words.button(title, action=SET_UP, value=entry.name)


def register(app: AsyncApp, gallery: Gallery) -> None:
    """Listen to the buttons of the gallery, in messages and on the Home tab."""

    @app.action(SET_UP)
    async def set_up(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        user, channel = str(body["user"]["id"]), str((body.get("channel") or {}).get("id", ""))
        entry = await gallery.shelf.named([str(action["value"])])
        if isinstance(entry, Entry):
            await gallery.settings.open(entry, user=user, channel=channel, trigger_id=str(body["trigger_id"]))
        elif channel:
            await tell(respond, entry)
