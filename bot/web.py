"""The HTTP surface: Slack's requests, events of other services, and health."""

import json
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
import structlog
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.bodies import small
from bot.connections import UnprovedError, prove, prove_stream
from bot.enriching import Enriching
from bot.holding import WaitingRoom, for_an_action
from bot.inlets import LONGEST_ID, Inlets, check, refuse_depth
from bot.invitations import Invitations
from connectors.base import Catalog
from flows.runs import Runs
from flows.store import StorageError, Store
from flows.vault import Vault

log = structlog.get_logger()

LARGEST_BATCH: Final = 8 * 1024 * 1024
"""Bytes of a request that tells of many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What answers requests."""

    catalog: Catalog
    vault: Vault
    store: Store
    runs: Runs
    enriching: Enriching
    inlets: Inlets
    slack: AsyncSlackRequestHandler
    waiting_room: WaitingRoom
    invitations: Invitations
    public_url: str | None
    """Where the bot is reached from outside; None: wherever it is asked."""

    def routes(self) -> list[Route]:
        """Return the addresses."""
        return [
            Route("/in/{key}", small(self.event), methods=["POST"]),
            Route("/in/{key}/{inlet}", small(self.stream, LARGEST_BATCH), methods=["POST"]),
            Route("/slack/events", small(self.slack_request), methods=["POST"]),
            Route("/health", self.health, methods=["GET"]),
            *self.waiting_room.routes(),
            *self.invitations.routes(),
        ]

    async def event(self, request: Request, body: bytes) -> Response:
        """Accept an event. It is answered 202 when it is kept, or wakes nothing."""
        try:
            return await self._event(request, body)
        except StorageError as error:
            log.warning("event_not_kept", id=request.headers.get("webhook-id"), why=str(error))
            # What the database says may name where it is: that is for the log only.
            return _refused(503, "not_kept", f"{StorageError()} Nothing was accepted: send it again.")

    async def _event(self, request: Request, body: bytes) -> Response:
        account = await self.vault.at(request.path_params["key"])
        if account is None:
            return _refused(404, "unknown_address", "No connection has this address. Install the Auth0 Action again.")
        try:
            proved = prove(account, request.headers, body)
        except UnprovedError as error:
            log.warning("event_refused", connection=account.name, why=str(error))
            return _refused(401, "not_proved", f"{error}. Nothing was accepted.")
        if len(proved.event_id) > LONGEST_ID or not proved.event_id.isprintable():
            return _refused(400, "bad_id", "The webhook-id must be printable and at most 200 characters.")
        try:
            source, event = self._read(account.connector, body)
        except ValueError as error:
            log.warning("event_unreadable", connection=account.name, why=str(error))
            return _refused(400, "unreadable", f"{error} Nothing was accepted.")
        received = await self.runs.receive(
            source=source,
            connection=account.name,
            event_id=proved.event_id,
            event=await self.enriching.enriched(source, account.name, event, urgent=True),
        )
        answer: dict[str, Any] = {"accepted": proved.event_id}
        if received.runs and received.kept:  # those that only think are too many to tell of each
            log.info("event", connection=account.name, source=source, id=proved.event_id, woke=len(received.runs))
        if received.replies:
            address = self._address(request) if any("hold" in reply for _, reply in received.replies) else ""
            answer["answers"] = [for_an_action(reply, run_id, address, account) for run_id, reply in received.replies]
        return JSONResponse(answer, status_code=202)

    def _address(self, request: Request) -> str:
        """Return where a browser reaches the bot."""
        return (self.public_url or str(request.base_url)).rstrip("/")

    async def stream(self, request: Request, body: bytes) -> Response:
        """Accept what a stream sends. It is answered 202 when all that can be read of it is kept, or wakes nothing.

        A stream gives up, and may be switched off, when it is refused: only what nobody could take is refused.
        """
        account = await self.vault.at(request.path_params["key"])
        connector = self.catalog.connectors.get(account.connector) if account is not None else None
        inlet = connector.inlets.get(request.path_params["inlet"]) if connector is not None else None
        if account is None or inlet is None:
            return _refused(404, "unknown_address", "No connection has this address. Install the stream again.")
        try:
            prove_stream(account, inlet.name, request.headers)
        except UnprovedError as error:
            log.warning("stream_refused", connection=account.name, inlet=inlet.name, why=str(error))
            return _refused(401, "not_proved", f"{error}. Nothing was accepted.")
        try:
            taken = await self.inlets.take(account, inlet, body)
        except StorageError as error:
            log.warning("stream_not_kept", connection=account.name, inlet=inlet.name, why=str(error))
            return _refused(503, "not_kept", f"{StorageError()} Send it again: what was kept is recognised.")
        unreadable = {} if taken.whole else {"unreadable": taken.unreadable}
        return JSONResponse({"accepted": taken.accepted, **unreadable}, status_code=202)

    def _read(self, connector: str, body: bytes) -> tuple[str, dict[str, Any]]:
        """Return the source and the event of a body: ours, or a bare post-login event as Okta's templates expect it."""
        try:
            data = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ValueError("The body is not JSON.") from error
        if not isinstance(data, dict):
            raise ValueError("The body must be a JSON object.")  # noqa: TRY004  # what was sent is wrong, not a type of ours
        refuse_depth(body, data)
        bare = "trigger" not in data
        trigger, event = ("post-login", data) if bare else (data["trigger"], data.get("event") or {})
        source = self.catalog.source(f"{connector}.{str(trigger).replace('-', '_')}")
        if source is None:
            raise ValueError("The body names a trigger that this bot does not know.")
        check(source.event, event)
        return source.name, dict(event)

    async def slack_request(self, request: Request, _body: bytes) -> Response:
        """Hand Slack's request to Bolt, which checks its signature."""
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        if not (timestamp.isascii() and timestamp.isdecimal()):
            return _refused(401, "not_proved", "This is not a signed request of Slack.")
        return await self.slack.handle(request)

    async def health(self, _request: Request) -> Response:
        """Say whether the bot can work: it needs its database."""
        try:
            await self.store.read(lambda session: session.execute(sa.text("SELECT 1")).scalar())
        except StorageError:
            return _refused(503, "no_database", "The database does not answer.")
        return JSONResponse({"ok": True})


def _refused(status: int, error: str, message: str) -> Response:
    return JSONResponse({"error": error, "message": message}, status_code=status)
