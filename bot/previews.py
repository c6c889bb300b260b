"""Previews: what a flow would have done in the last days, had it been on."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot import forms, words
from bot.commands import COMMAND, Typed, Verb
from bot.flow_settings import FlowSettings
from bot.permissions import Permissions
from bot.replies import Said, refusal
from bot.shelf import Entry, Shelf
from bot.trials import summed, told
from bot.undertakings import Undertakings
from bot.why import guarded
from flows.dry_run import DryRun
from flows.fields import ChannelField, ConnectionField
from flows.language import written
from flows.previews import DAYS, Moment, Preview, Previews, scheduled
from flows.runs import Runs
from flows.store import SetUp

log = structlog.get_logger()

_SHOWN: Final = 4
"""Events of which it is said in full what would have been done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewDesk:
    """Looks back for people, and tells them in a direct message."""

    shelf: Shelf
    previews: Previews
    runs: Runs
    settings: FlowSettings
    permissions: Permissions
    undertakings: Undertakings

    def verbs(self, example: str) -> Sequence[Verb]:
        """Return what can be typed. `example` is the name of a flow."""
        return [
            Verb(
                usage="preview <flow>",
                about="what a flow would have done in the last 7 days, had it been on",
                example=f"preview {example}",
                carry_out=self._typed,
            )
        ]

    async def _typed(self, typed: Typed) -> Said:
        entry = await self.shelf.named(typed.rest)
        if isinstance(entry, str):
            return entry
        if not await self.permissions.may(typed.user, "configure"):
            return await refusal("configure", self.permissions)
        settings = entry.flow.settings if entry.flow else await self._assumed(entry, typed.channel)
        missing = _missing(entry, settings)
        if missing:
            return (
                f"To look back I need to know {words.listed([words.escape(title) for title in missing])}. Fill them in with "
                f"`{COMMAND} enable {entry.name}`, and press *What would it have done?* in the form before you save it."
            )
        return self.begin(entry, settings, user=typed.user)

    async def pressed(self, view: Mapping[str, Any], *, user: str) -> None:
        """Look back with the settings that are filled in in a form just now, and are not saved."""
        entry = await self.shelf.meant(json.loads(view["private_metadata"]))
        if entry is None or not await self.permissions.may(user, "configure"):
            return
        fields, values = entry.template.settings, view["state"]["values"]
        filled, wrong = forms.filled_in(fields, values, await self.settings.connections())
        if wrong:
            said = "This cannot be looked back at yet: some settings in the form are missing or wrong."
            await self.settings.workspace.post(
                user, text=said, blocks=[words.section(said)], key=f"preview/{view['id']}"
            )
            return
        self.begin(entry, filled, user=user)

    def begin(self, entry: Entry, settings: Mapping[str, Any], *, user: str) -> str:
        """Begin to look back. Returns what to say."""
        document = entry.flow.document if entry.flow and not entry.upgrades else written(entry.template)
        flow = SetUp(
            name=entry.name,
            template=entry.template.template,
            version=entry.flow.version if entry.flow else 0,
            enabled=entry.on,
            document=document,
            settings=settings,
            changed_by=user,
            changed_at=time.time(),
        )
        key = f"preview/{entry.name}/{time.time():.3f}"
        title = f"What {entry.name} would have done"
        self.undertakings.begin(user, title, lambda: self._look(flow), key=key)
        return f"I am looking back at the last {DAYS} days. What `{entry.name}` would have done, I tell you in a direct message."

    async def _look(self, flow: SetUp) -> Sequence[str]:
        preview = await self.previews.look(flow)
        moments = list(preview.latest)
        if not moments and preview.times:
            moments = [Moment(at=time.time(), event=scheduled(time.time()))]
        tried = [(one, await self.runs.dry_run(flow, one.event)) for one in moments]
        log.info("previewed", flow=flow.name, events=preview.events, woken=preview.woken)
        return _lines(flow, preview, tried)

    async def _assumed(self, entry: Entry, channel: str) -> Mapping[str, Any]:
        """Return the settings of a flow that nobody has set up: its defaults, and what there is only one of."""
        connections = await self.settings.connections()
        assumed: dict[str, Any] = {}
        for name, field in entry.template.settings.items():
            match field:
                case ConnectionField():
                    there = connections.get(field.connection, ())
                    assumed[name] = there[0] if len(there) == 1 else None
                case ChannelField():
                    assumed[name] = field.default or channel
                case _:
                    assumed[name] = getattr(field, "default", None)
        return assumed


def _missing(entry: Entry, settings: Mapping[str, Any]) -> list[str]:
    """Return the titles of the settings without which nothing can be looked back at."""
    return [
        field.title
        for name, field in entry.template.settings.items()
        if settings.get(name) is None and not getattr(field, "optional", False)
    ]


def _lines(flow: SetUp, preview: Preview, tried: Sequence[tuple[Moment, DryRun]]) -> list[str]:
    """Say what a flow would have done, in lines."""
    lines = [f"In the last {DAYS} days, had it been on. Nothing was done.", *_looked_at(preview)]
    lines += [
        f"• {words.number(preview.events, 'event')} that it listens to",
        f"• {words.number(preview.woken, 'event')} would have woken it",
    ]
    if preview.once:
        lines.append(
            f"• {words.number(preview.once, 'more', 'more')} came too soon after another for the same key (once per)"
        )
    lines += [
        f"• {words.number(count, 'event')} would not: {words.escape(guarded(flow, guard), 300)}"
        for guard, count in preview.guards.most_common(5)
    ]
    if preview.times:
        lines.append(
            f"• its schedule would have woken it {words.number(preview.times, 'time')}; it was tried out as if it were due now"
        )
    if tried:
        which = "all of them" if len(tried) >= preview.woken else f"the last {len(tried)} of them"
        lines += ["", f"*It would have done this, tried out for {which}:*"]
        lines += [f"• {words.escape(line, 300)}" for line in summed([did for _, did in tried])]
        lines += ["", "*For instance*"]
        for one, did in tried[-_SHOWN:]:
            lines.append(f"{words.moment(one.at)}:")
            lines += [f"      {words.escape(said, 400)}" for said in told(did)]
    unknown = _unknown(preview)
    return [*lines, "", "*What I cannot know*", *unknown] if unknown else lines


def _looked_at(preview: Preview) -> list[str]:
    parts = []
    if preview.lines:
        parts.append(
            f"{words.number(preview.lines, 'line')} of the tenant's log, the first {words.moment(preview.oldest or 0)}"
        )
    parts.append(f"{words.number(preview.kept, 'event')} that I have kept")
    return [f"I looked at {words.listed(parts)}."]


def _unknown(preview: Preview) -> list[str]:
    lines = [
        f"• The log of {words.escape(name)} could not be read: {words.escape(why, 400)}"
        for name, why in preview.unread.items()
    ]
    if preview.until is not None:
        lines.append(
            f"• The log is longer than what I look at: what came after {words.moment(preview.until)} is not counted."
        )
    if preview.unlogged:
        names = words.listed([f"`{name}`" for name in preview.unlogged])
        lines.append(f"• {names} stands in no log: of these I know only what woke some flow.")
    untold = preview.untold.most_common(12)
    if untold:
        names = words.listed([f"`{words.escape(path, 100)}` ({count:,} ×)" for path, count in untold])
        lines.append(f"• The log did not tell {names}: what depends on it may come out otherwise.")
    lines.append(
        "• What people would have answered: the choice for want of an answer was taken. Looked-up data is of today."
    )
    return lines


def register(app: AsyncApp, desk: PreviewDesk) -> None:
    """Listen to the button in the form of a flow's settings."""

    @app.action(forms.PREVIEW)
    async def pressed(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await desk.pressed(body["view"], user=str(body["user"]["id"]))
