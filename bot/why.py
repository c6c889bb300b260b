"""Why: what kept events from waking a flow, or which run an event woke."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot import words
from bot.commands import COMMAND, Typed, Verb
from bot.replies import Said
from bot.runs import line
from bot.shelf import Shelf
from flows import misses
from flows.conditions import Comparison
from flows.history import History
from flows.language import Template
from flows.masking import masked
from flows.misses import ONCE_PER, TURN, Sample
from flows.references import REFERENCE, fill, spoken
from flows.runs import Runs
from flows.store import SetUp
from flows.triggers import EventTrigger

DAYS: Final = 7
_GUARD: Final = re.compile(r"when/(\d+)/only if/(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Explains why a flow ran, or did not."""

    shelf: Shelf
    history: History
    runs: Runs

    def verbs(self, example: str) -> Sequence[Verb]:
        """Return what can be typed. `example` is the name of a flow."""
        return [
            Verb(
                usage="why <flow> [event]",
                about="why a flow did not run, or why it did",
                example=f"why {example}",
                carry_out=self._why,
            )
        ]

    async def _why(self, typed: Typed) -> Said:
        flow = await self.shelf.set_up(typed.rest[:1])
        if isinstance(flow, str):
            return flow
        found = await self.runs.why(flow.name, since=time.time() - DAYS * 86400)
        if len(typed.rest) > 1:
            return await self._event(flow, typed.rest[1], found.samples)
        lines = standing(flow)
        total = sum(found.counts.values())
        if not total:
            lines.append(f"In the last {DAYS} days no event was turned away by `{flow.name}`.")
        else:
            lines.append(f"In the last {DAYS} days, {words.number(total, 'event')} did not wake `{flow.name}`:")
            lines += [
                f"• {count:,} × {words.escape(guarded(flow, guard), 400)}" for guard, count in found.counts.items()
            ]
        if found.samples:
            lines.append("The latest:")
            lines += [_told(sample) for sample in found.samples[:5]]
        counts = await self.history.counts(flow.name, since=time.time() - DAYS * 86400)
        lines.append(f"It ran {words.number(sum(counts.values()), 'time')} meanwhile (`{COMMAND} runs {flow.name}`).")
        return "\n".join(lines)

    async def _event(self, flow: SetUp, event_id: str, samples: Sequence[Sample]) -> Said:
        woken = [run for run in await self.history.of_event(event_id) if run.flow == flow.name]
        if woken:
            return "\n".join([f"This event woke `{flow.name}`:", *map(line, woken)])
        known = str(masked(event_id))[:200]
        about = [sample for sample in samples if sample.event_id.endswith(known)]
        if about:
            return "\n".join([*standing(flow), *map(_told, about[:5])])
        unknown = (
            f"No run of `{flow.name}` is known for this event, and none of its latest misses is about it. "
            f"`{COMMAND} why {flow.name}` shows what is known."
        )
        return "\n".join([*standing(flow), unknown])


def standing(flow: SetUp) -> list[str]:
    """Return what there is to say of a flow that nothing wakes, or that is not carried out."""
    lines = []
    if not flow.enabled:
        lines.append(f"`{flow.name}` is off: nothing wakes it.")
    if flow.paused:
        lines.append(f"`{flow.name}` is paused: what wakes it is kept, and carried out when it is resumed.")
    return lines


def guarded(flow: SetUp, guard: str) -> str:
    """Return what stood against events, in words."""
    found = _GUARD.match(guard)
    if guard == ONCE_PER:
        return "there was a run for the same key already (once per)"
    if guard == TURN:
        return "an earlier run was still under way"
    if found is None:
        return guard
    when = Template.model_validate(flow.document).when
    trigger, index = (when[int(found[1])] if int(found[1]) < len(when) else None), int(found[2])
    tests = (trigger.only_if or []) if isinstance(trigger, EventTrigger) else []
    match tests[index] if index < len(tests) else None:
        case Comparison(left=left, operator=operator, right=right):
            bare = REFERENCE.sub(r"\1", left) if isinstance(left, str) else spoken(left)
            wanted = spoken(fill(right, {"settings": flow.settings}, keep=frozenset({"event"})))
            return f"it was not so that {bare} {operator} {wanted}"
        case None:
            return "a guard of an earlier version"
        case _:
            return f"guard {index + 1} did not hold"


def _told(sample: Sample) -> str:
    return f"• {words.moment(sample.at)}: {words.escape(misses.explain(sample), 600)}"
