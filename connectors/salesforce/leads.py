"""Who may become a customer: leads."""

from pydantic import Field

from connectors.base import Value
from connectors.salesforce import making
from connectors.salesforce.client import Org
from connectors.salesforce.connector import salesforce
from connectors.salesforce.making import Done, IfThere, Made
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
from connectors.salesforce.records import IF_THERE, Found, Read, look
from connectors.salesforce.soql import FieldPath

SHOWN = ["Id", "FirstName", "LastName", "Company", "Email", "Phone", "Title", "LeadSource", "Status", "CreatedDate"]


class LeadFields(Value):
    """The fields of a lead."""

    first_name: str | None = Field(
        default=None, min_length=1, max_length=40, title="First name", description="Given name."
    )
    last_name: str | None = Field(
        default=None, min_length=1, max_length=80, title="Last name", description="Family name."
    )
    company: str | None = Field(
        default=None, min_length=1, max_length=255, title="Company", description="Where the person works."
    )
    email: str | None = Field(
        default=None, min_length=1, max_length=80, title="E-mail", description="The whole address."
    )
    phone: str | None = Field(
        default=None, min_length=1, max_length=40, title="Phone", description="As it is to be shown."
    )
    title: str | None = Field(
        default=None, min_length=1, max_length=128, title="Title", description="What the person does there."
    )
    lead_source: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        title="Source",
        description="Where the lead comes from, such as Web.",
    )
    status: str | None = Field(
        default=None, min_length=1, max_length=255, title="Status", description="As the org names it."
    )


class NewLead(New, LeadFields):
    """A lead that is to be made."""

    last_name: str = Field(min_length=1, max_length=80, title="Last name", description="Family name.")
    company: str = Field(min_length=1, max_length=255, title="Company", description="Where the person works.")
    if_there: IfThere = Field(default="use it", title="If it is there", description=IF_THERE)


class ChangedLead(More, LeadFields, Ref):
    """A lead, and what is to be different."""


class UpsertedLead(More, LeadFields, ByExternalId):
    """A lead by an external id, and what is put there."""


class LeadSearch(Search, LeadFields):
    """Which leads to look for. Everything that is filled in must fit."""

    fields: list[FieldPath] = brought(SHOWN)


@salesforce.action("Create a lead", effect="changes")
async def create_lead(client: Org, given: NewLead) -> Made:
    """Make a lead. An open one with the same e-mail address is used, unless you say otherwise."""
    values = values_of(given)
    return await making.make(client, "Lead", values, key=given.key, same=["Email"], if_there=given.if_there)


@salesforce.action("Read a lead", effect="reads", repeatable=True)
async def get_lead(client: Org, given: RefToRead) -> Read:
    """Read a lead by its id."""
    return Read(id=given.id, record=await making.get(client, "Lead", given.id, given.fields))


@salesforce.action("Find leads", effect="reads", repeatable=True)
async def find_leads(client: Org, given: LeadSearch) -> Found:
    """Find leads for which everything that is filled in fits."""
    return await look(client, "Lead", given.fields, conditions(given), given.limit)


@salesforce.action("Update a lead", effect="changes", repeatable=True)
async def update_lead(client: Org, given: ChangedLead) -> Done:
    """Change fields of a lead. What is left empty stays as it is."""
    return await making.update(client, "Lead", given.id, values_of(given))


@salesforce.action("Create or update a lead by external id", effect="changes", repeatable=True)
async def upsert_lead(client: Org, given: UpsertedLead) -> Made:
    """Change the lead that has this external id, or make it where there is none."""
    return await upsert(client, "Lead", given, values_of(given))


@salesforce.action("Delete a lead", effect="destroys")
async def delete_lead(client: Org, given: Ref) -> Done:
    """Delete a lead. Salesforce keeps it in its bin for a while."""
    return await making.delete(client, "Lead", given.id)
