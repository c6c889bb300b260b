"""The Auth0 sandbox over real HTTP, and a server that answers whatever a test tells it to."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import sandbox.auth0
from connectors.auth0.client import Settings
from sandbox.auth0.control import NewUser, add_user
from sandbox.server import serving
from sandbox.trust import trust


@dataclass
class Auth0:
    """The simulated tenant, as a test steers it."""

    address: str
    credentials: dict[str, Any]
    control: httpx.AsyncClient
    double: sandbox.auth0.Tenant

    def add_many(self, number: int) -> None:
        for each in range(number):
            person = {"email": f"many.{each}@example.com", "sessions": 0, "refresh_tokens": 0}
            add_user(self.double, NewUser.model_validate(person))

    async def fault(self, match: str, *, times: int = 1, **fault: Any) -> None:
        answer = await self.control.post("/sandbox/faults", json={"match": match, "times": times, "fault": fault})
        answer.raise_for_status()

    async def change(self, **settings: Any) -> None:
        (await self.control.put("/sandbox/settings", json=settings)).raise_for_status()

    async def expire_tokens(self) -> None:
        (await self.control.post("/sandbox/tokens/expire")).raise_for_status()

    async def add_user(self, **profile: Any) -> dict[str, Any]:
        answer = await self.control.post("/sandbox/users", json=profile)
        answer.raise_for_status()
        return dict(answer.json())

    async def state(self) -> dict[str, Any]:
        return dict((await self.control.get("/sandbox/state")).json())

    async def user(self, user_id: str) -> dict[str, Any]:
        (found,) = [user for user in (await self.state())["users"] if user["user_id"] == user_id]
        return dict(found)

    async def calls(self, path: str = "/") -> list[str]:
        """Name the calls so far whose path begins so, such as "GET /api/v2/users"."""
        calls = (await self.control.get("/sandbox/calls")).json()
        return [f"{call['verb']} {call['path']}" for call in calls if call["path"].startswith(path)]

    def settings(self, **changes: Any) -> Settings:
        known = {name: self.credentials[name] for name in ("domain", "client_id", "client_secret")}
        return Settings.model_validate(known | changes)


@dataclass
class Oddity:
    """A server that gives the answers it was told, the last one for ever."""

    address: str = ""
    answers: list[Response] = field(default_factory=list)
    received: list[Request] = field(default_factory=list)

    async def __call__(self, request: Request) -> Response:
        await request.body()
        self.received.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@asynccontextmanager
async def simulated() -> AsyncIterator[Auth0]:
    async with AsyncExitStack() as stack:
        double = sandbox.auth0.create()
        address = await stack.enter_async_context(serving(double.app))
        control = await stack.enter_async_context(httpx.AsyncClient(base_url=address, trust_env=False, verify=trust()))
        yield Auth0(address=address, credentials=dict(double.credentials(address)), control=control, double=double)


@asynccontextmanager
async def answering() -> AsyncIterator[Oddity]:
    oddity = Oddity()
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", oddity.__call__, methods=methods)])
    async with serving(app) as address:
        oddity.address = address
        yield oddity
