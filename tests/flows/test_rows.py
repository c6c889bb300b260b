"""Rows to remember: typed tables, conditions that the database answers as the language does, and no lost counts."""

import json
import tracemalloc
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from sqlmodel import col

from bot import schema
from connectors.errors import Refused
from flows.conditions import OPERATORS, AllOf, AnyOf, Comparison, Not, Test, Tests, compare
from flows.datasets import Datasets
from flows.language import Table
from flows.row_lists import rows
from flows.row_queries import selection
from flows.row_tables import WrongTableError, columns_of, ensure
from flows.store import Store, open_engine
from flows.tables import Row, RowTable
from tests import postgres

PEOPLE = {
    "people": Table(
        columns={
            "user": "text",
            "tenant": "number",
            "logins": "number",
            "vip": "boolean",
            "seen": "time",
            "more": "json",
        },
        key=["user", "tenant"],
    ),
    "notes": Table(columns={"user": "text", "at": "time", "size": "number", "vip": "boolean", "more": "json"}),
}


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    folder = tmp_path_factory.mktemp("rows")
    address = f"sqlite:///{folder / 'rows.sqlite'}"
    if request.param == "postgresql":
        address = postgres.database()
    opened = open_engine(address)
    schema.upgrade(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def database(engine: sa.Engine) -> sa.Engine:
    """A database with the tables of `PEOPLE`, and nothing in them."""
    emptied(engine)
    return engine


ONE = {"tenant": 1}


def emptied(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.delete(Row))
        connection.execute(sa.delete(RowTable))
        ensure(connection, PEOPLE)


def do(engine: sa.Engine, action: str, **said: Any) -> dict[str, Any]:
    """Carry out an action in a transaction of its own."""
    declared = rows.actions[f"rows.{action}"]
    with engine.begin() as connection:
        gave: dict[str, Any] = declared.carry_out(connection, declared.given.model_validate(said)).model_dump()
    return gave


def person(user: str, tenant: int = 1, **more: Any) -> dict[str, Any]:
    return {"user": user, "tenant": tenant, **more}


def names(found: Mapping[str, Any]) -> list[str]:
    return [row["user"] for row in found["rows"]]


# --- what the actions are -------------------------------------------------------------------------------------------


def test_the_actions_say_what_they_do() -> None:
    said = {name: (action.effect, action.way, action.connected) for name, action in rows.actions.items()}
    assert said == {
        "rows.insert": ("changes", "stores", False),
        "rows.upsert": ("changes", "stores", False),
        "rows.get": ("reads", "stores", False),
        "rows.increment": ("changes", "stores", False),
        "rows.find": ("reads", "stores", False),
        "rows.all": ("reads", "streams", False),
        "rows.count": ("reads", "stores", False),
        "rows.update": ("changes", "stores", False),
        "rows.delete": ("destroys", "stores", False),
        "rows.upsert_each": ("changes", "stores", False),
        "rows.missing": ("reads", "streams", False),
    }


@pytest.mark.parametrize("action", ["update", "delete"])
def test_what_changes_many_rows_needs_conditions(action: str) -> None:
    with pytest.raises(ValidationError):
        rows.actions[f"rows.{action}"].given.model_validate({"table": "people", "where": [], "set": {}})


def test_conditions_are_marked_for_those_who_read_the_form() -> None:
    for action in ("find", "all", "count", "update", "delete"):
        assert rows.actions[f"rows.{action}"].given.model_json_schema()["properties"]["where"]["conditions"] is True


# --- one row --------------------------------------------------------------------------------------------------------


def test_a_row_is_kept_as_its_columns_say(database: sa.Engine) -> None:
    more = {"list": [1, 2.5, None, {"é": "😀"}], "yes": True}
    gave = do(
        database, "insert", table="people", row=person("a", logins=2.0, seen="2026-01-31T13:00:00+01:00", more=more)
    )
    kept = {"user": "a", "tenant": 1, "logins": 2, "vip": None, "seen": "2026-01-31T12:00:00+00:00", "more": more}
    assert gave == {"row": kept}
    assert do(database, "get", table="people", key=person("a", 1.0)) == {"found": True, "row": kept}  # type: ignore[arg-type]  # a number for a text
    assert do(database, "get", table="people", key=person("b")) == {"found": False, "row": None}


def test_an_upsert_leaves_the_columns_that_are_not_named(database: sa.Engine) -> None:
    first = do(database, "upsert", table="people", row=person("a", logins=1, vip=True))
    second = do(database, "upsert", table="people", row=person("a", logins=None, seen=0))
    assert (first["created"], second["created"]) == (True, False)
    assert second["row"] == {**first["row"], "logins": None, "seen": "1970-01-01T00:00:00+00:00"}
    assert do(database, "count", table="people") == {"count": 1}


def test_counting_starts_from_nothing_and_goes_on(database: sa.Engine) -> None:
    key = {"table": "people", "key": person("a"), "column": "logins"}
    counted = [do(database, "increment", **key, by=by)["value"] for by in (1, 2, -0.5, 0.5, -4)]
    assert counted == [1, 3, 2.5, 3, -1]
    do(database, "upsert", table="people", row=person("a", logins=None, vip=False))
    assert do(database, "increment", **key) == {"value": 1}
    assert do(database, "get", table="people", key=person("a"))["row"]["vip"] is False


def test_rows_without_a_key_may_be_alike(database: sa.Engine) -> None:
    for _ in range(3):
        do(database, "insert", table="notes", row={"user": "a"})
    assert do(database, "count", table="notes") == {"count": 3}


INSERT, GET, FIND = ("insert", "row"), ("get", "key"), ("find", "where")


@pytest.mark.parametrize(
    ("action", "said", "words"),
    [
        ("count", {"table": "nobody"}, "There is no table nobody. Declare it under `tables:` of the flow."),
        ("insert", {"table": "people", "row": person("a", age=1)}, "Table people has no column age. It has user, tenant, logins, vip, seen, more."),
        ("insert", {"table": "people", "row": person("a", logins="3")}, "Table people, column logins: expects a number, not a text."),
        ("insert", {"table": "people", "row": person("a", logins=True)}, "Table people, column logins: expects a number, not true or false."),
        ("insert", {"table": "people", "row": person("a", logins=2**53 + 1)}, "Table people, column logins: expects a number, if it is whole one between -9007199254740992 and 9007199254740992."),
        ("insert", {"table": "people", "row": person("a", logins=float("inf"))}, "Table people, column logins: expects a number, if it is whole one between -9007199254740992 and 9007199254740992."),
        ("insert", {"table": "people", "row": person("a", vip=1)}, "Table people, column vip: expects true or false, not a number."),
        ("insert", {"table": "people", "row": person("a", seen=[])}, "Table people, column seen: expects a time, not a list."),
        ("insert", {"table": "people", "row": person("a", seen="soon")}, "Table people, column seen: expects a time, such as 2026-01-31T12:00:00Z or Unix seconds, and this is none."),
        ("insert", {"table": "people", "row": {"user": {}, "tenant": 1}}, "Table people, column user: expects a text, not an object."),
        ("insert", {"table": "people", "row": person("a\0")}, "Table people, column user: the text has a NUL or half a character in it."),
        ("insert", {"table": "people", "row": person("a", more=["\ud800"])}, "Table people, column more: the text has a NUL or half a character in it."),
        ("insert", {"table": "people", "row": person("a", more=[float("nan")])}, "Table people, column more: expects JSON, whose numbers are finite and below 1e308."),
        ("insert", {"table": "people", "row": person("a", more=json.loads("[" * 60 + "]" * 60))}, "Table people, column more: expects JSON of at most 50 levels."),
        ("insert", {"table": "people", "row": person("a", more="x" * 64_000)}, "Table people: a row has at most 64000 characters."),
        ("insert", {"table": "people", "row": person("x" * 2001)}, "Table people: a key has at most 2000 bytes."),
        ("insert", {"table": "people", "row": {"user": "a"}}, "Table people, column tenant: it is part of the key and needs a value."),
        ("upsert", {"table": "people", "row": {"user": "a", "tenant": None}}, "Table people, column tenant: it is part of the key and needs a value."),
        ("insert", {"table": "people", "row": person("there")}, "Table people has a row with this key already. Use rows.upsert to change it."),
        ("upsert", {"table": "notes", "row": {"user": "a"}}, "Table notes has no key. Say `key:` where the flow declares it."),
        ("get", {"table": "notes", "key": {"user": "a"}}, "Table notes has no key. Say `key:` where the flow declares it."),
        ("get", {"table": "people", "key": person("a", vip=True)}, "Table people, column vip: it is no part of the key, which is user, tenant."),
        ("increment", {"table": "people", "key": person("a"), "column": "vip"}, "Table people, column vip: only numbers outside of the key can be counted on."),
        ("increment", {"table": "people", "key": person("a"), "column": "tenant"}, "Table people, column tenant: only numbers outside of the key can be counted on."),
        ("find", {"table": "people", "where": [{"left": "{{ row.age }}", "is": 1}]}, "Table people has no column age. It has user, tenant, logins, vip, seen, more."),
        ("find", {"table": "people", "where": [{"left": "{{ row.user.name }}", "is": 1}]}, "Table people, column user: only JSON has something inside that can be referred to."),
        ("find", {"table": "people", "where": [{"left": "user", "is": 1}]}, "Table people: the left of a condition on rows is a column, such as {{ row.name }}."),
        ("find", {"table": "people", "sort": ["more"]}, "Table people, column more: rows cannot be sorted by JSON."),
        ("update", {"table": "people", "where": [{"left": "{{ row.tenant }}", "is": 1}], "set": {"user": "same"}}, "Table people: two rows would have the same key. Nothing was changed."),
        ("update", {"table": "people", "where": [{"left": "{{ row.tenant }}", "is": 1}], "set": {"user": None}}, "Table people, column user: it is part of the key and needs a value."),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_words(
    database: sa.Engine, action: str, said: dict[str, Any], words: str
) -> None:
    for user in ("there", "too"):
        do(database, "insert", table="people", row=person(user))
    before = do(database, "find", table="people")
    with pytest.raises(Refused) as refused:
        do(database, action, **said)
    assert refused.value.message == words
    assert do(database, "find", table="people") == before


def test_a_refused_change_leaves_nothing_behind_in_a_transaction_that_goes_on(database: sa.Engine) -> None:
    for user in ("a", "b"):
        do(database, "insert", table="people", row=person(user))
    change = rows.actions["rows.update"]
    where = [{"left": "{{ row.tenant }}", "is": 1}]
    said = change.given.model_validate({"table": "people", "where": where, "set": {"user": "c", "vip": True}})
    with database.begin() as connection, pytest.raises(Refused):
        change.carry_out(connection, said)
    assert names(do(database, "find", table="people", where=[{"left": "{{ row.vip }}", "exists": False}])) == ["a", "b"]


# --- many rows ------------------------------------------------------------------------------------------------------


def test_rows_are_found_sorted_and_no_more_than_asked_for(database: sa.Engine) -> None:
    for user, logins in [("b", 10), ("a", 9.5), ("ä", None), ("B", 10), ("c", -3)]:
        do(database, "insert", table="people", row=person(user, logins=logins))
    by_logins = [{"column": "logins", "descending": True}, "user"]
    assert names(do(database, "find", table="people")) == ["b", "a", "ä", "B", "c"]
    assert names(do(database, "find", table="people", sort=["user"])) == ["B", "a", "b", "c", "ä"]
    assert names(do(database, "find", table="people", sort=by_logins)) == ["B", "b", "a", "c", "ä"]
    found = do(database, "find", table="people", sort=by_logins, most=2)
    assert (names(found), found["count"], found["more"]) == (["B", "b"], 2, True)
    found = do(database, "find", table="people", most=5)
    assert (found["count"], found["more"]) == (5, False)


def test_changing_and_deleting_reach_the_rows_that_meet_the_conditions(database: sa.Engine) -> None:
    for number in range(1203):
        do(database, "insert", table="people", row=person(f"ß{number}", logins=number, vip=number % 2 == 0))
    even = [{"left": "{{ row.vip }}", "is": True}]
    matching = [{"left": "{{ row.user }}", "starts with": "SS"}, *even]
    assert do(database, "update", table="people", where=matching, set={"vip": None, "tenant": 2}) == {"count": 602}
    assert do(database, "count", table="people", where=even) == {"count": 0}
    assert do(database, "get", table="people", key=person("ß4", 2))["row"]["logins"] == 4
    assert do(database, "delete", table="people", where=[{"left": "{{ row.user }}", "contains": "ss1"}]) == {
        "count": 314
    }
    assert do(database, "delete", table="people", where=[{"left": "{{ row.tenant }}", "is": 2}]) == {"count": 445}
    assert do(database, "count", table="people") == {"count": 1203 - 314 - 445}


def test_tables_do_not_see_each_others_rows(database: sa.Engine) -> None:
    do(database, "insert", table="notes", row={"user": "a", "more": {"logins": "many"}})
    with database.begin() as connection:
        ensure(connection, {"other": Table(columns={"logins": "text", "seen": "number"})})
    do(database, "insert", table="other", row={"logins": "not a number", "seen": 1})
    do(database, "insert", table="people", row=person("a", logins=5))
    where = [{"left": "{{ row.logins }}", "at least": 5}]
    assert do(database, "update", table="people", where=where, set={"logins": 6}) == {"count": 1}
    assert do(database, "delete", table="people", where=where) == {"count": 1}
    assert [do(database, "count", table=table)["count"] for table in ("notes", "other")] == [1, 1]


def test_a_value_from_outside_never_becomes_a_reference(database: sa.Engine) -> None:
    do(database, "insert", table="people", row=person("{{ row.user }}"))
    do(database, "insert", table="people", row=person("b"))
    for operator in ("is", "contains"):
        where = [{"left": "{{ row.user }}", operator: "{{ row.user }}"}]
        assert names(do(database, "find", table="people", where=where)) == ["{{ row.user }}"]


async def test_all_rows_are_more_than_a_few_thousand(database: sa.Engine) -> None:
    with database.begin() as connection:
        insert = [{"table_name": "notes", "cells": {"size": size}, "changed_at": 0.0} for size in range(4321)]
        connection.execute(sa.insert(Row), insert)
    every = rows.actions["rows.all"]
    odd = {"table": "notes", "where": [{"left": "{{ row.size }}", "is not": 7}]}
    found = [row async for row in every.carry_out(Store(database), every.given.model_validate(odd))]
    assert [row.model_dump()["size"] for row in found] == [size for size in range(4321) if size != 7]
    assert set(found[0].model_dump()) == {"user", "at", "size", "vip", "more"}


async def test_no_more_rows_are_brought_than_wanted(database: sa.Engine) -> None:
    do(database, "upsert_each", table="people", items=[{"n": str(n)} for n in range(700)], take={"user": "n"}, set=ONE)
    every = rows.actions["rows.all"]
    for most, expected in ((0, 0), (3, 3), (600, 600), (900, 700)):
        wanted = every.given.model_validate({"table": "people", "most": most})
        assert len([row async for row in every.carry_out(Store(database), wanted)]) == expected


def test_a_row_for_each_of_many_is_added_or_changed(database: sa.Engine) -> None:
    do(database, "insert", table="people", row=person("b", vip=True))
    items = [{"who": {"id": "a"}, "n": 1}, {"who": {"id": "b"}, "n": 2}, {"who": {"id": "b"}, "n": 3}]
    take = {"user": "who.id", "logins": "n"}
    done = do(database, "upsert_each", table="people", items=items, take=take, set={**ONE, "seen": 0})
    assert done == {"count": 2, "created": 1}
    found = do(database, "find", table="people", sort=["user"])["rows"]
    assert [(row["user"], row["logins"], row["vip"]) for row in found] == [("a", 1, None), ("b", 3, True)]
    assert {row["seen"] for row in found} == {"1970-01-01T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"items": [{"n": "a"}, {"n": None}], "take": {"user": "n"}, "set": {"tenant": 1}}, "needs a value"),
        ({"items": [{"n": "a"}, {"n": 7}], "take": {"user": "n"}, "set": {"tenant": 1}}, "expects a text"),
        ({"items": [{"n": "a"}], "take": {"name": "n"}, "set": {"tenant": 1}}, "no column name"),
        ({"items": [{"n": "a"}], "take": {"user": "n"}, "table": "notes"}, "no key"),
    ],
)
def test_of_rows_for_many_none_is_kept_if_one_does_not_fit(
    database: sa.Engine, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        do(database, "upsert_each", **{"table": "people", **given})
    assert do(database, "count", table="people") == {"count": 0}


async def test_what_has_no_row_yet_is_found_among_very_many(database: sa.Engine) -> None:
    store, people = Store(database), [{"id": str(n), "more": {"n": n}} for n in range(2500)]
    do(database, "upsert_each", table="people", items=people[::2], take={"user": "id"}, set=ONE)
    with database.begin() as connection:
        Datasets.append(connection, "d", "r", 0, people, now=0)
    looking = rows.actions["rows.missing"]
    dataset = {"id": "d", "count": 2500, "fields": []}
    wanted = {"table": "people", "items": dataset, "take": {"user": "id"}, "set": ONE}
    found = [one.model_dump() async for one in looking.carry_out(store, looking.given.model_validate(wanted))]
    assert found.pop() == {"known": 1250, "missing": 1250, "left": 0}
    assert [one["more"]["n"] for one in found] == list(range(1, 2500, 2))
    some = [
        one.model_dump()
        async for one in looking.carry_out(store, looking.given.model_validate({**wanted, "most": 1249}))
    ]
    assert (len(some), some[-1]) == (1250, {"known": 1250, "missing": 1250, "left": 1})


@pytest.mark.slow
async def test_all_rows_are_walked_in_bounded_memory(database: sa.Engine) -> None:
    with database.begin() as connection:
        for start in range(0, 50_000, 1000):
            some = [{"table_name": "notes", "cells": {"size": start + n}, "changed_at": 0.0} for n in range(1000)]
            connection.execute(sa.insert(Row), some)
    every = rows.actions["rows.all"]
    where = [{"left": "{{ row.user }}", "matches": "x"}]
    where_not = every.given.model_validate({"table": "notes", "where": [{"not": where[0]}]})
    tracemalloc.start()
    walked = 0
    async for _ in every.carry_out(Store(database), where_not):
        walked += 1
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert walked == 50_000
    assert most < 4_000_000


def test_rows_of_several_keys_are_found_by_the_index(database: sa.Engine) -> None:
    with database.begin() as connection:
        ensure(connection, {"leads": Table(columns={"lead": "number"}, key=["lead"])})
    do(database, "upsert_each", table="leads", items=[{"n": n} for n in range(9)], take={"lead": "n"})
    assert do(database, "delete", table="leads", where=[{"left": "{{ row.lead }}", "is one of": [1, 2.0, 77]}]) == {
        "count": 2
    }
    assert do(database, "count", table="leads", where=[{"left": "{{ row.lead }}", "is one of": [1, "3"]}]) == {
        "count": 0
    }
    where = TypeAdapter(Tests).validate_python([{"left": "{{ row.lead }}", "is one of": [4, 5]}])
    with database.connect() as connection:
        chosen = selection(connection.dialect.name, columns_of(connection, "leads"), where)
        query = sa.select(col(Row.id)).where(chosen.maybe).compile(connection, compile_kwargs={"literal_binds": True})
        assert "row.key IN ('[4]', '[5]')" in str(query).replace('"', "")


def test_a_condition_on_the_whole_key_uses_its_index(database: sa.Engine) -> None:
    where = TypeAdapter(Tests).validate_python(
        [{"left": "{{ row.tenant }}", "is": 1.0}, {"left": "{{ row.user }}", "is": "a"}]
    )
    with database.connect() as connection:
        chosen = selection(connection.dialect.name, columns_of(connection, "people"), where)
    assert '["a",1]' in chosen.maybe.compile(database).params.values()
    assert do(database, "insert", table="people", row=person("a"))
    assert names(do(database, "find", table="people", where=[test.model_dump() for test in where])) == ["a"]


def test_the_key_index_is_what_sqlite_searches_by(tmp_path_factory: pytest.TempPathFactory) -> None:
    opened = open_engine(f"sqlite:///{tmp_path_factory.mktemp('plan') / 'plan.sqlite'}")
    schema.upgrade(opened)
    emptied(opened)
    where = TypeAdapter(Tests).validate_python(
        [{"left": "{{ row.user }}", "is": "a"}, {"left": "{{ row.tenant }}", "is": 1}]
    )
    with opened.connect() as connection:
        chosen = selection("sqlite", columns_of(connection, "people"), where)
        query = sa.select(Row).where(chosen.maybe).compile(opened, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
    opened.dispose()
    assert "(table_name=? AND key=?)" in plan[0][-1]


# --- many at once ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["increment", "upsert"])
def test_of_twenty_at_once_none_is_lost(database: sa.Engine, action: str) -> None:
    def once(number: int) -> dict[str, Any]:
        if action == "increment":
            return do(database, "increment", table="people", key=person("a"), column="logins")
        return do(database, "upsert", table="people", row=person("a", more={"by": number}, **_cell_of(number)))

    with ThreadPoolExecutor(20) as threads:
        gave = list(threads.map(once, range(100)))
    row = do(database, "get", table="people", key=person("a"))["row"]
    assert do(database, "count", table="people") == {"count": 1}
    assert action == "upsert" or (row["logins"], sorted(one["value"] for one in gave)) == (100, list(range(1, 101)))
    assert action == "increment" or (row["logins"], row["vip"], row["seen"]) == (3, True, "1970-01-01T00:00:00+00:00")
    assert action == "increment" or sum(one["created"] for one in gave) == 1


def _cell_of(number: int) -> dict[str, Any]:
    cells: list[dict[str, Any]] = [{"logins": 3}, {"vip": True}, {"seen": 0}]
    return cells[number % 3]


def test_changes_of_many_rows_do_not_undo_each_other(database: sa.Engine) -> None:
    for number in range(30):
        do(database, "insert", table="people", row=person(f"{number}"))
    where = [{"left": "{{ row.user }}", "exists": True}]

    def once(number: int) -> dict[str, Any]:
        return do(database, "update", table="people", where=where, set=_cell_of(number))

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(once, range(12))) == [{"count": 30}] * 12
    found = do(database, "find", table="people")["rows"]
    assert {(row["logins"], row["vip"], row["seen"]) for row in found} == {(3, True, "1970-01-01T00:00:00+00:00")}


# --- tables ---------------------------------------------------------------------------------------------------------


def test_a_table_gets_the_columns_it_lacks_and_loses_none(database: sa.Engine) -> None:
    do(database, "insert", table="people", row=person("a", logins=1))
    grown = Table(columns={"user": "text", "tenant": "number", "mail": "text"}, key=["user", "tenant"])
    with database.begin() as connection:
        ensure(connection, {"people": grown})
        known = columns_of(connection, "people")
    assert dict(known.types) == {**PEOPLE["people"].columns, "mail": "text"}
    row = do(database, "upsert", table="people", row=person("a", mail="a@example.com"))["row"]
    assert (row["logins"], row["mail"]) == (1, "a@example.com")


@pytest.mark.parametrize(
    ("table", "words", "column"),
    [
        (Table(columns={"user": "text"}, key=["user"]), "Table people: its key is user, tenant, and cannot become user", None),
        (Table(columns={"user": "text"}), "Table people: its key is user, tenant, and cannot become empty", None),
        (Table(columns={"user": "text", "tenant": "text"}, key=["user", "tenant"]), "Table people, column tenant: it is of the type number, and cannot become text", "tenant"),
        (Table(columns={"user": "text"}, key=["user", "tenant"]), "Table people, column tenant: part of the key must be a column of another type than json", "tenant"),
        (Table(columns={"user": "json"}, key=["user"]), "Table people, column user: part of the key must be a column of another type than json", "user"),
    ],
)  # fmt: skip
def test_a_table_that_does_not_fit_the_one_there_is_refused(
    database: sa.Engine, table: Table, words: str, column: str | None
) -> None:
    with database.begin() as connection, pytest.raises(WrongTableError) as wrong:
        ensure(connection, {"people": table})
    assert (str(wrong.value), wrong.value.table, wrong.value.column) == (words, "people", column)


def test_many_may_declare_a_table_at_once(database: sa.Engine) -> None:
    def declare(number: int) -> None:
        with database.begin() as connection:
            ensure(connection, {"shared": Table(columns={"id": "text", f"column_{number}": "number"}, key=["id"])})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(declare, range(16)))
    with database.connect() as connection:
        assert set(columns_of(connection, "shared").types) == {"id", *(f"column_{number}" for number in range(16))}


# --- conditions: what the database finds is what the language says --------------------------------------------------

TEXTS = st.one_of(
    st.sampled_from(
        ["", "a", "A", "Ab", "aB%", "a_b", "ß", "SS", "\u212a", "k", "K", "ﬁ", "fi", "İ", "i", "ı", "é", "É"]
    ),
    st.sampled_from(
        ["2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00+00:00", "5", "true", "null", '"', "\\", "'"]
    ),
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4),
)
NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.sampled_from(
        [0.1, 0.30000000000000004, 0.3, 4.999999999999999, 5, 5e-324, 1.7e308, -0.0, 1769860800, 2**53, -(2**53)]
    ),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
)
MOMENTS = st.sampled_from(
    ["2026-01-31T12:00:00+00:00", "2026-01-31T12:00:00.500000+00:00", "2026-01-31T13:00:00+01:00", "2026-01-31",
     "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59.999999+00:00", 1769860800, 0]
)  # fmt: skip
JSONS = st.recursive(
    st.one_of(st.booleans(), st.integers(-3, 3), TEXTS, st.just(0.5), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    ),
    max_leaves=3,
)
ODD = st.sampled_from(
    ["a\0", "\ud800", "9999-12-31T23:59:59-23:00", "0001-01-01T00:00+23:00", 10**30, float("inf"), 2**53 + 1, 1e300]
)
CELLS = st.fixed_dictionaries(
    {}, optional={"user": TEXTS, "at": MOMENTS, "size": NUMBERS, "vip": st.booleans(), "more": JSONS}
)
VALUES = st.one_of(st.none(), TEXTS, NUMBERS, MOMENTS, st.booleans(), JSONS, ODD)
LEFTS = st.sampled_from([*(f"{{{{ row.{name} }}}}" for name in PEOPLE["notes"].columns), "{{ row.more.a }}"])


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    operator = draw(st.sampled_from(OPERATORS))
    right: Any = draw(VALUES)
    match operator:
        case "is one of":
            right = draw(st.lists(VALUES, max_size=4))
        case "matches":
            right = draw(st.sampled_from(["a", "^$", "(?i)^A", "[0-9]+", "é|ß"]))
        case "exists" | "is empty":
            right = draw(st.booleans())
    return Comparison.model_validate({"left": draw(LEFTS), operator: right})


TESTS: st.SearchStrategy[Test] = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda tests: AllOf(all=tests)),
        st.lists(inner, min_size=1, max_size=3).map(lambda tests: AnyOf(any=tests)),
        inner.map(lambda test: Not.model_validate({"not": test})),
    ),
    max_leaves=4,
)


def true_of(row: Mapping[str, Any], test: Test) -> bool:
    """Return what the language says: written out once more, with nothing but `compare`."""
    match test:
        case Comparison():
            name, *deeper = test.left.strip("{} ").removeprefix("row.").split(".")
            value = row[name]
            for inner in deeper:
                value = value.get(inner) if isinstance(value, dict) else None
            return compare(value, test.operator, test.right)
        case AllOf():
            return all(true_of(row, inner) for inner in test.all)
        case AnyOf():
            return any(true_of(row, inner) for inner in test.any)
        case Not():
            return not true_of(row, test.not_)


def carry_out(connection: sa.Connection, action: str, where: list[Test]) -> Any:
    declared = rows.actions[f"rows.{action}"]
    return declared.carry_out(connection, declared.given.model_validate({"table": "notes", "where": where}))


def agrees(engine: sa.Engine, cells: list[dict[str, Any]], tests: list[Test]) -> None:
    """Assert that find, count and delete reach the rows that the language says, and no others."""
    with engine.connect() as connection, connection.begin() as transaction:
        columns = columns_of(connection, "notes")
        kept = [columns.row(columns.merged({}, columns.cells(row))) for row in cells]
        for row in cells:
            insert = rows.actions["rows.insert"]
            insert.carry_out(connection, insert.given.model_validate({"table": "notes", "row": row}))
        met = [row for row in kept if all(true_of(row, test) for test in tests)]
        said = {name: carry_out(connection, name, tests) for name in ("find", "count", "delete")}
        others = carry_out(connection, "find", [])
        transaction.rollback()
    assert said["find"].rows == met
    assert (said["count"].count, said["delete"].count) == (len(met), len(met))
    assert others.rows == [row for row in kept if row not in met]


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    opened = open_engine(f"sqlite:///{tmp_path_factory.mktemp('quick') / 'quick.sqlite'}")
    schema.upgrade(opened)
    emptied(opened)
    yield opened
    opened.dispose()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cells=st.lists(CELLS, max_size=5), tests=st.lists(TESTS, min_size=1, max_size=2))
def test_sqlite_finds_what_the_language_says(quick: sa.Engine, cells: list[dict[str, Any]], tests: list[Test]) -> None:
    agrees(quick, cells, tests)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(cells=st.lists(CELLS, max_size=5), tests=st.lists(TESTS, min_size=1, max_size=2))
@pytest.mark.slow
def test_every_database_finds_what_the_language_says(
    database: sa.Engine, cells: list[dict[str, Any]], tests: list[Test]
) -> None:
    agrees(database, cells, tests)
