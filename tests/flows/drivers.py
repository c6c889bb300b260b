"""Drivers: they carry out flows of the tests' own, over a journal in memory or through `Runs` on a database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import Field
from sqlmodel import select

from bot import schema
from connectors.base import Catalog, Connector, Lenient, Source, Value
from flows.builtins import BUILTINS
from flows.decisions import Decisions
from flows.engine import carry_out
from flows.history import History
from flows.interruptions import SuspendedError
from flows.journal import MemoryJournal
from flows.language import Limits, Template, written
from flows.live import LiveHands
from flows.questions import Question
from flows.runs import Runs
from flows.store import Store, open_engine
from flows.surroundings import Ended, Errand, Over, Patience, Surroundings
from flows.tables import Run
from flows.templates import parse

NOW = 1000.0
PATIENCE = Patience(attempts=4, first=0.001)


class Nothing(Value):
    """No settings."""


class Given(Value):
    """What to note."""

    what: str = Field(title="What", description="What to note.")


class Noted(Value):
    """What was noted."""

    number: int = Field(title="Number", description="How many were noted.")


class Some(Value):
    """How many."""

    count: int = Field(title="Count", description="How many items.")


class Item(Value):
    """One of many."""

    number: int = Field(title="Number", description="Which one.")


class Happened(Lenient):
    """An event of the test's own."""

    who: str
    risk: str | None = None


class Outside:
    """The world outside of a run: what was done there, what goes wrong there, and how people answer."""

    def __init__(self) -> None:
        self.now = NOW
        self.done: list[str] = []
        self.goes_wrong: list[Exception] = []
        self.asked: list[str] = []
        self.settled: list[str] = []
        self.told: list[Ended] = []
        self.replies: list[Mapping[str, Any]] = []
        self.answers: dict[str, str] = {}
        self.decisions: Decisions | None = None
        self.rested = asyncio.Event()

    def note(self, what: str) -> int:
        if self.goes_wrong:
            raise self.goes_wrong.pop(0)
        self.done.append(what)
        return len(self.done)

    async def client(self, _name: str) -> "Outside":
        return self

    async def ask(self, question: Question) -> None:
        self.asked.append(question.text)
        if self.decisions:
            await self.decisions.open(question, now=1000.0)

    async def answer(self, question: Question) -> Mapping[str, Any] | None:
        if self.decisions:
            decision = await self.decisions.read(question.id)
            found = decision.choice if decision else None
        else:
            found = self.answers.get(question.path)
        if found is None:
            return None
        return {"choice": found, "by": "U1", "at": 1.0, "how": "person"}

    async def speaks_since(self, question: Question) -> float | None:
        """Return nothing: nobody is reminded."""

    async def insist(self, question: Question, name: str) -> None:
        """Nobody is reminded."""

    async def settle(self, question: Question) -> None:
        self.settled.append(question.path)

    async def tell(self, _errand: Errand, ended: Ended) -> None:
        self.told.append(ended)

    @asynccontextmanager
    async def watch(self, _run_id: str) -> AsyncIterator[None]:
        """Surround the carrying-out of a run, and say when it rests: it has ended, or waits."""
        yield
        self.rested.set()


def catalog_of(outside: Outside) -> Catalog:
    source = Source(name="test.happened", title="It happened", about="", event=Happened, answered=True)

    async def check(_client: Outside) -> str:
        return "fine"

    test = Connector(
        "test", title="Test", settings=Nothing, connect=lambda _settings, _wire: outside, check=check, sources=[source]
    )

    @test.action("Note", effect="changes", repeatable=True)
    async def note(client: Outside, given: Given) -> Noted:
        """Note something; doing it twice is the same as once."""
        return Noted(number=client.note(given.what))

    @test.action("Send", effect="changes")
    async def send(client: Outside, given: Given) -> Noted:
        """Send something; doing it twice is doing it twice."""
        return Noted(number=client.note(given.what))

    @test.action("Delete", effect="destroys", repeatable=True)
    async def delete(client: Outside, given: Given) -> Noted:
        """Delete something."""
        return Noted(number=client.note(given.what))

    @test.action("List", effect="reads")
    async def listed(_client: Outside, given: Some) -> AsyncIterator[Item]:
        """Yield so many items."""
        for number in range(given.count):
            yield Item(number=number)

    return Catalog([test], builtins=BUILTINS)


FLOW = """
template: test-flow
version: 1
title: Test
about: A flow of the test's own.
settings:
  account: {connection: test, title: Account}
when:
  event: test.happened
  from: "{{ settings.account }}"
  only if: [{left: "{{ event.risk }}", is not: none}]
  once per: {key: "{{ event.who }}", within: 1h}
steps:
"""
ASK = """
  - {id: names, set: {who: "{{ event.who }}"}}
  - {id: first, do: test.note, using: "{{ settings.account }}", with: {what: "before {{ steps.names.who }}"}}
  - {id: verdict, ask: "Really {{ event.who }}?", in: C1, choices: [yes_please, no_thanks], within: 1h, otherwise: no_thanks}
  - if: [{left: "{{ steps.verdict.choice }}", is: yes_please}]
    then:
      - {id: second, do: test.note, using: "{{ settings.account }}", with: {what: "after {{ steps.first.number }}"}}
      - {stop: done, say: "Did it for {{ event.who }}."}
    else:
      - {stop: done, say: Left alone.}
"""
NOTE = '\n  - {id: it, do: test.note, using: "{{ settings.account }}", with: {what: it}}\n'
SEND = NOTE.replace("test.note", "test.send")


class Driver:
    """Carries out a flow over one of the journals, to its end or to where it waits."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside

    async def go(self, steps: str, *, head: str = "") -> None:
        """Carry out a flow of these steps."""
        raise NotImplementedError

    async def decide(self, path: str, choice: str) -> None:
        """Answer the question of a step."""
        raise NotImplementedError

    async def answer(self, choice: str) -> None:
        """Answer the question of the third step."""
        await self.decide("steps/2", choice)

    async def wakes_at(self) -> float | None:
        """Return until when the run waits; None if only what it waits for wakes it."""
        raise NotImplementedError

    async def later(self, now: float) -> None:
        """Let it be later, and the run go on."""
        raise NotImplementedError

    async def outcome(self) -> tuple[str, str]:
        """Return how the run ended, and what it said; or how it stands."""
        raise NotImplementedError


class Nobody:
    """Caps that are never reached, no other flows, no datasets."""

    def spend(self, connection: Any, errand: Errand, *, effect: str, count: int, limits: Limits) -> Over | None:
        return None

    def allow(self, connection: Any, errand: Errand, over: Over, *, count: int) -> None:
        raise AssertionError("no cap was reached")

    def hold(self, connection: Any, run_id: str, hold: Mapping[str, Any]) -> None:
        """Keep nobody waiting."""

    def release(self, connection: Any, run_id: str, reply: Mapping[str, Any]) -> None:
        """Nobody waits."""

    def open(self, connection: Any, question: Any) -> None:
        """Put a page to nobody."""

    def close(self, connection: Any, run_id: str) -> None:
        """Take nothing back."""

    def link(self, question_id: str, choice: str) -> str:
        return f"https://bot.example.com/{choice}"

    def start(self, connection: Any, errand: Errand, step: Any, path: str, given: Mapping[str, Any]) -> Any:
        raise AssertionError("no flow is called")

    async def begin(self, run_id: str) -> None:
        raise AssertionError("no flow is called")

    async def result(self, run_id: str) -> Mapping[str, Any] | None:
        raise AssertionError("no flow is called")

    async def read(self, dataset: str, start: int, count: int) -> list[Any]:
        raise AssertionError("there is no dataset")

    async def about(self, dataset: str) -> None:
        raise AssertionError("there is no dataset")

    def append(self, connection: Any, dataset: str, run_id: str, start: int, items: Any) -> None:
        raise AssertionError("there is no dataset")


def template_of(steps: str, outside: Outside, head: str = "") -> Template:
    """Return a flow made of these steps."""
    template = parse((head or FLOW) + steps, catalog_of(outside))
    assert isinstance(template, Template), template
    return template


def surroundings_of(outside: Outside) -> Surroundings:
    """Return what a run in memory reaches: the outside of the test, and nothing of ours."""
    nobody = Nobody()

    async def pause(until: float) -> None:
        """Let short times pass; suspend the run for long ones."""
        if until - outside.now > 1:
            raise SuspendedError("time", until=until)

    return Surroundings(
        catalog=catalog_of(outside),
        hands=LiveHands(outside, {}, nobody, lambda: outside.now),  # type: ignore[arg-type]  # no datasets
        people=outside,
        caps=nobody,
        calls=nobody,
        datasets=nobody,
        holds=nobody,
        pages=nobody,
        answer=lambda _run, reply: outside.replies.append(reply),
        pause=pause,
        now=lambda: outside.now,
        patience=PATIENCE,
    )


class InMemory(Driver):
    def __init__(self, outside: Outside) -> None:
        super().__init__(outside)
        self.journal = MemoryJournal(lambda: outside.now)
        self.template: Template | None = None
        self.ended: Ended | None = None
        self.waits: SuspendedError | None = None

    async def go(self, steps: str, *, head: str = "") -> None:
        self.template = template_of(steps, self.outside, head)
        await self.go_on()

    async def go_on(self) -> None:
        """Carry the run out from where it is."""
        assert self.template is not None
        errand = Errand(run_id="r", flow="f", template=self.template, settings={"account": "a"}, event={"who": "Ann"})
        try:
            self.ended = await carry_out(errand, journal=self.journal, surroundings=surroundings_of(self.outside))
        except SuspendedError as waits:
            self.waits = waits

    async def decide(self, path: str, choice: str) -> None:
        self.outside.answers[path] = choice
        await self.go_on()

    async def wakes_at(self) -> float | None:
        return self.waits.until if self.waits else None

    async def later(self, now: float) -> None:
        self.outside.now = now
        await self.go_on()

    async def outcome(self) -> tuple[str, str]:
        return (self.ended.outcome, self.ended.message) if self.ended else ("waiting", "")


class OnDisk(Driver):
    def __init__(self, outside: Outside, store: Store, runs: Runs) -> None:
        super().__init__(outside)
        self.store, self.runs = store, runs

    async def wake(self, event_id: str, who: str = "Ann") -> list[str]:
        event = {"who": who}
        received = await self.runs.receive(source="test.happened", connection="a", event_id=event_id, event=event)
        self.outside.replies += [reply for _, reply in received.replies]
        return list(received.runs)

    async def set_up(self, steps: str) -> None:
        await self.keep("f", template_of(steps, self.outside))

    async def keep(self, name: str, template: Template) -> None:
        """Set a flow up under a name."""
        await self.store.set_up(
            name,
            template=template.template,
            document=written(template),
            settings={"account": "a"},
            by="U1",
            now=1.0,
            tables=template.tables,
        )

    async def go(self, steps: str, *, head: str = "") -> None:
        await self.keep("f", template_of(steps, self.outside, head))
        assert await self.wake("e1")
        await self.rest()

    async def rest(self) -> None:
        """Wait until a run has ended, or waits."""
        async with asyncio.timeout(20):
            await self.outside.rested.wait()
        self.outside.rested.clear()

    async def decide(self, path: str, choice: str) -> None:
        won, _ = await self.runs.decide(f"f/1/a:e1/{path}", choice, by="U1")
        assert won
        await self.rest()

    async def wakes_at(self) -> float | None:
        return await self.store.read(
            lambda session: session.exec(select(Run.wake_at).where(Run.id == "f/1/a:e1")).one()
        )

    async def later(self, now: float) -> None:
        self.outside.now = now
        await self.rest()

    async def outcome(self, run_id: str = "f/1/a:e1") -> tuple[str, str]:
        run = await History(self.store).run(run_id)
        assert run is not None
        return run.state, run.message


@asynccontextmanager
async def on_disk(folder: Path, outside: Outside, *, now: Callable[[], float] | None = None) -> AsyncIterator[OnDisk]:
    engine = open_engine(f"sqlite:///{folder / 'flows.sqlite'}")
    async with AsyncExitStack() as stack:
        stack.callback(engine.dispose)
        schema.upgrade(engine)
        store = Store(engine)
        stack.callback(store.close)
        outside.decisions = Decisions(store)
        runs = Runs(
            store=store,
            decisions=outside.decisions,
            catalog=catalog_of(outside),
            accounts=outside,
            people=outside,
            own={},
            patience=PATIENCE,
            watch=outside.watch,
            now=now or (lambda: outside.now),
        )
        stack.push_async_callback(runs.close)
        await runs.launch()
        yield OnDisk(outside, store, runs)
