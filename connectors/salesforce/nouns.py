"""What the objects that everybody has share: what they are given, and from our names of fields to Salesforce's.

Each object has one class with its own fields. What is given to an action has these, and what the action needs besides.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import Field

from connectors.base import Value
from connectors.salesforce import making
from connectors.salesforce.client import Org
from connectors.salesforce.making import IfThere, Made
from connectors.salesforce.records import ADOPTED, FIELDS, IF_THERE, KEY, ToRead
from connectors.salesforce.soql import ApiName, Condition, RecordId

OURS: Final = frozenset(
    {"id", "key", "if_there", "more", "fields", "where", "limit", "external_id", "external_id_field"}
)


class More(Value):
    """More fields than those that have a name here."""

    more: dict[ApiName, Any] = Field(
        default_factory=dict,
        title="More fields",
        description="Other fields by API name, such as custom ones; empty (null) empties the field.",
    )


class New(More):
    """What is said of a record that is to be made."""

    key: str | None = Field(default=None, min_length=1, max_length=255, title="Key", description=KEY)
    if_there: IfThere = Field(default="refuse", title="If it is there", description=IF_THERE)


class Ref(Value):
    """Which record."""

    id: RecordId = Field(title="Id", description="Salesforce's own id of it: 15 or 18 letters.")


class RefToRead(ToRead, Ref):
    """A record, and what to read of it."""


class ByExternalId(Value):
    """A record by an external id."""

    external_id_field: ApiName = Field(title="External id field", description="API name, such as Auth0_Id__c.")
    external_id: str = Field(min_length=1, max_length=255, title="External id", description="What names it.")
    if_there: IfThere = Field(default="refuse", title="If a duplicate rule finds it", description=ADOPTED)


class Search(Value):
    """What to look for, besides the fields of an object."""

    where: list[Condition] = Field(
        default_factory=list, max_length=50, title="Conditions", description="What else must fit."
    )
    limit: int = Field(default=100, ge=1, le=50_000, title="At most", description="How many to bring back.")


def brought(shown: Sequence[str]) -> Any:
    """Declare the field that says what a search brings back."""
    return Field(
        default_factory=lambda: list(shown),
        min_length=1,
        max_length=200,
        title="Fields",
        description="What to bring back of each, by API name.",
        json_schema_extra=FIELDS,
    )


def api_name(name: str) -> str:
    """Give Salesforce's name of a field of ours: LastName for last_name."""
    return "".join(part.capitalize() for part in name.split("_"))


def _filled(given: Value) -> dict[str, Any]:
    named = given.model_dump(exclude=set(OURS), exclude_none=True)
    return {api_name(name): value for name, value in named.items()}


def values_of(given: Value) -> dict[str, Any]:
    """Give what is to be put into the fields of a record."""
    values = _filled(given) | dict(getattr(given, "more", {}))
    # The address names the record by it; in the body it would be refused.
    values.pop(getattr(given, "external_id_field", ""), None)
    return values


def conditions(given: Value) -> list[Condition]:
    """Give what must fit of a record."""
    named = [Condition(field=name, value=value) for name, value in _filled(given).items()]
    return [*named, *getattr(given, "where", ())]


async def upsert(client: Org, sobject: str, given: ByExternalId, values: Mapping[str, Any]) -> Made:
    """Change the record with an external id, or make it."""
    return await making.upsert(
        client, sobject, given.external_id_field, given.external_id, values, if_there=given.if_there
    )
