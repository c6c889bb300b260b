"""Runs cut at every line of their journal: resumed, they have the same effects outside as an uncut run.

Of something that must not be repeated, nobody can know afterwards whether it happened if the run was cut while it was
being done. Then the step fails and says so; it is never done twice.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.errors import TryLater
from flows.engine import carry_out
from flows.interruptions import SuspendedError
from flows.journal import Act, MemoryJournal, Note, Work, begun
from flows.language import Do, Step, Template
from flows.surroundings import Ended, Errand, Nobody
from tests.flows.drivers import FLOW, NOW, Outside, on_disk, surroundings_of, template_of

AMBIGUOUS = "The program ended while this was being done."
USING = "{{ settings.account }}"
Cut = tuple[int, bool]
"""At which of the lines that a process keeps it ends, and whether just after the line is kept, or before."""


class CutError(Exception):
    """The process ends here."""


class CutJournal(MemoryJournal):
    """A journal whose process ends at one of its lines. What is under way beside it ends too."""

    def __init__(self, notes: dict[str, Note], cut: Cut | None) -> None:
        super().__init__(lambda: NOW, notes=notes)
        self.left, self.after = cut or (0, False)
        self.dead = False

    async def step(self, name: str, act: Act) -> Any:
        return await self.line(name, act, together=False)

    async def stored(self, name: str, work: Work) -> Any:
        async def act() -> Any:
            return work(None)

        return await self.line(name, act, together=True)

    async def line(self, name: str, act: Act, *, together: bool) -> Any:
        """Act and keep the line: both or neither if they go `together`, otherwise one after the other."""
        if name in self.notes:
            return self.notes[name].value
        await self.others()
        self.left -= 1
        last = self.left == 0
        if last and together and not self.after:
            self.end()
        value = await act()
        await self.others()
        if last and not self.after:
            self.end()
        self.notes[name] = Note(value=value, at=NOW, took=0)
        if last:
            self.end()
        return value

    async def others(self) -> None:
        """Let others be carried out that are under way at once, and end with them."""
        await asyncio.sleep(0)
        if self.dead:
            raise CutError

    def end(self) -> None:
        self.dead = True
        raise CutError


class World(Outside):
    """A world where what is flaky works the second time, and people answer as they like."""

    def __init__(self) -> None:
        super().__init__()
        self.tried: set[str] = set()

    def note(self, what: str) -> int:
        if what.startswith("flaky") and what not in self.tried:
            self.tried.add(what)
            raise TryLater("Later.", after=0.0)
        return super().note(what)

    async def ask(self, question: Any) -> None:
        await super().ask(question)
        self.answers[question.path] = ["yes_please", "no_thanks"][len(question.path) % 2]


class Sends(Nobody):
    """A recorder that sees which steps must not be repeated."""

    def __init__(self) -> None:
        self.paths: set[str] = set()

    def began(self, path: str, step: Step) -> None:
        if isinstance(step, Do) and step.do == "test.send":
            self.paths.add(path)


@dataclass
class Life:
    """A run in all the processes that carried it out."""

    world: World = field(default_factory=World)
    notes: dict[str, Note] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    """Steps that must not be repeated and were cut while they were being done."""
    ended: Ended | None = None
    lines: int = 0
    """How many lines were kept, also those that were forgotten again."""

    async def process(self, template: Template, cut: Cut | None = None) -> None:
        """Carry the run out in one process, until it ends or is cut."""
        sends, journal = Sends(), CutJournal(self.notes, cut)
        around = replace(surroundings_of(self.world), recorder=sends)
        errand = Errand(run_id="r", flow="f", template=template, settings={"account": "a"}, event={"who": "Ann"})
        try:
            while self.ended is None:
                try:
                    self.ended = await carry_out(errand, journal=journal, surroundings=around)
                except SuspendedError as waits:
                    self.world.now = max(self.world.now, waits.until or 0)
        except CutError:
            pass
        self.notes = journal.notes
        self.lines -= journal.left
        # Of every attempt it is noted that it begins: "…/begun", "…/begun#2".
        names = [f"{path}#{number}" if number > 1 else path for path in sends.paths for number in (1, 2, 3, 4)]
        in_doubt = [name for name in names if begun(name) in self.notes and name not in self.notes]
        self.doubtful |= {name.partition("#")[0] for name in in_doubt}


async def lived(template: Template, cuts: Sequence[Cut]) -> Life:
    """Carry a run out, cut here and there, to its end."""
    life = Life()
    for cut in cuts:
        await life.process(template, cut)
    await life.process(template)
    return life


def sent(done: Sequence[str]) -> Counter[str]:
    return Counter(what for what in done if what.startswith(("send", "flaky send")))


def check(life: Life, whole: Life, *, foreseen: bool) -> None:
    """Compare a run that was cut with one that was not. Is it foreseen what happens when something is in doubt?"""
    assert life.ended is not None
    assert whole.ended is not None
    done, all_done = life.world.done, whole.world.done
    assert max(sent(done).values(), default=0) <= 1, "nothing that must not be repeated is"
    if life.doubtful and not foreseen:
        assert (life.ended.outcome, life.ended.message) == ("failed", AMBIGUOUS)
        assert life.ended.path in life.doubtful
    else:
        missing = set(all_done) - set(done)
        assert life.ended.outcome == whole.ended.outcome == "done"
        assert missing <= set(sent(all_done)), "only what is in doubt may be missing"
        assert len(missing) <= len(life.doubtful)
        assert sent(all_done) - sent(done) == Counter(missing)
        assert {what for what in set(done) - set(all_done) if not what.startswith("instead")} == set()
        assert life.doubtful or set(done) == set(all_done)


# --- flows --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Flow:
    """Some steps. Either every step that must not be repeated says what happens if it fails, or none does."""

    steps: list[dict[str, Any]]
    foreseen: bool

    def template(self) -> Template:
        return template_of(f"  {json.dumps(self.steps)}\n", Outside())


def do(action: str, what: str, **more: Any) -> dict[str, Any]:
    return {"do": f"test.{action}", "using": USING, "with": {"what": what}, **more}


def send(what: str, *, foreseen: bool) -> dict[str, Any]:
    return do("send", what, **({"on error": {"steps": [do("note", f"instead of {what}")]}} if foreseen else {}))


def ask(name: str) -> dict[str, Any]:
    return {"id": name, "ask": "?", "in": "C1", "choices": ["yes_please", "no_thanks"], "within": "1h"} | {
        "otherwise": "no_thanks"
    }


def choice(name: str) -> list[dict[str, Any]]:
    return [{"left": f"{{{{ steps.{name}.choice }}}}", "is": "yes_please"}]


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Make up a flow of up to eight steps, in up to two loops."""
    foreseen, numbers = draw(st.booleans()), iter(range(100))
    left = draw(st.integers(1, 8))

    def some(depth: int, items: str, most: int) -> list[dict[str, Any]]:
        nonlocal left
        found: list[dict[str, Any]] = []
        count = draw(st.integers(1, most))
        while len(found) < count and (left > 0 or not found):
            left -= 1
            found += one(depth, items)
        return found

    def one(depth: int, items: str) -> list[dict[str, Any]]:
        number = next(numbers)
        flaky = draw(st.sampled_from(["", "", "flaky "]))
        noted, sending = f"{flaky}note {number}{items}", f"{flaky}send {number}{items}"
        match draw(st.sampled_from(["note", "send", "set", "wait", "ask", *(["if", "each", "each"] * (depth < 2))])):
            case "note":
                return [do("note", noted)]
            case "send":
                return [send(sending, foreseen=foreseen)]
            case "set":
                name = f"set_{number}"
                return [{"id": name, "set": {"it": number}}, do("note", f"{noted} {{{{ steps.{name}.it }}}}")]
            case "wait":
                return [{"wait": draw(st.sampled_from(["0s", "1h"]))}]
            case "ask":
                name = f"ask_{number}"
                then, other = [do("note", noted)], [send(sending, foreseen=foreseen)]
                return [ask(name), {"if": choice(name), "then": then, "else": other}]
            case "if":
                holds = [{"left": "{{ event.who }}", "is": draw(st.sampled_from(["Ann", "Bob"]))}]
                return [{"if": holds, "then": some(depth + 1, items, 2), "else": some(depth + 1, items, 2)}]
            case _:
                name = f"item_{number}"
                return [
                    {
                        "each": ["a", "b", "c"][: draw(st.integers(1, 3))],
                        "as": name,
                        "at once": draw(st.integers(1, 3)),
                        "failing": draw(st.sampled_from(["stop", "set aside"])) if foreseen else "stop",
                        "steps": some(depth + 1, f"{items} {{{{ {name} }}}}", 3),
                    }
                ]

    return Flow(some(0, "", 5), foreseen)


def everything(*, foreseen: bool) -> Flow:
    """Return a flow with something of every kind."""
    within = [do("note", "note {{ item }}"), ask("sure"), send("flaky send {{ item }}", foreseen=foreseen)]
    steps = [
        send("send before", foreseen=foreseen),
        {"each": ["a", "b", "c"], "at once": 2, "steps": within},
        {"wait": "1h"},
        do("note", "flaky note"),
        send("send after", foreseen=foreseen),
    ]
    return Flow(steps, foreseen)


@settings(max_examples=100, deadline=None)
@example(everything(foreseen=False))
@example(everything(foreseen=True))
@given(flows())
async def test_a_run_cut_at_any_line_has_the_effects_of_an_uncut_one(flow: Flow) -> None:
    template = flow.template()
    whole = await lived(template, [])
    for at in range(1, whole.lines + 1):
        for after in (True, False):
            check(await lived(template, [(at, after)]), whole, foreseen=flow.foreseen)


@settings(max_examples=300, deadline=None)
@given(flows(), st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=2, max_size=6))
async def test_however_often_a_run_is_cut(flow: Flow, cuts: list[Cut]) -> None:
    template = flow.template()
    check(await lived(template, cuts), await lived(template, []), foreseen=flow.foreseen)


# --- on disk ------------------------------------------------------------------------------------------------------------

HEAD = FLOW.replace("steps:\n", "tables: {seen: {columns: {what: text, times: number}, key: [what]}}\nsteps:\n")
COUNT = {"do": "rows.increment", "with": {"table": "seen", "key": {"what": "all"}, "column": "times"}}
KEPT = [
    do("note", "note first"),
    {"each": ["a", "b"], "at once": 2, "steps": [do("note", "note {{ item }}"), COUNT]},
    COUNT,
    send("send", foreseen=False),
    {**COUNT, "id": "last"},
    {"stop": "done", "say": "{{ steps.last.value }}", "give": {}},
]


class Mortal(World):
    """A world in which the process ends at something that it does: before it is done, or just after."""

    def __init__(self, cut: Cut) -> None:
        super().__init__()
        self.left, self.after = cut

    def note(self, what: str) -> int:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise CutError
        number = super().note(what)
        if self.left == 0:
            raise CutError
        return number

    @asynccontextmanager
    async def watch(self, _run_id: str) -> AsyncIterator[None]:
        try:
            yield
        except CutError:
            pass
        finally:
            self.rested.set()


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
async def test_a_run_on_disk_goes_on_and_counts_once(tmp_path: Path, at: int, after: bool) -> None:
    world = Mortal((at, after))
    async with on_disk(tmp_path, world) as disk:
        await disk.go(f"  {json.dumps(KEPT)}\n", head=HEAD)
        assert (await disk.outcome())[0] == "running"
    async with on_disk(tmp_path, world) as disk:
        await disk.rest()
        ended = await disk.outcome()
    assert ended == (("failed", AMBIGUOUS) if at == 4 else ("done", "4"))
    assert set(world.done) - {"send"} == {"note first", "note a", "note b"}
    assert sent(world.done) == Counter({"send": 1} if at != 4 or after else {})
