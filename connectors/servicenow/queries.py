"""Looking for records: the query is written, and what it brings is held against it.

ServiceNow drops the terms that it does not understand, without a word, and then finds all the rest. So nothing is
believed that does not show the fields that were asked for, with the values that were asked for.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from connectors.base import Value
from connectors.errors import Refused
from connectors.servicenow.client import Instance
from connectors.servicenow.names import FieldName, Sought, written

PAGE: Final = 500
Test = Literal[
    "is", "is not", "is one of", "contains", "starts with", "is more than", "is less than", "is empty", "is not empty"
]
WORDS: Final[Mapping[Test, str]] = {
    "is": "=",
    "is not": "!=",
    "is one of": "IN",
    "contains": "LIKE",
    "starts with": "STARTSWITH",
    "is more than": ">",
    "is less than": "<",
    "is empty": "ISEMPTY",
    "is not empty": "ISNOTEMPTY",
}
"""What ServiceNow calls each test."""


class Condition(Value):
    """Something that must be so of a record."""

    field: FieldName = Field(title="Field", description="Such as state, or caller_id.email.")
    test: Test = Field(default="is", title="Test", description="How the field is compared.")
    value: Sought | int | bool | list[Sought] | None = Field(
        default=None, title="Value", description="What it is compared with; a list for `is one of`."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.test == "is one of") != isinstance(self.value, list):
            raise ValueError("`is one of`, and nothing else, needs a list.")
        if isinstance(self.value, list) and (not self.value or any("," in one for one in self.value)):
            raise ValueError("The list must not be empty, and no text in it may have a comma.")
        if self.test in {"is empty", "is not empty"}:
            if self.value is not None:
                raise ValueError("This test needs no value.")
        elif self.value is None or self.value == "":
            raise ValueError("Say what to compare with; for nothing there is `is empty`.")
        return self

    def term(self) -> str:
        """Write it as a term of a query."""
        value = ",".join(self.value) if isinstance(self.value, list) else written(self.value)
        return f"{self.field}{WORDS[self.test]}{value}"

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a record that was found is one that was asked for, as far as it shows."""
        held = row.get(self.field)
        if not isinstance(held, str):
            return False  # the field does not exist, or may not be seen: the term was dropped
        match self.test, self.value:
            case "is", value:
                return held.casefold() == written(value).casefold()  # type: ignore[arg-type]  # a text, as the operator asks for
            case "is one of", list() as values:
                return held.casefold() in {one.casefold() for one in values}
            case "is empty", _:
                return not held
            case "is not empty", _:
                return bool(held)
            case _:
                return True  # how it compares is known to the database only


def equal(where: Mapping[str, Any]) -> list[Condition]:
    """Make the conditions that fields have values; a value that is None means an empty field."""
    return [
        Condition(field=name, test="is empty" if value is None else "is", value=value) for name, value in where.items()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The records that were found first, the newest in front."""

    rows: Sequence[Mapping[str, Any]]
    total: int
    """How many fit, with those that may not be seen."""


async def page(
    client: Instance, table: str, conditions: Sequence[Condition], *, fields: Iterable[str], limit: int
) -> Page:
    """Find the newest records. Raises Refused where a condition was dropped."""
    query = "^".join([*(one.term() for one in conditions), "ORDERBYDESCsys_created_on"])
    rows, total = await _asked(client, table, query, conditions, fields, limit=limit)
    return Page(rows=rows, total=max(total, len(rows)))


async def every(
    client: Instance, table: str, conditions: Sequence[Condition], *, fields: Iterable[str]
) -> AsyncIterator[Mapping[str, Any]]:
    """Find all records, in the order of their ids: what is made or deleted meanwhile moves no others.

    A page is cut before what may not be seen is left out of it: an empty one is not the end.
    """
    last, offset = "", 0
    while True:
        beyond = [f"sys_id>{last}"] if last else []
        query = "^".join([*(one.term() for one in conditions), *beyond, "ORDERBYsys_id"])
        rows, total = await _asked(client, table, query, conditions, fields, limit=PAGE, offset=offset)
        for row in rows:
            if row["sys_id"] <= last:
                raise Refused("ServiceNow does not give the records in the order of their ids.")
            yield row
        if offset + PAGE >= total:
            return
        last, offset = (rows[-1]["sys_id"], 0) if rows else (last, offset + PAGE)


async def _asked(
    client: Instance,
    table: str,
    query: str,
    conditions: Sequence[Condition],
    fields: Iterable[str],
    *,
    limit: int,
    offset: int = 0,
) -> tuple[list[dict[str, Any]], int]:
    names = dict.fromkeys(["sys_id", *fields, *(one.field for one in conditions)])
    parameters: dict[str, str | int] = {
        "sysparm_query": query,
        "sysparm_fields": ",".join(names),
        "sysparm_limit": limit,
        "sysparm_display_value": "false",
        "sysparm_exclude_reference_link": "true",
    }
    if offset:
        parameters["sysparm_offset"] = offset
    response = await client.http.get(f"/api/now/table/{table}", params=parameters)
    result = response.json()["result"]
    rows = result if isinstance(result, list) else [result]
    for condition in conditions:
        if not all(condition.holds(row) for row in rows):
            raise Refused(
                f"ServiceNow did not look for {condition.field}: the table {table} has no such field, it may not be "
                "seen, or the value does not fit."
            )
    counted = response.headers.get("x-total-count", "")
    return rows, int(counted) if counted.isdecimal() else offset + len(rows)
