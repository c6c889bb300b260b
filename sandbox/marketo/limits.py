"""How often the instance may be asked: in a window of time, at once, and in a day."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sandbox.marketo.answers import Refusal

if TYPE_CHECKING:
    from sandbox.marketo.instance import Settings


class Limits:
    """The counts of all calls, whoever makes them."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._moments: deque[float] = deque()
        self.under_way = 0
        self.most_at_once = 0
        """How many calls were really under way together, at most."""
        self.most_in_window = 0
        """How many calls came within one window, at most."""
        self.today = 0
        """How many calls count against the quota of the day."""

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a call, from its arrival to its answer."""
        now = time.monotonic()
        self._moments.append(now)
        while self._moments[0] <= now - self._settings.seconds:
            self._moments.popleft()
        self.most_in_window = max(self.most_in_window, len(self._moments))
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            yield
        finally:
            self.under_way -= 1

    def refuse_too_many(self) -> None:
        """Refuse the call that is one too many."""
        if self.under_way > self._settings.at_once:
            raise Refusal(615, "Concurrent access limit reached")
        if len(self._moments) > self._settings.calls:
            seconds = f"{self._settings.seconds:g}"
            raise Refusal(606, f"Max rate limit '{self._settings.calls}' exceeded with in '{seconds}' secs")
        if self.today >= self._settings.daily:
            raise Refusal(607, "Daily quota reached")
        self.today += 1

    def begin_again(self) -> None:
        """Forget what was counted; what is under way stays so."""
        self._moments.clear()
        self.most_at_once = self.under_way
        self.most_in_window = self.today = 0

    def as_given(self) -> dict[str, Any]:
        """Show the counts."""
        return {
            "under_way": self.under_way,
            "most_at_once": self.most_at_once,
            "most_in_window": self.most_in_window,
            "today": self.today,
        }
