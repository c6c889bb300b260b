"""Runs, over both journals: what happens once, what is tried again, what is waited for."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from bot import schema
from connectors.base import Catalog, Connector, Lenient, Source, Value
from connectors.errors import Ambiguous, Refused, TryLater
from flows.decisions import Decisions, Question
from flows.engine import Ended, Errand, Patience, carry_out
from flows.journal import MemoryJournal, SuspendedError
from flows.runs import Runs
from flows.store import Store, open_engine
from flows.templates import parse

PATIENCE = Patience(attempts=4, first=0.001)


class Nothing(Value):
    """No settings."""


class Given(Value):
    """What to note."""

    what: str = Field(title="What", description="What to note.")


class Noted(Value):
    """What was noted."""

    number: int = Field(title="Number", description="How many were noted.")


class Happened(Lenient):
    """An event of the test's own."""

    who: str
    risk: str | None = None


class Outside:
    """The world outside of a run: what was done there, what goes wrong there, and how people answer."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.goes_wrong: list[Exception] = []
        self.asked: list[str] = []
        self.settled: list[str] = []
        self.told: list[Ended] = []
        self.answers: dict[str, str] = {}
        self.decisions: Decisions | None = None
        self.ended = asyncio.Event()
        self.waiting = asyncio.Event()

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
            self.waiting.set()
            return None
        return {"choice": found, "by": "U1", "at": 1.0, "how": "person"}

    async def settle(self, question: Question) -> None:
        self.settled.append(question.path)

    async def tell(self, _errand: Errand, ended: Ended) -> None:
        self.told.append(ended)
        self.ended.set()


def catalog_of(outside: Outside) -> Catalog:
    source = Source(name="test.happened", title="It happened", about="", event=Happened)

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

    return Catalog([test])


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

Start = Callable[[str], Any]


class Driver:
    """Carries out a flow over one of the journals, to its end or to where it waits."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside

    async def go(self, steps: str) -> None:
        raise NotImplementedError

    async def answer(self, choice: str) -> None:
        raise NotImplementedError


class InMemory(Driver):
    def __init__(self, outside: Outside) -> None:
        super().__init__(outside)
        self.journal = MemoryJournal(asyncio.sleep)
        self.steps = ""

    async def go(self, steps: str) -> None:
        self.steps = steps
        catalog = catalog_of(self.outside)
        template = parse(FLOW + steps, catalog)
        assert not isinstance(template, list), template
        errand = Errand(run_id="r", flow="f", template=template, settings={"account": "a"}, event={"who": "Ann"})
        with suppress(SuspendedError):
            await carry_out(
                errand,
                journal=self.journal,
                catalog=catalog,
                accounts=self.outside,
                people=self.outside,
                patience=PATIENCE,
            )

    async def answer(self, choice: str) -> None:
        self.outside.answers["steps/2"] = choice
        await self.go(self.steps)


class OnDisk(Driver):
    def __init__(self, outside: Outside, store: Store, runs: Runs) -> None:
        super().__init__(outside)
        self.store, self.runs = store, runs
        self.numbers = itertools.count()

    async def wake(self, event_id: str, who: str = "Ann") -> list[str]:
        event = {"who": who}
        return list(await self.runs.receive(source="test.happened", connection="a", event_id=event_id, event=event))

    async def set_up(self, steps: str) -> None:
        template = parse(FLOW + steps, catalog_of(self.outside))
        assert not isinstance(template, list), template
        document = template.model_dump(mode="json", by_alias=True)
        await self.store.set_up("f", template="t", document=document, settings={"account": "a"}, by="U1", now=1.0)

    async def go(self, steps: str) -> None:
        await self.set_up(steps)
        assert await self.wake("e1")
        await self.rest()

    async def rest(self) -> None:
        """Wait until the run has ended, or waits for an answer."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self.outside.ended, self.outside.waiting)]
        async with asyncio.timeout(20):
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def answer(self, choice: str) -> None:
        won, _ = await self.runs.decide("f/1/a:e1/steps/2", choice, by="U1")
        assert won
        async with asyncio.timeout(20):
            await self.outside.ended.wait()


@asynccontextmanager
async def on_disk(folder: Path, outside: Outside) -> AsyncIterator[OnDisk]:
    engine = open_engine(f"sqlite:///{folder / 'flows.sqlite'}")
    async with AsyncExitStack() as stack:
        stack.callback(engine.dispose)
        schema.upgrade(engine)
        store = Store(engine)
        outside.decisions = Decisions(store)
        runs = Runs(
            store=store,
            decisions=outside.decisions,
            catalog=catalog_of(outside),
            accounts=outside,
            people=outside,
            patience=PATIENCE,
            watch=lambda _run_id: nullcontext(),
            now=lambda: 1000.0,
        )
        stack.callback(runs.close)
        await runs.launch()
        yield OnDisk(outside, store, runs)


@pytest.fixture(params=["in memory", "on disk"])
async def driver(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Driver]:
    outside = Outside()
    async with AsyncExitStack() as stack:
        yield (
            InMemory(outside)
            if request.param == "in memory"
            else await stack.enter_async_context(on_disk(tmp_path, outside))
        )


async def test_a_run_waits_and_goes_on_and_does_nothing_twice(driver: Driver) -> None:
    await driver.go(ASK)
    assert (driver.outside.done, driver.outside.asked, driver.outside.told) == (["before Ann"], ["Really Ann?"], [])
    await driver.answer("yes_please")
    assert driver.outside.done == ["before Ann", "after 1"]
    assert driver.outside.asked == ["Really Ann?"]
    assert [ended.message for ended in driver.outside.told] == ["Did it for Ann."]


async def test_the_other_choice_takes_the_other_branch(driver: Driver) -> None:
    await driver.go(ASK)
    await driver.answer("no_thanks")
    assert driver.outside.done == ["before Ann"]
    assert [ended.message for ended in driver.outside.told] == ["Left alone."]


async def test_what_failed_in_passing_is_tried_again(driver: Driver) -> None:
    driver.outside.goes_wrong = [TryLater("later", after=0.001), Ambiguous("who knows")]
    await driver.go(NOTE)
    assert driver.outside.done == ["it"]
    assert driver.outside.told[0].outcome == "done"


async def test_what_must_not_be_repeated_is_not(driver: Driver) -> None:
    driver.outside.goes_wrong = [Ambiguous("It may or may not have happened.")]
    await driver.go(SEND)
    assert driver.outside.done == []
    assert (driver.outside.told[0].outcome, driver.outside.told[0].path) == ("failed", "steps/0")


async def test_a_refusal_ends_the_run_at_once(driver: Driver) -> None:
    driver.outside.goes_wrong = [Refused("No."), Refused("never reached")]
    await driver.go(NOTE)
    assert [(ended.outcome, ended.message) for ended in driver.outside.told] == [("failed", "No.")]
    assert len(driver.outside.goes_wrong) == 1


async def test_patience_has_an_end(driver: Driver) -> None:
    driver.outside.goes_wrong = [TryLater("later") for _ in range(9)]
    await driver.go(NOTE)
    assert driver.outside.told[0].outcome == "failed"
    assert len(driver.outside.goes_wrong) == 9 - PATIENCE.attempts


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[OnDisk]:
    async with on_disk(tmp_path, Outside()) as found:
        yield found


async def test_one_event_and_one_key_wake_one_run(disk: OnDisk) -> None:
    await disk.go(ASK)
    assert await disk.wake("e1") == []
    assert await disk.wake("e2") == []
    assert await disk.wake("e3", who="Bob") == ["f/1/a:e3"]
    await disk.set_up(ASK + "  - {stop: done, say: more}\n")
    assert await disk.wake("e3", who="Bob") == []


async def test_of_two_decisions_at_once_one_counts(disk: OnDisk) -> None:
    await disk.go(ASK)
    question = "f/1/a:e1/steps/2"
    answers = await asyncio.gather(
        disk.runs.decide(question, "yes_please", by="U1"), disk.runs.decide(question, "no_thanks", by="U2")
    )
    assert sorted(won for won, _ in answers) == [False, True]
    assert len({decision.choice for _, decision in answers if decision}) == 1


async def test_a_failed_run_is_tried_again_where_it_failed(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [Refused("No.")]
    second = SEND.replace("id: it", "id: other").replace("what: it", "what: other")
    await disk.go("\n  - {id: known, set: {one: 1}}" + NOTE + second)
    assert disk.outside.told[0].outcome == "failed"
    disk.outside.ended.clear()

    async def reopened() -> None:
        while not await disk.runs.again("f/1/a:e1"):  # noqa: ASYNC110  # the run is noted as failed just after people are told
            await asyncio.sleep(0.01)

    await asyncio.wait_for(reopened(), 10)
    await asyncio.wait_for(disk.outside.ended.wait(), 10)
    assert disk.outside.done == ["it", "other"]
    assert disk.outside.told[-1].outcome == "done"


async def test_nobody_answers_and_the_default_is_taken(tmp_path: Path) -> None:
    outside = Outside()
    async with on_disk(tmp_path, outside) as disk:
        await disk.go(ASK.replace("within: 1h", "within: 0s"))
        await asyncio.wait_for(outside.ended.wait(), 20)
    assert [ended.message for ended in outside.told] == ["Left alone."]


async def test_the_next_process_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    outside = Outside()
    async with on_disk(tmp_path, outside) as disk:
        await disk.go(ASK)
    async with on_disk(tmp_path, outside) as disk:
        await disk.answer("yes_please")
    assert outside.done == ["before Ann", "after 1"]
    assert outside.asked == ["Really Ann?"]
