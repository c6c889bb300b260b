"""Writing leads: 300 at a time, no key twice at once, and what came of each in the order of what was given."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

from pydantic import Field

from connectors.base import Value
from connectors.errors import Ambiguous, ConnectorError, TryLater
from connectors.marketo.client import Done, Instance, Reason, named

T = TypeVar("T")
LEADS: Final = "/rest/v1/leads.json"
BATCH: Final = 300
LARGEST: Final = 900_000
"""Bytes of one call; Marketo takes a megabyte."""
SOON: Final = 60.0
"""Seconds; a batch under way waits no longer than this for Marketo."""
Write = Literal["createOnly", "updateOnly", "createOrUpdate"]
Record = Mapping[str, Any]


class Outcome(Value):
    """What came of one record."""

    id: int | None = Field(default=None, title="Lead", description="Marketo's id of the lead, if it is known.")
    status: str = Field(
        title="Status",
        description="created, updated, deleted, added or removed; skipped with a reason; not done, or unknown.",
    )
    code: str | None = Field(default=None, title="Code", description="Marketo's code of the reason.")
    message: str | None = Field(default=None, title="Reason", description="Why it was not done.")

    @property
    def failed(self) -> bool:
        """Tell whether it was not done, or may not have been."""
        return self.status in {"skipped", "not done", "unknown"}


class Outcomes(Value):
    """What came of each record."""

    results: list[Outcome] = Field(title="Results", description="What came of each, in the order of what was given.")
    done: int = Field(title="Done", description="How many were done.")
    failed: int = Field(title="Not done", description="How many were not done, or may not have been.")


def outcomes(results: Sequence[Outcome]) -> Outcomes:
    """Count what came of records."""
    failed = sum(each.failed for each in results)
    return Outcomes(results=[*results], done=len(results) - failed, failed=failed)


def outcome(done: Done) -> Outcome:
    """Say what Marketo says of a record."""
    reason = done.reasons[0] if done.reasons else Reason()
    failed = bool(done.reasons) or done.status == "skipped"
    status = "skipped" if failed else done.status
    return Outcome(id=done.id, status=status, code=reason.code or None, message=reason.message or None)


def skipped(code: str, message: str) -> Outcome:
    """Say that a record is not sent at all."""
    return Outcome(status="skipped", code=code, message=message)


def undone(error: ConnectorError) -> Outcome:
    """Say that a call failed, of one of its records."""
    status = "unknown" if isinstance(error, Ambiguous) else "not done"
    return Outcome(status=status, code=error.code, message=error.message)


def one(done: Outcome) -> Outcome:
    """Give what came of a single record, and raise what is wrong with it."""
    if done.failed:
        raise named(Reason(code=done.code or "", message=done.message or ""))
    return done


async def by_parts(
    instance: Instance, parts: Sequence[Sequence[T]], act: Callable[[Sequence[T]], Awaitable[Sequence[Outcome]]]
) -> list[Outcome]:
    """Act on part after part. Once something is done, what fails is said of its records, and nothing is raised."""
    results: list[Outcome] = []
    stopped: ConnectorError | None = None
    for number, part in enumerate(parts):
        if stopped is not None:
            results += [Outcome(status="not done", code=stopped.code, message=stopped.message)] * len(part)
            continue
        try:
            results += await patient(instance, lambda part=part: act(part))  # type: ignore[misc] # mypy reads no default
        except ConnectorError as error:
            if number == 0:
                raise
            stopped = error
            results += [undone(error)] * len(part)
    return results


async def patient(instance: Instance, act: Callable[[], Awaitable[T]]) -> T:
    """Act again while Marketo has no time; not where it takes longer than a moment, such as until tomorrow."""
    for attempt in range(instance.attempts - 1):
        try:
            return await act()
        except TryLater as error:
            wait = instance.pauses[0] * 2**attempt if error.after is None else error.after
            if wait > SOON:
                raise
            await asyncio.sleep(wait)
    return await act()


def folded(value: Any) -> str:
    """Give a key as Marketo compares it."""
    return str(value).strip().casefold()


@dataclass(slots=True)
class _Part:
    """What goes into one call: every key once."""

    places: list[list[int]] = field(default_factory=list)
    """For each record, where it stands in what was given; the same one given twice is sent once."""
    records: list[Record] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    size: int = 0


def _parts(records: Sequence[Record], numbers: Sequence[int], key_field: str) -> list[_Part]:
    """Share records out over calls. A key that comes again with other values waits for the next call."""
    parts: list[_Part] = []
    left = list(numbers)
    while left:
        part, later, full = _Part(), [], False
        for number in left:
            record = records[number]
            key = folded(record[key_field])
            known = part.keys.get(key)
            if known is not None and part.records[known] == record and not full:
                part.places[known].append(number)
                continue
            size = len(json.dumps(record, default=str).encode())
            full = full or len(part.records) >= BATCH or (bool(part.records) and part.size + size > LARGEST)
            if full or known is not None:
                later.append(number)
                continue
            part.keys[key] = len(part.records)
            part.records.append(record)
            part.places.append([number])
            part.size += size
        parts.append(part)
        left = later
    return parts


def _unfit(record: Record, key_field: str) -> Outcome | None:
    """Say why a record is not sent at all, if it is not."""
    key = record.get(key_field)
    if key is None or not str(key).strip():
        return skipped("1002", f"It has no {key_field}, by which leads are told apart here.")
    if not str(record.get("email") or "").isascii():
        return skipped("1003", "Marketo takes only e-mail addresses in ASCII.")
    return None


async def write(
    instance: Instance, action: Write, key_field: str, records: Sequence[Record], *, partition: str | None = None
) -> list[Outcome]:
    """Write leads, however many; give what came of each, in order."""
    found: dict[int, Outcome] = {}
    for number, record in enumerate(records):
        unfit = _unfit(record, key_field)
        if unfit is not None:
            found[number] = unfit
    sent = [number for number in range(len(records)) if number not in found]
    stopped: ConnectorError | None = None
    for count, part in enumerate(_parts(records, sent, key_field)):
        if stopped is None:
            try:
                done = await _write_part(instance, action, key_field, part, partition)
            except ConnectorError as error:
                if count == 0:
                    raise
                stopped, done = error, [undone(error)] * len(part.records)
        else:
            done = [Outcome(status="not done", code=stopped.code, message=stopped.message)] * len(part.records)
        for places, each in zip(part.places, done, strict=True):
            found |= dict.fromkeys(places, each)
    return [found[number] for number in range(len(records))]


async def _write_part(
    instance: Instance, action: Write, key_field: str, part: _Part, partition: str | None
) -> list[Outcome]:
    async with instance.keys.held(f"{key_field} {key}" for key in part.keys):
        if action == "createOnly":
            return await _create(instance, key_field, part, partition)
        return await _keyed(instance, action, key_field, part.records, partition)


async def _keyed(
    instance: Instance, action: Write, key_field: str, records: Sequence[Record], partition: str | None
) -> list[Outcome]:
    """Write by key; what was cut is sent again, for the second time finds what the first one made."""
    for pause in instance.pauses:
        try:
            return await _send(instance, action, key_field, records, partition)
        except Ambiguous:
            await asyncio.sleep(pause)
    return await _send(instance, action, key_field, records, partition)


async def _create(instance: Instance, key_field: str, part: _Part, partition: str | None) -> list[Outcome]:
    """Create what is not there yet. What was cut is looked for before it is tried again."""
    keys, records = list(part.keys), part.records
    there = await _there(instance, key_field, records)
    results: dict[str, Outcome] = {
        key: Outcome(id=there[key], status="skipped", code="1005", message="There is such a lead already.")
        for key in keys
        if key in there
    }
    for pause in (*instance.pauses, None):
        left = [(key, record) for key, record in zip(keys, records, strict=True) if key not in results]
        if not left:
            break
        try:
            done = await _send(instance, "createOnly", key_field, [record for _, record in left], partition)
        except Ambiguous:
            if pause is None:
                raise
            await asyncio.sleep(pause)
            made = await _there(instance, key_field, [record for _, record in left])
            results |= {key: Outcome(id=made[key], status="created") for key, _ in left if key in made}
        else:
            results |= {key: each for (key, _), each in zip(left, done, strict=True)}
    return [results[key] for key in keys]


async def _there(instance: Instance, key_field: str, records: Sequence[Record]) -> dict[str, int]:
    """Look up which keys there are, with the ids of their leads."""
    values = [str(record[key_field]).strip() for record in records if "," not in str(record[key_field])]
    if not values:
        return {}
    query = {"filterType": key_field, "filterValues": ",".join(values), "fields": key_field}
    found: dict[str, int] = {}
    async for page in instance.pages(LEADS, query):
        found |= {folded(each.get(key_field)): int(each["id"]) for each in page}
    return found


async def _send(
    instance: Instance, action: Write, key_field: str, records: Sequence[Record], partition: str | None
) -> list[Outcome]:
    body: dict[str, Any] = {"action": action, "lookupField": key_field, "input": [dict(each) for each in records]}
    if partition:
        body["partitionName"] = partition

    async def send() -> list[Outcome]:
        answer = await instance.change(LEADS, body, timeout=instance.sync_timeout)
        if len(answer.result) != len(records):
            message = "Marketo did not say of every lead what came of it: the changes may or may not have been made."
            raise Ambiguous(message)
        return [outcome(Done.model_validate(each)) for each in answer.result]

    return await send() if len(records) == 1 else await patient(instance, send)
