"""Traces: every step of a run, seen once more by interpreting its journal again. Nothing of that is stored."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from connectors.base import Action, Catalog
from flows.attempts import is_failure
from flows.durable import Taken, load
from flows.engine import carry_out
from flows.interruptions import SuspendedError
from flows.journal import Act, MemoryJournal, Note, Work
from flows.language import KINDS, Call, Limits, Step, Template
from flows.masking import masked, masked_text
from flows.questions import NO_LINK, Question
from flows.store import Store
from flows.surroundings import Datasets, Ended, Errand, Nobody, Over, Recorder, Surroundings
from flows.tables import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One step of a run, as it was carried out. What it was given and what it gave is masked."""

    path: str
    kind: str
    id: str | None
    action: str | None = None
    """What it does, in a word: the action, the question, the flow that it calls."""
    at: float | None = None
    """When it began, in Unix seconds; None for a step that only computed."""
    took: float | None = None
    """Seconds, over all attempts."""
    attempts: int = 0
    given: Any = None
    gave: Any = None
    error: str | None = None
    ended: bool = False
    waits: str | None = None
    """What it waits for, in words, where the run has come as far as this."""


async def trace(
    run_id: str, *, store: Store, catalog: Catalog, datasets: Datasets, now: Callable[[], float]
) -> Sequence[Line] | None:
    """Return every step of a run in the order it was carried out, also those that were only recomputed.

    None if there is no such run.
    """
    recorder = _Recorder()
    found = await _interpreted(run_id, recorder, [], store=store, catalog=catalog, datasets=datasets, now=now)
    if found is None:
        return None
    lines = [_timed(line, found.notes) for line in recorder.lines.values()]
    return [replace(line, waits=_waits(line, found.notes)) if found.run.ended_at is None else line for line in lines]


async def answer_of(
    run_id: str, *, store: Store, catalog: Catalog, datasets: Datasets, now: Callable[[], float]
) -> Mapping[str, Any] | None:
    """Return what a run has told whoever waited for its answer, or would have. None if it has come to no answer."""
    replies: list[Mapping[str, Any]] = []
    await _interpreted(run_id, Nobody(), replies, store=store, catalog=catalog, datasets=datasets, now=now)
    return replies[0] if replies else None


async def _interpreted(
    run_id: str,
    recorder: Recorder,
    replies: list[Mapping[str, Any]],
    *,
    store: Store,
    catalog: Catalog,
    datasets: Datasets,
    now: Callable[[], float],
) -> Taken | None:
    """Interpret the journal of a run once more, as far as it has come. Returns what it was read from."""
    found = await store.read(lambda session: load(session.connection(), [run_id]))
    if not found:
        return None
    run, version, notes = found[0].run, found[0].version, found[0].notes
    if not notes and run.state in {"queued", "ready", "cancelled"}:
        return found[0]  # it has not begun
    errand = Errand(
        run_id=run.id,
        flow=run.flow,
        template=Template.model_validate(version.document),
        settings=version.settings,
        event=run.event,
        depth=run.depth,
    )
    journal = _Read(now=lambda: run.ended_at or run.began_at, notes=notes)
    nothing = _Nothing(run, now())
    surroundings = Surroundings(
        catalog=catalog,
        hands=nothing,
        people=nothing,
        caps=nothing,
        calls=nothing,
        datasets=datasets,
        holds=nothing,
        pages=nothing,
        answer=lambda _run_id, reply: replies.append(reply),
        pause=nothing.pause,
        now=lambda: run.ended_at or run.began_at,
        recorder=recorder,
    )
    with suppress(SuspendedError):  # that far it came
        await carry_out(errand, journal=journal, surroundings=surroundings)
    return found[0]


class _Read(MemoryJournal):
    """A journal that is only read: what is not in it has not happened.

    That the first items of a loop are done is hidden, so that they are walked through: what is noted of them is kept.
    """

    def noted(self, name: str) -> Note | None:
        return None if name.endswith("/batch/0") else super().noted(name)

    async def step(self, name: str, act: Act) -> Any:
        if name not in self.notes:
            raise SuspendedError(name)
        return self.notes[name].value

    async def stored(self, name: str, work: Work) -> Any:
        return await self.step(name, _never)


async def _never() -> None:
    raise SuspendedError("not noted")


class _Nothing:
    """Surroundings in which nothing happens; what only computes is computed."""

    def __init__(self, run: Run, now: float) -> None:
        self._run = run
        self._now = now

    async def reach(self, action: Action, connection: str) -> Any:
        return None

    async def carry_out(self, action: Action, client: Any, given: Any, *, path: str, errand: Errand) -> Any:
        raise SuspendedError(path)

    def store(self, action: Action, connection: Any, given: Any, *, path: str) -> Any:
        if action.way == "computes":
            return action.carry_out(None, given).model_dump(mode="json", by_alias=True)
        raise SuspendedError(path)

    def hold(self, connection: Any, run_id: str, hold: Mapping[str, Any]) -> None:
        raise SuspendedError(run_id)

    def release(self, connection: Any, run_id: str, reply: Mapping[str, Any]) -> None:
        raise SuspendedError(run_id)

    def open(self, connection: Any, question: Question) -> None:
        raise SuspendedError(question.path)

    def close(self, connection: Any, run_id: str) -> None:
        raise SuspendedError(run_id)

    def link(self, question_id: str, choice: str) -> str:
        return NO_LINK.format(choice)

    async def ask(self, question: Question) -> None:
        raise SuspendedError(question.path)

    async def answer(self, question: Question) -> Mapping[str, Any] | None:
        raise SuspendedError(question.path)

    async def speaks_since(self, question: Question) -> float | None:
        raise SuspendedError(question.path)

    async def insist(self, question: Question, name: str) -> None:
        raise SuspendedError(question.path)

    async def settle(self, question: Question) -> None:
        raise SuspendedError(question.path)

    async def tell(self, errand: Errand, ended: Ended) -> None:
        raise SuspendedError(errand.run_id)

    def spend(self, connection: Any, errand: Errand, *, effect: str, count: int, limits: Limits) -> Over | None:
        raise SuspendedError(errand.run_id)

    def allow(self, connection: Any, errand: Errand, over: Over, *, count: int) -> None:
        raise SuspendedError(errand.run_id)

    def start(self, connection: Any, errand: Errand, step: Call, path: str, given: Mapping[str, Any]) -> Any:
        raise SuspendedError(path)

    async def begin(self, run_id: str) -> None:
        return None

    async def result(self, run_id: str) -> Mapping[str, Any] | None:
        return None

    async def pause(self, until: float) -> None:
        run = self._run
        if run.state in {"done", "failed", "discarded"}:
            return  # whatever the clock says: it went on
        if until > (run.ended_at or self._now) or (run.wake_at is not None and until >= run.wake_at):
            raise SuspendedError("time", until=until)


class _Recorder:
    """Keeps a line for every step."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}

    def began(self, path: str, step: Step) -> None:
        kind = next(kind for kind, model in KINDS.items() if isinstance(step, model))
        what = getattr(step, kind, kind)
        self.lines[path] = Line(path=path, kind=kind, id=step.id, action=what if isinstance(what, str) else None)

    def given(self, path: str, given: Any) -> None:
        self.lines[path] = replace(self.lines[path], given=masked(given))

    def ended(self, path: str, *, gave: Any = None, error: str | None = None) -> None:
        self.lines[path] = replace(self.lines[path], gave=masked(gave), error=error and masked_text(error), ended=True)


def _timed(line: Line, notes: Mapping[str, Note]) -> Line:
    """Add what the journal knows of a step's times: from the first thing noted of it to the last."""
    own = {name: note for name, note in notes.items() if _is_of(name, line)}
    if not own:
        return line
    began = min(note.at for note in own.values())
    ended = max(note.at + note.took for note in own.values())
    if line.kind == "wait" and line.ended:
        ended = max(ended, notes[line.path].value)
    attempts = sum(1 for name in own if name.partition("#")[0] == line.path)
    return replace(line, at=began, took=max(0.0, ended - began), attempts=attempts)


def _is_of(name: str, line: Line) -> bool:
    # steps/1, steps/1#2 and steps/1/answer are of steps/1; steps/1/then/0 is of a step within it. A loop takes as long
    # as the steps within it.
    if line.kind == "each":
        return name.startswith(f"{line.path}/") and not name.startswith(f"{line.path}/on error/")
    return name.partition("#")[0] == line.path or name.rpartition("/")[0] == line.path


def _waits(line: Line, notes: Mapping[str, Note]) -> str | None:
    """Return what a step waits for that has begun and not ended."""
    if line.ended:
        return None
    begun, first = notes.get(f"{line.path}/begun"), notes.get(line.path)
    last = notes.get(line.path if line.attempts < 2 else f"{line.path}#{line.attempts}")
    if begun is not None and "over" in begun.value and f"{line.path}/allowed" not in notes:
        return "the flow's owners: it would pass its cap of {cap} a {period}".format(**begun.value["over"])
    if last is not None and is_failure(last.value):
        return masked_text(f"another attempt, after: {last.value['error']}")
    match line.kind:
        case "ask" | "show" if first is not None:
            return "an answer"
        case "hear":
            return "an answer"
        case "wait" if first is not None:
            return f"its time, {line.given['until']}"
        case "call" if first is not None:
            return f"the end of the run {first.value['gave']['run']}"
        case _:
            return None
