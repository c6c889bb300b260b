"""Bulk import: a file of leads, read a while later."""

import csv
import io

from starlette.responses import Response

from sandbox.marketo.answers import Json, Refusal, answer
from sandbox.marketo.calls import Call
from sandbox.marketo.instance import Import, Instance
from sandbox.marketo.leads import write

UNDER_WAY = {"Queued", "Importing"}


def begin(instance: Instance, call: Call) -> Response:
    """Take a file."""
    if call.one("format") not in {"csv", "tsv", "ssv"}:
        raise Refusal(1003, "Invalid value for parameter 'format'")
    separator = {"csv": ",", "tsv": "\t", "ssv": ";"}[str(call.one("format"))]
    list_id = call.number("listId", 0, most=10**9) or None
    if list_id and list_id not in instance.lists:
        raise Refusal(1013, "List not found")
    going_on(instance)
    waiting = [each for each in instance.imports.values() if each.status in UNDER_WAY]
    if len(waiting) >= instance.settings.queued:
        raise Refusal(1016, "Too many imports are queued")
    field = call.one("lookupField") or "email"
    try:
        rows = list(csv.reader(io.StringIO(call.file().decode("utf-8-sig"), newline=""), delimiter=separator))
    except (UnicodeDecodeError, csv.Error):
        raise Refusal(1003, "The file cannot be read") from None
    if len(rows) < 2:
        raise Refusal(1003, "Empty file")
    now = instance.now()
    made = Import(
        id=instance.new_id(),
        status="Queued",
        begun=now,
        ends=now + instance.settings.import_seconds,
        list_id=list_id,
        header=rows[0],
    )
    instance.imports[made.id] = made
    unknown = [name for name in rows[0] if name not in instance.attributes]
    if unknown or field not in rows[0]:
        made.message = f"Import failed: invalid columns {', '.join(unknown) or field}"
    else:
        _write(instance, made, rows[1:], field)
    return answer([{"batchId": made.id, "importId": str(made.id), "status": "Queued"}])


def _write(instance: Instance, made: Import, rows: list[list[str]], field: str) -> None:
    for row in rows:
        if len(row) != len(made.header):
            made.failed.append([*row, "Wrong number of columns"])
            continue
        record = {name: value for name, value in zip(made.header, row, strict=True) if value != ""}
        done = write(instance, record, field)
        if "reasons" in done:
            made.failed.append([*row, done["reasons"][0]["message"]])
            continue
        made.processed += 1
        if made.list_id:
            instance.lists[made.list_id].members.setdefault(done["id"], instance.stamp())


def going_on(instance: Instance) -> None:
    """Let time pass for the imports: at most two run together, the others wait."""
    now = instance.now()
    running = 0
    for each in instance.imports.values():
        if each.status not in UNDER_WAY:
            continue
        if now >= each.ends:
            each.status = "Failed" if each.message else "Complete"
        elif running < instance.settings.importing:
            each.status = "Importing"
            running += 1


def _of(instance: Instance, call: Call) -> Import:
    going_on(instance)
    found = instance.imports.get(int(call.ids["id"]))
    if found is None:
        raise Refusal(1013, "Import not found")
    return found


def status(instance: Instance, call: Call) -> Response:
    """Tell how far an import is."""
    each = _of(instance, call)
    finished = each.status not in UNDER_WAY
    shown: Json = {
        "batchId": each.id,
        "importId": str(each.id),
        "status": each.status,
        "numOfLeadsProcessed": each.processed if finished else 0,
        "numOfRowsFailed": len(each.failed) if finished else 0,
        "numOfRowsWithWarning": 0,
        "message": each.message
        or ("Import succeeded, with some failures" if each.failed else "Import succeeded, records are imported"),
    }
    return answer([shown])


def failures(instance: Instance, call: Call) -> Response:
    """Give the rows that failed, as a file with the reason in a last column."""
    each = _of(instance, call)
    return _file([[*each.header, "Import Failure Reason"], *each.failed])


def warnings(instance: Instance, call: Call) -> Response:
    """Give the rows with warnings: there are none."""
    return _file([[*_of(instance, call).header, "Import Warning Reason"]])


def _file(rows: list[list[str]]) -> Response:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return Response(text.getvalue().encode(), media_type="text/csv")
