"""Flows that nobody means well with: whatever is written is read or refused, and soon."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.catalog import catalog
from flows import check, document, references
from flows.builtins import BUILTINS
from flows.language import MOST_STEPS, Template, written
from flows.problems import MOST
from flows.templates import library, parse
from tests.flows.shop import catalog as shop
from tests.flows.shop import flow
from tests.flows.test_right_flows import RIGHT

KNOWN = catalog()
SHOP = shop()
SHIPPED = (Path(__file__).parents[2] / "flows/library/high-risk-login.yaml").read_text()
TEXTS = [SHIPPED, *(str(right.values[0]) for right in RIGHT)]


def problems(text: str) -> list[str]:
    found = parse(text, SHOP)
    assert isinstance(found, list), "no problem was found"
    return [str(problem) for problem in found]


def test_the_shipped_templates_are_fine() -> None:
    assert "high-risk-login" in library(catalog(BUILTINS))


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        (
            "event.user.user_id",
            "event.usr.user_id",
            "when/0/once per/key: {{ event.usr.user_id }} points nowhere: there is no usr in event (did you mean user?)",
        ),
        (
            "auth0.lock_out_user",
            "auth0.lockout_user",
            "steps/2/then/0/do: there is no action auth0.lockout_user (did you mean auth0.lock_out_user?)",
        ),
        (
            "is: block",
            "is: blok",
            "steps/2/if/0/is: {{ steps.verdict.choice }} is never blok: it is approve or block (did you mean block?)",
        ),
        (
            'limits:\n  destroys:\n    per run: 1\n    per day: "{{ settings.most }}"\n',
            "",
            (
                "steps/2/then/0: auth0.lock_out_user destroys, and the flow does not say how much it may destroy"
                " (add limits: {destroys: {per run: 1, per day: 50}} to the flow)"
            ),
        ),
    ],
)
def test_mistakes_in_a_shipped_template_are_found(right: str, wrong: str, expected: str) -> None:
    assert right in SHIPPED
    found = parse(SHIPPED.replace(right, wrong), KNOWN)
    assert isinstance(found, list)
    assert expected in map(str, found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- 1", "document: a flow is a mapping that begins with `template:`"),
        ("x" * (document.LARGEST + 1), f"document: longer than {document.LARGEST} characters"),
        ("a: " + "[" * 60 + "]" * 60, "document: line 1: nested deeper than 40 levels"),
        ("a: &x 1", "document: line 1: anchors (&name) and aliases (*name) are not part of the language"),
        ("a: 1\na: 2", "document: line 2: 'a' stands here twice"),
        (flow("[" + ",".join(["{wait: 1h}"] * 201) + "]"), f"steps: at most {MOST_STEPS} can stand here"),
        (
            flow("[" + ",".join(["{if: [{left: 1, is: 1}], then: [" + "{wait: 1h}," * 150 + "]}"] * 7) + "]"),
            "steps: a flow has at most 1000 steps in all (let it `call:` other flows)",
        ),
        (flow("[{stop: done, say: '{{ event" + ".a" * 60 + " }}'}]"), "steps/0/say: event.a"),
    ],
)
def test_what_is_too_much_or_no_flow_at_all_is_refused(text: str, expected: str) -> None:
    (found,) = problems(text)
    assert found.startswith(expected)


def test_very_many_problems_are_not_all_said() -> None:
    found = problems(flow("[" + "{wait: a, on error: {steps: [{wait: b}]}}," * 90 + "]"))
    assert len(found) == MOST + 1
    assert found[-1] == f"document: there are more than {MOST} problems; these are the first"


def deep(levels: int, inner: Any) -> Any:
    for _ in range(levels):
        inner = {"not": inner}
    return inner


def test_data_that_comes_from_elsewhere_is_bounded_too() -> None:
    data = document.read(flow())
    endless: dict[str, Any] = {}
    endless["with"] = endless
    for steps in (
        [{"if": [deep(5000, {"left": 1, "is": 1})], "then": []}],
        [{"id": "a", "set": {"a": deep(5000, 1)}}],
        [endless],
    ):
        found = check.read({**data, "steps": steps})
        assert isinstance(found, list)
        assert found[0].path == "document"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 250_000,
        "{a: " * 60_000,
        "- " * 120_000,
        "? " * 120_000,
        "a: 'b\n" * 40_000,
        flow("[" + "{do: a.b}," * 25_000 + "]"),
        flow("[{stop: done, say: '{{ event" + ".a" * 120_000 + " }}'}]"),
        flow("[{stop: done, say: x, give: {a: [" + "'{{ evnt.a }}'," * 15_000 + "]}}]"),
        flow("[{stop: done, say: x, give: {a: '" + "{{ " * 60_000 + "'}}]"),
        flow("[{stop: done, say: x, " + "".join(f"a{n}: 1, " for n in range(20_000)) + "}]"),
    ],
    ids=lambda text: text[-20:].strip(),
)
def test_hostile_texts_are_refused_in_seconds(text: str) -> None:
    began = time.monotonic()
    assert problems(text)
    assert time.monotonic() - began < 20


def test_words_stay_words_and_times_stay_texts() -> None:
    read = document.read("on: yes\nat: 12:30\nnumber: 7\nright: true\nnothing:")
    assert read == {"on": "yes", "at": "12:30", "number": 7, "right": True, "nothing": None}


def judged(found: Template | list[check.Problem]) -> None:
    """Either it is a flow, or there is something to say about it."""
    assert isinstance(found, Template) or (found and all(problem.path and problem.message for problem in found))


@given(st.text(max_size=300))
def test_any_text_is_refused(text: str) -> None:
    assert problems(text)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(TEXTS), st.data())
def test_a_flow_with_lines_lost_doubled_or_swapped_is_read_or_refused(text: str, data: st.DataObject) -> None:
    lines = text.splitlines()
    where = st.integers(0, len(lines) - 1)
    for _ in range(data.draw(st.integers(1, 4))):
        lines[data.draw(where)] = data.draw(st.sampled_from(["", *lines, "  " + lines[data.draw(where)]]))
    judged(parse("\n".join(lines), SHOP))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("{{ event.id }}"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container in a value with each of its keys."""
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TEXTS), st.data())
def test_a_flow_with_something_else_in_it_is_read_or_refused(text: str, data: st.DataObject) -> None:
    document_ = {"it": document.read(text)}
    inside = places(document_)
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(inside))
        other, name = data.draw(st.sampled_from(inside))
        container[key] = data.draw(json_values | st.just(other.get(name) if isinstance(other, dict) else None))
    read = check.read(document_["it"])
    judged(read)
    if isinstance(read, Template):
        judged(check.check(read, SHOP) or read)
        assert check.read(written(read)) == read


@settings(max_examples=200, deadline=None)
@given(json_values, st.dictionaries(st.sampled_from([*Template.model_fields, "x"]), json_values))
def test_any_data_is_read_or_refused(value: object, named: dict[str, Any]) -> None:
    judged(check.read(value))
    judged(check.read(named))


@given(json_values, json_values)
def test_filling_never_fails_and_a_lone_reference_keeps_its_type(value: object, wanted: object) -> None:
    assert references.fill("{{ event.x }}", {"event": {"x": wanted}}) is wanted
    references.fill(value, {"event": {"x": wanted}})
    assert isinstance(references.fill("a {{ event.x }} b", {"event": {"x": wanted}}), str)
