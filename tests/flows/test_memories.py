"""Memories: small values for very many keys, written a moment later, seen by several processes, and bounded."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import time as clock

import pytest
import sqlalchemy as sa
from sqlmodel import col

from bot import schema
from connectors.base import Listed, Remembered
from connectors.errors import Refused
from flows import denied_addresses, memories
from flows.builtins.addresses import ToAllow, ToDeny, ToList, allow_address, deny_address, list_denied_addresses
from flows.datasets import Datasets
from flows.denied_addresses import DeniedAddresses, WrongNetworkError, network_of
from flows.memories import BELIEVED, Memories
from flows.retention import DAY, Retention
from flows.store import StorageError, Store, open_engine
from flows.tables import Connection, DeniedAddress, Memory
from tests import postgres

NOW = 1_000_000_000.0


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    folder = tmp_path_factory.mktemp("memories")
    address = f"sqlite:///{folder / 'flows.sqlite'}"
    if request.param == "postgresql":
        address = postgres.database()
    opened = open_engine(address)
    schema.upgrade(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> Iterator[Store]:
    with engine.begin() as connection:
        for table in (Memory, DeniedAddress, Connection):
            connection.execute(sa.delete(table))
        row = {"connector": "auth0", "accepts": "signed", "sealed_settings": "", "sealed_secret": "", "made_at": 0.0}
        for name in ("t", "u"):
            connection.execute(sa.insert(Connection).values(name=name, key=name, **row))
    opened = Store(engine)
    yield opened
    opened.close()


@pytest.fixture
def time() -> Time:
    return Time()


@asynccontextmanager
async def remembering(store: Store, time: Time, held: int = memories.HELD) -> AsyncIterator[Memories]:
    denied = DeniedAddresses(store, now=time)
    found = Memories(store, denied, now=time, held=held)
    try:
        yield found
    finally:
        await denied.close()
        await found.close()


async def add(known: Memories, key: str = "k", connection: str = "t", by: int = 1) -> int:
    """Count something up, and return how much it was."""

    def work(before: Sequence[Remembered]) -> tuple[Sequence[Remembered], int]:
        count = int((before[0] or {}).get("n", 0))
        return [{"n": count + by}], count

    return await known.of(connection).change([key], work)


async def seen(known: Memories, *keys: str, connection: str = "t") -> list[Remembered]:
    return await known.of(connection).change(keys, lambda found: (found, list(found)))


async def rows(store: Store) -> int:
    count = await store.read(lambda session: session.execute(sa.select(sa.func.count()).select_from(Memory)).scalar())
    return count or 0


async def test_what_is_remembered_is_seen_at_once_and_after_the_process(store: Store, time: Time) -> None:
    async with remembering(store, time) as known:
        assert await seen(known, "k", "l") == [None, None]
        assert [await add(known), await add(known), await add(known, connection="u")] == [0, 1, 0]
        assert await seen(known, "l", "k") == [None, {"n": 2}]
    async with remembering(store, time) as known:
        assert await seen(known, "k", "l") == [{"n": 2}, None]
        assert await seen(known, "k", connection="u") == [{"n": 1}]


async def test_of_many_changes_at_the_same_moment_none_is_overlooked(store: Store, time: Time) -> None:
    async with remembering(store, time) as known:
        found = await asyncio.gather(*(add(known, f"k{number % 3}") for number in range(300)))
        assert sorted(found) == sorted(list(range(100)) * 3)


async def test_thousands_of_keys_are_read_together_and_written_together(store: Store, time: Time) -> None:
    statements: list[str] = []
    async with remembering(store, time) as known:
        sa.event.listen(store.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
        await asyncio.gather(*(add(known, f"k{number}") for number in range(2000)))
        assert len([one for one in statements if one.lstrip().startswith("SELECT")]) <= 10
    assert await rows(store) == 2000


async def test_it_is_written_soon_without_being_asked(store: Store, time: Time) -> None:
    async with remembering(store, time) as known, asyncio.timeout(10):
        await add(known)
        while not await rows(store):  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.02)


async def test_another_process_is_seen_within_seconds(store: Store, time: Time) -> None:
    async with remembering(store, time) as one, remembering(store, time) as other:
        await add(one)
        assert await seen(other, "k") == [None]
        await one.close()
        assert await seen(other, "k") == [None]
        time.now += BELIEVED + 1
        assert await seen(other, "k") == [{"n": 1}]
        await add(other)
        time.now += BELIEVED + 1
        assert await seen(one, "k") == [{"n": 1}]
        assert await seen(other, "k") == [{"n": 2}], "what is not written yet is not read over"
        await other.close()
        time.now += BELIEVED + 1
        assert await seen(one, "k") == [{"n": 2}]


async def test_what_is_forgotten_is_gone(store: Store, time: Time) -> None:
    async with remembering(store, time) as known:
        await add(known)
        await known.close()
        await known.of("t").change(["k"], lambda _: ([None], None))
        assert await seen(known, "k") == [None]
    assert await rows(store) == 0


async def test_only_so_much_is_held_and_the_rest_is_looked_up(store: Store, time: Time) -> None:
    async with remembering(store, time, held=10) as known:
        for number in range(50):
            await add(known, f"k{number}")
            if number % 5 == 4:
                await known.close()
        assert len(known._state.held) <= 20
        assert await rows(store) == 50
        assert await seen(known, *(f"k{number}" for number in range(50))) == [{"n": 1}] * 50
        await seen(known, "k1")
        for _ in range(10):
            await seen(known, "k2")
        assert len(known._state.held) <= 10


async def test_a_key_has_a_length(store: Store, time: Time) -> None:
    async with remembering(store, time) as known:
        with pytest.raises(ValueError, match="at most"):
            await add(known, "k" * 301)


async def test_without_its_database_nothing_is_remembered_and_everybody_is_told(tmp_path: Path, time: Time) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'empty' / 'none.sqlite'}")
    store = Store(engine)
    denied = DeniedAddresses(store, now=time)
    known = Memories(store, denied, now=time)
    found = await asyncio.gather(*(add(known) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in found] == [StorageError] * 3
    with pytest.raises(StorageError):
        await denied.find("t", "203.0.113.7")
    store.close()
    engine.dispose()


async def test_what_cannot_be_written_now_is_written_later(store: Store, time: Time) -> None:
    async with remembering(store, time) as known:
        await add(known)
        await store.order(lambda connection: connection.execute(sa.text("ALTER TABLE memory RENAME TO gone")))
        with pytest.raises(Exception, match="memory"):
            await known.close()
        await store.order(lambda connection: connection.execute(sa.text("ALTER TABLE gone RENAME TO memory")))
    assert await rows(store) == 1


async def test_what_was_not_touched_for_long_is_forgotten_and_what_is_too_much(store: Store, time: Time) -> None:
    for number in range(6):
        async with remembering(store, time) as known:
            await add(known, f"k{number}")
            await add(known, f"k{number}", connection="u" if number % 2 else "removed")
        time.now += DAY
    retention = Retention(store, Datasets(store), keep_days=5, memories=3)
    await retention.forget(time.now)
    found = await store.read(
        lambda session: session.execute(sa.select(col(Memory.connection), col(Memory.key)).order_by("key")).all()
    )
    assert {tuple(one) for one in found} == {("t", "k3"), ("t", "k4"), ("t", "k5")} | {
        ("u", "k1"),
        ("u", "k3"),
        ("u", "k5"),
    }


# --- addresses that are not trusted -----------------------------------------------------------------------------------


async def deny(store: Store, network: str, **more: str) -> bool:
    given = ToDeny.model_validate({"network": network, **more})
    return (await store.order(lambda connection: deny_address(connection, given))).new


@pytest.mark.parametrize(
    ("denied", "address", "found"),
    [
        ("203.0.113.7", "203.0.113.7", "203.0.113.7/32"),
        ("203.0.113.7", "203.0.113.8", None),
        ("203.0.113.0/24", "203.0.113.8", "203.0.113.0/24"),
        ("203.0.113.7", "::ffff:203.0.113.7", "203.0.113.7/32"),
        ("::ffff:203.0.113.0/120", "203.0.113.7", "203.0.113.0/24"),
        ("2001:db8::/32", "2001:db8:1::7", "2001:db8::/32"),
        ("2001:DB8::7", "2001:db8:0:0::7", "2001:db8::7/128"),
        ("2001:db8::/32", "203.0.113.7", None),
        ("203.0.113.7", "no address", None),
        ("203.0.113.7", "203.0.113.7%eth0", None),
    ],
)
async def test_an_address_is_found_in_its_network(
    store: Store, time: Time, denied: str, address: str, found: str | None
) -> None:
    await deny(store, denied, reason="attacks")
    async with remembering(store, time) as known:
        expected = found and Listed(network=found, reason="attacks")
        assert await known.of("t").denied(address) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "here",
        "0.0.0.0/0",
        "::/0",
        "10.0.0.0/7",
        "203.0.113.7/24",
        "fe80::1%eth0",
        "1.2.3.4/33",
        "1.2.3",
        "::ffff:0:0/90",
        "203.0.113.7/255.255.255.0",
        "1111111111111111111111111111111111111111111111111111111111111",
    ],
)
def test_what_is_no_network_or_half_the_world_is_refused(text: str) -> None:
    with pytest.raises(WrongNetworkError):
        network_of(text)
    with pytest.raises(ValueError, match="network"):
        ToDeny.model_validate({"network": text})


async def test_the_narrowest_network_says_why_and_each_connection_has_its_own(store: Store, time: Time) -> None:
    assert await deny(store, "203.0.113.0/24", reason="wide")
    assert await deny(store, "203.0.113.7", reason="narrow", connection="u")
    assert not await deny(store, "203.0.113.0/24", reason="wider")
    async with remembering(store, time) as known:
        found = [await known.of(name).denied("203.0.113.7") for name in ("t", "u")]
        assert [one and one.reason for one in found] == ["wider", "narrow"]


async def test_it_is_trusted_again_after_a_time_or_when_somebody_says_so(store: Store, time: Time) -> None:

    time.now = clock()
    await deny(store, "203.0.113.7", lasts="1h", by="U1")
    await deny(store, "203.0.113.8")
    async with remembering(store, time) as known:
        memory = known.of("t")
        assert await memory.denied("203.0.113.7")
        listing = await store.order(lambda connection: list_denied_addresses(connection, ToList()))
        assert listing.count == 2
        assert {(one.network, one.by) for one in listing.networks} == {("203.0.113.7/32", "U1"), ("203.0.113.8/32", "")}
        time.now += 3700
        assert await memory.denied("203.0.113.7") is None
        given = ToAllow(network="203.0.113.8")
        allowed = [await store.order(lambda connection: allow_address(connection, given)) for _ in range(2)]
        assert [one.removed for one in allowed] == [True, False]
        async with asyncio.timeout(10):
            while await memory.denied("203.0.113.8"):
                time.now += BELIEVED + 1
                await asyncio.sleep(0.01)  # it is read meanwhile
    await Retention(store, Datasets(store), keep_days=1).forget(time.now)
    listing = await store.order(lambda connection: list_denied_addresses(connection, ToList()))
    assert listing.count == 0


async def test_the_list_has_an_end(store: Store) -> None:
    row = {"connection": "", "reason": "", "by": "", "at": NOW, "until": None}
    many = [
        {**row, "network": f"10.{one >> 16}.{one >> 8 & 255}.{one & 255}/32"} for one in range(denied_addresses.MOST)
    ]
    await store.order(lambda connection: connection.execute(sa.insert(DeniedAddress), many))
    with pytest.raises(Refused, match="50,000 networks"):
        await deny(store, "203.0.113.7")
    assert not await deny(store, "10.0.0.1"), "what is on it can be changed"
