"""Schedules: the times at which a flow wakes by itself, and what becomes of those that nobody was there for."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, assert_never

from flows import cron, days, durations, references
from flows.triggers import AtTrigger, CronTrigger, EveryTrigger, Schedule, Trigger

FRESH: Final = 60.0
"""Seconds for which a time that has come is not yet missed."""

MOST: Final = 1_000
"""Missed times that are made up for at once, the latest ones; those before them are let go."""


def schedule_of(trigger: Trigger, settings: Mapping[str, Any]) -> Schedule | None:
    """Return the schedule that a trigger is with a flow's settings, or None if it is none.

    Raises ValueError if what is set is no time.
    """
    match trigger:
        case CronTrigger() | EveryTrigger():
            return trigger
        case AtTrigger():
            set_ = references.fill(trigger.model_dump(by_alias=True), {"settings": settings})
            at = AtTrigger.model_validate(set_)
            return CronTrigger.model_validate(
                {"cron": days.cron(at.at, at.days), "time zone": at.zone, "missed": at.missed}
            )
        case _:
            return None


def due(trigger: Schedule, *, last: float, now: float) -> list[float]:
    """Return the times after `last`, up to `now`, at which the flow is to run now, in order.

    A time that is less than a minute old is always among them. Of those before it, `missed: once` takes the latest, `all`
    every one (the latest 1,000), `skip` none. `last` is when this was asked before. Whoever asks keeps the greater of the
    two for the next time: then no time comes twice, also if the clock is set back, and nothing is due until it is where
    it was.
    """
    missed: list[float]
    match trigger.missed:
        case "skip":
            missed = []
        case "once":
            missed = _latest(trigger, last, now - FRESH, 1)
        case "all":
            missed = _latest(trigger, last, now - FRESH, MOST)
        case _:
            assert_never(trigger.missed)
    return missed + list(_between(trigger, max(last, now - FRESH), now))


def following(trigger: Schedule, after: float) -> float | None:
    """Return the first time after a moment, or None if there is none within nine years."""
    return next(_times(trigger, after), None)


def _times(trigger: Schedule, after: float) -> Iterator[float]:
    match trigger:
        case CronTrigger():
            yield from cron.read(trigger.cron, trigger.zone).after(after)
        case EveryTrigger():
            length = durations.seconds(trigger.every)
            number = int(after // length)
            while True:
                number += 1
                yield float(number * length)
        case _:
            assert_never(trigger)


def _between(trigger: Schedule, after: float, until: float) -> Iterator[float]:
    for at in _times(trigger, after):
        if at > until:
            return
        yield at


def _latest(trigger: Schedule, after: float, until: float, most: int) -> list[float]:
    # From the end backwards, in spans that double: after years of absence nobody counts every minute of them.
    span = most * FRESH
    while True:
        since = max(after, until - span)
        found = list(_between(trigger, since, until))
        if len(found) >= most or since <= after:
            return found[-most:]
        span *= 2
