"""Import sets: rows that a transform map of the instance turns into records."""

from typing import Final

from pydantic import Field, ValidationError

from connectors.base import Lenient, Value
from connectors.errors import Ambiguous, Refused
from connectors.servicenow.client import Instance
from connectors.servicenow.connector import servicenow
from connectors.servicenow.names import ColumnName, Held, TableName, written
from connectors.wording import clean

FAILED: Final = "error"


class Row(Value):
    """A row to be imported."""

    table: TableName = Field(title="Staging table", description="Where the rows arrive, such as u_imp_person.")
    values: dict[ColumnName, Held] = Field(
        min_length=1, title="Values", description="By the names of the staging table's fields."
    )


class Transformed(Value):
    """What became of a row, by one transform map."""

    table: str = Field(title="Table", description="Where the record is.")
    sys_id: str = Field(title="sys_id", description="ServiceNow's id of the record; empty if there is none.")
    status: str = Field(title="Status", description="inserted, updated, ignored or skipped.")
    transform_map: str = Field(title="Transform map", description="What turned the row into a record.")


class Imported(Value):
    """What became of a row."""

    import_set: str = Field(title="Import set", description="ServiceNow's number of the import.")
    status: str = Field(title="Status", description="inserted, updated, ignored or skipped, by the first map.")
    sys_id: str = Field(title="sys_id", description="The record of the first map; empty if there is none.")
    results: list[Transformed] = Field(title="Results", description="What each transform map made of the row.")


class _Result(Lenient):
    table: str = ""
    sys_id: str = ""
    status: str
    transform_map: str = ""
    status_message: str = ""
    error_message: str = ""


class _Answer(Lenient):
    import_set: str = ""
    result: list[_Result] = Field(min_length=1)


@servicenow.action("Import a row", effect="changes")
async def import_row(client: Instance, given: Row) -> Imported:
    """Send one row to a staging table. With a coalesce field in its transform map, known records are updated."""
    body = {name: written(value) for name, value in given.values.items()}
    response = await client.http.post(f"/api/now/import/{given.table}", json=body)
    try:
        answer = _Answer.model_validate_json(response.content)
    except ValidationError:
        # Without a cause: its text would show people's data.
        raise Ambiguous("ServiceNow did not say what became of the row: it may or may not have been taken.") from None
    wrong = next((one for one in answer.result if one.status == FAILED), None)
    if wrong:
        said = clean(wrong.error_message or wrong.status_message or "it does not say why")
        done = [one.table for one in answer.result if one.status in {"inserted", "updated"}]
        also = f" In {', '.join(done)} it was taken." if done else ""
        raise Refused(f"ServiceNow did not take the row: {said}.{also}")
    results = [
        Transformed(table=one.table, sys_id=one.sys_id, status=one.status, transform_map=one.transform_map)
        for one in answer.result
    ]
    return Imported(import_set=answer.import_set, status=results[0].status, sys_id=results[0].sys_id, results=results)
