"""python -m bot auth0 …: connects a tenant, and installs the Auth0 Action in it."""

import argparse
import getpass
import sys
import time
from typing import Final

from bot.cli.terminal import Subcommands, asynchronously, refuse, say
from bot.settings import StoreSettings

CONNECTOR: Final = "auth0"


def add(commands: Subcommands) -> None:
    """Add the commands."""
    auth0 = commands.add_parser("auth0", help="connect a tenant, and install the Auth0 Action in it")
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
        ("install", "install the Auth0 Action; safe to repeat", _install),
        ("status", "say whether the Auth0 Action is installed and up to date", _status),
        ("uninstall", "remove the Auth0 Action", _uninstall),
    ):
        step = steps.add_parser(name, help=about)
        step.add_argument("--name", default="auth0", help="which connection (default: auth0)")
        step.set_defaults(carry_out=asynchronously(work))
        if work is _install:
            step.add_argument(
                "--on-failure",
                choices=("open", "closed"),
                default="open",
                help="when the bot cannot be reached, let logins pass (open) or refuse them (closed)",
            )


async def _connect(given: argparse.Namespace, settings: StoreSettings) -> int:
    from pydantic import ValidationError

    from bot.assembly import kept
    from connectors.wire import Wire

    secret = getpass.getpass("Client secret: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    written = {"domain": given.domain, "client_id": given.client_id, "client_secret": secret}
    async with kept(settings) as things, Wire.open(proxy=settings.cicflow_proxy) as wire:
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
    from bot.assembly import kept
    from connectors.auth0 import install

    if settings.cicflow_public_url is None:
        return refuse("CICFLOW_PUBLIC_URL is not set: Auth0 must know where to reach this bot.")
    async with kept(settings) as things:
        account = await things.vault.named(given.name)
        if account is None:
            return _unknown(given.name)
        installed = await install.install(
            await things.accounts.client(account.name),
            url=f"{settings.cicflow_public_url.rstrip('/')}/in/{account.key}",
            secret=account.secret,
            on_failure=given.on_failure,
        )
    say(str(installed))
    return 0


async def _status(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import kept
    from connectors.auth0 import install

    async with kept(settings) as things:
        if await things.vault.named(given.name) is None:
            return _unknown(given.name)
        say(str(await install.status(await things.accounts.client(given.name))))
    return 0


async def _uninstall(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import kept
    from connectors.auth0 import install

    async with kept(settings) as things:
        if await things.vault.named(given.name) is None:
            return _unknown(given.name)
        removed = await install.uninstall(await things.accounts.client(given.name))
    say("The Auth0 Action is removed." if removed else "There was no Auth0 Action of ours.")
    return 0


def _unknown(name: str) -> int:
    return refuse(f"There is no connection {name}. Make one with `python -m bot auth0 connect`.")
