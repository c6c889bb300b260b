"""The control addresses of the services, which are all that the page knows of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from sandbox.trust import trust

LOGIN_SECONDS = 30.0
"""A login waits for the tenant's Actions, which may wait for the bot."""

POLL_SECONDS = 20.0
"""How long one question for changes stays open."""

Side = Literal["slack", "auth0", "servicenow", "salesforce", "marketo", "mail", "downstream"]


class UnreachableError(Exception):
    """A service that does not answer, or not in JSON."""

    def __init__(self, side: Side) -> None:
        super().__init__(f"the sandbox's {side} service does not answer")
        self.side = side


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a service answered to something that a person did."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """An HTTP client for each service that is there."""

    clients: Mapping[Side, httpx.AsyncClient]

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, addresses: Mapping[Side, str]) -> AsyncIterator["Controls"]:
        """Connect to the addresses until the block ends."""
        async with contextlib.AsyncExitStack() as stack:
            clients: dict[Side, httpx.AsyncClient] = {}
            for side, address in addresses.items():
                client = httpx.AsyncClient(base_url=address, trust_env=False, verify=trust(), timeout=LOGIN_SECONDS)
                clients[side] = await stack.enter_async_context(client)
            yield cls(clients=clients)

    async def state(self, side: Side) -> dict[str, Any] | None:
        """Ask a service for everything there is in it; nothing if it does not answer, or is not there."""
        if side not in self.clients:
            return None
        try:
            told = await self._send(side, "GET", "/sandbox/state")
        except UnreachableError:
            return None
        return told.body if told.status == 200 else None

    async def states(self) -> dict[Side, dict[str, Any] | None]:
        """Ask all services at once."""
        found = await asyncio.gather(*(self.state(side) for side in self.clients))
        return dict(zip(self.clients, found, strict=True))

    async def do(self, side: Side, path: str, body: dict[str, Any] | None, method: str = "POST") -> Told:
        """Have something done in a service."""
        return await self._send(side, method, path, body)

    async def changes(self, after: Mapping[Side, int]) -> dict[Side, int]:
        """Wait till one of the services has changed, or the time is up; gives all sequence numbers."""
        polls = {side: asyncio.create_task(self._change(side, after.get(side, 0))) for side in self.clients}
        try:
            await asyncio.wait(polls.values(), return_when=asyncio.FIRST_COMPLETED)
            return {side: poll.result() if poll.done() else after.get(side, 0) for side, poll in polls.items()}
        finally:
            for poll in polls.values():
                poll.cancel()
            await asyncio.gather(*polls.values(), return_exceptions=True)

    async def _change(self, side: Side, after: int) -> int:
        told = await self._send(side, "GET", f"/sandbox/changes?after={after}&timeout={POLL_SECONDS:g}")
        return int(told.body.get("sequence", after))

    async def _send(self, side: Side, method: str, path: str, body: dict[str, Any] | None = None) -> Told:
        if side not in self.clients:
            raise UnreachableError(side)
        try:
            response = await self.clients[side].request(method, path, json=body)
            answer = response.json() if response.content else {}
        except (httpx.HTTPError, ValueError) as error:
            raise UnreachableError(side) from error
        return Told(status=response.status_code, body=answer if isinstance(answer, dict) else {"answer": answer})
