"""Records of any table."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, Self

from pydantic import Field, model_validator

from connectors.base import Value
from connectors.errors import Ambiguous, Missing
from connectors.servicenow.client import Instance, result_of
from connectors.servicenow.connector import servicenow
from connectors.servicenow.creating import make
from connectors.servicenow.incidents import KEY, Key, refuse_apart
from connectors.servicenow.names import ColumnName, FieldName, Held, Sought, SysId, TableName, written
from connectors.servicenow.queries import Condition, equal, every, page

OWN: Final = ("number", "sys_created_on", "sys_updated_on")


class RecordRef(Value):
    """Which record is meant."""

    table: TableName
    sys_id: SysId


class Wanted(RecordRef):
    """A record, and what of it is wanted."""

    fields: list[FieldName] = Field(
        default_factory=list,
        max_length=100,
        title="Fields",
        description="Such as short_description or caller_id.email; empty for all fields of the table.",
    )


class Record(Value):
    """A record as it is now, in ServiceNow's own values."""

    table: str = Field(title="Table", description="ServiceNow's name of the table.")
    sys_id: str = Field(title="sys_id", description="ServiceNow's id of the record.")
    number: str = Field(title="Number", description="Such as PRB0010001; empty where the table has none.")
    values: dict[str, str] = Field(
        title="Values", description="By the names of the fields. References are ids; times are UTC."
    )
    link: str = Field(title="Link", description="Where people see it.")


class NewRecord(Value):
    """A record to be."""

    table: TableName
    values: dict[ColumnName, Held] = Field(
        min_length=1, title="Values", description="By ServiceNow's names of the fields. References are ids."
    )
    key: Key | None = Field(default=None, title="Key", description=KEY)

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if "sys_id" in self.values:
            raise ValueError("The sys_id cannot be chosen. To make no second one, give a key.")
        return self


class MadeRecord(Record):
    """A record that was made, or had been made before."""

    created: bool = Field(title="Created now", description="False where the key had named it before.")
    ignored: list[str] = Field(title="Ignored", description="Fields that were given and that ServiceNow does not take.")
    known_by_key: bool = Field(
        title="Known by its key",
        description="False where the table keeps no mark of ours: then the same key again makes a second one.",
    )


class RecordChange(RecordRef):
    """What to change of a record."""

    values: dict[ColumnName, Held] = Field(
        min_length=1, title="Values", description="By ServiceNow's names of the fields; empty ones are emptied."
    )

    @model_validator(mode="after")
    def _apart(self) -> Self:
        refuse_apart(self.values)
        return self


class ChangedRecord(Record):
    """A record that was changed."""

    ignored: list[str] = Field(title="Ignored", description="Fields that were given and that ServiceNow does not take.")


class DeletedRecord(Value):
    """What is gone."""

    table: str = Field(title="Table", description="ServiceNow's name of the table.")
    sys_id: str = Field(title="sys_id", description="ServiceNow's id of the record.")
    existed: bool = Field(
        title="Existed", description="False where there was none any more, or none that this connection may see."
    )


class RecordQuery(Value):
    """Which records to look for. Everything must fit."""

    table: TableName
    where: dict[FieldName, Sought | int | bool | None] = Field(
        default_factory=dict,
        max_length=20,
        title="Where",
        description="Fields and the values that they must have; nothing for an empty field.",
    )
    conditions: list[Condition] = Field(
        default_factory=list, max_length=20, title="Conditions", description="What else must be so."
    )
    fields: list[FieldName] = Field(
        default_factory=list,
        max_length=100,
        title="Fields",
        description="What to bring back, such as short_description or caller_id.email.",
    )

    @model_validator(mode="after")
    def _conditions(self) -> Self:
        equal(self.where)
        return self

    def every_condition(self) -> list[Condition]:
        """List all that must be so."""
        return [*equal(self.where), *self.conditions]


class RecordSearch(RecordQuery):
    """Which records to look for, and how many."""

    limit: int = Field(default=50, ge=1, le=1000, title="At most", description="How many to bring back.")


class FoundRecords(Value):
    """The records that were found."""

    records: list[Record] = Field(title="Records", description="The newest first.")
    count: int = Field(title="Count", description="How many were brought back.")
    complete: bool = Field(title="Complete", description="False when more fit than were brought back.")


def shown(client: Instance, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Read a record out of an answer."""
    values = {name: value if isinstance(value, str) else written_of(value) for name, value in row.items()}
    sys_id = values["sys_id"]
    return {
        "table": table,
        "sys_id": sys_id,
        "number": values.get("number", ""),
        "values": values,
        "link": client.link(table, sys_id),
    }


def written_of(value: Any) -> str:
    """Write what is not a text, although everything should be one."""
    return written(value.get("value")) if isinstance(value, Mapping) else written(value)


def _shape(*fields: str) -> dict[str, str]:
    shape = {"sysparm_display_value": "false", "sysparm_exclude_reference_link": "true"}
    return {**shape, "sysparm_fields": ",".join(dict.fromkeys(["sys_id", *fields]))} if fields else shape


@servicenow.action("Create a record", effect="changes")
async def create_record(client: Instance, given: NewRecord) -> MadeRecord:
    """Create a record of any table. With a key, it is made once, however often the flow comes by."""
    made = await make(client, given.table, given.values, key=given.key, fields=OWN)
    return MadeRecord(
        **shown(client, given.table, made.row),
        created=made.created,
        ignored=list(made.ignored),
        known_by_key=made.known_by_key,
    )


@servicenow.action("Get a record", effect="reads", repeatable=True)
async def get_record(client: Instance, given: Wanted) -> Record:
    """Look up one record of any table, as it is at this moment."""
    path = f"/api/now/table/{given.table}/{given.sys_id}"
    row = await result_of(client, "GET", path, params=_shape(*given.fields))
    if not isinstance(row, dict) or not row.get("sys_id"):
        raise Missing(f"ServiceNow has no such record in {given.table}.")
    return Record(**shown(client, given.table, row))


@servicenow.action("Find records", effect="reads", repeatable=True)
async def find_records(client: Instance, given: RecordSearch) -> FoundRecords:
    """Find the newest records of any table that fit."""
    fields = given.fields or list(OWN)
    found = await page(client, given.table, given.every_condition(), fields=fields, limit=given.limit)
    records = [Record(**shown(client, given.table, row)) for row in found.rows]
    return FoundRecords(records=records, count=len(records), complete=found.total <= given.limit)


@servicenow.action("List records", effect="reads", repeatable=True)
async def list_records(client: Instance, given: RecordQuery) -> AsyncIterator[Record]:
    """Go through all records of any table that fit, however many they are."""
    async for row in every(client, given.table, given.every_condition(), fields=given.fields or list(OWN)):
        yield Record(**shown(client, given.table, row))


@servicenow.action("Update a record", effect="changes", repeatable=True)
async def update_record(client: Instance, given: RecordChange) -> ChangedRecord:
    """Change fields of a record of any table; the others stay as they are."""
    row = await result_of(
        client,
        "PATCH",
        f"/api/now/table/{given.table}/{given.sys_id}",
        params=_shape(*OWN, *given.values),
        json={name: written(value) for name, value in given.values.items()},
    )
    if not isinstance(row, dict) or row.get("sys_id") != given.sys_id:
        raise Ambiguous("ServiceNow did not say what it has changed.")
    ignored = [name for name in given.values if name not in row]
    return ChangedRecord(**shown(client, given.table, row), ignored=ignored)


@servicenow.action("Delete a record", effect="destroys", repeatable=True)
async def delete_record(client: Instance, given: RecordRef) -> DeletedRecord:
    """Delete a record of any table for good. One that is gone already is no error."""
    try:
        await client.http.delete(f"/api/now/table/{given.table}/{given.sys_id}")
    except Missing:
        return DeletedRecord(table=given.table, sys_id=given.sys_id, existed=False)
    return DeletedRecord(table=given.table, sys_id=given.sys_id, existed=True)
