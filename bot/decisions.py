"""Decisions: what happens when somebody presses a button of an alert."""

import re
from typing import Any, Final

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot import alerts
from bot.asking import SlackPeople
from bot.permissions import Permissions
from bot.replies import refusal, tell
from connectors.slack.contents import LINK
from flows.decisions import Decisions, question_of
from flows.runs import Runs

log = structlog.get_logger()
_ACTION: Final = re.compile(rf"{alerts.DECIDE}:[a-z][a-z0-9_]*")


def register(app: AsyncApp, *, runs: Runs, decisions: Decisions, permissions: Permissions, asked: SlackPeople) -> None:
    """Listen to the buttons of alerts."""

    @app.action(_ACTION)
    async def decide(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        user, choice = str(body["user"]["id"]), str(action["action_id"]).partition(":")[2]
        refused = await refused_to_decide(str(action["value"]), user, decisions=decisions, permissions=permissions)
        if refused is not None:
            await tell(respond, refused)
            return
        won, decision = await runs.decide(str(action["value"]), choice, by=user)
        log.info("decision_clicked", user=user, choice=choice, won=won)
        if decision is None:
            await tell(respond, "I do not know this question any more, so nothing was done.")
        elif not won and decision.state == "pending":
            await asked.voted(decision)
        elif not won:
            await tell(respond, f"This is already decided: {alerts.verdict(decision)}. Nothing more was done.")

    @app.action(re.compile(rf"{LINK}:\d+"))
    async def link(ack: AsyncAck) -> None:
        await ack()  # a flow's message leads somewhere: Slack tells of it, and there is nothing to be done

    @app.action(alerts.AGAIN)
    async def again(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        user = str(body["user"]["id"])
        if not await permissions.may(user, "decide"):
            await tell(respond, await refusal("decide", permissions))
        elif await runs.again(str(action["value"])):
            await tell(respond, "Trying again.")
        else:
            await tell(respond, "Somebody has tried this again already.")


async def refused_to_decide(
    decision_id: str, user: str, *, decisions: Decisions, permissions: Permissions
) -> str | None:
    """Return why a person may not decide, or None if they may.

    What is about a flow itself, as a cap that it reached, is for its owner and for those who may configure.
    """
    decision = await decisions.read(decision_id)
    question = question_of(decision) if decision is not None else None
    if question is None or not question.for_owners:
        return None if await permissions.may(user, "decide") else await refusal("decide", permissions)
    if user == question.channel or await permissions.may(user, "configure"):
        return None
    return await refusal("configure", permissions, besides=[question.channel] if question.channel else [])
