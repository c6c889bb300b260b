"""Companies that are customers, or may be: accounts."""

from pydantic import Field

from connectors.base import Value
from connectors.salesforce import making
from connectors.salesforce.client import Org
from connectors.salesforce.connector import salesforce
from connectors.salesforce.making import Done, IfThere, Made
from connectors.salesforce.nouns import BROUGHT, MORE, Extra, conditions, values_of
from connectors.salesforce.records import FIELDS, IF_THERE, KEY, Found, Read, look
from connectors.salesforce.soql import ApiName, Condition, FieldPath, RecordId

SHOWN = ["Id", "Name", "Phone", "Website", "Industry", "Type", "CreatedDate"]


class NewAccount(Value):
    """An account that is to be made."""

    name: str = Field(min_length=1, max_length=255, title="Name", description="The company's name.")
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
    more: Extra = Field(default_factory=dict, title="More fields", description=MORE)
    key: str | None = Field(default=None, min_length=1, max_length=255, title="Key", description=KEY)
    if_there: IfThere = Field(default="refuse", title="If it is there", description=IF_THERE)


class AccountRef(Value):
    """An account."""

    id: RecordId = Field(title="Account id", description="15 or 18 letters.")


class AccountToRead(AccountRef):
    """An account, and what to read of it."""

    fields: list[FieldPath] = Field(
        default_factory=list,
        max_length=200,
        title="Fields",
        description="Which; empty for all.",
        json_schema_extra=FIELDS,
    )


class ChangedAccount(AccountRef):
    """An account, and what is to be different."""

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
    more: Extra = Field(default_factory=dict, title="More fields", description=MORE)


class UpsertedAccount(Value):
    """An account by an external id, and what is put there."""

    external_id_field: ApiName = Field(title="External id field", description="API name, such as Auth0_Id__c.")
    external_id: str = Field(min_length=1, max_length=255, title="External id", description="What names the account.")
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
    more: Extra = Field(default_factory=dict, title="More fields", description=MORE)


class AccountSearch(Value):
    """Which accounts to look for. Everything that is filled in must fit."""

    name: str | None = Field(default=None, min_length=1, max_length=255, title="Name", description="Exactly this.")
    phone: str | None = Field(default=None, min_length=1, max_length=40, title="Phone", description="Exactly this.")
    website: str | None = Field(
        default=None, min_length=1, max_length=255, title="Website", description="Exactly this."
    )
    industry: str | None = Field(
        default=None, min_length=1, max_length=255, title="Industry", description="Exactly this."
    )
    type: str | None = Field(default=None, min_length=1, max_length=255, title="Type", description="Exactly this.")
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


@salesforce.action("Create an account", effect="changes")
async def create_account(client: Org, given: NewAccount) -> Made:
    """Make an account. With a key, the same again makes no second one."""
    values = values_of(given)
    return await making.make(client, "Account", values, key=given.key, if_there=given.if_there)


@salesforce.action("Read an account", effect="reads", repeatable=True)
async def get_account(client: Org, given: AccountToRead) -> Read:
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
    return await making.upsert(client, "Account", given.external_id_field, given.external_id, values_of(given))


@salesforce.action("Delete an account", effect="destroys")
async def delete_account(client: Org, given: AccountRef) -> Done:
    """Delete an account. Salesforce keeps it in its bin for a while."""
    return await making.delete(client, "Account", given.id)
