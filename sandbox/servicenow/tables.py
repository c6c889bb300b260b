"""The Table API: records of any table, one at a time or listed by pages."""

import json
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.servicenow import queries
from sandbox.servicenow.dictionary import TABLES
from sandbox.servicenow.errors import ApiError, acl_refuses, invalid_table, no_record, no_such_address
from sandbox.servicenow.instance import Instance, Operation, Record
from sandbox.servicenow.seed import CHOICES

MOST = 10_000
"""Records in an answer, unless it was asked for fewer."""


def respond(instance: Instance, request: Request, content: bytes, parts: list[str], version: str) -> Response:
    """Answer a call of the Table API; `parts` is the table and, for one record, its sys_id."""
    table = parts[0]
    if table not in TABLES:
        raise invalid_table(table)
    match request.method, parts[1:]:
        case "GET", []:
            return listed(instance, request, table, version)
        case "POST", []:
            return created(instance, request, content, table)
        case "GET", [sys_id]:
            return JSONResponse({"result": shown(instance, request, table, record_of(instance, table, sys_id, "read"))})
        case "PUT" | "PATCH", [sys_id]:
            record = record_of(instance, table, sys_id, "write")
            values = written(instance, request, content, table, "write")
            refuse_by_rule(instance, table, sys_id)
            instance.alter(table, record, values)
            return JSONResponse({"result": shown(instance, request, table, record)})
        case "DELETE", [sys_id]:
            record_of(instance, table, sys_id, "delete")
            refuse_by_rule(instance, table, sys_id)
            del instance.tables[table][sys_id]
            instance.changes.happened()
            return Response(status_code=204)
        case _:
            raise no_such_address()


def record_of(instance: Instance, table: str, sys_id: str, operation: Operation) -> Record:
    """Return a record with which something may be done. Raises ApiError."""
    record = instance.tables[table].get(sys_id)
    if record is None or instance.forbidden(table, "read", sys_id):
        raise no_record()
    if operation != "read" and instance.forbidden(table, operation, sys_id):
        raise acl_refuses(operation)
    return record


def refuse_by_rule(instance: Instance, table: str, sys_id: str) -> None:
    """Raise ApiError 403 where a business rule aborts what is done to a table."""
    rule = instance.settings.aborted_by
    if rule and table == "incident":
        detail = f"Operation against file '{table}' was aborted by Business Rule '{rule}^{sys_id}'."
        raise ApiError(403, "Operation Failed", f"{detail} Business Rule Stack:{rule}")


def written(instance: Instance, request: Request, content: bytes, table: str, operation: Operation) -> Record:
    """Read the fields of a body; those that the table does not have, or that may not be written, count for nothing."""
    for name in ("content-type", "accept"):
        if "application/json" not in request.headers.get(name, ""):
            raise ApiError(400, f"Invalid {name} header: application/json is expected")
    try:
        body = json.loads(content or b"{}")
    except ValueError:
        raise ApiError(400, "Exception while reading request", "The payload is not valid JSON") from None
    if isinstance(body, list):  # only the first of several records counts
        body = body[0] if body else {}
    if not isinstance(body, dict):
        raise ApiError(400, "Exception while reading request", "The payload is not an object")
    closed = instance.forbidden_fields(table, operation)
    named = request.query_params.get("sysparm_input_display_value") == "true"
    return {
        name: resolved(instance, table, name, text_of(value)) if named else text_of(value)
        for name, value in body.items()
        if name in TABLES[table].fields and name not in closed
    }


def text_of(value: Any) -> str:
    """Write a value as the service keeps it: everything is a string."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case {"value": held}:
            return text_of(held)
        case str() | int() | float():
            return str(value)
        case _:
            return json.dumps(value)


def resolved(instance: Instance, table: str, name: str, text: str) -> str:
    """Find the sys_id behind a name that was given for a reference."""
    field = TABLES[table].fields[name]
    if field.kind != "reference" or not text:
        return text
    shown_by = TABLES[field.table].shown
    return next((one["sys_id"] for one in instance.records(field.table) if one[shown_by] == text), text)


def created(instance: Instance, request: Request, content: bytes, table: str) -> Response:
    """Make a record. Nothing is required: an empty one is made, too."""
    values = written(instance, request, content, table, "create")
    if instance.forbidden(table, "create"):
        raise acl_refuses("create")
    refuse_by_rule(instance, table, values.get("sys_id", "-1"))
    if not instance.settings.honours_sys_id:
        values.pop("sys_id", None)
    if values.get("sys_id") in instance.tables[table]:
        raise ApiError(403, "Operation Failed", f"Error during insert of {table} ({values['sys_id']})")
    record = instance.put(table, values)
    address = f"{base(request)}/api/now/table/{table}/{record['sys_id']}"
    result = {"result": shown(instance, request, table, record)}
    return JSONResponse(result, status_code=201, headers={"Location": address})


def base(request: Request) -> str:
    """Give the address of the instance, as it was asked."""
    return str(request.base_url).rstrip("/")


def listed(instance: Instance, request: Request, table: str, version: str) -> Response:
    """Give a page of records. What may not be seen is left out after the page has been cut."""
    if instance.forbidden(table, "read"):
        raise ApiError(403, "Insufficient rights to query records")
    asked = request.query_params
    limit, offset = number(asked.get("sysparm_limit"), MOST), number(asked.get("sysparm_offset"), 0)
    every = queries.found(instance, table, asked.get("sysparm_query", ""))
    page = [one for one in every[offset : offset + limit] if not instance.forbidden(table, "read", one["sys_id"])]
    if not every and version == "v1":
        raise no_record()
    headers = {}
    if asked.get("sysparm_no_count") != "true":
        headers["X-Total-Count"] = str(len(every))
    if asked.get("sysparm_suppress_pagination_header") != "true":
        headers["Link"] = links(request, limit, offset, len(every))
    result = [shown(instance, request, table, one) for one in page]
    return JSONResponse({"result": result}, headers={name: value for name, value in headers.items() if value})


def number(text: str | None, otherwise: int) -> int:
    """Read a number of the address; what is none counts for nothing."""
    return int(text) if text and text.isdecimal() else otherwise


def links(request: Request, limit: int, offset: int, total: int) -> str:
    """Write the addresses of other pages."""
    places = {"first": 0}
    if offset > 0:
        places["prev"] = max(0, offset - limit)
    if offset + limit < total:
        places["next"] = offset + limit
    places["last"] = max(0, (total - 1) // limit * limit) if limit else 0
    rest = [(name, value) for name, value in request.query_params.multi_items() if name != "sysparm_offset"]
    address = f"{base(request)}{request.url.path}"
    parts = [
        f'<{address}?{urlencode([*rest, ("sysparm_offset", place)])}>;rel="{name}"' for name, place in places.items()
    ]
    return ",".join(parts) if total > limit else ""


def shown(instance: Instance, request: Request, table: str, record: Record) -> dict[str, Any]:
    """Show a record as it was asked for; fields that do not exist are left out."""
    asked = request.query_params
    names = [name for name in asked.get("sysparm_fields", "").split(",") if name] or [*TABLES[table].fields]
    closed = instance.forbidden_fields(table, "read")
    found: dict[str, Any] = {}
    for name in names:
        held = queries.value_of(instance, table, record, name.strip())
        if held is not None and name not in closed:
            found[name.strip()] = value(instance, request, table, name.strip(), held)
    return found


def value(instance: Instance, request: Request, table: str, path: str, held: str) -> Any:
    """Show what a field holds: the value, what people see, or both."""
    asked = request.query_params
    field_table, name = table, path
    while "." in name:
        step, _, name = name.partition(".")
        field_table = TABLES[field_table].fields[step].table
    field = TABLES[field_table].fields[name]
    seen, link = held, None
    if field.kind == "reference" and held:
        there = instance.tables[field.table].get(held)
        seen = there[TABLES[field.table].shown] if there else ""
        if asked.get("sysparm_exclude_reference_link") != "true":
            link = f"{base(request)}/api/now/table/{field.table}/{held}"
    elif field_table == "incident":
        seen = CHOICES.get(name, {}).get(held, held)
    match asked.get("sysparm_display_value"):
        case "all":
            return {"display_value": seen, "value": held} | ({"link": link} if link else {})
        case "true":
            return {"display_value": seen, "link": link} if link else seen
        case _:
            return {"link": link, "value": held} if link else held
