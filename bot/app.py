"""The Bolt app: every listener, and the one place where what nobody expected is caught."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from logging import ERROR, WARNING, getLogger
from typing import Any, Final

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot import backfills as backfill_desk
from bot import (
    commands,
    connecting,
    decisions,
    flow_settings,
    home,
    picking,
    starts,
    storms,
)
from bot import gallery as gallery_wall
from bot import previews as preview_desk
from bot import runs as run_desk
from bot import switches as switching
from bot import upgrades as upgrading
from bot.asking import SlackPeople
from bot.backfills import BackfillDesk
from bot.commands import Commands
from bot.connecting import Connecting
from bot.flow_settings import FlowSettings
from bot.gallery import Gallery
from bot.home import Home
from bot.permissions import Permissions
from bot.picking import Picking
from bot.previews import PreviewDesk
from bot.replies import tell
from bot.runs import RunDesk
from bot.starts import Starts
from bot.switches import Switches
from bot.upgrades import Upgrades
from connectors.errors import ConnectorError
from flows import run_states
from flows.decisions import Decisions
from flows.runs import Runs
from flows.store import Store

log = structlog.get_logger()
_NAMES: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def reference() -> str:
    """Return a short name for something that went wrong: people can read it out, and the log has it."""
    return "".join(secrets.choice(_NAMES) for _ in range(6))


def create(
    *,
    client: AsyncWebClient,
    signing_secret: str,
    verify: bool,
    runs: Runs,
    asked: Decisions,
    people: SlackPeople,
    many: storms.Storms,
    permissions: Permissions,
    settings: FlowSettings,
    verbs: Commands,
    desk: RunDesk,
    by_hand: Starts,
    home_tab: Home,
    gallery: Gallery,
    connections: Connecting,
    picked: Picking,
    backfills: BackfillDesk,
    upgrades: Upgrades,
    previews: PreviewDesk,
    switches: Switches,
) -> AsyncApp:
    """Return the app with its listeners. `verify` is off in Socket Mode only, where nothing is signed."""
    logger = getLogger("slack_bolt")
    logger.setLevel(ERROR)  # it warns of the token in the environment, which is the same
    app = AsyncApp(
        client=client,
        signing_secret=signing_secret,
        request_verification_enabled=verify,
        logger=logger,
        raise_error_for_unhandled_request=False,
    )
    # Bolt logs the whole body of a request whose signature is wrong.
    getLogger("slack_bolt.AsyncRequestVerification").setLevel(WARNING)
    decisions.register(app, runs=runs, decisions=asked, permissions=permissions, asked=people)
    storms.register(app, many)
    commands.register(app, verbs)
    flow_settings.register(app, settings)
    run_desk.register(app, desk)
    starts.register(app, by_hand)
    home.register(app, home_tab)
    gallery_wall.register(app, gallery)
    connecting.register(app, connections)
    picking.register(app, picked)
    backfill_desk.register(app, backfills)
    upgrading.register(app, upgrades)
    preview_desk.register(app, previews)
    switching.register(app, switches)
    app.error(_failed)
    return app


async def _failed(error: Exception, body: dict[str, Any], context: AsyncBoltContext) -> BoltResponse:
    """Answer a person whose request broke: what to say, and a reference that is also in the log."""
    known = isinstance(error, ConnectorError)
    name = reference()
    log.error("request_failed", reference=name, kind=type(error).__name__, exc_info=None if known else error)
    said = error.message if isinstance(error, ConnectorError) else "Something went wrong here that should not."
    text = f"{said} Reference {name}."
    if context.respond is not None and body.get("response_url"):
        await tell(context.respond, text)
    else:
        user = str((body.get("user") or {}).get("id") or body.get("user_id") or "")
        if user:
            await context.client.chat_postMessage(channel=user, text=text)
    return BoltResponse(status=200)


@asynccontextmanager
async def watching(store: Store, run_id: str, *, now: Callable[[], float]) -> AsyncIterator[None]:
    """Surround the carrying-out of a run: whatever breaks it is logged, and the run is noted as failed."""
    try:
        yield
    except Exception as error:  # the one place besides Bolt's: a fault of ours must not strand a run silently
        name = reference()
        log.exception("run_broke", reference=name, run=run_id, kind=type(error).__name__)
        message = f"Something went wrong here. Reference {name}."
        await store.order(lambda connection: run_states.break_off(connection, run_id, message=message, now=now()))
