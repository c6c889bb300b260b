"""Offering: those who were there before a flow, as the events that it is woken by. For back-fills."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import col

from connectors.base import Source, Value
from flows.door import Threshold, Woken
from flows.language import Ask, Each, If, Step
from flows.references import look_up
from flows.tables import Handled, Once, Run

NOT_HANDLED: Final = ("failed", "cancelled")
"""States of runs that have not dealt with a person: a back-fill may."""


class Person(Value):
    """Somebody for whom a flow is to be carried out."""

    person: str
    connection: str
    trigger: int
    lane: str
    once: str | None = None
    within: int = 0
    event: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Counted:
    """What a back-fill would be."""

    id: str
    seen: int = 0
    """How many people there are."""
    never: int = 0
    """To how many of them what wakes the flow has never happened."""
    handled: int = 0
    """How many the flow has dealt with already."""
    guards: Counter[str] = field(default_factory=Counter)
    """How many do not wake it, by the guard that says no."""
    fill: int = 0
    """For how many it would be carried out."""


def offered(
    threshold: Threshold, sources: Sequence[Source], connection: str, profile: Mapping[str, Any], counted: Counted
) -> Person | None:
    """Offer somebody to a flow, as each of the events that they can stand for. The first that wakes it counts."""
    missed: list[str] = []
    happened = False
    for source in sources:
        event = source.existing(profile) if source.existing is not None else None
        if event is None:
            continue
        happened = True
        found = threshold.look(source.name, connection, event)
        if isinstance(found, Woken):
            key, within = found.once or (None, 0)
            return Person(
                person=found.person or str(look_up(f"event.{source.person}", {"event": event})),
                connection=connection,
                trigger=found.trigger,
                lane=found.lane,
                once=key,
                within=within,
                event=dict(event),
            )
        missed += found
    counted.never += not happened
    counted.guards.update(missed[:1])
    return None


def known(connection: sa.Connection, flow: str, people: Sequence[Person], now: float) -> Callable[[Person], bool]:
    """Return with which of some people a flow has dealt already, or is dealing."""
    names = [one.person for one in people]
    keys = [one.once for one in people if one.once is not None]
    ran = sa.select(col(Run.person)).where(
        col(Run.flow) == flow, col(Run.person).in_(names), col(Run.state).not_in(NOT_HANDLED)
    )
    before = sa.select(col(Handled.person)).where(col(Handled.flow) == flow, col(Handled.person).in_(names))
    claims = sa.select(col(Once.key)).where(col(Once.flow) == flow, col(Once.key).in_(keys), col(Once.until) > now)
    handled = {*connection.execute(ran).scalars(), *connection.execute(before).scalars()}
    claimed = set(connection.execute(claims).scalars())
    return lambda one: one.person in handled or (one.once is not None and one.once in claimed)


def asks(steps: Sequence[Step]) -> bool:
    """Tell whether steps put a question to people."""
    for step in steps:
        match step:
            case Ask():
                return True
            case If():
                inner = [step.then, step.else_, *(other.then for other in step.else_if)]
            case Each():
                inner = [step.steps]
            case _:
                inner = []
        if any(map(asks, inner)):
            return True
    return False
