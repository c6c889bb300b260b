"""Made-up flows that the check accepts: cut at any line of their journals, they do the same and end in the same way.

What the check calls certain is there when a step refers to it: no text that a flow makes up says nothing in its place.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from connectors.errors import Refused
from flows.engine import carry_out
from flows.interruptions import SuspendedError
from flows.journal import Act, Note, Work, begun
from flows.language import Call, Template
from flows.surroundings import Ended, Errand
from flows.templates import parse
from tests.flows.drivers import FLOW, catalog_of, surroundings_of
from tests.flows.test_cut_runs import Cut, CutError, CutJournal, Sends, World, ask, do

SAME = settings(derandomize=True, database=None, deadline=None)
OTHER = FLOW[: FLOW.index("when:")].replace("test-flow", "other") + (
    "when: {called: {name: {type: text, title: Name}}}\nsteps:\n"
)
Steps = list[dict[str, Any]]


class Outcomes(World):
    """A world where what is refused always is, what is flaky works the second time, and what is noted has a number."""

    def note(self, what: str) -> int:
        if what.startswith("refused"):
            raise Refused(f"Not {what}.")
        super().note(what)
        return len(what)


class Part:
    """The lines of one run in a journal of several."""

    def __init__(self, journal: CutJournal, run_id: str) -> None:
        self.journal, self.run_id = journal, run_id

    def noted(self, name: str) -> Note | None:
        return self.journal.noted(f"{self.run_id}:{name}")

    async def step(self, name: str, act: Act) -> Any:
        return await self.journal.step(f"{self.run_id}:{name}", act)

    async def stored(self, name: str, work: Work) -> Any:
        return await self.journal.stored(f"{self.run_id}:{name}", work)

    async def fold(self, name: str, work: Work, *, within: Sequence[str]) -> Any:
        forgotten = [f"{self.run_id}:{inner}" for inner in within]
        return await self.journal.fold(f"{self.run_id}:{name}", work, within=forgotten)


@dataclass
class Life:
    """A run, and those that it calls, in all the processes that carried them out."""

    main: Template
    other: Template
    world: Outcomes = field(default_factory=Outcomes)
    notes: dict[str, Note] = field(default_factory=dict)
    runs: dict[str, Errand] = field(default_factory=dict)
    ended: dict[str, Ended] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    lines: int = 0

    def __post_init__(self) -> None:
        settings = {"account": "a"}
        self.runs["r"] = Errand(run_id="r", flow="f", template=self.main, settings=settings, event={"who": "Ann"})

    # What runs know of others: one that is called is kept with the line of the step that calls it.

    def start(self, connection: Any, errand: Errand, step: Call, path: str, given: Mapping[str, Any]) -> Any:
        run_id = f"{errand.run_id}/{path}"
        self.runs.setdefault(run_id, replace(errand, run_id=run_id, flow="other", template=self.other, event=given))
        return {"gave": {"run": run_id}}

    async def begin(self, run_id: str) -> None:
        assert run_id in self.runs

    async def result(self, run_id: str) -> Mapping[str, Any] | None:
        ended = self.ended.get(run_id)
        return {"outcome": ended.outcome, "message": ended.message, "gave": dict(ended.gave)} if ended else None

    async def process(self, cut: Cut | None = None) -> None:
        """Carry all runs out in one process, until they have ended or are cut."""
        journal = CutJournal(self.notes, cut)
        sends = {run_id: Sends() for run_id in self.runs}
        try:
            while left := [errand for run_id, errand in self.runs.items() if run_id not in self.ended]:
                wakes = [await self.some(errand, journal, sends.setdefault(errand.run_id, Sends())) for errand in left]
                self.world.now = max(self.world.now, min((at for at in wakes if at is not None), default=0))
        except CutError:
            pass
        self.notes = journal.notes
        self.lines -= journal.left
        for run_id, seen in sends.items():
            names = [f"{path}#{number}" if number > 1 else path for path in seen.paths for number in (1, 2, 3, 4)]
            self.doubtful |= {
                f"{run_id}:{name}"
                for name in names
                if f"{run_id}:{begun(name)}" in self.notes and f"{run_id}:{name}" not in self.notes
            }

    async def some(self, errand: Errand, journal: CutJournal, sends: Sends) -> float | None:
        """Carry one run out as far as it comes. Returns until when it waits."""
        around = replace(surroundings_of(self.world), recorder=sends, calls=self)
        try:
            ended = await carry_out(errand, journal=Part(journal, errand.run_id), surroundings=around)
        except SuspendedError as waits:
            return waits.until
        self.ended[errand.run_id] = ended
        return None


async def lived(flow: "Flow", cuts: Sequence[Cut]) -> Life:
    life = Life(flow.main, flow.other)
    for cut in cuts:
        await life.process(cut)
    await life.process()
    return life


def effects(life: Life) -> dict[str, Any]:
    """Return what came of a life. What may be repeated counts once; what must not, as often as it happened."""
    done = life.world.done
    return {
        "noted": {what for what in done if "send" not in what},
        "sent": Counter(what for what in done if "send" in what),
        "asked": set(life.world.asked),
        "told": {(told.outcome, told.message) for told in life.world.told},
        "ended": life.ended,
    }


def check(life: Life, whole: Life) -> None:
    """Compare a life that was cut with one that was not."""
    sent = Counter(what for what in life.world.done if "send" in what)
    assert max(sent.values(), default=0) <= 1, "nothing that must not be repeated is"
    assert life.ended["r"] is not None
    if not life.doubtful:
        assert effects(life) == effects(whole)
    assert not [what for what in life.world.done + life.world.asked if "<>" in what], "what is certain is there"


# --- flows that the check accepts ---------------------------------------------------------------------------------------


class Flow:
    """A flow, and the one that it may call."""

    def __init__(self, main: Template, other: Template, texts: tuple[str, str]) -> None:
        self.main, self.other, self.texts = main, other, texts

    def __repr__(self) -> str:
        return "\n--- other\n".join(self.texts)


@dataclass
class Made:
    """What was made up so far: how much more there may be, and the next number to name something after."""

    left: int
    sends: bool
    calls: bool
    number: int = 0
    items: tuple[str, ...] = ("run.id",)
    """What tells the times apart that a step is carried out."""

    def name(self, kind: str) -> str:
        self.number += 1
        return f"{kind}_{self.number}"


Certain = tuple[str, ...]
"""References that are there wherever a step stands."""


def some(
    draw: st.DrawFn, made: Made, certain: Certain, depth: int, most: int = 3, *, least: int = 1
) -> tuple[Steps, Certain]:
    """Make some steps up. Returns them, and what is certain after them."""
    steps: Steps = []
    for _ in range(draw(st.integers(least, most))):
        if steps and made.left <= 0:
            break
        made.left -= 1
        more, certain = one(draw, made, certain, depth)
        steps += more
    return steps, certain


def one(draw: st.DrawFn, made: Made, certain: Certain, depth: int) -> tuple[Steps, Certain]:
    """Make one step up, sometimes with what belongs to it."""
    kinds = ["do", "do", "set", "wait", "ask"]
    kinds += ["if", "each", "each"] if depth < 3 else []
    kinds += ["call", "call"] if made.calls else []
    kinds += ["stop"] if draw(st.integers(0, 9)) == 0 else []
    said = f"<{{{{ {draw(st.sampled_from(certain))} }}}}>"
    kind = draw(st.sampled_from(kinds))
    name = made.name(kind)
    which = "".join(f" {{{{ {each} }}}}" for each in made.items)
    match kind:
        case "do":
            how = draw(
                st.sampled_from(["note", "note", "flaky note", "refused note", *(["send", "flaky send"] * made.sends)])
            )
            step = do("send" if "send" in how else "note", f"{how} {name} {said}{which}", id=name)
            return failing(
                draw, made, step, certain, depth, f"steps.{name}.number", must="refused" in how or "send" in how
            )
        case "set":
            value = {"it": said, "inner": {"list": [said, f"{{{{ {certain[0]} }}}}"]}}
            return [{"id": name, "set": value}], (*certain, f"steps.{name}.it", f"steps.{name}.inner.list.1")
        case "wait":
            wait = draw(
                st.sampled_from(["0s", "1h", {"until": 900}, {"until": "1970-01-01T02:00:00+01:00"}, {"until": 5000}])
            )
            return [{"id": name, "wait": wait}], (*certain, f"steps.{name}.until")
        case "ask":
            step = {**ask(name), "ask": f"{name} {said}", "details": {"What": said}}
            return [step], (*certain, f"steps.{name}.choice", f"steps.{name}.how")
        case "if":
            return branches(draw, made, certain, depth, said)
        case "each":
            return loop(draw, made, name, certain, depth)
        case "call":
            background = draw(st.booleans())
            step = {"id": name, "call": "other", "with": {"name": said}, "background": background}
            if background:
                return [step], (*certain, f"steps.{name}.run")
            return failing(draw, made, step, certain, depth, f"steps.{name}.outcome", must=True)
        case _:
            return [{"stop": draw(st.sampled_from(["done", "failed"])), "say": said, "give": {"given": said}}], certain


def failing(
    draw: st.DrawFn, made: Made, step: dict[str, Any], certain: Certain, depth: int, gives: str, *, must: bool
) -> tuple[Steps, Certain]:
    """Say what happens if a step fails; some that fail have nothing said, and fail the run."""
    match draw(st.sampled_from(["give", "steps", "retry"] if must else ["", "", "give", "retry"])):
        case "give":
            given = {gives.rpartition(".")[2]: "{{ error.kind }}: <{{ error.message }}>"}
            return [{**step, "on error": {"give": given}}], (*certain, gives)
        case "steps":
            why = do("note", f"note instead of {step['id']} <{{{{ error.kind }}}}> <{{{{ error.message }}}}>")
            inner, _ = some(draw, made, (*certain, "error.kind", "error.message"), depth + 1, 2)
            guarded = {
                "if": [{"left": f"{{{{ {gives} }}}}", "exists": True}],
                "then": [do("note", f"note that {step['id']} gave <{{{{ {gives} }}}}>")],
            }
            return [{**step, "on error": {"steps": [why, *inner]}}, guarded], certain
        case "retry":
            policy = {"attempts": draw(st.integers(1, 3)), "pause": draw(st.sampled_from(["0s", "10s"]))}
            return [{**step, "on error": {"try again": policy}}], (*certain, gives)
        case _:
            return [step], (*certain, gives)


def branches(draw: st.DrawFn, made: Made, certain: Certain, depth: int, said: str) -> tuple[Steps, Certain]:
    """Make an `if` up, and afterwards ask what of it has run."""
    asked = [{"left": said, draw(st.sampled_from(["is", "is not"])): draw(st.sampled_from(["<Ann>", said]))}]
    then, after = some(draw, made, certain, depth + 1, 2)
    step: dict[str, Any] = {"if": asked, "then": then}
    if draw(st.booleans()):
        step["else if"] = [{"if": [{"not": asked[0]}], "then": some(draw, made, certain, depth + 1, 2)[0]}]
    if draw(st.booleans()):
        step["else"], _ = some(draw, made, certain, depth + 1, 2)
    steps: Steps = [step]
    for reference in after[len(certain) :][:1]:
        guard = {"left": f"{{{{ {reference} }}}}", "exists": True}
        steps.append({"if": [guard], "then": [do("note", f"note that <{{{{ {reference} }}}}> was there")]})
    return steps, certain


def loop(draw: st.DrawFn, made: Made, name: str, certain: Certain, depth: int) -> tuple[Steps, Certain]:
    """Make an `each` up."""
    item, around = f"item_{name}", made.items
    made.items = (*around, item)
    inner, after = some(draw, made, (*certain, item), depth + 1, 2)
    made.items = around
    step = {
        "id": name,
        "each": ["a", "b", "c"][: draw(st.sampled_from([1, 2, 2, 3]))],
        "as": item,
        "at once": draw(st.sampled_from([1, 1, 2, 3])),
        "failing": "set aside",
        "collect": f"<{{{{ {draw(st.sampled_from(after))} }}}}>",
        "steps": inner,
    }
    if draw(st.booleans()):
        step["failing"] = "stop"
    results = [do("note", f"note {name} collected {{{{ steps.{name}.results }}}}")]
    known = (*certain, f"steps.{name}.count", f"steps.{name}.done", f"steps.{name}.failed")
    return [step, *results], known


@st.composite
def flows(draw: st.DrawFn, *, sends: bool) -> Flow:
    """Make a flow up that the check accepts, and one that it may call."""
    called, _ = some(draw, Made(left=2, sends=sends, calls=False, number=100), ("event.name", "run.id"), 2, 2)
    called.append({"stop": "done", "say": "<{{ event.name }}>", "give": {"given": "{{ event.name }}"}})
    main, _ = some(
        draw, Made(left=6, sends=sends, calls=True), ("event.who", "run.flow", "settings.account"), 0, 4, least=2
    )
    catalog, texts = catalog_of(Outcomes()), (f"{FLOW}  {json.dumps(main)}\n", f"{OTHER}  {json.dumps(called)}\n")
    other = parse(texts[1], catalog, flows={})
    assert isinstance(other, Template), (other, texts[1])
    found = parse(texts[0], catalog, flows={"other": other})
    assert isinstance(found, Template), (found, texts[0])
    return Flow(found, other, texts)


# --- properties ---------------------------------------------------------------------------------------------------------


async def cut_everywhere(flow: Flow) -> None:
    whole = await lived(flow, [])
    check(whole, whole)
    event(f"ended {whole.ended['r'].outcome}, {len(whole.runs)} runs, {whole.lines // 5 * 5}… lines")
    for at in range(1, whole.lines + 1):
        for after in (True, False):
            check(await lived(flow, [(at, after)]), whole)


@settings(SAME, max_examples=20)
@given(flows(sends=False))
async def test_a_flow_of_what_may_be_repeated_does_the_same_wherever_it_is_cut(flow: Flow) -> None:
    await cut_everywhere(flow)


@settings(SAME, max_examples=20)
@given(flows(sends=True))
async def test_a_flow_of_what_must_not_be_repeated_does_the_same_unless_it_is_in_doubt(flow: Flow) -> None:
    await cut_everywhere(flow)


@settings(SAME, max_examples=50)
@given(flows(sends=True), st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=2, max_size=6))
async def test_a_flow_does_the_same_however_often_it_is_cut(flow: Flow, cuts: list[Cut]) -> None:
    check(await lived(flow, cuts), await lived(flow, []))
