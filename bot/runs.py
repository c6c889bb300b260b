"""Runs: looked at, cancelled, tried again and discarded by people."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot import words
from bot.commands import COMMAND, Typed, Verb
from bot.permissions import Permissions
from bot.replies import Said, refusal, tell
from bot.shelf import Shelf
from connectors.base import Catalog
from flows import durations
from flows.history import History
from flows.runs import Runs
from flows.short_ids import LENGTH, find, short_id
from flows.store import Store
from flows.tables import Run
from flows.trace import Line

log = structlog.get_logger()

BUTTON: Final = "failed"
_BUTTONS: Final = re.compile(rf"{BUTTON}:(again|afresh|discard)")
_SHOWN: Final = 40
"""Steps of a run that are shown: the first and the last. The command line shows all."""
_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "queued": (":clock1:", "waits for its turn"),
    "ready": (":arrow_forward:", "is about to go on"),
    "running": (":arrow_forward:", "is under way"),
    "waiting": (":hourglass:", "waits"),
    "done": (":white_check_mark:", "is done"),
    "failed": (":x:", "failed"),
    "cancelled": (":no_entry_sign:", "was cancelled"),
    "discarded": (":wastebasket:", "failed, and was discarded"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDesk:
    """What people do with runs."""

    store: Store
    shelf: Shelf
    history: History
    catalog: Catalog
    runs: Runs
    permissions: Permissions

    def verbs(self, example: str) -> Sequence[Verb]:
        """Return what can be typed. `example` is the name of a flow."""
        run = "1m2n3p4q5r"
        return [
            Verb(
                usage="runs [flow]",
                about="the latest runs",
                example=f"runs {example}",
                carry_out=self._list,
            ),
            Verb(
                usage="run <run>",
                about="what a run did, step by step",
                example=f"run {run}",
                carry_out=self._show,
            ),
            Verb(
                usage="failed",
                about="the runs that failed and that nobody has dealt with",
                example="failed",
                carry_out=self._failed,
            ),
            Verb(
                usage="cancel <run>",
                about="stop a run",
                example=f"cancel {run}",
                carry_out=self._cancel,
            ),
            Verb(
                usage="retry <run>",
                about="try a failed run again from the step that failed",
                example=f"retry {run}",
                carry_out=lambda typed: self._deal(typed, "again"),
            ),
            Verb(
                usage="discard <run>",
                about="take a failed run off the list",
                example=f"discard {run}",
                carry_out=lambda typed: self._deal(typed, "discard"),
            ),
        ]

    async def deal(self, how: str, run_id: str, *, user: str) -> str:
        """Deal with a failed run: try it again, begin it afresh, or discard it. Returns what to say."""
        if not await self.permissions.may(user, "decide"):
            return await refusal("decide", self.permissions)
        match how:
            case "again":
                done = await self.runs.again(run_id)
                said = "Trying again from the step that failed."
            case "afresh":
                new = await self.runs.afresh(run_id)
                run = await self.history.run(new) if new else None
                done = run is not None
                said = f"Begun again from the start, as run `{short_id(run)}`." if run else ""
            case _:
                done = await self.runs.discard(run_id)
                said = "Discarded: it is not on the list of failures any more."
        log.info("run_dealt_with", how=how, run=run_id, user=user, done=done)
        return said if done else "This run is not among the failed ones any more, so nothing was done."

    async def _list(self, typed: Typed) -> Said:
        flow = None
        if typed.rest:
            found = await self.shelf.named(typed.rest)
            if isinstance(found, str):
                return found
            flow = found.name
        runs = await self.history.latest(flow=flow, limit=20)
        if not runs:
            return f"There is no run{f' of `{flow}`' if flow else ''} yet."
        return "\n".join([*map(line, runs), f"More about one: `{COMMAND} run <run>`."])

    async def _show(self, typed: Typed) -> Said:
        run = await self._one(typed)
        if isinstance(run, str):
            return run
        lines = await self.runs.trace(run.id) or ()
        head = f"{line(run)}\nVersion {run.version} of `{run.flow}`, event `{words.escape(run.event_id)}`."
        shown = [self._step(one) for one in lines]
        if len(shown) > _SHOWN:
            half = _SHOWN // 2
            between = f"_… {len(shown) - _SHOWN:,} steps between …_"
            shown = [*shown[:half], between, *shown[-half:]]
        blocks = [words.section(head), *words.pages(shown or ["No step has been carried out yet."])]
        return f"Run {short_id(run)} of {run.flow} {_STATES[run.state][1]}.", blocks

    async def _failed(self, _typed: Typed) -> Said:
        runs = await self.history.latest(states=["failed"], limit=16)
        if not runs:
            return "No run has failed that nobody has dealt with."
        blocks: list[dict[str, Any]] = []
        for run in runs[:15]:
            blocks += [words.section(line(run)), {"type": "actions", "elements": _choices(run)}]
        if len(runs) > 15:
            blocks.append(words.context("There are more, which are older."))
        return f"{words.number(len(runs[:15]), 'failed run')}", blocks

    async def _cancel(self, typed: Typed) -> Said:
        run = await self._one(typed)
        if isinstance(run, str):
            return run
        if not await self.permissions.may(typed.user, "configure"):
            return await refusal("configure", self.permissions)
        if not await self.runs.cancel(run.id, by=typed.user):
            return f"Run `{short_id(run)}` has ended already, so there is nothing to cancel."
        log.info("run_cancelled", run=run.id, by=typed.user)
        return f"Run `{short_id(run)}` is cancelled. What it was just doing is done; nothing more is begun."

    async def _deal(self, typed: Typed, how: str) -> Said:
        run = await self._one(typed)
        return run if isinstance(run, str) else await self.deal(how, run.id, user=typed.user)

    async def _one(self, typed: Typed) -> Run | str:
        """Return the run that was typed, or what to answer if it is not clear which."""
        if len(typed.rest) != 1:
            return f"Which run? `{COMMAND} runs` lists them."
        text = typed.rest[0].strip("`")
        found = await find(self.store, text)
        match found:
            case [run]:
                return run
            case []:
                return (
                    f"I know no run `{words.escape(text, 200)}`. A run's name has {LENGTH} letters and digits; "
                    f"`{COMMAND} runs` lists them."
                )
            case _:
                return "\n".join(["Several runs begin so:", *map(line, found)])

    def _step(self, one: Line) -> str:
        """Return a step of a run in words."""
        depth = "      " * (len([part for part in one.path.split("/") if not part.isdecimal()]) - 1)
        name = f" `{one.id}`" if one.id else ""
        facts = [words.escape(described(one, self.catalog), 200)]
        if one.took is not None and one.took >= 0.05:
            facts.append(f"{one.took:.1f} s" if one.took < 60 else durations.spoken(int(one.took)))
        if one.attempts > 1:
            facts.append(f"{one.attempts} attempts")
        lines = [f"{'•' if one.ended else '◦'}{name} {', '.join(facts)}"]
        if one.error:
            lines.append(f":warning: {words.escape(one.error, 300)}")
        for label, value in {"with": one.given, "gave": one.gave}.items():
            if value not in (None, {}, []):
                lines.append(f"{label} {words.escape(brief(value), 300)}")
        if one.waits:
            lines.append(f"_it waits for {words.escape(one.waits, 300)}_")
        elif not one.ended:
            lines.append("_it has come as far as this_")
        return "\n".join(f"{depth}{text}" for text in lines)


def line(run: Run) -> str:
    """Return a run in one line."""
    sign, state = _STATES[run.state]
    message = f": {words.outcome(run.message, 300)}" if run.message else ""
    return f"{sign} `{short_id(run)}` of `{run.flow}` {state}, begun {words.moment(run.began_at)}{message}"


def described(one: Line, catalog: Catalog) -> str:
    """Return what a step does, in words. What came from outside is in it: escape it where it is shown."""
    given = one.given if isinstance(one.given, Mapping) else {}
    match one.kind:
        case "do":
            action = catalog.action(one.action or "")
            return action.title if action else str(one.action)
        case "ask":
            return f"Ask: {given.get('ask') or one.action}"
        case "show":
            return f"Show: {given.get('show') or one.action}"
        case "invite":
            return f"Invite: {given.get('invite') or one.action}"
        case "hear":
            return "Hear the answer"
        case "if":
            branch = str(given.get("branch") or "")
            return {"then": "If: yes", "else": "If: no"}.get(branch, f"If: {branch}" if branch else "If")
        case "each":
            return f"For each of {given.get('count', 'some')}"
        case "wait":
            return f"Wait until {given.get('until', 'a time')}"
        case "call":
            return f"Carry out {one.action}"
        case "stop":
            return "Stop"
        case "answer":
            return "Answer"
        case _:
            return "Set values"


def brief(value: Any) -> str:
    """Return a masked value in one line, without what is empty in it."""
    full = _full(value)
    if isinstance(full, Mapping):
        return ", ".join(f"{name}: {_inner(inner)}" for name, inner in full.items())
    return _inner(full)


def _full(value: Any) -> Any:
    match value:
        case Mapping():
            within = {name: _full(inner) for name, inner in value.items()}
            return {name: inner for name, inner in within.items() if inner not in (None, "", {}, [])}
        case list():
            return [_full(inner) for inner in value]
        case _:
            return value


def _inner(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _choices(run: Run) -> list[dict[str, Any]]:
    titles = {"again": "Try again", "afresh": "From the start", "discard": "Discard"}
    return [words.button(title, action=f"{BUTTON}:{how}", value=run.id) for how, title in titles.items()]


def register(app: AsyncApp, desk: RunDesk) -> None:
    """Listen to the buttons of failed runs."""

    @app.action(_BUTTONS)
    async def dealt(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        how = str(action["action_id"]).partition(":")[2]
        await tell(respond, await desk.deal(how, str(action["value"]), user=str(body["user"]["id"])))
