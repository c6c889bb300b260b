"""The tenant's log: what happened, as Auth0 wrote it down."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Self
from urllib.parse import quote

from pydantic import AliasChoices, AwareDatetime, Field, StringConstraints, TypeAdapter, model_validator

from connectors.auth0.answers import MOST, PAGE, picked
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.ids import LogId
from connectors.auth0.profiles import UserId
from connectors.auth0.users import Text, moment_text, quoted
from connectors.base import Lenient, Summary, Value

LOGS = "/api/v2/logs"

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}$")]


class _Record(Lenient):
    log_id: str = Field(min_length=1, validation_alias=AliasChoices("log_id", "_id"))


class _Page(Lenient):
    logs: list[_Record]
    total: int


_RECORDS = TypeAdapter(list[_Record])


class LogRef(Value):
    """Which record is meant."""

    log_id: LogId


class LogSearch(Value):
    """What to look for. Everything that is filled in must fit."""

    types: list[Code] = Field(
        default_factory=list,
        max_length=50,
        title="Types",
        description="Auth0's codes, such as s for a login and fp for a wrong password; any of them.",
    )
    user_id: UserId | None = Field(default=None, title="User", description="Auth0's id of the person.")
    ip: Text | None = Field(default=None, title="Address", description="The network address.")
    connection: Text | None = Field(default=None, title="Connection", description="Auth0's name for the connection.")
    client_id: Text | None = Field(default=None, title="Application", description="The id of the application.")
    since: AwareDatetime | None = Field(default=None, title="Since", description="Only what happened since then.")
    until: AwareDatetime | None = Field(default=None, title="Until", description="Only what happened before then.")
    limit: int = Field(
        default=100, ge=1, le=MOST, title="At most", description="How many to bring back; Auth0 shows 1,000 at most."
    )


class LogRecord(Value):
    """Something that happened."""

    log_id: str = Field(title="Log record", description="Auth0's id of the record.")
    date: str | None = Field(default=None, title="When", description="When it happened.")
    type: str | None = Field(default=None, title="Type", description="Auth0's code, such as s, f, fp or limit_wc.")
    description: str | None = Field(default=None, title="Description", description="What happened, in Auth0's words.")
    user_id: str | None = Field(default=None, title="User", description="Auth0's id of the person.")
    user_name: str | None = Field(default=None, title="User name", description="What the person signed in with.")
    ip: str | None = Field(default=None, title="Address", description="From which network address.")
    user_agent: str | None = Field(default=None, title="User agent", description="What the browser says of itself.")
    connection: str | None = Field(default=None, title="Connection", description="Auth0's name for the connection.")
    strategy: str | None = Field(default=None, title="Strategy", description="The kind of connection.")
    client_id: str | None = Field(default=None, title="Application", description="The id of the application.")
    client_name: str | None = Field(default=None, title="Application name", description="What it is called.")
    details: dict[str, Any] = Field(default_factory=dict, title="Details", description="Whatever else Auth0 says.")


class Logs(Value):
    """What was found in the log."""

    records: list[LogRecord] = Field(title="Records", description="What was found, the newest first.")
    total: int = Field(title="Total", description="How many fit, as far as Auth0 counts.")
    complete: bool = Field(title="Complete", description="False when more fit than were brought back, or could be.")


class LogRead(Summary):
    """How far the log was read."""

    last: str | None = Field(
        title="Last", description="Auth0's id of the last record that was read: the next time, begin after it."
    )
    complete: bool = Field(title="Complete", description="False when the most that was wanted was reached.")


class LogRange(Value):
    """From where on to read."""

    after: LogId | None = Field(
        default=None,
        title="After",
        description="Auth0's id of the record after which to begin, such as the last one read.",
    )
    since: AwareDatetime | None = Field(
        default=None,
        title="Since",
        description="Or: from which moment on. Auth0 keeps its log for days, not for years.",
    )
    limit: int = Field(default=100_000, ge=1, le=10_000_000, title="At most", description="How many records to read.")

    @model_validator(mode="after")
    def _one_beginning(self) -> Self:
        if (self.after is None) == (self.since is None):
            raise ValueError("Say either after which record or since when to read.")
        return self


@auth0.action("Search the log", effect="reads", repeatable=True)
async def search_logs(client: Tenant, given: LogSearch) -> Logs:
    """Find what happened, the newest first. Records of the last seconds may be missing, and never more than 1,000 come."""
    records: list[LogRecord] = []
    total = 0
    for page in range((given.limit + PAGE - 1) // PAGE):
        asked: dict[str, str | int] = {
            "page": page,
            "per_page": PAGE,
            "include_totals": "true",
            "sort": "date:-1",
            **_query(given),
        }
        found = _Page.model_validate_json((await client.http.get(LOGS, params=asked)).content)
        records += [_record(each) for each in found.logs]
        total = max(total, found.total, len(records))
        if len(found.logs) < PAGE:
            break
    kept = records[: given.limit]
    return Logs(records=kept, total=total, complete=len(kept) == total)


@auth0.action("Read the log", effect="reads", repeatable=True)
async def read_logs(client: Tenant, given: LogRange) -> AsyncIterator[LogRecord | LogRead]:
    """Read everything that happened from a record or a moment on, the oldest first, however much it is.

    Summary: last, complete. To go on another time, begin after the last record of this time.
    """
    left, after = given.limit, given.after
    if given.since is not None and (first := await _first_since(client, given)):
        left, after = left - 1, first.log_id
        yield first
    ended = after is None
    while left and after is not None:
        found = await _some(client, {"from": after, "take": min(left, PAGE)})
        if (
            not found or found[-1].log_id == after
        ):  # pages may come short of what was asked for: only an empty one is the end
            ended = True
            break
        for each in found:
            yield each
        left, after = left - len(found), found[-1].log_id
    yield LogRead(last=after, complete=ended)


@auth0.action("Get a log record", effect="reads", repeatable=True)
async def get_log(client: Tenant, given: LogRef) -> LogRecord:
    """Look up one record of the log."""
    response = await client.http.get(f"{LOGS}/{quote(given.log_id, safe='')}")
    return _record(_Record.model_validate_json(response.content))


async def _first_since(client: Tenant, given: LogRange) -> LogRecord | None:
    """Find where to begin: Auth0 reads on from a record, and knows no moments there."""
    query = f"date:[{moment_text(given.since)} TO *]" if given.since else ""
    found = await _some(client, {"q": query, "sort": "date:1", "per_page": 1, "page": 0})
    return found[0] if found else None


async def _some(client: Tenant, asked: Mapping[str, str | int]) -> list[LogRecord]:
    response = await client.http.get(LOGS, params=dict(asked))
    return [_record(each) for each in _RECORDS.validate_json(response.content)]


def _query(given: LogSearch) -> dict[str, str]:
    terms = [
        given.types and f"type:({' OR '.join(quoted(each) for each in given.types)})",
        given.user_id and f"user_id:{quoted(given.user_id)}",
        given.ip and f"ip:{quoted(given.ip)}",
        given.connection and f"connection:{quoted(given.connection)}",
        given.client_id and f"client_id:{quoted(given.client_id)}",
        given.since and f"date:[{moment_text(given.since)} TO *]",
        given.until and f"date:[* TO {moment_text(given.until)}}}",
    ]
    query = " AND ".join(term for term in terms if term)
    return {"q": query} if query else {}


def _record(record: _Record) -> LogRecord:
    """Pick what we know from a record; what is of another kind than it should be is left out."""
    data = record.model_dump()
    texts = {name: str(value) for name, value in data.items() if isinstance(value, str | int) and value != ""}
    details = data.get("details")
    return picked(LogRecord, texts, details=details if isinstance(details, dict) else {})
