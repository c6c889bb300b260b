"""Gatherings: the one message in which many questions are asked is posted once, and follows what becomes of them."""

from collections.abc import Callable, Sequence
from typing import Final

import structlog

from bot.alerts import closed_alert, open_alert
from bot.gathered_alerts import gathered_alert
from bot.replies import Message
from bot.workspace import Workspace
from connectors.errors import Ambiguous, ConnectorError, Missing, TryLater
from flows.alert_messages import AlertMessages
from flows.decisions import question_of
from flows.gatherings import Gathered, Gatherings
from flows.questions import Question
from flows.store import Store
from flows.surroundings import Ended
from flows.tables import Decision

log = structlog.get_logger()

LOOK: Final = 1.5
"""Seconds between two looks for a message that does not show how things are: one is changed at a time."""
SOON: Final = 6.0
"""Seconds until a question looks again whether the message is posted that another one undertook to post."""
LATER: Final = 15.0
"""Seconds until a message is changed again after that did not work."""


class GatheredAlerts:
    """Posts and changes the messages of gatherings. Any process may: each time, one claims it."""

    def __init__(self, workspace: Workspace, store: Store, now: Callable[[], float]) -> None:
        self._workspace = workspace
        self._more = AlertMessages(store)
        self._now = now
        self.kept = Gatherings(store)

    async def ask(self, question: Question, decision: Decision) -> None:
        """Post the message that a question stands in, unless it is there."""
        name = str(decision.gathering)
        found = await self.kept.read(name)
        if found is None or found.message is not None:
            return
        if not await self.kept.claim_posting(found, now=self._now()):
            raise TryLater("The message is being posted.", after=SOON)
        if found.posting:
            there = await self._workspace.find(question.channel, key=name, since=found.opened_at)
            if there is not None:
                await self.kept.posted(name, channel=question.channel, message=there, now=self._now())
                return
        look = await self.kept.look(name) if found.size > 1 else None
        text, blocks = shown(look) if look is not None else open_alert(question, decision.deadline)
        try:
            channel, message = await self._workspace.post(question.channel, text=text, blocks=blocks, key=name)
        except Ambiguous:
            await self.kept.release(name)
            raise
        except ConnectorError:
            await self.kept.not_posted(name)
            raise
        await self.kept.posted(name, channel=channel, message=message, now=self._now())
        log.info("asked_together", gathering=name, channel=channel)

    async def look(self) -> None:
        """Change the message that has not shown how things are for longest."""
        name = await self.kept.due(now=self._now())
        if name is not None:
            await self.show(name)

    async def show(self, name: str) -> None:
        """Let a message show how things are, unless it was changed a moment ago: then it is later."""
        if not await self.kept.claim_showing(name, now=self._now()):
            return
        look = await self.kept.look(name)
        if look is None or look.gathering.message is None:
            return
        elsewhere = await self._more.elsewhere(name, question_of(look.newest[0]))
        text, blocks = shown(look, also=[place for place, _ in elsewhere])
        try:
            for place, message in [(look.gathering.channel, look.gathering.message), *elsewhere]:
                try:
                    await self._workspace.update(place, message, text=text, blocks=blocks)
                except Missing as error:
                    log.info("message_gone", place=place, why=error.message)
        except ConnectorError as error:
            after = error.after if isinstance(error, TryLater) and error.after else LATER
            await self.kept.shown_later(name, after=self._now() + after)
            log.warning("could_not_show", gathering=name, why=error.message)
        else:
            await self.kept.release(name)

    async def ended(self, decision: Decision, ended: Ended) -> None:
        """Show how the run of a question ended."""
        await self.kept.ended(decision, ended)
        await self.show(str(decision.gathering))


def shown(look: Gathered, *, also: Sequence[str] = ()) -> Message:
    """Return the message of a gathering. One question alone looks as it would without others."""
    if look.gathering.size > 1:
        return gathered_alert(look, also=also)
    decision = look.newest[0]
    question = question_of(decision)
    if decision.state == "pending":
        return open_alert(question, decision.deadline, also=also)
    match decision.outcome:
        case "done" | "failed" | "cancelled":
            ended = Ended(outcome=decision.outcome, message=decision.said)
            return closed_alert(question, decision, ended)
        case _:
            return closed_alert(question, decision, None)
