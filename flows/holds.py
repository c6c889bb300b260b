"""Holds: people whose login waits until a flow says what becomes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from flows import durations
from flows.answers import otherwise
from flows.store import Store, changed, dialect_of
from flows.tables import FlowVersion, Hold, Run
from flows.triggers import Answers

USUAL: Final = "10m"
"""How long somebody is held, where the flow does not say."""


class KeptHolds:
    """The holds that are remembered."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def hold(self, connection: sa.Connection, run_id: str, hold: Mapping[str, Any]) -> None:
        """Keep somebody waiting."""
        until = self._now() + durations.seconds(hold.get("at most", USUAL))
        anew = {"say": str(hold["say"])[:500], "until": until}
        insert = dialect_of(connection).insert(Hold).values(run_id=run_id, **anew, reply=None)
        again = {"index_elements": [col(Hold.run_id)], "set_": anew, "where": col(Hold.reply).is_(None)}
        changed(connection, insert.on_conflict_do_update(**again))

    def release(self, connection: sa.Connection, run_id: str, reply: Mapping[str, Any]) -> None:
        """Tell them what to do. The first answer counts."""
        first = sa.update(Hold).where(col(Hold.run_id) == run_id, col(Hold.reply).is_(None))
        connection.execute(first.values(reply=dict(reply)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How it stands with somebody who is kept waiting."""

    say: str
    """What they are told."""
    until: float
    reply: Mapping[str, Any] | None
    """What becomes of their login; None while nobody knows."""


async def held(store: Store, run_id: str, now: float) -> Held | None:
    """Return how a hold stands. None if there is none.

    When the time is over, or the run has ended without an answer, it is what the flow says for want of one.
    """

    def work(session: Session) -> Held | None:
        hold, run = session.get(Hold, run_id), session.get(Run, run_id)
        if hold is None or run is None:
            return None
        reply: Mapping[str, Any] | None = hold.reply
        if reply is None and (now >= hold.until or run.ended_at is not None):
            version = session.exec(
                select(FlowVersion).where(FlowVersion.flow == run.flow, FlowVersion.version == run.version)
            ).one()
            when = version.document.get("when")
            trigger = when[run.trigger] if isinstance(when, list) else when
            reply = otherwise(Answers.model_validate((trigger or {}).get("answers", {})))
        return Held(say=hold.say, until=hold.until, reply=reply)

    return await store.read(work)
