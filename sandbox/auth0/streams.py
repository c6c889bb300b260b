"""Streams: where the tenant sends its log records and its events. What is kept of each, and how an event comes to be sent.

`tenant.log_streams: dict[str, LogStream]` and `tenant.event_streams: dict[str, EventStream]`, by id.

LogStream    id, name, status (active | paused | suspended), sink (httpEndpoint, httpAuthorization, httpContentType,
             httpContentFormat JSONLINES | JSONARRAY | JSONOBJECT, httpCustomHeaders [{header, value}]), filters
             [{type: category, name}], pii_config, is_priority, start_from, created;
             for whoever sends: position (log_id of the last record sent, "" for none), failing_since (Unix seconds).
EventStream  id, name, status (enabled | disabled), subscriptions (types of events), destination (type webhook: configuration
             webhook_endpoint, webhook_authorization {method bearer | basic {username} | custom_header {header_key}}; type
             action: configuration action_id), secret (token, password or value; never shown), created, updated;
             due: deque of ids of deliveries to be sent now; deliveries by the event's id;
             for whoever sends: failures_in_row, failures_in_total.
Delivery     id (the event's), event (the CloudEvent), status (due | delivered | failed),
             attempts [{status: "failed", timestamp, error_message}], at (Unix seconds).

An event comes in by `emit`; a test event and a redelivery are put into `due` by the addresses of the streams. All of them
count as a change, so whoever sends waits for `tenant.changes` and empties every `due`.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sandbox.auth0.moments import iso, letters

if TYPE_CHECKING:
    from sandbox.auth0.tenant import Tenant

EVENT_ID_LETTERS = 22
MOST_KEPT = 10_000

EVENT_TYPES = (
    *(f"user.{what}" for what in ("created", "updated", "deleted")),
    *(f"organization.{what}" for what in ("created", "updated", "deleted")),
    *(f"organization.member.{what}" for what in ("added", "deleted", "role.assigned", "role.deleted")),
    *(f"organization.group.role.{what}" for what in ("assigned", "deleted")),
    *(f"organization.connection.{what}" for what in ("added", "updated", "removed")),
    *(f"group.{what}" for what in ("created", "updated", "deleted")),
    *(f"group.member.{what}" for what in ("added", "deleted")),
    *(f"group.role.{what}" for what in ("assigned", "deleted")),
)


@dataclass(slots=True, kw_only=True)
class LogStream:
    """One place that log records are sent to."""

    id: str
    name: str
    sink: dict[str, Any]
    created: float
    status: Literal["active", "paused", "suspended"] = "active"
    filters: list[dict[str, str]] = field(default_factory=list)
    pii_config: dict[str, Any] | None = None
    is_priority: bool = False
    start_from: str | None = None
    position: str = ""
    failing_since: float | None = None


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One event on its way to one stream."""

    id: str
    event: dict[str, Any]
    at: float
    status: Literal["due", "delivered", "failed"] = "due"
    attempts: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class EventStream:
    """One place that events are sent to."""

    id: str
    name: str
    subscriptions: list[str]
    destination: dict[str, Any]
    created: float
    updated: float
    secret: str = ""
    status: Literal["enabled", "disabled"] = "enabled"
    due: deque[str] = field(default_factory=deque)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    failures_in_row: int = 0
    failures_in_total: int = 0

    def put(self, event: dict[str, Any], at: float) -> Delivery:
        """Put an event on its way; the oldest ones are forgotten where there are too many."""
        delivery = Delivery(id=str(event["id"]), event=event, at=at)
        self.deliveries[delivery.id] = delivery
        while len(self.deliveries) > MOST_KEPT:
            del self.deliveries[next(iter(self.deliveries))]
        self.due.append(delivery.id)
        return delivery


def new_event(tenant: "Tenant", kind: str, data: dict[str, Any], *, stream: str | None = None) -> dict[str, Any]:
    """Write a CloudEvent; `data` holds `object`, and `previous_object` and `context` where there are any."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"evt_{letters(EVENT_ID_LETTERS)}",
        "type": kind,
        "source": f"urn:auth0:{tenant.name}",
        "time": iso(tenant.now()),
        "data": data,
        "a0tenant": tenant.name,
    }
    return {**event, "a0stream": stream} if stream else event


def emit(tenant: "Tenant", kind: str, data: dict[str, Any]) -> None:
    """Put an event on its way to every stream that is enabled and wants it."""
    event = new_event(tenant, kind, data)
    for stream in tenant.event_streams.values():
        if stream.status == "enabled" and kind in stream.subscriptions:
            stream.put({**event, "a0stream": stream.id}, tenant.now())
    tenant.changes.happened()
