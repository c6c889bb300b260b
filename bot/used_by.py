"""Used by: which flows rely on a connection, a channel, a table, an action, an event or another flow."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot import words
from bot.commands import COMMAND, Typed, Verb
from bot.replies import Said
from flows.problems import nearest
from flows.store import SetUp, Store
from flows.uses import KINDS, Use, used, users

_CHANNEL: Final = re.compile(r"<#([A-Z0-9]+)(\|[^>]*)?>")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedBy:
    """Says who uses what."""

    store: Store

    def verbs(self, example: str) -> Sequence[Verb]:
        """Return what can be typed. `example` is the name of a flow."""
        return [
            Verb(
                usage="used <what>",
                about="which flows use a connection, a channel, a table, an action, an event or a flow",
                example=f"used {example}",
                carry_out=self._used,
            )
        ]

    async def _used(self, typed: Typed) -> Said:
        if len(typed.rest) != 1:
            return f"By whom is what used? Say it like this: `{COMMAND} used production`, `{COMMAND} used #security`."
        flows = await self.store.flows()
        channel = _CHANNEL.fullmatch(typed.rest[0])
        name = channel[1] if channel else typed.rest[0].strip("`")
        lines = [line for kind in KINDS for line in told(Use(kind=kind, name=name), flows)]
        if name in {flow.name for flow in flows}:
            lines += _relies(next(flow for flow in flows if flow.name == name))
        if lines:
            return "\n".join(lines)
        known = sorted({use.name for flow in flows for use in used(flow)})
        guess = nearest(name, known)
        return f"No flow uses `{words.escape(name, 100)}`{f'; {guess}' if guess else '.'}"


def told(use: Use, flows: Sequence[SetUp]) -> list[str]:
    """Say which flows use something; nothing if none does."""
    found = users(use, flows)
    if not found:
        return []
    what = f"<#{use.name}>" if use.kind == "channel" else f"`{words.escape(use.name, 100)}`"
    return [f"The {use.kind} {what} is used by {words.listed([named(flow) for flow in found])}."]


def named(flow: SetUp) -> str:
    """Return a flow with its state."""
    state = "paused" if flow.paused and flow.enabled else "on" if flow.enabled else "off"
    return f"`{flow.name}` ({state})"


def _relies(flow: SetUp) -> list[str]:
    """Say what a flow itself relies on, as far as that can go away."""
    found = used(flow)
    parts = []
    for kind in ("connection", "channel", "table", "flow"):
        names = sorted(use.name for use in found if use.kind == kind)
        shown = [f"<#{name}>" if kind == "channel" else f"`{words.escape(name, 100)}`" for name in names]
        if shown:
            parts.append(f"the {kind if len(shown) == 1 else kind + 's'} {words.listed(shown)}")
    return [f"`{flow.name}` itself uses {words.listed(parts)}."] if parts else []
