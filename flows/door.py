"""The door: which flows an event wakes. An event that wakes nothing starts no run and leaves no trace."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session

from flows import durations
from flows.engine import all_hold
from flows.language import Template
from flows.references import fill, spoken
from flows.store import SetUp, Store, add_run, claim_once, flows_set_up
from flows.tables import Run


class Door:
    """Looks at the guards of every flow that is on."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def knock(
        self, *, source: str, connection: str, event_id: str, event: Mapping[str, Any], now: float
    ) -> Sequence[str]:
        """Accept an event. Returns the runs it wakes, which are then kept and must be begun.

        The same event id wakes a flow once, however often it is delivered and whatever happened to the flow meanwhile.
        """
        event_id = f"{connection}:{event_id}"

        def work(session: Session) -> list[str]:
            return [
                run_id
                for flow in flows_set_up(session, only_enabled=True)
                if (run_id := self._wake(session, flow, source, connection, event_id, event, now)) is not None
            ]

        return await self._store.transact(work)

    def _wake(
        self,
        session: Session,
        flow: SetUp,
        source: str,
        connection: str,
        event_id: str,
        event: Mapping[str, Any],
        now: float,
    ) -> str | None:
        if flow.document["when"]["event"] != source:
            return None
        when = Template.model_validate(flow.document).when
        scope = {"settings": flow.settings, "event": event}
        if fill(when.from_, scope) != connection or not all_hold(when.only_if, scope):
            return None
        once = when.once_per
        if once is not None:
            until = now + durations.seconds(once.within)
            key = spoken(fill(once.key, scope))
            if not claim_once(self._store, session, flow=flow.name, key=key, event_id=event_id, now=now, until=until):
                return None
        run_id = f"{flow.name}/{flow.version}/{event_id}"
        run = Run(
            id=run_id,
            flow=flow.name,
            version=flow.version,
            event_id=event_id,
            event=dict(event),
            state="waking",
            began_at=now,
        )
        return run_id if add_run(self._store, session, run) else None
