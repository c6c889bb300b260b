"""Companies that are customers, or may be: accounts."""

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

SHOWN = ["Id", "Name", "Phone", "Website", "Industry", "Type", "CreatedDate"]


class AccountFields(Value):
    """The fields of an account."""

    name: str | None = Field(
        default=None, min_length=1, max_length=255, title="Name", description="The company's name."
    )
    phone: str | None = Field(
        default=None, min_length=1, max_length=40, title="Phone", description="As it is to be shown."
    )
    website: str | None = Field(default=None, min_length=1, max_length=255, title="Website", description="Its address.")
    industry: str | None = Field(
        default=None, min_length=1, max_length=255, title="Industry", description="As the org names it."
    )
    type: str | None = Field(
        default=None, min_length=1, max_length=255, title="Type", description="As the org names it, such as Customer."
    )


class NewAccount(New, AccountFields):
    """An account that is to be made."""

    name: str = Field(min_length=1, max_length=255, title="Name", description="The company's name.")


class ChangedAccount(More, AccountFields, Ref):
    """An account, and what is to be different."""


class UpsertedAccount(More, AccountFields, ByExternalId):
    """An account by an external id, and what is put there."""


class AccountSearch(Search, AccountFields):
    """Which accounts to look for. Everything that is filled in must fit."""

    fields: list[FieldPath] = brought(SHOWN)


@salesforce.action("Create an account", effect="changes")
async def create_account(client: Org, given: NewAccount) -> Made:
    """Make an account. With a key, the same again makes no second one."""
    values = values_of(given)
    return await making.make(client, "Account", values, key=given.key, if_there=given.if_there)


@salesforce.action("Read an account", effect="reads", repeatable=True)
async def get_account(client: Org, given: RefToRead) -> Read:
    """Read an account by its id."""
    return Read(id=given.id, record=await making.get(client, "Account", given.id, given.fields))


@salesforce.action("Find accounts", effect="reads", repeatable=True)
async def find_accounts(client: Org, given: AccountSearch) -> Found:
    """Find accounts for which everything that is filled in fits."""
    return await look(client, "Account", given.fields, conditions(given), given.limit)


@salesforce.action("Update an account", effect="changes", repeatable=True)
async def update_account(client: Org, given: ChangedAccount) -> Done:
    """Change fields of an account. What is left empty stays as it is."""
    return await making.update(client, "Account", given.id, values_of(given))


@salesforce.action("Create or update an account by external id", effect="changes", repeatable=True)
async def upsert_account(client: Org, given: UpsertedAccount) -> Made:
    """Change the account that has this external id, or make it where there is none."""
    return await upsert(client, "Account", given, values_of(given))


@salesforce.action("Delete an account", effect="destroys")
async def delete_account(client: Org, given: Ref) -> Done:
    """Delete an account. Salesforce keeps it in its bin for a while."""
    return await making.delete(client, "Account", given.id)
