"""Rows for very many things at once: kept for each of a list, or told apart from what has none yet."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col

from connectors import base
from connectors.base import Summary, Value
from connectors.errors import Refused
from flows.builtins.shapes import Path, reach
from flows.columns import Columns
from flows.datasets import Datasets
from flows.row_tables import add_all, begin, columns_of, keep
from flows.rows import Cells, TableName, rows
from flows.store import Store
from flows.tables import Row
from flows.words import Identifier

__all__ = ["rows"]

PAGE: Final = 1_000
"""Things that are looked at together."""

Taken = Annotated[
    dict[Identifier, Path],
    Field(
        min_length=1,
        title="Taken from each",
        description="Columns, each with the place in an item where its value is, such as {person: user_id}.",
    ),
]


class RowForEach(Value):
    """Things, and what to remember of each."""

    table: TableName
    items: list[Any] = Field(max_length=10_000, title="Items", description="One row is for each of them.")
    take: Taken
    set: Cells = Field(default={}, title="Values", description="By the names of the columns; the same for all.")


class EachKept(Value):
    """How many rows it was."""

    count: int = Field(title="How many", description="How many different rows.")
    created: int = Field(title="Were added", description="How many of them were not there before.")


@rows.action("Add or change a row for each", effect="changes", stores=True)
def upsert_each(connection: sa.Connection, given: RowForEach) -> EachKept:
    """Change the row of each item of a list, or add it, all of them or none. Columns that are not named stay as they are."""
    columns = columns_of(connection, given.table)
    columns.need_key()
    same = columns.cells(given.set)
    wanted: dict[str, dict[str, Any]] = {}
    for item in given.items:
        new = {**_taken(columns, given.take, item), **same}
        wanted[str(columns.key_of(new))] = new
    begin(connection)
    created = 0
    for keys in _pages(list(wanted)):
        there = _there(connection, columns, keys)
        new = {key: columns.merged({}, wanted[key]) for key in keys if key not in there}
        created += len(new)
        add_all(connection, columns, new)
        # What came in between was added by somebody else: it is changed like all that was there.
        rows_ = _rows(connection, columns, keys)
        changed = {row.id: columns.merged(row.cells, wanted[row.key]) for row in rows_}
        keep(connection, columns, {row.id: changed[row.id] for row in rows_ if changed[row.id] != row.cells})
    return EachKept(count=len(wanted), created=created)


class Unremembered(Value):
    """Very many things, and the table that some of them have rows in."""

    table: TableName
    items: base.Dataset = Field(title="Items", description="A dataset, such as `auth0.find_inactive_users` gives.")
    take: Taken
    set: Cells = Field(default={}, title="Values", description="Columns of the key that are the same for all.")
    most: int | None = Field(
        default=None, ge=0, title="At most", description="How many to bring; all are counted. Empty for all."
    )


class Item(BaseModel):
    """An item of a dataset: what is in it depends on that."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Told(Summary):
    """How many have a row."""

    known: int = Field(title="Known", description="How many of the items have a row.")
    missing: int = Field(title="Missing", description="How many have none.")
    left: int = Field(title="Left", description="How many of these are not brought, because that would be too many.")


@rows.action("Find what has no row", effect="reads")
async def missing(client: Store, given: Unremembered) -> AsyncIterator[Item | Told]:
    """Yield the items of a dataset that have no row in a table, by its key. Summary: known, missing, left."""
    datasets, known, brought, count = Datasets(client), 0, 0, 0

    def without(connection: sa.Connection, some: Sequence[Any]) -> list[Any]:
        columns = columns_of(connection, given.table)
        columns.need_key()
        same = columns.cells(given.set)
        keys = [str(columns.key_of({**_taken(columns, given.take, item), **same})) for item in some]
        there = _there(connection, columns, keys)
        return [item for key, item in zip(keys, some, strict=True) if key not in there]

    for start in range(0, given.items.count, PAGE):
        some = await datasets.read(given.items.id, start, PAGE)
        new = await client.transact(lambda session, some=some: without(session.connection(), some))  # type: ignore[misc]  # bound now
        known, count = known + len(some) - len(new), count + len(new)
        for item in new if given.most is None else new[: given.most - brought]:
            brought += 1
            yield Item.model_validate(item)
    yield Told(known=known, missing=count, left=count - brought)


def _taken(columns: Columns, take: Mapping[str, str], item: Any) -> dict[str, Any]:
    try:
        return columns.cells({column: reach(item, path)[0] for column, path in take.items()})
    except Refused as error:
        raise Refused(f"{error.message} (One of the items does not fit.)") from error


def _pages(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), PAGE):
        yield keys[start : start + PAGE]


def _there(connection: sa.Connection, columns: Columns, keys: Sequence[str]) -> set[str]:
    query = sa.select(col(Row.key)).where(col(Row.table_name) == columns.table, col(Row.key).in_(keys))
    return {str(key) for key in connection.execute(query).scalars()}


def _rows(connection: sa.Connection, columns: Columns, keys: Sequence[str]) -> Sequence[Any]:
    """Return the rows of some keys, locked until the transaction ends; always in the same order, so that two cannot block."""
    query = (
        sa.select(col(Row.id), col(Row.key), col(Row.cells))
        .where(col(Row.table_name) == columns.table, col(Row.key).in_(keys))
        .order_by(col(Row.id))
        .with_for_update()
    )
    return connection.execute(query).all()
