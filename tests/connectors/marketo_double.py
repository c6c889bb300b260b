"""The Marketo sandbox over real HTTP, as a test steers it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import BaseModel

import sandbox.marketo
from connectors.base import Summary
from connectors.marketo import marketo
from connectors.marketo.client import Instance, Settings, connect
from connectors.wire import Wire
from sandbox.server import serving
from sandbox.trust import trust

ANA, BEN, CHIARA, DAI, ELIF = 318581, 318582, 318583, 318584, 318585
QUICK = (0.01, 0.02)


@dataclass
class Marketo:
    """The simulated instance."""

    address: str
    control: httpx.AsyncClient
    double: sandbox.marketo.Instance

    async def fault(self, match: str, *, times: int = 1, **fault: Any) -> None:
        answer = await self.control.post("/sandbox/faults", json={"match": match, "times": times, "fault": fault})
        answer.raise_for_status()

    async def says(self, match: str, code: int, message: str = "No.", *, times: int = 1) -> None:
        """Let the next calls be refused, in an answer with status 200."""
        body = {"requestId": "1#1", "success": False, "errors": [{"code": str(code), "message": message}]}
        await self.fault(match, times=times, status=200, body=body)

    async def change(self, **settings: Any) -> None:
        (await self.control.put("/sandbox/settings", json=settings)).raise_for_status()

    def settings(self, **changes: Any) -> Settings:
        known = {
            "address": self.address,
            "client_id": self.double.client_id,
            "client_secret": self.double.client_secret,
            "calls": 100,
            "at_once": 10,
        }
        return Settings.model_validate(known | changes)

    def calls(self, path: str = "/rest") -> list[str]:
        """Name the calls so far whose path begins so."""
        return [f"{call['verb']} {call['path']}" for call in self.double.calls if call["path"].startswith(path)]

    def with_email(self, email: str) -> list[dict[str, Any]]:
        return [lead for lead in self.double.leads.values() if str(lead.get("email")).casefold() == email.casefold()]

    def add_many(self, number: int) -> list[int]:
        """Put many leads in."""
        ids = range(500_000, 500_000 + number)
        for each in ids:
            self.double.leads[each] = {"id": each, "email": f"many.{each}@example.com"}
        return [*ids]


@asynccontextmanager
async def simulated() -> AsyncIterator[Marketo]:
    async with AsyncExitStack() as stack:
        double = sandbox.marketo.create()
        address = await stack.enter_async_context(serving(double.app))
        control = await stack.enter_async_context(httpx.AsyncClient(base_url=address, trust_env=False, verify=trust()))
        yield Marketo(address=address, control=control, double=double)


def connected(service: Marketo, wire: Wire, **changes: Any) -> Instance:
    """Connect with a window and pauses that are short."""
    service.double.settings.seconds = 0.2
    return quick(connect(service.settings(), wire, window=0.2), **changes)


def quick(instance: Instance, **changes: Any) -> Instance:
    """Give the client with short pauses."""
    known = {name: getattr(instance, name) for name in ("host", "http", "credentials", "keys", "pace")}
    return Instance(**{**known, "pauses": QUICK, **changes})


async def do(client: Instance, name: str, /, **given: Any) -> Any:
    """Carry out an action that calls, and give what it gives."""
    action = marketo.actions[f"marketo.{name}"]
    result: BaseModel = await action.carry_out(client, action.given.model_validate(given))
    assert isinstance(result, action.gives)
    return result


async def stream(client: Instance, name: str, /, **given: Any) -> list[Any]:
    """Carry out an action that streams, to its end."""
    action = marketo.actions[f"marketo.{name}"]
    items = [item async for item in action.carry_out(client, action.given.model_validate(given))]
    return [item for item in items if not isinstance(item, Summary)]


async def at_once(client: Instance, number: int, name: str, /, **given: Any) -> list[Any]:
    """Carry an action out several times at once."""
    return await asyncio.gather(*(do(client, name, **given) for _ in range(number)))
