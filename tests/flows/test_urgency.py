"""Who goes first: what somebody has just decided, before what merely happened, before one of very many."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from connectors import limits
from connectors.limits import Urgency
from flows.questions import Question
from tests.flows.drivers import OnDisk, Outside, on_disk

USING = 'using: "{{ settings.account }}"'
ASK = "ask: Really, in: C1, choices: [yes_please, no_thanks], within: 1h, otherwise: no_thanks"


class Watching(Outside):
    """Sees how urgent each call is."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, Urgency] = {}

    def note(self, what: str) -> int:
        self.seen[what] = limits._urgency.get()
        return super().note(what)

    async def answer(self, question: Question) -> Mapping[str, Any] | None:
        """Say who decided, as people would."""
        found = await super().answer(question)
        decision = await self.decisions.read(question.id) if self.decisions else None
        expired = decision is not None and decision.state == "expired"
        return {**found, "by": None, "how": "deadline"} if found and expired else found


@pytest.fixture
async def driver(tmp_path: Path) -> AsyncIterator[OnDisk]:
    async with on_disk(tmp_path, Watching()) as found:
        yield found


def seen(driver: OnDisk) -> dict[str, str]:
    assert isinstance(driver.outside, Watching)
    return {what: urgency.name.lower() for what, urgency in driver.outside.seen.items()}


def note(what: str) -> str:
    return f'{{do: test.note, {USING}, with: {{what: "{what}"}}}}'


async def test_what_somebody_decided_goes_first_until_the_run_waits_again(driver: OnDisk) -> None:
    await driver.go(
        f"""
  - {note("before")}
  - {{id: one, {ASK}}}
  - {note("decided")}
  - {{wait: 1h}}
  - {note("later")}
"""
    )
    await driver.decide("steps/1", "yes_please")
    await driver.later(1000.0 + 3601)
    assert seen(driver) == {"before": "ordinary", "decided": "interactive", "later": "ordinary"}


async def test_a_decision_hurries_no_loop(driver: OnDisk) -> None:
    await driver.go(
        f"""
  - {{id: one, {ASK}}}
  - {note("decided")}
  - {{id: walk, each: [a, b], steps: [{note("{{ item }}")}]}}
  - {note("after")}
"""
    )
    await driver.decide("steps/0", "yes_please")
    assert seen(driver) == {"decided": "interactive", "a": "bulk", "b": "bulk", "after": "interactive"}


async def test_a_decision_about_one_item_hurries_no_other(driver: OnDisk) -> None:
    asks = f"{{id: one, {ASK}}}"
    await driver.go(
        f"""
  - id: walk
    each: [a, b]
    steps:
      - if: [{{left: "{{{{ item }}}}", is: a}}]
        then: [{asks}]
      - {note("{{ item }}")}
"""
    )
    await driver.decide("steps/0/0/0/then/0", "yes_please")
    assert seen(driver) == {"a": "interactive", "b": "bulk"}


async def test_what_nobody_decided_in_time_hurries_nobody(driver: OnDisk) -> None:
    await driver.go(f"\n  - {{id: one, {ASK}}}\n  - {note('expired')}\n")
    await driver.later(1000.0 + 3601)
    assert seen(driver) == {"expired": "ordinary"}
