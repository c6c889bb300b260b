"""Gatherings: whoever asks at the same time, from whatever process, stands in one message, at a place of their own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import col, select

from bot import schema
from flows.decisions import Decisions
from flows.gatherings import Gatherings
from flows.questions import Question
from flows.store import Store, open_engine
from flows.surroundings import Ended
from flows.tables import Decision, Gathering
from tests import postgres

QUESTION = Question(
    id="",
    run_id="",
    path="steps/0",
    flow="f",
    flow_title="F",
    text="Really?",
    title="Really?",
    channel="C1",
    details={},
    choices={"yes": {"title": "Yes", "style": None, "confirm": None}},
    otherwise="yes",
    within=60,
    together="alike",
    together_within=600,
    together_from=3,
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'cicflow.sqlite'}" if request.param == "sqlite" else postgres.database()


@pytest.fixture
async def stores(address: str) -> AsyncIterator[list[Store]]:
    """Two processes on one database."""
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(2):
            engine = open_engine(address)
            schema.upgrade(engine)
            stack.callback(engine.dispose)
            store = Store(engine)
            stack.callback(store.close)
            found.append(store)
        yield found


def question(number: int) -> Question:
    return replace(QUESTION, id=f"f/1/{number}/steps/0", run_id=f"f/1/{number}")


async def kept(store: Store) -> list[Decision]:
    return list(await store.read(lambda session: session.exec(select(Decision).order_by(col(Decision.id))).all()))


async def test_of_many_at_once_the_first_stand_alone_and_the_others_together(stores: list[Store]) -> None:
    decisions = [Decisions(store) for store in stores]
    await asyncio.gather(*(decisions[number % 2].open(question(number), now=1000.0) for number in range(40)))
    await asyncio.gather(*(decisions[number % 2].open(question(number), now=1001.0) for number in range(40)))
    found = await kept(stores[0])
    assert sorted(one.place for one in found if one.place is not None) == list(range(1, 39))
    (name,) = {one.gathering for one in found} - {None}
    # Two processes undertake to post it at the same time: one does.
    gatherings = [Gatherings(store) for store in stores]
    seen = await gatherings[0].read(str(name))
    assert seen is not None
    claims = await asyncio.gather(*(one.claim_posting(seen, now=1002.0) for one in gatherings))
    assert sorted(claims) == [False, True]
    await gatherings[0].posted(str(name), channel="C1", message="1.1", now=1002.0)
    # Two people decide for all at the same time: each question is decided once, and none that they did not see.
    counts = await asyncio.gather(
        *(one.decide_all(str(name), "yes", last=30, by=f"U{index}", now=1003.0) for index, one in enumerate(gatherings))
    )
    assert sorted(counts) == [0, 30]
    look = await gatherings[1].look(str(name))
    assert look is not None
    assert (look.open, look.last, look.chosen, look.under_way) == (8, 38, {"yes": 30}, 30)
    first = next(one for one in await kept(stores[0]) if one.place == 1)
    await gatherings[0].ended(first, Ended(outcome="failed", message="No."))
    assert await gatherings[1].failed(str(name)) == [first.run_id]
    # Of those that are open, the first speaks for the others.
    speakers = [
        one.place for one in await kept(stores[0]) if one.state == "pending" and await gatherings[0].speaks(one)
    ]
    assert speakers == [31]


async def test_when_all_are_decided_or_the_time_is_over_others_stand_in_a_new_message(stores: list[Store]) -> None:
    decisions, gatherings = Decisions(stores[0]), Gatherings(stores[0])
    for number in range(3):
        await decisions.open(question(number), now=1000.0)
    (first,) = {one.gathering for one in await kept(stores[0])} - {None}
    await gatherings.decide_all(str(first), "yes", last=1, by="U1", now=1001.0)
    await decisions.open(question(3), now=1002.0)  # the storm goes on: this one does not stand alone
    await decisions.open(question(4), now=1602.0 + 1)  # it is over: this one does
    state = await stores[1].read(lambda session: session.exec(select(Gathering).order_by(col(Gathering.serial))).all())
    assert [(one.serial, one.size) for one in state] == [(1, 1), (2, 1), (3, 0)]
