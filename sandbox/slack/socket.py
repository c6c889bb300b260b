"""Socket Mode: WebSocket connections that the bot opens, and over which Slack reaches it."""

import asyncio
import itertools
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.changes import Changes
from sandbox.slack.seed import APP_ID
from sandbox.slack.stamps import Stamps

Json = dict[str, Any]

MOST_CONNECTIONS = 10
_LIFETIME = 18060
"""Seconds a connection is said to last, roughly; the workspace ends none by itself."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Connection:
    """One open connection."""

    socket: WebSocket
    waiting: dict[str, asyncio.Future[Json]] = field(default_factory=dict)


class Sockets:
    """The open connections of the app. Each envelope goes to one of them."""

    def __init__(self, stamps: Stamps, changes: Changes) -> None:
        self._stamps, self._changes = stamps, changes
        self.ever = 0
        self._tickets: set[str] = set()
        self._connections: list[_Connection] = []
        self._turn = itertools.count()

    @property
    def count(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def invite(self, address: str) -> str:
        """Make an address with a ticket that opens one connection."""
        ticket = self._stamps.secret()
        self._tickets.add(ticket)
        host = address.partition("://")[2]
        return f"ws://{host}/link/?{urlencode({'ticket': ticket, 'app_id': APP_ID})}"

    async def accept(self, socket: WebSocket) -> None:
        """Serve one connection till either side ends it."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await socket.close(code=1008)
            return
        self._tickets.discard(ticket)
        await socket.accept()
        if len(self._connections) >= MOST_CONNECTIONS:
            await socket.send_text(_goodbye("too_many_websockets"))
            await socket.close()
            return
        connection = _Connection(socket=socket)
        self._connections.append(connection)
        self.ever += 1
        self._changes.happened()
        try:
            await socket.send_text(_hello(len(self._connections)))
            await self._listen(connection)
        except WebSocketDisconnect:
            pass
        finally:
            if connection in self._connections:
                self._connections.remove(connection)
            self._changes.happened()
            for future in connection.waiting.values():
                if not future.done():
                    future.set_exception(ConnectionResetError("the bot went away"))

    async def _listen(self, connection: _Connection) -> None:
        """Take acknowledgements till the bot hangs up."""
        while True:
            try:
                message = json.loads(await connection.socket.receive_text())
            except (ValueError, KeyError):
                continue
            envelope_id = message.get("envelope_id") if isinstance(message, dict) else None
            future = connection.waiting.get(str(envelope_id))
            if future is not None and not future.done():
                future.set_result(message)

    async def send(self, envelope: Json) -> Json:
        """Send an envelope over one connection and wait for its acknowledgement.

        Raises ConnectionError when there is no connection, or it is lost before the answer.
        """
        if not self._connections:
            raise ConnectionRefusedError("the bot has no connection open")
        connection = self._connections[next(self._turn) % len(self._connections)]
        envelope_id = self._stamps.secret()
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope_id] = future
        try:
            await connection.socket.send_text(json.dumps({"envelope_id": envelope_id, **envelope}))
            return await future
        except WebSocketDisconnect as gone:
            raise ConnectionResetError("the bot went away") from gone
        finally:
            connection.waiting.pop(envelope_id, None)

    async def disconnect(self, reason: str, *, close: bool) -> int:
        """Tell every connection to come back, and hang up if asked to; gives how many were told."""
        told = list(self._connections)
        for connection in told:
            await connection.socket.send_text(_goodbye(reason))
            if close:
                self._connections.remove(connection)
                self._changes.happened()
                await connection.socket.close()
        return len(told)


def _hello(number: int) -> str:
    debug = {"host": "sandbox", "build_number": 1, "approximate_connection_time": _LIFETIME}
    return json.dumps(
        {"type": "hello", "num_connections": number, "debug_info": debug, "connection_info": {"app_id": APP_ID}}
    )


def _goodbye(reason: str) -> str:
    return json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})
