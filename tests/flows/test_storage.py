"""Storage that fails: a full disk, a locked file, a database that is gone. It is said, nothing is lost, and it goes on."""

import asyncio
import resource
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from flows.store import StorageError
from tests import postgres
from tests.flows.fleet import AMBIGUOUS, HAPPENED, Fleet, Member, do, fleet, flow

pytestmark = pytest.mark.slow

PULSE = {"beat": 0.3, "unsure": 1.0, "dead": 1.5}
ONCE = {**HAPPENED, "once per": {"key": "{{ event.number }}", "within": "1h"}}
WAITS = {"id": "verdict", "ask": "?", "in": "C1", "choices": ["yes", "no"], "within": "1h", "otherwise": "no"}
UNDER_WAY = range(10)


@contextmanager
def full(file: Path, member: Member, *, room: int) -> Iterator[None]:
    """Let no file of a process grow beyond what the database's log is now, and some bytes."""
    size = Path(f"{file}-wal").stat().st_size if room else 0
    _, most = resource.prlimit(member.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(member.process.pid, resource.RLIMIT_FSIZE, (size + room, most))
    yield
    resource.prlimit(member.process.pid, resource.RLIMIT_FSIZE, (most, most))


@contextmanager
def locked(file: Path, _member: Member) -> Iterator[None]:
    """Hold the database as somebody else does who writes for long."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


@asynccontextmanager
async def alone(address: str, first: str, **given: Any) -> AsyncIterator[tuple[Fleet, Member]]:
    """Start one process. What it has to do begins with one step, and then asks."""
    async with fleet(address) as ships:
        await ships.set_up("work", flow(do("first", first, **given), WAITS, do("last", "send"), when=ONCE))
        yield ships, await (await ships.start(pulse=PULSE)).ready()


async def begin(member: Member) -> None:
    """Bring some runs to the middle of their first step."""
    for number in UNDER_WAY:
        assert (await member.send(f"e{number}", number)).status_code == 202
    await member.until(lambda lines: all(f"begins first {number}" in lines for number in UNDER_WAY))


async def refused(member: Member, says: str) -> None:
    """Deliver an event that cannot be kept. What the database says is in the log, for it may name where it is."""
    answer = await member.send("late", 100)
    assert answer.status_code == 503, answer.text
    assert answer.json()["error"] == "not_kept"
    assert answer.json()["message"] == f"{StorageError()} Nothing was accepted: send it again."
    await member.logged("event_not_kept", says)


async def decided(ships: Fleet, member: Member, numbers: set[int]) -> Counter[str]:
    """Decide all questions, let everything come to its end, and count what was done."""
    names = {number: "late" if number == 100 else f"e{number}" for number in numbers}
    for number in numbers:
        decision = f"work/1/account:{names[number]}/steps/1"
        await member.heard(f"asked {decision}")
        assert (await member.decide(decision, "yes", "U1"))["won"]
    runs = await ships.all_ended(len(UNDER_WAY) + 1)
    assert len(runs) == len(UNDER_WAY) + 1
    return Counter(line.removeprefix("did ") for line in ships.said if line.startswith("did "))


async def fails_and_comes_back(ships: Fleet, member: Member, failing: Any, says: str) -> None:
    """Let the storage fail while runs are under way, and see that everything goes on when it is back."""
    await begin(member)
    with failing:
        await member.until(lambda lines: all(f"did first {number}" in lines for number in UNDER_WAY))
        await refused(member, says)
        assert len(await ships.runs()) == len(UNDER_WAY)
        assert len(await ships.rows("SELECT * FROM once")) == len(UNDER_WAY)
    assert (await member.send("late", 100)).status_code == 202
    counts = await decided(ships, member, {*UNDER_WAY, 100})
    assert {run["state"] for run in await ships.runs()} == {"done"}
    assert all(counts[f"first {number}"] >= 1 for number in [*UNDER_WAY, 100])
    assert all(counts[f"last {number}"] == 1 for number in [*UNDER_WAY, 100])


@pytest.mark.parametrize("room", [0, 1, 6000])
async def test_a_full_disk_is_said_and_when_there_is_room_again_everything_goes_on(tmp_path: Path, room: int) -> None:
    file = tmp_path / "full.sqlite"
    async with alone(f"sqlite:///{file}", "mark", seconds=0.5) as (ships, member):
        await fails_and_comes_back(ships, member, full(file, member, room=room), "disk")
        [[whole]] = [list(row.values()) for row in await ships.rows("PRAGMA integrity_check")]
        assert whole == "ok"


async def test_a_locked_database_is_said_and_when_it_is_free_again_everything_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "locked.sqlite"
    async with alone(f"sqlite:///{file}?timeout=0.5", "mark", seconds=0.5) as (ships, member):
        await fails_and_comes_back(ships, member, locked(file, member), "database is locked")


async def test_what_was_sent_and_could_not_be_noted_is_not_sent_again(tmp_path: Path) -> None:
    file = tmp_path / "full.sqlite"
    async with alone(f"sqlite:///{file}", "send", seconds=0.5) as (ships, member):
        await begin(member)
        with full(file, member, room=0):
            await member.until(lambda lines: all(f"did first {number}" in lines for number in UNDER_WAY))
            await refused(member, "disk")
        assert (await member.send("late", 100)).status_code == 202
        counts = await decided(ships, member, {100})
        runs = {run["event_id"]: (run["state"], run["message"]) for run in await ships.runs()}
        assert runs.pop("account:late") == ("done", "")
        assert set(runs.values()) == {("failed", AMBIGUOUS)}
        assert all(counts[f"first {number}"] == 1 for number in [*UNDER_WAY, 100])


async def test_a_lock_shorter_than_patience_is_not_even_noticed(tmp_path: Path) -> None:
    file = tmp_path / "locked.sqlite"
    async with alone(f"sqlite:///{file}", "send", seconds=0.5) as (ships, member):
        await begin(member)
        with locked(file, member):
            late = asyncio.create_task(member.send("late", 100))
            await member.until(lambda lines: all(f"did first {number}" in lines for number in UNDER_WAY))
        assert (await late).status_code == 202
        counts = await decided(ships, member, {*UNDER_WAY, 100})
        assert {run["state"] for run in await ships.runs()} == {"done"}
        assert set(counts.values()) == {1}


async def test_postgresql_goes_away_and_comes_back() -> None:
    server = postgres.server()
    server.psql("CREATE DATABASE ships;")

    @contextmanager
    def away() -> Iterator[None]:
        server.psql("ALTER DATABASE ships ALLOW_CONNECTIONS false;")
        server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'ships';")
        yield
        server.psql("ALTER DATABASE ships ALLOW_CONNECTIONS true;")

    async with alone(server.get_uri(database="ships"), "mark", seconds=0.5) as (ships, member):
        await begin(member)
        with away():
            await member.until(lambda lines: all(f"did first {number}" in lines for number in UNDER_WAY))
            await refused(member, "connection to server")
        assert len(await ships.rows("SELECT * FROM once")) == len(UNDER_WAY)
        assert (await member.send("late", 100)).status_code == 202
        counts = await decided(ships, member, {*UNDER_WAY, 100})
        assert {run["state"] for run in await ships.runs()} == {"done"}
        assert all(counts[f"last {number}"] == 1 for number in [*UNDER_WAY, 100])
