"""Inlets: what streams send is read and handed on; what cannot be read is kept."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import structlog
from pydantic import BaseModel, ValidationError

from bot.enriching import Enriching
from connectors.base import Arrival, Catalog, Inlet
from flows.runs import Runs
from flows.unread import UnreadBodies
from flows.vault import Account

log = structlog.get_logger()

LONGEST_ID: Final = 200
"""Characters of the id of an event."""
_DEEPEST: Final = 64
"""Levels an event may be nested: no event of Auth0 comes near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a body."""

    accepted: int
    unreadable: str = ""
    """Why it, or something in it, could not be read; nothing where all of it could be."""
    whole: bool = True
    """Whether any of it could be read at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inlets:
    """Takes in what streams send."""

    catalog: Catalog
    runs: Runs
    enriching: Enriching
    unread: UnreadBodies
    now: Callable[[], float]

    async def take(self, account: Account, inlet: Inlet, body: bytes) -> Taken:
        """Hand on what can be read of a body, and keep the body if something cannot. Raises StorageError."""
        try:
            arrivals = inlet.read(body)
            refuse_depth(body, [arrival.event for arrival in arrivals])
        except ValueError as error:
            await self._keep(account, inlet, body, str(error))
            return Taken(accepted=0, unreadable=str(error), whole=False)
        said = await asyncio.gather(*(self._arrived(account, arrival, body) for arrival in arrivals))
        wrong = [why for why in said if why]
        if wrong:
            await self._keep(account, inlet, body, wrong[0])
        return Taken(accepted=len(said) - len(wrong), unreadable=wrong[0] if wrong else "")

    async def _keep(self, account: Account, inlet: Inlet, body: bytes, why: str) -> None:
        kept = await self.unread.keep(account.name, inlet.name, body, why=why, now=self.now())
        log.warning("stream_unreadable", connection=account.name, inlet=inlet.name, why=why, kept=kept)

    async def _arrived(self, account: Account, arrival: Arrival, body: bytes) -> str:
        """Hand one event of a stream on. Returns why it could not be read, if it could not."""
        try:
            check(self.catalog.sources[arrival.source].event, arrival.event)
        except ValueError as error:
            return str(error)
        await self.runs.receive(
            source=arrival.source,
            connection=account.name,
            event_id=(arrival.id or f"sha256-{sha256(body).hexdigest()}")[:LONGEST_ID],
            event=await self.enriching.enriched(arrival.source, account.name, arrival.event, urgent=False),
        )
        return ""


def refuse_depth(body: bytes, data: Any) -> None:
    """Refuse what is nested too deep. Raises ValueError."""
    if body.count(b"{") + body.count(b"[") > _DEEPEST and _depth(data) > _DEEPEST:
        raise ValueError(f"The body is nested deeper than {_DEEPEST} levels.")


def _depth(value: Any) -> int:
    """Return how deep a value is nested, without recursion."""
    deepest, level = 0, [value]
    while level and deepest <= _DEEPEST:
        deepest += 1
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return deepest


def check(model: type[BaseModel], event: Any) -> None:
    """Hold an event against its model. Raises ValueError, which says what is wrong."""
    try:
        model.model_validate(event)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in found["loc"]) or "event"
        raise ValueError(f"The event does not fit: {place}: {found['msg']}.") from error
