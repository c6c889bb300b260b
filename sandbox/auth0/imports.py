"""Imports of users: a file of JSON, sent as a form with parts."""

import email
import email.policy
import json
from email.message import EmailMessage
from typing import Any

from starlette.responses import Response

from sandbox.auth0.checks import Rules, check, first_fault
from sandbox.auth0.errors import ApiError
from sandbox.auth0.jobs import Job, connection_of, new_job, shown_job
from sandbox.auth0.profiles import apply_change, new_account, properties
from sandbox.auth0.routing import Call, Routes, answer
from sandbox.auth0.tenant import Account, Tenant

routes = Routes()

LARGEST_FILE = 512_000
MOST_RUNNING = 2
RECORD: Rules = {
    "closed": True,
    "type": "object",
    "required": ("email",),
    "properties": {
        **{name: rule for name, rule in properties(removable=False).items() if name not in {"connection", "password"}},
        "user_id": {"type": "string"},
        "password_hash": {"type": "string"},
        "custom_password_hash": {"type": "object"},
        "mfa_factors": {"type": "array"},
    },
}


@routes.on("POST", "/jobs/users-imports", any_of=("create:users",))
def import_users(tenant: Tenant, call: Call) -> Response:
    """Begin an import into a database connection."""
    if len(call.content) > LARGEST_FILE:
        raise ApiError(413, f"Payload content length greater than maximum allowed: {LARGEST_FILE}")
    parts = parts_of(call)
    if "users" not in parts:
        raise ApiError(400, "Must provide 'users' file as multipart part.", "invalid_body")
    if not parts["users"].strip():
        raise ApiError(400, "Users file must not be empty.", "invalid_body")
    if "connection_id" not in parts:
        raise ApiError(400, "Must provide 'connection_id' as multipart part.", "invalid_body")
    connection_id = parts["connection_id"].decode(errors="replace")
    rules = {"properties": {"connection_id": {"pattern": r"^con_[A-Za-z0-9]{16}$"}}}
    check({"connection_id": connection_id}, rules)
    connection = connection_of(connection_id)
    if connection.strategy != "auth0":
        raise ApiError(400, "Connection must be a database connection.", "operation_not_supported")
    now = tenant.now()
    running = [job for job in tenant.jobs.values() if job.kind == "users_import" and job.share(now) < 1]
    if len(running) >= MOST_RUNNING:
        text = f"There are {MOST_RUNNING} active import users jobs, please wait until some of them are finished and try again"
        raise ApiError(429, text, "too_many_requests")
    job = new_job(tenant, "users_import", connection)
    if "external_id" in parts:
        job.asked["external_id"] = parts["external_id"].decode(errors="replace")
    take_in(tenant, job, parts["users"], upsert=parts.get("upsert") == b"true")
    tenant.changes.happened()
    return answer(shown_job(tenant, job), 202)


def parts_of(call: Call) -> dict[str, bytes]:
    """Read a form with parts.

    Raises ApiError 400 when the body is no such form.
    """
    kind = call.headers.get("content-type", "")
    message = email.message_from_bytes(
        b"content-type: " + kind.encode("latin-1", "replace") + b"\r\n\r\n" + call.content, policy=email.policy.HTTP
    )
    if message.get_content_type() != "multipart/form-data" or not message.is_multipart():
        raise ApiError(400, "Payload validation error: 'Invalid multipart payload format'.", "invalid_body")
    found: dict[str, bytes] = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if isinstance(part, EmailMessage) and isinstance(name, str):
            content = part.get_payload(decode=True)
            found[name] = content if isinstance(content, bytes) else b""
    return found


def take_in(tenant: Tenant, job: Job, content: bytes, *, upsert: bool) -> None:
    """Take the users of a file in, and note what went wrong with whom."""
    try:
        records = json.loads(content)
    except ValueError:
        job.failure = "Failed to parse users file JSON when importing users. Make sure it is valid JSON."
        return
    if not isinstance(records, list):
        job.failure = "Failed to parse users file JSON when importing users. It must be an array."
        return
    summary = {"failed": 0, "updated": 0, "inserted": 0, "total": len(records)}
    for record in records:
        outcome, error = take_in_one(tenant, job, record, upsert=upsert)
        summary[outcome] += 1
        if error:
            job.errors.append({"user": record if isinstance(record, dict) else {}, "errors": [error]})
    job.summary = summary


def take_in_one(tenant: Tenant, job: Job, record: Any, *, upsert: bool) -> tuple[str, dict[str, Any] | None]:
    """Take one user in; gives how it went, and the error where there was one."""
    fault = first_fault(record, RECORD, "")
    if fault is not None or job.connection is None:
        why, path, _ = fault or ("", "", "")
        return "failed", {"code": "INVALID_FORMAT", "message": why, "path": path}
    known = same_person(tenant, job, record)
    if known is None:
        account = new_account(tenant, record, job.connection, record.get("user_id"))
        tenant.accounts[account.user_id] = account
        return "inserted", None
    if upsert:
        apply_change(
            tenant, known, {name: record[name] for name in ("app_metadata", "user_metadata") if name in record}
        )
        return "updated", None
    return "failed", {"code": "DUPLICATED_USER", "message": "The user already exist.", "path": "email"}


def same_person(tenant: Tenant, job: Job, record: dict[str, Any]) -> Account | None:
    """Find the account that a record is about."""
    for account in tenant.accounts.values():
        if account.connection is job.connection and account.profile.get("email") == record["email"].lower():
            return tenant.accounts.get(account.user_id)
    return None
