"""Making a record exactly once.

Each new record carries a mark: a sys_id of its own, which ServiceNow keeps for most tables, and the same in
`correlation_id`, which all tasks have. Where nobody knows whether a record was made, it is looked for by its mark. It is
sent again only where a second one would collide with the first, since the first may still be on its way.
"""

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.errors import Ambiguous, ConnectorError, Missing, Refused
from connectors.servicenow.client import Instance, result_of
from connectors.servicenow.names import Held, written
from connectors.servicenow.queries import Condition, page

SPACE: Final = uuid.UUID("7f0c4f0e-9f0e-5b8e-8f43-5d2f4a3b1c60")
"""The space of names in which keys become ids."""
PRODUCT: Final = "cicflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A record that is there."""

    row: Mapping[str, Any]
    created: bool
    """False where the key had named it before."""
    ignored: tuple[str, ...] = ()
    """Fields that were given and that ServiceNow did not take."""
    known_by_key: bool = True
    """Whether it will be found again by its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _New:
    """A record to be."""

    table: str
    values: Mapping[str, str]
    sys_id: str
    marked: bool
    """Whether correlation_id is ours."""
    fields: tuple[str, ...]


async def make(
    client: Instance, table: str, values: Mapping[str, Held], *, key: str | None, fields: Iterable[str] = ()
) -> Made:
    """Make a record, unless there is one of this key. Raises ConnectorError; Ambiguous where it is not known."""
    sys_id = uuid.uuid5(SPACE, f"{table}\n{key}").hex if key else uuid.uuid4().hex
    marked = "correlation_id" not in values
    mark = {"correlation_id": sys_id, "correlation_display": PRODUCT} if marked else {}
    given = {name: written(value) for name, value in values.items()}
    new = _New(
        table=table,
        values={**mark, **given, "sys_id": sys_id},
        sys_id=sys_id,
        marked=marked,
        fields=tuple(dict.fromkeys(["sys_id", "number", "correlation_id", *fields, *given])),
    )
    async with client.turn(f"{table}/{sys_id}"):
        found = await _look(client, new) if key else None
        made = Made(row=found, created=False) if found else await _inserted(client, new)
    ignored = tuple(name for name in given if name not in made.row) if made.created else ()
    known = made.row["sys_id"] == sys_id or made.row.get("correlation_id") == sys_id
    return Made(row=made.row, created=made.created, ignored=ignored, known_by_key=known)


async def _inserted(client: Instance, new: _New) -> Made:
    try:
        return await _sent(client, new)
    except Ambiguous as error:
        return await _cleared_up(client, new, error)
    except Refused:
        # Another process may have made it a moment ago: then ours collided.
        found = await _look(client, new)
        if found is None:
            raise
        return Made(row=found, created=False)


async def _sent(client: Instance, new: _New) -> Made:
    row = await result_of(
        client,
        "POST",
        f"/api/now/table/{new.table}",
        params=_shape(new),
        json=dict(new.values),
    )
    if not isinstance(row, dict) or not isinstance(row.get("sys_id"), str):
        raise Ambiguous("ServiceNow did not say what it has made.")
    if row["sys_id"] == new.sys_id:
        client.honouring.add(new.table)
    return Made(row=row, created=True)


async def _cleared_up(client: Instance, new: _New, error: Ambiguous) -> Made:
    """Find out what became of a record that may have been made."""
    found = await _looked_repeatedly(client, new)
    if found:
        return Made(row=found, created=True)
    if new.table in client.honouring:
        try:
            return await _sent(client, new)
        except ConnectorError as second:
            # Whatever it is: the first may be there by now, and if it is, that is why.
            found = await _looked_repeatedly(client, new)
            if found:
                return Made(row=found, created=True)
            raise _unknown(new, error) from second
    raise _unknown(new, error)


def _unknown(new: _New, error: Ambiguous) -> Ambiguous:
    return Ambiguous(
        f"{error.message} It was looked for and is not there yet; look for the record with the sys_id or "
        f"correlation id {new.sys_id} in {new.table} before trying again.",
        status=error.status,
    )


async def _looked_repeatedly(client: Instance, new: _New) -> Mapping[str, Any] | None:
    for pause in client.pauses:
        await asyncio.sleep(pause)
        try:
            found = await _look(client, new)
        except ConnectorError:
            continue  # not being able to look is no answer; in the end it is not known
        if found:
            return found
    return None


async def _look(client: Instance, new: _New) -> Mapping[str, Any] | None:
    """Find a record by its mark."""
    try:
        row = await result_of(client, "GET", f"/api/now/table/{new.table}/{new.sys_id}", params=_shape(new))
        if isinstance(row, dict) and row.get("sys_id") == new.sys_id:
            return row
    except Missing:
        pass
    if not new.marked:
        return None
    mark = Condition(field="correlation_id", value=new.sys_id)
    try:
        found = await page(client, new.table, [mark], fields=new.fields, limit=2)
    except Refused as error:
        if error.status is not None:
            raise
        return None  # the table has no correlation_id, and the query brought others
    return found.rows[-1] if found.rows else None


def _shape(new: _New) -> dict[str, str]:
    return {
        "sysparm_fields": ",".join(new.fields),
        "sysparm_display_value": "false",
        "sysparm_input_display_value": "false",
        "sysparm_exclude_reference_link": "true",
    }
