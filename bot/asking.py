"""Asking: how questions come before people in Slack, and what is said there until the run has ended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from bot import words
from bot.alerts import AGAIN, closed_alert, open_alert
from bot.gatherings import GatheredAlerts
from bot.insisting import Insisting
from bot.workspace import Workspace
from connectors.errors import Ambiguous, ConnectorError, Missing, Reconnect
from flows.alert_messages import AlertMessages
from flows.decisions import Decisions, question_of
from flows.language import written
from flows.questions import Question
from flows.store import Store
from flows.surroundings import Ended, Errand
from flows.tables import Decision

log = structlog.get_logger()


class SlackPeople:
    """Reaches people through Slack. One message per question in each place where it is asked, changed in place."""

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
        self._gathered = gathered
        self._insisting = Insisting(workspace, decisions, store, gathered, now)
        self._more = AlertMessages(store)
        self._store = store
        self._now = now

    async def ask(self, question: Question) -> None:
        """Post a question once. If an earlier post may have arrived, look for it first."""
        decision = await self._decisions.open(question, now=self._now())
        if decision.message is not None:
            return
        if decision.gathering is not None:
            await self._gathered.ask(question, decision)
            await self._point_on(question)
            return
        places = await self._places(question)
        if decision.posting:
            for place in places:
                found = await self._find(place, question, since=decision.asked_at)
                if found is not None:
                    await self._decisions.posted(question.id, channel=place, message=found)
                    return
        await self._decisions.posting(question.id)
        text, blocks = open_alert(question, decision.deadline)
        try:
            channel, message = await self._post(places, text=text, blocks=blocks, key=question.id)
        except Ambiguous:
            raise
        except ConnectorError:
            await self._decisions.not_posted(question.id)
            raise
        await self._decisions.posted(question.id, channel=channel, message=message)
        log.info("asked", run=question.run_id, channel=channel)
        await self._point_on(question)

    async def _point_on(self, question: Question) -> None:
        """Say on the run's earlier questions that it goes on with another: they are not worked on meanwhile."""
        for decision in await self._decisions.of_run(question.run_id):
            if decision.id != question.id and decision.state != "pending" and decision.gathering is None:
                await self._show(question_of(decision), decision, None, meanwhile="It goes on in a new message.")

    async def _places(self, question: Question) -> Sequence[str]:
        """Return where to ask: the first of these that is there.

        Owners are asked themselves. Where they are not known, or not there any more, the flow's channel hears of it,
        or whoever set it up.
        """
        if not question.for_owners:
            return [question.channel]
        flow = await self._store.flow(question.flow)
        channel = flow.settings.get("channel") if flow else None
        places = [question.channel, channel if isinstance(channel, str) else "", flow.changed_by if flow else ""]
        return list(dict.fromkeys(filter(None, places)))

    async def _find(self, place: str, question: Question, *, since: float) -> str | None:
        try:
            return await self._workspace.find(place, key=question.id, since=since)
        except (Missing, Reconnect):
            if question.for_owners:
                return None  # what was said to a person cannot be looked up; being asked twice does no harm
            raise

    async def _post(self, places: Sequence[str], *, text: str, blocks: Any, key: str) -> tuple[str, str]:
        for place in places[:-1]:
            try:
                return await self._workspace.post(place, text=text, blocks=blocks, key=key)
            except Missing as error:
                log.warning("could_not_ask", key=key, why=error.message)
        if not places:
            raise Missing("There is nobody to ask: the flow has no owner and no channel.")
        return await self._workspace.post(places[-1], text=text, blocks=blocks, key=key)

    async def answer(self, question: Question) -> Mapping[str, Any] | None:
        """Return how a question was answered, or None while it is open."""
        decision = await self._decisions.read(question.id)
        if decision is None or decision.state == "pending":
            return None
        how = "person" if decision.state == "decided" else "deadline"
        where = {"channel": decision.channel, "message": decision.message}
        return {"choice": decision.choice, "by": decision.decided_by, "at": decision.decided_at, "how": how, **where}

    async def speaks_since(self, question: Question) -> float | None:
        """Return since when a question is asked; None if nothing more is to be said about it."""
        return await self._insisting.speaks_since(question)

    async def insist(self, question: Question, name: str) -> None:
        """Remind people of a question that is open, or ask it in the second place, too."""
        await self._insisting.insist(question, name)

    async def voted(self, decision: Decision) -> None:
        """Show on an open question, wherever it is asked, who has voted for what."""
        question = question_of(decision)
        elsewhere = await self._more.elsewhere(question.id, question)
        votes = await self._decisions.votes(question.id)
        text, blocks = open_alert(question, decision.deadline, also=[place for place, _ in elsewhere], votes=votes)
        for place, message in [(decision.channel, decision.message), *elsewhere]:
            if message is not None:
                await self._workspace.update(place, message, text=text, blocks=blocks)

    async def settle(self, question: Question) -> None:
        """Take the choices off a question's message, and say who decided."""
        decision = await self._decisions.read(question.id)
        if decision is not None and decision.gathering is not None:
            await self._gathered.show(decision.gathering)
        elif decision is not None:
            await self._show(question, decision, None)

    async def tell(self, errand: Errand, ended: Ended) -> None:
        """Show how a run ended on its questions' messages. A failure without one is told to the channel, or to who set it up."""
        shown, ended = False, _with_its_step(errand, ended)
        for decision in await self._decisions.of_run(errand.run_id):
            if decision.message is None or decision.state == "pending":
                continue
            if decision.gathering is not None:
                await self._gathered.ended(decision, ended)
            else:
                await self._show(question_of(decision), decision, ended)
            shown = True
        if ended.outcome == "failed" and not shown:
            await self._report(errand, ended)

    async def _show(
        self, question: Question, decision: Decision, ended: Ended | None, *, meanwhile: str = "On it …"
    ) -> None:
        votes = await self._decisions.votes(question.id) if question.votes > 1 else None
        text, blocks = closed_alert(question, decision, ended, meanwhile=meanwhile, votes=votes)
        if decision.message is None:
            return
        for place, message in await self._more.elsewhere(question.id, question):
            try:
                await self._workspace.update(place, message, text=text, blocks=blocks)
            except Missing as error:
                log.info("message_gone", place=place, why=error.message)
        try:
            await self._workspace.update(decision.channel, decision.message, text=text, blocks=blocks)
        except Missing:
            # Somebody deleted the message. What was decided still holds, and people are told in a new one.
            if ended is not None:
                await self._workspace.post(decision.channel, text=text, blocks=blocks, key=f"{question.id}/ended")

    async def _report(self, errand: Errand, ended: Ended) -> None:
        title = words.escape(errand.template.title)
        text = f"{title} could not be carried out: {words.escape(ended.message, 500)}"
        blocks = [
            words.section(
                f":warning: *{title}* could not be carried out for an event. {words.escape(ended.message, 500)}"
            ),
            {
                "type": "actions",
                "block_id": AGAIN,
                "elements": [words.button("Try again", action=AGAIN, value=errand.run_id)],
            },
        ]
        channel = str(errand.settings.get("channel") or "")
        flow = await self._store.flow(errand.flow)
        for place in filter(None, (channel, flow.changed_by if flow else "")):
            try:
                await self._workspace.post(place, text=text, blocks=blocks, key=f"{errand.run_id}/failed")
            except Missing as error:
                log.warning("could_not_report", run=errand.run_id, why=error.message)
            else:
                return


def _with_its_step(errand: Errand, ended: Ended) -> Ended:
    """Return how a run ended, with the name of the step that failed: what was done before it stays done."""
    found: Any = written(errand.template)
    for part in ended.path.split("/") if ended.outcome == "failed" and ended.path else ():
        if part.isdecimal() and isinstance(found, dict):
            found = found.get("steps")  # which item of a loop
        elif isinstance(found, list):
            found = found[int(part)] if part.isdecimal() and int(part) < len(found) else None
        elif isinstance(found, dict):
            found = found.get(part)
    name = found.get("id") if isinstance(found, dict) and "stop" not in found else None
    return replace(ended, message=f"At the step {name}: {ended.message}") if name else ended


class Silent:
    """Reaches nobody: for where Slack is not known."""

    async def ask(self, question: Question) -> None:  # noqa: ARG002  # nobody is asked
        """Ask nobody. Raises Reconnect."""
        raise Reconnect("Slack is not set up here.")

    async def answer(self, question: Question) -> Mapping[str, Any] | None:  # noqa: ARG002  # nobody answers
        """Return nothing."""
        return None

    async def speaks_since(self, question: Question) -> float | None:  # noqa: ARG002  # nobody is reminded
        """Return nothing."""
        return None

    async def insist(self, question: Question, name: str) -> None:
        """Remind nobody."""

    async def settle(self, question: Question) -> None:
        """Show nothing."""

    async def tell(self, errand: Errand, ended: Ended) -> None:
        """Tell nobody."""
