"""Making a record once, whatever goes wrong on the way, and what can be done with one that is there."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import quote

from pydantic import Field

from connectors.base import Lenient, Value
from connectors.errors import Ambiguous, Missing, Refused
from connectors.limits import patiently
from connectors.salesforce.client import SERVICE, Duplicates, Org, no_field
from connectors.salesforce.soql import Condition, Plain, found, select

TRIES: Final = 3
LONGEST_COMPARED: Final = 255
IfThere = Literal["use it", "refuse", "create anyway"]


class Made(Value):
    """A record that is there now."""

    id: str = Field(title="Record id", description="Salesforce's own id of the record.")
    created: bool = Field(title="Created", description="False when it was there before.")


class Done(Value):
    """A record that was changed."""

    id: str = Field(title="Record id", description="Salesforce's own id of the record.")


class _Answer(Lenient):
    id: str
    created: bool = True


def path(org: Org, sobject: str, *parts: str) -> str:
    """Write an address; nothing in its parts leads elsewhere."""
    return "/".join((org.root, "sobjects", sobject, *(quote(part, safe="") for part in parts)))


async def make(
    org: Org,
    sobject: str,
    values: Mapping[str, Any],
    *,
    key: str | None = None,
    same: Sequence[str] = (),
    if_there: IfThere = "use it",
) -> Made:
    """Make a record, and no second one.

    With a key it is an upsert by the connection's key field. Without one, a record whose `same` fields are the same is
    looked for first. Where the answer is lost, the record is looked for; where it is not found either and may still
    come, that is said (Ambiguous).
    """
    if key is not None:
        if org.settings.key_field is None:
            raise Refused("This connection has no key field: name one in the connection, or leave the key empty.")
        others = {name: value for name, value in values.items() if name != org.settings.key_field}
        # Whoever makes the record anew with another key wants another: one that is there keeps the key it has.
        instead: IfThere = "create anyway" if if_there == "create anyway" else "refuse"
        return await upsert(org, sobject, org.settings.key_field, key, others, if_there=instead)
    identity = [
        Condition(field=name, value=values[name]) for name in same if isinstance(values.get(name), str) and values[name]
    ]
    name = json.dumps(values, sort_keys=True) if not identity else "|".join(each.soql() for each in identity)
    async with org.lock(sobject, name.lower()):
        if identity and if_there != "create anyway":
            before = await _ids(org, sobject, identity)
            if before and if_there == "use it":
                return Made(id=before[0], created=False)
            if before:
                raise Refused(f"{SERVICE}: a {sobject} like this is there already: {before[0]}.", code="ALREADY_THERE")
        return await _post(org, sobject, values, identity or _telling(values), if_there)


def _telling(values: Mapping[str, Any]) -> list[Condition]:
    """Make conditions of the given values, as far as they can be compared, to find the record again."""
    return [
        Condition(field=name, value=value)
        for name, value in values.items()
        if isinstance(value, str) and 0 < len(value) <= LONGEST_COMPARED and value.isprintable()
        if "Description" not in name and not name.endswith(("Date", "date"))
    ]


async def _ids(org: Org, sobject: str, conditions: Sequence[Condition]) -> list[str]:
    if sobject == "Lead":
        conditions = [*conditions, Condition(field="IsConverted", value=False)]
    records, _ = await found(org, select(sobject, ["Id"], conditions, newest_first=True, limit=50), most=50)
    return [str(record["Id"]) for record in records]


async def _post(
    org: Org, sobject: str, values: Mapping[str, Any], telling: Sequence[Condition], if_there: IfThere
) -> Made:
    before = set(await _known(org, sobject, telling) or ())
    headers = {"Sforce-Duplicate-Rule-Header": "allowSave=true"} if if_there == "create anyway" else {}
    for _ in range(TRIES):
        # Here are `try`s: what a lost answer means depends on what is found afterwards.
        try:
            response = await org.http.post(path(org, sobject), json=dict(values), headers=headers)
            return Made(id=_Answer.model_validate_json(response.content).id, created=True)
        except Duplicates as error:
            if if_there != "use it" or list(error.records.values()) != [sobject]:
                raise
            return Made(id=next(iter(error.records)), created=False)
        except (Ambiguous, ValueError) as error:
            new = await _looked_for(org, sobject, telling, before)
            if len(new) == 1:
                return Made(id=new[0], created=True)
            if new or not _over(error):
                raise _unknown(sobject, error) from None
    raise Ambiguous(f"{SERVICE} had trouble again and again; the {sobject} is not there yet. Look before trying again.")


def _over(error: Exception) -> bool:
    """Tell whether the service has ended the call: then what is not there will not come."""
    return isinstance(error, Ambiguous) and error.status is not None


def _unknown(sobject: str, error: Exception) -> Ambiguous:
    status = error.status if isinstance(error, Ambiguous) else None
    message = (
        f"{SERVICE} did not say whether it made the {sobject}: it may or may not be there. Look before trying again."
    )
    return Ambiguous(message, status=status)


async def _known(org: Org, sobject: str, telling: Sequence[Condition]) -> list[str] | None:
    """Give the records that these conditions find; None where Salesforce cannot be asked that."""
    if not telling:
        return None
    try:  # fields that cannot be compared are no reason not to make the record
        return await patiently(lambda: _ids(org, sobject, telling), attempts=TRIES)
    except Refused:
        return None


async def _looked_for(org: Org, sobject: str, telling: Sequence[Condition], before: set[str]) -> list[str]:
    for pause in org.pauses:
        await asyncio.sleep(pause)
        after = await _known(org, sobject, telling)
        if after is None:
            raise Ambiguous(f"{SERVICE} did not say whether it made the {sobject}, and it cannot be looked for.")
        new = [each for each in after if each not in before]
        if new:
            return new
    return []


async def upsert(
    org: Org,
    sobject: str,
    field: str,
    value: str,
    values: Mapping[str, Any],
    *,
    update_only: bool = False,
    if_there: IfThere = "refuse",
) -> Made:
    """Change the record with this external id, or make it. Twice is the same as once.

    `if_there` is about a record that only a duplicate rule finds: "use it" gives that one the external id.
    """
    address = path(org, sobject, field, value)
    headers = {"Sforce-Duplicate-Rule-Header": "allowSave=true"} if if_there == "create anyway" else {}
    params = {"updateOnly": "true"} if update_only else None
    async with org.lock(sobject, field, value.lower()):
        for left in reversed(range(TRIES)):
            try:  # the same again is harmless: after a lost answer, and where another made the record meanwhile
                response = await org.http.patch(address, params=params, json=dict(values), headers=headers)
                answer = _Answer.model_validate_json(response.content)
                return Made(id=answer.id, created=answer.created)
            except Duplicates as error:
                if if_there != "use it":
                    raise
                return await _adopted(org, sobject, field, value, error)
            except Missing as error:
                if update_only or field not in error.message:
                    raise
                message = f"{no_field(sobject, field)} It is a text field with External ID and Unique ticked."
                raise Refused(message, status=error.status, code=error.code) from error
            except (Ambiguous, Refused, ValueError) as error:
                again = not isinstance(error, Refused) or error.code == "DUPLICATE_VALUE"
                if not left or not again:
                    raise
                await asyncio.sleep(org.pauses[0])
    raise Ambiguous  # not reached: the last try returns or raises


async def _adopted(org: Org, sobject: str, field: str, value: str, found: Duplicates) -> Made:
    """Give the one record that a duplicate rule found its external id; all else of it stays as it is."""
    if list(found.records.values()) != [sobject]:
        raise found
    (id_,) = found.records
    there = (await get(org, sobject, id_, [field])).get(field)
    if there not in {None, "", value}:
        raise Refused(
            f"{found.message}, and that has another {field}.", status=found.status, code=found.code
        ) from found
    await update(org, sobject, id_, {field: value})
    return Made(id=id_, created=False)


async def update(org: Org, sobject: str, id_: str, values: Mapping[str, Any]) -> Done:
    """Change a record."""
    if not values:
        raise Refused("There is nothing to change: give at least one field.")
    await org.http.patch(path(org, sobject, id_), json=dict(values))
    return Done(id=id_)


async def delete(org: Org, sobject: str, id_: str) -> Done:
    """Delete a record."""
    await org.http.delete(path(org, sobject, id_))
    return Done(id=id_)


async def get(org: Org, sobject: str, id_: str, fields: Sequence[str]) -> dict[str, Any]:
    """Read a record."""
    params = {"fields": ",".join(fields)} if fields else None
    record: Any = (await org.http.get(path(org, sobject, id_), params=params)).json()
    if not isinstance(record, dict):
        raise Refused(f"{SERVICE} answered with something that is no record.")
    return {name: value for name, value in record.items() if name != "attributes"}


Values = dict[str, Plain]
