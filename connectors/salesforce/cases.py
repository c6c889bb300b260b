"""What customers ask for: cases."""

from pydantic import Field

from connectors.base import Value
from connectors.salesforce import making
from connectors.salesforce.client import Org
from connectors.salesforce.connector import salesforce
from connectors.salesforce.making import Done, IfThere, Made
from connectors.salesforce.nouns import BROUGHT, MORE, Extra, conditions, values_of
from connectors.salesforce.records import FIELDS, IF_THERE, KEY, Found, Read, look
from connectors.salesforce.soql import ApiName, Condition, FieldPath, RecordId

SHOWN = ["Id", "Subject", "Status", "Priority", "Origin", "ContactId", "AccountId", "CreatedDate"]


class NewCase(Value):
    """A case that is to be made."""

    subject: str = Field(min_length=1, max_length=255, title="Subject", description="What it is about.")
    description: str | None = Field(
        default=None, min_length=1, max_length=32000, title="Description", description="The whole story."
    )
    status: str | None = Field(
        default=None, min_length=1, max_length=255, title="Status", description="As the org names it, such as New."
    )
    priority: str | None = Field(
        default=None, min_length=1, max_length=255, title="Priority", description="As the org names it, such as High."
    )
    origin: str | None = Field(
        default=None, min_length=1, max_length=255, title="Origin", description="How it came, such as Web."
    )
    contact_id: str | None = Field(
        default=None, min_length=1, max_length=18, title="Contact id", description="Who asked."
    )
    account_id: str | None = Field(
        default=None, min_length=1, max_length=18, title="Account id", description="For which account."
    )
    more: Extra = Field(default_factory=dict, title="More fields", description=MORE)
    key: str | None = Field(default=None, min_length=1, max_length=255, title="Key", description=KEY)
    if_there: IfThere = Field(default="refuse", title="If it is there", description=IF_THERE)


class CaseRef(Value):
    """A case."""

    id: RecordId = Field(title="Case id", description="15 or 18 letters.")


class CaseToRead(CaseRef):
    """A case, and what to read of it."""

    fields: list[FieldPath] = Field(
        default_factory=list,
        max_length=200,
        title="Fields",
        description="Which; empty for all.",
        json_schema_extra=FIELDS,
    )


class ChangedCase(CaseRef):
    """A case, and what is to be different."""

    subject: str | None = Field(
        default=None, min_length=1, max_length=255, title="Subject", description="What it is about."
    )
    description: str | None = Field(
        default=None, min_length=1, max_length=32000, title="Description", description="The whole story."
    )
    status: str | None = Field(
        default=None, min_length=1, max_length=255, title="Status", description="As the org names it, such as New."
    )
    priority: str | None = Field(
        default=None, min_length=1, max_length=255, title="Priority", description="As the org names it, such as High."
    )
    origin: str | None = Field(
        default=None, min_length=1, max_length=255, title="Origin", description="How it came, such as Web."
    )
    contact_id: str | None = Field(
        default=None, min_length=1, max_length=18, title="Contact id", description="Who asked."
    )
    account_id: str | None = Field(
        default=None, min_length=1, max_length=18, title="Account id", description="For which account."
    )
    more: Extra = Field(default_factory=dict, title="More fields", description=MORE)


class UpsertedCase(Value):
    """A case by an external id, and what is put there."""

    external_id_field: ApiName = Field(title="External id field", description="API name, such as Auth0_Id__c.")
    external_id: str = Field(min_length=1, max_length=255, title="External id", description="What names the case.")
    subject: str | None = Field(
        default=None, min_length=1, max_length=255, title="Subject", description="What it is about."
    )
    description: str | None = Field(
        default=None, min_length=1, max_length=32000, title="Description", description="The whole story."
    )
    status: str | None = Field(
        default=None, min_length=1, max_length=255, title="Status", description="As the org names it, such as New."
    )
    priority: str | None = Field(
        default=None, min_length=1, max_length=255, title="Priority", description="As the org names it, such as High."
    )
    origin: str | None = Field(
        default=None, min_length=1, max_length=255, title="Origin", description="How it came, such as Web."
    )
    contact_id: str | None = Field(
        default=None, min_length=1, max_length=18, title="Contact id", description="Who asked."
    )
    account_id: str | None = Field(
        default=None, min_length=1, max_length=18, title="Account id", description="For which account."
    )
    more: Extra = Field(default_factory=dict, title="More fields", description=MORE)


class CaseSearch(Value):
    """Which cases to look for. Everything that is filled in must fit."""

    subject: str | None = Field(
        default=None, min_length=1, max_length=255, title="Subject", description="Exactly this."
    )
    status: str | None = Field(default=None, min_length=1, max_length=255, title="Status", description="Exactly this.")
    priority: str | None = Field(
        default=None, min_length=1, max_length=255, title="Priority", description="Exactly this."
    )
    origin: str | None = Field(default=None, min_length=1, max_length=255, title="Origin", description="Exactly this.")
    contact_id: str | None = Field(
        default=None, min_length=1, max_length=18, title="Contact id", description="Exactly this."
    )
    account_id: str | None = Field(
        default=None, min_length=1, max_length=18, title="Account id", description="Exactly this."
    )
    where: list[Condition] = Field(
        default_factory=list, max_length=50, title="Conditions", description="What else must fit."
    )
    fields: list[FieldPath] = Field(
        default_factory=lambda: list(SHOWN),
        min_length=1,
        max_length=200,
        title="Fields",
        description=BROUGHT,
        json_schema_extra=FIELDS,
    )
    limit: int = Field(default=100, ge=1, le=50_000, title="At most", description="How many to bring back.")


@salesforce.action("Create a case", effect="changes")
async def create_case(client: Org, given: NewCase) -> Made:
    """Make a case. With a key, the same again makes no second one."""
    values = values_of(given)
    return await making.make(client, "Case", values, key=given.key, if_there=given.if_there)


@salesforce.action("Read a case", effect="reads", repeatable=True)
async def get_case(client: Org, given: CaseToRead) -> Read:
    """Read a case by its id."""
    return Read(id=given.id, record=await making.get(client, "Case", given.id, given.fields))


@salesforce.action("Find cases", effect="reads", repeatable=True)
async def find_cases(client: Org, given: CaseSearch) -> Found:
    """Find cases for which everything that is filled in fits."""
    return await look(client, "Case", given.fields, conditions(given), given.limit)


@salesforce.action("Update a case", effect="changes", repeatable=True)
async def update_case(client: Org, given: ChangedCase) -> Done:
    """Change fields of a case. What is left empty stays as it is."""
    return await making.update(client, "Case", given.id, values_of(given))


@salesforce.action("Create or update a case by external id", effect="changes", repeatable=True)
async def upsert_case(client: Org, given: UpsertedCase) -> Made:
    """Change the case that has this external id, or make it where there is none."""
    return await making.upsert(client, "Case", given.external_id_field, given.external_id, values_of(given))


@salesforce.action("Delete a case", effect="destroys")
async def delete_case(client: Org, given: CaseRef) -> Done:
    """Delete a case. Salesforce keeps it in its bin for a while."""
    return await making.delete(client, "Case", given.id)
