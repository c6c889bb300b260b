"""The encryption key: made, and put in the place of a former one."""

import argparse
import sys
from typing import Final

from bot.cli.terminal import Subcommands, asynchronously, say
from bot.settings import StoreSettings

ABOUT: Final = (
    "seal every connection with the first key of CICFLOW_KEY. Put a new key before the old one and start every process "
    "again; do this; then take the old one away"
)


def add(commands: Subcommands) -> None:
    """Add what is done about keys to the commands."""
    found = commands.add_parser("rotate-key", help=ABOUT, description=ABOUT)
    found.set_defaults(carry_out=asynchronously(rotate))


async def rotate(_given: argparse.Namespace, settings: StoreSettings) -> int:
    """Seal every connection with the first key, and say how many. Nothing needs to stop for it."""
    from bot import assembly

    async with assembly.kept(settings) as things:
        found = await things.vault.reseal()
    say(f"Sealed with the first key now: {found.done}. Already sealed with it: {found.already}.")
    if found.unopened:
        names = ", ".join(found.unopened)
        say(f"None of the keys opens these: {names}. Add the key they were sealed with, or remove them.", to=sys.stderr)
        return 1
    if len(settings.keys) > 1:
        say("The keys behind the first one are not needed any more.")
    return 0
