"""Decisions: who answered which question, and what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from flows import gatherings
from flows.questions import NO_LINK, Question
from flows.run_states import gathering_changed, wake
from flows.store import Store, changed, dialect_of
from flows.tables import Decision, Vote


def question_of(decision: Decision) -> Question:
    """Return the question that a decision is about."""
    return Question(**decision.question)


def _opened(question: Question, now: float) -> dict[str, Any]:
    """Return the row of a question that is put."""
    return {
        "id": question.id,
        "run_id": question.run_id,
        "path": question.path,
        "question": asdict(question),
        "channel": question.channel,
        "posting": False,
        "asked_at": now,
        "deadline": now + question.within,
        "state": "pending",
    }


def no_link(_question_id: str, choice: str) -> str:
    """Return what stands for a link where this process has no pages."""
    return NO_LINK.format(choice)


async def page_of(store: Store, run_id: str) -> Decision | None:
    """Return the latest question that a run has put to the person whose login it holds."""
    query = select(Decision).where(Decision.run_id == run_id).order_by(col(Decision.asked_at).desc())
    found = await store.read(lambda session: session.exec(query).all())
    return next((one for one in found if (one.question.get("page") or {}).get("held")), None)


class KeptPages:
    """The questions that are put to people outside of Slack. Their pages find them among the decisions."""

    def __init__(self, link: Callable[[str, str], str], now: Callable[[], float]) -> None:
        self._link = link
        self._now = now

    def open(self, connection: sa.Connection, question: Question) -> None:
        """Put a question where its page finds it. Its deadline is set once."""
        insert = dialect_of(connection).insert(Decision)
        changed(connection, insert.values(_opened(question, self._now())).on_conflict_do_nothing())

    def close(self, connection: sa.Connection, run_id: str) -> None:
        """Take back what is still put to somebody: nobody waits for the answer any more."""
        still = sa.update(Decision).where(col(Decision.run_id) == run_id, col(Decision.state) == "pending")
        connection.execute(still.values(state="cancelled", decided_at=self._now()))

    def link(self, question_id: str, choice: str) -> str:
        """Return the address at which a person makes a choice."""
        return self._link(question_id, choice)


class Decisions:
    """The decisions that are remembered. Every change is one conditional write: of several at once, one wins."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(self, question: Question, *, now: float) -> Decision:
        """Return the decision for a question, made if it is not there yet. Its deadline is set once."""
        statement = self._store.insert(Decision).values(_opened(question, now)).on_conflict_do_nothing()

        def work(session: Session) -> Decision:
            if changed(session, statement) and question.together:
                gatherings.join(session.connection(), question, now=now)
            return session.get_one(Decision, question.id)

        return await self._store.transact(work)

    async def read(self, decision_id: str) -> Decision | None:
        """Return a decision."""
        return await self._store.read(lambda session: session.get(Decision, decision_id))

    async def votes(self, decision_id: str) -> Mapping[str, Sequence[str]]:
        """Return who has voted for which choice, in the order they did."""
        query = select(Vote).where(Vote.decision == decision_id).order_by(col(Vote.at))
        found: dict[str, list[str]] = {}
        for vote in await self._store.read(lambda session: session.exec(query).all()):
            found.setdefault(vote.choice, []).append(vote.person)
        return found

    async def of_run(self, run_id: str) -> Sequence[Decision]:
        """Return a run's decisions, in the order they were asked."""
        query = select(Decision).where(Decision.run_id == run_id).order_by(col(Decision.asked_at))
        return await self._store.read(lambda session: session.exec(query).all())

    async def posting(self, decision_id: str) -> None:
        """Note that a message with the question is about to be sent."""
        await self._write(decision_id, posting=True)

    async def posted(self, decision_id: str, *, channel: str, message: str) -> None:
        """Note where the question stands."""
        await self._write(decision_id, posting=False, channel=channel, message=message)

    async def not_posted(self, decision_id: str) -> None:
        """Note that the message certainly did not arrive."""
        await self._write(decision_id, posting=False)

    async def decide(
        self, decision_id: str, choice: str, *, by: str | None, now: float
    ) -> tuple[bool, Decision | None]:
        """Decide, if it is still open, and wake its run. Returns whether this call decided, and how the decision stands now.

        Where several people have to choose the same, each has one vote, and may change it while it is open.
        """
        statement = (
            sa.update(Decision)
            .where(col(Decision.id) == decision_id, col(Decision.state) == "pending")
            .values(state="decided", choice=choice, decided_by=by, decided_at=now)
        )

        vote = self._store.insert(Vote).values(decision=decision_id, person=by, choice=choice, at=now)
        vote = vote.on_conflict_do_update(index_elements=["decision", "person"], set_={"choice": choice, "at": now})
        same = sa.select(sa.func.count()).where(col(Vote.decision) == decision_id, col(Vote.choice) == choice)

        def work(session: Session) -> tuple[bool, Decision | None]:
            found = session.get(Decision, decision_id, with_for_update=True)
            if found is not None and found.state == "pending" and question_of(found).votes > 1:
                session.execute(vote)
                if session.execute(same).scalar_one() < question_of(found).votes:
                    return False, found
            won = changed(session, statement)
            decision = session.get(Decision, decision_id, populate_existing=True)
            if won and decision is not None:
                wake(session.connection(), decision.run_id)
                gathering_changed(session.connection(), decision.gathering)
            return won, decision

        return await self._store.transact(work)

    async def decide_all(self, gathering: str, choice: str, *, last: int, by: str, now: float) -> int:
        """Decide the open questions of one message, up to a place, and wake their runs. Returns how many these were."""
        return await gatherings.Gatherings(self._store).decide_all(gathering, choice, last=last, by=by, now=now)

    async def expire(self, *, now: float) -> Sequence[Decision]:
        """Decide by default what nobody answered in time, and wake the runs. Returns those decisions."""

        def work(session: Session) -> list[Decision]:
            due = session.exec(
                select(Decision)
                .where(Decision.state == "pending", Decision.deadline <= now)
                .with_for_update(skip_locked=True)
            ).all()
            for decision in due:
                decision.state, decision.decided_at = "expired", now
                decision.choice = question_of(decision).otherwise
                session.add(decision)
                wake(session.connection(), decision.run_id)
            session.flush()
            for gathering in {decision.gathering for decision in due}:
                gathering_changed(session.connection(), gathering)
            return list(due)

        return await self._store.transact(work)

    async def next_deadline(self) -> float | None:
        """Return when the next open decision expires."""
        query = select(sa.func.min(Decision.deadline)).where(Decision.state == "pending")
        return await self._store.read(lambda session: session.exec(query).one())

    async def pending(self, limit: int = 10) -> Sequence[Decision]:
        """Return the open decisions that people can see, the next to expire first."""
        query = select(Decision).where(Decision.state == "pending", col(Decision.message).is_not(None))
        query = query.order_by(col(Decision.deadline)).limit(limit)
        return await self._store.read(lambda session: session.exec(query).all())

    async def _write(self, decision_id: str, **values: Any) -> None:
        statement = sa.update(Decision).where(col(Decision.id) == decision_id).values(**values)
        await self._store.transact(lambda session: session.execute(statement))
