"""The ServiceNow sandbox over real HTTP, as a test steers it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
from pydantic import BaseModel

import sandbox.servicenow
from connectors.catalog import catalog
from connectors.servicenow.client import Instance, Settings, connect
from connectors.wire import Wire
from sandbox.server import serving
from sandbox.trust import trust

TABLE = "/api/now/table/incident"


@dataclass
class ServiceNow:
    """The simulated instance."""

    address: str
    credentials: dict[str, Any]
    control: httpx.AsyncClient
    double: sandbox.servicenow.Instance

    async def fault(self, match: str, *, times: int = 1, **fault: Any) -> None:
        order = {"match": match, "times": times, "fault": fault}
        (await self.control.post("/sandbox/faults", json=order)).raise_for_status()

    async def change(self, **settings: Any) -> None:
        (await self.control.put("/sandbox/settings", json=settings)).raise_for_status()

    async def forbid(self, table: str, operation: str, **more: str) -> None:
        await self.change(acls=[{"table": table, "operation": operation, **more}])

    async def expire_tokens(self) -> None:
        (await self.control.post("/sandbox/tokens/expire")).raise_for_status()

    async def add(self, table: str, **values: str) -> dict[str, str]:
        answer = await self.control.post(f"/sandbox/records/{table}", json=values)
        answer.raise_for_status()
        return dict(answer.json())

    async def records(self, table: str, **values: str) -> list[dict[str, str]]:
        state = (await self.control.get("/sandbox/state")).json()
        return [one for one in state["tables"][table] if values.items() <= one.items()]

    async def evaluated(self) -> list[str]:
        return list((await self.control.get("/sandbox/state")).json()["evaluated"])

    async def calls(self, verb: str = "", path: str = "/") -> list[dict[str, Any]]:
        calls = (await self.control.get("/sandbox/calls")).json()
        return [one for one in calls if one["verb"].startswith(verb) and one["path"].startswith(path)]

    def settings(self, authentication: str = "client credentials", **changes: Any) -> Settings:
        names = {
            "basic": ("username", "password"),
            "client credentials": ("client_id", "client_secret"),
            "password": ("client_id", "client_secret", "username", "password"),
            "refresh": ("client_id", "client_secret", "refresh_token"),
        }[authentication]
        known = {name: self.credentials[name] for name in names}
        given = {"instance": self.address, "authentication": authentication, **known, **changes}
        return Settings.model_validate(given)

    def connect(self, wire: Wire, **settings: Any) -> Instance:
        """Connect without pauses between looks."""
        return replace(connect(self.settings(**settings), wire), pauses=(0.0, 0.0))


@asynccontextmanager
async def simulated() -> AsyncIterator[ServiceNow]:
    async with AsyncExitStack() as stack:
        double = sandbox.servicenow.create()
        address = await stack.enter_async_context(serving(double.app))
        control = await stack.enter_async_context(httpx.AsyncClient(base_url=address, trust_env=False, verify=trust()))
        yield ServiceNow(address=address, credentials=dict(double.credentials(address)), control=control, double=double)


async def do(client: Instance, name: str, /, **given: Any) -> Any:
    """Carry out an action that calls, and give what it gives."""
    action = catalog().actions[f"servicenow.{name}"]
    result: BaseModel = await action.carry_out(client, action.given.model_validate(given))
    assert isinstance(result, action.gives)
    return result
