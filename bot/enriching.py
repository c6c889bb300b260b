"""Enriching: what events of a connection get added before flows see them, from what is remembered of earlier ones."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from connectors.base import Catalog
from flows.memories import Memories

log = structlog.get_logger()

WAITED_FOR: Final = 0.05
"""Seconds that an event waits whose sender waits: a person is logging in."""
PATIENT: Final = 2.0
"""Seconds that other events wait."""
SILENT: Final = 60.0
"""Seconds between two lines of the log that say that it did not work."""


@dataclass(slots=True, kw_only=True)
class Enriching:
    """Adds to events. One that cannot be added to goes on as it is, and in time."""

    catalog: Catalog
    memories: Memories
    now: Callable[[], float] = time.time
    waited_for: float = WAITED_FOR
    _going: set[asyncio.Task[Mapping[str, Any]]] = field(default_factory=set)
    _said_at: float | None = None

    async def enriched(
        self, source: str, connection: str, event: Mapping[str, Any], *, urgent: bool
    ) -> Mapping[str, Any]:
        """Return an event with what follows from earlier ones. What takes too long is remembered all the same."""
        of = self.catalog.sources[source]
        if of.enrich is None or (of.complete is not None and of.complete(event)):
            return event
        going = asyncio.ensure_future(of.enrich(self.memories.of(connection), event, self.now()))
        self._going.add(going)
        going.add_done_callback(self._going.discard)
        done, _ = await asyncio.wait({going}, timeout=self.waited_for if urgent else PATIENT)
        if done and going.exception() is None:
            return going.result()
        why = str(going.exception()) if done else "it takes too long"
        going.add_done_callback(lambda late: late.cancelled() or late.exception())
        self._say(source, connection, why)
        return event

    def _say(self, source: str, connection: str, why: str) -> None:
        now = time.monotonic()
        if self._said_at is None or now - self._said_at >= SILENT:
            self._said_at = now
            log.warning("event_not_enriched", source=source, connection=connection, why=why)

    async def close(self) -> None:
        """Let go of what is under way, and keep what is remembered."""
        for going in tuple(self._going):
            going.cancel()
        await asyncio.gather(*self._going, return_exceptions=True)
        await self.memories.close()
