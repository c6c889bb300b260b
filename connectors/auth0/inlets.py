"""What Auth0's streams send: batches of log records in any of its formats, and CloudEvents, taken apart."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.auth0.sources.changes import TYPES, source_name
from connectors.auth0.sources.log import LOG, event_of
from connectors.base import Arrival, Inlet

MOST: Final = 5000
"""Records of one body. Auth0 sends some hundreds at most."""


def read_logs(body: bytes) -> Sequence[Arrival]:
    """Take a batch of log records apart, whichever of its formats the stream has.

    Auth0 writes a list, one record a line, or one object, and wraps each record as ``{"log_id": …, "data": {…}}``.
    What is no record is left out: the rest of the batch must not be lost for it. Raises ValueError if nothing is one.
    """
    items = list(_items(body))
    if len(items) > MOST:
        raise ValueError(f"A body of more than {MOST} log records is not read.")
    found = [arrival for item in items if (arrival := _record(item)) is not None]
    if items and not found:
        raise ValueError("The body holds no log record.")
    return found


def _items(body: bytes) -> Iterator[Any]:
    try:
        whole = json.loads(body)
    except RecursionError as error:
        raise ValueError("The body is nested too deep.") from error
    except ValueError:
        yield from _lines(body)
        return
    match whole:
        case list():
            yield from whole
        case {"logs": list(logs)}:
            yield from logs
        case _:
            yield whole


def _lines(body: bytes) -> Iterator[Any]:
    """Read one record a line. A line that is none is left out, as long as another one is."""
    for line in body.splitlines():
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            yield None


def _record(item: Any) -> Arrival | None:
    event = event_of(item)
    return None if event is None else Arrival(source=LOG.name, id=event["log_id"], event=event)


def read_changes(body: bytes) -> Sequence[Arrival]:
    """Read a CloudEvent, or a list of them. Raises ValueError."""
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("The body is not JSON.") from error
    events = whole if isinstance(whole, list) else [whole]
    return [_change(event) for event in events]


def _change(event: Any) -> Arrival:
    if not isinstance(event, Mapping):
        raise ValueError("The body is no CloudEvent.")  # noqa: TRY004  # what was sent is wrong, not a type of ours
    event_id, kind, data = event.get("id"), event.get("type"), event.get("data")
    if not isinstance(event_id, str) or not event_id or not isinstance(kind, str) or not isinstance(data, Mapping):
        raise ValueError("The body is no CloudEvent: it needs id, type and data.")
    if kind not in TYPES:
        raise ValueError("The body is a CloudEvent of a type that is not known here.")
    known = {name: data[name] for name in ("object", "previous_object", "context") if data.get(name) is not None}
    return Arrival(
        source=source_name(kind),
        id=event_id,
        event={"id": event_id, "type": kind, "time": event.get("time"), **known},
    )


INLETS: Final = (Inlet(name="logs", read=read_logs), Inlet(name="events", read=read_changes))
