"""What holds of conditions whatever they compare."""

import json
import math
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from flows.conditions import OPERATORS, Operator, Test, all_hold, compare, holds, moment, pattern

SAME = settings(derandomize=True, database=None, max_examples=200, deadline=None)
CONDITION: TypeAdapter[Test] = TypeAdapter(Test)
ODD = [
    "",
    "A",
    "a",
    "ß",
    "SS",
    "İ",
    "ǆ",
    "\0",
    "\ud800",
    "true",
    "1",
    "1.0",
    "none",
    "{{ a }}",
    "(",
    "a*",
    "2026",
    "-0",
]
TIMES = ["2026-03-29", "20260329", "2026-W13-7", "2026-03-29T02:30+14:00", "24:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]  # fmt: skip
TEXTS = st.text(max_size=8) | st.sampled_from([*ODD, *TIMES])
NUMBERS = (
    st.integers(-3, 3)
    | st.integers()
    | st.floats()
    | st.sampled_from([10**400, -(10**400), 2**53 + 1, 1e308, 253402300800])
)
FINITE = NUMBERS.filter(lambda number: isinstance(number, int) or math.isfinite(number))
PLAIN = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    PLAIN, lambda one: st.lists(one, max_size=3) | st.dictionaries(TEXTS, one, max_size=3), max_leaves=6
)
KEYS = st.sampled_from(["a", "b", "c"])
SCOPES = st.fixed_dictionaries({}, optional=dict.fromkeys("abc", VALUES))
INSTANTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.timezones())  # noqa: DTZ001  # bounds have no zone


@st.composite
def comparisons(draw: st.DrawFn) -> dict[str, Any]:
    """Make up a comparison as it is written, of things that are looked up or stand there."""
    operator = draw(st.sampled_from(OPERATORS))
    left = draw(KEYS.map("{{{{ {} }}}}".format) | KEYS.map("<{{{{ {}.0 }}}}>".format) | PLAIN)
    anything = KEYS.map("{{{{ {} }}}}".format) | PLAIN | st.lists(PLAIN, max_size=2)
    patterns = st.sampled_from(["^a", ".*", r"\d", "x?", "[^a]"])
    return {"left": left, operator: draw(patterns if operator == "matches" else anything)}


CONDITIONS = st.recursive(
    comparisons(),
    lambda one: (
        st.lists(one, min_size=1, max_size=3).map(lambda some: {"all": some})
        | st.lists(one, min_size=1, max_size=3).map(lambda some: {"any": some})
        | one.map(lambda other: {"not": other})
    ),
    max_leaves=5,
)


def says(written: dict[str, Any], scope: dict[str, Any]) -> bool:
    return holds(CONDITION.validate_python(written), scope)


# --- nested conditions --------------------------------------------------------------------------------------------------


@SAME
@given(st.lists(CONDITIONS, min_size=1, max_size=4), SCOPES)
def test_all_any_and_not_are_those_of_logic(some: list[dict[str, Any]], scope: dict[str, Any]) -> None:
    each = [says(one, scope) for one in some]
    none_of = {"not": {"any": some}}
    assert says({"all": some}, scope) == all(each)
    assert says({"any": some}, scope) == any(each)
    assert says({"not": some[0]}, scope) == (not each[0])
    assert says({"not": {"not": some[0]}}, scope) == each[0]
    assert says(none_of, scope) == says({"all": [{"not": one} for one in some]}, scope)
    assert says({"all": some}, scope) == all_hold([CONDITION.validate_python(one) for one in some], scope)
    assert says({"all": some[::-1]}, scope) == says({"all": some}, scope)
    assert says({"any": some[::-1]}, scope) == says({"any": some}, scope)


def test_where_nothing_is_asked_everything_holds() -> None:
    assert all_hold(None, {})
    assert all_hold([], {})


@SAME
@given(CONDITIONS)
def test_a_condition_that_is_written_down_and_read_again_is_the_same(written: dict[str, Any]) -> None:
    read = CONDITION.validate_python(written)
    again = CONDITION.dump_python(read, mode="json", by_alias=True)
    assert json.dumps(CONDITION.dump_python(CONDITION.validate_python(again), mode="json", by_alias=True)) == json.dumps(again)  # fmt: skip


# --- comparing ----------------------------------------------------------------------------------------------------------


@SAME
@given(st.sampled_from(OPERATORS), VALUES, VALUES)
def test_whatever_is_compared_the_answer_is_yes_or_no(operator: Operator, left: Any, right: Any) -> None:
    assert type(compare(left, operator, right)) is bool


@SAME
@given(VALUES, VALUES)
def test_is_and_is_not_are_opposites_and_know_no_order(left: Any, right: Any) -> None:
    assert compare(left, "is", right) != compare(left, "is not", right)
    assert compare(left, "is", right) == compare(right, "is", left)


@SAME
@given(VALUES)
def test_what_came_as_json_is_itself_and_one_of_those_among_which_it_is(value: Any) -> None:
    value = json.loads(json.dumps(value).replace("NaN", "0"))  # of NaN nothing holds, not even that it is itself
    assert compare(value, "is", json.loads(json.dumps(value)))
    assert compare(value, "is one of", [None, value])
    assert compare([1, value], "contains", value)


@SAME
@given(VALUES, st.lists(VALUES, max_size=4))
def test_one_of_and_contains_ask_whether_it_is_any(value: Any, several: list[Any]) -> None:
    any_is = any(compare(value, "is", one) for one in several)
    assert compare(value, "is one of", several) == any_is
    assert compare(several, "contains", value) == any_is


@pytest.mark.parametrize(("yes_or_no", "number"), [(True, 1), (False, 0), (True, 1.0), (False, -0.0)])
def test_a_yes_or_no_is_no_number(yes_or_no: bool, number: float) -> None:
    for operator in ("is", "at least", "at most", "is one of", "contains"):
        assert not compare(yes_or_no, operator, number)
    assert not compare(yes_or_no, "is one of", [number])


@SAME
@given(VALUES, st.booleans())
def test_nothing_is_empty_and_does_not_exist(value: Any, asked: bool) -> None:
    assert compare(value, "exists", asked) == ((value is not None) == asked)
    assert compare(value, "is empty", asked) == ((value in (None, "", [], {})) == asked)
    assert compare(value, "exists", True) != compare(value, "exists", False)
    assert compare(value, "is empty", True) != compare(value, "is empty", False)


@SAME
@given(FINITE, FINITE, FINITE)
def test_numbers_stand_in_one_order(a: float, b: float, c: float) -> None:
    assert [compare(a, "less than", b), a == b, compare(a, "greater than", b)].count(True) == 1
    assert compare(a, "less than", b) == compare(b, "greater than", a) == (not compare(a, "at least", b))
    assert compare(a, "at most", b) == compare(b, "at least", a) == (not compare(a, "greater than", b))
    assert not (compare(a, "at most", b) and compare(b, "at most", c)) or compare(a, "at most", c)
    assert (compare(a, "at most", b) and compare(a, "at least", b)) == compare(a, "is", b)


@SAME
@given(VALUES, VALUES)
def test_only_numbers_have_an_order(a: Any, b: Any) -> None:
    both = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (a, b))
    for operator in ("less than", "greater than", "at least", "at most"):
        assert both or not compare(a, operator, b)


@SAME
@given(TEXTS, TEXTS, TEXTS)
def test_parts_of_a_text_are_found_in_it_however_they_are_written(a: str, b: str, c: str) -> None:
    whole = a + b + c
    assert compare(whole, "contains", b)
    assert compare(whole, "starts with", a)
    assert compare(whole, "ends with", c)
    for operator in ("starts with", "ends with"):
        assert not compare(a, operator, b) or compare(a, "contains", b)


@pytest.mark.parametrize(("left", "right"), [("STRASSE", "straße"), ("ǄUNGLA", "ǆ"), ("Ann", "aN")])
@pytest.mark.parametrize("operator", ["contains", "starts with"])
def test_large_and_small_letters_are_alike(operator: Operator, left: str, right: str) -> None:
    assert compare(left, operator, right)


# --- times --------------------------------------------------------------------------------------------------------------


@SAME
@given(INSTANTS, INSTANTS)
def test_times_of_any_zones_are_compared_as_instants(a: datetime, b: datetime) -> None:
    one, other = a.astimezone(UTC), b.astimezone(UTC)
    for first, second in ((a.isoformat(), b.isoformat()), (f" {a.isoformat()} ", str(b))):
        assert compare(first, "before", second) == (one < other)
        assert compare(first, "after", second) == (one > other)
    assert not compare(a.isoformat(), "before", one.isoformat())
    assert not compare(a.isoformat(), "after", one.isoformat())


@SAME
@given(INSTANTS.map(lambda found: found.replace(microsecond=0)), st.integers(-60_000_000_000, 250_000_000_000))
def test_unix_seconds_and_texts_are_the_same_times(at: datetime, seconds: int) -> None:
    assert compare(at.isoformat(), "before", seconds) == (at.timestamp() < seconds)
    assert compare(seconds, "before", at.isoformat()) == (seconds < at.timestamp())


@SAME
@given(st.datetimes())
def test_a_time_without_a_zone_is_one_of_utc(naive: datetime) -> None:
    assert moment(naive.isoformat()) == naive.replace(tzinfo=UTC)


@SAME
@given(VALUES | st.sampled_from(TIMES))
def test_every_moment_can_be_told_as_seconds_and_in_utc(value: Any) -> None:
    found = moment(value)
    if found is not None:
        utc = found.astimezone(UTC)
        assert moment(utc.isoformat()) == found
        assert datetime.fromtimestamp(found.timestamp(), UTC).year == utc.year
    else:
        assert not any(compare(value, operator, other) for operator in ("before", "after") for other in (0, value))


# --- patterns -----------------------------------------------------------------------------------------------------------

HOSTILE = ["(a+)+$", "(a|aa)+$", "(a|a?)+$", "(.*a){20}", "([a-z]+)*!", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y", "a{1000}"]  # fmt: skip


@pytest.mark.parametrize("written", HOSTILE)
def test_no_pattern_takes_long_whatever_it_is_asked_of(written: str) -> None:
    began = time.process_time()
    for text in ("a" * 100_000 + "!", "x" * 100_000, "aA" * 50_000):
        compare(text, "matches", written)
    assert time.process_time() - began < 5


PIECES = st.sampled_from(["a", "b", ".", "(", ")", "[", "]", "*", "+", "?", "{2,}", "{1000}", "|", "^", "$", "\\", "\\1", "(?=", "(?i)", "\ud800"])  # fmt: skip


@SAME
@given(st.lists(PIECES, max_size=8).map("".join), TEXTS | st.just("ab" * 500))
def test_a_pattern_is_refused_in_words_or_answers(written: str, text: str) -> None:
    try:
        pattern(written)
    except ValueError:
        with pytest.raises(ValueError, match="a regular expression"):
            CONDITION.validate_python({"left": text, "matches": written})
        assert not compare(text, "matches", written)
    else:
        read = CONDITION.validate_python({"left": "{{ a }}", "matches": written})
        assert holds(read, {"a": text}) == compare(text, "matches", written)
