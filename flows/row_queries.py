"""Conditions on rows, put to the database: what it can decide by itself, and what is left to be looked at row by row."""

import itertools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never

import sqlalchemy as sa
from sqlmodel import col

from connectors.errors import Refused
from flows.columns import MOST_NUMBER, Columns, instant, number, storable, written_key
from flows.conditions import AllOf, AnyOf, Comparison, Not, Test, compare, moment
from flows.language import ColumnType
from flows.references import look_up, only_path
from flows.row_clauses import UNKNOWN, Bounds, Clause, SQLite, always, both, dialect, either, exactly, negated
from flows.tables import Row

MOST_KEYS: Final = 10_000
"""Keys that are looked up one by one; beyond, the conditions are asked of all rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The rows of a table that meet conditions."""

    of_table: Clause
    bounds: Bounds
    where: Sequence[Test]

    @property
    def surely(self) -> Clause:
        """Rows that meet the conditions, as the database knows."""
        return sa.and_(self.of_table, self.bounds.surely)

    @property
    def maybe(self) -> Clause:
        """Every row that may meet them."""
        return sa.and_(self.of_table, self.bounds.maybe)

    @property
    def unsure(self) -> Clause | None:
        """Rows that have to be looked at, if there can be any."""
        return None if self.bounds.exact else sa.and_(self.maybe, sa.not_(self.bounds.surely))

    def meets(self, cells: Mapping[str, Any]) -> bool:
        """Return whether the cells of a row that may meet the conditions do."""
        return self.bounds.exact or _every(self.where, cells)


def selection(database: str, columns: Columns, where: Sequence[Test] | None) -> Selection:
    """Return the rows of a table that meet every condition. Raises Refused where one does not speak of its columns."""
    tests = where or ()
    speech = dialect(database)
    bounds = both([_bounds(test, columns, speech) for test in tests])
    of_table: Clause = col(Row.table_name) == columns.table
    key = _key(columns, tests)
    return Selection(of_table=of_table if key is None else sa.and_(of_table, key), bounds=bounds, where=tests)


def order(database: str, columns: Columns, name: str, *, descending: bool) -> list[sa.ColumnElement[Any]]:
    """Return how to sort by a column: texts by their characters' numbers, rows without a value last."""
    kind = columns.type_of(name)
    speech = dialect(database)
    if kind == "json":
        raise Refused(f"Table {columns.table}, column {name}: rows cannot be sorted by JSON.")
    value = speech.number(name) if kind == "number" else speech.ordered(name)
    return [speech.text(name).is_(None), value.desc() if descending else value.asc()]


def _key(columns: Columns, tests: Sequence[Test]) -> Clause | None:
    """Return the condition on the key, if the conditions ask for one, or one of some: then the index finds the rows."""
    wanted: dict[str, list[Any]] = {}
    for test in tests:
        if isinstance(test, Comparison) and test.operator == "is" and test.right is not None:
            wanted[_path(columns, test).removeprefix("row.")] = [test.right]
    for test in tests:
        if isinstance(test, Comparison) and test.operator == "is one of" and isinstance(test.right, list):
            wanted.setdefault(_path(columns, test).removeprefix("row."), test.right)
    parts = [wanted.get(name) for name in columns.key]
    if not parts or any(part is None for part in parts) or math.prod(len(part or []) for part in parts) > MOST_KEYS:
        return None
    keys: list[str] = []
    for several in itertools.product(*(part or [] for part in parts)):
        if not all(_fits_key(columns, name, part) for name, part in zip(columns.key, several, strict=True)):
            return None
        key = written_key([number(part) if isinstance(part, float) else part for part in several])
        keys += [key] if storable(key) else []
    return col(Row.key) == keys[0] if len(keys) == 1 else col(Row.key).in_(keys)


def _fits_key(columns: Columns, name: str, part: Any) -> bool:
    return isinstance(part, bool) if columns.types[name] == "boolean" else isinstance(part, str | int | float)


def _path(columns: Columns, test: Comparison) -> str:
    path = only_path(test.left) or ""
    first, _, rest = path.partition(".")
    if first != "row" or not rest:
        raise Refused(
            f"Table {columns.table}: the left of a condition on rows is a column, such as {{{{ row.name }}}}."
        )
    return path


def _every(tests: Sequence[Test], cells: Mapping[str, Any]) -> bool:
    return all(_meets(test, cells) for test in tests)


def _meets(test: Test, cells: Mapping[str, Any]) -> bool:
    # The right is a value, never a reference: what came with an event must not become one.
    match test:
        case Comparison():
            return compare(look_up(only_path(test.left) or "", {"row": cells}), test.operator, test.right)
        case AllOf():
            return _every(test.all, cells)
        case AnyOf():
            return any(_meets(inner, cells) for inner in test.any)
        case Not():
            return not _meets(test.not_, cells)
        case _:
            assert_never(test)


# --- conditions -----------------------------------------------------------------------------------------------------


def _bounds(test: Test, columns: Columns, speech: SQLite) -> Bounds:
    match test:
        case Comparison():
            return _comparison(test, columns, speech)
        case AllOf():
            return both([_bounds(inner, columns, speech) for inner in test.all])
        case AnyOf():
            return either([_bounds(inner, columns, speech) for inner in test.any])
        case Not():
            return negated(_bounds(test.not_, columns, speech))
        case _:
            assert_never(test)


def _comparison(test: Comparison, columns: Columns, speech: SQLite) -> Bounds:
    _, name, *deeper = _path(columns, test).split(".")
    kind = columns.type_of(name)
    if deeper and kind != "json":
        raise Refused(f"Table {columns.table}, column {name}: only JSON has something inside that can be referred to.")
    # A row without a value answers as null does. All else is asked of those with one only: there, nothing is NULL.
    present = speech.text(name).is_not(None)
    known = UNKNOWN if deeper else _known(test, name, kind, speech)
    here = both([exactly(present), known])
    return either([here, exactly(sa.not_(present))]) if compare(None, test.operator, test.right) else here


def _known(test: Comparison, name: str, kind: ColumnType, speech: SQLite) -> Bounds:
    """Return what the database can say of rows that have a value in the column."""
    right = test.right
    match test.operator:
        case "exists":
            return always(compare("", "exists", right))
        case "is":
            return _equal(name, kind, right, speech)
        case "is not":
            return negated(_equal(name, kind, right, speech))
        case "is one of":
            return _one_of(name, kind, right, speech) if isinstance(right, list) else always(False)
        case "is empty":
            empty = _equal(name, kind, "", speech)
            return empty if right is not False else negated(empty)
        case "before" | "after":
            return _moment(test.operator, name, kind, right, speech)
        case _ if kind == "json":
            return UNKNOWN
        case "contains" | "starts with" | "ends with":
            fits = kind in {"text", "time"} and isinstance(right, str)
            return _piece(test.operator, name, right, speech) if fits else always(False)
        case "matches":
            return UNKNOWN if kind in {"text", "time"} else always(False)
        case "less than" | "greater than" | "at least" | "at most":
            return _number(test.operator, name, right, speech) if kind == "number" else always(False)
        case _:
            assert_never(test.operator)


def _equal(name: str, kind: ColumnType, right: Any, speech: SQLite) -> Bounds:
    match kind, right:
        case "json", _:
            return UNKNOWN
        case "text" | "time", str() if storable(right):
            return exactly(speech.text(name) == right)
        case "boolean", bool():
            return exactly(speech.true(name) if right else sa.not_(speech.true(name)))
        case "number", _:
            return _number("is", name, right, speech)
        case _:
            return always(False)


def _one_of(name: str, kind: ColumnType, right: Sequence[Any], speech: SQLite) -> Bounds:
    match kind:
        case "json":
            return UNKNOWN
        case "boolean":
            return either([_equal(name, kind, one, speech) for one in (True, False) if any(of is one for of in right)])
        case "text" | "time":
            texts = [one for one in right if isinstance(one, str) and storable(one)]
            return exactly(speech.one_of(speech.text(name), texts))
        case "number":
            numbers = [float(one) for one in right if _exact(one)]
            value, fraction = speech.number(name), speech.fraction(name)
            if any(_is_number(one) and not _exact(one) for one in right):
                return UNKNOWN
            if fraction is None:
                return exactly(speech.one_of(value, numbers))
            whole = sa.and_(sa.not_(fraction), speech.one_of(value, [one for one in numbers if one.is_integer()]))
            return Bounds(whole, sa.or_(whole, fraction))
        case _:
            assert_never(kind)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _exact(value: Any) -> bool:
    """Return whether a number is the same as a floating-point number, which is how the databases compare."""
    return _is_number(value) and math.isfinite(value) and (isinstance(value, float) or abs(value) <= MOST_NUMBER)


_RELATIONS: Final[Mapping[str, Callable[[Any, Any], Clause]]] = {
    "is": operator.eq,
    "less than": operator.lt,
    "greater than": operator.gt,
    "at least": operator.ge,
    "at most": operator.le,
}


def _number(relation: str, name: str, right: Any, speech: SQLite) -> Bounds:
    if not _is_number(right):
        return always(False)
    if not _exact(right):
        return UNKNOWN
    value, bound, fraction = speech.number(name), float(right), speech.fraction(name)
    found = _RELATIONS[relation](value, bound)
    if fraction is None:
        return exactly(found)
    slack = abs(bound) * 1e-12 + 1e-300
    unsure = sa.and_(fraction, value.between(bound - slack, bound + slack))
    return Bounds(sa.and_(found, sa.not_(unsure)), sa.or_(found, unsure))


def _piece(relation: str, name: str, right: str, speech: SQLite) -> Bounds:
    piece = right.casefold()
    if not piece:
        return always(True)
    if not storable(piece):
        return always(False)
    # Outside of ASCII, case is more than the databases know: ß is ss, and the Kelvin sign a k.
    ascii_only, text = speech.ascii(name), speech.folded(name)
    if not piece.isascii():
        return Bounds(sa.false(), sa.not_(ascii_only))
    match relation:
        case "contains":
            found = speech.contains(text, piece)
        case "starts with":
            found = sa.func.substr(text, 1, len(piece)) == piece
        case _:
            found = speech.ends(text, piece)
    return Bounds(sa.and_(ascii_only, found), sa.or_(sa.not_(ascii_only), found))


def _moment(relation: str, name: str, kind: ColumnType, right: Any, speech: SQLite) -> Bounds:
    wanted, bound = moment(right), instant(right)
    if wanted is None or kind == "boolean":
        return always(False)
    match kind:
        case "time" if bound is not None:
            text = speech.ordered(name)
            return exactly(text < bound if relation == "before" else text > bound)
        case "number":  # Unix seconds
            value, at = speech.number(name), wanted.timestamp()
            return Bounds(sa.false(), value < at + 1 if relation == "before" else value > at - 1)
        case _:
            return UNKNOWN
