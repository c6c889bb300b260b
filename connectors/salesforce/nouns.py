"""What the objects that everybody has share: from our names of fields to Salesforce's."""

from typing import Any, Final, TypeAlias

from connectors.base import Value
from connectors.salesforce.soql import ApiName, Condition

MORE: Final = "Other fields by API name, such as custom ones; empty (null) empties the field."
BROUGHT: Final = "What to bring back of each, by API name."
Extra: TypeAlias = dict[ApiName, Any]
OURS: Final = frozenset(
    {"id", "key", "if_there", "more", "fields", "where", "limit", "external_id", "external_id_field"}
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
