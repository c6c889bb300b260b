"""Every kind of step, over both journals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlmodel import select

from connectors.errors import Refused, TryLater
from flows.tables import Journal
from flows.templates import parse
from tests.flows.drivers import FLOW, Driver, InMemory, OnDisk, Outside, catalog_of, on_disk, template_of

USING = 'using: "{{ settings.account }}"'


@pytest.fixture(params=["in memory", "on disk"])
async def driver(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Driver]:
    outside = Outside()
    async with AsyncExitStack() as stack:
        yield (
            InMemory(outside)
            if request.param == "in memory"
            else await stack.enter_async_context(on_disk(tmp_path, outside))
        )


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[OnDisk]:
    async with on_disk(tmp_path, Outside()) as found:
        yield found


def note(what: str, more: str = "") -> str:
    return f'{{do: test.note, {USING}, with: {{what: "{what}"}}{more}}}'


@pytest.mark.parametrize(
    ("steps", "done", "outcome"),
    [
        (
            f"""
  - id: names
    set: {{first: Ann, number: 3}}
  - if: [{{any: [{{left: "{{{{ steps.names.number }}}}", less than: 2}}, {{not: {{left: "{{{{ event.who }}}}", is: Bob}}}}]}}]
    then: [{note("then")}]
    else: [{note("else")}]
""",
            ["then"],
            ("done", ""),
        ),
        (
            f"""
  - if: [{{left: "{{{{ event.who }}}}", is: Bob}}]
    then: [{note("then")}]
    else if:
      - if: [{{left: "{{{{ event.who }}}}", starts with: a}}]
        then: [{note("else if")}]
    else: [{note("else")}]
""",
            ["else if"],
            ("done", ""),
        ),
        (
            f"""
  - {{id: split, do: text.split, with: {{text: "b,a", separator: ","}}}}
  - id: walk
    each: "{{{{ steps.split.items }}}}"
    as: letter
    collect: "{{{{ letter }}}}!"
    steps: [{note("{{ letter }}")}]
  - {{stop: done, say: "{{{{ steps.walk.count }}}} of {{{{ steps.walk.done }}}}: {{{{ steps.walk.results }}}}"}}
""",
            ["b", "a"],
            ("done", "2 of 2: b!, a!"),
        ),
        (
            f"""
  - {{wait: 0s}}
  - {{wait: {{until: "1970-01-01"}}}}
  - {note("after")}
  - {{stop: failed, say: "No, {{{{ event.who }}}}."}}
""",
            ["after"],
            ("failed", "No, Ann."),
        ),
    ],
)
async def test_steps_do_what_they_say(driver: Driver, steps: str, done: list[str], outcome: tuple[str, str]) -> None:
    await driver.go(steps)
    assert driver.outside.done == done
    assert await driver.outcome() == outcome


async def test_a_failing_step_may_give_values_instead(driver: Driver) -> None:
    driver.outside.goes_wrong = [Refused("No.")]
    more = ", id: it, on error: {give: {number: 7}}"
    await driver.go(f'\n  - {note("it", more)}\n  - {{stop: done, say: "{{{{ steps.it.number }}}}"}}\n')
    assert await driver.outcome() == ("done", "7")


async def test_a_failing_step_may_run_others_that_know_why(driver: Driver) -> None:
    driver.outside.goes_wrong = [Refused("No.")]
    instead = note("{{ error.kind }}: {{ error.message }}")
    await driver.go(f"\n  - {note('it', f', on error: {{steps: [{instead}]}}')}\n")
    assert driver.outside.done == ["refused: No."]
    assert await driver.outcome() == ("done", "")


async def test_a_retry_policy_says_how_often_and_for_what(driver: Driver) -> None:
    driver.outside.goes_wrong = [Refused("No."), TryLater("Later."), Refused("No.")]
    policy = ", on error: {try again: {attempts: 3, pause: 0s, errors: [refused, later]}}"
    await driver.go(f"\n  - {note('it', policy)}\n")
    assert driver.outside.done == []
    assert await driver.outcome() == ("failed", "No.")


async def test_a_loop_sets_failing_items_aside_if_told_to(driver: Driver) -> None:
    driver.outside.goes_wrong = [Refused("Not this one.")]
    loop = f"""
  - id: walk
    each: [a, b, c]
    failing: set aside
    steps: [{note("{{ item }}")}]
  - {{stop: done, say: "{{{{ steps.walk.failed }}}} {{{{ steps.walk.failures.0.item }}}} {{{{ steps.walk.failures.0.message }}}}"}}
"""
    await driver.go(loop)
    assert driver.outside.done == ["b", "c"]
    assert await driver.outcome() == ("done", "1 a Not this one.")


async def test_a_loop_stops_at_a_failing_item_otherwise(driver: Driver) -> None:
    driver.outside.goes_wrong = [Refused("Not this one.")]
    await driver.go(f"\n  - {{id: walk, each: [a, b, c], steps: [{note('{{ item }}')}]}}\n")
    assert driver.outside.done == []
    assert await driver.outcome() == ("failed", "Not this one.")


async def test_a_loop_walks_through_a_dataset_in_batches_and_its_journal_stays_small(disk: OnDisk) -> None:
    steps = f"""
  - {{id: many, do: test.listed, {USING}, with: {{count: 450}}}}
  - id: walk
    each: "{{{{ steps.many }}}}"
    at once: 10
    collect: "{{{{ item.number }}}}"
    steps: [{note("no {{ item.number }}")}]
  - {{id: rest, each: "{{{{ steps.walk.results }}}}", failing: set aside, steps: [{{id: seen, set: {{it: "{{{{ item }}}}"}}}}]}}
  - {{stop: done, say: "{{{{ steps.many.count }}}} {{{{ steps.walk.done }}}} {{{{ steps.rest.done }}}}"}}
"""
    await disk.go(steps)
    assert await disk.outcome() == ("done", "450 450 450")
    assert sorted(disk.outside.done) == sorted(f"no {number}" for number in range(450))
    lines = await disk.store.read(lambda session: session.exec(select(Journal.name)).all())
    assert len(lines) < 300


async def test_several_questions_of_a_loop_are_open_at_once(disk: OnDisk) -> None:
    steps = f"""
  - id: walk
    each: [a, b]
    at once: 2
    steps:
      - {{id: sure, ask: "Sure of {{{{ item }}}}?", in: C1, choices: [yes_please, no_thanks], within: 1h, otherwise: no_thanks}}
      - if: [{{left: "{{{{ steps.sure.choice }}}}", is: yes_please}}]
        then: [{note("{{ item }}")}]
"""
    await disk.go(steps)
    assert sorted(disk.outside.asked) == ["Sure of a?", "Sure of b?"]
    assert await disk.outcome() == ("waiting", "")
    await disk.runs.decide("f/1/a:e1/steps/0/1/0", "yes_please", by="U1")
    await disk.rest()
    assert (await disk.outcome())[0] == "waiting"
    await disk.runs.decide("f/1/a:e1/steps/0/0/0", "no_thanks", by="U1")
    await disk.rest()
    assert disk.outside.done == ["b"]
    assert (await disk.outcome())[0] == "done"


CALLED = (
    FLOW[: FLOW.index("when:")]
    + """
when: {called: {name: {type: text, title: Name}}}
steps:
"""
)


async def test_a_flow_calls_another_and_uses_what_it_gives(disk: OnDisk) -> None:
    other = template_of(
        f"\n  - {note('called {{ event.name }}')}\n  - {{stop: done, say: Fine., give: {{length: 3}}}}\n",
        disk.outside,
        head=CALLED,
    )
    await disk.keep("other", other)
    await disk.go(
        '\n  - {id: it, call: other, with: {name: "{{ event.who }}"}}\n'
        '  - {stop: done, say: "{{ steps.it.outcome }} {{ steps.it.message }} {{ steps.it.gave.length }}"}\n'
    )
    async with asyncio.timeout(10):
        while (await disk.outcome())[0] != "done":
            await disk.rest()
    assert disk.outside.done == ["called Ann"]
    assert await disk.outcome() == ("done", "done Fine. 3")


async def test_a_called_flow_that_is_not_on_fails_the_step(disk: OnDisk) -> None:
    await disk.go("\n  - {id: it, call: nobody}\n")
    assert await disk.outcome() == ("failed", "the flow nobody is not on")


def test_a_flow_that_calls_itself_is_refused() -> None:
    found = parse(CALLED + "\n  - {id: it, call: test-flow, with: {name: x}}\n", catalog_of(Outside()))
    assert isinstance(found, list)
    assert "cannot call one another in a circle" in found[0].message


async def test_rows_are_kept_once_and_counted(disk: OnDisk) -> None:
    head = FLOW.replace("steps:\n", "tables: {seen: {columns: {who: text, times: number}, key: [who]}}\nsteps:\n")
    steps = """
  - {id: first, do: rows.increment, with: {table: seen, key: {who: "{{ event.who }}"}, column: times, by: 2}}
  - {id: again, do: rows.increment, with: {table: seen, key: {who: "{{ event.who }}"}, column: times, by: 3}}
  - {stop: done, say: "{{ steps.again }}"}
"""
    await disk.keep("f", template_of(steps, disk.outside, head=head))
    assert await disk.wake("e1")
    await disk.rest()
    outcome, message = await disk.outcome()
    assert outcome == "done", message
    assert "5" in message
