"""The alarm clock: what has to happen at a time, and what again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from apscheduler.events import EVENT_JOB_ERROR
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

log = structlog.get_logger()

LONGEST_SLEEP: Final = 30.0
"""Seconds after which the clock looks at the time again: somebody may have set it."""

_JUMP: Final = 2.0
"""Seconds by which the time of day may run away from the time that has passed, before it counts as having been set."""

Work = Callable[[], Awaitable[None]]


class Clock:
    """Rings once at the time it was last set to, and repeats work. It remembers nothing: whoever sets it knows the times.

    An error in what it starts is logged, and the clock goes on. Call it on the event loop.
    """

    def __init__(self, ring: Work, *, now: Callable[[], float], longest_sleep: float = LONGEST_SLEEP) -> None:
        self._ring = ring
        self._now = now
        self._longest_sleep = longest_sleep
        self._at: float | None = None
        self._ringing = False
        self._sleep: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._seen = (0.0, 0.0)
        self._repeated: list[tuple[Any, float]] = []
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._scheduler.add_listener(_report, EVENT_JOB_ERROR)

    def start(self) -> None:
        """Begin to tell the time. Call this on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._seen = (self._now(), self._loop.time())
        self._scheduler.start()
        self._look()

    def stop(self) -> None:
        """Ring no more, and repeat nothing. What is under way is cancelled. A clock that has not started stays so."""
        if self._loop is None:
            return
        self._loop = None
        if self._sleep is not None:
            self._sleep.cancel()
        self._scheduler.shutdown(wait=False)

    def set(self, at: float | None) -> None:
        """Ring at a time (Unix seconds; at once if it has passed), or not at all.

        A ring that fails comes again after half a minute, unless the clock was set meanwhile.
        """
        self._at = at
        self._look()

    def every(self, seconds: float, work: Work, name: str) -> None:
        """Do some work again and again, for the first time after so many seconds, and never twice at the same time."""

        async def once() -> None:
            await work()

        repeated = self._scheduler.add_job(once, IntervalTrigger(seconds=seconds, timezone=UTC), id=name, name=name)
        self._repeated.append((repeated, seconds))

    def _look(self) -> None:
        """Ring if it is time, otherwise sleep for a while and look again."""
        if self._loop is None:
            return
        if self._sleep is not None:
            self._sleep.cancel()
        now = self._now()
        self._notice_jump(now, self._loop.time())
        nap = self._longest_sleep
        if self._at is not None and not self._ringing:  # while it rings nothing is lost: it looks again after that
            nap = min(nap, self._at - now)
            if nap <= 0:
                self._at, self._ringing, nap = None, True, self._longest_sleep
                self._scheduler.add_job(self._sound, name="ring")
        self._sleep = self._loop.call_later(nap, self._look)

    async def _sound(self) -> None:
        failed = True
        try:
            await self._ring()
            failed = False
        finally:
            self._ringing = False
            if failed and self._at is None:
                self._at = self._now() + LONGEST_SLEEP
            self._look()

    def _notice_jump(self, now: float, passed: float) -> None:
        seen, self._seen = self._seen, (now, passed)
        if (now - seen[0]) - (passed - seen[1]) < -_JUMP:
            # APScheduler goes by the time of day, and would repeat nothing until it is again what it was.
            log.warning("clock set back", seconds=round(seen[0] + (passed - seen[1]) - now))
            for repeated, seconds in self._repeated:
                repeated.modify(next_run_time=datetime.now(UTC) + timedelta(seconds=seconds))


def _report(event: Any) -> None:
    if isinstance(event.exception, asyncio.CancelledError):
        return  # the clock was stopped
    log.error("clock work failed", work=event.job_id, exc_info=event.exception)
