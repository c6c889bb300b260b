"""The assembly: the one place where the parts are put together."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
import structlog
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette

from bot import app as bolt
from bot import schema, socket_mode
from bot.alerts import SlackPeople
from bot.commands import Commands
from bot.connections import Accounts
from bot.flow_settings import FlowSettings
from bot.home import Home
from bot.permissions import Permissions
from bot.settings import Settings, StoreSettings
from bot.web import Doors
from bot.workspace import TIMEOUT, Workspace
from connectors.base import Catalog
from connectors.catalog import catalog
from connectors.wire import Wire
from flows.builtins import BUILTINS
from flows.decisions import Decisions
from flows.history import History
from flows.runs import Runs
from flows.store import Store, open_engine
from flows.surroundings import Patience
from flows.templates import library
from flows.vault import Vault

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What every command works with: what is remembered, what can be done, and the accounts to do it with."""

    store: Store
    vault: Vault
    catalog: Catalog
    accounts: Accounts


@asynccontextmanager
async def kept(settings: StoreSettings) -> AsyncIterator[Kept]:
    """Open the database, brought to its newest form, and the connections."""
    async with AsyncExitStack() as stack:
        engine = open_engine(settings.database_url)
        stack.callback(engine.dispose)
        schema.upgrade(engine)
        store = Store(engine)
        stack.callback(store.close)
        vault = Vault(store, settings.keys)
        wire = await stack.enter_async_context(Wire.open(proxy=settings.cicflow_proxy))
        known = catalog(BUILTINS)
        yield Kept(store=store, vault=vault, catalog=known, accounts=Accounts(vault, known, wire))


@asynccontextmanager
async def bot(settings: Settings) -> AsyncIterator[Doors]:
    """Open everything, go on with what was under way, and listen to Slack."""
    async with AsyncExitStack() as stack:
        things = await stack.enter_async_context(kept(settings))
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=TIMEOUT))
        client = AsyncWebClient(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=settings.slack_api_url,
            proxy=settings.cicflow_proxy,
            session=session,
            retry_handlers=[],  # the SDK's own would send a message twice when a connection breaks
        )
        store, workspace = things.store, Workspace(client)
        decisions, permissions = Decisions(store), Permissions(store, workspace)
        people = SlackPeople(workspace, decisions, store, time.time)
        runs = Runs(
            store=store,
            decisions=decisions,
            catalog=things.catalog,
            accounts=things.accounts,
            people=people,
            own={},
            patience=Patience(first=settings.cicflow_first_pause),
            watch=lambda run_id: bolt.watching(store, run_id, now=time.time),
            now=time.time,
            works=settings.cicflow_works,
            keep_days=settings.cicflow_keep_days,
        )
        templates = library(things.catalog)
        flow_settings = FlowSettings(
            store=store,
            vault=things.vault,
            catalog=things.catalog,
            library=templates,
            permissions=permissions,
            workspace=workspace,
        )
        verbs = Commands(
            store=store,
            history=History(store),
            vault=things.vault,
            decisions=decisions,
            permissions=permissions,
            library=templates,
            settings=flow_settings,
        )
        home = Home(store=store, decisions=decisions, library=templates, workspace=workspace)

        def listening(*, verify: bool) -> AsyncApp:
            return bolt.create(
                client=client,
                signing_secret=settings.slack_signing_secret.get_secret_value(),
                verify=verify,
                runs=runs,
                permissions=permissions,
                settings=flow_settings,
                verbs=verbs,
                home_tab=home,
            )

        stack.push_async_callback(runs.close)
        await runs.launch()
        if settings.slack_app_token is not None:
            await stack.enter_async_context(
                socket_mode.connected(
                    listening(verify=False),  # nothing that comes over this connection is signed
                    app_token=settings.slack_app_token.get_secret_value(),
                    api_url=settings.slack_api_url,
                    proxy=settings.cicflow_proxy,
                )
            )
        yield Doors(
            catalog=things.catalog,
            vault=things.vault,
            store=store,
            runs=runs,
            slack=AsyncSlackRequestHandler(listening(verify=True)),
        )


def web(settings: Settings) -> Starlette:
    """Return the web application. Its lifespan is the bot's."""
    app = Starlette()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with bot(settings) as doors:
            app.router.routes.extend(doors.routes())
            log.info("ready", flows=len(await doors.store.flows()))
            yield

    app.router.lifespan_context = lifespan
    return app
