"""Dry runs: what reads really reads; what would change or destroy is described and counted, and does not happen."""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from connectors.base import Action, Catalog
from flows.datasets import Datasets
from flows.durable import load_version
from flows.engine import carry_out
from flows.journal import MemoryJournal
from flows.language import Call, Limits, Template
from flows.live import LiveDatasets, LiveHands, planned
from flows.masking import masked
from flows.questions import NO_LINK, Question
from flows.store import Store
from flows.surroundings import Ended, Errand, Hands, Over, Surroundings
from flows.tables import Run

NO_MESSAGE: Final = "0.0"
"""What the message of a question is called that nobody was asked: it has the form of Slack's, and is none."""
SHOWN: Final = 100
"""Things that are described in full; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Would:
    """Something that a flow would change or destroy."""

    path: str
    action: str
    title: str
    effect: str
    count: int
    given: Any
    """Its inputs, filled in and masked."""


@dataclass(slots=True, kw_only=True)
class DryRun:
    """What a flow would do for an event."""

    ended: Ended = field(default_factory=lambda: Ended(outcome="done", message=""))
    would: list[Would] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many things, by effect and title of the action."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """The questions, and the answers that were assumed."""
    replies: list[Mapping[str, Any]] = field(default_factory=list)
    """What it would tell an Auth0 Action that waits."""

    def note(self, would: Would) -> None:
        """Count something that would be done, and describe it unless there is too much."""
        self.counts[would.effect, would.title] += would.count
        if len(self.would) < SHOWN:
            self.would.append(would)

    @property
    def summary(self) -> str:
        """What would be done, in a line: ``would destroy: Delete a user 1,234 ×; would change: Block a user 1 ×``."""
        if not self.counts:
            return "would change nothing"
        verbs = {"destroys": "would destroy", "changes": "would change"}
        parts = []
        for effect, verb in verbs.items():
            titles = [f"{title} {count:,} ×" for (of, title), count in self.counts.items() if of == effect]
            if titles:
                parts.append(f"{verb}: {', '.join(titles)}")
        return "; ".join(parts)


async def dry_run(
    errand: Errand,
    *,
    catalog: Catalog,
    hands: LiveHands,
    store: Store,
    now: Callable[[], float],
    choices: Mapping[str, str] | None = None,
) -> DryRun:
    """Carry out a flow without changing anything. Returns what it would have done.

    `choices` are the answers to its questions, by their steps' paths; the others are answered by their default.
    """
    found, datasets = DryRun(), Datasets(store)
    errand = Errand(
        run_id=f"dry/{uuid.uuid4().hex}",
        flow=errand.flow,
        template=errand.template,
        settings=errand.settings,
        event=errand.event,
        owner=errand.owner,
    )
    around = _Around(found, hands, store, now, choices or {})
    surroundings = Surroundings(
        catalog=catalog,
        hands=around,
        people=around,
        caps=around,
        calls=around,
        datasets=LiveDatasets(datasets, now),
        holds=around,
        pages=around,
        answer=lambda _run_id, reply: found.replies.append(masked(reply)),
        pause=around.pause,
        now=now,
    )
    around.surroundings = surroundings
    try:
        found.ended = await carry_out(errand, journal=_journal(store, now), surroundings=surroundings)
    finally:
        await datasets.drop([errand.run_id, *around.called])
    return found


def _journal(store: Store, now: Callable[[], float]) -> MemoryJournal:
    return MemoryJournal(now, store=store.order)


class _Around:
    """Surroundings that read, and describe the rest."""

    surroundings: Surroundings

    def __init__(
        self, found: DryRun, hands: Hands, store: Store, now: Callable[[], float], choices: Mapping[str, str]
    ) -> None:
        self.found = found
        self.called: dict[str, Run] = {}
        self._hands = hands
        self._store = store
        self._now = now
        self._choices = choices

    async def reach(self, action: Action, connection: str) -> Any:
        """Look up what is read from; what would be done needs nothing."""
        return await self._hands.reach(action, connection) if action.effect == "reads" else None

    async def carry_out(self, action: Action, client: Any, given: Any, *, path: str, errand: Errand) -> Any:
        """Read, or describe what would be done."""
        if action.effect == "reads":
            return await self._hands.carry_out(action, client, given, path=path, errand=errand)
        return self._describe(action, given, path)

    def hold(self, connection: Any, run_id: str, hold: Mapping[str, Any]) -> None:
        """Keep nobody waiting."""

    def release(self, connection: Any, run_id: str, reply: Mapping[str, Any]) -> None:
        """Nobody waits."""

    def open(self, connection: Any, question: Question) -> None:
        """Put the question to nobody."""

    def close(self, connection: Any, run_id: str) -> None:
        """Take nothing back."""

    def link(self, question_id: str, choice: str) -> str:
        """Return what stands for a link."""
        return NO_LINK.format(choice)

    def store(self, action: Action, connection: Any, given: Any, *, path: str) -> Any:
        """Look something up in our own database, or describe what would be done there."""
        if action.effect == "reads":
            return self._hands.store(action, connection, given, path=path)
        return self._describe(action, given, path)

    def _describe(self, action: Action, given: Any, path: str) -> Any:
        shown = given.model_dump(mode="json", by_alias=True)
        self.found.note(
            Would(
                path=path,
                action=action.name,
                title=action.title,
                effect=action.effect,
                count=action.counts(given),
                given=masked(shown),
            )
        )
        # What it would give is not known, but for what it was given.
        names = (model_field.alias or name for name, model_field in action.gives.model_fields.items())
        return {name: shown.get(name) for name in names}

    async def ask(self, question: Question) -> None:
        """Ask nobody."""

    async def answer(self, question: Question) -> Mapping[str, Any]:
        """Assume an answer."""
        choice = self._choices.get(question.path, question.otherwise)
        if choice not in question.choices:
            choice = question.otherwise
        self.found.asked.append((question.text, choice))
        where = {"channel": question.channel, "message": NO_MESSAGE}
        return {"choice": choice, "by": None, "at": self._now(), "how": "dry run", **where}

    async def speaks_since(self, question: Question) -> float | None:
        """Nothing is open: every answer is assumed."""

    async def insist(self, question: Question, name: str) -> None:
        """Remind nobody."""

    async def settle(self, question: Question) -> None:
        """Show nothing."""

    async def tell(self, errand: Errand, ended: Ended) -> None:
        """Tell nobody."""

    def spend(self, connection: Any, errand: Errand, *, effect: str, count: int, limits: Limits) -> Over | None:
        """Count nothing: what would be done is counted elsewhere."""
        return None

    def allow(self, connection: Any, errand: Errand, over: Over, *, count: int) -> None:
        """Allow nothing: no cap is reached."""

    def start(self, connection: sa.Connection, errand: Errand, step: Call, path: str, given: Mapping[str, Any]) -> Any:
        """Prepare a flow that is called, to be carried out here."""
        run = planned(connection, errand, step, path, given, now=self._now())
        if isinstance(run, str):
            return {"error": run, "kind": "refused", "after": None}
        self.called[run.id] = run
        return {"gave": {"run": run.id}}

    async def begin(self, run_id: str) -> None:
        """Carry out a flow that was called in the background."""
        run = self.called[run_id]
        if run.parent is None:
            await self.result(run_id)

    async def result(self, run_id: str) -> Mapping[str, Any]:
        """Carry out a flow that was called."""
        run = self.called[run_id]
        version = await self._store.read(lambda session: load_version(session.connection(), run.flow, run.version))
        errand = Errand(
            run_id=run.id,
            flow=run.flow,
            template=Template.model_validate(version.document),
            settings=version.settings,
            event=run.event,
            depth=run.depth,
        )
        journal = _journal(self._store, self._now)
        ended = await carry_out(errand, journal=journal, surroundings=self.surroundings)
        return {"outcome": ended.outcome, "message": ended.message, "gave": dict(ended.gave)}

    async def pause(self, until: float) -> None:
        """Wait for nothing."""
