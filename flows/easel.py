"""The easel: charts are drawn in processes of their own, a few at a time."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from connectors.errors import Refused, TryLater

SCRIPT: Final = Path(__file__).with_name("drawing.py")
PATIENCE: Final = 60.0
"""Seconds after which a drawing is given up: it takes two or three."""
AT_ONCE: Final = 2
_KNOWN: Final = ("PATH", "HOME", "LANG", "TMPDIR", "TEMP", "SYSTEMROOT", "MPLCONFIGDIR")
"""What a drawing may know of the environment: none of the bot's secrets."""


class Easel:
    """Where charts are drawn."""

    def __init__(self, *, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._free = asyncio.Semaphore(AT_ONCE)

    async def draw(self, chart: Mapping[str, Any]) -> bytes:
        """Return a chart as a PNG. Raises Refused or TryLater."""
        async with self._free:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                str(SCRIPT),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={name: os.environ[name] for name in _KNOWN if name in os.environ},
            )
            try:
                async with asyncio.timeout(self._patience):
                    picture, _ = await process.communicate(json.dumps(chart).encode())
            except TimeoutError as error:
                raise TryLater("The picture was not drawn in time.") from error
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode or not picture:
            raise Refused("The picture could not be drawn.")
        return picture
