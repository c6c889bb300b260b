"""The dictionary: which tables there are, and which fields each of them has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["string", "integer", "boolean", "datetime", "reference", "journal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a field holds."""

    kind: Kind = "string"
    table: str = ""
    """What a reference refers to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table, its fields, what its records are called, and what their numbers begin with."""

    fields: Mapping[str, Field]
    shown: str = "name"
    """The field whose value stands for a record."""
    prefix: str = ""


TEXT, NUMBER, TRUTH, MOMENT, NOTES = (
    Field(),
    Field(kind="integer"),
    Field(kind="boolean"),
    Field(kind="datetime"),
    Field(kind="journal"),
)


def _to(table: str) -> Field:
    return Field(kind="reference", table=table)


_EVERY = {
    "sys_id": TEXT,
    "sys_created_on": MOMENT,
    "sys_created_by": TEXT,
    "sys_updated_on": MOMENT,
    "sys_updated_by": TEXT,
    "sys_mod_count": NUMBER,
}
_TASK = {
    **_EVERY,
    "number": TEXT,
    "short_description": TEXT,
    "description": TEXT,
    "active": TRUTH,
    "state": NUMBER,
    "priority": NUMBER,
    "urgency": NUMBER,
    "impact": NUMBER,
    "assigned_to": _to("sys_user"),
    "assignment_group": _to("sys_user_group"),
    "opened_by": _to("sys_user"),
    "opened_at": MOMENT,
    "work_notes": NOTES,
    "comments": NOTES,
    "close_notes": TEXT,
    "correlation_id": TEXT,
    "correlation_display": TEXT,
}
TABLES: Mapping[str, Table] = {
    "incident": Table(
        fields={
            **_TASK,
            "caller_id": _to("sys_user"),
            "category": TEXT,
            "subcategory": TEXT,
            "contact_type": TEXT,
            "close_code": TEXT,
            "resolved_at": MOMENT,
            "resolved_by": _to("sys_user"),
            "hold_reason": TEXT,
        },
        shown="number",
        prefix="INC",
    ),
    "problem": Table(fields=_TASK, shown="number", prefix="PRB"),
    "sys_user": Table(
        fields={
            **_EVERY,
            "user_name": TEXT,
            "name": TEXT,
            "first_name": TEXT,
            "last_name": TEXT,
            "email": TEXT,
            "title": TEXT,
            "active": TRUTH,
            "locked_out": TRUTH,
            "manager": _to("sys_user"),
        }
    ),
    "sys_user_group": Table(
        fields={
            **_EVERY,
            "name": TEXT,
            "description": TEXT,
            "email": TEXT,
            "active": TRUTH,
            "manager": _to("sys_user"),
        }
    ),
    "sys_user_grmember": Table(fields={**_EVERY, "user": _to("sys_user"), "group": _to("sys_user_group")}),
    "sys_choice": Table(
        fields={
            **_EVERY,
            "name": TEXT,
            "element": TEXT,
            "value": TEXT,
            "label": TEXT,
            "inactive": TRUTH,
            "sequence": NUMBER,
        },
        shown="label",
    ),
    "sys_journal_field": Table(
        fields={**_EVERY, "name": TEXT, "element": TEXT, "element_id": TEXT, "value": TEXT}, shown="element"
    ),
    "sys_attachment": Table(
        fields={
            **_EVERY,
            "table_name": TEXT,
            "table_sys_id": TEXT,
            "file_name": TEXT,
            "content_type": TEXT,
            "size_bytes": NUMBER,
            "size_compressed": NUMBER,
            "hash": TEXT,
            "state": TEXT,
        },
        shown="file_name",
    ),
    # A table that a customer has made: it is no task, so it has no correlation_id.
    "u_access_review": Table(
        fields={**_EVERY, "u_name": TEXT, "u_email": TEXT, "u_due": MOMENT, "u_owner": _to("sys_user")}, shown="u_name"
    ),
    # Where imports arrive: strings only.
    "imp_user": Table(
        fields={**_EVERY, "u_email": TEXT, "u_first_name": TEXT, "u_last_name": TEXT, "u_user_name": TEXT},
        shown="u_email",
    ),
}
