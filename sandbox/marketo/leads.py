"""Leads: found, written and deleted, 300 at a time."""

import asyncio
import re
import secrets
from typing import Any

from starlette.responses import Response

from sandbox.marketo.answers import Json, Refusal, answer, skipped
from sandbox.marketo.calls import Call
from sandbox.marketo.instance import Instance

SHOWN = ("id", "firstName", "lastName", "email", "updatedAt", "createdAt")
ACTIONS = {"createOnly", "updateOnly", "createOrUpdate", "createDuplicate"}
MOST_FOUND = 1000
DATETIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(Z|[+-]\d\d:?\d\d)?)?")
"""W3C's form of dates and times, without parts of seconds."""


def find(instance: Instance, call: Call) -> Response:
    """Find the leads whose field has one of up to 300 values."""
    field, values = call.one("filterType"), call.every("filterValues")
    if not field:
        raise Refusal(1002, "Missing value for required parameter 'filterType'")
    if not values:
        raise Refusal(1002, "Missing value for required parameter 'filterValues'")
    attribute = instance.attributes.get(field)
    if field != "id" and (attribute is None or not attribute.key):
        raise Refusal(1003, f"Invalid filterType '{field}'")
    if len(values) > 300:
        raise Refusal(1003, "Too many values for parameter 'filterValues'")
    wanted = {value.casefold() for value in values}
    found = [lead for lead in instance.leads.values() if str(lead.get(field) or "").casefold() in wanted]
    if len(found) > MOST_FOUND:
        raise Refusal(1003, "Too many results match the filter")
    return paged(instance, call, found, f"leads {field} {sorted(wanted)}")


def get(instance: Instance, call: Call) -> Response:
    """Get one lead."""
    lead = instance.leads.get(int(call.ids["id"]))
    if lead is None:
        raise Refusal(1004, "Lead not found")
    return answer([shown(instance, lead, call.every("fields"))])


def paged(instance: Instance, call: Call, found: list[Json], search: str) -> Response:
    """Answer with a page of leads, and with the token of the next one if there is more."""
    size = min(call.number("batchSize", 300, most=300), instance.settings.page)
    token = call.one("nextPageToken")
    start = 0
    if token:
        known, start = instance.pages.get(token, ("", 0))
        if known != search:
            raise Refusal(702, "No data found: the paging token is invalid")
    fields = call.every("fields")
    some = [shown(instance, lead, fields) for lead in found[start : start + size]]
    following = None
    if start + size < len(found):
        following = secrets.token_urlsafe(24).upper() + "==="
        instance.pages[following] = (search, start + size)
    return answer(some, nextPageToken=following)


def shown(instance: Instance, lead: Json, fields: list[str]) -> Json:
    """Show a lead: what was asked for, null where it has nothing, or the first six fields."""
    for name in fields:
        if name not in instance.attributes and name not in SHOWN:
            raise Refusal(1006, f"Field '{name}' not found")
    return {name: lead.get(name) for name in ("id", *(fields or SHOWN[1:]))}


async def sync(instance: Instance, call: Call) -> Response:
    """Create or update leads, each by its key. The answers are in the order of what was sent."""
    body = call.json()
    action, field = body.get("action", "createOrUpdate"), body.get("lookupField", "email")
    if action not in ACTIONS:
        raise Refusal(1003, f"Invalid value '{action}' for parameter 'action'")
    records = call.records()
    attribute = instance.attributes.get(field)
    if attribute is None or not attribute.key:
        raise Refusal(1011, f"Lookup field '{field}' is not supported")
    if field == "id" and action != "updateOnly":
        raise Refusal(1011, "Lookup field 'id' is only supported with action 'updateOnly'")
    if body.get("partitionName", "Default") != "Default":
        raise Refusal(1010, f"Partition '{body['partitionName']}' not found")
    # Looking comes first, and writing a moment later: two calls at once with one key do not see each other.
    looked = [_matches(instance, each, field) for each in records]
    if instance.settings.sync_seconds:
        await asyncio.sleep(instance.settings.sync_seconds)
    done: list[Json] = []
    keys: set[str] = set()
    for record, matches in zip(records, looked, strict=True):
        key = str(record.get(field) or "").casefold()
        if key and key in keys and action != "createDuplicate":
            done.append(skipped(1036, "Duplicate object found in input"))
            continue
        keys.add(key)
        done.append(_written(instance, record, field, action, matches))
    return answer(done)


def _matches(instance: Instance, record: Json, field: str) -> list[int]:
    key = str(record.get(field) or "").casefold()
    return [number for number, lead in instance.leads.items() if key and str(lead.get(field) or "").casefold() == key]


def write(instance: Instance, record: Json, field: str = "email", action: str = "createOrUpdate") -> Json:
    """Look one lead up and write it at once."""
    return _written(instance, record, field, action, _matches(instance, record, field))


def _written(instance: Instance, record: Json, field: str, action: str, matches: list[int]) -> Json:
    key = record.get(field)
    if key in (None, ""):
        return skipped(1002, f"Missing value for required parameter '{field}'")
    for name, value in record.items():
        wrong = _wrong(instance, name, value, key_field=field)
        if wrong:
            return wrong
    matches = [number for number in matches if number in instance.leads]
    if action != "createDuplicate" and len(matches) > 1:
        return skipped(1007, "Multiple lead match lookup criteria")
    if matches and action == "createOnly":
        return skipped(1005, "Lead already exists", id=matches[0])
    if not matches and action == "updateOnly":
        return skipped(1004, f"Lead '{key}' not found")
    if matches and action != "createDuplicate":
        lead = instance.leads[matches[0]]
        lead.update(record)
        lead["updatedAt"] = instance.stamp()
        return {"id": matches[0], "status": "updated"}
    number, stamp = instance.new_id(), instance.stamp()
    instance.leads[number] = {**record, "id": number, "createdAt": stamp, "updatedAt": stamp}
    return {"id": number, "status": "created"}


def _wrong(instance: Instance, name: str, value: Any, *, key_field: str) -> Json | None:
    """Say what is wrong with one value."""
    attribute = instance.attributes.get(name)
    if attribute is None:
        return skipped(1006, f"Field '{name}' not found")
    if attribute.read_only and name != key_field:
        return skipped(1006, f"Field '{name}' is read only")
    if value is None:
        return None
    if isinstance(value, (dict, list)):
        return skipped(1001, f"Invalid value '{value}'. Required of type '{attribute.kind}'")
    text = str(value)
    if attribute.kind == "email" and (not text.isascii() or "@" not in text):
        return skipped(1003, f"Email address '{text}' is invalid" if text.isascii() else "Email address is not ASCII")
    if attribute.kind == "integer" and not isinstance(value, int):
        return skipped(1001, f"Invalid value '{text}'. Required of type 'integer'")
    if attribute.kind == "datetime" and not DATETIME.fullmatch(text):
        return skipped(1001, f"Invalid value '{text}'. Required of type 'datetime'")
    if attribute.kind == "boolean" and not isinstance(value, bool) and text not in {"true", "false", "1", "0"}:
        return skipped(1001, f"Invalid value '{text}'. Required of type 'boolean'")
    if attribute.length and len(text) > attribute.length:
        return skipped(1003, f"Value of '{name}' is longer than {attribute.length}")
    return None


def delete(instance: Instance, call: Call) -> Response:
    """Delete leads."""
    done: list[Json] = []
    for number in call.lead_ids():
        if instance.leads.pop(number, None) is None:
            done.append(skipped(1004, "Lead not found", id=number))
            continue
        for each in instance.lists.values():
            each.members.pop(number, None)
        done.append({"id": number, "status": "deleted"})
    return answer(done)
