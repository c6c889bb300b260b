"""What the actions on remembered rows are given: the tables and columns that the flow declares."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from connectors.base import Action, Catalog
from flows import references
from flows.conditions import moment
from flows.language import ColumnType, Do, Table
from flows.problems import Problem, nearest, shown
from flows.shapes import Either, Kind, Known, Shape, Stored, item, kinds, list_of, record, said

ROWS: Final = "rows"
CELLS: Final = ("row", "values", "set", "key")
"""Inputs that name columns, and values for them."""

_SHAPES: Final[Mapping[ColumnType, Shape]] = {
    "text": str | None,
    "number": float | None,
    "boolean": bool | None,
    "time": str | None,
    "json": Any,
}
_TAKES: Final[Mapping[ColumnType, tuple[frozenset[Kind], str]]] = {
    "text": (frozenset({"a text", "a time"}), "texts"),
    "number": (frozenset({"a number"}), "numbers"),
    "boolean": (frozenset({"a yes or no"}), "true or false"),
    "time": (frozenset({"a text", "a number", "a time"}), "times"),
}


def remembers(action: Action, catalog: Catalog) -> bool:
    """Return whether an action works on the rows of a table."""
    of_rows = ROWS in catalog.builtins and action.name in catalog.builtins[ROWS].actions
    return of_rows and "table" in action.given.model_fields


def row(step: Do, tables: Mapping[str, Table]) -> Shape:
    """Return the shape of a row of the table that a step names."""
    table = _table(step, tables)
    return {name: _SHAPES[kind] for name, kind in table.columns.items()} if table else Any


def row_gives(step: Do, action: Action, tables: Mapping[str, Table], known: Known) -> Shape:
    """Return the shape of what an action on rows gives."""
    one = row(step, tables)
    if "items" in action.given.model_fields:
        return Stored(item(known.shape(step.with_.get("items")))) if action.way == "streams" else action.gives
    if action.way == "streams":
        return Stored(one)
    given = record(action.gives)
    typed = {"row": Either((one, None)), "rows": list_of(one)}
    return {**given, **{name: shape for name, shape in typed.items() if name in given}}


def misplaced(step: Do, tables: Mapping[str, Table], path: str, known: Known) -> Iterator[Problem]:
    """Yield the Problems with the table and the columns that a step names."""
    name, table = step.with_.get("table"), _table(step, tables)
    if table is None:
        if isinstance(name, str):
            yield Problem(
                path=f"{path}/table",
                message=f"the flow declares no table {shown(name)}",
                hint=nearest(name, tables) or "declare it under `tables:`",
            )
        return
    for field in CELLS:
        cells = step.with_.get(field)
        for column, value in cells.items() if isinstance(cells, Mapping) else ():
            yield from _cell(f"{name}", table, column, value, f"{path}/{field}/{column}", known)
    take = step.with_.get("take")
    for column in take if isinstance(take, Mapping) else ():
        if column not in table.columns:
            yield _no_column(f"{name}", table, str(column), f"{path}/take/{column}")
    key = step.with_.get("key")
    if isinstance(key, Mapping) and set(table.columns) >= set(key) and set(key) != set(table.key):
        whole = f"its key is {', '.join(table.key)}" if table.key else "say `key:` where the flow declares it"
        yield Problem(path=f"{path}/key", message=f"this is not the key of {name}", hint=whole)
    column = step.with_.get("column")
    if isinstance(column, str) and column not in table.columns:
        yield _no_column(f"{name}", table, column, f"{path}/column")
    sort = step.with_.get("sort")
    for index, by in enumerate(sort if isinstance(sort, list) else ()):
        column = by.get("column") if isinstance(by, Mapping) else by
        if isinstance(column, str) and column not in table.columns:
            yield _no_column(f"{name}", table, column, f"{path}/sort/{index}")


def _table(step: Do, tables: Mapping[str, Table]) -> Table | None:
    name = step.with_.get("table")
    return tables.get(name) if isinstance(name, str) else None


def _no_column(name: str, table: Table, column: str, path: str) -> Problem:
    return Problem(path=path, message=f"{name} has no column {shown(column)}", hint=nearest(column, table.columns))


def _cell(name: str, table: Table, column: str, value: Any, path: str, known: Known) -> Iterator[Problem]:
    kind = table.columns.get(column)
    if kind is None:
        yield _no_column(name, table, column, path)
    elif kind != "json" and value is not None:
        given = known.shape(value)
        has, (takes, called) = kinds(given), _TAKES[kind]
        if has and has.isdisjoint(takes):
            what = value.strip() if references.only_path(value) else shown(value)
            yield Problem(path=path, message=f"{name}.{column} holds {called}, and {what} is {said(given)}")
        elif kind == "time" and not any(references.paths(value)) and moment(value) is None:
            yield Problem(path=path, message=f"{shown(value)} is no time", hint="write 2026-01-31T12:00:00Z")
