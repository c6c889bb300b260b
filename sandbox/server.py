"""One web application on one port, served inside the running event loop."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

ABORT = "sandbox.abort"
"""The ASGI extension that cuts the TCP connection of a request; see `faults.Dropped`."""

GRACE = 0.2
"""Seconds that answers under way get when a server stops; long polls are cut after that."""


class _Server(uvicorn.Server):
    """uvicorn without signals and without its polling, so that it starts and stops at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()
        self.leave = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        self.up.set()
        await self.leave.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        under_way = set(self.server_state.tasks)
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=GRACE)
            for request in late:
                request.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self.lifespan.shutdown()


class _Connections:
    """The open TCP connections by the client's address, which is how a request names its own."""

    def __init__(self) -> None:
        self._transports: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[H11Protocol]:
        """Make the protocol class that notes its connections here."""
        transports = self._transports

        class Noted(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
                super().connection_made(transport)
                if self.client is not None:
                    transports[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                if self.client is not None:
                    transports.pop(self.client, None)
                super().connection_lost(exc)

        return Noted

    def abort(self, client: tuple[str, int] | None) -> None:
        """Cut the connection of this client without a word."""
        transport = self._transports.pop(client, None) if client else None
        if transport is not None:
            transport.abort()


def _abortable(app: ASGIApp, connections: _Connections) -> ASGIApp:
    """Give every request the means to cut its connection, and end cancelled ones that way, quietly."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return

        def abort() -> None:
            connections.abort(scope["client"])

        try:
            await app({**scope, "extensions": {ABORT: abort}}, receive, send)
        except asyncio.CancelledError:
            abort()
            await asyncio.sleep(0)  # connection_lost runs, and uvicorn knows that nobody waits for an answer
            await asyncio.sleep(0)

    return wrapped


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve an application, with its lifespan, until the block ends; gives its address, "http://127.0.0.1:PORT".

    Raises OSError when the port is taken. Port 0 is any free one.
    """
    # Named as TCP, so that asyncio switches Nagle's algorithm off; else every answer with a body waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with contextlib.closing(listener):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        connections = _Connections()
        settings: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False}
        server = _Server(
            uvicorn.Config(
                _abortable(app, connections),
                http=connections.protocol(),
                ws="websockets-sansio",
                lifespan="on",
                proxy_headers=False,
                **settings,
            )
        )
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        run = asyncio.create_task(server.serve(sockets=[listener]))
        up = asyncio.create_task(server.up.wait())
        try:
            await asyncio.wait({run, up}, return_when=asyncio.FIRST_COMPLETED)
            if run.done():
                await run
            yield f"http://{host}:{listener.getsockname()[1]}"
        finally:
            up.cancel()
            server.leave.set()
            await run
