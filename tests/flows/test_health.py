"""The health of connections and streams, as several processes see it together."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import schema
from flows.health import DAY, HealthRecords
from flows.store import Store, open_engine
from flows.vault import Vault, new_key
from tests import postgres

NOW = 1_000_000.0


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    address = f"sqlite:///{tmp_path / 'store.sqlite'}"
    if request.param == "postgresql":
        address = postgres.database()
    opened = open_engine(address)
    schema.upgrade(opened)
    found = Store(opened)
    yield found
    found.close()
    opened.dispose()


@pytest.fixture
def records(store: Store) -> HealthRecords:
    return HealthRecords(store)


async def test_a_connection_is_forgotten_with_its_secrets(store: Store) -> None:
    vault = Vault(store, [new_key()])
    kept = await vault.keep("t", connector="auth0", settings={}, accepts="signed", now=NOW)
    assert await vault.named("t") == kept
    assert await vault.forget("t")
    assert (await vault.named("t"), await vault.at(kept.key), await vault.forget("t")) == (None, None, False)


async def test_of_many_processes_one_tries_a_connection(records: HealthRecords) -> None:
    claims = await asyncio.gather(*(records.claim("t", now=NOW, every=60) for _ in range(8)))
    assert sorted(claims) == [False] * 7 + [True]
    assert not await records.claim("t", now=NOW + 59, every=60)
    assert await records.claim("t", now=NOW + 60, every=60)
    assert await records.claim("other", now=NOW, every=60)


async def test_a_clock_that_was_ahead_keeps_nobody_from_trying(records: HealthRecords) -> None:
    assert await records.claim("t", now=NOW + DAY, every=60)
    assert await records.claim("t", now=NOW, every=60)


async def test_a_connection_that_was_only_claimed_has_no_health_yet(records: HealthRecords) -> None:
    await records.claim("t", now=NOW, every=60)
    assert await records.connections() == {}


async def test_people_are_to_be_told_once_that_it_stopped_and_once_that_it_works_again(records: HealthRecords) -> None:
    assert not await records.note("t", ok=True, said="fine", now=NOW)
    assert await records.note("t", ok=False, said="refused", now=NOW + 1)
    assert await records.note("t", ok=False, said="refused", now=NOW + 2), "nobody was told yet"
    await records.told("t", ok=False)
    assert not await records.note("t", ok=False, said="refused", now=NOW + 3)
    assert await records.note("t", ok=True, said="fine", now=NOW + 4)
    await records.told("t", ok=True)
    found = (await records.connections())["t"]
    assert (found.ok, found.said, found.checked_at) == (True, "fine", NOW + 4)


async def test_one_stop_counts_once_however_often_it_is_seen(records: HealthRecords) -> None:
    await records.claim_stream("t", "logs", now=NOW, every=60)
    assert await records.stopped("t", "logs", now=NOW) == (1, "")
    await records.told_of_stream("t", "logs", "failed")
    assert await records.stopped("t", "logs", now=NOW + 60) == (1, "failed")
    await records.goes("t", "logs")
    assert await records.stopped("t", "logs", now=NOW + 120) == (2, "")
    assert await records.stopped("t", "events", now=NOW + 120) == (1, "")
    await records.goes("t", "logs")
    assert await records.stopped("t", "logs", now=NOW + DAY) == (2, ""), "the first was more than a day ago"


async def test_what_is_removed_is_forgotten(records: HealthRecords) -> None:
    await records.note("t", ok=False, said="refused", now=NOW)
    await records.stopped("t", "logs", now=NOW)
    await records.forget("t")
    assert await records.connections() == {}
    assert await records.stopped("t", "logs", now=NOW) == (1, "")
