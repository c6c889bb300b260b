"""Decisions as numbers: how many questions flows have asked, how they were decided, by whom, and how fast."""

from collections import Counter
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

import sqlalchemy as sa
from pydantic import AwareDatetime, Field
from sqlmodel import col

from connectors.base import Declaring, Value
from flows.decisions import question_of
from flows.tables import Decision
from flows.words import Name

decisions: Final = Declaring("decisions", title="Decisions")

MOST: Final = 20


class Asked(Value):
    """Which decisions to count."""

    days: int = Field(default=7, ge=1, le=366, title="Days", description="Those that were asked in so many days.")
    until: AwareDatetime = Field(title="Until", description="Where these days end.")
    flows: list[Name] = Field(
        default_factory=list, max_length=50, title="Flows", description="Of these flows; empty for all."
    )


class Chosen(Value):
    """How often a choice was taken."""

    name: str = Field(title="Choice", description="The flow, and what was chosen.")
    count: int = Field(title="Count", description="How often.")


class Decided(Value):
    """How flows were answered."""

    asked: int = Field(title="Asked", description="How many questions were asked.")
    asked_before: int = Field(title="Asked before", description="How many in as many days before.")
    decided: int = Field(title="Decided", description="How many of them people have decided.")
    expired: int = Field(
        title="Expired", description="How many nobody answered in time, so that the default was taken."
    )
    open: int = Field(title="Open", description="How many are still open.")
    half_within: str = Field(
        title="Half within",
        description="Within how long half of the decided ones were decided, in words; – if there are none.",
    )
    half_within_before: str = Field(title="Half within, before", description="The same of the days before.")
    by_choice: list[Chosen] = Field(
        title="By choice", description="What was chosen how often, the most frequent first."
    )


@decisions.action("Count decisions", effect="reads", repeatable=True, stores=True)
def count(connection: sa.Connection, given: Asked) -> Decided:
    """Count what flows have asked in Slack, how it was decided and how fast, with the same number of days before."""
    now = _of(connection, given, given.until)
    before = _of(connection, given, given.until - timedelta(days=given.days))
    decided = [one for one in now if one.state == "decided"]
    chosen = Counter(f"{question_of(one).flow}: {_title(one)}" for one in now if one.state in {"decided", "expired"})
    return Decided(
        asked=len(now),
        asked_before=len(before),
        decided=len(decided),
        expired=sum(one.state == "expired" for one in now),
        open=sum(one.state == "pending" for one in now),
        half_within=_half(decided),
        half_within_before=_half([one for one in before if one.state == "decided"]),
        by_choice=[Chosen(name=name, count=count) for name, count in chosen.most_common(MOST)],
    )


def _of(connection: sa.Connection, given: Asked, until: datetime) -> list[Decision]:
    since = until - timedelta(days=given.days)
    query = sa.select(Decision.__table__).where(  # type: ignore[attr-defined]  # SQLModel declares no table
        col(Decision.asked_at) >= since.timestamp(), col(Decision.asked_at) < until.timestamp()
    )
    found = [Decision(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001  # a row's public name for it
    return [one for one in found if not given.flows or question_of(one).flow in given.flows]


def _title(decision: Decision) -> str:
    choice: Any = question_of(decision).choices.get(decision.choice or "", {})
    return str(choice.get("title") or decision.choice)


def _half(decided: list[Decision]) -> str:
    """Return within how long half of them were decided, in words."""
    if not decided:
        return "–"
    seconds = median((one.decided_at or one.asked_at) - one.asked_at for one in decided)
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            number = round(seconds / size)
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{max(1, round(seconds))} second{'' if round(seconds) <= 1 else 's'}"
