"""What is chosen from an org: objects, their fields, the values of those, record types, and people."""

from collections.abc import Sequence
from typing import Final

from connectors.errors import Refused
from connectors.menus import Choice, Sought, ordered
from connectors.salesforce.client import NAME, Org
from connectors.salesforce.connector import salesforce
from connectors.salesforce.describing import Described, DescribedField, described, objects_of
from connectors.salesforce.soql import Condition, found, select

OF: Final = "an object, such as Contact"
SHOWN: Final = 200


@salesforce.menu("Objects")
async def objects(client: Org, sought: Sought) -> Sequence[Choice]:  # noqa: ARG001 - they come all at once
    """List the objects whose records can be looked for."""
    return ordered(_choice(each.name, each.label) for each in await objects_of(client))


@salesforce.menu("Fields", of=OF)
async def fields(client: Org, sought: Sought) -> Sequence[Choice]:
    """List the fields of an object that can be filled."""
    return _of([each for each in (await _object(client, sought.of)).fields if each.createable])


@salesforce.menu("External ids", of=OF)
async def external_ids(client: Org, sought: Sought) -> Sequence[Choice]:
    """List the fields of an object by which its records are told apart from outside."""
    return _of([each for each in (await _object(client, sought.of)).fields if each.externalId])


@salesforce.menu("Values of a field", of="an object and a field, such as Lead.Status")
async def values(client: Org, sought: Sought) -> Sequence[Choice]:
    """List what can be picked for a field."""
    name, _, field = sought.of.partition(".")
    every = [each for each in (await _object(client, name)).fields if each.name == field]
    if not every:
        raise Refused(f"{name} has no field {field}.")
    return [_choice(one.value, one.label or "") for each in every for one in each.picklistValues if one.active]


@salesforce.menu("Record types", of=OF)
async def record_types(client: Org, sought: Sought) -> Sequence[Choice]:
    """List the record types of an object that may be used; every object has its master besides."""
    types = (await _object(client, sought.of)).recordTypeInfos
    return ordered(
        Choice(value=each.recordTypeId, label=each.name)
        for each in types
        if each.active and each.available and not each.master
    )


@salesforce.menu("People", searched=True)
async def users(client: Org, sought: Sought) -> Sequence[Choice]:
    """Look for people who may sign in to the org, by a part of their name."""
    typed = "".join(each for each in sought.text if each.isprintable()).strip()
    where = [Condition(field="IsActive", comparison="is", value=True)]
    if typed:
        where.append(Condition(field="Name", comparison="contains", value=typed))
    rows, _ = await found(client, select("User", ["Id", "Name", "Username"], where, limit=SHOWN), most=SHOWN)
    return ordered(Choice(value=row["Id"], label=f"{row['Name']}, {row['Username']}") for row in rows)


async def _object(client: Org, name: str) -> Described:
    if not NAME.fullmatch(name):
        raise Refused(f"{name} is not the API name of an object, such as Contact.")
    return await described(client, name)


def _of(fields: Sequence[DescribedField]) -> list[Choice]:
    return ordered(_choice(each.name, each.label) for each in fields)


def _choice(value: str, label: str) -> Choice:
    return Choice(value=value, label=label if label in {"", value} else f"{label} ({value})" if label else value)
