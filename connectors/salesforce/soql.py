"""Queries: made of fields and conditions as data, never of text."""

import math
import re
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

import httpx
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from connectors.base import Lenient, Value
from connectors.errors import Refused
from connectors.salesforce.client import NAME, SERVICE, Org

LONGEST: Final = 12_000
"""Letters of an address; Salesforce refuses longer ones a little later."""
PATH: Final = re.compile(rf"{NAME.pattern}(\.{NAME.pattern}){{0,5}}")
MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d))?")
PLAIN: Final = re.compile(r"[^\x00-\x07\x0e-\x1f\x7f]*")
ESCAPED: Final = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise ValueError("This is not an API name. It looks like LastName or Auth0_Id__c.")
    return text


def _path(text: str) -> str:
    if not PATH.fullmatch(text):
        raise ValueError("This is not the name of a field. It looks like LastName, Auth0_Id__c or Account.Name.")
    return text


ApiName: TypeAlias = Annotated[str, AfterValidator(_name)]
FieldPath: TypeAlias = Annotated[str, AfterValidator(_path)]
RecordId: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$")]
Plain: TypeAlias = str | int | float | bool | None
Comparison: TypeAlias = Literal[
    "is", "is not", "less than", "at most", "more than", "at least",
    "contains", "starts with", "ends with", "one of", "none of",
]  # fmt: skip
SIGNS: Final = {"is": "=", "is not": "!=", "less than": "<", "at most": "<=", "more than": ">", "at least": ">="}


class Condition(Value):
    """What must be so of a record."""

    field: FieldPath = Field(title="Field", description="API name, such as Email, or Account.Name through a parent.")
    comparison: Comparison = Field(default="is", title="Comparison", description="How it is compared.")
    value: Plain | list[Plain] = Field(
        title="Value", description="What it is compared with; a list for `one of` and `none of`; empty is nothing."
    )
    date: bool = Field(
        default=False,
        title="Is a date",
        description="The value is a date or moment, such as 2026-01-31 or 2026-01-31T12:00:00Z.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Refuse what no query can say."""
        many = self.comparison in {"one of", "none of"}
        if many != isinstance(self.value, list) or (many and not self.value):
            raise ValueError("`one of` and `none of` take a list that is not empty; the others take one value.")
        if self.comparison in {"contains", "starts with", "ends with"} and not isinstance(self.value, str):
            raise ValueError(f"`{self.comparison}` takes text.")
        self.soql()
        return self

    def soql(self) -> str:
        """Write it in the query's language."""
        match self.comparison, self.value:
            case ("one of" | "none of") as which, list() as values:
                word = "IN" if which == "one of" else "NOT IN"
                return f"{self.field} {word} ({', '.join(self._bound(each) for each in values)})"
            case "contains", str() as text:
                return f"{self.field} LIKE '%{pattern(text)}%'"
            case "starts with", str() as text:
                return f"{self.field} LIKE '{pattern(text)}%'"
            case "ends with", str() as text:
                return f"{self.field} LIKE '%{pattern(text)}'"
            case comparison, value:
                return f"{self.field} {SIGNS[comparison]} {self._bound(value)}"

    def _bound(self, value: Any) -> str:
        if not self.date or value is None:
            return literal(value)
        if not isinstance(value, str) or not MOMENT.fullmatch(value):
            raise ValueError("This is not a date such as 2026-01-31, or a moment such as 2026-01-31T12:00:00Z.")
        return value


def literal(value: Plain) -> str:
    """Write a value so that nothing in it is read as part of the query."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float() if math.isfinite(value):
            return format(value, "f") if isinstance(value, float) else str(value)
        case str():
            return f"'{escaped(value)}'"
        case _:
            raise ValueError("This is not a number that can be compared.")


def escaped(text: str) -> str:
    """Escape a text for within quotes."""
    if not PLAIN.fullmatch(text):
        raise ValueError("Control characters cannot be looked for.")
    return "".join(ESCAPED.get(each, each) for each in text)


def pattern(text: str) -> str:
    """Escape a text for within quotes behind LIKE, where two more signs have a meaning."""
    return re.sub(r"[%_]", lambda found: f"\\{found[0]}", escaped(text))


def select(
    sobject: str,
    fields: Sequence[str],
    where: Sequence[Condition],
    *,
    newest_first: bool = False,
    limit: int | None = None,
) -> str:
    """Write a query."""
    query = f"SELECT {', '.join(fields)} FROM {sobject}"  # noqa: S608 - names are checked, values are escaped
    if where:
        query += f" WHERE {' AND '.join(each.soql() for each in where)}"
    if newest_first:
        query += " ORDER BY CreatedDate DESC"
    return query if limit is None else f"{query} LIMIT {limit}"


class Page(Lenient):
    """One page of what a query found."""

    totalSize: int  # noqa: N815 - Salesforce's own name
    done: bool
    records: list[dict[str, Any]]
    nextRecordsUrl: str | None = None  # noqa: N815 - Salesforce's own name


async def pages(org: Org, query: str) -> AsyncIterator[Page]:
    """Ask for all pages of a query, one after the other; where the next one is, the last one says."""
    params = httpx.QueryParams({"q": query})
    if len(str(params)) > LONGEST:
        raise Refused(f"{SERVICE}: the query is too long. Look for fewer values at a time.")
    page = Page.model_validate_json((await org.http.get(f"{org.root}/query", params=params)).content)
    yield page
    while not page.done and page.nextRecordsUrl:
        page = Page.model_validate_json((await org.http.get(page.nextRecordsUrl)).content)
        yield page


async def found(org: Org, query: str, *, most: int) -> tuple[list[dict[str, Any]], int]:
    """Give what a query finds, up to so many, and how many there are."""
    records: list[dict[str, Any]] = []
    total = 0
    async for page in pages(org, query):
        total = page.totalSize
        records += page.records
        if len(records) >= most:
            break
    return [plain(record) for record in records[:most]], total


def plain(record: dict[str, Any]) -> dict[str, Any]:
    """Give a record without what Salesforce says of its address."""
    return {
        name: plain(value) if isinstance(value, dict) else value
        for name, value in record.items()
        if name != "attributes"
    }
