"""What tables, fields, records and values are called, and what must never be part of a query."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

FIELD: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
COLUMN: Final = re.compile(r"[a-z][a-z0-9_]*")
TableName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,79}$"),
    Field(title="Table", description="ServiceNow's name of the table, such as incident or sys_user."),
]
SysId = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-Za-z_]{1,32}$"),
    Field(title="sys_id", description="ServiceNow's id of the record: 32 letters and digits."),
]
SYS_ID: Final = re.compile(r"[0-9a-f]{32}")


def _fit_for_query(text: str) -> str:
    """Refuse what would change a query: there is no way to escape it.

    `^` separates the terms, a line break ends them, and a value that begins with `javascript:` is run as a script.
    """
    if "^" in text or not all(each.isprintable() for each in text):
        raise ValueError("ServiceNow cannot look for a text with ^ or a line break in it.")
    if text.strip().lower().startswith("javascript:"):
        raise ValueError("ServiceNow would run this as a script.")
    return text


Sought = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_fit_for_query)]
"""A text that may be looked for."""


def a_field(name: str) -> str:
    """Refuse what is not the name of a field, or of one that is reached through others."""
    if len(name) > 200 or not FIELD.fullmatch(name):
        raise ValueError("This is not the name of a field. It looks like short_description or caller_id.email.")
    return name


def a_column(name: str) -> str:
    """Refuse what is not the name of a field of the record itself."""
    if len(name) > 80 or not COLUMN.fullmatch(name):
        raise ValueError("This is not the name of a field. It looks like short_description.")
    return name


FieldName = Annotated[str, AfterValidator(a_field)]
ColumnName = Annotated[str, AfterValidator(a_column)]
Held = str | int | float | bool | None
"""What a field can be given; None empties it."""


def written(value: Held) -> str:
    """Write a value as ServiceNow does: everything is text."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case _:
            return str(value)
