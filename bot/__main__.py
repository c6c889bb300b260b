"""The command line: python -m bot …"""

import argparse
import gc
import json
import sys
from collections.abc import Callable, Sequence
from typing import Final

from bot.cli import auth0, connections, flows, keys, runs
from bot.cli.terminal import say
from bot.settings import WrongSettingsError, read_settings, read_store_settings
from connectors.errors import ConnectorError
from flows.writer import StorageError

YOUNG: Final = 50_000
"""New objects after which Python looks among them for rubbish: more than the events that wait to be kept are made of.
With fewer, it would look at all of these again and again, and find that none of it is rubbish."""

TURN: Final = 0.001
"""Seconds after which the thread that writes lets those go on who answer logins: a fifth of what Python usually grants."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command. Returns the exit status."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.carry_out(given))
    except (WrongSettingsError, ConnectorError, StorageError, OSError, UnicodeError) as error:
        say(str(error), to=sys.stderr)
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

    command("serve", "run the bot in one process: its web address, Slack, and the flows", lambda _: serve())
    command("web", "only listen: the web address and Slack; workers carry out the flows", lambda _: serve(works=False))
    command("worker", "only carry out flows; its web address says whether it is well", lambda _: serve(listens=False))
    command("migrate", "bring the database to the newest form (serve does it too)", migrate)
    command("key", "make a new encryption key for CICFLOW_KEY", key)
    described = command("manifest", "print the Slack app's manifest, to create the app from", print_manifest)
    described.add_argument("--url", help="where the internet reaches this bot; without it, the app uses Socket Mode")
    keys.add(commands)
    flows.add(commands)
    runs.add(commands)
    auth0.add(commands)
    connections.add(commands)
    return parser


def serve(*, works: bool | None = None, listens: bool = True) -> int:
    """Run the bot until it is told to stop. What it does not say here, the environment does."""
    import uvicorn

    from bot import assembly, logs

    settings = read_settings()
    if not listens or works is not None:
        settings = settings.model_copy(update={"cicflow_works": not listens or works})
    logs.configure(settings.cicflow_log_level)
    # Here, and not when the server begins: it would show what is wrong as a traceback.
    engine = assembly.newest(settings)
    app = assembly.web(settings, listens=listens, engine=engine)
    # What is there by now stays, and what comes goes when it is over: to look through all of it for rubbish again and
    # again, as Python would, holds up everybody for up to 0.1 s.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 100)
    sys.setswitchinterval(TURN)
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
    say("The database is in its newest form now." if done else "The database was in its newest form already.")
    return 0


def key(_given: argparse.Namespace) -> int:
    """Make an encryption key."""
    from flows.vault import new_key

    say(new_key())
    return 0


def print_manifest(given: argparse.Namespace) -> int:
    """Print the manifest of the Slack app."""
    from bot.manifest import manifest

    say(json.dumps(manifest(given.url), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
