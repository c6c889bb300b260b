"""The alarm clock: what has to happen at a time."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler

DEADLINE: Final = "deadline"


class Clock:
    """Rings once at the time it was last set to. It remembers nothing: whoever sets it knows the times."""

    def __init__(self, ring: Callable[[], Awaitable[None]]) -> None:
        self._ring = ring
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    def start(self) -> None:
        """Begin to tell the time. Call this on the running event loop."""
        self._scheduler.start()

    def set(self, at: float | None) -> None:
        """Ring at a time (Unix seconds; at once if it has passed), or not at all."""
        if at is None:
            if self._scheduler.get_job(DEADLINE):
                self._scheduler.remove_job(DEADLINE)
            return
        self._scheduler.add_job(
            self._ring,
            "date",
            run_date=datetime.fromtimestamp(at, UTC),
            id=DEADLINE,
            replace_existing=True,
            misfire_grace_time=None,
        )

    def stop(self) -> None:
        """Ring no more."""
        self._scheduler.shutdown(wait=False)
