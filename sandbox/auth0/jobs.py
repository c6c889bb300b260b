"""Jobs that take their time: exports and imports of users, and the download of what was exported."""

import asyncio
import csv
import io
import itertools
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from typing import Any, Literal

from starlette.responses import Response

from sandbox.auth0.checks import Rules
from sandbox.auth0.errors import ApiError
from sandbox.auth0.moments import iso, letters
from sandbox.auth0.profiles import shown
from sandbox.auth0.routing import Call, Routes, answer, empty
from sandbox.auth0.tenant import CONNECTIONS, Connection, Tenant

routes = Routes()
downloads = Routes(prefix="")

DAY = 86400.0
MOST_CSV_FIELDS = 30
DEFAULT_FIELDS = ("user_id", "email", "name", "nickname", "created_at", "updated_at", "last_login", "logins_count")
EXPORT: Rules = {
    "closed": True,
    "properties": {
        "connection_id": {
            "type": "string",
            "pattern": r"^con_[A-Za-z0-9]{16}$",
            "about": "connection_id of the connection from which users will be exported.",
        },
        "format": {"type": "string", "enum": ("json", "csv"), "about": "Format of the file."},
        "limit": {"type": "integer", "minimum": 1, "about": "Limit the number of records."},
        "fields": {
            "type": "array",
            "about": "List of fields to be included in the CSV.",
            "items": {
                "type": "object",
                "closed": True,
                "required": ("name",),
                "properties": {
                    "name": {"type": "string", "shortest": 1, "longest": 100},
                    "export_as": {"type": "string", "shortest": 1, "longest": 100},
                },
            },
        },
    },
}


Kind = Literal["users_export", "users_import", "verification_email"]


@dataclass(slots=True, kw_only=True)
class Job:
    """One export, import or e-mail to be sent."""

    id: str
    kind: Kind
    created: float
    connection: Connection | None
    seconds: float
    asked: dict[str, Any] = field(default_factory=dict)
    file: "File | None" = None
    failure: str | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, int] = field(default_factory=dict)
    links: dict[str, float] = field(default_factory=dict)

    def share(self, now: float) -> float:
        """Tell how much of it is done, 0 to 1."""
        return min(1.0, (now - self.created) / self.seconds) if self.seconds else 1.0

    def status(self, now: float) -> str:
        """Tell how far it is."""
        if self.share(now) < 1:
            return "pending" if self.share(now) < 0.4 else "processing"
        return "failed" if self.failure else "completed"


def new_job(tenant: Tenant, kind: Kind, connection: Connection | None) -> Job:
    """Begin a job; those of yesterday are deleted, with their files."""
    now = tenant.now()
    for job_id in [job_id for job_id, job in tenant.jobs.items() if now - job.created > DAY]:
        del tenant.jobs[job_id]
    job = Job(
        id=f"job_{letters(16)}", kind=kind, created=now, connection=connection, seconds=tenant.settings.job_seconds
    )
    tenant.jobs[job.id] = job
    return job


def shown_job(tenant: Tenant, job: Job) -> dict[str, Any]:
    """Show a job."""
    now = tenant.now()
    body: dict[str, Any] = {
        "type": job.kind,
        "status": job.status(now),
        "connection": job.connection.name if job.connection else "",
        **({"connection_id": job.connection.id} if job.connection else {}),
        **job.asked,
        "created_at": iso(job.created),
        "id": job.id,
    }
    if job.status(now) == "processing":
        body |= {
            "percentage_done": int(job.share(now) * 100),
            "time_left_seconds": round(job.seconds * (1 - job.share(now))),
        }
    if job.status(now) == "failed":
        body["status_details"] = job.failure
    if job.status(now) == "completed" and job.summary:
        body["summary"] = job.summary
    return body


def connection_of(connection_id: str) -> Connection:
    """Find a connection by its id.

    Raises ApiError 400 when there is none.
    """
    for connection in CONNECTIONS.values():
        if connection.id == connection_id:
            return connection
    raise ApiError(400, "The connection does not exist.", "inexistent_connection")


@routes.on("POST", "/jobs/users-exports", any_of=("read:users",))
def export_users(tenant: Tenant, call: Call) -> Response:
    """Begin an export of all users, or of those of a connection."""
    given = call.body(EXPORT) if call.content else {}
    fields = given.get("fields") or [{"name": name} for name in DEFAULT_FIELDS]
    form = given.get("format", "json")
    if form == "csv" and len(fields) > MOST_CSV_FIELDS:
        raise ApiError(400, f"A CSV export can have at most {MOST_CSV_FIELDS} fields", "invalid_body")
    if form == "csv" and {"app_metadata", "user_metadata"}.intersection(one["name"] for one in fields):
        raise ApiError(400, "A CSV export cannot have whole metadata objects", "invalid_body")
    connection = connection_of(given["connection_id"]) if "connection_id" in given else None
    job = new_job(tenant, "users_export", connection)
    job.asked = {"format": form} | {name: given[name] for name in ("limit", "fields") if name in given}
    job.file = File(form=form, fields=fields, people=people(tenant, connection, given.get("limit")))
    return answer(shown_job(tenant, job))


def people(tenant: Tenant, connection: Connection | None, limit: int | None) -> Iterator[dict[str, Any]]:
    """Return the profiles that an export has, as they are now."""
    profiles = tenant.accounts.profiles()
    wanted = (one for one in profiles if connection is None or one["identities"][0]["connection"] == connection.name)
    return (shown(profile, frozenset()) for profile in islice(wanted, limit))


@dataclass(slots=True, kw_only=True)
class File:
    """What an export writes. It is packed once, when it is fetched first, however large it is."""

    form: str
    fields: list[dict[str, str]]
    people: Iterator[dict[str, Any]]
    lock: Lock = field(default_factory=Lock)
    content: bytes | None = None

    def packed(self) -> bytes:
        """Return the packed file."""
        with self.lock:
            if self.content is None:
                packing = zlib.compressobj(wbits=31)
                pieces = [packing.compress("".join(some).encode()) for some in batches(self.lines(), 1000)]
                self.content = b"".join([*pieces, packing.flush()])
            return self.content

    def lines(self) -> Iterator[str]:
        """Write everybody, one in each line."""
        names = [one.get("export_as", one["name"]) for one in self.fields]
        at = [path_of(one["name"]) for one in self.fields]
        rows = ([value_at(profile, path) for path in at] for profile in self.people)
        return as_csv(names, rows) if self.form == "csv" else as_lines(names, rows)


def batches(lines: Iterator[str], size: int) -> Iterator[list[str]]:
    """Return lines, so many at a time."""
    while some := list(islice(lines, size)):
        yield some


def path_of(name: str) -> list[str]:
    """Cut a path such as `identities[0].connection` or `app_metadata.plan` into its parts."""
    return re.findall(r"[^.\[\]]+", name)


def value_at(profile: Any, path: list[str]) -> Any:
    """Give the value at a path; None where there is none."""
    value = profile
    for part in path:
        match value:
            case dict():
                value = value.get(part)
            case list() if part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            case _:
                return None
    return value


def as_lines(names: list[str], rows: Iterable[list[Any]]) -> Iterator[str]:
    """Write one JSON object in each line; fields without a value are left out."""
    for row in rows:
        kept = {name: value for name, value in zip(names, row, strict=True) if value is not None}
        yield json.dumps(kept, separators=(",", ":")) + "\n"


def as_csv(names: list[str], rows: Iterable[list[Any]]) -> Iterator[str]:
    """Write CSV; texts begin with an apostrophe, so that no spreadsheet takes them for a formula."""
    for row in itertools.chain([names], ([as_cell(value) for value in row] for row in rows)):
        written = io.StringIO()
        csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(row)
        yield written.getvalue()


def as_cell(value: Any) -> str:
    """Write one value of a CSV file."""
    match value:
        case None:
            return ""
        case str():
            return f"'{value}"
        case _:
            return json.dumps(value)


def job_of(tenant: Tenant, call: Call) -> Job:
    """Find a job.

    Raises ApiError 404 when it is not there.
    """
    job = tenant.jobs.get(call.ids["id"])
    if job is None or tenant.now() - job.created > DAY:
        raise ApiError(404, "The job does not exist.", "inexistent_job")
    return job


@routes.on("GET", "/jobs/{id}", any_of=("create:users", "read:users"))
def get_job(tenant: Tenant, call: Call) -> Response:
    """Get a job. Each look at a finished export gives a new link, which lives for a minute."""
    job = job_of(tenant, call)
    body = shown_job(tenant, job)
    if job.kind == "users_export" and body["status"] == "completed":
        key = letters(40)
        job.links[key] = tenant.now() + tenant.settings.download_seconds
        body["location"] = f"{call.address}/downloads/{job.id}/{key}/{job.id}.{job.asked['format']}.gz"
    return answer(body)


@downloads.on("GET", "/downloads/{id}/{key}/{file}")
async def download(tenant: Tenant, call: Call) -> Response:
    """Give the file of an export. It is the store that answers here, not the API: no token, and errors in XML."""
    job = tenant.jobs.get(call.ids["id"])
    if call.headers.get("authorization"):
        return in_xml(400, "InvalidArgument", "Only one auth mechanism allowed")
    if job is None or job.links.get(call.ids["key"], 0.0) < tenant.now():
        return in_xml(403, "AccessDenied", "Request has expired")
    assert job.file is not None
    return Response(await asyncio.to_thread(job.file.packed), media_type="application/gzip")


def in_xml(status: int, code: str, message: str) -> Response:
    """Refuse as the store does."""
    text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(text, status_code=status, media_type="application/xml")


@routes.on("GET", "/jobs/{id}/errors", any_of=("create:users", "read:users"))
def get_errors(tenant: Tenant, call: Call) -> Response:
    """Give what went wrong in an import, user by user; 204 where nothing did."""
    job = job_of(tenant, call)
    if job.failure and job.status(tenant.now()) == "failed":
        return answer(shown_job(tenant, job))
    done = job.status(tenant.now()) == "completed"
    return answer(job.errors) if job.errors and done else empty()
