"""People of your customers: contacts."""

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

SHOWN = ["Id", "FirstName", "LastName", "Email", "Phone", "MobilePhone", "Title", "AccountId", "CreatedDate"]


class ContactFields(Value):
    """The fields of a contact."""

    first_name: str | None = Field(
        default=None, min_length=1, max_length=40, title="First name", description="Given name."
    )
    last_name: str | None = Field(
        default=None, min_length=1, max_length=80, title="Last name", description="Family name."
    )
    email: str | None = Field(
        default=None, min_length=1, max_length=80, title="E-mail", description="The whole address."
    )
    phone: str | None = Field(
        default=None, min_length=1, max_length=40, title="Phone", description="As it is to be shown."
    )
    mobile_phone: str | None = Field(
        default=None, min_length=1, max_length=40, title="Mobile phone", description="As it is to be shown."
    )
    title: str | None = Field(
        default=None, min_length=1, max_length=128, title="Title", description="What the person does there."
    )
    account_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=18,
        title="Account id",
        description="The account that the person belongs to.",
    )


class NewContact(New, ContactFields):
    """A contact that is to be made."""

    last_name: str = Field(min_length=1, max_length=80, title="Last name", description="Family name.")
    if_there: IfThere = Field(default="use it", title="If it is there", description=IF_THERE)


class ChangedContact(More, ContactFields, Ref):
    """A contact, and what is to be different."""


class UpsertedContact(More, ContactFields, ByExternalId):
    """A contact by an external id, and what is put there."""


class ContactSearch(Search, ContactFields):
    """Which contacts to look for. Everything that is filled in must fit."""

    fields: list[FieldPath] = brought(SHOWN)


@salesforce.action("Create a contact", effect="changes")
async def create_contact(client: Org, given: NewContact) -> Made:
    """Make a contact. Somebody who has the same e-mail address already is used, unless you say otherwise."""
    values = values_of(given)
    return await making.make(client, "Contact", values, key=given.key, same=["Email"], if_there=given.if_there)


@salesforce.action("Read a contact", effect="reads", repeatable=True)
async def get_contact(client: Org, given: RefToRead) -> Read:
    """Read a contact by its id."""
    return Read(id=given.id, record=await making.get(client, "Contact", given.id, given.fields))


@salesforce.action("Find contacts", effect="reads", repeatable=True)
async def find_contacts(client: Org, given: ContactSearch) -> Found:
    """Find contacts for which everything that is filled in fits."""
    return await look(client, "Contact", given.fields, conditions(given), given.limit)


@salesforce.action("Update a contact", effect="changes", repeatable=True)
async def update_contact(client: Org, given: ChangedContact) -> Done:
    """Change fields of a contact. What is left empty stays as it is."""
    return await making.update(client, "Contact", given.id, values_of(given))


@salesforce.action("Create or update a contact by external id", effect="changes", repeatable=True)
async def upsert_contact(client: Org, given: UpsertedContact) -> Made:
    """Change the contact that has this external id, or make it where there is none."""
    return await upsert(client, "Contact", given, values_of(given))


@salesforce.action("Delete a contact", effect="destroys")
async def delete_contact(client: Org, given: Ref) -> Done:
    """Delete a contact. Salesforce keeps it in its bin for a while."""
    return await making.delete(client, "Contact", given.id)
