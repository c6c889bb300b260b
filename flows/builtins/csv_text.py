"""CSV: tables as text, for people and for machines."""

import csv
import io
import json
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from connectors.base import Declaring, Value
from connectors.errors import Refused
from flows.builtins.shapes import (
    MOST_ITEMS,
    MOST_VALUES,
    AnyList,
    AnyText,
    OneText,
    Path,
    quoted,
    reach,
)

csv_text: Final = Declaring("csv", title="CSV")

MOST_COLUMNS: Final = 1_000
MOST_WRITTEN: Final = 10_000_000
"""Characters of a written table: as large as a file may be that goes to Slack."""
DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How cells begin that a spreadsheet takes for formulas, and carries out (OWASP, CSV injection)."""

Separator = Literal[",", ";", "\t", "|"]


class Parsed(Value):
    """A table as text."""

    text: AnyText = Field(title="Text", description="The CSV.")
    separator: Separator = Field(default=",", title="Separator", description="What stands between two cells.")
    header: bool = Field(default=True, title="Header", description="Whether the first line names the columns.")


class Rows(Value):
    """A table."""

    items: list[Any] = Field(
        title="Rows", description="The rows: objects with text by the names of the columns, or lists without a header."
    )
    count: int = Field(title="Count", description="How many rows there are.")
    columns: list[str] = Field(title="Columns", description="The names of the columns; none without a header.")


@csv_text.action("Read CSV", effect="reads")
def parse(given: Parsed) -> Rows:
    """Turn CSV into a list of rows. Empty lines are left out; cells that are missing at the end of a line are empty."""
    lines: list[list[str]] = []
    reader = csv.reader(
        io.StringIO(given.text.removeprefix("\ufeff"), newline=""), delimiter=given.separator, strict=True
    )
    try:
        for line in reader:
            if line:
                lines.append(line)
            if len(lines) > MOST_ITEMS:
                raise Refused(f"The table has more than {MOST_ITEMS:,} lines.")
    except csv.Error as error:
        raise Refused(f"This is no CSV: line {reader.line_num}: {error}.") from error
    if not given.header:
        return Rows(items=lines, count=len(lines), columns=[])
    columns = [name or f"column {number}" for number, name in enumerate(lines[0] if lines else [], 1)]
    if len(columns) > MOST_COLUMNS:
        raise Refused(f"The table has more than {MOST_COLUMNS:,} columns.")
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise Refused(f"Two columns are called {quoted(twice)}.")
    if (len(lines) - 1) * len(columns) > MOST_VALUES:
        raise Refused(f"The table has more than {MOST_VALUES:,} cells.")
    rows = [_row(columns, line, number) for number, line in enumerate(lines[1:], 1)]
    return Rows(items=rows, count=len(rows), columns=columns)


def _row(columns: list[str], line: list[str], number: int) -> dict[str, str]:
    if len(line) > len(columns):
        raise Refused(f"Row {number} has {len(line)} cells, and there are {len(columns)} columns.")
    return dict(zip(columns, line + [""] * (len(columns) - len(line)), strict=True))


class Composed(Value):
    """A table to write."""

    items: AnyList = Field(title="Rows", description="The rows: objects, or lists of cells.")
    columns: Annotated[list[Path], Field(max_length=MOST_COLUMNS)] | None = Field(
        default=None,
        title="Columns",
        description="Which values of each object, such as email or user.name. Left out: all names in any of them.",
    )
    separator: Separator = Field(default=",", title="Separator", description="What stands between two cells.")
    header: bool = Field(default=True, title="Header", description="Whether the first line names the columns.")
    for_machines: bool = Field(
        default=False,
        title="For machines",
        description="Off: text that a spreadsheet would take for a formula gets an apostrophe. On: all stays as it is.",
    )


@csv_text.action("Write CSV", effect="reads")
def compose(given: Composed) -> OneText:
    """Turn a list of rows into CSV, safe to open in a spreadsheet unless it is meant for machines."""
    columns = given.columns if given.columns is not None else _columns(given.items)
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=given.separator)
    if given.header and columns:
        writer.writerow([_safe(name, for_machines=given.for_machines) for name in columns])
    for number, item in enumerate(given.items, 1):
        writer.writerow([_cell(value, for_machines=given.for_machines) for value in _values(item, columns, number)])
        if out.tell() > MOST_WRITTEN:
            raise Refused(f"The table would have more than {MOST_WRITTEN:,} characters: write it in several.")
    return OneText(text=out.getvalue())


def _columns(items: list[Any]) -> list[str]:
    columns: dict[str, None] = {}
    for item in items:
        if isinstance(item, dict):
            columns.update(dict.fromkeys(item))
        if len(columns) > MOST_COLUMNS:
            raise Refused(f"The table would have more than {MOST_COLUMNS:,} columns: say which.")
    return list(columns)


def _values(item: Any, columns: list[str], number: int) -> list[Any]:
    match item:
        case list() if not columns:
            return item
        case dict():
            # A name as it stands goes first: names in events may have dots.
            return [item[column] if column in item else reach(item, column)[0] for column in columns]
        case _:
            raise Refused(
                f"Row {number} is {'a list among objects' if isinstance(item, list) else 'no list and no object'}."
            )


def _cell(value: Any, *, for_machines: bool) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower() if for_machines else "yes" if value else "no"
        case int() | float():
            return str(value)  # a number with its sign is no formula
        case str():
            return _safe(value, for_machines=for_machines)
        case _:
            return json.dumps(value, ensure_ascii=False)


def _safe(text: str, *, for_machines: bool) -> str:
    return f"'{text}" if text.startswith(DANGEROUS) and not for_machines else text
