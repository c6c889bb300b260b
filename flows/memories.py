"""Memories: what is remembered of the events of a connection, a small JSON object for each key.

Looking up is fast: what was used lately is held here, and keys that are asked for at the same moment are read together.
What changes is written a moment later, all together: the end of a process without a farewell loses that moment. Several
processes on one database see what the others remember within seconds; of two that change one key at the same time, the
later wins.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

import sqlalchemy as sa
import structlog
from sqlmodel import col

from connectors.base import Listed, Remembered
from flows.denied_addresses import DeniedAddresses
from flows.store import StorageError, Store, dialect_of
from flows.tables import Memory

T = TypeVar("T")

HELD: Final = 20_000
"""Keys held here. More are looked up again."""
BELIEVED: Final = 2.0
"""Seconds that what was read is believed: another process may know better then."""
PAUSE: Final = 0.5
"""Seconds between a change and its being written."""
AT_ONCE: Final = 500
"""Keys that are read or written together."""
LONGEST_KEY: Final = 300
"""Characters of a key."""

_LET_GO: Final = 10
"""Keys let go of with each change, at most."""

Key = tuple[str, str]

log = structlog.get_logger()


@dataclass(slots=True)
class _Held:
    value: Remembered
    read_at: float
    dirty: bool = False


@dataclass(slots=True)
class _Asked:
    """Somebody who waits for keys."""

    keys: Sequence[Key]
    there: asyncio.Future[None]


@dataclass(slots=True)
class _State:
    """What is held, what waits to be read, and what waits to be written."""

    held: OrderedDict[Key, _Held] = field(default_factory=OrderedDict)
    asked: list[_Asked] = field(default_factory=list)
    dirty: dict[Key, None] = field(default_factory=dict)
    reading: asyncio.Task[None] | None = None
    writing: asyncio.Task[None] | None = None


class Memories:
    """What is remembered of the events of all connections."""

    def __init__(self, store: Store, denied: DeniedAddresses, *, now: Callable[[], float], held: int = HELD) -> None:
        self._store = store
        self._denied = denied
        self._now = now
        self._most = held
        self._state = _State()

    def of(self, connection: str) -> "ConnectionMemory":
        """Return the memory of one connection."""
        return ConnectionMemory(self, self._denied, connection)

    async def change(
        self, keys: Sequence[Key], work: Callable[[Sequence[Remembered]], tuple[Sequence[Remembered], T]]
    ) -> T:
        """Look keys up and change what is remembered under them, without anything else between. Raises StorageError."""
        for _, name in keys:
            if len(name) > LONGEST_KEY:
                raise ValueError(f"A key of what is remembered has at most {LONGEST_KEY} characters.")
        while not self._known(keys):
            await self._look_up(keys)
        held = self._state.held
        before = [held[key].value for key in keys]
        after, found = work(before)
        for key, old, new in zip(keys, before, after, strict=True):
            held.move_to_end(key)
            if new != old:
                held[key].value, held[key].dirty = new, True
                self._state.dirty[key] = None
        if self._state.dirty and self._state.writing is None:
            self._state.writing = asyncio.get_running_loop().create_task(self._write_soon())
        self._shrink()
        return found

    def _known(self, keys: Sequence[Key]) -> bool:
        """Say whether all keys are held here, and believed."""
        oldest, held = self._now() - BELIEVED, self._state.held
        return all((one := held.get(key)) is not None and (one.dirty or one.read_at > oldest) for key in keys)

    def _shrink(self) -> None:
        """Let go of what was not used for longest. What is not written yet stays, up to twice as much."""
        held = self._state.held
        for _ in range(min(len(held) - self._most, _LET_GO)):
            key, one = held.popitem(last=False)
            if not one.dirty:
                continue
            if len(held) < 2 * self._most:
                held[key] = one
            else:  # the database has been away for long
                self._state.dirty.pop(key, None)

    # --- reading ----------------------------------------------------------------------------------------------------

    async def _look_up(self, keys: Sequence[Key]) -> None:
        asked = _Asked(keys, asyncio.get_running_loop().create_future())
        self._state.asked.append(asked)
        if self._state.reading is None:
            self._state.reading = asyncio.get_running_loop().create_task(self._read_all())
        await asked.there

    async def _read_all(self) -> None:
        """Read for everybody who waits, many at a time, until nobody does."""
        state = self._state
        try:
            while state.asked:
                some: list[_Asked] = []
                keys: dict[Key, None] = {}
                while state.asked and len(keys) < AT_ONCE:
                    some.append(state.asked.pop(0))
                    keys.update(dict.fromkeys(some[-1].keys))
                await self._read(some, [key for key in keys if not self._known([key])])
        finally:
            state.reading = None

    async def _read(self, some: Sequence[_Asked], keys: Sequence[Key]) -> None:
        try:
            found = await self._store.read(lambda session: _rows(session.connection(), keys))
        except Exception as error:  # noqa: BLE001  # it is theirs who wait
            for asked in some:
                if not asked.there.done():
                    asked.there.set_exception(error)
            return
        now = self._now()
        for key in keys:
            one = self._state.held.get(key)
            if one is None or not one.dirty:
                self._state.held[key] = _Held(found.get(key), now)
                self._state.held.move_to_end(key)
        for asked in some:
            if not asked.there.done():
                asked.there.set_result(None)

    # --- writing ----------------------------------------------------------------------------------------------------

    async def _write_soon(self) -> None:
        try:
            while self._state.dirty:
                await asyncio.sleep(PAUSE)
                try:
                    await self._write()
                except StorageError as error:
                    log.warning("memories_not_kept", waiting=len(self._state.dirty), why=str(error))
        finally:
            self._state.writing = None

    async def _write(self) -> None:
        """Write what has changed. What cannot be written waits for the next time."""
        state = self._state
        keys = list(state.dirty)
        state.dirty.clear()
        for start in range(0, len(keys), AT_ONCE):
            some = {key: state.held[key].value for key in keys[start : start + AT_ONCE] if key in state.held}
            now = self._now()
            try:
                await self._store.order(partial(_keep, values=some, now=now))
            except BaseException:  # also when it is broken off: what is not kept stays to be kept
                state.dirty.update(dict.fromkeys(key for key in keys[start:] if key in state.held))
                raise
            for key, value in some.items():
                one = state.held.get(key)
                if one is not None and one.value is value:
                    one.dirty, one.read_at = False, now

    async def close(self) -> None:
        """Write what is not written yet."""
        if self._state.writing is not None:
            self._state.writing.cancel()
            await asyncio.gather(self._state.writing, return_exceptions=True)
        await self._write()


@dataclass(frozen=True, slots=True)
class ConnectionMemory:
    """What is remembered of the events of one connection."""

    _memories: Memories
    _denied: DeniedAddresses
    _connection: str

    async def change(
        self, keys: Sequence[str], work: Callable[[Sequence[Remembered]], tuple[Sequence[Remembered], T]]
    ) -> T:
        """Look keys up and change what is remembered under them, without anything else between. Raises StorageError."""
        return await self._memories.change([(self._connection, key) for key in keys], work)

    async def denied(self, address: str) -> Listed | None:
        """Return why an address is not trusted at this connection, if somebody has said so. Raises StorageError."""
        return await self._denied.find(self._connection, address)


def _rows(connection: sa.Connection, keys: Sequence[Key]) -> Mapping[Key, Mapping[str, Any]]:
    by_connection: dict[str, list[str]] = {}
    for name, key in keys:
        by_connection.setdefault(name, []).append(key)
    found = {}
    for name, theirs in by_connection.items():
        query = sa.select(col(Memory.key), col(Memory.value)).where(
            col(Memory.connection) == name, col(Memory.key).in_(theirs)
        )
        found.update({(name, key): value for key, value in connection.execute(query)})
    return found


def _keep(connection: sa.Connection, values: Mapping[Key, Remembered], now: float) -> None:
    rows = [
        {"connection": name, "key": key, "value": value, "touched": now}
        for (name, key), value in sorted(values.items(), key=lambda one: one[0])
        if value is not None
    ]
    gone = [key for key, value in values.items() if value is None]
    if rows:
        insert = dialect_of(connection).insert(Memory)
        said = {"value": insert.excluded.value, "touched": insert.excluded.touched}
        connection.execute(insert.on_conflict_do_update(index_elements=["connection", "key"], set_=said), rows)
    for name, key in gone:
        connection.execute(sa.delete(Memory).where(col(Memory.connection) == name, col(Memory.key) == key))
