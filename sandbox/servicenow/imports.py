"""The Import Set API: rows that a transform map turns into records, found again by a coalesce field."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.servicenow.dictionary import TABLES
from sandbox.servicenow.errors import ApiError, acl_refuses, invalid_table, no_such_address
from sandbox.servicenow.instance import Instance, Record
from sandbox.servicenow.tables import base, written

STAGING = "imp_user"
FIELDS = {"u_email": "email", "u_first_name": "first_name", "u_last_name": "last_name", "u_user_name": "user_name"}
COALESCE = "email"


def respond(instance: Instance, request: Request, content: bytes, parts: list[str]) -> Response:
    """Answer a call of the Import Set API."""
    if request.method != "POST":
        raise no_such_address()
    if parts[0] != STAGING:
        raise invalid_table(parts[0])
    if instance.forbidden(STAGING, "create"):
        raise acl_refuses("create")
    match parts[1:]:
        case []:
            row = written(instance, request, content, STAGING, "create")
            for name, value in json.loads(content or b"{}").items():
                if not isinstance(value, str):
                    raise ApiError(400, "Exception while reading request", f"The value of {name} is not a string")
            body = {"import_set": instance.number("ISET"), "staging_table": STAGING}
            return JSONResponse({**body, "result": [transformed(instance, request, row)]}, status_code=201)
        case ["insertMultiple"]:
            return later(instance, request, content)
        case _:
            raise no_such_address()


def later(instance: Instance, request: Request, content: bytes) -> Response:
    """Take many rows. What becomes of them is not said here."""
    try:
        rows = json.loads(content)["records"]
    except (ValueError, KeyError, TypeError):
        raise ApiError(400, "Exception while reading request") from None
    for row in rows:
        transformed(instance, request, {name: str(value) for name, value in row.items()})
    number = {"import_set_id": instance.new_id(), "multi_import_set_id": instance.new_id()}
    return JSONResponse({**number, "import_set": instance.number("ISET")}, status_code=201)


def transformed(instance: Instance, request: Request, row: Record) -> dict[str, Any]:
    """Turn a row into a user, new or known by the e-mail address, and say what became of it."""
    values = {mine: row[name] for name, mine in FIELDS.items() if row.get(name)}
    said: dict[str, Any] = {"transform_map": "Users from imports", "table": "sys_user"}
    email = values.get(COALESCE, "")
    if not email:
        return {**said, "status": "error", "error_message": "The coalesce field u_email is empty"}
    if "@" not in email:
        return {**said, "status": "error", "error_message": f"{email} is not an e-mail address"}
    there = next((one for one in instance.records("sys_user") if one[COALESCE].lower() == email.lower()), None)
    if there is None:
        names = [values.get("first_name", ""), values.get("last_name", "")]
        there = instance.put("sys_user", {**values, "name": " ".join(filter(None, names)) or email})
        status = "inserted"
    elif all(there[name] == value for name, value in values.items()):
        status = "ignored"
    else:
        instance.alter("sys_user", there, values)
        status = "updated"
    shown = TABLES["sys_user"].shown
    link = f"{base(request)}/api/now/table/sys_user/{there['sys_id']}"
    named = {"display_name": shown, "display_value": there[shown], "record_link": link}
    return {**said, **named, "status": status, "sys_id": there["sys_id"]}
