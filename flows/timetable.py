"""The timetable: when flows with a schedule wake, remembered so that no time is kept twice, or forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
import structlog
from pydantic import ValidationError
from sqlmodel import col

from flows import run_states
from flows.language import Template, Turns
from flows.misses import TURN, Misses
from flows.schedules import due, following, schedule_of
from flows.store import SetUp, Store, dialect_of
from flows.tables import Run, Tick
from flows.triggers import Schedule

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Line:
    """One schedule of one flow."""

    flow: SetUp
    trigger: int
    schedule: Schedule
    turns: Turns


class Timetable:
    """The schedules of the flows that are on."""

    def __init__(self, store: Store, misses: Misses) -> None:
        self._store = store
        self._misses = misses
        self._lines: list[_Line] = []
        self._ticked: float | None = None

    async def open_for(self, flows: Sequence[SetUp], now: float) -> None:
        """Keep the schedules of these flows from now on. One that is new begins now: nothing before it was missed."""
        self._lines = [line for flow in flows if flow.enabled for line in _lines(flow)]
        self._ticked = None  # what came for a flow just when somebody changed it was left until it is known
        lines = list(self._lines)
        if not lines:
            return

        def begin(connection: sa.Connection) -> None:
            rows = [{"flow": line.flow.name, "trigger": line.trigger, "at": now} for line in lines]
            connection.execute(dialect_of(connection).insert(Tick).on_conflict_do_nothing(), rows)

        await self._store.order(begin)

    def next(self, now: float) -> float | None:
        """Return the next time that a flow wakes at, counted from when this was last asked what has come.

        Nobody has asked yet: it is now, for what was missed before.
        """
        if not self._lines:
            return None
        if self._ticked is None:
            return now
        times = [following(line.schedule, self._ticked) for line in self._lines]
        return min((at for at in times if at is not None), default=None)

    async def tick(self, now: float) -> bool:
        """Accept a run for every time that has come. Returns whether there was one.

        A schedule's row is locked meanwhile, and a run's name holds its time: of several processes, one accepts it.
        """
        lines = list(self._lines)

        def work(connection: sa.Connection) -> bool:
            accepted = [
                _tick(connection, line, now, self._misses) for line in lines
            ]  # every one, also after the first that accepts
            return any(accepted)

        accepted = await self._store.order(work)
        self._ticked = max(self._ticked or now, now)
        return accepted


def _tick(connection: sa.Connection, line: _Line, now: float, misses: Misses) -> bool:
    this = (col(Tick.flow) == line.flow.name, col(Tick.trigger) == line.trigger)
    last = connection.execute(sa.select(col(Tick.at)).where(*this).with_for_update()).scalar()
    if last is None or last >= now or not run_states.still_so(connection, [line.flow]):
        return False
    accepted = False
    for at in due(line.schedule, last=last, now=now):
        name = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
        event_id = f"time:{line.trigger}:{name}"
        event = {"scheduled_for": name}
        lane = run_states.lane(line.turns, line.flow.settings, event)
        state, _ = run_states.turn(connection, line.flow.name, lane, line.turns, now)
        if state is None:
            misses.note(line.flow.name, TURN, event_id, lane, line.turns.mode, now)
            continue
        run = Run(
            id=f"{line.flow.name}/{line.flow.version}/{event_id}",
            flow=line.flow.name,
            version=line.flow.version,
            trigger=line.trigger,
            event_id=event_id,
            event=event,
            lane=lane,
            state=state,
            began_at=now,
        )
        accepted = run_states.add(connection, run) or accepted
    connection.execute(sa.update(Tick).where(*this).values(at=max(last, now)))
    return accepted


def _lines(flow: SetUp) -> list[_Line]:
    try:
        template = Template.model_validate(flow.document)
        schedules = [schedule_of(trigger, flow.settings) for trigger in template.when]
    except ValidationError:
        return []  # the door says so, or the flow's settings are none that its form would have let through
    return [
        _Line(flow, index, schedule, template.runs) for index, schedule in enumerate(schedules) if schedule is not None
    ]
