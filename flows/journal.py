"""The journal of a run: what it has done so far, so that it can go on after a crash or a long wait."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

Act = Callable[[], Awaitable[Any]]
"""Something that reaches outside of the run. What it returns is JSON."""


class SuspendedError(Exception):
    """The run waits for something that has not come. It is begun again, over the same journal, when it has."""


class Journal(Protocol):
    """What a run asks of its journal. Names are unique within a run: the path of a step, and what of it."""

    async def step(self, name: str, act: Act) -> Any:
        """Return what was noted under a name; if nothing was, act and note it."""
        ...

    async def receive(self, name: str, look: Act) -> Any:
        """Return what was received under a name. Raises SuspendedError while `look` finds None."""
        ...

    async def sleep(self, name: str, seconds: float) -> None:
        """Let some time pass, once."""
        ...


class MemoryJournal:
    """A journal that lives as long as the process: for dry runs, answers within a login, and tests."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        self.noted: dict[str, Any] = {}
        self._sleep = sleep

    async def step(self, name: str, act: Act) -> Any:
        """Return what was noted under a name; if nothing was, act and note it."""
        if name not in self.noted:
            self.noted[name] = await act()
        return self.noted[name]

    async def receive(self, name: str, look: Act) -> Any:
        """Return what was received under a name. Raises SuspendedError while `look` finds None."""
        if name not in self.noted:
            found = await look()
            if found is None:
                raise SuspendedError(name)
            self.noted[name] = found
        return self.noted[name]

    async def sleep(self, name: str, seconds: float) -> None:
        """Let some time pass, once."""
        if name not in self.noted:
            await self._sleep(seconds)
            self.noted[name] = seconds
