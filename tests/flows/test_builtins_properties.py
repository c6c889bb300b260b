"""What holds of the built-in actions of flows whatever they are given."""

import json
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from connectors.base import Action, Catalog
from connectors.errors import Refused
from flows.builtins import BUILTINS

# Those of rows have tests of their own: they need a database.
KNOWN = Catalog([], builtins=[each for each in BUILTINS if each.name not in {"rows", "addresses", "decisions"}])
COMPUTING = sorted(name for name, action in KNOWN.actions.items() if action.way == "computes")
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe", "Asia/Kolkata"]

WORDS = st.text(max_size=20) | st.sampled_from(
    ["a", "a.b", "user.email", ",", r"\d+", "(a)|b", r"\1", "2026-03-29T02:30", "2026-10-25", "0001-01-01", "9999-12-31T23:59:59-12:00",
     "09:00", "7d", "YYYY-MM-DD", "D MMMM YYYY h:mm a", "1,234.50", "{}", "[1]", "a,b\n1,2", "ada@example.com", "%20", "YQ==", *ZONES]
)  # fmt: skip
NUMBERS = (
    st.integers(-5, 12)
    | st.integers()
    | st.floats()
    | st.sampled_from([1e300, -1e300, 1e-300, 10**299, 253402300799, -62135596800])
)
DATA = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
CONDITIONS = st.builds(
    lambda operator, right: [{"left": "{{ item }}", operator: right}],
    st.sampled_from(["is", "contains", "matches", "less than", "before", "exists", "is empty", "is one of", "starts with"]),
    DATA,
)  # fmt: skip

DATES = (
    st.datetimes(timezones=st.none() | st.timezones()).map(lambda found: found.isoformat())
    | st.dates().map(str)
    | st.sampled_from(["2026-03-29T02:30", "2026-10-25T02:30", "0001-01-01", "9999-12-31T23:59:59-12:00", "9999-12-31"])
    | NUMBERS
    | WORDS
)
LAYOUTS = st.lists(
    st.sampled_from(
        [
            "YYYY",
            "YY",
            "MMMM",
            "MM",
            "D",
            "dddd",
            "H",
            "h",
            "a",
            "mm",
            "ss",
            "SSS",
            "Z",
            "X",
            "-",
            "/",
            "[at]",
            "(",
            "\\",
            "é",
        ]
    ),
    min_size=1,
    max_size=8,
).map("".join)
AMOUNTS = st.integers(-30, 30) | st.integers(-(10**12), 10**12)
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "zone": st.sampled_from(ZONES),
    **dict.fromkeys(("date", "start", "end"), DATES),
    "at": st.times().map(lambda found: f"{found:%H:%M}"),
    "on": st.lists(st.sampled_from(["Monday", "Sunday"]), min_size=1),
    "layout": st.none() | LAYOUTS,
    "duration": st.none() | st.sampled_from(["90s", "7d", "999999d"]),
    **dict.fromkeys(("years", "months", "weeks", "days", "hours", "minutes", "seconds"), AMOUNTS),
    "email": st.emails() | WORDS,
}
"""Values for fields that few texts or numbers fit."""


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Make values for a field: mostly of its type."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return values_of(inner[0])
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in {Union, types.UnionType}:
        return st.one_of([values_of(option) for option in inner])
    if origin is list:
        return st.lists(values_of(inner[0]), max_size=6)
    if origin is dict:
        return st.dictionaries(WORDS, values_of(inner[1]), max_size=6)
    return {str: WORDS, int: st.integers(-5, 40) | NUMBERS, float: NUMBERS, bool: st.booleans()}.get(kind, DATA)


def inputs_of(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    fields = {
        name: CONDITIONS
        if field.json_schema_extra
        else BY_NAME[name]
        if name in BY_NAME
        else values_of(field.annotation)
        for name, field in model.model_fields.items()
    }
    needed = {name: made for name, made in fields.items() if model.model_fields[name].is_required()}
    return st.fixed_dictionaries(needed, optional={name: made for name, made in fields.items() if name not in needed})


def carried_out(name: str, /, **given: Any) -> dict[str, Any]:
    action = KNOWN.actions[name]
    result: dict[str, Any] = action.carry_out(None, action.given.model_validate(given)).model_dump(mode="json")
    return result


def outcome(action: Action, made: dict[str, Any]) -> str:
    """Return as JSON what an action gives; any other error than a refusal comes through."""
    try:
        given = action.given.model_validate(made)
    except ValidationError:
        assume(False)
    try:
        result = action.carry_out(None, given)
    except Refused as refused:
        return refused.message if len(refused.message) < 400 else pytest.fail(refused.message)
    return json.dumps(result.model_dump(mode="json"), allow_nan=False, ensure_ascii=False).encode().decode()


@pytest.mark.parametrize("name", COMPUTING)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)  # what does not fit is no example
@given(st.data())
def test_an_action_gives_json_or_refuses_and_always_the_same(name: str, data: st.DataObject) -> None:
    action = KNOWN.actions[name]
    made = data.draw(inputs_of(action.given))
    before = repr(made)
    assert outcome(action, made) == outcome(action, made)
    assert repr(made) == before, "an action changed what it was given"


FINITE = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(-1e300, 1e300) | st.text(max_size=20)
JSON = st.recursive(
    FINITE, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
)


@given(JSON, st.booleans())
def test_json_that_is_written_reads_as_it_was(value: Any, indented: bool) -> None:
    assert carried_out("json.parse", text=carried_out("json.compose", value=value, indented=indented)["text"]) == {
        "value": value
    }


COLUMNS = st.lists(
    st.text(min_size=1, max_size=9).filter(lambda name: name[0] != "\ufeff"), min_size=1, max_size=4, unique=True
)


@given(COLUMNS, st.data(), st.sampled_from([",", ";", "\t", "|"]))
def test_csv_for_machines_reads_as_it_was(columns: list[str], data: st.DataObject, separator: str) -> None:
    rows = data.draw(st.lists(st.fixed_dictionaries({name: st.text(max_size=9) for name in columns}), min_size=1))
    written = carried_out("csv.compose", items=rows, separator=separator, for_machines=True)["text"]
    read = carried_out("csv.parse", text=written, separator=separator)
    assert (read["items"], read["columns"]) == (rows, list(rows[0]))


@given(COLUMNS, st.data())
def test_no_cell_of_csv_for_people_begins_like_a_formula(columns: list[str], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.fixed_dictionaries({name: st.text(max_size=9) for name in columns}), min_size=1))
    read = carried_out("csv.parse", text=carried_out("csv.compose", items=rows)["text"], header=False)
    assert not [cell for row in read["items"] for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@given(st.text(max_size=50), st.text(min_size=1, max_size=3))
def test_what_is_split_and_joined_again_is_as_it_was(text: str, separator: str) -> None:
    pieces = carried_out("text.split", text=text, separator=separator)["items"]
    assert carried_out("lists.join", items=pieces, separator=separator) == {"text": text}


@given(st.text(max_size=50), st.text(max_size=3), st.sampled_from(["first", "last"]))
def test_what_is_found_stands_between_what_is_before_and_after(text: str, middle: str, which: str) -> None:
    assume(middle)
    found = carried_out("text.find", text=text + middle, find=middle, which=which)
    assert found["before"] + middle + found["after"] == text + middle
    assert found["position"] == len(found["before"])


@given(st.text(max_size=50))
def test_codes_read_as_they_were_written(text: str) -> None:
    there = {"to_base64": "from_base64", "to_url": "from_url"}
    assert {
        carried_out(f"codes.{back}", text=carried_out(f"codes.{to}", text=text)["text"])["text"]
        for to, back in there.items()
    } == {text}


MOMENTS = st.integers(-60_000_000_000, 250_000_000_000)
PASSING = st.fixed_dictionaries(
    {}, optional={unit: st.integers(-100_000, 100_000) for unit in ("hours", "minutes", "seconds")}
).filter(bool)


@given(MOMENTS, PASSING, st.sampled_from(ZONES))
def test_time_that_passes_is_added_and_taken_away_in_every_zone(at: int, by: dict[str, int], zone: str) -> None:
    later = carried_out("dates.add", date=at, zone=zone, **by)
    assert carried_out("dates.subtract", date=later["date"], zone=zone, **by)["unix"] == at


@given(MOMENTS, st.integers(-10_000, 10_000))
def test_days_are_added_and_taken_away_in_utc(at: int, days: int) -> None:
    later = carried_out("dates.add", date=at, days=days)
    assert carried_out("dates.subtract", date=later["date"], days=days)["unix"] == at
    assert carried_out("dates.difference", start=at, end=later["unix"])["days"] == days


@given(
    st.integers(0, 4_000_000_000),
    st.sampled_from(ZONES),
    st.sampled_from(["hour", "day", "week", "month", "quarter", "year"]),
)
def test_a_date_lies_within_its_period(at: int, zone: str, unit: str) -> None:
    start = carried_out("dates.start_of", date=at, zone=zone, unit=unit)["unix"]
    end = carried_out("dates.end_of", date=at, zone=zone, unit=unit)["unix"]
    assert start <= at < end + 0.001


@given(MOMENTS)
def test_a_date_reads_as_it_was_written(at: int) -> None:
    layout = "dddd, D MMMM YYYY h:mm:ss a Z"
    written = carried_out("dates.to_text", date=at, layout=layout)["text"]
    assert carried_out("dates.from_text", text=written, layout=layout)["unix"] == at


@given(st.dictionaries(st.sampled_from(["given_name", "family_name", "name", "nickname", "email"]), st.none() | WORDS))
def test_a_person_always_has_a_last_name_and_it_is_no_address(known: dict[str, str | None]) -> None:
    found = carried_out("people.name", **known)
    assert found["last"]
    assert "@" not in found["full"]


@given(st.lists(DATA.filter(lambda value: "nan" not in repr(value) and "inf" not in repr(value)), max_size=8))
def test_common_and_without_share_a_list_between_them(items: list[Any]) -> None:
    other = items[::2]
    try:
        common = carried_out("lists.common", items=items, other=other)
        without = carried_out("lists.without", items=items, other=other)
    except ValidationError:
        assume(False)
    assert common["count"] + without["count"] == len(items)
    assert carried_out("lists.unique", items=common["items"])["count"] <= len(other)


# --- every action explains itself -----------------------------------------------------------------------------------


def models_in(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            if not field.json_schema_extra:  # the language describes conditions
                yield from models_in(field.annotation)
    for inner in get_args(kind):
        yield from models_in(inner)


@pytest.mark.parametrize("name", sorted(KNOWN.actions))
def test_every_action_and_every_field_says_what_it_is(name: str) -> None:
    action = KNOWN.actions[name]
    assert 0 < len(action.title) <= 75
    assert action.about.endswith(".")
    assert action.effect == "reads"
    assert not action.connected
    fields = [
        (model.__name__, field, found.title, found.description)
        for model in [*models_in(action.given), *models_in(action.gives)]
        for field, found in model.model_fields.items()
    ]
    assert not [each for each in fields if not (each[2] and each[3])]
    assert not [each for each in fields if len(each[2] or "") > 40]
    assert action.given.model_json_schema()
    assert action.gives.model_json_schema()


def test_only_what_asks_the_clock_or_chance_or_another_process_is_journaled() -> None:
    assert {name for name, action in KNOWN.actions.items() if action.way != "computes"} == {
        "charts.draw",
        "dates.now",
        "text.random_id",
    }
