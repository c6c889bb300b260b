"""Tables of rows to remember: how flows declare them, and how their rows are kept."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from connectors.errors import Refused
from flows.columns import Columns, listed
from flows.language import Table
from flows.row_queries import Selection
from flows.tables import Row, RowTable

BATCH: Final = 500
"""How many rows are in memory at once, however many there are."""


class WrongTableError(Exception):
    """A flow declares a table that does not fit the one that is there."""

    def __init__(self, table: str, message: str, *, column: str | None = None) -> None:
        super().__init__(f"Table {table}{f', column {column}' if column else ''}: {message}")
        self.table = table
        self.column = column
        self.message = message


def ensure(connection: sa.Connection, tables: Mapping[str, Table]) -> None:
    """Make the tables that a flow declares, or give those that are there the columns they lack.

    Raises WrongTableError where a table cannot be as it is declared; then nothing should be kept.
    """
    for name, table in sorted(tables.items()):  # always in the same order, so that two flows cannot block each other
        for column in table.key:
            if table.columns.get(column, "json") == "json":
                raise WrongTableError(name, "part of the key must be a column of another type than json", column=column)
        kept = {"name": name, "columns": dict(table.columns), "key": list(table.key)}
        made = _insert(connection, RowTable).values(kept).on_conflict_do_nothing().returning(col(RowTable.name))
        if connection.execute(made).scalar_one_or_none() is not None:
            continue
        found = connection.execute(
            sa.select(col(RowTable.columns), col(RowTable.key)).where(col(RowTable.name) == name).with_for_update()
        ).one()
        if list(found.key) != list(table.key):
            raise WrongTableError(name, f"its key is {listed(found.key)}, and cannot become {listed(table.key)}")
        for column, kind in table.columns.items():
            if (there := found.columns.get(column, kind)) != kind:
                raise WrongTableError(name, f"it is of the type {there}, and cannot become {kind}", column=column)
        connection.execute(
            sa.update(RowTable)
            .where(col(RowTable.name) == name)
            .values(columns={**found.columns, **dict(table.columns)})
        )


def columns_of(connection: sa.Connection, table: str) -> Columns:
    """Return the columns of a table. Raises Refused if there is no such table."""
    query = sa.select(col(RowTable.columns), col(RowTable.key)).where(col(RowTable.name) == table)
    found = connection.execute(query).one_or_none()
    if found is None:
        raise Refused(f"There is no table {table}. Declare it under `tables:` of the flow.")
    return Columns(table=table, types=found.columns, key=found.key)


def by_key(columns: Columns, key: str | None) -> sa.Select[Any]:
    """Return the query for the row with a key."""
    return sa.select(col(Row.id), col(Row.cells)).where(col(Row.table_name) == columns.table, col(Row.key) == key)


def _insert(connection: sa.Connection, table: type[Any]) -> Any:
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def add(connection: sa.Connection, columns: Columns, cells: Mapping[str, Any]) -> int | None:
    """Add a row. Returns its id, or None if there is one with the same key."""
    kept = {"table_name": columns.table, "key": columns.key_of(cells), "cells": cells, "changed_at": time.time()}
    statement = _insert(connection, Row).values(kept).on_conflict_do_nothing().returning(col(Row.id))
    row_id: int | None = connection.execute(statement).scalar_one_or_none()
    return row_id


def add_all(connection: sa.Connection, columns: Columns, new: Mapping[str, Mapping[str, Any]]) -> None:
    """Add rows by their keys. What somebody else adds at the same time stays."""
    now = time.time()
    kept = [
        {"table_name": columns.table, "key": key, "cells": cells, "changed_at": now}
        for key, cells in sorted(new.items())
    ]
    if kept:
        connection.execute(_insert(connection, Row).on_conflict_do_nothing(), kept)


def add_or_lock(connection: sa.Connection, columns: Columns, cells: dict[str, Any]) -> tuple[bool, int, dict[str, Any]]:
    """Add a row, or lock the one with the same key until the transaction ends: whoever else wants it waits.

    Returns whether it was added, its id, and its cells.
    """
    key = columns.key_of(cells)
    while True:  # once, unless the row is deleted between the two statements
        added = add(connection, columns, cells)
        if added is not None:
            return True, added, cells
        found = connection.execute(by_key(columns, key).with_for_update()).one_or_none()
        if found is not None:
            return False, found.id, found.cells


def keep(connection: sa.Connection, columns: Columns, changed: Mapping[int, Mapping[str, Any]]) -> None:
    """Keep other cells in rows, by their ids. Raises IntegrityError where two would have the same key."""
    statement = sa.update(Row).where(col(Row.id) == sa.bindparam("row"))
    rows = [{"row": row, "cells": cells, "key": columns.key_of(cells)} for row, cells in changed.items()]
    if rows:
        values = {"cells": sa.bindparam("cells"), "key": sa.bindparam("key"), "changed_at": time.time()}
        connection.execute(statement.values(values), rows)


def page_of(
    connection: sa.Connection, which: sa.ColumnElement[bool], after: int, *, lock: bool = False
) -> Sequence[Any]:
    """Return the next rows after one, by their ids: `BATCH` of them, unless they are the last."""
    query = sa.select(col(Row.id), col(Row.cells)).where(which, col(Row.id) > after).order_by(col(Row.id)).limit(BATCH)
    return connection.execute(query.with_for_update() if lock else query).all()


def matching(
    connection: sa.Connection, chosen: Selection, which: sa.ColumnElement[bool], *, lock: bool = False
) -> Iterator[list[Any]]:
    """Yield the rows that meet the conditions, out of those that may, page by page."""
    after: int | None = 0
    while after is not None:
        page = page_of(connection, which, after, lock=lock)
        yield [row for row in page if chosen.meets(row.cells)]
        after = page[-1].id if len(page) == BATCH else None


def begin(connection: sa.Connection) -> None:
    """Begin the transaction before anything is read in it. In SQLite, it would begin with the first write."""
    if connection.dialect.name == "sqlite" and not connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]  # it is open
        connection.exec_driver_sql("BEGIN IMMEDIATE")
