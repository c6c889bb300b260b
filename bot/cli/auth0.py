"""python -m bot auth0 …: connects a tenant, and installs our Auth0 Actions and streams in it."""

import argparse
import getpass
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.cli.terminal import Subcommands, asynchronously, refuse, say
from bot.settings import StoreSettings
from connectors.errors import Missing, Reconnect

if TYPE_CHECKING:
    from connectors.auth0.client import Tenant
    from connectors.auth0.streams import Kind

CONNECTOR: Final = "auth0"
TRIGGERS: Final = "all, or triggers with commas between them, such as post-login,credentials-exchange"
STREAMS: "Final[tuple[tuple[Kind, str], ...]]" = (("logs", "log records"), ("events", "changes of users and the like"))


def add(commands: Subcommands) -> None:
    """Add the commands."""
    auth0 = commands.add_parser("auth0", help="connect a tenant, and install our Auth0 Actions and streams in it")
    steps = auth0.add_subparsers(required=True, metavar="step")
    connect = steps.add_parser(
        "connect", help="connect a tenant; the client secret is asked for, or read from standard input"
    )
    connect.add_argument("--name", default="auth0", help="what to call it in Slack (default: auth0)")
    connect.add_argument("--domain", required=True, help="the tenant's own domain, such as example.eu.auth0.com")
    connect.add_argument("--client-id", required=True)
    connect.add_argument(
        "--accepts",
        choices=("signed", "bearer", "client-token"),
        default="signed",
        help="how its events prove where they come from (default: signed, as our Auth0 Action does)",
    )
    connect.set_defaults(carry_out=asynchronously(_connect))
    for name, about, work in (
        ("install", "install our Auth0 Actions, or streams; safe to repeat", _install),
        ("status", "say how our Auth0 Actions and streams stand in the tenant", _status),
        (
            "resume",
            "switch streams on again that Auth0 has paused or disabled, and have sent again what failed",
            _resume,
        ),
        ("uninstall", "remove our Auth0 Actions and streams, or only those that are named", _uninstall),
    ):
        step = steps.add_parser(name, help=about)
        step.add_argument("connection", nargs="?", help="which connection (default: auth0)")
        step.add_argument("--name", default=CONNECTOR, help="which connection, as for connect (default: auth0)")
        if work is not _resume:
            step.add_argument("--triggers", metavar="TRIGGERS", help=TRIGGERS)
        for kind, carries in STREAMS:
            step.add_argument(f"--{kind}", action="store_true", help=f"the stream of {carries}")
        step.set_defaults(carry_out=asynchronously(work))
        if work is _install:
            step.add_argument(
                "--wait",
                type=float,
                default=2.5,
                metavar="SECONDS",
                help="how long the Auth0 Action waits for an answer: longer than its flows' `within:` (default: 2.5)",
            )
            step.add_argument(
                "--on-failure",
                choices=("open", "closed"),
                default="open",
                help="when the bot cannot be reached, let logins and the like pass (open) or refuse them (closed)",
            )


async def _connect(given: argparse.Namespace, settings: StoreSettings) -> int:
    from pydantic import ValidationError

    from bot.assembly import kept
    from connectors.wire import Wire

    secret = getpass.getpass("Client secret: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    async with kept(settings) as things, Wire.open(proxy=settings.cicflow_proxy) as wire:
        before = await things.vault.named(given.name)
        stays = {
            name: value for name, value in (before.settings if before else {}).items() if name.startswith("login_")
        }
        written = {**stays, "domain": given.domain, "client_id": given.client_id, "client_secret": secret}
        connector = things.catalog.connectors[CONNECTOR]
        try:
            checked = connector.settings.model_validate(written)
        except ValidationError as error:
            found = error.errors(include_input=False, include_url=False, include_context=False)[0]
            return refuse(f"{found['loc'][0]}: {found['msg']}")
        say(await connector.check(connector.connect(checked, wire)))
        account = await things.vault.keep(
            given.name, connector=CONNECTOR, settings=written, accepts=given.accepts, now=time.time()
        )
    say(f"Kept as the connection {account.name}.")
    if account.accepts != "signed":
        base = settings.cicflow_public_url or "https://<this bot>"
        say(f"Its events are accepted at {base.rstrip('/')}/in/{account.key} with this token:\n{account.secret}")
    return 0


async def _install(given: argparse.Namespace, settings: StoreSettings) -> int:
    from connectors.auth0 import install, streams

    if settings.cicflow_public_url is None:
        return refuse("CICFLOW_PUBLIC_URL is not set: Auth0 must know where to reach this bot.")
    async with _tenant(given, settings) as tenant:
        if tenant is None:
            return _unknown(given)
        try:
            named = _triggers(given) or (() if _streams(given) else ("post-login",))
            if named:
                done = await install.install(
                    tenant.client,
                    url=tenant.url,
                    secret=tenant.secret,
                    triggers=named,
                    on_failure=given.on_failure,
                    timeout_ms=round(given.wait * 1000),
                )
                say(str(done))
            for kind in _streams(given):
                say(str(await streams.install(tenant.client, kind, url=tenant.url, secret=tenant.secret)))
        except ValueError as error:
            return refuse(str(error))
    return 0


async def _status(given: argparse.Namespace, settings: StoreSettings) -> int:
    from connectors.auth0 import install, streams

    async with _tenant(given, settings) as tenant:
        if tenant is None:
            return _unknown(given)
        everything = not _triggers(given) and not _streams(given)
        try:
            if _triggers(given) or everything:
                say(str(await install.status(tenant.client, triggers=_triggers(given) or ("all",))))
        except ValueError as error:
            return refuse(str(error))
        for kind in _streams(given) or (streams.KINDS if everything else ()):
            async with _perhaps(everything):
                say(str(await streams.status(tenant.client, kind, url=tenant.url)))
    return 0


async def _resume(given: argparse.Namespace, settings: StoreSettings) -> int:
    from connectors.auth0 import streams

    async with _tenant(given, settings) as tenant:
        if tenant is None:
            return _unknown(given)
        everything = not _streams(given)
        for kind in _streams(given) or streams.KINDS:
            async with _perhaps(everything):
                say(str(await streams.resume(tenant.client, kind)))
    return 0


async def _uninstall(given: argparse.Namespace, settings: StoreSettings) -> int:
    from connectors.auth0 import install, streams

    async with _tenant(given, settings) as tenant:
        if tenant is None:
            return _unknown(given)
        everything = not _triggers(given) and not _streams(given)
        try:
            if _triggers(given) or everything:
                say(str(await install.uninstall(tenant.client, triggers=_triggers(given) or ("all",))))
        except ValueError as error:
            return refuse(str(error))
        for kind in _streams(given) or (streams.KINDS if everything else ()):
            async with _perhaps(everything):
                say(str(await streams.uninstall(tenant.client, kind)))
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tenant:
    """A connected tenant, and what its Auth0 Actions and streams are told."""

    client: "Tenant"
    url: str
    secret: str


@asynccontextmanager
async def _tenant(given: argparse.Namespace, settings: StoreSettings) -> AsyncIterator[_Tenant | None]:
    """Open the connection that is named; None where there is none to a tenant."""
    from bot.assembly import kept

    base = (settings.cicflow_public_url or "").rstrip("/")
    async with kept(settings) as things:
        account = await things.vault.named(_name(given))
        if account is None or account.connector != CONNECTOR:
            yield None
            return
        client = await things.accounts.client(account.name)
        yield _Tenant(client=client, url=f"{base}/in/{account.key}", secret=account.secret)


@asynccontextmanager
async def _perhaps(everything: bool) -> AsyncIterator[None]:
    """Where a stream was not asked for by its name, say that it is not there or not ours to see, and go on."""
    try:
        yield
    except (Missing, Reconnect) as error:
        if not everything:
            raise
        say(error.message)


def _triggers(given: argparse.Namespace) -> tuple[str, ...]:
    """Return the triggers that are named."""
    if given.triggers is None:
        return ()
    return tuple(name.strip() for name in given.triggers.split(","))


def _streams(given: argparse.Namespace) -> "tuple[Kind, ...]":
    """Return the streams that are named."""
    return tuple(kind for kind, _ in STREAMS if getattr(given, kind))


def _name(given: argparse.Namespace) -> str:
    return str(given.connection or given.name)


def _unknown(given: argparse.Namespace) -> int:
    return refuse(f"There is no tenant connected as {_name(given)}. Connect it with `python -m bot auth0 connect`.")
