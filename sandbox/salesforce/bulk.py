"""Bulk API 2.0: ingest jobs."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.org import Org, Record

HIDDEN = frozenset({"content", "done", "failed", "asked", "unprocessed"})


def answer(
    org: Org,
    method: str,
    rest: list[str],
    root: str,
    _query: Mapping[str, str],
    content: bytes,
    headers: Mapping[str, str],
) -> Response:
    """Answer what is asked of jobs."""
    match method, rest:
        case "POST", []:
            return JSONResponse(_open(org, root, json.loads(content)))
        case "GET", []:
            return JSONResponse({"done": True, "records": [_shown(job) for job in org.jobs.values()]})
        case _, [id_, *_] if id_ not in org.jobs:
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
        case "PUT", [id_, "batches"]:
            job = org.jobs[id_]
            if job["state"] != "Open" or job["content"] is not None:
                raise Refusal(400, "INVALIDJOBSTATE", "Found multiple contents for job, or it is not open")
            if not headers.get("content-type", "").startswith("text/csv"):
                raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "send text/csv")
            job["content"] = content
            return Response(status_code=201)
        case "PATCH", [id_]:
            return JSONResponse(_moved(org, org.jobs[id_], json.loads(content).get("state")))
        case "GET", [id_]:
            return JSONResponse(_shown(_asked(org, org.jobs[id_])))
        case "GET", [id_, ("successfulResults" | "failedResults" | "unprocessedrecords") as which]:
            return _results(org.jobs[id_], which)
        case "DELETE", [id_]:
            del org.jobs[id_]
            return Response(status_code=204)
        case _:
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")


def _open(org: Org, root: str, asked: Mapping[str, Any]) -> Record:
    kind = org.kind(str(asked.get("object")))
    operation = asked.get("operation")
    if operation not in {"insert", "update", "upsert", "delete"}:
        raise Refusal(400, "INVALIDJOB", f"Unknown operation {operation}")
    if operation == "upsert" and not asked.get("externalIdFieldName"):
        raise Refusal(400, "INVALIDJOB", "External id field name is required for upsert")
    id_ = org.new_id("750")
    version = float(root.rpartition("v")[2])
    job: Record = {
        "id": id_,
        "object": kind.name,
        "operation": operation,
        "externalIdFieldName": asked.get("externalIdFieldName"),
        "createdDate": org.stamp(),
        "state": "Open",
        "concurrencyMode": "Parallel",
        "contentType": asked.get("contentType", "CSV"),
        "apiVersion": version,
        "contentUrl": f"services/data/v{version}/jobs/ingest/{id_}/batches",
        "lineEnding": asked.get("lineEnding", "LF"),
        "columnDelimiter": "COMMA",
        "content": None,
        "asked": 0,
        "done": [],
        "failed": [],
    }
    org.jobs[id_] = job
    return _shown(job)


def _shown(job: Record) -> Record:
    shown = {name: value for name, value in job.items() if name not in HIDDEN and value is not None}
    if job["state"] in {"JobComplete", "Failed"}:
        shown["numberRecordsProcessed"] = len(job["done"]) + len(job["failed"])
        shown["numberRecordsFailed"] = len(job["failed"])
    return shown


def _moved(org: Org, job: Record, state: Any) -> Record:
    if state not in {"UploadComplete", "Aborted"}:
        raise Refusal(400, "INVALIDJOBSTATE", "Invalid job state.")
    if job["state"] != "Open" and state == "UploadComplete":
        raise Refusal(400, "INVALIDJOBSTATE", "Job is not open.")
    job["state"] = state
    return _shown(job)


def _asked(org: Org, job: Record) -> Record:
    """Go on with the job whenever it is asked after."""
    job["asked"] += 1
    if job["state"] == "UploadComplete":
        job["state"] = "InProgress"
    if job["state"] == "InProgress" and job["asked"] >= org.settings.bulk_polls:
        _work(org, job)
        job["state"] = "JobComplete"
    return job


def _work(org: Org, job: Record) -> None:
    kind = org.kind(job["object"])
    for row in csv.DictReader(io.StringIO((job["content"] or b"").decode())):
        # An empty cell leaves a field as it is; #N/A empties it.
        values = {name: None if text == "#N/A" else text for name, text in row.items() if text != ""}
        try:
            new = False
            match job["operation"]:
                case "insert":
                    record, new = org.create(kind, values), True
                case "update":
                    record = org.update(kind, str(values.pop("Id", "")), values)
                case "delete":
                    record = org.find(kind, str(values.pop("Id", "")))
                    org.delete(kind, record["Id"])
                case _:
                    field = str(job["externalIdFieldName"])
                    record, new = org.upsert(kind, field, str(values.pop(field, "")), values)
            job["done"].append({"sf__Id": record["Id"], "sf__Created": str(new).lower()} | row)
        except Refusal as refusal:
            error = f"{refusal.code}:{refusal.message}:{' '.join(refusal.fields or ())}--"
            job["failed"].append({"sf__Id": "", "sf__Error": error} | row)


def _results(job: Record, which: str) -> Response:
    rows = {"successfulResults": job["done"], "failedResults": job["failed"], "unprocessedrecords": []}[which]
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return PlainTextResponse(text.getvalue(), media_type="text/csv")
