"""People as a table to open in a spreadsheet: cells are written so that none is taken for a formula."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from flows.builtins.csv_text import Composed, compose
from flows.offering import Person

LARGEST: Final = 4_000_000
"""Characters of a file."""
COLUMNS: Final = ("user", "e-mail", "name", "created", "tried out")
FACTS: Final = {"e-mail": "email", "name": "name", "created": "created_at"}
"""What is shown of somebody, as far as it is known."""


async def people_csv(
    pages: AsyncIterator[Sequence[Person]], tried: Mapping[str, str], *, largest: int = LARGEST
) -> AsyncIterator[str]:
    """Yield people as CSV: one file, or several where there are very many. `tried` says of some what a flow would do."""
    sheet, size = [_lines([], header=True)], 0
    async for page in pages:
        text = _lines([_row(one, tried.get(one.person, "")) for one in page], header=False)
        if size + len(text) > largest:
            yield "".join(sheet)
            sheet, size = [_lines([], header=True)], 0
        sheet.append(text)
        size += len(text)
    yield "".join(sheet)


def _row(one: Person, tried: str) -> dict[str, Any]:
    about = next(
        (value for value in one.event.values() if isinstance(value, dict) and one.person in value.values()), {}
    )
    facts = {column: about.get(name) for column, name in FACTS.items()}
    return {"user": one.person, **facts, "tried out": tried}


def _lines(rows: Sequence[Mapping[str, Any]], *, header: bool) -> str:
    return compose(Composed(items=list(rows), columns=list(COLUMNS), header=header)).text
