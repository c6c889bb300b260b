"""Requests from Slack to the bot: signed HTTP, or Socket Mode."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

import httpx

from sandbox.slack.records import Deliveries
from sandbox.slack.socket import Sockets
from sandbox.slack.stamps import Clock
from sandbox.trust import trust

if TYPE_CHECKING:
    from sandbox.slack.workspace import Settings

Json = dict[str, Any]
Kind = Literal["command", "block_actions", "block_suggestion", "view_submission", "view_closed", "event"]
Failure = Literal["operation_timeout", "dispatch_failed", "http_service_error"]

SECONDS_TO_ANSWER = 3.0
_ENVELOPES: dict[Kind, str] = {"command": "slash_commands", "event": "events_api"}
_REASONS: dict[Failure, str] = {
    "operation_timeout": "http_timeout",
    "dispatch_failed": "connection_failed",
    "http_service_error": "http_error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back from the bot, or how it failed."""

    seconds: float
    status: int | None = None
    text: str = ""
    json: Any = None
    failure: Failure | None = None
    no_retry: bool = False


def sign(secret: str, timestamp: str, body: str) -> str:
    """Sign a request body, by Slack's scheme v0."""
    basis = f"v0:{timestamp}:{body}".encode()
    return "v0=" + hmac.new(secret.encode(), basis, hashlib.sha256).hexdigest()


class Delivery:
    """The way to the bot. What is sent, and what comes of it, is recorded."""

    def __init__(
        self, *, settings: "Settings", secret: str, clock: Clock, deliveries: Deliveries, sockets: Sockets
    ) -> None:
        self._settings, self._secret, self._clock = settings, secret, clock
        self._sockets = sockets
        self._client: httpx.AsyncClient | None = None
        self._later: set[asyncio.Task[None]] = set()
        self.deliveries = deliveries

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hold connections to the bot open, and end every retry that still waits."""
        async with httpx.AsyncClient(
            trust_env=False, verify=trust(), timeout=SECONDS_TO_ANSWER, follow_redirects=False
        ) as client:
            self._client = client
            try:
                yield
            finally:
                for each in self._later:
                    each.cancel()
                await asyncio.gather(*self._later, return_exceptions=True)
                self._client = None

    async def send(self, kind: Kind, payload: Json) -> Answer:
        """Deliver a command (its form fields) or an interaction (its payload), and wait for the answer."""
        return await self._once(kind, payload, {})

    async def send_event(self, payload: Json) -> Answer:
        """Deliver an event; when the bot does not take it, it is sent up to three more times, later."""
        answer = await self._once("event", payload, {})
        if answer.failure and not answer.no_retry:
            later = asyncio.create_task(self._retry(payload, answer.failure))
            self._later.add(later)
            later.add_done_callback(self._later.discard)
        return answer

    async def _retry(self, payload: Json, failure: Failure) -> None:
        for number, delay in enumerate(self._settings.event_retry_delays, start=1):
            await asyncio.sleep(delay)
            headers = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": _REASONS[failure]}
            answer = await self._once("event", payload, headers)
            if answer.failure is None or answer.no_retry:
                return
            failure = answer.failure

    async def _once(self, kind: Kind, payload: Json, retry: dict[str, str]) -> Answer:
        if self._settings.socket_mode:
            return await self._by_socket(kind, payload, retry)
        return await self._by_http(kind, payload, retry)

    async def _by_http(self, kind: Kind, payload: Json, retry: dict[str, str]) -> Answer:
        match kind:
            case "command":
                body, content_type = urlencode(payload), "application/x-www-form-urlencoded"
            case "event":
                body, content_type = json.dumps(payload), "application/json"
            case _:
                body, content_type = urlencode({"payload": json.dumps(payload)}), "application/x-www-form-urlencoded"
        timestamp = str(int(self._clock()))
        headers = {
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "Accept": "application/json,*/*",
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(self._secret, timestamp, body),
            **retry,
        }
        url = self._settings.request_url
        record = self.deliveries.begin(kind, transport="http", url=url, headers=headers, body=body)
        began = time.monotonic()
        answer = await self._request(url, body, headers, began)
        record |= {"status": answer.status, "answer": answer.text, "error": answer.failure, "seconds": answer.seconds}
        return answer

    async def _request(self, url: str | None, body: str, headers: dict[str, str], began: float) -> Answer:
        if url is None or self._client is None:
            return Answer(seconds=0.0, failure="dispatch_failed")
        try:
            async with asyncio.timeout(SECONDS_TO_ANSWER):
                response = await self._client.post(url, content=body.encode(), headers=headers)
        except (TimeoutError, httpx.TimeoutException):
            return Answer(seconds=time.monotonic() - began, failure="operation_timeout")
        except (httpx.TransportError, httpx.InvalidURL):
            return Answer(seconds=time.monotonic() - began, failure="dispatch_failed")
        return Answer(
            seconds=time.monotonic() - began,
            status=response.status_code,
            text=response.text,
            json=_decoded(response),
            failure=None if response.status_code == 200 else "http_service_error",
            no_retry=response.headers.get("x-slack-no-retry") == "1",
        )

    async def _by_socket(self, kind: Kind, payload: Json, retry: dict[str, str]) -> Answer:
        envelope: Json = {
            "payload": payload,
            "type": _ENVELOPES.get(kind, "interactive"),
            "accepts_response_payload": kind in ("command", "view_submission", "block_suggestion"),
        }
        if kind == "event":
            envelope["retry_attempt"] = int(retry.get("X-Slack-Retry-Num", "0"))
            envelope["retry_reason"] = retry.get("X-Slack-Retry-Reason", "")
        record = self.deliveries.begin(kind, transport="socket", url=None, headers={}, body=json.dumps(envelope))
        began = time.monotonic()
        answer = await self._envelope(envelope, began)
        record |= {"status": answer.status, "answer": answer.text, "error": answer.failure, "seconds": answer.seconds}
        return answer

    async def _envelope(self, envelope: Json, began: float) -> Answer:
        try:
            async with asyncio.timeout(SECONDS_TO_ANSWER):
                acknowledged = await self._sockets.send(envelope)
        except TimeoutError:
            return Answer(seconds=time.monotonic() - began, failure="operation_timeout")
        except ConnectionError:
            return Answer(seconds=time.monotonic() - began, failure="dispatch_failed")
        seconds = time.monotonic() - began
        given = acknowledged.get("payload")
        if given is None or not envelope["accepts_response_payload"]:
            return Answer(seconds=seconds, status=200)
        if isinstance(given, str):
            return Answer(seconds=seconds, status=200, text=given)
        return Answer(seconds=seconds, status=200, text=json.dumps(given), json=given)


def _decoded(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content) if response.content else None
    except ValueError:
        return None
