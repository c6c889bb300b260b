"""Deliveries: what carries log records and events to the streams' addresses, with everything that can go wrong on the way."""

import asyncio
import base64
import contextlib
import hashlib
import json
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.auth0.moments import iso
from sandbox.auth0.moments import seconds as moment_of
from sandbox.auth0.records import category_of, sent
from sandbox.auth0.runner import run
from sandbox.auth0.streams import Delivery, EventStream, LogStream
from sandbox.auth0.tenant import Tenant
from sandbox.trust import trust

LOG_ATTEMPTS = 3
LOG_PAUSE = 10.0
"""Seconds between the attempts for one batch of records, and between one row of attempts and the next."""

EVENT_PAUSES = (1.0, 2.0, 4.0)
"""Seconds between the four attempts for one event."""

LARGEST_BATCH = 100
PATIENCE = 10.0
"""Seconds that a receiver may take to answer."""

SHORTEST_PAUSE = 0.01
MOST_NOTED = 2000
LONGEST_WATCH = 60.0


class Sender:
    """Whatever is due at the streams of one tenant goes out while it runs."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.noted: deque[dict[str, Any]] = deque(maxlen=MOST_NOTED)
        self._sending: set[str] = set()
        self._under_way: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send until the block ends; what is under way then is given up."""
        async with httpx.AsyncClient(trust_env=False, verify=trust(), timeout=PATIENCE) as client:
            self._start(self._watch(client))
            try:
                yield
            finally:
                given_up = list(self._under_way)
                for task in given_up:
                    task.cancel()
                await asyncio.gather(*given_up, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _watch(self, client: httpx.AsyncClient) -> None:
        """Look at every stream whenever anything has changed."""
        while True:
            seen = self.tenant.changes.sequence
            for log_stream in self.tenant.log_streams.values():
                if log_stream.id not in self._sending and self._waiting(log_stream):
                    self._sending.add(log_stream.id)
                    self._start(self._send_logs(client, log_stream))
            for stream in self.tenant.event_streams.values():
                if stream.id not in self._sending and stream.due and stream.status == "enabled":
                    self._sending.add(stream.id)
                    self._start(self._send_events(client, stream))
            await self.tenant.changes.after(seen, LONGEST_WATCH)

    async def _pause(self, length: float) -> None:
        await asyncio.sleep(max(length * self.tenant.settings.delivery_scale, SHORTEST_PAUSE))

    def _note(self, stream: str, ids: list[str], status: int | None, error: str | None) -> None:
        at = iso(self.tenant.now())
        self.noted.append({"at": at, "stream": stream, "ids": ids, "status": status, "error": error})

    # ---- log records ----

    def _waiting(self, stream: LogStream) -> list[dict[str, Any]]:
        """Give the records that are not sent yet, oldest first."""
        if stream.status != "active" or stream.id not in self.tenant.log_streams:
            return []
        found: list[dict[str, Any]] = []
        for record in reversed(self.tenant.logs):
            if record["log_id"] <= stream.position:
                break
            found.append(record)
        start = moment_of(stream.start_from or "") or 0.0
        found = [one for one in reversed(found) if (moment_of(one["date"]) or 0.0) >= start]
        return found[:LARGEST_BATCH]

    async def _send_logs(self, client: httpx.AsyncClient, stream: LogStream) -> None:
        """Send what waits, batch by batch; one that does not get through is repeated till it does or patience ends."""
        try:
            while waiting := self._waiting(stream):
                names = {one["name"] for one in stream.filters}
                wanted = [one for one in waiting if not names or category_of(one["type"]) in names]
                if await self._sent_batch(client, stream, wanted):
                    stream.position, stream.failing_since = waiting[-1]["log_id"], None
                    self.tenant.changes.happened()
                    continue
                now = self.tenant.now()
                stream.failing_since = stream.failing_since or now
                if now - stream.failing_since >= self.tenant.settings.log_patience:
                    stream.status = "suspended"
                    self.tenant.changes.happened()
                await self._pause(LOG_PAUSE)
        finally:
            self._sending.discard(stream.id)

    async def _sent_batch(self, client: httpx.AsyncClient, stream: LogStream, batch: list[dict[str, Any]]) -> bool:
        """Send one batch, in up to three attempts; says whether it got through."""
        if not batch:
            return True
        settings = self.tenant.settings
        items = [masked(stream, sent(one)) for one in (reversed(batch) if settings.disorder else batch)]
        for attempt in range(LOG_ATTEMPTS):
            if attempt:
                await self._pause(LOG_PAUSE)
            if await self._post_logs(client, stream, items):
                if settings.duplicates:
                    await self._post_logs(client, stream, items)
                return True
        return False

    async def _post_logs(self, client: httpx.AsyncClient, stream: LogStream, items: list[dict[str, Any]]) -> bool:
        sink = stream.sink
        headers = {one.get("header", ""): one.get("value", "") for one in sink.get("httpCustomHeaders", [])}
        headers["content-type"] = sink["httpContentType"]
        if sink.get("httpAuthorization"):
            headers["authorization"] = sink["httpAuthorization"]
        content = written(items, sink["httpContentFormat"])
        status, error = await post(client, sink["httpEndpoint"], content, headers)
        self._note(stream.id, [one["log_id"] for one in items], status, error)
        return error is None

    # ---- events ----

    async def _send_events(self, client: httpx.AsyncClient, stream: EventStream) -> None:
        """Send what is due. An event that does not get through at once is tried again beside those that follow it."""
        try:
            while stream.due and stream.status == "enabled" and stream.id in self.tenant.event_streams:
                due = [stream.deliveries[one] for one in stream.due if one in stream.deliveries]
                stream.due.clear()
                settings = self.tenant.settings
                for delivery in reversed(due) if settings.disorder else due:
                    await self._deliver(client, stream, delivery)
                    if settings.duplicates:
                        await self._attempt(client, stream, delivery)
        finally:
            self._sending.discard(stream.id)

    async def _deliver(self, client: httpx.AsyncClient, stream: EventStream, delivery: Delivery) -> None:
        status, error = await self._attempt(client, stream, delivery)
        if error is None:
            self._delivered(stream, delivery)
        elif final(status):
            self._failed(stream, delivery)
        else:
            self._start(self._deliver_late(client, stream, delivery))

    async def _deliver_late(self, client: httpx.AsyncClient, stream: EventStream, delivery: Delivery) -> None:
        for pause in EVENT_PAUSES:
            await self._pause(pause)
            status, error = await self._attempt(client, stream, delivery)
            if error is None:
                self._delivered(stream, delivery)
                return
            if final(status):
                break
        self._failed(stream, delivery)

    def _delivered(self, stream: EventStream, delivery: Delivery) -> None:
        delivery.status, stream.failures_in_row = "delivered", 0
        self.tenant.changes.happened()

    def _failed(self, stream: EventStream, delivery: Delivery) -> None:
        """Give an event up, and the stream with it where too many have failed."""
        delivery.status = "failed"
        stream.failures_in_row += 1
        stream.failures_in_total += 1
        most = self.tenant.settings
        if stream.failures_in_row >= most.failures_in_row or stream.failures_in_total >= most.failures_in_total:
            stream.status = "disabled"
        self.tenant.changes.happened()

    async def _attempt(
        self, client: httpx.AsyncClient, stream: EventStream, delivery: Delivery
    ) -> tuple[int | None, str | None]:
        """Try once; gives the status of the answer, and what was wrong."""
        if stream.destination["type"] == "action":
            status, error = None, await self._run_action(stream, delivery)
        else:
            configuration = stream.destination["configuration"]
            headers = {"content-type": "application/json", **authorization(stream)}
            content = json.dumps(delivery.event).encode()
            status, error = await post(client, configuration["webhook_endpoint"], content, headers)
        self._note(stream.id, [delivery.id], status, error)
        if error is not None:
            failed = {"status": "failed", "timestamp": iso(self.tenant.now()), "error_message": error}
            delivery.attempts.append(failed)
        return status, error

    async def _run_action(self, stream: EventStream, delivery: Delivery) -> str | None:
        action = self.tenant.actions.get(stream.destination["configuration"]["action_id"])
        if action is None or action.deployed is None:
            return "the Action is not deployed"
        execution = await run(self.tenant.settings, action.name, action.deployed.draft, {"message": delivery.event})
        return execution.error

    def route(self) -> Route:
        """Make the address `GET /sandbox/deliveries`: every attempt so far, and how the streams are."""

        async def show(request: Request) -> JSONResponse:
            logs = self.tenant.log_streams.values()
            streams = self.tenant.event_streams.values()
            return JSONResponse(
                {
                    "attempts": list(self.noted),
                    "log_streams": [
                        {"id": one.id, "name": one.name, "status": one.status, "waiting": len(self._waiting(one))}
                        for one in logs
                    ],
                    "event_streams": [
                        {
                            "id": one.id,
                            "name": one.name,
                            "status": one.status,
                            "due": len(one.due),
                            "failures_in_row": one.failures_in_row,
                            "failures_in_total": one.failures_in_total,
                            "deliveries": {delivery.id: delivery.status for delivery in one.deliveries.values()},
                        }
                        for one in streams
                    ],
                }
            )

        return Route("/sandbox/deliveries", show, methods=["GET"])


def final(status: int | None) -> bool:
    """Tell whether an answer settles that an event cannot be delivered."""
    return status is not None and 400 <= status < 500


async def post(
    client: httpx.AsyncClient, address: str, content: bytes, headers: dict[str, str]
) -> tuple[int | None, str | None]:
    """Post something; gives the status, and what was wrong unless it got through."""
    try:
        response = await client.post(address, content=content, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # headers may hold anything that was typed
        return None, f"no answer ({type(error).__name__})"
    return response.status_code, None if response.is_success else f"answered {response.status_code}"


def written(items: list[dict[str, Any]], form: str) -> bytes:
    """Write a batch in one of the three forms. The envelope of JSONOBJECT is not documented: this is the likeliest one."""
    match form:
        case "JSONARRAY":
            return json.dumps(items).encode()
        case "JSONOBJECT":
            return json.dumps({"logs": items}).encode()
        case _:
            return "\n".join(json.dumps(one) for one in items).encode()


def masked(stream: LogStream, item: dict[str, Any]) -> dict[str, Any]:
    """Hide what the stream is not to tell about people; the hash of the real service is another one."""
    config = stream.pii_config
    name = str(item["data"].get("user_name", ""))
    kind = "email" if "@" in name else "phone" if name.startswith("+") else "username"
    if config is None or not name or kind not in config["log_fields"]:
        return item
    hashed = hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
    shown = hashed if config.get("method", "mask") == "hash" else "*" * len(name)
    return {**item, "data": {**item["data"], "user_name": shown}}


def authorization(stream: EventStream) -> dict[str, str]:
    """Write the header by which the receiver knows the stream."""
    how = stream.destination["configuration"]["webhook_authorization"]
    match how["method"]:
        case "basic":
            both = f"{how['username']}:{stream.secret}".encode()
            return {"authorization": f"Basic {base64.b64encode(both).decode()}"}
        case "custom_header":
            return {how["header_key"]: stream.secret}
        case _:
            return {"authorization": f"Bearer {stream.secret}"}
