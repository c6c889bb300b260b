"""The timetable: schedules become runs, each time once, whatever the clock, the calendar and the processes do."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from bot import schema
from flows import document
from flows.language import Template, written
from flows.misses import TURN, Misses
from flows.schedules import MOST
from flows.store import SetUp, Store, open_engine
from flows.tables import Run
from flows.timetable import Timetable
from tests.flows.drivers import Outside
from tests.flows.lifecycle import Time, ended, head, living, note

BERLIN = "Europe/Berlin"
STEPS = f"\n  - {note('{{ event.scheduled_for }}')}\n"
HOUR, DAY = 3600.0, 86400.0


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def cron(expression: str, zone: str = "UTC", missed: str = "once") -> str:
    return f'when: {{cron: "{expression}", time zone: {zone}, missed: {missed}}}'


def every(length: str, missed: str = "once") -> str:
    return f"when: {{every: {length}, missed: {missed}}}"


class Process:
    """One process that looks at the time, seen without its clock: the test says when it is what time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.misses = Misses()
        self.timetable = Timetable(store, self.misses)

    async def open(self, now: float) -> None:
        """Take note of the flows as they are."""
        await self.timetable.open_for(await self.store.flows(), now)

    async def until(self, now: float, end: float) -> float:
        """Let time go on, and look whenever the alarm clock rings. Returns the last time it rang."""
        last = now
        while (at := self.timetable.next(last)) is not None and at <= end:
            last = max(last, at)
            await self.timetable.tick(last)
        return last


Opened = Callable[[], Process]


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    """Opens processes over one database."""
    with ExitStack() as stack:

        def one_more() -> Process:
            engine = open_engine(f"sqlite:///{tmp_path / 'flows.sqlite'}")
            stack.callback(engine.dispose)
            schema.upgrade(engine)
            store = Store(engine)
            stack.callback(store.close)
            return Process(store)

        yield one_more


async def set_up(store: Store, when: str, *, now: float, more: str = "", name: str = "f", steps: str = STEPS) -> SetUp:
    """Set a flow up that wakes by itself."""
    template = Template.model_validate(document.read(head(more, when) + steps))
    return await store.set_up(
        name,
        template=template.template,
        document=written(template),
        settings={"account": "a", "most": 2},
        by="U1",
        now=now,
    )


async def runs_of(store: Store, name: str = "f") -> list[Run]:
    query = select(Run).where(Run.flow == name).order_by(col(Run.event_id))
    return await store.read(lambda session: list(session.exec(query).all()))


async def times(store: Store, name: str = "f") -> list[str]:
    """Return the times for which a flow has runs."""
    return [run.event["scheduled_for"].removesuffix(":00Z") for run in await runs_of(store, name)]


# --- the calendar -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "begin", "end", "expected"),
    [
        (every("1h"), "2024-07-01T09:30+00:00", "2024-07-01T12:00+00:00", ["07-01T10:00", "07-01T11:00", "07-01T12:00"]),
        (every("90m"), "2024-07-01T00:00+00:00", "2024-07-01T04:00+00:00", ["07-01T01:30", "07-01T03:00"]),
        (cron("0 9 * * mon"), "2024-07-01T08:00+00:00", "2024-07-09T00:00+00:00", ["07-01T09:00", "07-08T09:00"]),
        (cron("0 9 * * *", BERLIN), "2024-07-01T00:00+00:00", "2024-07-02T08:00+00:00", ["07-01T07:00", "07-02T07:00"]),
        (cron("0 9 * * *", "Asia/Kolkata"), "2024-07-01T00:00+00:00", "2024-07-02T00:00+00:00", ["07-01T03:30"]),
        # the hour that there is not: at the moment that the clocks skip it
        (cron("30 2 * * *", BERLIN), "2024-03-30T00:00+01:00", "2024-04-01T12:00+02:00", ["03-30T01:30", "03-31T01:00", "04-01T00:30"]),
        (cron("0 9 * * *", BERLIN), "2024-03-30T00:00+01:00", "2024-03-31T12:00+02:00", ["03-30T08:00", "03-31T07:00"]),
        # the hour that there is twice: once
        (cron("30 2 * * *", BERLIN), "2024-10-26T12:00+02:00", "2024-10-28T12:00+01:00", ["10-27T00:30", "10-28T01:30"]),
        (cron("*/30 2 * * *", BERLIN), "2024-10-26T12:00+02:00", "2024-10-27T12:00+01:00", ["10-27T00:00", "10-27T00:30"]),
        # a length of time knows nothing of clocks
        (every("1h"), "2024-10-27T01:30+02:00", "2024-10-27T03:00+01:00", ["10-27T00:00", "10-27T01:00", "10-27T02:00"]),
    ],
)  # fmt: skip
async def test_each_time_of_a_schedule_becomes_a_run(
    opened: Opened, when: str, begin: str, end: str, expected: list[str]
) -> None:
    process = opened()
    await set_up(process.store, when, now=moment(begin))
    await process.open(moment(begin))
    await process.until(moment(begin), moment(end))
    assert await times(process.store) == [f"2024-{time}" for time in expected]
    assert {run.state for run in await runs_of(process.store)} == {"ready"}


async def test_several_schedules_of_a_flow_each_have_their_times(opened: Opened) -> None:
    process, begin = opened(), moment("2024-07-01T00:00+00:00")
    when = 'when: [{every: 12h}, {by hand: {}}, {cron: "0 12 * * *"}]'
    await set_up(process.store, when, now=begin)
    await process.open(begin)
    await process.until(begin, begin + DAY)
    found = [(run.trigger, run.event["scheduled_for"]) for run in await runs_of(process.store)]
    assert found == [(0, "2024-07-01T12:00:00Z"), (0, "2024-07-02T00:00:00Z"), (2, "2024-07-01T12:00:00Z")]


# --- clocks that are set ----------------------------------------------------------------------------------------------

NOON = moment("2024-07-01T12:00+00:00")


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_clock_that_is_set_back_brings_no_time_twice_and_goes_on_from_where_it_was(
    opened: Opened, restarted: bool
) -> None:
    process = opened()
    await set_up(process.store, every("1h", "all"), now=NOON)
    await process.open(NOON)
    assert await process.until(NOON, NOON + 3 * HOUR) == NOON + 3 * HOUR
    if restarted:
        process = opened()
        await process.open(NOON + 0.5 * HOUR)
    for back in (0.5, 1.0, 1.5, 2.0, 3.0):
        await process.timetable.tick(NOON + back * HOUR)
    assert await times(process.store) == [f"2024-07-01T{hour}:00" for hour in (13, 14, 15)]
    await process.until(NOON + 3 * HOUR, NOON + 4 * HOUR)
    assert await times(process.store) == [f"2024-07-01T{hour}:00" for hour in (13, 14, 15, 16)]


async def test_a_flow_that_was_set_up_while_the_clock_was_ahead_begins_when_it_is_there(opened: Opened) -> None:
    process = opened()
    await set_up(process.store, every("1h"), now=NOON + 5 * HOUR)
    await process.open(NOON + 5 * HOUR)
    await process.timetable.tick(NOON + HOUR)
    assert await times(process.store) == []
    await process.timetable.tick(NOON + 6 * HOUR)
    assert await times(process.store) == ["2024-07-01T18:00"]


# --- times that nobody was there for ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missed", "minutes", "expected"),
    [
        ("once", 30, [15]),
        ("all", 30, [13, 14, 15]),
        ("skip", 30, []),
        ("skip", 0.5, [15]),
        ("once", 0.5, [14, 15]),
        ("all", 0.5, [13, 14, 15]),
    ],
)
async def test_whoever_was_away_makes_up_for_what_the_flow_says(
    opened: Opened, missed: str, minutes: float, expected: list[int]
) -> None:
    before = opened()
    await set_up(before.store, every("1h", missed), now=NOON)
    await before.open(NOON)
    await before.timetable.tick(NOON + 60)
    after, now = opened(), NOON + 3 * HOUR + minutes * 60
    await after.open(now)
    assert after.timetable.next(now) == now
    assert await after.timetable.tick(now) == bool(expected)
    assert await times(after.store) == [f"2024-07-01T{hour}:00" for hour in expected]
    assert after.timetable.next(now) == NOON + 4 * HOUR


async def test_after_a_month_of_absence_the_latest_thousand_of_every_minute_are_made_up_for(opened: Opened) -> None:
    process = opened()
    await set_up(process.store, every("1m", "all"), now=NOON)
    await process.open(NOON)
    await process.timetable.tick(NOON + 30 * DAY)
    found = await times(process.store)
    assert len(found) == MOST + 1  # the one of this minute is not missed
    assert (found[0], found[-1]) == ("2024-07-30T19:20", "2024-07-31T12:00")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("{mode: parallel}", ["ready", "ready", "ready"]),
        ("{mode: queued}", ["ready", "queued", "queued"]),
        ("{mode: queued, limit: 1}", ["ready", "queued"]),
        ("{mode: single}", ["ready"]),
        ("{mode: restart}", ["cancelled", "cancelled", "ready"]),
    ],
)
async def test_what_is_made_up_for_takes_its_turn(opened: Opened, mode: str, expected: list[str]) -> None:
    process = opened()
    await set_up(process.store, every("1h", "all"), more=f"runs: {mode}", now=NOON)
    await process.open(NOON)
    await process.timetable.tick(NOON + 3 * HOUR)
    assert [run.state for run in await runs_of(process.store)] == expected
    turned_away = process.misses.take()
    assert sum(turned_away.counts.values()) == 3 - len(expected)
    assert {guard for _, _, guard in turned_away.counts} <= {TURN}


async def test_a_schedule_shares_the_lane_of_its_key_with_what_events_wake(opened: Opened) -> None:
    process = opened()
    per = 'runs: {mode: queued, per: "{{ settings.account }}"}'
    await set_up(process.store, every("1h"), more=per, now=NOON)
    await process.open(NOON)
    await process.timetable.tick(NOON + HOUR)
    assert [run.lane for run in await runs_of(process.store)] == ["a"]


# --- several processes ------------------------------------------------------------------------------------------------


async def test_two_processes_that_look_at_once_accept_each_time_once(opened: Opened) -> None:
    both = [opened(), opened()]
    for name in "fgh":
        await set_up(both[0].store, every("1h", "all"), name=name, now=NOON)
    for process in both:
        await process.open(NOON)
    for hour in range(1, 9):
        accepted = await asyncio.gather(*(process.timetable.tick(NOON + hour * HOUR) for process in both))
        assert sorted(accepted) == [False, True]
    for name in "fgh":
        assert await times(both[0].store, name) == [f"2024-07-01T{hour}:00" for hour in range(13, 21)]


async def test_processes_whose_clocks_differ_accept_each_time_once(opened: Opened) -> None:
    ahead, behind = opened(), opened()
    await set_up(ahead.store, every("1h", "all"), now=NOON)
    await ahead.open(NOON + 40)
    await behind.open(NOON)
    for hour in range(1, 5):
        await asyncio.gather(ahead.timetable.tick(NOON + hour * HOUR + 40), behind.timetable.tick(NOON + hour * HOUR))
    assert await times(ahead.store) == [f"2024-07-01T{hour}:00" for hour in range(13, 17)]


# --- flows that change ------------------------------------------------------------------------------------------------


async def test_a_flow_that_is_off_does_not_wake_and_misses_nothing(opened: Opened) -> None:
    process = opened()
    await set_up(process.store, every("1h", "all"), now=NOON)
    await process.open(NOON)
    await process.store.switch_off("f", by="U1", now=NOON)
    await process.timetable.tick(NOON + HOUR)  # it has not heard of it yet
    await process.open(NOON + HOUR)
    assert process.timetable.next(NOON + HOUR) is None
    await set_up(process.store, every("1h", "all"), now=NOON + 3.5 * HOUR)
    await process.open(NOON + 3.5 * HOUR)
    await process.until(NOON + 3.5 * HOUR, NOON + 5 * HOUR)
    assert await times(process.store) == ["2024-07-01T16:00", "2024-07-01T17:00"]


@pytest.mark.parametrize("missed", ["once", "all", "skip"])
async def test_a_time_that_comes_just_when_the_flow_was_changed_is_not_put_off(opened: Opened, missed: str) -> None:
    process = opened()
    await set_up(process.store, every("1h", missed), now=NOON)
    await process.open(NOON)
    await process.timetable.tick(NOON + 1)
    await set_up(process.store, every("1h", missed), steps=f"\n  - {note('other')}\n", now=NOON + HOUR - 0.5)
    assert not await process.timetable.tick(NOON + HOUR)  # it has not heard of it yet
    await process.open(NOON + HOUR + 0.5)
    await process.until(NOON + HOUR + 0.5, NOON + HOUR + 1)
    assert [(run.version, run.event["scheduled_for"]) for run in await runs_of(process.store)] == [
        (2, "2024-07-01T13:00:00Z")
    ]


async def test_a_time_that_was_kept_is_not_kept_again_by_a_later_version(opened: Opened) -> None:
    process = opened()
    await set_up(process.store, every("1h", "all"), now=NOON)
    await process.open(NOON)
    await process.timetable.tick(NOON + HOUR)
    await set_up(process.store, every("1h", "all"), steps=f"\n  - {note('other')}\n", now=NOON + HOUR)
    await process.open(NOON + HOUR + 1)
    await process.until(NOON + HOUR + 1, NOON + HOUR + 30)
    assert [run.version for run in await runs_of(process.store)] == [1]


@pytest.mark.parametrize("missed", ["once", "all"])
async def test_a_schedule_that_is_changed_begins_when_it_is_changed(opened: Opened, missed: str) -> None:
    process = opened()
    await set_up(process.store, cron("0 12 1 * *", missed=missed), now=NOON - HOUR)
    await process.open(NOON - HOUR)
    await process.timetable.tick(NOON)
    changed = NOON + 10 * DAY + 0.5 * HOUR
    await set_up(process.store, every("1h", missed), now=changed)
    await process.open(changed + 1)
    await process.until(changed + 1, changed + HOUR)
    assert await times(process.store) == ["2024-07-01T12:00", "2024-07-11T13:00"]


AT_SETTINGS = """
when: {at: "{{ settings.at }}", days: "{{ settings.days }}", time zone: "{{ settings.zone }}"}
"""
FORM = """
  at: {type: time of day, title: When}
  days: {type: days, title: Days}
  zone: {type: time zone, title: Zone}
"""


async def test_a_time_that_an_admin_has_set_comes_on_those_days_by_those_clocks_and_begins_when_it_is_changed(
    opened: Opened,
) -> None:
    process = opened()

    async def set_to(at: str, now: str) -> None:
        template = Template.model_validate(document.read(head(FORM, AT_SETTINGS) + STEPS))
        await process.store.set_up(
            "f",
            template="test-flow",
            document=written(template),
            settings={"account": "one", "most": 2, "at": at, "days": ["weekdays"], "zone": BERLIN},
            by="U1",
            now=moment(now),
        )
        await process.open(moment(now))

    await set_to("09:00", "2024-07-05T06:00+02:00")  # a Friday
    last = await process.until(moment("2024-07-05T06:00+02:00"), moment("2024-07-08T12:00+02:00"))
    await process.timetable.tick(max(last, moment("2024-07-08T12:00+02:00")))
    await set_to("10:00", "2024-07-08T12:00+02:00")  # 10:00 has passed, and was not missed
    await process.until(moment("2024-07-08T12:00+02:00"), moment("2024-07-09T12:00+02:00"))
    assert await times(process.store) == ["2024-07-05T07:00", "2024-07-08T07:00", "2024-07-09T08:00"]


async def test_what_was_missed_before_a_flow_was_changed_elsewhere_in_it_is_made_up_for(opened: Opened) -> None:
    process = opened()
    await set_up(process.store, every("1h", "all"), now=NOON)
    await process.open(NOON)
    await process.timetable.tick(NOON + 1)
    await set_up(process.store, every("1h", "all"), steps=f"\n  - {note('other')}\n", now=NOON + 2.5 * HOUR)
    later = opened()
    await later.open(NOON + 3.5 * HOUR)
    await later.until(NOON + 3.5 * HOUR, NOON + 3.5 * HOUR)
    assert await times(process.store) == ["2024-07-01T13:00", "2024-07-01T14:00", "2024-07-01T15:00"]


# --- from end to end --------------------------------------------------------------------------------------------------


async def look(store: Store, woken: Callable[[], Any]) -> None:
    """Let a process look at the time: it does when a flow is changed."""
    await store.pause("nobody", paused=True)
    await woken()


async def test_a_flow_that_wakes_by_itself_is_carried_out_and_again_after_the_process_was_away(tmp_path: Path) -> None:
    time, outside = Time(NOON), Outside()
    async with living(tmp_path, outside, now=time) as disk:
        await set_up(disk.store, every("1h"), now=NOON)
        await disk.wake("nothing")  # it takes note of the flow
        time.at += HOUR
        await look(disk.store, lambda: disk.wake("nothing"))
        await ended(disk, "f/1/time:0:2024-07-01T13:00:00Z")
    time.at += 5.5 * HOUR
    async with living(tmp_path, outside, now=time) as disk:
        await ended(disk, "f/1/time:0:2024-07-01T18:00:00Z")
    assert outside.done == ["2024-07-01T13:00:00Z", "2024-07-01T18:00:00Z"]


async def test_the_times_of_a_paused_flow_are_kept_until_it_goes_on(tmp_path: Path) -> None:
    time, outside = Time(NOON), Outside()
    async with living(tmp_path, outside, now=time) as disk:
        await set_up(disk.store, every("1h"), now=NOON)
        await set_up(disk.store, every("1h"), name="other", now=NOON)
        await disk.store.pause("f", paused=True)
        await disk.wake("nothing")
        time.at += HOUR
        await look(disk.store, lambda: disk.wake("nothing"))
        await ended(disk, "other/1/time:0:2024-07-01T13:00:00Z")
        assert [run.state for run in await runs_of(disk.store)] == ["ready"]
        await disk.store.pause("f", paused=False)
        await ended(disk, "f/1/time:0:2024-07-01T13:00:00Z")
