"""What an org's objects and fields are, for the lists of forms."""

from typing import Literal

from pydantic import Field

from connectors.base import Lenient, Value
from connectors.salesforce.client import Org
from connectors.salesforce.connector import salesforce
from connectors.salesforce.records import OBJECT, OBJECTS
from connectors.salesforce.soql import ApiName


class Everything(Value):
    """Nothing needs to be said."""


class ObjectRef(Value):
    """An object, and which of its fields."""

    sobject: ApiName = Field(title="Object", description=OBJECT, json_schema_extra=OBJECTS)
    which: Literal["all", "that can be filled", "external ids"] = Field(
        default="all", title="Which", description="Which of its fields."
    )


class FieldRef(Value):
    """A field with a list of values."""

    sobject: ApiName = Field(title="Object", description=OBJECT, json_schema_extra=OBJECTS)
    field: ApiName = Field(title="Field", description="API name, such as Status.")


class Choice(Value):
    """One that can be chosen."""

    value: str = Field(title="Value", description="What a flow says.")
    label: str = Field(title="Label", description="What people see.")


class Choices(Value):
    """What can be chosen."""

    choices: list[Choice] = Field(title="Choices", description="Each with what a flow says and what people see.")


class _Object(Lenient):
    name: str
    label: str = ""
    queryable: bool = False


class _Objects(Lenient):
    sobjects: list[_Object]


class _Picked(Lenient):
    value: str
    label: str | None = None
    active: bool = True


class DescribedField(Lenient):
    """A field, as the org tells of it."""

    name: str
    label: str = ""
    createable: bool = False
    externalId: bool = False  # noqa: N815 - Salesforce's own name
    picklistValues: tuple[_Picked, ...] = ()  # noqa: N815 - Salesforce's own name


class _RecordType(Lenient):
    recordTypeId: str  # noqa: N815 - Salesforce's own name
    name: str = ""
    active: bool = True
    available: bool = True
    master: bool = False


class Described(Lenient):
    """An object, as the org tells of it."""

    fields: list[DescribedField]
    recordTypeInfos: tuple[_RecordType, ...] = ()  # noqa: N815 - Salesforce's own name


@salesforce.action("List objects", effect="reads", repeatable=True)
async def list_objects(client: Org, given: Everything) -> Choices:  # noqa: ARG001 - every action takes something
    """List the objects of the org whose records can be looked for."""
    return Choices(
        choices=[Choice(value=each.name, label=each.label or each.name) for each in await objects_of(client)]
    )


@salesforce.action("List fields", effect="reads", repeatable=True)
async def list_fields(client: Org, given: ObjectRef) -> Choices:
    """List the fields of an object."""
    fields = (await described(client, given.sobject)).fields
    match given.which:
        case "that can be filled":
            fields = [each for each in fields if each.createable]
        case "external ids":
            fields = [each for each in fields if each.externalId]
        case _:
            pass
    return Choices(choices=[Choice(value=each.name, label=each.label or each.name) for each in fields])


@salesforce.action("List the values of a field", effect="reads", repeatable=True)
async def list_values(client: Org, given: FieldRef) -> Choices:
    """List what can be picked for a field."""
    fields = [each for each in (await described(client, given.sobject)).fields if each.name == given.field]
    picked = [one for each in fields for one in each.picklistValues if one.active]
    return Choices(choices=[Choice(value=one.value, label=one.label or one.value) for one in picked])


async def objects_of(client: Org) -> list[_Object]:
    """Find the objects whose records can be looked for."""
    answer = _Objects.model_validate_json((await client.http.get(f"{client.root}/sobjects")).content)
    return [each for each in answer.sobjects if each.queryable]


async def described(client: Org, sobject: str) -> Described:
    """Find out what an object is made of."""
    response = await client.http.get(f"{client.root}/sobjects/{sobject}/describe")
    return Described.model_validate_json(response.content)
