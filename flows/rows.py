"""Rows to remember: the actions of the tables that flows declare."""

from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlmodel import col

from connectors.base import Declaring, Value
from connectors.errors import Refused
from flows.columns import Columns
from flows.conditions import Test, Tests
from flows.row_queries import Selection, order, selection
from flows.row_tables import BATCH, add, add_or_lock, begin, by_key, columns_of, keep, matching, page_of
from flows.store import Store
from flows.tables import Row
from flows.words import Identifier

rows = Declaring("rows", title="Rows to remember")

TableName = Annotated[
    Identifier,
    Field(title="Table", description="One of the flow's `tables`.", json_schema_extra={"table": True}),
]
Cells = Annotated[dict[Identifier, Any], Field(title="Values", description="By the names of the columns.")]
Key = Annotated[
    dict[Identifier, Any], Field(title="Key", description="The value of each column that is part of the key.")
]
Where = Annotated[
    Tests,
    Field(
        title="Which rows",
        description="Conditions with a column of the table on the left, such as {{ row.name }}. All must hold.",
        json_schema_extra={"conditions": True},
    ),
]
SomeOrAll = Annotated[
    Annotated[list[Test], Field(max_length=20)],
    Field(
        title="Which rows",
        description="Conditions with a column of the table on the left, such as {{ row.name }}. Without any, all rows.",
        json_schema_extra={"conditions": True},
    ),
]


# --- one row --------------------------------------------------------------------------------------------------------


class NewRow(Value):
    """A row to add."""

    table: TableName
    row: Cells


class Kept(Value):
    """A row as it is remembered now."""

    row: dict[str, Any] = Field(title="Row")


@rows.action("Add a row", effect="changes", stores=True)
def insert(connection: sa.Connection, given: NewRow) -> Kept:
    """Add a row. In a table with a key, there must be no row of the same key yet."""
    columns = columns_of(connection, given.table)
    cells = columns.merged({}, columns.cells(given.row))
    if not add(connection, columns, cells):
        raise Refused(f"Table {given.table} has a row with this key already. Use rows.upsert to change it.")
    return Kept(row=columns.row(cells))


class Upserted(Kept):
    """A row that was added or changed."""

    created: bool = Field(title="Was added")


@rows.action("Add or change a row", effect="changes", stores=True)
def upsert(connection: sa.Connection, given: NewRow) -> Upserted:
    """Change the values of the row with this key, or add it. Columns that are not named stay as they are."""
    columns = columns_of(connection, given.table)
    columns.need_key()
    new = columns.cells(given.row)
    created, row_id, old = add_or_lock(connection, columns, columns.merged({}, new))
    if created:
        return Upserted(row=columns.row(old), created=True)
    cells = columns.merged(old, new)
    keep(connection, columns, {row_id: cells})
    return Upserted(row=columns.row(cells), created=False)


class RowKey(Value):
    """The key of a row."""

    table: TableName
    key: Key


class Got(Value):
    """The row that was looked for, if it is there."""

    found: bool = Field(title="Is there")
    row: dict[str, Any] | None = Field(title="Row")


@rows.action("Get a row", effect="reads", stores=True)
def get(connection: sa.Connection, given: RowKey) -> Got:
    """Get the row with this key."""
    columns = columns_of(connection, given.table)
    found = connection.execute(by_key(columns, columns.key_of(columns.only_key(given.key)))).one_or_none()
    return Got(found=found is not None, row=None if found is None else columns.row(found.cells))


class Increment(RowKey):
    """How far to count."""

    column: Identifier = Field(title="Column", description="A column of numbers.")
    by: int | float = Field(default=1, title="By", description="What is added to it; less than nothing counts down.")


class Counted(Value):
    """A number that was counted on."""

    value: int | float = Field(title="New value")


@rows.action("Count on", effect="changes", stores=True)
def increment(connection: sa.Connection, given: Increment) -> Counted:
    """Add to a number in the row with this key. A row or number that is not there yet starts from 0."""
    columns = columns_of(connection, given.table)
    if columns.type_of(given.column) != "number" or given.column in columns.key:
        raise Refused(f"Table {given.table}, column {given.column}: only numbers outside of the key can be counted on.")
    first = columns.merged(columns.only_key(given.key), columns.cells({given.column: given.by}))
    created, row_id, cells = add_or_lock(connection, columns, first)
    if not created:
        counted = columns.cells({given.column: cells.get(given.column, 0) + given.by})
        cells = columns.merged(cells, counted)
        keep(connection, columns, {row_id: cells})
    return Counted(value=cells[given.column])


# --- many rows ------------------------------------------------------------------------------------------------------


def _sorting(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


class SortBy(Value):
    """A column to sort by."""

    column: Identifier
    descending: bool = False


class Search(Value):
    """Which rows to find."""

    table: TableName
    where: SomeOrAll = Field(default=[])
    sort: Annotated[list[Annotated[SortBy, BeforeValidator(_sorting)]], Field(max_length=5)] = Field(
        default=[], title="Sort by", description="Columns; {column: …, descending: true} for the greatest first."
    )
    most: int = Field(default=100, ge=1, le=1000, title="At most", description="For more, use rows.all.")


class Found(Value):
    """Rows that were found."""

    rows: list[dict[str, Any]] = Field(title="Rows")
    count: int = Field(title="How many", description="How many are in the list.")
    more: bool = Field(title="There are more", description="Whether there are rows that are not in the list.")


@rows.action("Find rows", effect="reads", stores=True)
def find(connection: sa.Connection, given: Search) -> Found:
    """Find rows, in the order they were added or sorted."""
    columns = columns_of(connection, given.table)
    chosen = _chosen(connection, columns, given.where)
    by = [
        clause
        for each in given.sort
        for clause in order(connection.dialect.name, columns, each.column, descending=each.descending)
    ]
    query = sa.select(col(Row.cells)).where(chosen.maybe).order_by(*by, col(Row.id))
    if chosen.unsure is None:
        query = query.limit(given.most + 1)
    found: list[dict[str, Any]] = []
    with closing(connection.execute(query, execution_options={"yield_per": BATCH})) as cells:
        for one in cells.scalars():
            if chosen.meets(one):
                found.append(columns.row(one))
                if len(found) > given.most:
                    break
    kept = found[: given.most]
    return Found(rows=kept, count=len(kept), more=len(found) > given.most)


class Some(Value):
    """Some rows of a table, or all."""

    table: TableName
    where: SomeOrAll = Field(default=[])


class All(Some):
    """Some rows of a table, or all, however many."""

    most: int | None = Field(default=None, ge=0, title="At most", description="How many to bring; empty for all.")


class Remembered(BaseModel):
    """A remembered row: what is in it depends on the table."""

    model_config = ConfigDict(frozen=True, extra="allow")


@rows.action("All rows", effect="reads")
async def all(client: Store, given: All) -> AsyncIterator[Remembered]:  # noqa: A001  # a flow says rows.all
    """Yield every matching row, however many, in the order they were added."""
    after, left = 0, given.most

    def page(connection: sa.Connection) -> tuple[list[Remembered], int | None]:
        columns = columns_of(connection, given.table)
        chosen = _chosen(connection, columns, given.where)
        found = page_of(connection, chosen.maybe, after)
        met = [Remembered.model_validate(columns.row(row.cells)) for row in found if chosen.meets(row.cells)]
        return met, found[-1].id if len(found) == BATCH else None

    while True:
        met, last = await client.transact(lambda session: page(session.connection()))
        for row in met[:left]:
            yield row
        left = None if left is None else max(0, left - len(met))
        if last is None or left == 0:
            return
        after = last


class Number(Value):
    """How many rows it was."""

    count: int = Field(title="How many")


@rows.action("Count rows", effect="reads", stores=True)
def count(connection: sa.Connection, given: Some) -> Number:
    """Count the rows that meet conditions."""
    chosen = _chosen(connection, columns_of(connection, given.table), given.where)
    number = connection.execute(sa.select(sa.func.count()).select_from(Row).where(chosen.surely)).scalar_one()
    if chosen.unsure is not None:
        number += sum(len(page) for page in matching(connection, chosen, chosen.unsure))
    return Number(count=number)


class Change(Value):
    """What to change in which rows."""

    table: TableName
    where: Where
    set: Cells


@rows.action("Change rows", effect="changes", stores=True)
def update(connection: sa.Connection, given: Change) -> Number:
    """Set values in every row that meets the conditions."""
    columns = columns_of(connection, given.table)
    new = columns.cells(given.set)
    chosen = _chosen(connection, columns, given.where)
    number = 0
    begin(connection)
    try:
        with connection.begin_nested():
            for page in matching(connection, chosen, chosen.maybe, lock=True):
                keep(connection, columns, {row.id: columns.merged(row.cells, new) for row in page})
                number += len(page)
    except sa.exc.IntegrityError as error:
        raise Refused(f"Table {given.table}: two rows would have the same key. Nothing was changed.") from error
    return Number(count=number)


class Which(Value):
    """Which rows of a table."""

    table: TableName
    where: Where


@rows.action("Delete rows", effect="destroys", stores=True)
def delete(connection: sa.Connection, given: Which) -> Number:
    """Forget every row that meets the conditions."""
    chosen = _chosen(connection, columns_of(connection, given.table), given.where)
    number = connection.execute(sa.delete(Row).where(chosen.surely)).rowcount
    if chosen.unsure is not None:
        for page in matching(connection, chosen, chosen.unsure, lock=True):
            connection.execute(sa.delete(Row).where(col(Row.id).in_([row.id for row in page])))
            number += len(page)
    return Number(count=number)


def _chosen(connection: sa.Connection, columns: Columns, where: Sequence[Test]) -> Selection:
    return selection(connection.dialect.name, columns, where)
