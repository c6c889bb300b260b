"""Bulk imports: very many leads in one file, which Marketo reads in its own time."""

import csv
import io
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from pydantic import Field

from connectors.base import Lenient, Value
from connectors.errors import Missing, Refused
from connectors.marketo.client import Instance, understood
from connectors.marketo.connector import marketo
from connectors.marketo.leads import KEY_FIELD, PARTITION, FieldName

BULK: Final = "/bulk/v1/leads"
LARGEST: Final = 10_000_000
"""Bytes of a file, with room for what is around it: Marketo takes less than 10 MB."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
BatchId = Annotated[
    int, Field(ge=1, title="Import", description="Marketo's id of the import, as the step that began it gave it.")
]


class ImportLeads(Value):
    """Leads to import."""

    records: list[dict[FieldName, str | int | float | bool | None]] = Field(
        min_length=1,
        max_length=100_000,
        title="Leads",
        description="Each with Marketo's REST names of fields and values, the key field among them.",
    )
    key_field: FieldName = KEY_FIELD
    list_id: int | None = Field(
        default=None,
        ge=1,
        title="List",
        description="A static list that they are put into, too.",
        json_schema_extra={"choices_of": "marketo.lists"},
    )
    partition: str | None = PARTITION


class ImportRef(Value):
    """Which import is meant."""

    import_id: BatchId


class ImportStatus(Value):
    """How far an import is."""

    import_id: int = Field(title="Import", description="Marketo's id of it, good for seven days.")
    status: str = Field(title="Status", description="Queued, Importing, Complete or Failed.")
    finished: bool = Field(title="Finished", description="Whether it is over.")
    complete: bool = Field(title="Complete", description="Whether it is over and every row was taken.")
    processed: int = Field(default=0, title="Taken", description="How many rows became leads.")
    failed: int = Field(default=0, title="Failed", description="How many rows were not taken.")
    warnings: int = Field(default=0, title="Warnings", description="How many rows were taken in part.")
    message: str | None = Field(default=None, title="Message", description="What Marketo says of it.")


class ImportFailure(Value):
    """A row that was not taken."""

    record: dict[str, str] = Field(title="Lead", description="What was given, by Marketo's names of fields.")
    reason: str = Field(title="Reason", description="Why it was not taken.")


class _Import(Lenient):
    batchId: int  # noqa: N815 - Marketo's own name
    status: str
    numOfLeadsProcessed: int = 0  # noqa: N815 - Marketo's own name
    numOfRowsFailed: int = 0  # noqa: N815 - Marketo's own name
    numOfRowsWithWarning: int = 0  # noqa: N815 - Marketo's own name
    message: str | None = None


def _all(given: ImportLeads) -> int:
    return len(given.records)


@marketo.action("Import leads", effect="changes", counts=_all)
async def import_leads(client: Instance, given: ImportLeads) -> ImportStatus:
    """Hand over very many leads as one file. They are created or updated by their key, in Marketo's own time."""
    file = table(given.records, given.key_field)
    query: dict[str, Any] = {"format": "csv", "lookupField": given.key_field}
    query |= {"listId": given.list_id} if given.list_id else {}
    query |= {"partitionName": given.partition} if given.partition else {}
    response = await client.http.post(
        f"{BULK}.json", params=query, files={"file": ("leads.csv", file, "text/csv")}, timeout=client.sync_timeout
    )
    return _first(understood(response).result)


@marketo.action("Look how far an import is", effect="reads", repeatable=True)
async def get_import(client: Instance, given: ImportRef) -> ImportStatus:
    """Tell whether an import is over, and how many rows were not taken. Ask every half minute, not more often."""
    return _first((await client.read(f"{BULK}/batch/{given.import_id}.json")).result)


@marketo.action("List what an import did not take", effect="reads", repeatable=True)
async def list_import_failures(client: Instance, given: ImportRef) -> AsyncIterator[ImportFailure]:
    """List the rows that an import did not take, each with Marketo's reason."""
    response = await client.http.get(f"{BULK}/batch/{given.import_id}/failures.json", timeout=client.timeout)
    rows = csv.reader(io.StringIO(response.content.decode("utf-8-sig", errors="replace"), newline=""))
    header = next(rows, [])
    for row in rows:
        if row:
            yield ImportFailure(record=dict(zip(header[:-1], row, strict=False)), reason=row[-1])


def table(records: list[dict[str, Any]], key_field: str) -> bytes:
    """Write leads as CSV, every cell in quotation marks. Raises Refused."""
    header = list(dict.fromkeys(name for record in records for name in record))
    if any(record.get(key_field) in {None, ""} for record in records):
        raise Refused(f"Some leads have no {key_field}, by which leads are told apart here.")
    text = io.StringIO(newline="")
    rows = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    rows.writerow(header)
    rows.writerows([[_cell(record.get(name)) for name in header] for record in records])
    file = text.getvalue().encode()
    if len(file) > LARGEST:
        raise Refused("These leads are more than Marketo takes in one file (10 MB): import them in parts.")
    return file


def _cell(value: Any) -> str:
    """Write one value. Characters that steer a terminal or end a text are left out."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case _:
            return CONTROL.sub("", str(value))


def _first(result: list[dict[str, Any]]) -> ImportStatus:
    if not result:
        raise Missing("Marketo says nothing of this import.")
    each = _Import.model_validate(result[0])
    over = each.status in {"Complete", "Failed"}
    return ImportStatus(
        import_id=each.batchId,
        status=each.status,
        finished=over,
        complete=each.status == "Complete" and not each.numOfRowsFailed,
        processed=each.numOfLeadsProcessed,
        failed=each.numOfRowsFailed,
        warnings=each.numOfRowsWithWarning,
        message=each.message,
    )
