"""Very many records at once: 200 in a call, and by bulk jobs where they are more than 2,000."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from connectors.base import Lenient, Value
from connectors.errors import Ambiguous, ConnectorError, Refused
from connectors.limits import patiently
from connectors.salesforce.bulk import bulk
from connectors.salesforce.client import SERVICE, Org, Said
from connectors.salesforce.connector import salesforce
from connectors.salesforce.records import OBJECT, OBJECTS, VALUES
from connectors.salesforce.soql import ApiName, RecordId

AT_ONCE: Final = 200
BY_BULK: Final = 2000
"""Records above which a bulk job is less to carry out than calls of 200."""
MOST: Final = 100_000
TRIES: Final = 3


class NewRecords(Value):
    """Records that are to be made."""

    sobject: ApiName = Field(title="Object", description=OBJECT, json_schema_extra=OBJECTS)
    records: list[dict[ApiName, Any]] = Field(min_length=1, max_length=MOST, title="Records", description=VALUES)


class ChangedOne(Value):
    """A record, and what is to be different."""

    id: RecordId = Field(title="Record id", description="15 or 18 letters.")
    values: dict[ApiName, Any] = Field(title="Fields", description=VALUES)


class ChangedRecords(Value):
    """Records that are to be changed."""

    sobject: ApiName = Field(title="Object", description=OBJECT, json_schema_extra=OBJECTS)
    records: list[ChangedOne] = Field(
        min_length=1, max_length=MOST, title="Records", description="Which, and what is to be different."
    )


class UpsertedRecords(Value):
    """Records that are to be changed or made, by an external id."""

    sobject: ApiName = Field(title="Object", description=OBJECT, json_schema_extra=OBJECTS)
    external_id_field: ApiName = Field(
        title="External id field", description="API name, such as Auth0_Id__c; every record has a value in it."
    )
    records: list[dict[ApiName, Any]] = Field(min_length=1, max_length=MOST, title="Records", description=VALUES)


class DeletedRecords(Value):
    """Records that are to be deleted."""

    sobject: ApiName = Field(title="Object", description=OBJECT, json_schema_extra=OBJECTS)
    ids: list[RecordId] = Field(min_length=1, max_length=MOST, title="Record ids", description="Which.")


class Outcome(Value):
    """What became of one record."""

    position: int = Field(title="Position", description="Which of the given records it is, from 0.")
    id: str | None = Field(default=None, title="Record id", description="Empty where it failed.")
    outcome: Literal["done", "failed"] = Field(title="Outcome", description="done or failed.")
    created: bool | None = Field(default=None, title="Created", description="Whether it is new, where that is known.")
    message: str = Field(default="", title="Message", description="Why it failed.")


class Outcomes(Value):
    """What became of all."""

    results: list[Outcome] = Field(title="Results", description="One for each record, in the order they were given.")
    done: int = Field(title="Done", description="How many.")
    failed: int = Field(title="Failed", description="How many.")


class _One(Lenient):
    id: str | None = None
    success: bool
    created: bool | None = None
    errors: list[Said] = Field(default_factory=list)


_ALL: Final = TypeAdapter(list[_One])
Send = Callable[[Sequence[Any]], Awaitable[bytes]]


@salesforce.action("Create many records", effect="changes", counts=lambda given: len(given.records))
async def create_records(client: Org, given: NewRecords) -> Outcomes:
    """Make many records of one object. One that fails does not keep the others from being made."""
    if len(given.records) > BY_BULK:
        return _of_bulk(await bulk(client, given.sobject, "insert", given.records))
    items = [_typed(given.sobject, each) for each in given.records]
    return await _all(items, _posting(client, "POST", ""), repeatable=False)


@salesforce.action("Update many records", effect="changes", repeatable=True, counts=lambda given: len(given.records))
async def update_records(client: Org, given: ChangedRecords) -> Outcomes:
    """Change many records of one object. One that fails does not keep the others from being changed."""
    if len(given.records) > BY_BULK:
        rows = [{"Id": each.id} | dict(each.values) for each in given.records]
        return _of_bulk(await bulk(client, given.sobject, "update", rows))
    items = [_typed(given.sobject, each.values) | {"id": each.id} for each in given.records]
    return await _all(items, _posting(client, "PATCH", ""), repeatable=True)


@salesforce.action(
    "Create or update many records by external id",
    effect="changes",
    repeatable=True,
    counts=lambda given: len(given.records),
)
async def upsert_records(client: Org, given: UpsertedRecords) -> Outcomes:
    """Change the records that have these external ids, and make those that are not there. The same again is harmless."""
    field = given.external_id_field
    seen: set[str] = set()
    for position, record in enumerate(given.records):
        value = str(record.get(field) or "").lower()
        if not value or value in seen:
            what = "has no value there" if not value else "has the same value as one before it"
            raise Refused(f"Every record needs its own {field}; record {position} {what}.")
        seen.add(value)
    if len(given.records) > BY_BULK:
        return _of_bulk(await bulk(client, given.sobject, "upsert", given.records, external_id=field))
    items = [_typed(given.sobject, each) for each in given.records]
    send = _posting(client, "PATCH", f"/{given.sobject}/{field}")
    async with client.lock(given.sobject, field):
        return await _all(items, send, repeatable=True)


@salesforce.action("Delete many records", effect="destroys", counts=lambda given: len(given.ids))
async def delete_records(client: Org, given: DeletedRecords) -> Outcomes:
    """Delete many records of one object. One that fails does not keep the others from being deleted."""
    if len(given.ids) > BY_BULK:
        return _of_bulk(await bulk(client, given.sobject, "delete", [{"Id": each} for each in given.ids]))

    async def send(ids: Sequence[Any]) -> bytes:
        params = {"ids": ",".join(ids), "allOrNone": "false"}
        return (await client.http.delete(f"{client.root}/composite/sobjects", params=params)).content

    return await _all(given.ids, send, repeatable=False)


def _typed(sobject: str, values: Any) -> dict[str, Any]:
    return {"attributes": {"type": sobject}} | dict(values)


def _posting(client: Org, method: str, where: str) -> Send:
    async def send(items: Sequence[Any]) -> bytes:
        body = {"allOrNone": False, "records": list(items)}
        return (await client.http.request(method, f"{client.root}/composite/sobjects{where}", json=body)).content

    return send


async def _all(items: Sequence[Any], send: Send, *, repeatable: bool) -> Outcomes:
    """Send all, 200 at a time, and give each its outcome."""
    results: dict[int, Outcome] = {}
    for first in range(0, len(items), AT_ONCE):
        positions = list(range(first, min(first + AT_ONCE, len(items))))
        # Here is a `try`: what was done before is not to be done again, so what fails now is told of these records.
        try:
            await _some(items, positions, send, results, repeatable=repeatable)
        except Ambiguous as error:
            left = [each for each in positions if each not in results]
            sure = f"of {len(items)} records {sum(each.outcome == 'done' for each in results.values())} are done"
            unsure = f"of {len(left)} (positions {left[0]} to {left[-1]}) nobody knows"
            raise Ambiguous(f"{SERVICE} did not answer: {sure}, {unsure}. Look before trying again.") from error
        except ConnectorError as error:
            if not results:
                raise
            left = [each for each in range(first, len(items)) if each not in results]
            results |= {each: Outcome(position=each, outcome="failed", message=error.message) for each in left}
            break
    return _counted([results[each] for each in sorted(results)])


async def _some(
    items: Sequence[Any], positions: Sequence[int], send: Send, results: dict[int, Outcome], *, repeatable: bool
) -> None:
    """Send some; those whose row is locked are sent again, and only those."""
    left = list(positions)
    for last in (False,) * (TRIES - 1) + (True,):
        answers = await _answered([items[each] for each in left], send, repeatable=repeatable)
        locked = []
        for position, one in zip(left, answers, strict=True):
            results.pop(position, None)
            if not last and any(said.code == "UNABLE_TO_LOCK_ROW" for said in one.errors):
                locked.append(position)
            else:
                results[position] = _outcome(position, one)
        left = locked
        if not left:
            return
        await asyncio.sleep(0.2)


async def _answered(items: Sequence[Any], send: Send, *, repeatable: bool) -> list[_One]:
    async def once() -> list[_One]:
        try:  # what cannot be read, or is of other records, says nothing of what was done
            answers = _ALL.validate_json(await send(items))
        except ValidationError:
            raise Ambiguous from None
        if len(answers) != len(items):
            raise Ambiguous
        return answers

    for left in reversed(range(TRIES if repeatable else 1)):
        try:  # the same again is harmless where it is repeatable
            return await patiently(once, attempts=TRIES, longest=2.0)
        except Ambiguous:
            if not left:
                raise
    raise Ambiguous  # not reached: the last try returns or raises


def _outcome(position: int, one: _One) -> Outcome:
    if one.success:
        return Outcome(position=position, id=one.id, outcome="done", created=one.created)
    message = one.errors[0].text if one.errors else "Salesforce does not say why."
    return Outcome(position=position, outcome="failed", message=message)


def _counted(results: list[Outcome]) -> Outcomes:
    done = sum(each.outcome == "done" for each in results)
    return Outcomes(results=results, done=done, failed=len(results) - done)


def _of_bulk(rows: Sequence[tuple[str | None, bool | None, str]]) -> Outcomes:
    return _counted(
        [
            Outcome(position=at, id=id_, created=created, outcome="failed" if message else "done", message=message)
            for at, (id_, created, message) in enumerate(rows)
        ]
    )
