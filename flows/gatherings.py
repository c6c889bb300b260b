"""Gatherings: questions that stand in one message, because so many of them came within a short time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from flows.questions import Question
from flows.run_states import gathering_changed
from flows.store import Store, changed, dialect_of
from flows.surroundings import Ended
from flows.tables import Decision, Gathering, Run

LEASE: Final = 20.0
"""Seconds that a process has to send or change a message, before another one does."""
PACE: Final = 3.0
"""Seconds between two changes of a message. Slack takes some fifty changes a minute, of all messages together."""
NEWEST: Final = 5
"""Questions that a message tells of."""
PAGE: Final = 15
"""Questions on a page of the list of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """How the questions of a gathering stand."""

    gathering: Gathering
    newest: Sequence[Decision]
    """Some of them: those that are open first, and the newest of them."""
    open: int
    last: int
    """The place of the newest one that is open."""
    deadline: float
    """When the first of them is answered by itself."""
    chosen: Mapping[str, int]
    """How many were answered by people, by choice."""
    by: Mapping[str, Sequence[str]]
    """Who answered, by choice."""
    expired: Mapping[str, int]
    """How many were answered by nobody in time, by choice."""
    cancelled: int
    under_way: int
    """How many are decided, and their runs have not ended."""
    failed: int
    failure: str
    """What one of those said that failed."""


# Made once: in a storm, every question that comes is put in its place by these.
_KEPT: Final[sa.Table] = Gathering.__table__  # type: ignore[attr-defined]  # SQLModel adds it
_LATEST: Final = (
    sa.select(_KEPT)
    .where(_KEPT.c.key == sa.bindparam("of_key"))
    .order_by(_KEPT.c.serial.desc())
    .limit(1)
    .with_for_update()
)
_ANY_OPEN: Final = (
    sa.select(col(Decision.id))
    .where(col(Decision.gathering) == sa.bindparam("of_gathering"), col(Decision.state) == "pending")
    .limit(1)
)
_COUNTED: Final = (
    sa.update(_KEPT)
    .where(_KEPT.c.id == sa.bindparam("of_gathering"))
    .values(count=sa.bindparam("new_count"), size=sa.bindparam("new_size"), stale=sa.bindparam("is_stale"))
)
_PLACED: Final = (
    sa.update(Decision)
    .where(col(Decision.id) == sa.bindparam("of_decision"))
    .values(
        gathering=sa.bindparam("of_gathering"),
        place=sa.bindparam("at_place"),
        channel=sa.bindparam("in_channel"),
        message=sa.bindparam("in_message"),
    )
)


def join(connection: sa.Connection, question: Question, *, now: float) -> None:
    """Let a question that is new stand in one message with others of its kind, unless it is one of the first."""
    latest = _latest(connection, question, now)
    count = latest["count"] + 1
    stands = count >= question.together_from
    place = latest["size"] + 1 if stands else latest["size"]
    known = {"new_count": count, "new_size": place, "is_stale": place > 1}
    connection.execute(_COUNTED, {"of_gathering": latest["id"], **known})
    if stands:
        where = {"in_channel": latest["channel"], "in_message": latest["message"]}
        connection.execute(
            _PLACED, {"of_decision": question.id, "of_gathering": latest["id"], "at_place": place, **where}
        )


def _latest(connection: sa.Connection, question: Question, now: float) -> sa.RowMapping:
    """Return the gathering that takes new questions of a kind, locked. Made if there is none."""
    while True:
        latest = connection.execute(_LATEST, {"of_key": question.together}).mappings().first()
        goes_on = latest is not None and latest["until"] > now
        if latest is not None and goes_on and not _is_over(connection, latest):
            return latest
        # People were told of the one before, and have decided: what comes now has to be told in a new message, at once.
        serial = 1 if latest is None else latest["serial"] + 1
        new = dialect_of(connection).insert(Gathering)
        new = new.values(
            id=f"{question.together}#{serial}",
            key=question.together,
            serial=serial,
            flow=question.flow,
            opened_at=now,
            until=now + question.together_within,
            count=question.together_from - 1 if goes_on else 0,
            size=0,
            channel=question.channel,
            posting=False,
            stale=False,
            shown_at=0.0,
            claimed_until=0.0,
        )
        connection.execute(new.on_conflict_do_nothing())


def _is_over(connection: sa.Connection, gathering: sa.RowMapping) -> bool:
    if not gathering["size"]:
        return False
    return connection.execute(_ANY_OPEN, {"of_gathering": gathering["id"]}).first() is None


class Gatherings:
    """The gatherings that are remembered."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, gathering: str) -> Gathering | None:
        """Return a gathering."""
        return await self._store.read(lambda session: session.get(Gathering, gathering))

    # --- its message ------------------------------------------------------------------------------------------------

    async def claim_posting(self, seen: Gathering, *, now: float) -> bool:
        """Undertake to send the message. Returns False if somebody else did since it was looked at."""
        this = sa.update(Gathering).where(
            col(Gathering.id) == seen.id,
            col(Gathering.message).is_(None),
            col(Gathering.posting) == seen.posting,
            col(Gathering.claimed_until) <= now,
        )
        claimed = this.values(posting=True, claimed_until=now + LEASE)
        return await self._store.transact(lambda session: changed(session, claimed))

    async def not_posted(self, gathering: str) -> None:
        """Note that the message certainly did not arrive."""
        await self._write(gathering, posting=False, claimed_until=0.0)

    async def release(self, gathering: str) -> None:
        """Leave the message to others."""
        await self._write(gathering, claimed_until=0.0)

    async def posted(self, gathering: str, *, channel: str, message: str, now: float) -> None:
        """Note where the message stands, with every question in it."""
        values = {"channel": channel, "message": message}
        questions = sa.update(Decision).where(col(Decision.gathering) == gathering).values(**values)
        this = sa.update(Gathering).where(col(Gathering.id) == gathering)

        def work(session: Session) -> None:
            session.execute(questions)
            session.execute(this.values(posting=False, claimed_until=0.0, shown_at=now, **values))

        await self._store.transact(work)

    async def due(self, *, now: float) -> str | None:
        """Return the gathering whose message has not shown how things are for longest, if one may be changed now."""
        query = (
            sa.select(col(Gathering.id))
            .where(
                col(Gathering.stale),
                col(Gathering.message).is_not(None),
                col(Gathering.shown_at) <= now - PACE,
                col(Gathering.claimed_until) <= now,
            )
            .order_by(col(Gathering.shown_at))
            .limit(1)
        )
        return await self._store.read(lambda session: session.execute(query).scalar())

    async def claim_showing(self, gathering: str, *, now: float) -> bool:
        """Undertake to change the message. Returns False if it was changed a moment ago, or somebody is about to."""
        this = sa.update(Gathering).where(
            col(Gathering.id) == gathering,
            col(Gathering.message).is_not(None),
            col(Gathering.claimed_until) <= now,
            sa.or_(col(Gathering.size) == 1, col(Gathering.shown_at) <= now - PACE),
        )
        claimed = this.values(stale=False, shown_at=now, claimed_until=now + LEASE)
        return await self._store.transact(lambda session: changed(session, claimed))

    async def shown_later(self, gathering: str, *, after: float) -> None:
        """Note that the message could not be changed, and is to be after a time."""
        await self._write(gathering, stale=True, claimed_until=0.0, shown_at=after - PACE)

    # --- its questions ----------------------------------------------------------------------------------------------

    async def look(self, gathering: str) -> Gathered | None:
        """Return how the questions of a gathering stand."""
        return await self._store.read(lambda session: _look(session, gathering))

    async def page(self, gathering: str, number: int) -> Sequence[Decision]:
        """Return some of its questions: those that are open first, the newest of them first."""
        query = _questions(gathering).offset(number * PAGE).limit(PAGE)
        return await self._store.read(lambda session: session.exec(query).all())

    async def speaks(self, decision: Decision) -> Gathering | None:
        """Return the gathering of an open question if it is the one that speaks for all of them."""
        first = (
            sa.select(sa.func.min(col(Decision.place)))
            .where(col(Decision.gathering) == decision.gathering, col(Decision.state) == "pending")
            .scalar_subquery()
        )
        query = select(Gathering).where(Gathering.id == decision.gathering, first == decision.place)
        return await self._store.read(lambda session: session.exec(query).first())

    async def ended(self, decision: Decision, ended: Ended) -> None:
        """Note how the run of a question ended."""
        this = sa.update(Decision).where(col(Decision.id) == decision.id)
        stale = sa.update(Gathering).where(col(Gathering.id) == decision.gathering).values(stale=True)

        def work(session: Session) -> None:
            session.execute(this.values(outcome=ended.outcome, said=ended.message[:500]))
            session.execute(stale)

        await self._store.transact(work)

    async def decide_all(self, gathering: str, choice: str, *, last: int, by: str, now: float) -> int:
        """Decide every open question up to a place, and wake their runs. Returns how many these were.

        Those that came later were not seen by whoever decides.
        """
        these = (col(Decision.gathering) == gathering, col(Decision.state) == "pending", col(Decision.place) <= last)
        query = sa.select(col(Decision.id), col(Decision.run_id)).where(*these).with_for_update()

        def work(session: Session) -> int:
            connection = session.connection()
            found = connection.execute(query).all()
            for start in range(0, len(found), 500):
                some = found[start : start + 500]
                ids, runs = [one.id for one in some], col(Run.id).in_([one.run_id for one in some])
                decided = sa.update(Decision).where(col(Decision.id).in_(ids), col(Decision.state) == "pending")
                connection.execute(decided.values(state="decided", choice=choice, decided_by=by, decided_at=now))
                waiting = sa.update(Run).where(runs, col(Run.state) == "waiting")
                connection.execute(waiting.values(state="ready", wake_at=None))
                connection.execute(sa.update(Run).where(runs, col(Run.state) == "running").values(nudged=True))
            gathering_changed(connection, gathering)
            return len(found)

        return await self._store.transact(work)

    async def failed(self, gathering: str, limit: int = 100) -> Sequence[str]:
        """Return the runs of its questions that failed."""
        query = sa.select(col(Decision.run_id)).where(
            col(Decision.gathering) == gathering, col(Decision.outcome) == "failed"
        )
        return await self._store.read(lambda session: list(session.execute(query.limit(limit)).scalars()))

    async def _write(self, gathering: str, **values: Any) -> None:
        this = sa.update(Gathering).where(col(Gathering.id) == gathering).values(**values)
        await self._store.transact(lambda session: session.execute(this))


def _questions(gathering: str) -> Any:
    query = select(Decision).where(Decision.gathering == gathering)
    return query.order_by(sa.case((col(Decision.state) == "pending", 0), else_=1), col(Decision.place).desc())


def _look(session: Session, name: str) -> Gathered | None:
    gathering = session.get(Gathering, name)
    if gathering is None:
        return None
    its = col(Decision.gathering) == name
    counts = session.execute(
        sa.select(col(Decision.state), col(Decision.choice), sa.func.count())
        .where(its)
        .group_by(col(Decision.state), col(Decision.choice))
    ).all()
    pending = session.execute(
        sa.select(sa.func.count(), sa.func.max(col(Decision.place)), sa.func.min(col(Decision.deadline))).where(
            its, col(Decision.state) == "pending"
        )
    ).one()
    deciders = session.execute(
        sa.select(col(Decision.choice), col(Decision.decided_by))
        .where(its, col(Decision.state) == "decided")
        .distinct()
    ).all()
    ends = session.execute(
        sa.select(col(Decision.outcome), sa.func.count(), sa.func.max(col(Decision.said)))
        .where(its, col(Decision.state) != "pending")
        .group_by(col(Decision.outcome))
    ).all()
    failed = next((end for end in ends if end[0] == "failed"), None)
    by: dict[str, list[str]] = {}
    for choice, person in deciders:
        by.setdefault(str(choice), []).append(str(person))
    return Gathered(
        gathering=gathering,
        newest=session.exec(_questions(name).limit(NEWEST)).all(),
        open=int(pending[0]),
        last=int(pending[1] or 0),
        deadline=float(pending[2] or 0),
        chosen={str(choice): count for state, choice, count in counts if state == "decided"},
        by=by,
        expired={str(choice): count for state, choice, count in counts if state == "expired"},
        cancelled=sum(count for state, _, count in counts if state == "cancelled"),
        under_way=sum(count for outcome, count, _ in ends if outcome is None),
        failed=int(failed[1]) if failed else 0,
        failure=str(failed[2]) if failed else "",
    )
