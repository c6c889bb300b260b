"""Event streams: made, listed, changed and deleted here; what failed is listed, and sent again."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from sandbox.auth0.checks import Rules, check
from sandbox.auth0.errors import ApiError, bad_body
from sandbox.auth0.log_streams import refuse_address
from sandbox.auth0.moments import iso, letters, seconds
from sandbox.auth0.paging import CHECKPOINTS, after
from sandbox.auth0.routing import Call, Routes, answer, empty
from sandbox.auth0.streams import EVENT_TYPES, Delivery, EventStream, new_event
from sandbox.auth0.tenant import Tenant

routes = Routes()

MOST_STREAMS = 10
ID_LENGTH = 26
SECRETS = {"bearer": "token", "basic": "password", "custom_header": "value"}
"""The secret of each way to say who is calling; it is taken and never given back."""

HEADER_KEY = r"^[a-zA-Z0-9!#$%&'*+.^_`|~-]+$"
AUTHORIZATIONS: Mapping[str, Rules] = {
    "bearer": {
        "closed": True,
        "required": ("token",),
        "properties": {"method": {}, "token": {"type": "string", "shortest": 1}},
    },
    "basic": {
        "closed": True,
        "required": ("username", "password"),
        "properties": {
            "method": {},
            "username": {"type": "string", "longest": 128, "pattern": r"^[^:]+$"},
            "password": {"type": "string", "shortest": 1},
        },
    },
    "custom_header": {
        "closed": True,
        "required": ("header_key", "value"),
        "properties": {
            "method": {},
            "header_key": {"type": "string", "shortest": 1, "pattern": HEADER_KEY},
            "value": {"type": "string", "shortest": 1},
        },
    },
}
CONFIGURATIONS: Mapping[str, Rules] = {
    "webhook": {
        "type": "object",
        "closed": True,
        "required": ("webhook_endpoint", "webhook_authorization"),
        "properties": {
            "webhook_endpoint": {"type": "string", "shortest": 1},
            "webhook_authorization": {
                "type": "object",
                "required": ("method",),
                "properties": {"method": {"type": "string", "enum": tuple(AUTHORIZATIONS)}},
            },
        },
    },
    "action": {
        "type": "object",
        "closed": True,
        "required": ("action_id",),
        "properties": {"action_id": {"type": "string", "shortest": 1}},
    },
}
COMMON: Rules = {
    "name": {"type": "string", "shortest": 1, "longest": 128, "about": "Name of the event stream."},
    "subscriptions": {
        "type": "array",
        "at_least": 1,
        "about": "List of event types subscribed to in this stream.",
        "items": {
            "type": "object",
            "closed": True,
            "required": ("event_type",),
            "properties": {"event_type": {"type": "string", "enum": EVENT_TYPES}},
        },
    },
    "destination": {
        "type": "object",
        "closed": True,
        "required": ("type", "configuration"),
        "properties": {"type": {"type": "string", "enum": tuple(CONFIGURATIONS)}, "configuration": {"type": "object"}},
    },
    "status": {"type": "string", "enum": ("enabled", "disabled")},
}
CREATION: Rules = {"closed": True, "required": ("destination",), "properties": COMMON}
CHANGE: Rules = {"closed": True, "properties": COMMON}


def refuse_destination(tenant: Tenant, destination: dict[str, Any]) -> None:
    """Refuse a place that events cannot go to."""
    rules: Rules = {
        "properties": {"destination": {"properties": {"configuration": CONFIGURATIONS[destination["type"]]}}}
    }
    check({"destination": destination}, rules)
    configuration = destination["configuration"]
    if destination["type"] == "action":
        action = tenant.actions.get(configuration["action_id"])
        if action is None:
            raise ApiError(404, "That action does not exist.")
        if action.draft.triggers[0]["id"] != "event-stream":
            raise bad_body("The action does not support the trigger event-stream")
        return
    refuse_address(configuration["webhook_endpoint"], "destination.configuration.webhook_endpoint")
    authorization = configuration["webhook_authorization"]
    check(
        {"webhook_authorization": authorization},
        {"properties": {"webhook_authorization": AUTHORIZATIONS[authorization["method"]]}},
    )


def without_secret(destination: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Part a destination from its secret."""
    if destination["type"] != "webhook":
        return destination, ""
    authorization = dict(destination["configuration"]["webhook_authorization"])
    secret = authorization.pop(SECRETS[authorization["method"]], "")
    return {
        "type": "webhook",
        "configuration": {**destination["configuration"], "webhook_authorization": authorization},
    }, str(secret)


def shown(stream: EventStream) -> dict[str, Any]:
    """Show a stream without its secret."""
    return {
        "id": stream.id,
        "name": stream.name,
        "subscriptions": [{"event_type": one} for one in stream.subscriptions],
        "destination": stream.destination,
        "status": stream.status,
        "created_at": iso(stream.created),
        "updated_at": iso(stream.updated),
    }


def stream_of(tenant: Tenant, call: Call) -> EventStream:
    """Find a stream.

    Raises ApiError 400 when the id cannot be one, 404 when there is none.
    """
    if len(call.ids["id"]) != ID_LENGTH:
        text = "Path validation error: 'Invalid value' on property id (Unique identifier for the event stream.)."
        raise ApiError(400, text, "invalid_uri")
    stream = tenant.event_streams.get(call.ids["id"])
    if stream is None:
        raise ApiError(404, "The event stream does not exist.", "inexistent_event_stream")
    return stream


def refuse_name(tenant: Tenant, name: str | None, except_for: str = "") -> None:
    """Refuse a name that another stream has."""
    if name and any(one.name == name and one.id != except_for for one in tenant.event_streams.values()):
        raise ApiError(409, "Event stream name already in use.", "event_stream_conflict")


@routes.on("GET", "/event-streams", any_of=("read:event_streams",), query=CHECKPOINTS)
def list_streams(tenant: Tenant, call: Call) -> Response:
    """List the streams."""
    found = [shown(one) for one in tenant.event_streams.values()]
    page, following = after(found, call.query, lambda one: str(one["id"]))
    return answer({"eventStreams": page, **({"next": following} if following else {})})


@routes.on("POST", "/event-streams", any_of=("create:event_streams",))
def create_stream(tenant: Tenant, call: Call) -> Response:
    """Create a stream; it is enabled at once unless asked otherwise."""
    given = call.body(CREATION)
    refuse_destination(tenant, given["destination"])
    refuse_name(tenant, given.get("name"))
    if len(tenant.event_streams) >= MOST_STREAMS:
        raise ApiError(409, "You have reached the maximum number of event streams for your account.")
    destination, secret = without_secret(given["destination"])
    stream_id = f"est_{letters(22)}"
    now = tenant.now()
    stream = EventStream(
        id=stream_id,
        name=given.get("name", stream_id),
        subscriptions=subscribed(given.get("subscriptions", [])),
        destination=destination,
        secret=secret,
        status=given.get("status", "enabled"),
        created=now,
        updated=now,
    )
    tenant.event_streams[stream.id] = stream
    tenant.changes.happened()
    return answer(shown(stream), 201)


def subscribed(given: list[dict[str, str]]) -> list[str]:
    """Read the types of a subscription, each once."""
    return list(dict.fromkeys(one["event_type"] for one in given))


@routes.on("GET", "/event-streams/{id}", any_of=("read:event_streams",))
def get_stream(tenant: Tenant, call: Call) -> Response:
    """Get one stream."""
    return answer(shown(stream_of(tenant, call)))


@routes.on("PATCH", "/event-streams/{id}", any_of=("update:event_streams",))
def change_stream(tenant: Tenant, call: Call) -> Response:
    """Change a stream; its destination is replaced as a whole. One that is switched on again begins to count anew."""
    given = call.body(CHANGE)
    stream = stream_of(tenant, call)
    refuse_name(tenant, given.get("name"), except_for=stream.id)
    if "destination" in given:
        if given["destination"]["type"] != stream.destination["type"]:
            raise bad_body("The type of a destination cannot be changed")
        refuse_destination(tenant, given["destination"])
        stream.destination, stream.secret = without_secret(given["destination"])
    if "subscriptions" in given:
        stream.subscriptions = subscribed(given["subscriptions"])
    if given.get("status") == "enabled" and stream.status == "disabled":
        stream.failures_in_row = stream.failures_in_total = 0
    stream.name = given.get("name", stream.name)
    stream.status = given.get("status", stream.status)
    stream.updated = tenant.now()
    tenant.changes.happened()
    return answer(shown(stream))


@routes.on("DELETE", "/event-streams/{id}", any_of=("delete:event_streams",))
def delete_stream(tenant: Tenant, call: Call) -> Response:
    """Delete a stream; says 204 whether it was there or not."""
    tenant.event_streams.pop(call.ids["id"], None)
    tenant.changes.happened()
    return empty()


MOMENT: Rules = {"type": "string", "longest": 20, "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
CHOICE: Rules = {"date_from": MOMENT, "date_to": MOMENT}


def chosen(stream: EventStream, given: Mapping[str, Any], types: list[str] | None) -> list[Delivery]:
    """Choose the deliveries that failed, between two moments and of some types."""
    start = seconds(given.get("date_from", "")) or 0.0
    end = seconds(given.get("date_to", "")) or float("inf")
    return [
        one
        for one in stream.deliveries.values()
        if one.status == "failed" and start <= one.at <= end and (not types or one.event["type"] in types)
    ]


def shown_delivery(stream: EventStream, delivery: Delivery) -> dict[str, Any]:
    """Show a delivery. Only those that failed are ever shown, so there is no other status."""
    event = delivery.event
    kept = {name: event[name] for name in ("id", "source", "specversion", "type", "time")}
    return {
        "id": delivery.id,
        "event_stream_id": stream.id,
        "status": "failed",
        "event_type": event["type"],
        "attempts": delivery.attempts,
        "event": {**kept, "data": event["data"]},
    }


LISTING: Rules = {**CHECKPOINTS, **CHOICE, "statuses": {"type": "string"}, "event_types": {"type": "string"}}


@routes.on(
    "GET",
    "/event-streams/{id}/deliveries",
    any_of=("read:event_streams", "read:event_deliveries"),
    query=LISTING,
)
def list_deliveries(tenant: Tenant, call: Call) -> Response:
    """List what could not be delivered, oldest first."""
    stream = stream_of(tenant, call)
    if set(listed(call.query.get("statuses"))) - {"failed"}:
        raise ApiError(400, "Query validation error: 'No enum match' on property statuses.", "invalid_query_string")
    found = chosen(stream, call.query, listed(call.query.get("event_types")))
    page, following = after(found, call.query, lambda one: one.id)
    shown_page = [shown_delivery(stream, one) for one in page]
    return answer({"deliveries": shown_page, **({"next": following} if following else {})})


def listed(text: str | None) -> list[str]:
    """Read a list that is written with commas."""
    return [one.strip() for one in (text or "").split(",") if one.strip()]


def delivery_of(stream: EventStream, call: Call) -> Delivery:
    """Find a delivery.

    Raises ApiError 404 when there is none.
    """
    delivery = stream.deliveries.get(call.ids["event"])
    if delivery is None:
        raise ApiError(404, "The event delivery does not exist.", "inexistent_event_delivery")
    return delivery


@routes.on("GET", "/event-streams/{id}/deliveries/{event}", any_of=("read:event_deliveries",))
def get_delivery(tenant: Tenant, call: Call) -> Response:
    """Get one delivery that failed."""
    stream = stream_of(tenant, call)
    delivery = delivery_of(stream, call)
    if delivery.status != "failed":
        raise ApiError(404, "The event delivery does not exist.", "inexistent_event_delivery")
    return answer(shown_delivery(stream, delivery))


REDELIVERY: Rules = {
    "closed": True,
    "properties": {
        **CHOICE,
        "statuses": {"type": "array", "items": {"enum": ("failed",)}},
        "event_types": {"type": "array", "items": {"type": "string", "enum": EVENT_TYPES}},
    },
}


@routes.on("POST", "/event-streams/{id}/redeliver", any_of=("update:event_deliveries",))
def redeliver(tenant: Tenant, call: Call) -> Response:
    """Send again what failed: all of it, or what is asked for."""
    given = call.body(REDELIVERY) if call.content else {}
    stream = stream_of(tenant, call)
    for delivery in chosen(stream, given, given.get("event_types")):
        send_again(stream, delivery)
    tenant.changes.happened()
    return answer(given, 202)


@routes.on("POST", "/event-streams/{id}/redeliver/{event}", any_of=("update:event_deliveries",))
def redeliver_one(tenant: Tenant, call: Call) -> Response:
    """Send one event again that failed."""
    stream = stream_of(tenant, call)
    delivery = delivery_of(stream, call)
    if delivery.status != "failed":
        raise ApiError(409, "The event is not in a state that allows redelivery.")
    send_again(stream, delivery)
    tenant.changes.happened()
    return empty(202)


def send_again(stream: EventStream, delivery: Delivery) -> None:
    """Put a delivery on its way once more."""
    delivery.status = "due"
    stream.due.append(delivery.id)


TEST: Rules = {
    "closed": True,
    "required": ("event_type",),
    "properties": {"event_type": {"type": "string", "enum": EVENT_TYPES}, "data": {"type": "object"}},
}


@routes.on("POST", "/event-streams/{id}/test", any_of=("update:event_streams",))
def send_test(tenant: Tenant, call: Call) -> Response:
    """Send a test event, whether the stream wants its type or not."""
    given = call.body(TEST)
    stream = stream_of(tenant, call)
    data = given.get("data") or {"object": sample(tenant, given["event_type"])}
    event = {**new_event(tenant, given["event_type"], data, stream=stream.id), "a0purpose": "test"}
    delivery = stream.put(event, tenant.now())
    tenant.changes.happened()
    return answer(shown_delivery(stream, delivery), 202)


def sample(tenant: Tenant, kind: str) -> dict[str, Any]:
    """Give an object for a test event that brings none."""
    now = iso(tenant.now())
    what = kind.rpartition(".")[2]
    user = {"user_id": "auth0|507f1f77bcf86cd799439020"}
    organization = {"id": "org_SampleSample0001"}
    role = {"id": "rol_SampleSample0001", "name": "sample role"}
    group: dict[str, Any] = {"id": "grp_SandboxGroup2345", "type": "tenant"}
    match kind.removesuffix(f".{what}"):
        case "user":
            identity = {
                "connection": "Username-Password-Authentication",
                "user_id": "507f1f77bcf86cd799439020",
                "provider": "auth0",
                "isSocial": False,
            }
            person = {
                **user,
                "email": "sample@example.com",
                "created_at": now,
                "updated_at": now,
                "identities": [identity],
            }
            return {**person, "deleted_at": now} if what == "deleted" else person
        case "organization":
            return {**organization, "name": "sample-organization"}
        case "organization.member":
            return {"organization": organization, "user": user}
        case "organization.member.role":
            return {"organization": organization, "user": user, "role": role}
        case "organization.connection":
            return {"organization": organization, "connection": {"id": "con_SampleSample0001"}}
        case "organization.group.role":
            return {"organization": organization, "group": group, "role": role}
        case "group.member":
            return {"group": group, "member": {"member_type": "user", "id": user["user_id"]}}
        case "group.role":
            return {"group": group, "role": role}
        case _:
            made = {**group, "name": "sample group", "created_at": now}
            return made if what == "created" else {**made, "updated_at": now}
