"""The status: how the flows are doing, and what waits for an answer."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot import words
from bot.commands import COMMAND, Typed, Verb
from bot.health import Health
from bot.replies import Said
from bot.shelf import Entry, Shelf
from flows.decisions import Decisions, question_of
from flows.history import History
from flows.store import Store

DAY: Final = 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Says how things stand."""

    store: Store
    shelf: Shelf
    history: History
    decisions: Decisions
    health: Health

    def verbs(self, example: str) -> Sequence[Verb]:
        """Return what can be typed. `example` is the name of a flow."""
        return [
            Verb(
                usage="status [flow]",
                about="how the flows are doing, and what waits for an answer",
                example=f"status {example}",
                carry_out=self._status,
            )
        ]

    async def _status(self, typed: Typed) -> Said:
        entries = list((await self.shelf.entries()).values())
        if typed.rest:
            one = await self.shelf.named(typed.rest)
            if isinstance(one, str):
                return one
            entries = [one]
        flows = [entry for entry in entries if entry.flow is not None]
        if not flows:
            return "\n".join([f"Nothing is set up yet. See `{COMMAND} list`.", *await self._connections()])
        lines = [line for entry in flows for line in await self._lines(entry)]
        for decision in await self.decisions.pending():
            question = question_of(decision)
            if any(entry.name == question.flow for entry in flows):
                lines.append(
                    f":hourglass: {words.escape(question.text)} in {words.place(decision.channel)}, "
                    f"until {words.moment(decision.deadline)}"
                )
        return "\n".join([*lines, *await self._connections()])

    async def _connections(self) -> list[str]:
        lines = list((await self.health.lines()).values())
        return ["Connections:", *lines] if lines else [f"There is no connection yet: `{COMMAND} connect`."]

    async def _lines(self, entry: Entry) -> list[str]:
        flow, lines = entry.flow, []
        if flow is None:
            return []
        counts = await self.history.counts(flow.name, since=time.time() - DAY)
        runs = ", ".join(f"{number} {state}" for state, number in sorted(counts.items())) or "none"
        lines.append(
            f"{entry.sign}  `{flow.name}`, set by {words.person(flow.changed_by)} {words.moment(flow.changed_at)}. "
            f"Runs in the last 24 hours: {runs}."
        )
        if entry.newer is not None:
            lines.append(
                f":new: Version {entry.newer.version} of `{flow.template}` is there, this is {entry.template.version}: "
                f"`{COMMAND} upgrade {flow.name}` shows what changes."
            )
        failed = next(iter(await self.history.latest(flow=flow.name, states=["failed"], limit=1)), None)
        if failed:
            lines.append(
                f":warning: Last failure, {words.moment(failed.began_at)}: {words.escape(failed.message, 400)} "
                f"(`{COMMAND} failed`)"
            )
        return lines
