"""What there is to choose from: fields of leads, and by which of them leads are found."""

from pydantic import Field

from connectors.base import Lenient, Value
from connectors.errors import Refused
from connectors.marketo.client import Instance
from connectors.marketo.connector import marketo


class Everything(Value):
    """All of them."""


class LeadField(Value):
    """A field of leads."""

    name: str = Field(title="Name", description="Marketo's REST name of the field.")
    title: str = Field(title="Shown name", description="What people see.")
    kind: str = Field(title="Kind", description="Marketo's word for what it holds, such as string or email.")
    length: int | None = Field(default=None, title="Length", description="How long a value may be.")
    writable: bool = Field(title="Writable", description="Whether flows may write it.")
    key: bool = Field(title="Key", description="Whether leads can be found by it.")


class LeadFields(Value):
    """The fields of leads."""

    fields: list[LeadField] = Field(title="Fields", description="Each of them.")


class _Field(Lenient):
    name: str
    displayName: str = ""  # noqa: N815 - Marketo's own name
    dataType: str = ""  # noqa: N815 - Marketo's own name
    length: int | None = None
    updateable: bool = True


class _Described(Lenient):
    searchableFields: list[list[str]] = Field(default_factory=list)  # noqa: N815 - Marketo's own name
    fields: list[_Field] = Field(default_factory=list)


@marketo.action("Describe the fields of leads", effect="reads", repeatable=True)
async def describe_leads(client: Instance, given: Everything) -> LeadFields:  # noqa: ARG001 - there is nothing to choose
    """List the fields that leads have, and tell by which of them they are found."""
    return LeadFields(fields=await lead_fields(client))


async def lead_fields(client: Instance) -> list[LeadField]:
    """Find the fields that leads have."""
    result = (await client.read("/rest/v1/leads/describe2.json")).result
    if not result:
        raise Refused("Marketo does not say which fields leads have.")
    described = _Described.model_validate(result[0])
    keys = {names[0] for names in described.searchableFields if len(names) == 1}
    return [
        LeadField(
            name=each.name,
            title=each.displayName or each.name,
            kind=each.dataType,
            length=each.length,
            writable=each.updateable,
            key=each.name in keys,
        )
        for each in described.fields
    ]
