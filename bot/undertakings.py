"""Undertakings: what goes on after somebody has closed a form, and is reported to them when it is done."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from bot import words
from bot.concerned import Concerned
from connectors.errors import ConnectorError

log = structlog.get_logger()

GRACE: Final = 5.0
"""Seconds that are left to what is under way when the bot ends."""


class Undertakings:
    """Carries out what takes longer than a form is open, and reports it to the person who wanted it."""

    def __init__(self, concerned: Concerned) -> None:
        self._concerned = concerned
        self._under_way: set[asyncio.Task[None]] = set()

    def begin(self, person: str, title: str, work: Callable[[], Awaitable[Sequence[str]]], *, key: str) -> None:
        """Begin something. `work` returns what came of it, in lines; none if it has told that itself."""
        task = asyncio.create_task(self._carry_out(person, title, work, key))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _carry_out(self, person: str, title: str, work: Callable[[], Awaitable[Sequence[str]]], key: str) -> None:
        try:
            lines = await work()
        except ConnectorError as error:
            lines = [f":x: {words.escape(error.message, 900)}"]
        except asyncio.CancelledError:
            lines = [":x: The program ended before this was done. Do it once more: that is safe."]
        except Exception:  # there is no Bolt around it, and nobody may wait for a report that never comes
            log.exception("undertaking_broke", key=key)
            lines = [f":x: Something went wrong here that should not. The program's log has it, under {key}."]
        if lines:
            await self._concerned.say(person, (title, words.pages([f"*{title}*", *lines])), key=key)

    async def close(self) -> None:
        """Let what is under way come to its end, or break it off."""
        if not self._under_way:
            return
        _, late = await asyncio.wait(self._under_way, timeout=GRACE)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
