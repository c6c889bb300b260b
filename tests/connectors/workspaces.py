"""The simulated Slack workspace over real HTTP, and the connector's client in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from pydantic import BaseModel

import sandbox.slack
from connectors.base import Summary
from connectors.catalog import catalog
from connectors.slack.client import Settings, Workspace, connect
from connectors.wire import Wire
from sandbox.server import serving
from sandbox.trust import trust
from tests.specs import slack_would_take

ADMIN, ANALYST = "U0ADMIN001", "U0ANALYST1"
SECURITY, GENERAL, PRIVATE_ROOM = "C0SECURITY", "C0GENERAL1", "G0PRIVATE1"


class Slack:
    """The workspace, as a test steers it."""

    def __init__(self, double: sandbox.slack.Workspace, client: Workspace, control: httpx.AsyncClient) -> None:
        self.double = double
        self.client = client
        self.control = control

    async def do(self, name: str, /, **given: Any) -> Any:
        """Carry out an action that calls."""
        action = catalog().actions[f"slack.{name}"]
        result: BaseModel = await action.carry_out(self.client, action.given.model_validate(given))
        assert isinstance(result, action.gives)
        return result

    async def stream(self, name: str, /, **given: Any) -> list[Any]:
        """Carry out an action that streams, to its end."""
        action = catalog().actions[f"slack.{name}"]
        return [
            item
            async for item in action.carry_out(self.client, action.given.model_validate(given))
            if not isinstance(item, Summary)
        ]

    async def fault(self, match: str, *, times: int = 1, **fault: Any) -> None:
        answer = await self.control.post("/sandbox/faults", json={"match": match, "times": times, "fault": fault})
        answer.raise_for_status()

    async def scopes(self, *scopes: str) -> None:
        (await self.control.put("/sandbox/settings", json={"scopes": scopes})).raise_for_status()

    async def change(self, channel: str, **changes: Any) -> None:
        (await self.control.patch(f"/sandbox/channels/{channel}", json=changes)).raise_for_status()

    async def said(self, channel: str = SECURITY) -> list[dict[str, Any]]:
        """Return the messages of a channel."""
        state = (await self.control.get("/sandbox/state")).json()
        found: list[dict[str, Any]] = state["messages"][channel]
        return found

    async def state(self) -> dict[str, Any]:
        return dict((await self.control.get("/sandbox/state")).json())

    def calls(self, method: str) -> list[dict[str, Any]]:
        return [call for call in self.double.calls.list if call["method"] == method]


@asynccontextmanager
async def workspace() -> AsyncIterator[Slack]:
    double = sandbox.slack.create()
    async with (
        serving(double.app) as address,
        Wire.open() as wire,
        httpx.AsyncClient(base_url=address, trust_env=False, verify=trust()) as control,
    ):
        credentials = double.credentials(address)
        settings = Settings.model_validate({"token": credentials["bot_token"], "address": credentials["api"]})
        yield Slack(double, connect(settings, wire), control)
        slack_would_take(double.calls.list)
