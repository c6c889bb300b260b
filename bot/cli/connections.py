"""python -m bot connections …: connections as a file, for those who set many up at once."""

import argparse
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from bot.cli.terminal import Subcommands, asynchronously, read, refuse, say
from bot.settings import StoreSettings
from connectors.base import Value
from flows.problems import nearest

if TYPE_CHECKING:
    from pydantic import ValidationError

    from bot.assembly import Kept


class Wanted(Value):
    """One connection in a file."""

    connector: str
    settings: Mapping[str, object]
    accepts: Literal["signed", "bearer", "client-token"] = "signed"


def add(commands: Subcommands) -> None:
    """Add the commands."""
    steps = commands.add_parser("connections", help="connections as a file").add_subparsers(
        required=True, metavar="step"
    )
    about = "try the connections of a file, and keep them, encrypted, if all of them work"
    keeping = steps.add_parser("keep", help=about, description=about)
    keeping.add_argument(
        "file",
        help='JSON such as {"desk": {"connector": "servicenow", "settings": {…}}}, or - for standard input',
    )
    keeping.set_defaults(carry_out=asynchronously(_keep))


async def _keep(given: argparse.Namespace, settings: StoreSettings) -> int:
    from pydantic import TypeAdapter, ValidationError

    from bot.assembly import kept

    try:
        wanted = TypeAdapter(dict[str, Wanted]).validate_python(json.loads(read(given.file)))
    except ValidationError as error:
        return refuse(_first(error))
    except ValueError:
        return refuse("This is not JSON.")
    async with kept(settings) as things:
        said = {}
        for name, one in wanted.items():
            connector = things.catalog.connectors.get(one.connector)
            if connector is None:
                guess = nearest(one.connector, things.catalog.connectors)
                return refuse(f"{name}: there is no connector {one.connector}{f'; {guess}' if guess else '.'}")
            try:
                client = things.accounts.trial(one.connector, one.settings)
            except ValidationError as error:
                return refuse(f"{name}: {_first(error)}")
            said[name] = await connector.check(client)
        await _all(things, wanted)
    for name, words in said.items():
        say(f"{name}: {words}")
    return 0


async def _all(things: "Kept", wanted: Mapping[str, Wanted]) -> None:
    for name, one in wanted.items():
        await things.vault.keep(
            name, connector=one.connector, settings=one.settings, accepts=one.accepts, now=time.time()
        )


def _first(error: "ValidationError") -> str:
    """Say the first thing that is wrong, without what was written: it may be a secret."""
    found = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in found["loc"])
    return f"{where}: {found['msg'].removeprefix('Value error, ')}" if where else str(found["msg"])
