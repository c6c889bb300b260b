"""When schedules are due, whatever the calendar and the clock do, and the clock that rings."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from flows import clock, cron, schedules
from flows.clock import Clock
from flows.triggers import AtTrigger, CronTrigger, EveryTrigger, Schedule

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
MONDAY = datetime.fromisoformat("2024-07-01T12:00:00+00:00").timestamp()


def every(length: str, missed: str = "once") -> EveryTrigger:
    return EveryTrigger.model_validate({"every": length, "missed": missed})


def at(expression: str, zone: str = "UTC", missed: str = "once") -> CronTrigger:
    return CronTrigger.model_validate({"cron": expression, "time zone": zone, "missed": missed})


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def local(times: Iterator[float] | list[float], zone: str) -> list[str]:
    return [datetime.fromtimestamp(one, ZoneInfo(zone)).strftime("%m-%d %H:%M %Z") for one in times]


def days(expression: str) -> list[str]:
    """Return the first days, from Monday 1 July 2024, that an expression names."""
    found = islice(cron.read(expression).after(MONDAY), 4)
    return [datetime.fromtimestamp(one, ZoneInfo("UTC")).strftime("%a %d %b") for one in found]


# --- times of day -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (["every day"], ["Tue 02 Jul", "Wed 03 Jul", "Thu 04 Jul", "Fri 05 Jul"]),
        (["weekdays"], ["Tue 02 Jul", "Wed 03 Jul", "Thu 04 Jul", "Fri 05 Jul"]),
        (["weekdays", "saturday"], ["Tue 02 Jul", "Wed 03 Jul", "Thu 04 Jul", "Fri 05 Jul"]),
        (["sunday"], ["Sun 07 Jul", "Sun 14 Jul", "Sun 21 Jul", "Sun 28 Jul"]),
        (["friday", "monday"], ["Fri 05 Jul", "Mon 08 Jul", "Fri 12 Jul", "Mon 15 Jul"]),
        (["first of the month"], ["Thu 01 Aug", "Sun 01 Sep", "Tue 01 Oct", "Fri 01 Nov"]),
        (["first of the month", "last of the month"], ["Wed 31 Jul", "Thu 01 Aug", "Sat 31 Aug", "Sun 01 Sep"]),
        (["monday", "last of the month"], ["Mon 08 Jul", "Mon 15 Jul", "Mon 22 Jul", "Mon 29 Jul"]),
        (["every day", "first of the month"], ["Tue 02 Jul", "Wed 03 Jul", "Thu 04 Jul", "Fri 05 Jul"]),
    ],
)
def test_a_time_of_day_comes_on_every_day_that_was_chosen(chosen: list[str], expected: list[str]) -> None:
    trigger = AtTrigger.model_validate({"at": "{{ settings.t }}", "days": "{{ settings.d }}"})
    schedule = schedules.schedule_of(trigger, {"t": "9:00", "d": chosen})
    assert schedule is not None
    moments = [schedules.following(schedule, MONDAY)]
    for _ in range(3):
        moments.append(schedules.following(schedule, moments[-1] or 0))
    found = [datetime.fromtimestamp(one or 0, ZoneInfo("UTC")) for one in moments]
    assert [one.strftime("%a %d %b") for one in found] == expected
    assert {one.strftime("%H:%M") for one in found} == {"09:00"}


# --- cron ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 9 * * 0", ["Sun 07 Jul", "Sun 14 Jul", "Sun 21 Jul", "Sun 28 Jul"]),
        ("0 9 * * 7", ["Sun 07 Jul", "Sun 14 Jul", "Sun 21 Jul", "Sun 28 Jul"]),
        ("0 9 * * sun", ["Sun 07 Jul", "Sun 14 Jul", "Sun 21 Jul", "Sun 28 Jul"]),
        ("0 9 * * 1", ["Mon 08 Jul", "Mon 15 Jul", "Mon 22 Jul", "Mon 29 Jul"]),
        ("0 9 * * MON,fri", ["Fri 05 Jul", "Mon 08 Jul", "Fri 12 Jul", "Mon 15 Jul"]),
        ("0 9 * * 1-5", ["Tue 02 Jul", "Wed 03 Jul", "Thu 04 Jul", "Fri 05 Jul"]),
        ("0 9 * * 5-7", ["Fri 05 Jul", "Sat 06 Jul", "Sun 07 Jul", "Fri 12 Jul"]),
        ("0 9 * * sat-mon", ["Sat 06 Jul", "Sun 07 Jul", "Mon 08 Jul", "Sat 13 Jul"]),
        ("0 9 * * 1-5/2", ["Wed 03 Jul", "Fri 05 Jul", "Mon 08 Jul", "Wed 10 Jul"]),
        ("0 9 * * */3", ["Wed 03 Jul", "Sat 06 Jul", "Sun 07 Jul", "Wed 10 Jul"]),
        ("0 9 * * 4/2", ["Thu 04 Jul", "Sat 06 Jul", "Thu 11 Jul", "Sat 13 Jul"]),
        ("0 9 15 * 1", ["Mon 08 Jul", "Mon 15 Jul", "Mon 22 Jul", "Mon 29 Jul"]),
        ("0 9 16 * 1", ["Mon 08 Jul", "Mon 15 Jul", "Tue 16 Jul", "Mon 22 Jul"]),
        ("0 9 */10 * mon", ["Mon 21 Oct", "Mon 11 Nov", "Mon 31 Mar", "Mon 21 Apr"]),
        ("0 9 last * *", ["Wed 31 Jul", "Sat 31 Aug", "Mon 30 Sep", "Thu 31 Oct"]),
        ("0 9 1 jan,Aug-sep *", ["Thu 01 Aug", "Sun 01 Sep", "Wed 01 Jan", "Fri 01 Aug"]),
        ("0 9 29 2 *", ["Tue 29 Feb", "Sun 29 Feb", "Fri 29 Feb", "Wed 29 Feb"]),
    ],
)
def test_a_cron_expression_means_what_unix_says(expression: str, expected: list[str]) -> None:
    assert days(expression) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * *",
        "61 * * * *",
        "* 24 * * *",
        "* * 32 * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * foo *",
        "* * * jan/x *",
        "* * * * 8",
        "* * * * foo",
        "* * * * mon-",
        "*/0 * * * *",
        "* * * * */0",
        "mon * * * *",
        "5-1 * * * *",
        "0 0 30 2 *",
        "0 0 last-1 * *",
        "١ * * * *",
        "9" * 5000 + " * * * *",
    ],
)
def test_what_is_no_cron_expression_is_refused_in_words(expression: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+") as refused:
        cron.Cron(expression, "UTC")
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("zone", "expression", "after", "expected"),
    [
        (BERLIN, "30 2 * * *", "2024-03-30T00:00+01:00", ["03-30 02:30 CET", "03-31 03:00 CEST", "04-01 02:30 CEST"]),
        (BERLIN, "*/30 1-3 31 3 *", "2024-03-31T01:15+01:00", ["03-31 01:30 CET", "03-31 03:00 CEST", "03-31 03:30 CEST"]),
        (BERLIN, "0 * * * *", "2024-03-31T00:30+01:00", ["03-31 01:00 CET", "03-31 03:00 CEST", "03-31 04:00 CEST"]),
        (BERLIN, "30 2 * * *", "2024-10-26T12:00+02:00", ["10-27 02:30 CEST", "10-28 02:30 CET", "10-29 02:30 CET"]),
        (BERLIN, "30 2 * * *", "2024-10-27T02:10+01:00", ["10-28 02:30 CET", "10-29 02:30 CET", "10-30 02:30 CET"]),
        (BERLIN, "*/30 2 * * *", "2024-10-27T01:59+02:00", ["10-27 02:00 CEST", "10-27 02:30 CEST", "10-28 02:00 CET"]),
        (NEW_YORK, "30 2 * * *", "2024-03-09T12:00-05:00", ["03-10 03:00 EDT", "03-11 02:30 EDT", "03-12 02:30 EDT"]),
        (NEW_YORK, "30 1 * * *", "2024-11-02T12:00-04:00", ["11-03 01:30 EDT", "11-04 01:30 EST", "11-05 01:30 EST"]),
        (NEW_YORK, "0 9 * * 1-5", "2024-03-08T12:00-05:00", ["03-11 09:00 EDT", "03-12 09:00 EDT", "03-13 09:00 EDT"]),
        ("Australia/Lord_Howe", "15 2 * * *", "2024-10-05T12:00+10:30", ["10-06 02:30 +11", "10-07 02:15 +11", "10-08 02:15 +11"]),
        ("Pacific/Apia", "0 9 * * *", "2011-12-29T12:00-10:00", ["12-31 00:00 +14", "12-31 09:00 +14", "01-01 09:00 +14"]),
    ],
)  # fmt: skip
def test_each_local_time_comes_once_when_the_clocks_change(
    zone: str, expression: str, after: str, expected: list[str]
) -> None:
    assert local(islice(cron.read(expression, zone).after(moment(after)), 3), zone) == expected


# --- due ----------------------------------------------------------------------------------------------------------------

NIGHT = moment("2024-07-02T00:00+00:00")


@pytest.mark.parametrize(
    ("trigger", "last", "now", "expected"),
    [
        (every("1h"), 0.0, 30.0, []),
        (every("1h"), 0.0, HOUR - 1, []),
        (every("1h"), 0.0, HOUR, [HOUR]),
        (every("1h"), HOUR, HOUR, []),
        (every("1h"), HOUR, HOUR + 59, []),
        (every("1h"), HOUR - 0.5, HOUR + 59, [HOUR]),
        (every("1h", "skip"), HOUR - 0.5, HOUR + 59, [HOUR]),
        (every("1h", "skip"), HOUR - 0.5, HOUR + 60, []),
        (every("1h", "once"), HOUR - 0.5, HOUR + 60, [HOUR]),
        (every("1h", "once"), 0.0, 5 * HOUR + 70, [5 * HOUR]),
        (every("1h", "once"), 0.0, 5 * HOUR + 10, [4 * HOUR, 5 * HOUR]),
        (every("1h", "all"), 0.0, 3 * HOUR + 10, [HOUR, 2 * HOUR, 3 * HOUR]),
        (every("1h", "skip"), 0.0, 3 * HOUR + 10, [3 * HOUR]),
        (every("1h", "all"), 10 * HOUR, 3 * HOUR, []),
        (at("0 9 * * *", "UTC", "all"), MONDAY, MONDAY + 3 * DAY, [MONDAY + n * DAY - 3 * HOUR for n in (1, 2, 3)]),
        (at("0 9 * * *", "UTC", "once"), MONDAY, MONDAY + 3 * DAY, [MONDAY + 3 * DAY - 3 * HOUR]),
        (at("0 9 * * *", "UTC", "skip"), MONDAY, MONDAY + 3 * DAY, []),
        (at("0 0 29 2 *", "UTC", "once"), 0.0, MONDAY, [moment("2024-02-29T00:00+00:00")]),
    ],
)
def test_what_is_due_depends_on_what_was_missed(
    trigger: Schedule, last: float, now: float, expected: list[float]
) -> None:
    assert schedules.due(trigger, last=last, now=now) == expected


@pytest.mark.parametrize("trigger", [every("1m", "all"), at("* * * * *", BERLIN, "all")])
def test_after_years_of_absence_the_latest_thousand_are_made_up_for(trigger: Schedule) -> None:
    expected = [NIGHT - n * MINUTE for n in reversed(range(schedules.MOST + 1))]
    assert schedules.due(trigger, last=0.0, now=NIGHT) == expected


def test_a_clock_set_forward_and_back_brings_nothing_twice() -> None:
    trigger, last, carried_out = every("1h", "all"), 0.0, []
    for now in (HOUR, 4 * HOUR, 2 * HOUR, 3 * HOUR + 1, 4 * HOUR, 5 * HOUR, 4.5 * HOUR, 6 * HOUR):
        carried_out += schedules.due(trigger, last=last, now=now)
        last = max(last, now)
    assert carried_out == [n * HOUR for n in range(1, 7)]


wake_ups = st.lists(st.floats(min_value=-2 * HOUR, max_value=30 * HOUR, allow_nan=False), min_size=1, max_size=12)
triggers = st.sampled_from(
    [("1h", None), ("7m", None), (None, "*/20 * * * *"), (None, "30 2 * * *"), (None, "0 */5 * * 0,6")]
)


@given(
    steps=wake_ups,
    kind=triggers,
    zone=st.sampled_from([BERLIN, NEW_YORK, "UTC"]),
    start=st.sampled_from(
        [moment(f"{day}T18:00+00:00") for day in ("2024-03-30", "2024-10-26", "2024-03-09", "2024-11-02")]
    ),
    missed=st.sampled_from(["once", "all", "skip"]),
)
def test_whenever_one_wakes_up_each_time_is_carried_out_at_most_once_and_with_all_exactly_once(
    steps: list[float], kind: tuple[str | None, str | None], zone: str, start: float, missed: str
) -> None:
    trigger = every(kind[0], missed) if kind[0] else at(str(kind[1]), zone, missed)
    complete = every(kind[0], "all") if kind[0] else at(str(kind[1]), zone, "all")
    last = now = start
    carried_out: list[float] = []
    for step in steps:
        now += step
        carried_out += schedules.due(trigger, last=last, now=now)
        last = max(last, now)
    one_by_one: list[float] = []
    following = schedules.following(complete, start)
    while following is not None and following <= last:
        one_by_one.append(following)
        following = schedules.following(complete, following)
    assert carried_out == sorted(set(carried_out))
    assert set(carried_out) <= set(one_by_one)
    assert missed != "all" or carried_out == one_by_one


@pytest.mark.parametrize(
    ("trigger", "after", "expected"),
    [
        (every("1h"), 10.0, HOUR),
        (every("1h"), HOUR, 2 * HOUR),
        (every("7d"), 0.0, 7 * DAY),
        (at("0 9 * * *"), MONDAY, MONDAY + 21 * HOUR),
        (at("0 9 * * *"), 1e18, None),
    ],
)
def test_the_following_time_lies_after_the_given_one(trigger: Schedule, after: float, expected: float | None) -> None:
    assert schedules.following(trigger, after) == expected


# --- the clock ------------------------------------------------------------------------------------------------------------


class Wall:
    """A time of day that the test sets, and what the clock does."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.rings: asyncio.Queue[float] = asyncio.Queue()
        self.looks: asyncio.Queue[float] = asyncio.Queue()
        self.failing = 0

    def look(self) -> float:
        self.looks.put_nowait(self.now)
        return self.now

    async def ring(self) -> None:
        self.rings.put_nowait(self.now)
        if self.failing:
            self.failing -= 1
            raise OSError("the database is away")

    async def rung(self) -> float:
        return await asyncio.wait_for(self.rings.get(), 10)


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
async def ticking(wall: Wall) -> Any:
    made = Clock(wall.ring, now=wall.look, longest_sleep=0.05)
    made.start()
    yield made
    made.stop()


async def test_the_clock_rings_once_and_at_once_for_a_time_that_has_passed(ticking: Clock, wall: Wall) -> None:
    ticking.set(wall.now - 5)
    assert await wall.rung() == 1_000.0
    ticking.set(None)
    ticking.set(wall.now)
    assert await wall.rung() == 1_000.0
    assert wall.rings.empty()


async def test_a_clock_that_was_set_forward_rings_when_it_next_looks(ticking: Clock, wall: Wall) -> None:
    ticking.set(wall.now + 5 * HOUR)
    wall.now += 6 * HOUR
    assert await wall.rung() == wall.now


async def test_a_clock_that_was_set_back_rings_when_the_time_has_come_again(ticking: Clock, wall: Wall) -> None:
    ticking.set(wall.now + 0.1)
    wall.now -= HOUR
    while await asyncio.wait_for(wall.looks.get(), 10) != wall.now:
        pass
    for _ in range(3):
        await asyncio.wait_for(wall.looks.get(), 10)
    assert wall.rings.empty()
    wall.now += HOUR + 1
    assert await wall.rung() == wall.now


async def test_a_clock_set_while_it_rings_rings_again(wall: Wall) -> None:
    rung: list[float] = []
    done = asyncio.Event()

    async def ring() -> None:
        rung.append(wall.now)
        if len(rung) == 1:
            made.set(wall.now)
            await asyncio.sleep(0)
            assert len(rung) == 1
        else:
            done.set()

    made = Clock(ring, now=wall.look)
    made.start()
    made.set(wall.now)
    await asyncio.wait_for(done.wait(), 10)
    made.stop()
    assert len(rung) == 2


async def test_a_ring_that_fails_is_logged_and_comes_again(ticking: Clock, wall: Wall) -> None:
    wall.failing = 1
    with capture_logs() as logs:
        ticking.set(wall.now)
        await wall.rung()
        wall.now += clock.LONGEST_SLEEP
        await wall.rung()
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["clock work failed"]


async def test_repeated_work_goes_on_after_an_error_and_never_overlaps(ticking: Clock) -> None:
    done: asyncio.Queue[int] = asyncio.Queue()
    under_way: list[int] = []
    count = 0

    async def work() -> None:
        nonlocal count
        count += 1
        under_way.append(count)
        assert len(under_way) == 1
        await asyncio.sleep(0)
        under_way.clear()
        done.put_nowait(count)
        if count == 1:
            raise OSError("the database is away")

    with capture_logs() as logs:
        ticking.every(0.05, work, "sweep")
        assert [await asyncio.wait_for(done.get(), 10) for _ in range(3)] == [1, 2, 3]
    assert [(entry["event"], entry["work"]) for entry in logs] == [("clock work failed", "sweep")]


async def test_what_is_repeated_begins_anew_when_the_clock_was_set_back(ticking: Clock, wall: Wall) -> None:
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    with capture_logs() as logs:
        ticking.every(0.2, work, "beat")
        wall.now -= HOUR
        await asyncio.wait_for(done.wait(), 10)
    assert [entry["event"] for entry in logs] == ["clock set back"]


async def test_a_clock_that_never_started_can_be_set_and_stopped(wall: Wall) -> None:
    made = Clock(wall.ring, now=wall.look)
    made.set(wall.now)
    made.stop()
    assert wall.rings.empty()
