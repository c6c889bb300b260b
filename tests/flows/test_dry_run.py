"""Dry runs: what reads really reads, what would change or destroy is described and counted, and nothing is left."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.base import Catalog, Value
from connectors.errors import Refused
from flows.builtins import BUILTINS
from flows.dry_run import SHOWN, DryRun
from flows.tables import Dataset, DatasetItem
from tests.flows.drivers import Noted, OnDisk, Outside, catalog_of
from tests.flows.lifecycle import ASK, USING, contents, count, ended, keep, living, note

CALLED = "when: {called: {who: {type: text, title: Who}}}"
LIST = f"{{id: many, do: test.listed, {USING}, with: {{count: 1234}}}}"


class Secretive(Value):
    """Something with a secret in it."""

    password: str
    email: str


class Seen(Value):
    """What was looked up."""

    done: list[str]


def world(outside: Outside) -> Catalog:
    """Return the world of the tests with an action that looks something up, and one that is given a secret."""
    test = catalog_of(outside).connectors["test"]

    @test.action("Look", effect="reads")
    async def look(client: Outside, given: Value) -> Seen:
        """Look what was done."""
        if client.goes_wrong:
            raise client.goes_wrong.pop(0)
        client.asked.append("looked")
        return Seen(done=client.done)

    @test.action("Set a password", effect="changes")
    async def set_password(client: Outside, given: Secretive) -> Noted:
        """Set a password."""
        return Noted(number=client.note(given.password))

    return Catalog([test], builtins=BUILTINS)


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[OnDisk]:
    outside = Outside()
    async with living(tmp_path, outside, catalog=world(outside)) as found:
        yield found


async def tried(disk: OnDisk, steps: str, *, more: str = "", **choices: str) -> DryRun:
    """Try a flow out. Nothing may be different afterwards, outside or in the database."""
    flow = await keep(disk, steps, more=more)
    done, before = list(disk.outside.done), await contents(disk)
    found = await disk.runs.dry_run(flow, {"who": "Ann"}, choices=choices)
    assert disk.outside.done == done
    assert await contents(disk) == before
    assert disk.outside.told == []
    return found


async def test_what_reads_really_reads(disk: OnDisk) -> None:
    disk.outside.done = ["before"]
    steps = f"""
  - {{id: seen, do: test.look, {USING}}}
  - {note("{{ steps.seen.done.0 }} {{ event.who }}")}
"""
    found = await tried(disk, steps)
    assert disk.outside.asked == ["looked"]
    assert [would.given for would in found.would] == [{"what": "before Ann"}]


async def test_a_failure_to_read_is_told(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [Refused("No.")]
    found = await tried(disk, f"  - {{id: seen, do: test.look, {USING}}}\n")
    assert (found.ended.outcome, found.ended.path, found.ended.message) == ("failed", "steps/0", "No.")


async def test_what_is_only_described_meets_nothing_that_goes_wrong_outside(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [Refused("Never asked.")]
    found = await tried(disk, f"  - {note('it')}\n")
    assert (found.ended.outcome, len(disk.outside.goes_wrong)) == ("done", 1)


async def test_what_would_change_or_destroy_is_described_filled_in_and_counted(disk: OnDisk) -> None:
    steps = f"""
  - {note("{{ event.who }}")}
  - {note("{{ event.who }}", "test.delete")}
  - {note("other", "test.delete")}
"""
    found = await tried(disk, steps, more="limits: {destroys: {per run: 0}}")
    assert [(would.path, would.action, would.effect, would.count, would.given) for would in found.would] == [
        ("steps/0", "test.note", "changes", 1, {"what": "Ann"}),
        ("steps/1", "test.delete", "destroys", 1, {"what": "Ann"}),
        ("steps/2", "test.delete", "destroys", 1, {"what": "other"}),
    ]
    assert found.summary == "would destroy: Delete 2 ×; would change: Note 1 ×"
    assert found.ended.outcome == "done"  # no cap is reached by what does not happen


async def test_a_flow_that_changes_nothing_says_so(disk: OnDisk) -> None:
    assert (await tried(disk, "  - {stop: done, say: Fine.}\n")).summary == "would change nothing"


async def test_what_is_described_is_masked(disk: OnDisk) -> None:
    step = f"{{do: test.set_password, {USING}, with: {{password: hunter2, email: ann@example.com}}}}"
    found = await tried(disk, f"  - {step}\n")
    assert [would.given for would in found.would] == [{"password": "•••", "email": "a•••@example.com"}]


QUESTION = f"""
  - {ASK}
  - if: [{{left: "{{{{ steps.sure.choice }}}}", is: yes_please}}]
    then: [{note("yes")}]
    else: [{note("no")}]
"""


@pytest.mark.parametrize(
    ("choices", "answered", "done"),
    [
        ({}, "no_thanks", "no"),
        ({"steps/0": "yes_please"}, "yes_please", "yes"),
        ({"steps/0": "nonsense"}, "no_thanks", "no"),
    ],
)
async def test_questions_are_put_to_nobody_and_answered_as_was_chosen_or_by_default(
    disk: OnDisk, choices: dict[str, str], answered: str, done: str
) -> None:
    found = await tried(disk, QUESTION, **choices)
    assert found.asked == [("Sure of Ann?", answered)]
    assert [would.given for would in found.would] == [{"what": done}]
    assert disk.outside.asked == []


async def test_nothing_is_waited_for(disk: OnDisk) -> None:
    found = await tried(disk, f"  - {{wait: 30d}}\n  - {{wait: {{until: '2999-01-01'}}}}\n  - {note('after')}\n")
    assert found.summary == "would change: Note 1 ×"


async def test_what_a_flow_would_answer_is_said_and_masked(disk: OnDisk) -> None:
    found = await tried(disk, "  - {answer: {deny: 'Not you, {{ event.who }}.', user metadata: {token: abc}}}\n")
    assert found.replies == [{"deny": "Not you, Ann.", "user metadata": {"token": "•••"}}]


async def test_each_item_of_a_list_is_counted(disk: OnDisk) -> None:
    steps = f"  - {{id: walk, each: [a, b, c], at once: 2, steps: [{note('{{ item }}')}]}}\n"
    found = await tried(disk, steps)
    assert sorted(would.path for would in found.would) == ["steps/0/0/0", "steps/0/1/0", "steps/0/2/0"]
    assert found.summary == "would change: Note 3 ×"


async def test_each_item_of_a_dataset_is_counted_and_the_dataset_is_gone_afterwards(disk: OnDisk) -> None:
    steps = f"""
  - {LIST}
  - id: walk
    each: "{{{{ steps.many }}}}"
    collect: "{{{{ item.number }}}}"
    steps: [{note("no {{ item.number }}", "test.delete")}]
  - {{id: rest, each: "{{{{ steps.walk.results }}}}", steps: [{note("no {{ item }}")}]}}
"""
    found = await tried(disk, steps)
    assert found.summary == "would destroy: Delete 1,234 ×; would change: Note 1,234 ×"
    assert len(found.would) == SHOWN
    assert await count(disk, Dataset, DatasetItem) == [0, 0]


async def test_a_dataset_is_gone_also_if_the_flow_fails(disk: OnDisk) -> None:
    found = await tried(disk, f"  - {LIST}\n  - {{stop: failed, say: No.}}\n")
    assert (found.ended.outcome, found.ended.message) == ("failed", "No.")
    assert await count(disk, Dataset, DatasetItem) == [0, 0]


ROWS = "tables: {seen: {columns: {who: text, times: number}, key: [who]}}"


async def test_rows_are_looked_up_and_not_changed(disk: OnDisk) -> None:
    put = "{id: put, do: rows.upsert, with: {table: seen, row: {who: Ann, times: 1}}}"
    count_up = "{do: rows.increment, with: {table: seen, key: {who: Ann}, column: times, by: 1}}"
    delete = "{do: rows.delete, with: {table: seen, where: [{left: '{{ row.who }}', is: Ann}]}}"
    get = "{id: got, do: rows.get, with: {table: seen, key: {who: Ann}}}"
    say = '{stop: done, say: "{{ steps.got.row.times }}"}'
    await keep(disk, f"  - {put}\n", more=ROWS)
    await disk.wake("e1")
    assert (await ended(disk)).state == "done"
    found = await tried(disk, f"  - {count_up}\n  - {delete}\n  - {get}\n  - {say}\n", more=ROWS)
    assert found.ended.message == "1"
    assert [would.action for would in found.would] == ["rows.increment", "rows.delete"]


@pytest.mark.parametrize("background", ["false", "true"])
async def test_flows_that_are_called_are_tried_out_too(disk: OnDisk, background: str) -> None:
    called = f"  - {LIST}\n  - {note('{{ event.who }}')}\n  - {{stop: done, say: Fine., give: {{it: 7}}}}\n"
    await keep(disk, called, when=CALLED, name="called")
    steps = f"""
  - {{id: it, call: called, with: {{who: "{{{{ event.who }}}}"}}, background: {background}}}
  - {{stop: done, say: "{{{{ steps.it.gave.it }}}}"}}
"""
    found = await tried(disk, steps)
    assert [(would.path, would.given) for would in found.would] == [("steps/1", {"what": "Ann"})]
    assert found.ended.message == {"false": "7", "true": ""}[background]


async def test_a_flow_that_cannot_be_called_fails_the_trial_as_it_would_the_run(disk: OnDisk) -> None:
    found = await tried(disk, "  - {id: it, call: nobody}\n")
    assert (found.ended.outcome, found.ended.message) == ("failed", "the flow nobody is not on")


async def test_two_calls_of_one_loop_are_tried_each_on_its_own(disk: OnDisk) -> None:
    await keep(disk, f"  - {note('{{ event.who }}')}\n", when=CALLED, name="called")
    steps = '  - {id: walk, each: [a, b], steps: [{id: it, call: called, with: {who: "{{ item }}"}}]}\n'
    found = await tried(disk, steps)
    assert [would.given for would in found.would] == [{"what": "a"}, {"what": "b"}]


async def test_runs_that_are_under_way_are_not_in_the_way(disk: OnDisk) -> None:
    await keep(disk, f"  - {ASK}\n", more="runs: {mode: single}")
    await disk.wake("e1")
    await disk.rest()
    flow = await disk.store.flow("f")
    assert flow is not None
    found = await disk.runs.dry_run(flow, {"who": "Bob"})
    assert found.asked == [("Sure of Bob?", "no_thanks")]
    assert await disk.outcome() == ("waiting", "")
