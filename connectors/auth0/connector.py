"""The Auth0 connector itself; the actions of this folder register on it."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, Final
from weakref import WeakKeyDictionary

from connectors.auth0 import client, scopes
from connectors.auth0.inlets import INLETS
from connectors.auth0.sources import SOURCES
from connectors.base import Connector, Effect, Way
from connectors.errors import Reconnect
from connectors.oauth import Grant

AGAIN: Final = 60.0
"""Seconds before a token that lacks a permission is renewed again, to see whether the permission has been granted."""


class Auth0(Connector[client.Settings, client.Tenant]):
    """The connector, which looks at a connection's permissions before each action."""

    def _understood(self, function: Callable[..., Any], way: Way, effect: Effect) -> Callable[[Any, Any], Any]:
        outside = way in {"calls", "streams"}
        return super()._understood(_permitted(function, way) if outside else function, way, effect)


def _permitted(function: Callable[..., Any], way: Way) -> Callable[..., Any]:
    """Make an action say which permission is missing, if one is, before it does anything."""
    name = function.__name__
    if way == "streams":

        @wraps(function)
        async def stream(tenant: client.Tenant, given: Any) -> AsyncIterator[Any]:
            async with permission(tenant, name):
                async for item in function(tenant, given):
                    yield item

        return stream

    @wraps(function)
    async def call(tenant: client.Tenant, given: Any) -> Any:
        async with permission(tenant, name):
            return await function(tenant, given)

    return call


_RENEWED: Final[WeakKeyDictionary[Grant, float]] = WeakKeyDictionary()
"""When the token of a connection was last renewed because it lacked a permission."""


@asynccontextmanager
async def permission(tenant: client.Tenant, action: str) -> AsyncIterator[None]:
    """Refuse before the call what the token does not allow, and say the same of what Auth0 does not allow."""
    if scopes.SCOPES.get(action):
        credentials = tenant.credentials
        token = await credentials.token()
        missing = scopes.lacking(action, credentials.scopes)
        if missing and time.monotonic() >= _RENEWED.get(credentials, -AGAIN) + AGAIN:
            # A token lasts for a day and knows nothing of what has been granted since.
            _RENEWED[credentials] = time.monotonic()
            await credentials.token(rejected=token)
            missing = scopes.lacking(action, credentials.scopes)
        if missing:
            raise scopes.refusal(action, missing)
    try:
        yield
    except Reconnect as error:
        if error.missing_scope is None:
            raise
        raise scopes.refused(action, error) from error


auth0 = Auth0(
    "auth0",
    title="Auth0",
    settings=client.Settings,
    connect=client.connect,
    check=client.check,
    sources=SOURCES,
    inlets=INLETS,
    understanding=client.understanding,
)
