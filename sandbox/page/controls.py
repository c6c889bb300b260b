"""The control addresses of the two services, which are all that the page knows of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from sandbox.trust import trust

LOGIN_SECONDS = 30.0
"""A login waits for the tenant's Actions, which may wait for the bot."""

POLL_SECONDS = 20.0
"""How long one question for changes stays open."""

Side = Literal["slack", "auth0"]


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
    """Two HTTP clients, one for each service."""

    slack: httpx.AsyncClient
    auth0: httpx.AsyncClient

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, slack: str, auth0: str) -> AsyncIterator["Controls"]:
        """Connect to the two addresses until the block ends."""
        async with (
            httpx.AsyncClient(base_url=slack, trust_env=False, verify=trust(), timeout=LOGIN_SECONDS) as workspace,
            httpx.AsyncClient(base_url=auth0, trust_env=False, verify=trust(), timeout=LOGIN_SECONDS) as tenant,
        ):
            yield cls(slack=workspace, auth0=tenant)

    async def state(self, side: Side) -> dict[str, Any] | None:
        """Ask a service for everything there is in it; nothing if it does not answer."""
        try:
            told = await self._send(side, "GET", "/sandbox/state")
        except UnreachableError:
            return None
        return told.body if told.status == 200 else None

    async def do(self, side: Side, path: str, body: dict[str, Any]) -> Told:
        """Have something done in a service."""
        return await self._send(side, "POST", path, body)

    async def changes(self, after: dict[Side, int]) -> dict[Side, int]:
        """Wait till either service has changed, or the time is up; gives both sequence numbers."""
        polls = {side: asyncio.create_task(self._change(side, number)) for side, number in after.items()}
        try:
            await asyncio.wait(polls.values(), return_when=asyncio.FIRST_COMPLETED)
            return {side: poll.result() if poll.done() else after[side] for side, poll in polls.items()}
        finally:
            for poll in polls.values():
                poll.cancel()
            await asyncio.gather(*polls.values(), return_exceptions=True)

    async def _change(self, side: Side, after: int) -> int:
        told = await self._send(side, "GET", f"/sandbox/changes?after={after}&timeout={POLL_SECONDS:g}")
        return int(told.body.get("sequence", after))

    async def _send(self, side: Side, method: str, path: str, body: dict[str, Any] | None = None) -> Told:
        client = self.slack if side == "slack" else self.auth0
        try:
            response = await client.request(method, path, json=body)
            answer = response.json() if response.content else {}
        except (httpx.HTTPError, ValueError) as error:
            raise UnreachableError(side) from error
        return Told(status=response.status_code, body=answer if isinstance(answer, dict) else {"answer": answer})
