"""The command line: python -m bot …"""

import argparse
import asyncio
import getpass
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Final, TextIO

from bot.settings import StoreSettings, WrongSettingsError, read_settings, read_store_settings
from connectors.errors import ConnectorError

ACTION_CONNECTOR: Final = "auth0"


def main() -> int:
    """Carry out a command. Returns the exit status."""
    given = _parser().parse_args()
    try:
        return int(given.carry_out(given))
    except (WrongSettingsError, ConnectorError) as error:
        print(error, file=sys.stderr)  # noqa: T201  # it is a command line
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot", description="cicflow: acts on what happens in Auth0, from Slack."
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, about: str, carry_out: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        found = commands.add_parser(name, help=about, description=about)
        found.set_defaults(carry_out=carry_out)
        return found

    command("serve", "run the bot: its web address, Slack, and the flows", serve)
    command("migrate", "bring the database to the newest form (serve does it too)", migrate)
    command("key", "make a new encryption key for CICFLOW_KEY", key)
    described = command("manifest", "print the Slack app's manifest, to create the app from", print_manifest)
    described.add_argument("--url", help="where the internet reaches this bot; without it, the app uses Socket Mode")
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
    connect.set_defaults(carry_out=lambda given: _asynchronously(_connect, given))
    for name, about, work in (
        ("install", "install the Auth0 Action; safe to repeat", _install),
        ("status", "say whether the Auth0 Action is installed and up to date", _status),
        ("uninstall", "remove the Auth0 Action", _uninstall),
    ):
        step = steps.add_parser(name, help=about)
        step.add_argument("--name", default="auth0", help="which connection (default: auth0)")
        step.set_defaults(carry_out=lambda given, work=work: _asynchronously(work, given))
        if work is _install:
            step.add_argument(
                "--on-failure",
                choices=("open", "closed"),
                default="open",
                help="when the bot cannot be reached, let logins pass (open) or refuse them (closed)",
            )
    return parser


def serve(_given: argparse.Namespace) -> int:
    """Run the bot until it is told to stop."""
    import uvicorn

    from bot import assembly, logs

    settings = read_settings()
    logs.configure(settings.cicflow_log_level)
    app = assembly.web(settings)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    return 0


def migrate(_given: argparse.Namespace) -> int:
    """Bring the database to its newest form."""
    from bot import schema
    from flows.store import open_engine

    done = schema.upgrade(open_engine(read_store_settings().database_url))
    _say("The database is in its newest form now." if done else "The database was in its newest form already.")
    return 0


def key(_given: argparse.Namespace) -> int:
    """Make an encryption key."""
    from flows.vault import new_key

    _say(new_key())
    return 0


def print_manifest(given: argparse.Namespace) -> int:
    """Print the manifest of the Slack app."""
    from bot.manifest import manifest

    _say(json.dumps(manifest(given.url), indent=2))
    return 0


async def _connect(given: argparse.Namespace, settings: StoreSettings) -> int:
    from pydantic import ValidationError

    from bot.assembly import kept
    from connectors.wire import Wire

    secret = getpass.getpass("Client secret: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    written = {"domain": given.domain, "client_id": given.client_id, "client_secret": secret}
    async with kept(settings) as things, Wire.open(proxy=settings.cicflow_proxy) as wire:
        connector = things.catalog.connectors[ACTION_CONNECTOR]
        try:
            checked = connector.settings.model_validate(written)
        except ValidationError as error:
            found = error.errors(include_input=False, include_url=False, include_context=False)[0]
            _say(f"{found['loc'][0]}: {found['msg']}", to=sys.stderr)
            return 2
        _say(await connector.check(connector.connect(checked, wire)))
        account = await things.vault.keep(
            given.name, connector=ACTION_CONNECTOR, settings=written, accepts=given.accepts, now=time.time()
        )
    _say(f"Kept as the connection {account.name}.")
    if account.accepts != "signed":
        base = settings.cicflow_public_url or "https://<this bot>"
        _say(f"Its events are accepted at {base.rstrip('/')}/in/{account.key} with this token:\n{account.secret}")
    return 0


async def _install(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import kept
    from connectors.auth0 import install

    if settings.cicflow_public_url is None:
        _say("CICFLOW_PUBLIC_URL is not set: Auth0 must know where to reach this bot.", to=sys.stderr)
        return 2
    async with kept(settings) as things:
        account = await things.vault.named(given.name)
        if account is None:
            return _no_connection(given.name)
        installed = await install.install(
            await things.accounts.client(account.name),
            url=f"{settings.cicflow_public_url.rstrip('/')}/in/{account.key}",
            secret=account.secret,
            on_failure=given.on_failure,
        )
    _say(str(installed))
    return 0


async def _status(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import kept
    from connectors.auth0 import install

    async with kept(settings) as things:
        if await things.vault.named(given.name) is None:
            return _no_connection(given.name)
        _say(str(await install.status(await things.accounts.client(given.name))))
    return 0


async def _uninstall(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import kept
    from connectors.auth0 import install

    async with kept(settings) as things:
        if await things.vault.named(given.name) is None:
            return _no_connection(given.name)
        removed = await install.uninstall(await things.accounts.client(given.name))
    _say("The Auth0 Action is removed." if removed else "There was no Auth0 Action of ours.")
    return 0


def _asynchronously(
    work: Callable[[argparse.Namespace, StoreSettings], Awaitable[int]], given: argparse.Namespace
) -> int:
    from bot import logs

    settings = read_store_settings()
    logs.configure("WARNING")

    async def carry_out() -> int:
        return await work(given, settings)

    return asyncio.run(carry_out())


def _no_connection(name: str) -> int:
    _say(f"There is no connection {name}. Make one with `python -m bot auth0 connect`.", to=sys.stderr)
    return 2


def _say(text: str, *, to: TextIO | None = None) -> None:
    print(text, file=to or sys.stdout)  # it is a command line


if __name__ == "__main__":
    sys.exit(main())
