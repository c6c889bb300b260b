"""Reports: posted by themselves when their time comes, or now, because somebody asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot import words
from bot.commands import COMMAND, Typed, Verb
from bot.flow_settings import FlowSettings
from bot.replies import Said
from bot.shelf import Entry, Shelf
from bot.starts import Starts

ENDING: Final = "-report"
"""How the names of those that we ship end: nobody need type it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Posts reports now, by the same flows that post them at their times."""

    shelf: Shelf
    starts: Starts
    settings: FlowSettings

    def verbs(self) -> Sequence[Verb]:
        """Return what can be typed."""
        return [
            Verb(
                usage="report [report]",
                about="post a report now, in its channel; or list the reports",
                example="report inactive-users",
                carry_out=self._post,
            )
        ]

    async def _post(self, typed: Typed) -> Said | None:
        entries = await self.shelf.entries()
        if not typed.rest:
            return _listed(entries)
        name = " ".join(typed.rest)
        entry = entries.get(f"{name}{ENDING}") or entries.get(name)
        if entry is None:
            return f"There is no report `{words.escape(name, 60)}`. {_listed(entries)}"
        if not entry.on:
            # Nobody has said yet what it is to report on: its form asks, and offers the channel that this was typed in.
            await self.settings.open(entry, user=typed.user, channel=typed.channel, trigger_id=typed.trigger_id)
            return f"`{entry.name}` is not set up yet: fill in its form, then type this again."
        said = await self.starts.at_once(entry.name, user=typed.user)
        if said is None:
            await self.starts.open([entry.name], user=typed.user, channel=typed.channel, trigger_id=typed.trigger_id)
        return said


def _listed(entries: Mapping[str, Entry]) -> str:
    reports = [f"`{name.removesuffix(ENDING)}`" for name in entries if name.endswith(ENDING)]
    if not reports:
        return "There are no reports here."
    return f"The reports are {words.listed(reports)}. Post one now with `{COMMAND} report {reports[0].strip('`')}`."
