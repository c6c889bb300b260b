"""Records of any object."""

from typing import Any, Final

from pydantic import Field
from pydantic.config import JsonDict

from connectors.base import Value
from connectors.salesforce import making
from connectors.salesforce.client import Org
from connectors.salesforce.connector import salesforce
from connectors.salesforce.making import Done, IfThere, Made
from connectors.salesforce.soql import ApiName, Condition, FieldPath, RecordId, found, select

OBJECT = "API name of the object, such as Contact or Invoice__c."
VALUES = "API names of fields and what is put there; empty for nothing."
KEY = "Text that names this record: the same again makes no second one. Needs the connection's key field."
IF_THERE = "What to do when Salesforce finds it there already, also by a duplicate rule."
ADOPTED = "What to do when only a duplicate rule finds it there already: `use it` gives that record the external id."
FIELDS: Final[JsonDict] = {"choices_of": "salesforce.fields"}
OBJECTS: Final[JsonDict] = {"choices_of": "salesforce.objects"}


class NewRecord(Value):
    """A record that is to be made."""

    sobject: ApiName = Field(title="Object", description=OBJECT, json_schema_extra=OBJECTS)
    values: dict[ApiName, Any] = Field(title="Fields", description=VALUES)
    key: str | None = Field(default=None, min_length=1, max_length=255, title="Key", description=KEY)
    if_there: IfThere = Field(default="refuse", title="If it is there", description=IF_THERE)


class RecordRef(Value):
    """A record of any object."""

    sobject: ApiName = Field(title="Object", description=OBJECT, json_schema_extra=OBJECTS)
    id: RecordId = Field(title="Record id", description="15 or 18 letters, such as 0035g00000ABCDEAA4.")


class ToRead(Value):
    """What to read of a record."""

    fields: list[FieldPath] = Field(
        default_factory=list,
        max_length=200,
        title="Fields",
        description="Which; empty for all.",
        json_schema_extra=FIELDS,
    )


class RecordToRead(ToRead, RecordRef):
    """A record, and what to read of it."""


class ChangedRecord(RecordRef):
    """A record, and what is to be different."""

    values: dict[ApiName, Any] = Field(title="Fields", description=VALUES)


class Upserted(Value):
    """A record by an external id, and what is put there."""

    sobject: ApiName = Field(title="Object", description=OBJECT, json_schema_extra=OBJECTS)
    external_id_field: ApiName = Field(title="External id field", description="API name, such as Auth0_Id__c.")
    external_id: str = Field(min_length=1, max_length=255, title="External id", description="What names the record.")
    values: dict[ApiName, Any] = Field(title="Fields", description=VALUES)
    update_only: bool = Field(default=False, title="Only update", description="Never make a new record.")
    if_there: IfThere = Field(default="refuse", title="If a duplicate rule finds it", description=ADOPTED)


class Query(Value):
    """What to look for."""

    sobject: ApiName = Field(title="Object", description=OBJECT, json_schema_extra=OBJECTS)
    fields: list[FieldPath] = Field(
        default_factory=lambda: ["Id"],
        min_length=1,
        max_length=200,
        title="Fields",
        description="What to bring back of each record.",
        json_schema_extra=FIELDS,
    )
    where: list[Condition] = Field(
        default_factory=list, max_length=50, title="Conditions", description="All must fit; none finds every record."
    )
    limit: int = Field(default=100, ge=1, le=50_000, title="At most", description="How many to bring back.")


class Found(Value):
    """What was found."""

    records: list[dict[str, Any]] = Field(title="Records", description="Their fields by API name.")
    total: int = Field(title="Total", description="How many were brought back.")
    complete: bool = Field(title="Complete", description="False when more fit than were brought back.")


class Read(Value):
    """A record that was read."""

    id: str = Field(title="Record id", description="Salesforce's own id of the record.")
    record: dict[str, Any] = Field(title="Record", description="Its fields by API name.")


@salesforce.action("Create a record", effect="changes")
async def create_record(client: Org, given: NewRecord) -> Made:
    """Make a record of any object. With a key, the same again makes no second one."""
    return await making.make(client, given.sobject, given.values, key=given.key, if_there=given.if_there)


@salesforce.action("Read a record", effect="reads", repeatable=True)
async def get_record(client: Org, given: RecordToRead) -> Read:
    """Read a record of any object by its id."""
    return Read(id=given.id, record=await making.get(client, given.sobject, given.id, given.fields))


@salesforce.action("Find records", effect="reads", repeatable=True)
async def find_records(client: Org, given: Query) -> Found:
    """Find records of any object by conditions, all of which must fit."""
    return await look(client, given.sobject, given.fields, given.where, given.limit)


@salesforce.action("Update a record", effect="changes", repeatable=True)
async def update_record(client: Org, given: ChangedRecord) -> Done:
    """Change fields of a record of any object. What is not named stays."""
    return await making.update(client, given.sobject, given.id, given.values)


@salesforce.action("Create or update a record by external id", effect="changes", repeatable=True)
async def upsert_record(client: Org, given: Upserted) -> Made:
    """Change the record that has this external id, or make it where there is none."""
    values = {name: value for name, value in given.values.items() if name != given.external_id_field}
    return await making.upsert(
        client,
        given.sobject,
        given.external_id_field,
        given.external_id,
        values,
        update_only=given.update_only,
        if_there=given.if_there,
    )


@salesforce.action("Delete a record", effect="destroys")
async def delete_record(client: Org, given: RecordRef) -> Done:
    """Delete a record of any object. Salesforce keeps it in its bin for a while."""
    return await making.delete(client, given.sobject, given.id)


async def look(client: Org, sobject: str, fields: list[str], where: list[Condition], limit: int) -> Found:
    """Find records."""
    # One more than is wanted: then it is known whether these are all.
    records, _ = await found(client, select(sobject, fields, where, limit=limit + 1), most=limit + 1)
    return Found(records=records[:limit], total=min(len(records), limit), complete=len(records) <= limit)
