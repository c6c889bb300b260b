"""Previews: what a flow would have been woken by in the last days, had it been on. Nothing is carried out, nothing is kept.

Events come from two places: those that the bot has kept with runs, which are whole, and the service's own log, which tells
less of them. An event that is in both is taken as the bot has kept it.
"""

from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlmodel import col

from connectors.base import Catalog, Listed, Remembered, Source
from connectors.errors import ConnectorError
from connectors.limits import bulk
from flows import references, schedules
from flows.door import Threshold, Woken, persons_of
from flows.language import Template
from flows.live import Accounts
from flows.store import SetUp, Store
from flows.tables import FlowVersion, Run

DAYS: Final = 7
LINES: Final = 5000
"""Lines of a log that are looked at."""
KEPT: Final = 2000
"""Events that the bot has kept, the latest ones."""
TRIED: Final = 20
"""Events for which it may be tried out what the flow would have done: the latest that would have woken it."""
SAME: Final = 120.0
"""Seconds between a line of a log and an event that the bot has kept of the same person, for both to be one."""
MOST_TIMES: Final = 20_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that would have woken the flow."""

    at: float
    event: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Preview:
    """What a flow would have been woken by."""

    since: float
    lines: int = 0
    """Lines of a log that were looked at."""
    until: float | None = None
    """There were more lines than were looked at: the last of these is of this time."""
    oldest: float | None = None
    """The time of the first line: a log does not go back for ever."""
    kept: int = 0
    """Events that the bot had kept."""
    events: int = 0
    """Events that the flow listens to."""
    woken: int = 0
    once: int = 0
    """Events that `once per` would have turned away."""
    guards: Counter[str] = field(default_factory=Counter)
    """Events that did not wake it, by the guard that said no."""
    untold: Counter[str] = field(default_factory=Counter)
    """What the flow asks of an event and a log did not tell: of how many events."""
    unread: dict[str, str] = field(default_factory=dict)
    """Why the log of a connection could not be read."""
    unlogged: list[str] = field(default_factory=list)
    """Events that no log has: only those that the bot has kept could be looked at."""
    times: int = 0
    """How often a schedule would have woken it."""
    latest: deque[Moment] = field(default_factory=lambda: deque(maxlen=TRIED))
    """The last events that would have woken it."""


class Previews:
    """Looks back."""

    def __init__(self, *, store: Store, catalog: Catalog, accounts: Accounts, now: Callable[[], float]) -> None:
        self._store = store
        self._catalog = catalog
        self._accounts = accounts
        self._now = now

    async def look(self, flow: SetUp, *, days: int = DAYS) -> Preview:
        """Return what would have woken a flow, on or off, set up or not, in the last days. Raises StorageError."""
        now = self._now()
        preview = Preview(since=now - days * 86400)
        template = Template.model_validate(flow.document)
        for trigger in template.when:
            schedule = schedules.schedule_of(trigger, flow.settings)
            at: float | None = preview.since
            while schedule is not None and preview.times < MOST_TIMES:
                at = schedules.following(schedule, at or now)
                if at is None or at > now:
                    break
                preview.times += 1
        look = _Look(flow, Threshold(flow, persons_of(self._catalog)), preview)
        kept = await self._kept(preview.since)
        for connection in dict.fromkeys(connection for _, connection in look.threshold.places):
            sources = [self._catalog.sources[name] for name, of in look.threshold.places if of == connection]
            mine = [
                one for one in kept if one.connection == connection and one.source in {each.name for each in sources}
            ]
            preview.unlogged += [each.name for each in sources if each.logged is None]
            await self._look_at(connection, sources, mine, look)
        return preview

    async def _look_at(
        self, connection: str, sources: Sequence[Source], kept: Sequence["_Kept"], look: "_Look"
    ) -> None:
        preview, memory = look.preview, _Memory()
        left = list(kept)
        try:
            with bulk():
                async for at, line in self._lines(connection, sources[0], preview):
                    for source in sources:
                        event = source.logged(line) if source.logged is not None else None
                        if event is None:
                            continue
                        whole = _same(left, source, event, at)
                        if whole is not None:
                            left.remove(whole)
                            look.at(source, connection, whole.event, at, told=True)
                        else:
                            look.at(source, connection, await _enriched(source, memory, event, at), at, told=False)
        except ConnectorError as error:
            preview.unread[connection] = error.message
        for one in left:
            look.at(self._catalog.sources[one.source], connection, one.event, one.at, told=True)
        preview.kept += len(kept)

    async def _lines(
        self, connection: str, source: Source, preview: Preview
    ) -> AsyncIterator[tuple[float, Mapping[str, Any]]]:
        connector = self._catalog.connectors[source.name.partition(".")[0]]
        if connector.log is None:
            return
        client = await self._accounts.client(connection)
        async for at, line in connector.log(client, preview.since):
            if preview.lines == LINES:
                return
            preview.lines += 1
            preview.oldest = at if preview.oldest is None else min(at, preview.oldest)
            preview.until = at if preview.lines == LINES else None
            yield at, line

    async def _kept(self, since: float) -> Sequence["_Kept"]:
        """Return the events that runs were begun for, each once, the oldest first."""
        query = (
            sa.select(
                col(Run.event_id),
                col(Run.trigger),
                col(Run.event),
                col(Run.person),
                col(Run.began_at),
                col(FlowVersion.document),
            )
            .join(
                FlowVersion,
                sa.and_(col(FlowVersion.flow) == col(Run.flow), col(FlowVersion.version) == col(Run.version)),
            )
            .where(col(Run.began_at) >= since, col(Run.backfill).is_(None), col(Run.parent).is_(None))
            .order_by(col(Run.began_at).desc())
            .limit(KEPT)
        )
        rows = await self._store.read(lambda session: session.execute(query).all())
        found: dict[str, _Kept] = {}
        for event_id, trigger, event, person, at, document in rows:
            when = document.get("when", [])
            one = when[trigger] if isinstance(when, list) and trigger < len(when) else {}
            connection, _, rest = event_id.partition(":")
            if "event" in one and rest:
                found.setdefault(
                    event_id.partition("~")[0],
                    _Kept(source=one["event"], connection=connection, event=event, person=person or "", at=at),
                )
        return sorted(found.values(), key=lambda one: one.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """An event that the bot has kept."""

    source: str
    connection: str
    event: Mapping[str, Any]
    person: str
    at: float


class _Look:
    """One look back at events, of which each is counted once."""

    def __init__(self, flow: SetUp, threshold: Threshold, preview: Preview) -> None:
        self.threshold = threshold
        self.preview = preview
        asked = {path for path in references.paths(flow.document) if path.startswith("event.")}
        self._asked = sorted(asked)
        self._until: dict[str, float] = {}

    def at(self, source: Source, connection: str, event: Mapping[str, Any], at: float, *, told: bool) -> None:
        """Count an event. `told` says that it is whole."""
        preview = self.preview
        preview.events += 1
        if not told:
            scope = {"event": event}
            preview.untold.update(path for path in self._asked if references.look_up(path, scope) is None)
        found = self.threshold.look(source.name, connection, event)
        if not isinstance(found, Woken):
            preview.guards.update(found[:1])
            return
        if found.once is not None:
            key, within = found.once
            if self._until.get(key, 0.0) > at:
                preview.once += 1
                return
            self._until[key] = at + within
        preview.woken += 1
        preview.latest.append(Moment(at=at, event=event))


class _Memory:
    """What is remembered of the events that a preview has looked at, and of no others."""

    def __init__(self) -> None:
        self._known: dict[str, Remembered] = {}

    async def change(
        self, keys: Sequence[str], work: Callable[[Sequence[Remembered]], tuple[Sequence[Remembered], T]]
    ) -> T:
        """Look some keys up, and remember something else under them."""
        after, result = work([self._known.get(key) for key in keys])
        self._known.update(zip(keys, after, strict=True))
        return result

    async def denied(self, _address: str) -> Listed | None:
        """Distrust no address: who is on the list now need not have been then."""
        return None


async def _enriched(source: Source, memory: _Memory, event: Mapping[str, Any], at: float) -> Mapping[str, Any]:
    if source.enrich is None or (source.complete is not None and source.complete(event)):
        return event
    return await source.enrich(memory, event, at)


def _same(kept: Sequence[_Kept], source: Source, event: Mapping[str, Any], at: float) -> _Kept | None:
    """Return the event that the bot has kept of the same thing."""
    person = references.look_up(f"event.{source.person}", {"event": event}) if source.person else None
    fits = (one for one in kept if one.source == source.name and abs(one.at - at) <= SAME)
    return next((one for one in fits if person is not None and one.person == person), None)


def scheduled(now: float) -> Mapping[str, Any]:
    """Return the event of a schedule for this moment."""
    return {"scheduled_for": datetime.fromtimestamp(now, UTC).isoformat()}
