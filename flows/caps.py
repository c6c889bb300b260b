"""Caps: how much a flow may change and destroy, in one run and in one day, before its owners are asked."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import col

from flows.language import Limits
from flows.references import fill
from flows.store import dialect_of
from flows.surroundings import Errand, Over
from flows.tables import Spent


class KeptCaps:
    """The counts that are remembered."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def spend(
        self, connection: sa.Connection, errand: Errand, *, effect: str, count: int, limits: Limits
    ) -> Over | None:
        """Count, or return the cap that would be passed, in which case nothing is counted."""
        cap = limits.changes if effect == "changes" else limits.destroys
        periods: dict[Literal["run", "day"], Any] = {
            "run": cap.per_run if cap else 0,
            "day": cap.per_day if cap else 0,
        }
        for period, written in periods.items():
            most = _most(written, errand)
            if most is None:
                continue
            spent, allowed = self._spent(connection, errand, period, effect)
            if spent + count > most + allowed:
                return Over(effect=effect, period=period, cap=most, count=spent + count)
        for period in periods:
            self._add(connection, errand, period, effect, count=count)
        return None

    def allow(self, connection: sa.Connection, errand: Errand, over: Over, *, count: int) -> None:
        """Let a cap be passed once more by as much as it allows (at least by this), and count."""
        self._add(connection, errand, over.period, over.effect, allowed=max(over.cap, count))
        for period in ("run", "day"):
            self._add(connection, errand, period, over.effect, count=count)

    def _spent(self, connection: sa.Connection, errand: Errand, period: str, effect: str) -> tuple[int, int]:
        # The row is there before it is locked: otherwise two that are the first of a day would both find nothing.
        self._add(connection, errand, period, effect)
        query = (
            sa.select(col(Spent.count), col(Spent.allowed))
            .where(col(Spent.scope) == self._scope(errand, period), col(Spent.effect) == effect)
            .with_for_update()
        )
        count, allowed = connection.execute(query).one()
        return int(count), int(allowed)

    def _add(
        self, connection: sa.Connection, errand: Errand, period: str, effect: str, *, count: int = 0, allowed: int = 0
    ) -> None:
        values = {"scope": self._scope(errand, period), "effect": effect, "at": self._now()}
        insert = dialect_of(connection).insert(Spent).values(**values, count=count, allowed=allowed)
        more = {"count": col(Spent.count) + count, "allowed": col(Spent.allowed) + allowed, "at": values["at"]}
        connection.execute(insert.on_conflict_do_update(index_elements=["scope", "effect"], set_=more))

    def _scope(self, errand: Errand, period: str) -> str:
        return _scope(errand.run_id, errand.flow, self._now(), period)


def give_back(connection: sa.Connection, *, run_id: str, flow: str, spent: Mapping[str, Any], at: float) -> None:
    """Count something less that was counted at a time, because it is to be tried again and will be counted then."""
    for period in ("run", "day"):
        this = (col(Spent.scope) == _scope(run_id, flow, at, period), col(Spent.effect) == spent["effect"])
        connection.execute(sa.update(Spent).where(*this).values(count=Spent.count - spent["count"]))


def _scope(run_id: str, flow: str, now: float, period: str) -> str:
    return f"run {run_id}" if period == "run" else f"day {flow} {datetime.fromtimestamp(now, UTC).date()}"


def _most(written: int | str | None, errand: Errand) -> int | None:
    """Return a cap as a number. One that is none allows nothing: it was checked when the flow was saved."""
    found = fill(written, {"settings": errand.settings}) if isinstance(written, str) else written
    if found is None and written is None:
        return None
    return found if isinstance(found, int) and not isinstance(found, bool) else 0
