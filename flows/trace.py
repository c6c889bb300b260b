"""Traces: every step of a run, seen once more by interpreting its journal again. Nothing of that is stored."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from connectors.base import Action, Catalog
from flows.durable import load
from flows.engine import carry_out
from flows.interruptions import SuspendedError
from flows.journal import Act, MemoryJournal, Note, Work
from flows.language import KINDS, Call, Limits, Step, Template
from flows.masking import masked
from flows.questions import Question
from flows.store import Store
from flows.surroundings import Datasets, Ended, Errand, Over, Surroundings


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


async def trace(run_id: str, *, store: Store, catalog: Catalog, datasets: Datasets) -> Sequence[Line] | None:
    """Return every step of a run in the order it was carried out, also those that were only recomputed.

    None if there is no such run.
    """
    found = await store.read(lambda session: load(session.connection(), [run_id]))
    if not found:
        return None
    run, version, notes = found[0].run, found[0].version, found[0].notes
    errand = Errand(
        run_id=run.id,
        flow=run.flow,
        template=Template.model_validate(version.document),
        settings=version.settings,
        event=run.event,
        depth=run.depth,
    )
    recorder = _Recorder()
    journal = _Read(now=lambda: run.ended_at or run.began_at, notes=notes)
    nothing = _Nothing()
    surroundings = Surroundings(
        catalog=catalog,
        hands=nothing,
        people=nothing,
        caps=nothing,
        calls=nothing,
        datasets=datasets,
        answer=lambda _run_id, _reply: None,
        pause=nothing.pause,
        now=lambda: run.ended_at or run.began_at,
        recorder=recorder,
    )
    with suppress(SuspendedError):  # that far it came
        await carry_out(errand, journal=journal, surroundings=surroundings)
    return [_timed(line, notes) for line in recorder.lines.values()]


class _Read(MemoryJournal):
    """A journal that is only read: what is not in it has not happened."""

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

    async def reach(self, action: Action, connection: str) -> Any:
        return None

    async def carry_out(self, action: Action, client: Any, given: Any, *, path: str, errand: Errand) -> Any:
        raise SuspendedError(path)

    def store(self, action: Action, connection: Any, given: Any, *, path: str) -> Any:
        if action.way == "computes":
            return action.carry_out(None, given).model_dump(mode="json", by_alias=True)
        raise SuspendedError(path)

    async def ask(self, question: Question) -> None:
        raise SuspendedError(question.path)

    async def answer(self, question: Question) -> Mapping[str, Any] | None:
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
        return None


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
        self.lines[path] = replace(self.lines[path], gave=masked(gave), error=error, ended=True)


def _timed(line: Line, notes: Mapping[str, Note]) -> Line:
    """Add what the journal knows of a step's times: from the first thing noted of it to the last."""
    own = {name: note for name, note in notes.items() if _is_of(name, line.path)}
    if not own:
        return line
    began = min(note.at for note in own.values())
    ended = max(note.at + note.took for note in own.values())
    attempts = sum(1 for name in own if name.partition("#")[0] == line.path)
    return replace(line, at=began, took=max(0.0, ended - began), attempts=attempts)


def _is_of(name: str, path: str) -> bool:
    # steps/1, steps/1#2 and steps/1/answer are of steps/1; steps/1/then/0 is of a step within it.
    return name.partition("#")[0] == path or name.rpartition("/")[0] == path
