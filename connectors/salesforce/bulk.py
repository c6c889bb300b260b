"""Bulk jobs: thousands of records as one file, carried out by Salesforce on its own."""

import asyncio
import csv
import io
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from connectors.base import Lenient
from connectors.errors import Ambiguous, Reconnect, Refused, TryLater
from connectors.limits import patiently
from connectors.salesforce.client import SERVICE, Org
from connectors.wording import clean

LONGEST_WAIT: Final = 5.0
LOOKS: Final = 720
"""How often a job is asked after: an hour, with the pauses between."""
EMPTY: Final = "#N/A"
"""What empties a field; an empty cell leaves it as it is."""
LARGEST: Final = 100_000_000
Operation = Literal["insert", "update", "upsert", "delete"]
Row = tuple[str | None, bool | None, str]
"""The id of a record, whether it is new, and why it failed."""


class _Task(Lenient):
    id: str
    state: str
    errorMessage: str = ""  # noqa: N815 - Salesforce's own name


async def bulk(
    org: Org,
    sobject: str,
    operation: Operation,
    records: Sequence[Mapping[str, Any]],
    *,
    external_id: str | None = None,
) -> list[Row]:
    """Do the same to all records, and give what became of each, in their order."""
    columns = list(dict.fromkeys(name for record in records for name in record))
    rows = [[_cell(record[name]) if name in record else "" for name in columns] for record in records]
    content = _written([columns, *rows])
    if len(content) > LARGEST:
        raise Refused("These records are more than one bulk job takes: give fewer at a time.")
    task = await _opened(org, sobject, operation, external_id, content)
    try:  # it has begun: it must not be begun again because it cannot be asked after
        await _finished(org, task)
        return await _results(org, task, columns, rows)
    except (TryLater, Reconnect) as error:
        raise Ambiguous(f"{SERVICE} was given the bulk job {task}, and does not say what became of it.") from error


def _cell(value: Any) -> str:
    match value:
        case None | "":
            return EMPTY
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value)
        case _:
            raise Refused("A bulk job takes texts, numbers and truth values only.")


def _written(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


async def _opened(org: Org, sobject: str, operation: Operation, external_id: str | None, content: bytes) -> str:
    """Give Salesforce the file and let it begin. Until then nothing is done, so what is cut may be begun anew."""
    about = {"object": sobject, "operation": operation, "contentType": "CSV", "lineEnding": "LF"}
    about |= {"externalIdFieldName": external_id} if external_id else {}
    for last in (False, True):
        try:  # a file that never got its start is left lying: it does nothing
            opened = await org.http.post(f"{org.root}/jobs/ingest", json=about)
            id_ = _Task.model_validate_json(opened.content).id
            address = f"{org.root}/jobs/ingest/{id_}"
            await org.http.put(
                f"{address}/batches", content=content, headers={"Content-Type": "text/csv; charset=UTF-8"}
            )
        except Ambiguous:
            if last:
                raise Refused(f"{SERVICE} did not take the file. Nothing was changed.") from None
        else:
            break
    for last in (False, False, True):
        try:  # whether it has begun can be asked
            await org.http.patch(address, json={"state": "UploadComplete"})
        except Ambiguous:
            if await _begun(org, id_):
                return id_
            if last:
                raise
        else:
            return id_
    raise Ambiguous  # not reached: the last try returns or raises


async def _state(org: Org, id_: str) -> _Task:
    async def ask() -> _Task:
        return _Task.model_validate_json((await org.http.get(f"{org.root}/jobs/ingest/{id_}")).content)

    return await patiently(ask, longest=LONGEST_WAIT)


async def _begun(org: Org, id_: str) -> bool:
    try:
        return (await _state(org, id_)).state != "Open"
    except TryLater as error:
        raise Ambiguous(f"{SERVICE} was given the bulk job {id_}, and does not say whether it began.") from error


async def _finished(org: Org, id_: str) -> None:
    for look in range(LOOKS):
        task = await _state(org, id_)
        if task.state == "JobComplete":
            return
        if task.state in {"Failed", "Aborted"}:
            message = f"{SERVICE}: the bulk job {id_} ended as {task.state}: {clean(task.errorMessage)}"
            raise Ambiguous(f"{message} Some of its records may have been changed.")
        await asyncio.sleep(min(LONGEST_WAIT, 0.1 * 2 ** min(look, 8)))
    raise Ambiguous(f"{SERVICE} is still at work on the bulk job {id_} after an hour.")


async def _results(org: Org, id_: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Row]:
    """Give each record its result. Those come in any order, and are recognised by what was sent."""
    found: dict[tuple[str, ...], deque[Row]] = defaultdict(deque)
    for which in ("successfulResults", "failedResults"):

        async def ask(which: str = which) -> str:
            return (await org.http.get(f"{org.root}/jobs/ingest/{id_}/{which}")).text

        for row in csv.DictReader(io.StringIO(await patiently(ask, longest=LONGEST_WAIT))):
            error = "" if which == "successfulResults" else clean(row.get("sf__Error") or "it does not say why")
            created = row.get("sf__Created") == "true" if not error else None
            sent = tuple(row.get(name) or "" for name in columns)
            found[sent].append((row.get("sf__Id") or None, created, error))
    lost: Row = (None, None, f"{SERVICE} gave no result for this record.")
    waiting = [found.get(tuple(row)) for row in rows]
    return [line.popleft() if line else lost for line in waiting]
