"""Alert messages: what else was posted about a question, besides the message that asks it."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import Session, col, select

from flows.questions import ESCALATE, Question
from flows.store import Store, changed
from flows.tables import AlertMessage


class AlertMessages:
    """The messages of alerts that are remembered, so that none is posted twice."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(self, alert: str, name: str, *, now: float) -> tuple[AlertMessage, bool]:
        """Note that a message is about to be posted. Returns it, and whether nobody has tried to before."""
        new = self._store.insert(AlertMessage).values(alert=alert, name=name, at=now, channel="")
        new = new.on_conflict_do_nothing()

        def work(session: Session) -> tuple[AlertMessage, bool]:
            is_new = changed(session, new)
            return session.get_one(AlertMessage, (alert, name)), is_new

        return await self._store.transact(work)

    async def posted(self, alert: str, name: str, *, channel: str, message: str) -> None:
        """Note where a message stands."""
        this = sa.update(AlertMessage).where(col(AlertMessage.alert) == alert, col(AlertMessage.name) == name)
        await self._store.transact(lambda session: session.execute(this.values(channel=channel, message=message)))

    async def elsewhere(self, alert: str, question: Question) -> Sequence[tuple[str, str]]:
        """Return where else a question is asked: channels, and the messages there."""
        if not question.escalate_to or question.escalate_to.startswith("S"):
            return []  # a user group is mentioned in the thread
        query = select(AlertMessage).where(
            AlertMessage.alert == alert, AlertMessage.name == ESCALATE, col(AlertMessage.message).is_not(None)
        )
        found = await self._store.read(lambda session: session.exec(query).all())
        return [(one.channel, str(one.message)) for one in found]
