"""The tenant's streams to us: its log records, and its events. Put there, looked at, switched on again, taken away."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import httpx
from pydantic import Field

from connectors.auth0.client import Tenant, is_loopback, understanding
from connectors.auth0.sources.changes import TYPES
from connectors.base import Lenient, Value
from connectors.errors import ConnectorError, Missing, Reconnect, Refused
from connectors.limits import patiently

Kind = Literal["logs", "events"]
KINDS: Final[tuple[Kind, ...]] = ("logs", "events")
NAME: Final = "cicflow"
COUNTED_PAGES: Final = 20
ON: Final[dict[Kind, str]] = {"logs": "active", "events": "enabled"}
PATHS: Final[dict[Kind, str]] = {"logs": "/api/v2/log-streams", "events": "/api/v2/event-streams"}
CALLED: Final[dict[Kind, str]] = {"logs": "log stream", "events": "event stream"}


class Installed(Value):
    """What installing a stream has done."""

    kind: Kind = Field(title="Stream", description="What it carries.")
    stream_id: str = Field(title="Stream's id", description="Its id in the tenant.")
    created: bool = Field(title="Created", description="False when it was there and has been brought up to date.")

    def __str__(self) -> str:
        """Say it in a sentence."""
        done = "created" if self.created else "brought up to date, and is switched on"
        return f"The {CALLED[self.kind]} “{NAME}” is {done}."


class Status(Value):
    """How a stream stands in the tenant."""

    kind: Kind = Field(title="Stream", description="What it carries.")
    stream_id: str | None = Field(title="Stream's id", description="Its id in the tenant; empty where there is none.")
    state: str | None = Field(title="State", description="In the service's own word: active, paused, disabled, …")
    ours: bool = Field(title="Ours", description="Whether it sends to our address, in the way we read.")

    @property
    def installed(self) -> bool:
        """Whether it is there at all."""
        return self.stream_id is not None

    @property
    def stopped(self) -> bool:
        """Whether it is there, and sends nothing because it is switched off."""
        return self.installed and self.state != ON[self.kind]

    @property
    def working(self) -> bool:
        """Whether it sends to us."""
        return self.installed and not self.stopped and self.ours

    def __str__(self) -> str:
        """Say it in a sentence."""
        name = f"The {CALLED[self.kind]} “{NAME}”"
        match self:
            case Status(stream_id=None):
                return f"There is no {CALLED[self.kind]} “{NAME}” in the tenant."
            case Status(ours=False):
                return f"{name} sends to another address than ours: install it again."
            case Status(stopped=True):
                return f"{name} is {self.state}: switch it on again."
            case _:
                return f"{name} is {self.state} and sends to us."


class Resumed(Value):
    """What switching a stream on again has done."""

    kind: Kind = Field(title="Stream", description="What it carries.")
    was: str = Field(title="State before", description="In the service's own word.")
    redelivered: bool = Field(
        title="Sent again", description="Whether the tenant sends again what failed. Log streams go on by themselves."
    )
    failed: int | None = Field(
        default=None, title="Failed", description="How many events had failed; empty where that is not known."
    )
    not_sent: str = Field(
        default="", title="Why not sent again", description="Empty where it was, or where there was nothing to send."
    )

    def __str__(self) -> str:
        """Say it in a sentence."""
        on = self.was == ON[self.kind]
        done = "was switched on already" if on else f"is switched on again (it was {self.was})"
        again = "; what had failed is sent again" if self.redelivered else ""
        why = f" What had failed could not be sent again: {self.not_sent}" if self.not_sent else ""
        return f"The {CALLED[self.kind]} “{NAME}” {done}{again}.{why}"


class Removed(Value):
    """What uninstalling a stream has done."""

    kind: Kind = Field(title="Stream", description="What it carried.")
    removed: bool = Field(title="Removed", description="False where there was none.")

    def __str__(self) -> str:
        """Say it in a sentence."""
        done = "is removed" if self.removed else "was not there"
        return f"The {CALLED[self.kind]} “{NAME}” {done}."


class _Destination(Lenient):
    configuration: dict[str, Any] = Field(default_factory=dict)


class _Stream(Lenient):
    id: str
    name: str | None = None
    status: str | None = None
    type: str | None = None
    sink: dict[str, Any] | None = None
    destination: _Destination | None = None


def address_of(url: str, kind: Kind) -> str:
    """Return where a stream sends to: below the connection's own address."""
    return f"{url.rstrip('/')}/{kind}"


def token_of(secret: str, kind: Kind) -> str:
    """Return what a stream shows to prove where it comes from; it follows from the connection's secret ("whsec_…").

    A log stream sends it as its whole Authorization header, an event stream after "Bearer ".
    """
    return hmac.new(secret.encode(), kind.encode(), hashlib.sha256).hexdigest()


async def install(client: Tenant, kind: Kind, *, url: str, secret: str, types: Iterable[str] = TYPES) -> Installed:
    """Create or update a stream, and switch it on. `url` is the connection's address, `types` the events to send.

    Raises ConnectorError, or ValueError for an address that Auth0 does not send to.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.netloc)):
        raise ValueError("Auth0 sends to an https address only.")
    body = _wanted(kind, url=url, secret=secret, types=tuple(types))
    with understanding("changes"):
        known = await _find(client, kind)
        if known is not None:
            await client.http.patch(f"{PATHS[kind]}/{known.id}", json={**body, "status": ON[kind]})
            return Installed(kind=kind, stream_id=known.id, created=False)
        kept = {"name": NAME, "type": "http"} if kind == "logs" else {"name": NAME, "status": ON[kind]}
        answer = await client.http.post(PATHS[kind], json={**body, **kept})
        return Installed(kind=kind, stream_id=_Stream.model_validate_json(answer.content).id, created=True)


async def status(client: Tenant, kind: Kind, *, url: str) -> Status:
    """Look how a stream stands; raises ConnectorError."""
    with understanding("reads"):
        known = await _find(client, kind)
    if known is None:
        return Status(kind=kind, stream_id=None, state=None, ours=False)
    return Status(
        kind=kind, stream_id=known.id, state=known.status or "", ours=_endpoint(known) == address_of(url, kind)
    )


async def resume(client: Tenant, kind: Kind) -> Resumed:
    """Switch a stream on again, and have sent again what failed. Raises ConnectorError; Missing where there is none.

    Where it could be switched on, and what failed could not be sent again, it is said why.
    """
    with understanding("changes"):
        known = await _find(client, kind)
        if known is None:
            raise Missing(f"There is no {CALLED[kind]} “{NAME}” in the tenant: install it.")
        failed = await _failed(client, known.id) if kind == "events" else None
        if known.status != ON[kind]:
            await client.http.patch(f"{PATHS[kind]}/{known.id}", json={"status": ON[kind]})
        redelivered, not_sent = False, ""
        try:
            redelivered = kind == "events" and await patiently(
                lambda: _redeliver(client, known.id), attempts=4, longest=10.0
            )
        except ConnectorError as error:
            if known.status == ON[kind]:
                raise
            needed = error.missing_scope if isinstance(error, Reconnect) else None
            not_sent = f"{error.message} It needs {needed}." if needed else error.message
    return Resumed(kind=kind, was=known.status or "off", redelivered=redelivered, failed=failed, not_sent=not_sent)


async def uninstall(client: Tenant, kind: Kind) -> Removed:
    """Delete a stream. Raises ConnectorError."""
    with understanding("changes"):
        known = await _find(client, kind)
        if known is None:
            return Removed(kind=kind, removed=False)
        try:
            await client.http.delete(f"{PATHS[kind]}/{known.id}")
        except Missing:  # somebody else was faster
            return Removed(kind=kind, removed=False)
    return Removed(kind=kind, removed=True)


def _wanted(kind: Kind, *, url: str, secret: str, types: Sequence[str]) -> dict[str, Any]:
    endpoint, token = address_of(url, kind), token_of(secret, kind)
    match kind:
        case "logs":
            sink = {
                "httpEndpoint": endpoint,
                "httpAuthorization": token,
                "httpContentType": "application/json",
                "httpContentFormat": "JSONARRAY",
            }
            return {"sink": sink}
        case "events":
            authorization = {"method": "bearer", "token": token}
            configuration = {"webhook_endpoint": endpoint, "webhook_authorization": authorization}
            return {
                "subscriptions": [{"event_type": each} for each in types],
                "destination": {"type": "webhook", "configuration": configuration},
            }


async def _find(client: Tenant, kind: Kind) -> _Stream | None:
    """Find ours by its name. A tenant has few streams: the first page of them is all."""
    params = {"take": 100} if kind == "events" else None
    listed = (await client.http.get(PATHS[kind], params=params)).json()
    given = listed if isinstance(listed, list) else listed.get("eventStreams") or []
    streams = [_Stream.model_validate(each) for each in given]
    return next((stream for stream in streams if stream.name == NAME and _endpoint(stream) is not None), None)


def _endpoint(stream: _Stream) -> str | None:
    """Say where a stream sends to; None for one that does not send to a web address."""
    if stream.sink is not None:
        return stream.sink.get("httpEndpoint")
    return stream.destination.configuration.get("webhook_endpoint") if stream.destination else None


async def _failed(client: Tenant, stream_id: str) -> int | None:
    """Count the events that failed; None where that cannot be seen, or where they are very many."""
    count = 0
    params: dict[str, Any] = {"take": 100, "statuses": "failed"}
    try:
        for _ in range(COUNTED_PAGES):
            page = (await client.http.get(f"{PATHS['events']}/{stream_id}/deliveries", params=params)).json()
            count += len(page["deliveries"])
            if not page.get("next"):
                return count
            params["from"] = page["next"]
    except (ConnectorError, ValueError, KeyError, TypeError, AttributeError):  # it is only for the report
        return None
    return None


async def _redeliver(client: Tenant, stream_id: str) -> bool:
    """Have sent again what failed; False where nothing had."""
    try:
        await client.http.post(f"{PATHS['events']}/{stream_id}/redeliver", json={"statuses": ["failed"]})
    except Refused as error:
        if error.status == httpx.codes.CONFLICT:  # nothing is in a state to be sent again
            return False
        raise
    return True
