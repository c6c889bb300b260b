"""Trials: what a flow would do for an event, without doing it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot import words
from bot.commands import COMMAND, Typed, Verb
from bot.permissions import Permissions
from bot.replies import Said, refusal
from bot.runs import brief
from bot.shelf import Shelf
from flows.dry_run import DryRun
from flows.history import History
from flows.language import Each, If, Step, Template
from flows.masking import masked_text
from flows.runs import Runs
from flows.short_ids import find, short_id
from flows.store import Store

_SHOWN: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Tries flows out."""

    store: Store
    shelf: Shelf
    history: History
    runs: Runs
    permissions: Permissions

    def verbs(self, example: str) -> Sequence[Verb]:
        """Return what can be typed. `example` is the name of a flow."""
        return [
            Verb(
                usage="try <flow> [run]",
                about="what a flow would do for its latest event, or for that of a run, without doing it",
                example=f"try {example}",
                carry_out=self._try,
            )
        ]

    async def _try(self, typed: Typed) -> Said:
        flow = await self.shelf.set_up(typed.rest[:1])
        if isinstance(flow, str):
            return flow
        if not await self.permissions.may(typed.user, "configure"):
            return await refusal("configure", self.permissions)
        if len(typed.rest) > 1:
            runs = await find(self.store, typed.rest[1].strip("`"))
        else:
            runs = await self.history.latest(flow=flow.name, limit=1)
        if len(runs) != 1:
            return f"There is no event to try `{flow.name}` with: it has no such run. `{COMMAND} runs {flow.name}` lists them."
        tried = await self.runs.dry_run(flow, runs[0].event)
        lines = [
            f"For the event of run `{short_id(runs[0])}`, `{flow.name}` {words.escape(tried.summary, 1000)}. Nothing was done.",
            *(f"• {words.escape(text, 600)}" for text in told(tried)),
        ]
        return lines[0], words.pages(lines, most=20)


def told(tried: DryRun) -> Iterator[str]:
    """Say what a flow would do, one thing at a time. What came from outside is in it: escape it where it is shown."""
    for text, choice in tried.asked:
        yield f"It would ask “{masked_text(text)}”. The answer was taken to be {choice}."
    for would in tried.would[:_SHOWN]:
        verb = "destroy" if would.effect == "destroys" else "change"
        yield f"It would {verb} {words.number(would.count, 'thing')}: {would.title}, with {brief(would.given)}"
    if len(tried.would) > _SHOWN:
        yield f"… and {len(tried.would) - _SHOWN} more of these"
    for reply in tried.replies:
        yield f"It would tell whoever waits for its answer: {brief(reply)}"
    ended = {"done": "It would end well", "failed": "It would fail", "cancelled": "It would be cancelled"}
    message = masked_text(tried.ended.message)
    yield f"{ended[tried.ended.outcome]}{f': {message}' if message else '.'}"


def summed(tried: Sequence[DryRun]) -> list[str]:
    """Say what a flow would do for several events together, counted by action. Escape it where it is shown."""
    counts: Counter[tuple[str, str]] = Counter()
    failures: Counter[str] = Counter()
    for did in tried:
        counts.update(did.counts)
        if did.ended.outcome == "failed":
            failures[masked_text(did.ended.message)] += 1
    lines = [
        f"would {'destroy' if effect == 'destroys' else 'change'}: {title} {count:,} ×"
        for (effect, title), count in counts.most_common(_SHOWN)
    ]
    asked = sum(len(did.asked) for did in tried)
    if asked:
        lines.append(f"would ask {words.number(asked, 'question')}")
    replies = sum(len(did.replies) for did in tried)
    if replies:
        lines.append(f"would tell whoever waits {words.number(replies, 'answer')}")
    nothing = sum(not did.counts for did in tried)
    if nothing:
        lines.append(f"would change nothing for {nothing:,} of them")
    return [*lines, *(f"would fail {count:,} ×: {said}" for said, count in failures.most_common(5))]


def choices_of(template: Template, given: Mapping[str, str]) -> dict[str, str]:
    """Return answers by the paths of their steps, where some are named by the steps' ids."""
    paths = {step.id: path for path, step in _placed(template.steps, "steps") if step.id}
    return {paths.get(name, name): choice for name, choice in given.items()}


def _placed(steps: Sequence[Step], path: str) -> Iterator[tuple[str, Step]]:
    for index, step in enumerate(steps):
        here = f"{path}/{index}"
        yield here, step
        match step:
            case If():
                yield from _placed(step.then, f"{here}/then")
                for number, other in enumerate(step.else_if):
                    yield from _placed(other.then, f"{here}/else if/{number}/then")
                yield from _placed(step.else_, f"{here}/else")
            case Each():
                yield from _placed(step.steps, f"{here}/steps")
            case _:
                pass
        if step.on_error is not None and step.on_error.steps is not None:
            yield from _placed(step.on_error.steps, f"{here}/on error/steps")
