"""How tests carry out actions of the Auth0 connector."""

from collections.abc import AsyncIterator
from typing import Any

from pydantic import BaseModel

from connectors.auth0.client import Tenant
from connectors.base import Summary
from connectors.catalog import catalog

FIRST = "auth0|650000000000000000000001"
SECOND = "auth0|650000000000000000000002"
NOT_IN_PLAN = {"statusCode": 403, "error": "Forbidden", "message": "No.", "errorCode": "insufficient_entitlement"}
AWKWARD_IDS = ["auth0|../x", "auth0|a/b?c#d", "auth0|%2e%2e%2f", "auth0|ü \\", "..%2f", "a|b+c@d"]


async def do(tenant: Tenant, name: str, /, **given: Any) -> Any:
    """Carry out an action that calls, and give what it gives."""
    action = catalog().actions[f"auth0.{name}"]
    result: BaseModel = await action.carry_out(tenant, action.given.model_validate(given))
    assert isinstance(result, action.gives)
    return result


async def stream(tenant: Tenant, name: str, /, **given: Any) -> list[Any]:
    """Carry out an action that streams, to its end; give its items without the summary."""
    items = await streamed(tenant, name, **given)
    return [item for item in items if not isinstance(item, Summary)]


async def streamed(tenant: Tenant, name: str, /, **given: Any) -> list[Any]:
    """Carry out an action that streams, to its end; a summary comes last."""
    action = catalog().actions[f"auth0.{name}"]
    assert action.item is not None
    items: AsyncIterator[Any] = action.carry_out(tenant, action.given.model_validate(given))
    found = [item async for item in items]
    assert all(isinstance(item, (action.item, Summary)) for item in found)
    return found
