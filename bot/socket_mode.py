"""Socket Mode: the connection that the bot opens to Slack, where Slack has no address to call."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from logging import getLogger
from typing import Final

import aiohttp
import stamina
import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace
from connectors.errors import Ambiguous, TryLater

log = structlog.get_logger()

CONNECTING: Final = 15.0
"""Seconds a connection may take. The SDK itself would try a used-up address for ever."""
LOOK_EVERY: Final = 2.0
DOWN_FOR: Final = 20.0
"""Seconds without a connection after which the SDK's own attempts are given up for a new one."""


@asynccontextmanager
async def connected(app: AsyncApp, *, app_token: str, api_url: str, proxy: str | None) -> AsyncIterator[None]:
    """Be connected to Slack, again and again, while the block lasts.

    Raises ConnectorError at once if the app token is no good: the SDK would neither raise nor return.
    """
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(token=app_token, base_url=api_url, proxy=proxy, session=session, retry_handlers=[])
        async for attempt in stamina.retry_context(on=(TryLater, Ambiguous), attempts=5, timeout=60):
            with attempt:
                await Workspace(client).call("apps.connections.open")
        first = asyncio.Event()
        watch = asyncio.create_task(_stay(app, app_token, client, proxy, first.set))
        try:
            await asyncio.wait_for(first.wait(), CONNECTING)
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch


async def _stay(
    app: AsyncApp, app_token: str, client: AsyncWebClient, proxy: str | None, connected_once: Callable[[], None]
) -> None:
    """Connect, and connect anew whenever the connection stays down."""
    while True:
        handler = AsyncSocketModeHandler(app, app_token, getLogger("slack_bolt"), client, proxy)
        try:
            await asyncio.wait_for(handler.connect_async(), CONNECTING)  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
            connected_once()
            log.info("socket_mode_connected")
            await _until_down(handler)
        except (TimeoutError, aiohttp.ClientError) as error:
            log.warning("socket_mode_failed", kind=type(error).__name__)
            await asyncio.sleep(LOOK_EVERY)
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped


async def _until_down(handler: AsyncSocketModeHandler) -> None:
    """Return when the connection has been down for too long."""
    up_at = time.monotonic()
    while time.monotonic() - up_at < DOWN_FOR:
        await asyncio.sleep(LOOK_EVERY)
        if await handler.client.is_connected():
            up_at = time.monotonic()
    log.warning("socket_mode_down", seconds=DOWN_FOR)
