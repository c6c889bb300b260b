"""What is chosen from an instance: groups, people, and the values that a field may have."""

import re
from collections.abc import Sequence
from typing import Final

from connectors.errors import Refused
from connectors.menus import Choice, Sought, ordered
from connectors.servicenow.client import Instance
from connectors.servicenow.connector import servicenow
from connectors.servicenow.names import SYS_ID, written
from connectors.servicenow.queries import Condition, equal, page

SHOWN: Final = 200
FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,79}\.[a-z][a-z0-9_]{0,79}")


@servicenow.menu("Groups", searched=True)
async def groups(client: Instance, sought: Sought) -> Sequence[Choice]:
    """Look for the groups that work, by a part of their name."""
    return await _named(client, "sys_user_group", sought.text, "name")


@servicenow.menu("People", searched=True)
async def users(client: Instance, sought: Sought) -> Sequence[Choice]:
    """Look for people who may use ServiceNow, by a part of their name, or by what of an address is before the @."""
    return await _named(client, "sys_user", sought.text, "email" if "@" in sought.text else "name")


@servicenow.menu("Values of a field", of="a table and a field, such as incident.category")
async def values(client: Instance, sought: Sought) -> Sequence[Choice]:
    """List what can be chosen for a field."""
    if not FIELD.fullmatch(sought.of):
        raise Refused(f"{sought.of} is not a table and a field, such as incident.category.")
    table, _, field = sought.of.partition(".")
    where = equal({"name": table, "element": field, "inactive": False})
    found = await page(client, "sys_choice", where, fields=("value", "label"), limit=SHOWN)
    return ordered(Choice(value=written(row.get("value")), label=written(row.get("label"))) for row in found.rows)


async def _named(client: Instance, table: str, text: str, field: str) -> list[Choice]:
    typed = "".join(each for each in text if each != "^" and each.isprintable()).strip()
    typed = re.sub(r"^javascript:", "", typed, flags=re.IGNORECASE)
    where = equal({"active": True})
    if SYS_ID.fullmatch(typed):
        where = equal({"sys_id": typed})
    elif typed:
        where.append(Condition(field=field, test="contains", value=typed))
    found = await page(client, table, where, fields=("name", field), limit=SHOWN)
    return ordered(Choice(value=row["sys_id"], label=_label(row.get("name"), row.get(field))) for row in found.rows)


def _label(name: object, other: object) -> str:
    texts = dict.fromkeys(str(each) for each in (name, other) if each)
    return ", ".join(texts)
