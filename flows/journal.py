"""The journal of a run: what it has done so far, so that it can go on after a crash or a long wait."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Act = Callable[[], Awaitable[Any]]
"""Something that reaches outside of the run. What it returns is JSON."""
Work = Callable[[Any], Any]
"""A change in our own database, given an open connection. What it returns is JSON. It may be tried more than once:
only one time is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One line of a journal."""

    value: Any
    at: float
    """When it began, in Unix seconds."""
    took: float
    """Seconds."""


def begun(name: str) -> str:
    """Return the name under which is noted that something is about to be done; it is given that of its outcome."""
    path, again, number = name.partition("#")
    return f"{path}/begun{again}{number}"


class Journal(Protocol):
    """What a run asks of its journal. Names are unique within a run: the path of a step, and what of it."""

    def noted(self, name: str) -> Note | None:
        """Return what was noted under a name."""
        ...

    async def step(self, name: str, act: Act) -> Any:
        """Return what was noted under a name; if nothing was, act and note it."""
        ...

    async def stored(self, name: str, work: Work) -> Any:
        """Return what was noted under a name; if nothing was, change our own database and note it, both or neither."""
        ...

    async def fold(self, name: str, work: Work, *, within: Sequence[str]) -> Any:
        """As `stored`, and forget what was noted under names that begin with these: the one note stands for all."""
        ...


class MemoryJournal:
    """A journal that lives as long as the process: for dry runs, traces and tests."""

    def __init__(
        self,
        now: Callable[[], float],
        *,
        store: Callable[[Work], Awaitable[Any]] | None = None,
        notes: Mapping[str, Note] | None = None,
    ) -> None:
        self.notes = dict(notes or {})
        self._now = now
        self._store = store

    def noted(self, name: str) -> Note | None:
        """Return what was noted under a name."""
        return self.notes.get(name)

    async def step(self, name: str, act: Act) -> Any:
        """Return what was noted under a name; if nothing was, act and note it."""
        if name not in self.notes:
            at = self._now()
            value = await act()
            self.notes[name] = Note(value=value, at=at, took=self._now() - at)
        return self.notes[name].value

    async def stored(self, name: str, work: Work) -> Any:
        """Return what was noted under a name; if nothing was, change the database that was handed in and note it."""

        async def act() -> Any:
            return await self._store(work) if self._store else work(None)

        return await self.step(name, act)

    async def fold(self, name: str, work: Work, *, within: Sequence[str]) -> Any:
        """As `stored`, and forget what was noted under names that begin with these."""
        value = await self.stored(name, work)
        self.notes = {noted: note for noted, note in self.notes.items() if not noted.startswith(tuple(within))}
        return value
