"""The Attachment API: files that belong to records."""

import hashlib
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.servicenow import queries
from sandbox.servicenow.dictionary import TABLES
from sandbox.servicenow.errors import ApiError, acl_refuses, invalid_table, no_record, no_such_address
from sandbox.servicenow.instance import Instance, Record
from sandbox.servicenow.tables import base, links, number, record_of


def respond(instance: Instance, request: Request, content: bytes, parts: list[str]) -> Response:
    """Answer a call of the Attachment API."""
    asked = request.query_params
    match request.method, parts:
        case "GET", []:
            every = queries.found(instance, "sys_attachment", asked.get("sysparm_query", ""))
            limit, offset = number(asked.get("sysparm_limit"), 1000), number(asked.get("sysparm_offset"), 0)
            page = [shown(request, one) for one in every[offset : offset + limit]]
            headers = {"X-Total-Count": str(len(every)), "Link": links(request, limit, offset, len(every))}
            return JSONResponse({"result": page}, headers={name: value for name, value in headers.items() if value})
        case "POST", ["file"]:
            names = ("table_name", "table_sys_id", "file_name")
            kind = request.headers.get("content-type", "")
            return kept(instance, request, {name: asked.get(name, "") for name in names}, content, kind)
        case "POST", ["upload"]:
            return uploaded(instance, request, content)
        case "GET", [sys_id]:
            return JSONResponse({"result": shown(request, attachment(instance, sys_id))})
        case "GET", [sys_id, "file"]:
            record = attachment(instance, sys_id)
            metadata = {"X-Attachment-Metadata": record["file_name"].encode("ascii", "replace").decode()}
            return Response(instance.files[sys_id], media_type=record["content_type"], headers=metadata)
        case "DELETE", [sys_id]:
            attachment(instance, sys_id)
            if instance.forbidden("sys_attachment", "delete", sys_id):
                raise acl_refuses("delete")
            del instance.tables["sys_attachment"][sys_id]
            del instance.files[sys_id]
            return Response(status_code=204)
        case _:
            raise no_such_address()


def attachment(instance: Instance, sys_id: str) -> Record:
    """Return what is known of a file."""
    if sys_id not in instance.files:
        raise no_record()
    return record_of(instance, "sys_attachment", sys_id, "read")


def kept(instance: Instance, request: Request, names: dict[str, str], content: bytes, kind: str) -> Response:
    """Keep a file with a record. The same file again is one more."""
    table, sys_id = names["table_name"], names["table_sys_id"]
    if table not in TABLES:
        raise invalid_table(table)
    if not names["file_name"]:
        raise ApiError(400, "Missing required parameter: file_name")
    if not kind:
        raise ApiError(400, "Content-Type is missing")
    record_of(instance, table, sys_id, "read")
    if instance.forbidden("sys_attachment", "create"):
        raise acl_refuses("create")
    what = {"size_bytes": str(len(content)), "hash": hashlib.sha256(content).hexdigest(), "state": "pending"}
    record = instance.put("sys_attachment", {**names, "content_type": kind.partition(";")[0], **what})
    instance.files[record["sys_id"]] = content
    address = f"{base(request)}/api/now/attachment/{record['sys_id']}"
    return JSONResponse({"result": shown(request, record)}, status_code=201, headers={"Location": address})


def uploaded(instance: Instance, request: Request, content: bytes) -> Response:
    """Keep the file of a form: what it belongs to must come before the file itself."""
    kind = request.headers.get("content-type", "")
    form = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + content)
    names: dict[str, str] = {}
    for part in form.iter_parts() if form.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        body: Any = part.get_payload(decode=True) or b""
        if part.get_filename() is None:
            names[str(name)] = body.decode(errors="replace").strip()
        elif {"table_name", "table_sys_id"} <= names.keys():
            where = {"table_name": names["table_name"], "table_sys_id": names["table_sys_id"]}
            return kept(
                instance, request, {**where, "file_name": str(part.get_filename())}, bytes(body), content_type(part)
            )
    raise ApiError(400, "Failed to create the attachment", "The file must follow table_name and table_sys_id")


def content_type(part: Message) -> str:
    """Return what kind of file a part of a form is."""
    return part.get_content_type() or "application/octet-stream"


def shown(request: Request, record: Record) -> dict[str, Any]:
    """Show what is known of a file."""
    return {**record, "download_link": f"{base(request)}/api/now/attachment/{record['sys_id']}/file"}
