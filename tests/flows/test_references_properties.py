"""What holds of references whatever they name, and of flows that are written down and read again."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import check, document
from flows.exports import text_of
from flows.language import Template, written
from flows.references import REFERENCE, fill, look_up, malformed, only_path, paths, spoken
from flows.templates import LIBRARY
from tests.flows.shop import TABLES, flow

SAME = settings(derandomize=True, database=None, max_examples=200, deadline=None)
HOSTILE = [
    "{{ settings.secret }}", "{{settings.secret}}", "{{ item.secret }}", "{{", "}}", "{", "}", "{ item.secret }}", " item.secret }}", "{{ item", "}} {{",
    "{% raw %}", "${secret}", "%(secret)s", "{0.__class__}", "\\1", "\\g<0>", "\0", "\ud800", "<!channel>", "'; drop table run; --",
]  # fmt: skip
TEXTS = st.text(max_size=8) | st.sampled_from(HOSTILE)
NAMES = st.from_regex(r"[a-z_][a-z0-9_-]{0,5}", fullmatch=True) | st.sampled_from(
    ["a", "b", "__class__", "keys", "get", "items"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(NAMES | st.sampled_from(["0", "1"]), one, max_size=3),
    max_leaves=8,
)
PARTS = NAMES | st.sampled_from(["0", "1", "-1", "00", "²", "٣", "9" * 30, "9" * 5000])
PATHS = st.builds(lambda first, rest: ".".join([first, *rest]), NAMES, st.lists(PARTS, max_size=4)).filter(
    lambda path: REFERENCE.fullmatch(f"{{{{{path}}}}}") is not None
)
SPACES = st.sampled_from(["", " ", "  ", "\n", "\t"])
REFERENCES = st.builds(lambda path, one, other: f"{{{{{one}{path}{other}}}}}", PATHS, SPACES, SPACES)


def scope_of(path: str, value: Any) -> dict[str, Any]:
    """Return a scope in which a path leads to a value."""
    first, *rest = path.split(".")
    for name in reversed(rest):
        value = {name: value}
    return {first: value}


# --- filling in ---------------------------------------------------------------------------------------------------------


@SAME
@given(PATHS, VALUES, SPACES, SPACES)
def test_a_text_that_is_one_reference_becomes_what_it_names(path: str, value: Any, one: str, other: str) -> None:
    filled = fill(f"{one}{{{{{other}{path}{one}}}}}{other}", scope_of(path, value))
    assert type(filled) is type(value)
    assert filled == value


@SAME
@given(PATHS, VALUES, TEXTS, TEXTS)
def test_a_reference_within_a_text_becomes_text(path: str, value: Any, before: str, after: str) -> None:
    text = f"{before}.{{{{ {path} }}}}.{after}"
    if list(paths(text)) == [path]:
        assert fill(text, scope_of(path, value)) == f"{before}.{spoken(value)}.{after}"


@SAME
@given(VALUES.filter(lambda value: not any(paths(value))), VALUES)
def test_what_refers_to_nothing_stays_as_it_is(value: Any, scope: Any) -> None:
    assert fill(value, {"a": scope}) == value
    assert json.dumps(fill(value, {"a": scope})) == json.dumps(value)


@SAME
@given(REFERENCES, st.dictionaries(NAMES, VALUES, max_size=4))
def test_a_name_that_is_not_there_is_nothing_and_never_an_error(reference: str, scope: dict[str, Any]) -> None:
    path = only_path(reference)
    assert path is not None
    found = look_up(path, scope)
    assert fill(reference, scope) == found
    assert fill(f"<{reference}>", scope) == f"<{spoken(found)}>"
    first, *_ = path.split(".")
    if first not in scope:
        assert found is None
        assert fill(f"<{reference}>", scope) == "<>"


@SAME
@given(st.dictionaries(NAMES, VALUES, max_size=4), PATHS)
def test_only_what_came_as_json_is_reached_never_the_inside_of_the_program(scope: dict[str, Any], path: str) -> None:
    json.dumps(look_up(path, scope))


@SAME
@given(st.dictionaries(TEXTS, VALUES | REFERENCES, max_size=3), VALUES)
def test_names_stay_and_only_values_are_filled_in(value: dict[str, Any], scope: Any) -> None:
    filled = fill(value, {"a": scope})
    assert list(filled) == list(value)
    assert filled == {name: fill(inner, {"a": scope}) for name, inner in value.items()}


@SAME
@given(VALUES)
def test_what_is_filled_in_is_a_copy_and_the_flow_stays_as_it_was(value: Any) -> None:
    before = json.dumps(value)
    fill({"all": [value, "{{ a }}"]}, {"a": value})
    assert json.dumps(value) == before


# --- hostile texts ------------------------------------------------------------------------------------------------------

SECRET = "the secret itself"


@SAME
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_what_is_filled_in_is_never_read_as_a_reference(said: list[str]) -> None:
    scope = {"settings": {"secret": SECRET}, "item": {"secret": SECRET}, "event": {"said": said}}
    text = "".join(f"{{{{ event.said.{index} }}}}" for index in range(len(said)))
    assert fill(text, scope) == "".join(said)
    assert fill(f"<{text}>", scope) == f"<{''.join(said)}>"
    assert fill({"a": [f"<{text}>"]}, scope) == {"a": [f"<{''.join(said)}>"]}


KEEP = frozenset({"item"})


@SAME
@given(st.lists(st.none() | st.sampled_from(HOSTILE[:10]) | TEXTS, min_size=1, max_size=4))
def test_what_is_filled_in_in_two_rounds_is_not_read_in_the_second(said: list[str | None]) -> None:
    """Conditions of items are filled in twice: nothing that came from outside may become a reference in between."""
    scope = {"event": {"said": said}}
    text = "".join(
        "{{ item.name }}" if one is None else f"{{{{ event.said.{index} }}}}" for index, one in enumerate(said)
    )
    try:
        once = fill({"is": [text]}, scope, keep=KEEP)
    except ValueError:
        once = None
    if once is None:
        assert any("{" in (one or "") for one in said)
    else:
        twice = fill(once, {"item": {"name": "Ann", "secret": SECRET}})
        assert twice == {"is": ["".join("Ann" if one is None else one for one in said)]}


@pytest.mark.parametrize("said", [["{", "{ item.secret }}"], ["{", "{", " item.secret }}"], ["{{ item.secret }}"]])
def test_pieces_that_would_become_a_reference_together_are_refused(said: list[str]) -> None:
    text = "".join(f"{{{{ event.said.{index} }}}}" for index in range(len(said)))
    with pytest.raises(ValueError, match="would be read as a reference"):
        fill({"is": text}, {"event": {"said": said}}, keep=KEEP)


@SAME
@given(st.lists(TEXTS | REFERENCES, max_size=4).map("".join))
def test_a_text_without_a_malformed_piece_holds_braces_in_references_only(text: str) -> None:
    if malformed(text) is None:
        rest = REFERENCE.sub("", text)
        assert "}}" not in rest or "{{" not in rest or "{{" not in REFERENCE.sub("\x01", text)
        assert not any(brace in REFERENCE.sub("\x01", text) for brace in ("{{", "}}"))


@pytest.mark.parametrize("place", ["2", "-1", "9" * 30, "9" * 5000, "²", "1_0", "first"])
def test_a_place_that_a_list_does_not_have_is_nothing(place: str) -> None:
    assert fill(f"{{{{ a.{place} }}}}", {"a": ["x", "y"]}) is None
    assert fill("{{ a.1 }} {{ a.01 }}", {"a": ["x", "y"]}) == "y y"


def test_lists_without_end_are_read_out_to_some_depth() -> None:
    deep: Any = "bottom"
    for level in range(100_000):
        deep = [deep] if level % 2 else {"a": deep}
    assert spoken(deep).endswith("…")
    assert fill("<{{ a }}>", {"a": deep}).endswith("…>")


@SAME
@given(VALUES)
def test_whatever_is_read_out_is_a_text(value: Any) -> None:
    assert type(spoken(value)) is str
    assert spoken([value]) == spoken(value)


# --- written and read again ---------------------------------------------------------------------------------------------


def same(template: Template) -> None:
    """Check that a template stays the same: as data, as JSON and as a text."""
    data = written(template)
    assert check.read(data) == template
    assert check.read(json.loads(json.dumps(data))) == template
    assert check.read(document.read(text_of(data))) == template
    again = check.read(data)
    assert isinstance(again, Template)
    assert written(again) == data


@pytest.mark.parametrize("file", sorted(LIBRARY.glob("*.yaml")), ids=lambda file: str(file.stem))
def test_a_flow_of_the_library_is_the_same_when_it_is_written_down_and_read_again(file: Any) -> None:
    template = check.read(document.read(file.read_text(encoding="utf-8")))
    assert isinstance(template, Template)
    same(template)


SAID = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=10) | REFERENCES, min_size=1, max_size=4).map("".join).filter(lambda text: 0 < len(text) <= 2000)  # fmt: skip
IDS = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)
GIVEN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | SAID,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(IDS, one, max_size=3),
    max_leaves=5,
)
TESTS = st.lists(st.builds(lambda left, right: {"left": left, "is": right}, SAID, GIVEN), min_size=1, max_size=2)


def within(steps: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    some = st.lists(steps, min_size=1, max_size=2)
    return st.one_of(
        st.builds(lambda asked, then, other: {"if": asked, "then": then, "else": other}, TESTS, some, some),
        st.builds(lambda asked, then: {"if": asked, "then": [], "else if": [{"if": asked, "then": then}]}, TESTS, some),
        st.builds(lambda items, name, inner: {"each": items, "as": name, "steps": inner}, GIVEN, IDS, some),
        st.builds(lambda inner: {"wait": "90m", "on error": {"steps": inner}}, some),
    )


STEPS = st.recursive(
    st.one_of(
        st.builds(lambda given: {"do": "shop.look", "with": given, "on error": {"try again": {"pause": "60s"}}}, st.dictionaries(IDS, GIVEN, max_size=2)),
        st.builds(lambda name, given: {"id": name, "set": {name: given}, "on error": {"give": {name: given}}}, IDS, GIVEN),
        st.builds(lambda text: {"id": "q", "ask": text, "in": text, "choices": ["yes", "no_thanks"], "within": "1h", "otherwise": "yes"}, SAID),
        st.builds(lambda text, given: {"stop": "done", "say": text, "give": {"a": given}}, SAID, GIVEN),
        st.builds(lambda given: {"wait": {"until": given}}, GIVEN),
        st.builds(lambda text: {"answer": {"deny": text, "claims": {"id token": {text: text}}}}, SAID),
        st.just({"answer": "allow"}),
        st.builds(lambda given: {"call": "other", "with": {"a": given}, "background": True}, GIVEN),
    ),
    within,
    max_leaves=6,
)  # fmt: skip


@settings(SAME, max_examples=60)
@given(st.lists(STEPS, min_size=1, max_size=3))
def test_a_flow_is_the_same_when_it_is_written_down_and_read_again(steps: list[dict[str, Any]]) -> None:
    around = document.read(flow(more=TABLES))
    assert isinstance(around, Mapping)
    template = check.read({**around, "steps": steps})
    assert isinstance(template, Template), template
    same(template)
