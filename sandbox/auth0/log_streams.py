"""Log streams: made, listed, changed and deleted here. Only the kind that posts to a web address is simulated."""

from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response

from sandbox.auth0.checks import Rules
from sandbox.auth0.errors import ApiError, bad_body
from sandbox.auth0.moments import hexadecimal, seconds
from sandbox.auth0.routing import Call, Routes, answer, empty
from sandbox.auth0.streams import LogStream
from sandbox.auth0.tenant import Tenant

routes = Routes()

MOST_STREAMS = 10
"""How many there may be differs by plan in reality; here it is one number for all."""

LOCAL = {"127.0.0.1", "localhost", "::1"}
CATEGORIES = (
    *(f"auth.{what}.{how}" for what in ("login", "logout", "signup") for how in ("fail", "success")),
    "auth.login.notification",
    *(f"auth.{what}.{how}" for what in ("silent_auth", "token_exchange") for how in ("fail", "success")),
    "management.fail",
    "management.success",
    "scim.event",
    "system.notification",
    *(f"user.{how}" for how in ("fail", "notification", "success")),
    "actions",
    "other",
)
SINK: Rules = {
    "type": "object",
    "closed": True,
    "required": ("httpEndpoint",),
    "properties": {
        "httpEndpoint": {"type": "string", "shortest": 1, "about": "HTTP endpoint"},
        "httpAuthorization": {"type": "string", "about": "HTTP Authorization header"},
        "httpContentType": {"type": "string", "about": "HTTP Content-Type header"},
        "httpContentFormat": {"type": "string", "enum": ("JSONARRAY", "JSONLINES", "JSONOBJECT")},
        "httpCustomHeaders": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"header": {"type": "string"}, "value": {"type": "string"}},
            },
        },
    },
}
COMMON: Rules = {
    "name": {"type": "string", "shortest": 1, "longest": 256, "about": "log stream name"},
    "isPriority": {"type": "boolean", "about": "True for priority log streams, false for non-priority"},
    "filters": {
        "type": "array",
        "about": "Only logs events matching these filters will be delivered by the stream.",
        "items": {
            "type": "object",
            "required": ("type", "name"),
            "properties": {"type": {"enum": ("category",)}, "name": {"type": "string", "enum": CATEGORIES}},
        },
    },
    "pii_config": {
        "type": "object",
        "closed": True,
        "required": ("log_fields",),
        "properties": {
            "log_fields": {
                "type": "array",
                "at_least": 1,
                "items": {"enum": ("first_name", "last_name", "username", "email", "phone", "address")},
            },
            "method": {"enum": ("mask", "hash")},
            "algorithm": {"enum": ("xxhash",)},
        },
    },
    "sink": SINK,
}
CREATION: Rules = {
    "closed": True,
    "required": ("type", "sink"),
    "properties": {**COMMON, "type": {"type": "string", "enum": ("http",)}, "startFrom": {"type": "string"}},
}
CHANGE: Rules = {
    "closed": True,
    "at_least": 1,
    "properties": {**COMMON, "status": {"type": "string", "enum": ("active", "paused", "suspended")}},
}


def refuse_address(address: str, where: str) -> None:
    """Refuse an address that is not https; this machine's own may be plain, as nothing here has a certificate."""
    split = urlsplit(address)
    if split.scheme == "http" and split.hostname in LOCAL:
        return
    if split.scheme != "https" or not split.hostname:
        why = f"String does not match pattern ^https://.*: {address}"
        raise ApiError(400, f"Payload validation error: '{why}' on property {where}.", "invalid_body")


def shown(stream: LogStream) -> dict[str, Any]:
    """Show a stream, with its token: this part of the service gives it back."""
    body = {
        "id": stream.id,
        "name": stream.name,
        "type": "http",
        "status": stream.status,
        "isPriority": stream.is_priority,
        "filters": stream.filters,
        "pii_config": stream.pii_config,
        "sink": stream.sink,
    }
    return {name: value for name, value in body.items() if value is not None}


def stream_of(tenant: Tenant, call: Call) -> LogStream:
    """Find a stream.

    Raises ApiError 404 when there is none.
    """
    stream = tenant.log_streams.get(call.ids["id"])
    if stream is None:
        raise ApiError(404, "The log stream does not exist.", "inexistent_log_stream")
    return stream


def with_usual(sink: dict[str, Any]) -> dict[str, Any]:
    """Fill in how the records are written where that was left out."""
    return {"httpContentType": "application/json", "httpContentFormat": "JSONLINES", **sink}


@routes.on("GET", "/log-streams", any_of=("read:log_streams",))
def list_streams(tenant: Tenant, call: Call) -> Response:
    """List all log streams."""
    return answer([shown(one) for one in tenant.log_streams.values()])


@routes.on("POST", "/log-streams", any_of=("create:log_streams",))
def create_stream(tenant: Tenant, call: Call) -> Response:
    """Create a stream; it is active at once."""
    given = call.body(CREATION)
    refuse_address(given["sink"]["httpEndpoint"], "sink.httpEndpoint")
    start = given.get("startFrom")
    if start is not None and seconds(start) is None:
        raise bad_body(f"Object didn't pass validation for format date-time: {start}")
    if len(tenant.log_streams) >= MOST_STREAMS:
        raise ApiError(409, "You have reached the maximum number of log streams for your account.")
    stream = LogStream(
        id=f"lst_{hexadecimal(16)}",
        name=given.get("name", "HTTP"),
        sink=with_usual(given["sink"]),
        created=tenant.now(),
        filters=given.get("filters", []),
        pii_config=given.get("pii_config"),
        is_priority=given.get("isPriority", False),
        start_from=start,
        position="" if start else last_log(tenant),
    )
    tenant.log_streams[stream.id] = stream
    tenant.changes.happened()
    return answer(shown(stream))


def last_log(tenant: Tenant) -> str:
    """Give the id of the newest record: a stream begins after it."""
    return str(tenant.logs[-1]["log_id"]) if tenant.logs else ""


@routes.on("GET", "/log-streams/{id}", any_of=("read:log_streams",))
def get_stream(tenant: Tenant, call: Call) -> Response:
    """Get one stream."""
    return answer(shown(stream_of(tenant, call)))


@routes.on("PATCH", "/log-streams/{id}", any_of=("update:log_streams",))
def change_stream(tenant: Tenant, call: Call) -> Response:
    """Change a stream; its sink is replaced as a whole. One that is switched on again has a clean slate."""
    given = call.body(CHANGE)
    stream = stream_of(tenant, call)
    if "sink" in given:
        refuse_address(given["sink"]["httpEndpoint"], "sink.httpEndpoint")
        stream.sink = with_usual(given["sink"])
    stream.name = given.get("name", stream.name)
    stream.is_priority = given.get("isPriority", stream.is_priority)
    stream.filters = given.get("filters", stream.filters)
    stream.pii_config = given.get("pii_config", stream.pii_config)
    if given.get("status") == "active" and stream.status != "active":
        stream.failing_since = None
    stream.status = given.get("status", stream.status)
    tenant.changes.happened()
    return answer(shown(stream))


@routes.on("DELETE", "/log-streams/{id}", any_of=("delete:log_streams",))
def delete_stream(tenant: Tenant, call: Call) -> Response:
    """Delete a stream."""
    del tenant.log_streams[stream_of(tenant, call).id]
    tenant.changes.happened()
    return empty()
