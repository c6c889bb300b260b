"""Columns: the types of what a table remembers, and what fits them."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final, assert_never

from connectors.errors import Refused
from flows.conditions import moment
from flows.language import ColumnType

MOST_NUMBER: Final = 2**53
"""Whole numbers up to here are exact in every database."""
MOST_ROW: Final = 64_000
"""Characters of a row, as JSON."""
MOST_KEY: Final = 2_000
"""Bytes of a key: what an index of PostgreSQL takes."""
MOST_DEPTH: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What a table remembers of each row. A cell without a value is not kept at all."""

    table: str
    types: Mapping[str, ColumnType]
    key: Sequence[str]

    def cells(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return values as they are kept. Raises Refused where one does not fit its column."""
        return {name: self._fitting(name, value) for name, value in given.items()}

    def merged(self, cells: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
        """Return cells with others put over them. Raises Refused if that is too much for one row."""
        merged = {name: value for name, value in {**cells, **other}.items() if value is not None}
        if len(json.dumps(merged)) > MOST_ROW:
            raise Refused(f"Table {self.table}: a row has at most {MOST_ROW} characters.")
        return merged

    def key_of(self, cells: Mapping[str, Any]) -> str | None:
        """Return the key of a row, None for a table without one. Raises Refused where a part of it is missing."""
        if not self.key:
            return None
        for name in self.key:
            if cells.get(name) is None:
                raise Refused(f"Table {self.table}, column {name}: it is part of the key and needs a value.")
        key = written_key([cells[name] for name in self.key])
        if len(key.encode()) > MOST_KEY:
            raise Refused(f"Table {self.table}: a key has at most {MOST_KEY} bytes.")
        return key

    def need_key(self) -> None:
        """Raise Refused if the table has no key."""
        if not self.key:
            raise Refused(f"Table {self.table} has no key. Say `key:` where the flow declares it.")

    def only_key(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the cells of a key. Raises Refused if the table has none, or something else is among them."""
        self.need_key()
        if more := [name for name in given if name not in self.key]:
            raise Refused(
                f"Table {self.table}, column {more[0]}: it is no part of the key, which is {listed(self.key)}."
            )
        return self.cells(given)

    def row(self, cells: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row as flows see it: every column, with null where nothing is known."""
        return {name: cells.get(name) for name in self.types}

    def type_of(self, name: str) -> ColumnType:
        """Return the type of a column. Raises Refused if there is no such column."""
        if name not in self.types:
            raise Refused(f"Table {self.table} has no column {name}. It has {listed(self.types)}.")
        return self.types[name]

    def _fitting(self, name: str, value: Any) -> Any:
        kind = self.type_of(name)
        try:
            return None if value is None else _fitting(kind, value)
        except _UnfitError as error:
            raise Refused(f"Table {self.table}, column {name}: {error}.") from error


class _UnfitError(Exception):
    """A value does not fit its column. Carries what is expected."""


def written_key(parts: Sequence[Any]) -> str:
    """Return the parts of a key as one text."""
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def listed(names: Iterable[str]) -> str:
    """Return names as they stand in a sentence."""
    return ", ".join(names) or "empty"


def number(value: float) -> int | float:
    """Return a number as it is kept: as a whole number, if it is one."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= MOST_NUMBER else value


def instant(value: Any) -> str | None:
    """Return a time as it is kept: ISO 8601 in UTC, whose order as text is that of the times. None for no time."""
    found = moment(value)
    try:
        return None if found is None else found.astimezone(UTC).isoformat()
    except OverflowError:
        return None


def storable(text: str) -> bool:
    """Return whether every database can keep a text: it has no NUL and no half characters."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _fitting(kind: ColumnType, value: Any) -> Any:
    match kind, value:
        case "text", str():
            return _text(value)
        case "number", int() | float() if not isinstance(value, bool):
            if not math.isfinite(value) or (isinstance(value, int) and abs(value) > MOST_NUMBER):
                raise _UnfitError(f"expects a number, if it is whole one between -{MOST_NUMBER} and {MOST_NUMBER}")
            return number(value)
        case "boolean", bool():
            return value
        case "time", str() | int() | float() if not isinstance(value, bool):
            if (found := instant(value)) is None:
                raise _UnfitError("expects a time, such as 2026-01-31T12:00:00Z or Unix seconds, and this is none")
            return found
        case "json", _:
            return _json(value, MOST_DEPTH)
        case "text", _:
            raise _UnfitError(f"expects a text, not {_said(value)}")
        case "number", _:
            raise _UnfitError(f"expects a number, not {_said(value)}")
        case "boolean", _:
            raise _UnfitError(f"expects true or false, not {_said(value)}")
        case "time", _:
            raise _UnfitError(f"expects a time, not {_said(value)}")
        case _:
            assert_never(kind)


def _text(value: str) -> str:
    if not storable(value):
        raise _UnfitError("the text has a NUL or half a character in it")
    return value


def _json(value: Any, depth: int) -> Any:
    match value:
        case _ if depth < 0:
            raise _UnfitError(f"expects JSON of at most {MOST_DEPTH} levels")
        case str():
            return _text(value)
        case Mapping():
            return {_text(str(name)): _json(inner, depth - 1) for name, inner in value.items()}
        case list() | tuple():
            return [_json(inner, depth - 1) for inner in value]
        case int() | float() if not math.isfinite(value) or abs(value) > 1e308:
            raise _UnfitError("expects JSON, whose numbers are finite and below 1e308")
        case None | bool() | int() | float():
            return value
        case _:
            raise _UnfitError("expects JSON")


def _said(value: Any) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case _:
            return "an object"
