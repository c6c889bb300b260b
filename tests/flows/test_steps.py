"""Every kind of step, over both journals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import select

from connectors.errors import Missing, Reconnect, Refused, TryLater
from flows.live import DEEPEST
from flows.tables import Journal
from flows.templates import parse
from flows.writer import StorageError
from tests.flows.drivers import FLOW, NOW, SEND, Driver, InMemory, OnDisk, Outside, catalog_of, on_disk, template_of

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


@pytest.mark.parametrize(("wrong", "outcome"), [(Missing("Gone."), ("done", "7")), (Refused("No."), ("failed", "No."))])
async def test_a_flow_may_go_on_after_some_errors_only(
    driver: Driver, wrong: Exception, outcome: tuple[str, str]
) -> None:
    driver.outside.goes_wrong = [wrong]
    more = ", id: it, on error: {only for: [missing], give: {number: 7}}"
    await driver.go(f'\n  - {note("it", more)}\n  - {{stop: done, say: "{{{{ steps.it.number }}}}"}}\n')
    assert await driver.outcome() == outcome


async def test_a_failing_step_may_give_why_it_failed(driver: Driver) -> None:
    driver.outside.goes_wrong = [Refused("No.")]
    more = ", id: it, on error: {give: {number: '{{ error.kind }}: {{ error.message }}'}}"
    await driver.go(f'\n  - {note("it", more)}\n  - {{stop: done, say: "{{{{ steps.it.number }}}}"}}\n')
    assert await driver.outcome() == ("done", "refused: No.")


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


@pytest.mark.parametrize("pause", ["1s", "15m"])
@pytest.mark.parametrize(("asked", "waits"), [(30.0, 30), (600.0, 600), (1800.0, 1800), (1e9, 3600)])
async def test_what_a_service_asks_for_goes_first_up_to_an_hour(
    driver: Driver, pause: str, asked: float, waits: int
) -> None:
    driver.outside.goes_wrong = [TryLater("Later.", after=asked)]
    policy = f", on error: {{try again: {{attempts: 2, pause: {pause}, longest: 15m}}}}"
    await driver.go(f"\n  - {note('it', policy)}\n")
    assert await driver.outcome() == ("waiting", "")
    assert await driver.wakes_at() == pytest.approx(NOW + waits, abs=1)
    await driver.later(NOW + waits + 1)
    assert driver.outside.done == ["it"]
    assert await driver.outcome() == ("done", "")


class Unreachable(Outside):
    """An outside of which the connection cannot be looked up the first time, for a reason that is none of a service's."""

    async def client(self, name: str) -> Outside:
        if self.goes_wrong:
            raise self.goes_wrong.pop(0)
        return await super().client(name)


@pytest.mark.parametrize("before", [[], [TryLater("Later.", after=0.0)]])
async def test_what_ends_while_its_connection_is_looked_up_was_not_sent(before: list[Exception]) -> None:
    driver = InMemory(Unreachable())
    driver.outside.goes_wrong = [*before, StorageError("The disk is full.")]
    with pytest.raises(StorageError):
        await driver.go(SEND)
    await driver.go_on()
    assert driver.outside.done == ["it"]
    assert await driver.outcome() == ("done", "")


async def test_a_connection_that_is_gone_fails_the_step_and_says_so() -> None:
    driver = InMemory(Unreachable())
    driver.outside.goes_wrong = [Reconnect("There is no connection a any more.")]
    await driver.go(SEND)
    await driver.go_on()
    assert driver.outside.done == []
    assert await driver.outcome() == ("failed", "There is no connection a any more.")


async def test_each_pause_is_longer_than_the_one_before_up_to_the_longest(driver: Driver) -> None:
    driver.outside.goes_wrong = [TryLater("Later.") for _ in range(4)]
    policy = ", on error: {try again: {attempts: 4, pause: 10s, factor: 3, longest: 60s}}"
    now = NOW
    for pause in (10, 30, 60):
        await (driver.later(now) if now != NOW else driver.go(f"\n  - {note('it', policy)}\n"))
        assert await driver.wakes_at() == pytest.approx(now + pause, abs=1)
        now += pause + 1
    await driver.later(now)
    assert await driver.outcome() == ("failed", "Later.")
    assert driver.outside.goes_wrong == []


@pytest.mark.parametrize(
    ("wait", "until"),
    [
        ("2d", NOW + 2 * 86400),
        ('{until: "1970-01-03T00:00:00Z"}', 2 * 86400.0),
        ('{until: "1970-01-03T01:00:00+01:00"}', 2 * 86400.0),
        ("{until: 172800}", 2 * 86400.0),
        ('{until: "{{ steps.set.when }}"}', 2 * 86400.0),
    ],
)
async def test_a_run_waits_until_its_time_has_come(driver: Driver, wait: str, until: float) -> None:
    steps = f"""
  - {{id: set, set: {{when: "1970-01-03"}}}}
  - {{id: pause, wait: {wait}}}
  - {note("after {{ steps.pause.until }}")}
"""
    await driver.go(steps)
    assert (driver.outside.done, await driver.outcome()) == ([], ("waiting", ""))
    assert await driver.wakes_at() == until
    await driver.later(until)
    said = datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert driver.outside.done == [f"after {said}"]
    assert await driver.outcome() == ("done", "")


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ("allow", {}),
        ('{deny: "Not you, {{ event.who }}."}', {"deny": "Not you, Ann."}),
        ("{require mfa: true}", {"require mfa": True}),
        ("{user metadata: {seen: {by: [us]}}}", {"user metadata": {"seen": {"by": ["us"]}}}),
    ],
)
async def test_whoever_waits_is_answered_and_the_run_goes_on(driver: Driver, answer: str, reply: object) -> None:
    head = FLOW.replace("  once per:", "  answers: {within: 5s}\n  once per:")
    await driver.go(f"\n  - answer: {answer}\n  - {note('after')}\n", head=head)
    assert driver.outside.replies == [reply]
    assert driver.outside.done == ["after"]


async def test_a_loop_within_a_loop_knows_both_its_items(driver: Driver) -> None:
    inner = note("{{ letter }}{{ number }}")
    steps = f"""
  - id: outer
    each: [a, b]
    as: letter
    collect: "{{{{ steps.inner.results }}}}"
    steps:
      - {{id: inner, each: ["1", "2", "3"], as: number, at once: 3, collect: "{{{{ letter }}}}-{{{{ number }}}}", steps: [{inner}]}}
  - {{stop: done, say: "{{{{ steps.outer.results }}}}"}}
"""
    await driver.go(steps)
    assert sorted(driver.outside.done) == ["a1", "a2", "a3", "b1", "b2", "b3"]
    assert await driver.outcome() == ("done", "a-1, a-2, a-3, b-1, b-2, b-3")


@pytest.mark.parametrize(("which", "outcome"), [("done", "done"), ("failed", "failed")])
async def test_a_stop_within_a_loop_ends_the_run(driver: Driver, which: str, outcome: str) -> None:
    steps = f"""
  - id: walk
    each: [a, b, c]
    failing: set aside
    steps:
      - {note("{{ item }}")}
      - if: [{{left: "{{{{ item }}}}", is: b}}]
        then: [{{stop: {which}, say: "At {{{{ item }}}}."}}]
  - {note("never")}
"""
    await driver.go(steps)
    assert driver.outside.done == ["a", "b"]
    assert await driver.outcome() == (outcome, "At b.")


@pytest.mark.parametrize("at_once", [1, 7, 50])
async def test_a_loop_goes_through_several_batches(driver: Driver, at_once: int) -> None:
    driver.outside.goes_wrong = [Refused("Not this one.")]
    steps = f"""
  - {{id: many, do: text.split, with: {{text: "{",".join(map(str, range(250)))}", separator: ","}}}}
  - id: walk
    each: "{{{{ steps.many.items }}}}"
    at once: {at_once}
    failing: set aside
    collect: "{{{{ item }}}}"
    steps: [{note("{{ item }}")}]
  - {{id: kept, each: "{{{{ steps.walk.results }}}}", steps: [{{id: it, set: {{one: 1}}}}]}}
  - {{stop: done, say: "{{{{ steps.walk.count }}}} {{{{ steps.walk.done }}}} {{{{ steps.walk.failed }}}} {{{{ steps.kept.done }}}}"}}
"""
    await driver.go(steps)
    assert len(driver.outside.done) == len(set(driver.outside.done)) == 249
    assert await driver.outcome() == ("done", "250 249 1 249")


async def test_a_loop_in_batches_gives_its_steps_lists_and_a_list_fails_as_a_whole(driver: Driver) -> None:
    driver.outside.goes_wrong = [Refused("Not these.")]
    steps = f"""
  - {{id: many, do: text.split, with: {{text: "a,b,c,d,e", separator: ","}}}}
  - id: walk
    each: "{{{{ steps.many.items }}}}"
    as: some
    in batches of: 2
    failing: set aside
    collect: "{{{{ some }}}}"
    add up: {{lists: true, three: 3}}
    steps: [{note("of {{ some }}")}]
  - {{stop: done, say: "{{{{ steps.walk.count }}}} {{{{ steps.walk.failed }}}} {{{{ steps.walk.failures.0.item }}}} {{{{ steps.walk.results }}}}: {{{{ steps.walk.sums.lists }}}} {{{{ steps.walk.sums.three }}}}"}}
"""
    await driver.go(steps)
    assert driver.outside.done == ["of c, d", "of e"]
    assert await driver.outcome() == ("done", "3 1 a, b c, d, e: 2 6")


async def test_a_loop_over_nothing_is_done_at_once(driver: Driver) -> None:
    await driver.go(
        f"\n  - {{id: walk, each: [], collect: x, steps: [{note('never')}]}}\n"
        '  - {stop: done, say: "{{ steps.walk.count }} {{ steps.walk.done }} {{ steps.walk.failed }}"}\n'
    )
    assert driver.outside.done == []
    assert await driver.outcome() == ("done", "0 0 0")


@pytest.mark.parametrize("at_once", [1, 2])
async def test_questions_of_a_loop_are_put_as_many_at_once_as_it_says(driver: Driver, at_once: int) -> None:
    steps = f"""
  - id: walk
    each: [a, b, c]
    at once: {at_once}
    steps:
      - {{id: sure, ask: "Sure of {{{{ item }}}}?", in: C1, choices: [yes_please, no_thanks], within: 1h, otherwise: no_thanks}}
      - {note("{{ item }} {{ steps.sure.choice }}")}
"""
    await driver.go(steps)
    assert driver.outside.asked == ["Sure of a?", "Sure of b?", "Sure of c?"][:at_once]
    for item in range(3):
        assert (await driver.outcome())[0] == "waiting"
        await driver.decide(f"steps/0/{item}/0", "yes_please")
    assert driver.outside.asked == ["Sure of a?", "Sure of b?", "Sure of c?"]
    assert driver.outside.done == ["a yes_please", "b yes_please", "c yes_please"]
    assert (await driver.outcome())[0] == "done"


async def test_whoever_was_asked_in_a_loop_is_told_how_the_run_ended_however_much_later(driver: Driver) -> None:
    question = '{id: sure, ask: "Sure?", in: C1, choices: [yes_please], within: 1h, otherwise: yes_please}'
    await driver.go(f"\n  - {{each: [a], steps: [{question}]}}\n  - {{wait: 1h}}\n")
    await driver.decide("steps/0/0/0", "yes_please")
    assert driver.outside.told == []
    await driver.later(NOW + 3600)
    assert await driver.outcome() == ("done", "")
    assert [told.outcome for told in driver.outside.told] == ["done"]


@pytest.mark.parametrize("failing", ["stop", "set aside"])
async def test_a_loop_that_only_reads_its_journal_comes_to_the_same(driver: Driver, failing: str) -> None:
    driver.outside.goes_wrong = [Refused("Not this one.")]
    steps = f"""
  - {{id: walk, each: [a, b, c], failing: {failing}, steps: [{note("{{ item }}")}], on error: {{give: {{done: 0, failures: []}}}}}}
  - {{wait: 1h}}
  - {{stop: done, say: "{{{{ steps.walk.done }}}} {{{{ steps.walk.failures.0.message }}}}"}}
"""
    await driver.go(steps)
    before = list(driver.outside.done)
    await driver.later(NOW + 3600)
    assert driver.outside.done == before
    assert await driver.outcome() == ("done", {"stop": "0 ", "set aside": "2 Not this one."}[failing])


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
    assert await ended(disk) == ("done", "done Fine. 3")
    assert disk.outside.done == ["called Ann"]


async def test_a_called_flow_that_is_not_on_fails_the_step(disk: OnDisk) -> None:
    await disk.go("\n  - {id: it, call: nobody}\n")
    assert await disk.outcome() == ("failed", "the flow nobody is not on")


async def ended(disk: OnDisk) -> tuple[str, str]:
    """Wait until the run has ended, however many others it called, and return how."""
    async with asyncio.timeout(20):
        while (outcome := await disk.outcome())[0] not in {"done", "failed"}:
            await disk.rest()
    return outcome


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ("", ("failed", "other: No, Ann.")),
        (", on error: {give: {outcome: failed}}", ("done", "")),
        (f", on error: {{steps: [{note('{{ error.kind }}: {{ error.message }}')}]}}", ("done", "")),
    ],
)
async def test_a_called_flow_that_fails_fails_the_step(disk: OnDisk, more: str, outcome: tuple[str, str]) -> None:
    stop = '\n  - {stop: failed, say: "No, {{ event.name }}."}\n'
    await disk.keep("other", template_of(stop, disk.outside, head=CALLED))
    await disk.go(f'\n  - {{id: it, call: other, with: {{name: "{{{{ event.who }}}}"}}{more}}}\n')
    assert await ended(disk) == outcome
    assert disk.outside.done == (["refused: other: No, Ann."] if "steps" in more else [])


async def test_a_flow_in_the_background_is_not_waited_for(disk: OnDisk) -> None:
    slow = f"\n  - {{wait: 1h}}\n  - {note('much later')}\n"
    await disk.keep("other", template_of(slow, disk.outside, head=CALLED))
    await disk.go(
        '\n  - {id: it, call: other, with: {name: x}, background: true}\n  - {stop: done, say: "{{ steps.it.run }}"}\n'
    )
    assert await ended(disk) == ("done", "f/1/a:e1/steps/0/other")
    async with asyncio.timeout(10):
        while (await disk.outcome("f/1/a:e1/steps/0/other"))[0] != "waiting":
            await disk.rest()
    assert disk.outside.done == []


async def test_flows_that_came_to_call_one_another_in_a_circle_do_not_do_so_for_ever(disk: OnDisk) -> None:
    for name, called in {"other": "another", "another": "other"}.items():
        steps = f"\n  - {note(name)}\n  - {{id: it, call: {called}, with: {{name: x}}}}\n"
        await disk.keep(name, template_of(steps, disk.outside, head=CALLED))
    await disk.go("\n  - {id: it, call: other, with: {name: x}}\n")
    outcome, message = await ended(disk)
    assert outcome == "failed"
    assert f"more than {DEEPEST} flows have called one another" in message
    assert len(disk.outside.done) == DEEPEST


async def test_each_item_may_call_a_flow_of_its_own(disk: OnDisk) -> None:
    other = "\n  - {stop: done, say: Fine., give: {greeting: 'Hello {{ event.name }}'}}\n"
    await disk.keep("other", template_of(other, disk.outside, head=CALLED))
    await disk.go("""
  - id: walk
    each: [Ann, Bob, Cem]
    at once: 3
    collect: "{{ steps.it.gave.greeting }}"
    steps: [{id: it, call: other, with: {name: "{{ item }}"}}]
  - {stop: done, say: "{{ steps.walk.results }}"}
""")
    assert await ended(disk) == ("done", "Hello Ann, Hello Bob, Hello Cem")


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
