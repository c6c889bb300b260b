"""Insisting: what is said about a question that nobody answers, in its thread and in a second place."""

from collections.abc import Callable, Sequence

import structlog

from bot.alerts import open_alert, reminder
from bot.gathered_alerts import gathered_reminder
from bot.gatherings import GatheredAlerts, shown
from bot.replies import Message
from bot.workspace import Workspace
from connectors.errors import Missing, Reconnect
from flows.alert_messages import AlertMessages
from flows.decisions import Decisions
from flows.questions import ESCALATE, Question
from flows.store import Store
from flows.tables import Decision

log = structlog.get_logger()


class Insisting:
    """Reminds people of questions that are open, and asks others, too. Each of these messages is posted once."""

    def __init__(
        self,
        workspace: Workspace,
        decisions: Decisions,
        store: Store,
        gathered: GatheredAlerts,
        now: Callable[[], float],
    ) -> None:
        self._workspace = workspace
        self._decisions = decisions
        self._store = store
        self._gathered = gathered
        self._more = AlertMessages(store)
        self._now = now

    async def speaks_since(self, question: Question) -> float | None:
        """Return since when a question is asked; None if nothing more is to be said about it.

        Of those that stand in one message, the first that is open speaks for all of them.
        """
        decision = await self._decisions.read(question.id)
        if decision is None or decision.message is None:
            return None
        if decision.gathering is None:
            return decision.asked_at
        gathering = await self._gathered.kept.speaks(decision)
        return gathering.opened_at if gathering is not None else None

    async def insist(self, question: Question, name: str) -> None:
        """Remind people of a question that is open, or ask it in the second place, too."""
        decision = await self._decisions.read(question.id)
        if decision is None or decision.message is None or decision.state != "pending":
            return
        alert = decision.gathering or question.id
        if name == ESCALATE and not question.escalate_to.startswith("S"):
            await self._ask_there(question, decision, alert)
            return
        whom = [question.escalate_to] if name == ESCALATE else await self._concerned(question)
        said = await self._reminder(question, decision, whom)
        key = f"{alert}/{name}"
        thread, broadcast = decision.message, True if name == ESCALATE else None
        await self._once(alert, name, decision.channel, said, key=key, thread=thread, broadcast=broadcast)

    async def _ask_there(self, question: Question, decision: Decision, alert: str) -> None:
        """Ask in the second place, and say so in the first."""
        votes = await self._decisions.votes(question.id) if question.votes > 1 else None
        said = open_alert(question, decision.deadline, since=decision.asked_at, votes=votes)
        look = await self._gathered.kept.look(decision.gathering) if decision.gathering else None
        if look is not None and look.gathering.size > 1:
            said = shown(look)
        await self._once(alert, ESCALATE, question.escalate_to, said, key=f"{alert}/{ESCALATE}")
        if decision.gathering is not None:
            await self._gathered.show(decision.gathering)
            return
        also = [place for place, _ in await self._more.elsewhere(alert, question)]
        text, blocks = open_alert(question, decision.deadline, also=also, votes=votes)
        await self._workspace.update(decision.channel, str(decision.message), text=text, blocks=blocks)

    async def _reminder(self, question: Question, decision: Decision, whom: Sequence[str]) -> Message:
        look = await self._gathered.kept.look(decision.gathering) if decision.gathering else None
        if look is not None and look.gathering.size > 1:
            return gathered_reminder(look, whom)
        return reminder(question, decision.deadline, whom)

    async def _concerned(self, question: Question) -> Sequence[str]:
        """Return whom to remind: those the flow names, or those who may decide, or who set the flow up."""
        if question.mention:
            return list(question.mention)
        allowed = await self._store.allowed("decide")
        if allowed:
            return allowed
        flow = await self._store.flow(question.flow)
        return [flow.changed_by] if flow is not None and flow.changed_by else []

    async def _once(
        self,
        alert: str,
        name: str,
        place: str,
        said: Message,
        *,
        key: str,
        thread: str | None = None,
        broadcast: bool | None = None,
    ) -> None:
        """Post one more message of an alert, once: if an earlier attempt may have arrived, it is looked for first."""
        text, blocks = said
        begun, is_new = await self._more.begin(alert, name, now=self._now())
        if begun.message is not None:
            return
        found = None if is_new else await self._found(place, key, since=begun.at, thread=thread)
        if found is None:
            channel, message = await self._workspace.post(
                place, text=text, blocks=blocks, key=key, thread=thread, broadcast=broadcast
            )
        else:
            channel, message = place, found
        await self._more.posted(alert, name, channel=channel, message=message)
        log.info("insisted", alert=alert, name=name)

    async def _found(self, place: str, key: str, *, since: float, thread: str | None) -> str | None:
        try:
            return await self._workspace.find(place, key=key, since=since, thread=thread)
        except (Missing, Reconnect):
            return None  # what was said to a person cannot be looked up; being told twice does no harm
