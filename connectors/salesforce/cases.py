"""What customers ask for: cases."""

from pydantic import Field

from connectors.base import Value
from connectors.salesforce import making
from connectors.salesforce.client import Org
from connectors.salesforce.connector import salesforce
from connectors.salesforce.making import Done, Made
from connectors.salesforce.nouns import (
    ByExternalId,
    More,
    New,
    Ref,
    RefToRead,
    Search,
    brought,
    conditions,
    upsert,
    values_of,
)
from connectors.salesforce.records import Found, Read, look
from connectors.salesforce.soql import FieldPath

SHOWN = ["Id", "Subject", "Status", "Priority", "Origin", "ContactId", "AccountId", "CreatedDate"]


class CaseFields(Value):
    """The fields of a case."""

    subject: str | None = Field(
        default=None, min_length=1, max_length=255, title="Subject", description="What it is about."
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


class CaseValues(CaseFields):
    """What may be put into a case; not all of it can be looked for."""

    description: str | None = Field(
        default=None, min_length=1, max_length=32000, title="Description", description="The whole story."
    )


class NewCase(New, CaseValues):
    """A case that is to be made."""

    subject: str = Field(min_length=1, max_length=255, title="Subject", description="What it is about.")


class ChangedCase(More, CaseValues, Ref):
    """A case, and what is to be different."""


class UpsertedCase(More, CaseValues, ByExternalId):
    """A case by an external id, and what is put there."""


class CaseSearch(Search, CaseFields):
    """Which cases to look for. Everything that is filled in must fit."""

    fields: list[FieldPath] = brought(SHOWN)


@salesforce.action("Create a case", effect="changes")
async def create_case(client: Org, given: NewCase) -> Made:
    """Make a case. With a key, the same again makes no second one."""
    values = values_of(given)
    return await making.make(client, "Case", values, key=given.key, if_there=given.if_there)


@salesforce.action("Read a case", effect="reads", repeatable=True)
async def get_case(client: Org, given: RefToRead) -> Read:
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
    return await upsert(client, "Case", given, values_of(given))


@salesforce.action("Delete a case", effect="destroys")
async def delete_case(client: Org, given: Ref) -> Done:
    """Delete a case. Salesforce keeps it in its bin for a while."""
    return await making.delete(client, "Case", given.id)
