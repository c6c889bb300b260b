"""Enriching: an event goes on in time and as it was, whatever becomes of what is remembered."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot import schema
from bot.enriching import Enriching
from connectors.base import Catalog, Connector, Lenient, Memory, Source, Value
from flows.denied_addresses import DeniedAddresses
from flows.memories import Memories
from flows.store import Store, open_engine

EVENT = {"said": "as it was"}


class Anything(Lenient):
    """Any event."""


class Nothing(Value):
    """No settings."""


class Behaviour:
    """What becomes of an event."""

    def __init__(self) -> None:
        self.fails = False
        self.go = asyncio.Event()
        self.went = asyncio.Event()
        self.go.set()

    async def enrich(self, memory: Memory, event: Mapping[str, Any], now: float) -> Mapping[str, Any]:
        if self.fails:
            raise RuntimeError("a bug of ours")
        await self.go.wait()
        number = await memory.change(["k"], lambda found: ([{"n": 1}], len(found)))
        self.went.set()
        return {**event, "added": number, "now": now}


async def check(_client: object) -> str:
    return "fine"


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
async def enriching(tmp_path: Path, behaviour: Behaviour) -> AsyncIterator[Enriching]:
    engine = open_engine(f"sqlite:///{tmp_path / 'store.sqlite'}")
    schema.upgrade(engine)
    store = Store(engine)
    sources = [
        Source(name="test.plain", title="Plain", about="", event=Anything),
        Source(name="test.rich", title="Rich", about="", event=Anything, enrich=behaviour.enrich),
    ]
    test = Connector("test", title="Test", settings=Nothing, connect=lambda *_: object(), check=check, sources=sources)
    memories = Memories(store, DeniedAddresses(store, now=lambda: 5.0), now=lambda: 5.0)
    found = Enriching(catalog=Catalog([test]), memories=memories, now=lambda: 5.0, waited_for=0.01)
    yield found
    behaviour.go.set()
    await found.close()
    store.close()
    engine.dispose()


async def test_an_event_gets_what_follows_from_earlier_ones(enriching: Enriching) -> None:
    found = await enriching.enriched("test.rich", "t", EVENT, urgent=False)
    assert found == {**EVENT, "added": 1, "now": 5.0}
    assert await enriching.enriched("test.plain", "t", EVENT, urgent=True) is EVENT


async def test_a_person_who_logs_in_does_not_wait_and_is_remembered_all_the_same(
    enriching: Enriching, behaviour: Behaviour
) -> None:
    behaviour.go.clear()
    with capture_logs() as logged:
        assert await enriching.enriched("test.rich", "t", EVENT, urgent=True) is EVENT
    assert [one["why"] for one in logged] == ["it takes too long"]
    behaviour.go.set()
    await asyncio.wait_for(behaviour.went.wait(), 5)


async def test_what_goes_wrong_leaves_the_event_as_it_was_and_is_logged_once_a_minute(
    enriching: Enriching, behaviour: Behaviour
) -> None:
    behaviour.fails = True
    with capture_logs() as logged:
        for urgent in (True, False, True):
            assert await enriching.enriched("test.rich", "t", EVENT, urgent=urgent) is EVENT
    assert [one["why"] for one in logged] == ["a bug of ours"]
