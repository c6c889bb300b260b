"""Traces: every step of a run as it was carried out, read from its journal, masked, and kept nowhere else."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from connectors.base import Catalog, Value
from connectors.errors import Refused, TryLater
from flows.builtins import BUILTINS
from flows.history import History
from flows.tables import Journal
from flows.trace import Line
from tests.flows.drivers import NOW, Given, Noted, OnDisk, Outside, catalog_of
from tests.flows.lifecycle import ASK, USING, Time, contents, decide, ended, keep, living, note, until

RUN = "f/1/a:e1"
CALLED = "when: {called: {who: {type: text, title: Who}}}"
CALL = '{id: it, call: called, with: {who: "{{ event.who }}"}}'


class SignIn(Value):
    """Who signs in."""

    email: str
    password: str


class SignedIn(Value):
    """What they get."""

    access_token: str
    said: str


class World(Outside):
    """A world in which everything that is done takes five seconds."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self.time = time

    def note(self, what: str) -> int:
        self.time.at += 5
        return super().note(what)


def world(outside: Outside) -> Catalog:
    """Return the world of the tests with an action that is given a secret and gives one."""
    test = catalog_of(outside).connectors["test"]

    @test.action("Sign in", effect="reads")
    async def sign_in(_client: Outside, given: SignIn) -> SignedIn:
        """Sign somebody in."""
        return SignedIn(access_token="abc", said=f"Bearer abcdefgh for {given.email}")

    @test.action("Leak", effect="changes")
    async def leak(_client: Outside, given: Given) -> Noted:
        """Fail, and say too much."""
        raise Refused(f"{given.what} is not ann@example.com, token=abcdef")

    return Catalog([test], builtins=BUILTINS)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def disk(tmp_path: Path, time: Time) -> AsyncIterator[OnDisk]:
    outside = World(time)
    async with living(tmp_path, outside, now=time, catalog=world(outside)) as found:
        yield found


def steps(*of: str) -> str:
    return "".join(f"  - {one}\n" for one in of)


async def trace(disk: OnDisk, run_id: str = RUN) -> dict[str, Line]:
    """Return the lines of a trace by their paths. Nothing may be different afterwards, outside or in the database."""
    done, before = list(disk.outside.done), await contents(disk)
    lines = await disk.runs.trace(run_id)
    assert lines is not None
    assert await disk.runs.trace(run_id) == lines
    assert await contents(disk) == before
    assert disk.outside.done == done
    return {line.path: line for line in lines}


async def carried_out(disk: OnDisk, *of: str, more: str = "", state: str = "done") -> dict[str, Line]:
    """Carry a flow out to its end, and return its trace."""
    await keep(disk, steps(*of), more=more)
    await disk.wake("e1")
    assert (await ended(disk)).state == state
    return await trace(disk)


async def waiting(disk: OnDisk, *of: str, more: str = "") -> dict[str, Line]:
    """Carry a flow out to where it waits, and return its trace."""
    await keep(disk, steps(*of), more=more)
    await disk.wake("e1")
    await until_waiting(disk)
    return await trace(disk)


async def until_waiting(disk: OnDisk, run_id: str = RUN) -> None:
    async def look() -> bool:
        run = await History(disk.store).run(run_id)
        return run is not None and run.state == "waiting"

    await until(disk, look)


# --- what of each kind of step ----------------------------------------------------------------------------------------

EVERY: list[tuple[str, Line]] = [
    (
        note("{{ event.who }}", more=", id: it"),
        Line(path="steps/0", kind="do", id="it", action="test.note", given={"what": "Ann"}, gave={"number": 1}),
    ),
    (
        "{id: it, do: text.split, with: {text: 'a,b', separator: ','}}",
        Line(
            path="steps/0",
            kind="do",
            id="it",
            action="text.split",
            given={"text": "a,b", "separator": ",", "trim": False, "keep_empty": True},
            gave={"items": ["a", "b"], "count": 2},
        ),
    ),
    (
        '{id: it, set: {who: "{{ event.who }}", none: "{{ event.risk }}"}}',
        Line(path="steps/0", kind="set", id="it", action=None, gave={"who": "Ann", "none": None}),
    ),
    (
        '{if: [{left: "{{ event.who }}", is: Ann}], then: []}',
        Line(path="steps/0", kind="if", id=None, action="if", given={"branch": "then"}, gave={}),
    ),
    (
        '{if: [{left: "{{ event.who }}", is: Bob}], then: [], else if: [{if: [{left: 1, is: 1}], then: []}]}',
        Line(path="steps/0", kind="if", id=None, action="if", given={"branch": "else if/0/then"}, gave={}),
    ),
    (
        '{if: [{left: "{{ event.who }}", is: Bob}], then: []}',
        Line(path="steps/0", kind="if", id=None, action="if", given={"branch": "else"}, gave={}),
    ),
    (
        '{id: it, each: [a, b], collect: "{{ item }}!", steps: [{id: x, set: {one: 1}}]}',
        Line(
            path="steps/0",
            kind="each",
            id="it",
            given={"count": 2},
            gave={"count": 2, "done": 2, "failed": 0, "results": ["a!", "b!"], "failures": [], "sums": {}},
        ),
    ),
    (
        '{wait: {until: "1970-01-01"}}',
        Line(
            path="steps/0",
            kind="wait",
            id=None,
            action=None,
            given={"until": "1970-01-01T00:00:00Z"},
            gave={"until": "1970-01-01T00:00:00Z"},
        ),
    ),
    (
        '{answer: {deny: "No, {{ event.who }}."}}',
        Line(path="steps/0", kind="answer", id=None, action=None, given={"deny": "No, Ann."}, gave={}),
    ),
    (
        '{stop: done, say: "Fine, {{ event.who }}.", give: {it: 7}}',
        Line(path="steps/0", kind="stop", id=None, action="done", given={"say": "Fine, Ann."}, gave={"it": 7}),
    ),
    (
        CALL,
        Line(
            path="steps/0",
            kind="call",
            id="it",
            action="called",
            given={"flow": "called", "who": "Ann"},
            gave={"outcome": "done", "message": "Fine.", "gave": {"length": 3}, "run": f"{RUN}/steps/0/called"},
        ),
    ),
]


@pytest.mark.parametrize(
    ("step", "expected"), EVERY, ids=[f"{line.kind} {number}" for number, (_, line) in enumerate(EVERY)]
)
async def test_every_kind_of_step_is_shown_with_what_it_was_given_and_what_it_gave(
    disk: OnDisk, step: str, expected: Line
) -> None:
    await keep(disk, steps("{stop: done, say: Fine., give: {length: 3}}"), when=CALLED, name="called")
    found = (await carried_out(disk, step))["steps/0"]
    said = {name: getattr(found, name) for name in ("path", "kind", "id", "action", "given", "gave", "error", "waits")}
    assert said == {name: getattr(expected, name) for name in said}
    assert found.ended


async def test_a_question_is_shown_with_its_answer(disk: OnDisk) -> None:
    await waiting(disk, ASK)
    await decide(disk, "e1")
    await ended(disk)
    found = (await trace(disk))["steps/0"]
    assert (found.kind, found.id, found.ended, found.waits) == ("ask", "sure", True, None)
    assert found.given == {"ask": "Sure of Ann?", "in": "C1", "choices": ["yes_please", "no_thanks"]}
    assert found.gave == {"choice": "yes_please", "by": "U1", "at": 1.0, "how": "person"}


async def test_steps_are_shown_in_the_order_in_which_they_were_carried_out(disk: OnDisk) -> None:
    branch = f'{{if: [{{left: "{{{{ event.who }}}}", is: Ann}}], then: [{note("a")}, {{id: x, set: {{one: 1}}}}], else: [{note("b")}]}}'
    found = await carried_out(disk, note("first"), branch, "{stop: done, say: Fine.}", note("never"))
    assert list(found) == ["steps/0", "steps/1", "steps/1/then/0", "steps/1/then/1", "steps/2"]
    assert all(line.ended for line in found.values())


async def test_a_stop_within_other_steps_ends_them_too(disk: OnDisk) -> None:
    stop = '{if: [{left: "{{ item }}", is: b}], then: [{stop: done, say: "At {{ item }}."}]}'
    found = await carried_out(disk, f"{{id: walk, each: [a, b, c], steps: [{stop}]}}")
    assert list(found) == ["steps/0", "steps/0/0/0", "steps/0/1/0", "steps/0/1/0/then/0"]
    assert {(line.ended, line.error) for line in found.values()} == {(True, None)}


# --- times and attempts -----------------------------------------------------------------------------------------------


async def test_a_step_says_when_it_began_and_how_long_it_took(disk: OnDisk, time: Time) -> None:
    await waiting(disk, note("a"), "{id: x, set: {one: 1}}", ASK, note("b"), "{wait: 1h}", note("c"))
    time.at += 600
    await decide(disk, "e1", path="steps/2")

    async def waits() -> bool:
        run = await History(disk.store).run(RUN)
        return run is not None and run.wake_at is not None

    await until(disk, waits)
    time.at += 3600
    await ended(disk)
    found = await trace(disk)
    assert {path: line.at for path, line in found.items()} == {
        "steps/0": NOW,
        "steps/1": None,
        "steps/2": NOW + 5,
        "steps/3": NOW + 605,
        "steps/4": NOW + 610,
        "steps/5": NOW + 4210,
    }
    took = {path: line.took for path, line in found.items()}
    assert took["steps/1"] is None
    assert took["steps/2"] == pytest.approx(600, abs=1)
    assert took["steps/4"] == 3600
    assert all(0 <= (took[path] or 0) < 1 for path in ("steps/0", "steps/3", "steps/5"))


async def test_a_loop_takes_as_long_as_what_is_within_it(disk: OnDisk) -> None:
    found = await carried_out(
        disk, note("a"), f"{{id: walk, each: [a, b, c], steps: [{note('{{ item }}')}]}}", note("b")
    )
    assert [found[f"steps/1/{item}/0"].at for item in range(3)] == [NOW + 5, NOW + 10, NOW + 15]
    assert found["steps/1"].at == NOW + 5
    assert found["steps/1"].took == pytest.approx(15, abs=1)


@pytest.mark.parametrize("action", ["test.note", "test.send"])
@pytest.mark.parametrize("failures", [0, 1, 3])
async def test_attempts_are_counted(disk: OnDisk, action: str, failures: int) -> None:
    disk.outside.goes_wrong = [TryLater("Later.") for _ in range(failures)]
    found = await carried_out(disk, note("it", action=action))
    assert (found["steps/0"].attempts, found["steps/0"].gave, found["steps/0"].error) == (
        failures + 1,
        {"number": 1},
        None,
    )


# --- loops ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 3])
async def test_every_item_of_a_loop_is_shown(disk: OnDisk, at_once: int) -> None:
    found = await carried_out(
        disk,
        f'{{id: walk, each: [a, b, c], at once: {at_once}, steps: [{note("{{ item }}")}, {{id: x, set: {{it: "{{{{ item }}}}!"}}}}]}}',
    )
    assert list(found) == ["steps/0", *(f"steps/0/{item}/{step}" for item in range(3) for step in range(2))]
    assert [found[f"steps/0/{item}/0"].given for item in range(3)] == [{"what": what} for what in "abc"]
    assert [found[f"steps/0/{item}/1"].gave for item in range(3)] == [{"it": f"{what}!"} for what in "abc"]
    assert found["steps/0"].gave["done"] == 3


async def test_the_items_of_a_loop_within_a_loop_are_shown(disk: OnDisk) -> None:
    inner = f"{{id: inner, each: [1, 2], steps: [{note('{{ one }}{{ item }}')}]}}"
    found = await carried_out(disk, f"{{id: outer, each: [a, b], as: one, steps: [{inner}]}}")
    whats = [line.given["what"] for path, line in found.items() if path.count("/") == 5]
    assert whats == ["a1", "a2", "b1", "b2"]
    assert [found[f"steps/0/{item}/0"].gave["done"] for item in range(2)] == [2, 2]


async def test_an_item_that_was_set_aside_shows_why_and_the_others_what_they_gave(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [Refused("Not this one.")]
    found = await carried_out(
        disk, f"{{id: walk, each: [a, b], failing: set aside, steps: [{note('{{ item }}')}]}}", note("after")
    )
    assert [found[f"steps/0/{item}/0"].error for item in range(2)] == ["Not this one.", None]
    assert (found["steps/0"].gave["failed"], found["steps/0"].error) == (1, None)
    assert found["steps/1"].gave == {"number": 2}


@pytest.mark.parametrize("dataset", [False, True])
async def test_of_a_long_loop_the_first_hundred_items_are_shown_and_all_are_counted(
    disk: OnDisk, dataset: bool
) -> None:
    many = f"{{id: many, do: test.listed, {USING}, with: {{count: 250}}}}"
    texts = f"{{id: many, do: text.split, with: {{text: '{','.join(map(str, range(250)))}', separator: ','}}}}"
    over, item = ("{{ steps.many }}", "{{ item.number }}") if dataset else ("{{ steps.many.items }}", "{{ item }}")
    walk = f'{{id: walk, each: "{over}", at once: 5, steps: [{note(f"no {item}")}]}}'
    found = await carried_out(disk, many if dataset else texts, walk, note("after"))
    assert [path for path in found if path.count("/") == 3] == [f"steps/1/{item}/0" for item in range(100)]
    assert found["steps/1/99/0"].given == {"what": "no 99"}
    assert (found["steps/1"].given, found["steps/1"].gave["done"], found["steps/2"].ended) == (
        {"count": 250},
        250,
        True,
    )


# --- failures ---------------------------------------------------------------------------------------------------------


async def test_a_step_that_failed_shows_its_error_and_so_do_those_around_it(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [TryLater("Later."), Refused("No.")]
    branch = f'{{if: [{{left: "{{{{ event.who }}}}", is: Ann}}], then: [{note("it")}, {note("never")}]}}'
    found = await carried_out(disk, "{id: x, set: {one: 1}}", branch, state="failed")
    assert list(found) == ["steps/0", "steps/1", "steps/1/then/0"]
    failed = found["steps/1/then/0"]
    assert (failed.given, failed.gave, failed.error, failed.attempts, failed.ended) == (
        {"what": "it"},
        None,
        "No.",
        2,
        True,
    )
    assert (found["steps/1"].error, found["steps/0"].error) == ("No.", None)


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (f"{{id: it, do: test.listed, {USING}, with: {{count: x}}}}", "count: Input should be a valid integer"),
        ('{wait: {until: "{{ event.who }}"}}', "'Ann' is no time"),
        ("{id: it, call: nobody}", "the flow nobody is not on"),
        (
            '{id: it, each: "{{ event.who }}", steps: [{id: x, set: {a: 1}}]}',
            "what `each:` refers to is neither a list nor a dataset",
        ),
        ("{do: test.nothing}", "there is no action test.nothing"),
    ],
)
async def test_whatever_is_wrong_with_a_step_is_shown(disk: OnDisk, step: str, error: str) -> None:
    found = (await carried_out(disk, step, state="failed"))["steps/0"]
    assert (str(found.error).startswith(error), found.ended) == (True, True), found.error


async def test_a_failure_that_was_given_for_shows_both(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [Refused("No.")]
    found = await carried_out(
        disk,
        note("it", more=', id: it, on error: {give: {number: 7, why: "{{ error.message }}"}}'),
        note("{{ steps.it.number }}!"),
    )
    assert (found["steps/0"].error, found["steps/0"].gave) == ("No.", {"number": 7, "why": "No."})
    assert found["steps/1"].given == {"what": "7!"}


async def test_steps_that_make_up_for_a_failure_are_shown_after_it(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [Refused("No.")]
    found = await carried_out(
        disk, note("it", more=f", on error: {{steps: [{note('{{ error.kind }}')}]}}"), note("after")
    )
    assert list(found) == ["steps/0", "steps/0/on error/steps/0", "steps/1"]
    assert [line.error for line in found.values()] == ["No.", None, None]
    assert found["steps/0/on error/steps/0"].given == {"what": "refused"}


# --- masking ----------------------------------------------------------------------------------------------------------


async def test_secrets_and_addresses_are_masked_wherever_they_stand(disk: OnDisk) -> None:
    found = await carried_out(
        disk,
        f"{{id: it, do: test.sign_in, {USING}, with: {{email: ann@example.com, password: hunter2}}}}",
        '{id: kept, set: {api_key: "{{ steps.it.access_token }}", said: "{{ steps.it.said }}", to: [ann@example.com]}}',
        '{if: [{left: "{{ steps.kept.said }}", contains: Bearer}], then: []}',
        f"{{id: walk, each: [ann@example.com], collect: '{{{{ item }}}}', steps: [{note('to {{ item }}')}]}}",
        "{answer: {deny: 'Not ann@example.com', user metadata: {token: abc}}}",
        "{stop: done, say: 'Did it for ann@example.com.', give: {secret: x}}",
    )
    text = repr(found)
    assert not [secret for secret in ("hunter2", "abc", "abcdefgh", "ann@example.com") if secret in text]
    assert found["steps/0"].given == {"email": "a•••@example.com", "password": "•••"}
    assert found["steps/0"].gave == {"access_token": "•••", "said": "Bearer ••• for a•••@example.com"}
    assert found["steps/1"].gave == {
        "api_key": "•••",
        "said": "Bearer ••• for a•••@example.com",
        "to": ["a•••@example.com"],
    }
    assert found["steps/3/0/0"].given == {"what": "to a•••@example.com"}
    assert (found["steps/5"].given, found["steps/5"].gave) == (
        {"say": "Did it for a•••@example.com."},
        {"secret": "•••"},
    )


async def test_an_error_that_says_too_much_is_masked(disk: OnDisk) -> None:
    found = await carried_out(disk, note("bob@example.com", action="test.leak"), state="failed")
    assert found["steps/0"].error == "b•••@example.com is not a•••@example.com, token=•••"


async def test_what_is_very_long_is_cut(disk: OnDisk) -> None:
    found = await carried_out(disk, f"{{id: long, set: {{it: '{'word ' * 2000}'}}}}")
    assert len(found["steps/0"].gave["it"]) <= 2001


# --- runs that have not ended -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "waits"),
    [
        (ASK, "an answer"),
        ("{wait: 1h}", "its time, 1970-01-01T01:16:40Z"),
        (CALL, f"the end of the run {RUN}/steps/1/called"),
    ],
)
async def test_a_waiting_run_shows_what_it_waits_for_and_nothing_beyond(disk: OnDisk, step: str, waits: str) -> None:
    await keep(disk, steps("{stop: done, say: Fine.}"), when=CALLED, name="called")
    await disk.store.pause("called", paused=True)
    found = await waiting(disk, "{id: x, set: {one: 1}}", step, "{id: y, set: {one: 1}}", note("never"))
    assert [(path, line.ended, line.waits) for path, line in found.items()] == [
        ("steps/0", True, None),
        ("steps/1", False, waits),
    ]
    assert found["steps/1"].given


async def test_a_step_that_is_to_be_tried_again_shows_why(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [TryLater("Busy."), TryLater("Busy with ann@example.com.")]
    policy = ", on error: {try again: {attempts: 5, pause: 0s, longest: 2h}}"
    disk.outside.goes_wrong = [TryLater("Busy."), TryLater("Busy with ann@example.com.", after=3600)]
    found = await waiting(disk, note("it", more=policy), note("never"))
    assert list(found) == ["steps/0"]
    line = found["steps/0"]
    assert (line.ended, line.attempts, line.waits) == (False, 2, "another attempt, after: Busy with a•••@example.com.")


async def test_a_run_at_its_cap_shows_that_it_waits_for_its_owners(disk: OnDisk) -> None:
    found = await waiting(disk, note("a"), note("b"), more="limits: {changes: {per run: 1}}")
    assert [line.waits for line in found.values()] == [None, "the flow's owners: it would pass its cap of 1 a run"]
    assert (await disk.runs.decide(f"{RUN}/steps/1/cap", "go_on", by="U1"))[0]
    await ended(disk)
    assert [(line.waits, line.ended) for line in (await trace(disk)).values()] == [(None, True)] * 2


@pytest.mark.parametrize("at_once", [1, 2])
async def test_items_that_wait_are_shown_beside_those_that_are_done(disk: OnDisk, at_once: int) -> None:
    found = await waiting(
        disk, f"{{id: walk, each: [a, b, c], at once: {at_once}, steps: [{note('{{ item }}')}, {ASK}]}}"
    )
    items = range(at_once)
    assert list(found) == ["steps/0", *(f"steps/0/{item}/{step}" for item in items for step in range(2))]
    assert [found[f"steps/0/{item}/1"].waits for item in items] == ["an answer"] * at_once
    assert (found["steps/0"].ended, found["steps/0"].waits) == (False, None)


async def test_a_wait_that_is_over_is_not_shown_as_open(disk: OnDisk, time: Time) -> None:
    await waiting(disk, "{wait: 1h}", ASK.replace("within: 1h", "within: 3d"))
    time.at += 3600

    async def asked() -> bool:
        return bool(disk.outside.asked)

    await until(disk, asked)
    await until_waiting(disk)
    assert [(line.ended, line.waits) for line in (await trace(disk)).values()] == [(True, None), (False, "an answer")]


@pytest.mark.parametrize("step", [ASK, "{wait: 1h}"])
async def test_a_cancelled_run_shows_how_far_it_came(disk: OnDisk, time: Time, step: str) -> None:
    await waiting(disk, note("a"), step, note("never"))
    await disk.runs.cancel(RUN, by="U1")
    time.at += 7200
    found = await trace(disk)
    assert [(path, line.ended, line.waits) for path, line in found.items()] == [
        ("steps/0", True, None),
        ("steps/1", False, None),
    ]


@pytest.mark.parametrize("then", ["queued", "paused", "cancelled"])
async def test_a_run_that_has_not_begun_shows_nothing(disk: OnDisk, then: str) -> None:
    await keep(disk, steps("{id: x, set: {one: 1}}", ASK), more="runs: {mode: queued}")
    await disk.wake("e1")
    await until_waiting(disk)
    match then:
        case "paused":
            await disk.store.pause("f", paused=True)
            await disk.runs.cancel(RUN, by="U1")
            await disk.wake("e2")
        case "cancelled":
            await disk.wake("e2")
            await disk.runs.cancel("f/1/a:e2", by="U1")
        case _:
            await disk.wake("e2")
    assert await trace(disk, "f/1/a:e2") == {}


async def test_there_is_no_trace_of_what_never_was(disk: OnDisk) -> None:
    assert await disk.runs.trace("f/1/a:nothing") is None


# --- where it comes from ----------------------------------------------------------------------------------------------


async def test_the_journal_holds_what_reached_outside_once_and_nothing_of_what_was_only_computed(disk: OnDisk) -> None:
    found = await carried_out(
        disk,
        '{id: x, set: {who: "{{ event.who }}"}}',
        "{id: parts, do: text.split, with: {text: 'a,b', separator: ','}}",
        f'{{if: [{{left: "{{{{ steps.x.who }}}}", is: Ann}}], then: [{note("it")}]}}',
        f'{{id: walk, each: "{{{{ steps.parts.items }}}}", steps: [{note("{{ item }}")}]}}',
        "{answer: allow}",
        "{stop: done, say: Fine.}",
    )
    query = select(Journal.name).where(Journal.run_id == RUN).order_by(col(Journal.name))
    names: Sequence[str] = await disk.store.read(lambda session: session.exec(query).all())
    outside = ["steps/2/then/0", "steps/3/0/0", "steps/3/1/0"]
    assert names == sorted([*outside, *(f"{path}/begun" for path in outside), "steps/3/batch/0"])
    assert list(found) == [
        "steps/0",
        "steps/1",
        "steps/2",
        "steps/2/then/0",
        "steps/3",
        "steps/3/0/0",
        "steps/3/1/0",
        "steps/4",
        "steps/5",
    ]
    held: Mapping[str, Any] = await contents(disk)
    assert "'what': 'it'" not in repr(held["journal"])  # what it was given is filled in once more


async def test_a_trace_is_of_the_version_that_the_run_began_with(disk: OnDisk) -> None:
    await carried_out(disk, note("one"))
    await keep(disk, steps("{wait: 1h}"))
    assert (await trace(disk))["steps/0"].given == {"what": "one"}


async def test_the_run_of_a_flow_that_was_called_has_a_trace_of_its_own(disk: OnDisk) -> None:
    await keep(disk, steps(note("called {{ event.who }}")), when=CALLED, name="called")
    found = await carried_out(disk, CALL)
    called = await trace(disk, found["steps/0"].gave["run"])
    assert called["steps/0"].given == {"what": "called Ann"}


async def test_another_process_reads_the_same_trace(tmp_path: Path) -> None:
    outside = Outside()
    async with living(tmp_path, outside) as disk:
        before = await waiting(disk, note("a"), ASK)
    async with living(tmp_path, outside) as disk:
        assert await trace(disk) == before


async def test_a_run_that_is_tried_again_shows_its_last_time(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [Refused("No.")]
    before = await carried_out(disk, note("it"), state="failed")
    assert await disk.runs.again(RUN)

    async def done() -> bool:
        run = await History(disk.store).run(RUN)
        return run is not None and run.state == "done"

    await until(disk, done)
    after = await trace(disk)
    assert [found["steps/0"].error for found in (before, after)] == ["No.", None]
