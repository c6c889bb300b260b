"""The terminal: what commands print, and how they are begun."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

from bot.settings import Settings, StoreSettings, WrongSettingsError, read_settings, read_store_settings

Begin = Callable[[argparse.Namespace], int]
Subcommands = Any
"""What argparse adds commands to; it does not name the type."""
REFUSED: Final = 2
"""The exit status of a command that did nothing, because of how it was given."""


def say(text: str, *, to: TextIO | None = None) -> None:
    """Print a line, to standard output unless it is said where."""
    print(text, file=to or sys.stdout)


def refuse(text: str) -> int:
    """Say on standard error why nothing was done. Returns the exit status."""
    say(text, to=sys.stderr)
    return REFUSED


def asynchronously(work: Callable[[argparse.Namespace, StoreSettings], Awaitable[int]]) -> Begin:
    """Return the beginning of a command that needs what is remembered. Where Slack is set up, it has that too."""

    def begin(given: argparse.Namespace) -> int:
        from bot import logs

        settings = _settings()
        logs.configure("WARNING")

        async def carry_out() -> int:
            return await work(given, settings)

        return asyncio.run(carry_out())

    return begin


def read(file: str) -> str:
    """Return the text of a file, or what standard input says for ``-``. Raises OSError and UnicodeError."""
    return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")


def moment(at: float | None) -> str:
    """Return a time as it is printed."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S") if at is not None else "-"


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows with their columns under one another."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _settings() -> Settings | StoreSettings:
    try:
        return read_settings()
    except WrongSettingsError:
        return read_store_settings()
