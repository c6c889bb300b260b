"""Clauses of the database for conditions of the language, which it can often say only nearly."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col

from flows.tables import Row

Clause = sa.ColumnElement[bool]
CELLS: Final = col(Row.cells)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Two conditions of the database around one of the language.

    Rows of which the first is true meet it, rows of which the second is false do not. Where both are the same, nothing
    is left to be looked at.
    """

    surely: Clause
    maybe: Clause

    @property
    def exact(self) -> bool:
        """Whether the database decides it alone."""
        return self.surely is self.maybe


UNKNOWN: Final = Bounds(sa.false(), sa.true())
"""The database cannot say anything: every row is to be looked at."""


def exactly(clause: Clause) -> Bounds:
    """Return a condition that the database decides alone."""
    return Bounds(clause, clause)


def always(held: bool) -> Bounds:
    """Return a condition that does not depend on the row."""
    return exactly(sa.true() if held else sa.false())


def both(parts: Sequence[Bounds]) -> Bounds:
    """Return the condition that every part holds."""
    return _bounds(
        parts,
        lambda: sa.and_(sa.true(), *(part.surely for part in parts)),
        lambda: sa.and_(sa.true(), *(part.maybe for part in parts)),
    )


def either(parts: Sequence[Bounds]) -> Bounds:
    """Return the condition that one of the parts holds."""
    return _bounds(
        parts,
        lambda: sa.or_(sa.false(), *(part.surely for part in parts)),
        lambda: sa.or_(sa.false(), *(part.maybe for part in parts)),
    )


def negated(part: Bounds) -> Bounds:
    """Return the condition that a part does not hold."""
    return _bounds([part], lambda: sa.not_(part.maybe), lambda: sa.not_(part.surely))


def _bounds(parts: Sequence[Bounds], surely: Callable[[], Clause], maybe: Callable[[], Clause]) -> Bounds:
    return exactly(surely()) if all(part.exact for part in parts) else Bounds(surely(), maybe())


class SQLite:
    """How SQLite says things. It reads fractions from JSON with an error in the last place."""

    def text(self, name: str) -> sa.ColumnElement[str]:
        """Return what a column says."""
        text: sa.ColumnElement[str] = CELLS[name].as_string()
        return text

    def ordered(self, name: str) -> sa.ColumnElement[str]:
        """Return what a column says, compared by the characters' numbers."""
        return self.text(name)

    def folded(self, name: str) -> sa.ColumnElement[str]:
        """Return what a column says, for an ASCII text without regard to case."""
        return sa.func.lower(self.text(name))

    def ascii(self, name: str) -> Clause:
        """Return whether a text is ASCII."""
        return sa.func.length(sa.cast(self.text(name), sa.LargeBinary)) == sa.func.length(self.text(name))

    def contains(self, text: sa.ColumnElement[str], piece: str) -> Clause:
        """Return whether a text has a piece in it."""
        return sa.func.instr(text, piece) > 0

    def ends(self, text: sa.ColumnElement[str], piece: str) -> Clause:
        """Return whether a text ends with a piece that is not empty."""
        return sa.func.substr(text, -len(piece)) == piece

    def true(self, name: str) -> Clause:
        """Return whether a column says true."""
        return sa.func.json_type(CELLS, f"$.{name}") == "true"

    def number(self, name: str) -> sa.ColumnElement[float]:
        """Return the number in a column."""
        number: sa.ColumnElement[float] = CELLS[name].as_float()
        return number

    def fraction(self, name: str) -> Clause | None:
        """Return whether the number in a column may be read wrongly in its last place. None: no number is."""
        return sa.func.json_type(CELLS, f"$.{name}") == "real"

    def one_of(self, value: sa.ColumnElement[Any], values: Sequence[Any]) -> Clause:
        """Return whether a value is among others, however many."""
        each = sa.func.json_each(json.dumps(values, ensure_ascii=False)).table_valued("value")
        return value.in_(sa.select(each.c.value))


class PostgreSQL(SQLite):
    """How PostgreSQL says things."""

    def ordered(self, name: str) -> sa.ColumnElement[str]:
        """Return what a column says, compared by the characters' numbers."""
        return sa.collate(self.text(name), "C")

    def folded(self, name: str) -> sa.ColumnElement[str]:
        """Return what a column says, for an ASCII text without regard to case."""
        return sa.func.lower(self.ordered(name))  # elsewhere than in "C", an I may become a Turkish ı

    def ascii(self, name: str) -> Clause:
        """Return whether a text is ASCII."""
        return sa.func.octet_length(self.text(name)) == sa.func.char_length(self.text(name))

    def contains(self, text: sa.ColumnElement[str], piece: str) -> Clause:
        """Return whether a text has a piece in it."""
        return sa.func.strpos(text, piece) > 0

    def ends(self, text: sa.ColumnElement[str], piece: str) -> Clause:
        """Return whether a text ends with a piece that is not empty."""
        return sa.func.right(text, len(piece)) == piece

    def true(self, name: str) -> Clause:
        """Return whether a column says true."""
        return self.text(name) == "true"

    def number(self, name: str) -> sa.ColumnElement[float]:
        """Return the number in a column."""
        # The cast is guarded: rows of other tables, which may be looked at first, can have a text here.
        return sa.case((sa.func.json_typeof(CELLS[name]) == "number", sa.cast(self.text(name), sa.Double)))

    def fraction(self, name: str) -> None:  # noqa: ARG002  # all are read right
        """Return None: PostgreSQL reads every number right."""
        return

    def one_of(self, value: sa.ColumnElement[Any], values: Sequence[Any]) -> Clause:
        """Return whether a value is among others, however many."""
        return value == sa.any_(sa.literal(values, ARRAY(value.type)))


def dialect(name: str) -> SQLite:
    """Return how a database says things, by SQLAlchemy's name for it."""
    return PostgreSQL() if name == "postgresql" else SQLite()
