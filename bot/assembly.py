"""The assembly: the one place where the parts are put together."""

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp
import sqlalchemy as sa
import structlog
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette

from bot import app as bolt
from bot import gatherings, schema, socket_mode
from bot.asking import Silent, SlackPeople
from bot.backfills import BackfillDesk
from bot.commands import Commands
from bot.concerned import Concerned
from bot.connecting import Connecting
from bot.connections import Accounts
from bot.enriching import Enriching
from bot.flow_settings import FlowSettings
from bot.gallery import Gallery
from bot.gatherings import GatheredAlerts
from bot.health import Health
from bot.holding import WaitingRoom
from bot.home import Home
from bot.inlets import Inlets
from bot.installing import Installing
from bot.invitations import Invitations, Links
from bot.menus import Menus
from bot.permissions import Permissions
from bot.picking import Picking
from bot.previews import PreviewDesk
from bot.reports import Reports
from bot.rights import Rights
from bot.runs import RunDesk
from bot.seals import Seals
from bot.settings import Settings, StoreSettings
from bot.shelf import Shelf
from bot.starts import Starts
from bot.status import Status
from bot.storms import Storms
from bot.stream_watch import StreamWatch
from bot.switches import Switches
from bot.trials import Trials
from bot.undertakings import Undertakings
from bot.unread import Unread
from bot.upgrades import Upgrades
from bot.used_by import UsedBy
from bot.versions import Versions
from bot.web import Doors
from bot.why import Reasons
from bot.workspace import TIMEOUT, Workspace
from connectors.addresses import networks
from connectors.base import Catalog
from connectors.catalog import catalog
from connectors.wire import Wire
from flows.backfills import Backfills
from flows.builtins import BUILTINS
from flows.clock import Clock
from flows.decisions import Decisions, no_link
from flows.denied_addresses import DeniedAddresses
from flows.health import HealthRecords
from flows.history import History
from flows.language import Template
from flows.memories import Memories
from flows.previews import Previews
from flows.runs import Runs
from flows.shipped import Shipped
from flows.store import Store, open_engine
from flows.surroundings import Patience, People
from flows.templates import library
from flows.unread import UnreadBodies
from flows.vault import Account, Vault

log = structlog.get_logger()

LOOK: Final = 60.0
"""Seconds between two looks whether a connection or a stream is to be looked after."""
FEED: Final = 0.5
"""Seconds between two looks at the back-fills that are under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What every command works with: what is remembered, what can be done, and the accounts to do it with."""

    store: Store
    vault: Vault
    catalog: Catalog
    accounts: Accounts


def newest(settings: StoreSettings) -> sa.Engine:
    """Open the database, brought to its newest form. Raises StorageError."""
    engine = open_engine(settings.database_url)
    try:
        schema.upgrade(engine)
    except BaseException:  # also when it is broken off: nobody else knows of the engine yet
        engine.dispose()
        raise
    return engine


@asynccontextmanager
async def kept(settings: StoreSettings, engine: sa.Engine | None = None) -> AsyncIterator[Kept]:
    """Open what is remembered, unless that is done already, and the connections."""
    async with AsyncExitStack() as stack:
        engine = engine or newest(settings)
        stack.callback(engine.dispose)
        store = Store(engine)
        stack.callback(store.close)
        vault = Vault(store, settings.keys, _given(settings))
        wire = await stack.enter_async_context(
            Wire.open(proxy=settings.cicflow_proxy, allowed=networks(settings.cicflow_http_allow))
        )
        known = catalog(BUILTINS)
        yield Kept(store=store, vault=vault, catalog=known, accounts=Accounts(vault, known, wire))


def _given(settings: StoreSettings) -> list[Account]:
    """Return the connections that nobody needs to make: flows act in the bot's own workspace by the bot's own token."""
    if settings.slack_bot_token is None:
        return []
    known = {"token": settings.slack_bot_token.get_secret_value(), "address": settings.slack_api_url}
    return [Account(name="slack", connector="slack", key="", accepts="signed", settings=known, secret="")]


@asynccontextmanager
async def bot(settings: Settings, *, listens: bool = True, engine: sa.Engine | None = None) -> AsyncIterator[Doors]:
    """Open everything, go on with what was under way, and listen to Slack."""
    async with AsyncExitStack() as stack:
        things = await stack.enter_async_context(kept(settings, engine))
        workspace = await stack.enter_async_context(_workspace(settings))
        store, decisions, history = things.store, Decisions(things.store), History(things.store)
        permissions = Permissions(store, workspace)
        gathered = GatheredAlerts(workspace, store, time.time)
        people = SlackPeople(workspace, decisions, store, gathered, time.time)
        runs = _runs(things, people, decisions, settings)
        templates = {**library(things.catalog), **_own_templates(things.catalog, settings)}
        example = next(iter(templates), "name")
        shelf = Shelf(store, templates, Shipped(store))
        await shelf.shipped.note(templates)
        concerned = Concerned(store=store, permissions=permissions, workspace=workspace)
        health = Health(
            vault=things.vault,
            catalog=things.catalog,
            accounts=things.accounts,
            records=HealthRecords(store),
            concerned=concerned,
            now=time.time,
        )
        watch = StreamWatch(
            vault=things.vault,
            accounts=things.accounts,
            records=health.records,
            concerned=concerned,
            public_url=settings.cicflow_public_url,
            now=time.time,
        )
        undertakings = Undertakings(concerned)
        connecting = Connecting(
            vault=things.vault,
            catalog=things.catalog,
            accounts=things.accounts,
            health=health,
            watch=watch,
            installing=Installing(
                vault=things.vault,
                catalog=things.catalog,
                accounts=things.accounts,
                public_url=settings.cicflow_public_url,
            ),
            undertakings=undertakings,
            concerned=concerned,
            permissions=permissions,
            workspace=workspace,
            now=time.time,
        )
        menus = Menus(things.accounts, things.catalog)
        stack.push_async_callback(menus.close)
        flow_settings = FlowSettings(
            store=store,
            vault=things.vault,
            catalog=things.catalog,
            shelf=shelf,
            permissions=permissions,
            workspace=workspace,
            menus=menus,
        )
        picked = Picking(menus=menus, shelf=shelf, vault=things.vault, permissions=permissions)
        desk = RunDesk(
            store=store, shelf=shelf, history=history, catalog=things.catalog, runs=runs, permissions=permissions
        )
        starts = Starts(
            shelf=shelf,
            history=history,
            runs=runs,
            settings=flow_settings,
            permissions=permissions,
            workspace=workspace,
        )
        switches = Switches(store=store, shelf=shelf, permissions=permissions, settings=flow_settings)
        gallery = Gallery(shelf=shelf, settings=flow_settings)
        status = Status(store=store, shelf=shelf, history=history, decisions=decisions, health=health)
        reasons = Reasons(shelf=shelf, history=history, runs=runs)
        trials = Trials(store=store, shelf=shelf, history=history, runs=runs, permissions=permissions)
        versions = Versions(
            store=store, shelf=shelf, catalog=things.catalog, permissions=permissions, settings=flow_settings
        )
        upgrades = Upgrades(
            store=store, shelf=shelf, catalog=things.catalog, permissions=permissions, settings=flow_settings
        )
        previews = PreviewDesk(
            shelf=shelf,
            previews=Previews(store=store, catalog=things.catalog, accounts=things.accounts, now=time.time),
            runs=runs,
            settings=flow_settings,
            permissions=permissions,
            undertakings=undertakings,
        )
        backfills = BackfillDesk(
            shelf=shelf,
            backfills=Backfills(
                store=store, catalog=things.catalog, accounts=things.accounts, look=runs.look, now=time.time
            ),
            runs=runs,
            accounts=things.accounts,
            settings=flow_settings,
            permissions=permissions,
            workspace=workspace,
            undertakings=undertakings,
        )
        denied = DeniedAddresses(store, now=time.time)
        stack.push_async_callback(denied.close)
        enriching = Enriching(catalog=things.catalog, memories=Memories(store, denied, now=time.time))
        stack.push_async_callback(enriching.close)
        inlets = Inlets(
            catalog=things.catalog, runs=runs, enriching=enriching, unread=UnreadBodies(store), now=time.time
        )
        rights = Rights(store=store, permissions=permissions)
        verbs = Commands(
            [
                *gallery.verbs(example),
                *switches.verbs(example),
                *status.verbs(example),
                *desk.verbs(example),
                *reasons.verbs(example),
                *starts.verbs(example),
                *Reports(shelf=shelf, starts=starts, settings=flow_settings).verbs(),
                *trials.verbs(example),
                *versions.verbs(example),
                *backfills.verbs(example),
                *upgrades.verbs(example),
                *previews.verbs(example),
                *UsedBy(store=store).verbs(example),
                *connecting.verbs(),
                *rights.verbs(),
                *Unread(inlets=inlets, vault=things.vault, catalog=things.catalog, permissions=permissions).verbs(),
            ]
        )
        home = Home(shelf=shelf, decisions=decisions, health=health, workspace=workspace)

        many = Storms(gathered=gathered, decisions=decisions, runs=runs, permissions=permissions, workspace=workspace)

        def listening(*, verify: bool) -> AsyncApp:
            return bolt.create(
                client=workspace.client,
                signing_secret=settings.slack_signing_secret.get_secret_value(),
                verify=verify,
                runs=runs,
                asked=decisions,
                people=people,
                many=many,
                permissions=permissions,
                settings=flow_settings,
                verbs=verbs,
                desk=desk,
                by_hand=starts,
                home_tab=home,
                gallery=gallery,
                connections=connecting,
                picked=picked,
                backfills=backfills,
                upgrades=upgrades,
                previews=previews,
                switches=switches,
            )

        stack.push_async_callback(undertakings.close)
        stack.push_async_callback(runs.close)
        await runs.launch()
        stack.enter_context(_watched(health, watch, gathered, backfills if settings.cicflow_works else None))
        if listens and settings.slack_app_token is not None:
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
            enriching=enriching,
            inlets=inlets,
            slack=AsyncSlackRequestHandler(listening(verify=True)),
            waiting_room=WaitingRoom(vault=things.vault, store=store, runs=runs, seals=Seals(settings.keys)),
            invitations=Invitations(
                links=_links(settings), decisions=decisions, history=history, runs=runs, accounts=things.accounts
            ),
            public_url=settings.cicflow_public_url,
        )


def _own_templates(known: Catalog, settings: Settings) -> Mapping[str, Template]:
    """Return the templates of whoever runs the bot. Raises WrongTemplateError."""
    return library(known, settings.cicflow_templates) if settings.cicflow_templates else {}


@contextmanager
def _watched(
    health: Health, watch: StreamWatch, gathered: GatheredAlerts, backfills: BackfillDesk | None
) -> Iterator[None]:
    """Look after connections, streams and the messages of many questions: at once, and again and again.

    Where flows are carried out, go on with back-fills.
    """

    async def begin() -> None:
        await health.begin()
        await watch.begin()

    clock = Clock(begin, now=time.time)
    clock.start()
    clock.set(time.time())
    clock.every(LOOK, health.look, "connections")
    clock.every(LOOK, watch.look, "streams")
    if backfills is not None:
        clock.every(FEED, backfills.look, "backfills")
        clock.every(LOOK, backfills.forget, "counted")
    clock.every(gatherings.LOOK, gathered.look, "gatherings")
    try:
        yield
    finally:
        clock.stop()


@asynccontextmanager
async def by_hand(settings: StoreSettings) -> AsyncIterator[tuple[Kept, Runs]]:
    """Open what is remembered, and its runs, without carrying any out: the command line changes them, others go on.

    Where Slack is known, its messages are changed too.
    """
    async with AsyncExitStack() as stack:
        things = await stack.enter_async_context(kept(settings))
        decisions = Decisions(things.store)
        people: People = Silent()
        if isinstance(settings, Settings):
            workspace = await stack.enter_async_context(_workspace(settings))
            gathered = GatheredAlerts(workspace, things.store, time.time)
            people = SlackPeople(workspace, decisions, things.store, gathered, time.time)
        yield things, _runs(things, people, decisions, settings)


@asynccontextmanager
async def _workspace(settings: Settings) -> AsyncIterator[Workspace]:
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        yield Workspace(
            AsyncWebClient(
                token=settings.slack_bot_token.get_secret_value(),
                base_url=settings.slack_api_url,
                proxy=settings.cicflow_proxy,
                session=session,
                retry_handlers=[],  # the SDK's own would send a message twice when a connection breaks
            )
        )


def _runs(things: Kept, people: People, decisions: Decisions, settings: StoreSettings) -> Runs:
    carries_out = settings if isinstance(settings, Settings) else None
    return Runs(
        store=things.store,
        decisions=decisions,
        catalog=things.catalog,
        accounts=things.accounts,
        people=people,
        own={},
        patience=Patience(first=carries_out.cicflow_first_pause) if carries_out else Patience(),
        watch=lambda run_id: bolt.watching(things.store, run_id, now=time.time),
        now=time.time,
        works=bool(carries_out and carries_out.cicflow_works),
        keep_days=carries_out.cicflow_keep_days if carries_out else 90,
        link=_links(carries_out).link if carries_out else no_link,
    )


def _links(settings: Settings) -> Links:
    address = settings.cicflow_public_url or f"http://{settings.host}:{settings.port}"
    return Links(seals=Seals(settings.keys), address=address.rstrip("/"))


def web(settings: Settings, *, listens: bool = True, engine: sa.Engine | None = None) -> Starlette:
    """Return the web application. Its lifespan is the bot's. One that does not listen only says that it is well."""
    app = Starlette()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with bot(settings, listens=listens, engine=engine) as doors:
            app.router.routes.extend(route for route in doors.routes() if listens or route.path == "/health")
            log.info("ready", flows=len(await doors.store.flows()), listens=listens, works=settings.cicflow_works)
            yield

    app.router.lifespan_context = lifespan
    return app
