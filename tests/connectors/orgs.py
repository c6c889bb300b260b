"""A simulated Salesforce org over real HTTP, and how tests carry out actions in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import sandbox.salesforce
from connectors.catalog import catalog
from connectors.salesforce.client import Org, Settings, connect
from connectors.wire import Wire
from sandbox.faults import Fault
from sandbox.salesforce.org import Settings as Ways
from sandbox.server import serving

QUICK = (0.0, 0.01, 0.02)
"""Seconds between looks: the double is not slow."""


@dataclass
class Stage:
    """An org, and one connection to it."""

    double: sandbox.salesforce.Org
    address: str
    client: Org
    wire: Wire

    def settings(self, **changes: Any) -> Settings:
        known = self.double.credentials(self.address)
        wanted = {name: known[name] for name in ("address", "client_id", "client_secret")}
        return Settings.model_validate(wanted | changes)

    def connected(self, **changes: Any) -> None:
        self.client = replace(connect(self.settings(**changes), self.wire), pauses=QUICK)

    def ways(self, **changes: Any) -> None:
        self.double.settings = Ways.model_validate(changes)

    def fault(self, match: str, *, times: int = 1, **fault: Any) -> None:
        self.double.faults.add(match, Fault.model_validate(fault), times=times)

    def those(self, sobject: str, **values: Any) -> list[dict[str, Any]]:
        records = self.double.records[sobject].values()
        return [each for each in records if all(each[name] == value for name, value in values.items())]

    async def do(self, name: str, /, **given: Any) -> Any:
        action = catalog().actions[f"salesforce.{name}"]
        result = await action.carry_out(self.client, action.given.model_validate(given))
        assert isinstance(result, action.gives)
        return result


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    double = sandbox.salesforce.create()
    async with serving(double.app) as address, Wire.open() as wire:
        known = double.credentials(address)
        given = {name: known[name] for name in ("address", "client_id", "client_secret")}
        client = replace(connect(Settings.model_validate(given), wire), pauses=QUICK)
        yield Stage(double, address, client, wire)
