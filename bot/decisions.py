"""Decisions: what happens when somebody presses a button of an alert."""

import re
from typing import Any, Final

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot import alerts, words
from bot.permissions import Permissions, Right
from flows.runs import Runs

log = structlog.get_logger()
_ACTION: Final = re.compile(rf"{alerts.DECIDE}:[a-z][a-z0-9_]*")


def register(app: AsyncApp, *, runs: Runs, permissions: Permissions) -> None:
    """Listen to the buttons of alerts."""

    @app.action(_ACTION)
    async def decide(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        user, choice = str(body["user"]["id"]), str(action["action_id"]).partition(":")[2]
        if not await permissions.may(user, "decide"):
            await tell(respond, await refusal("decide", permissions))
            return
        won, decision = await runs.decide(str(action["value"]), choice, by=user)
        log.info("decision_clicked", user=user, choice=choice, won=won)
        if decision is None:
            await tell(respond, "I do not know this question any more, so nothing was done.")
        elif not won:
            await tell(respond, f"This is already decided: {alerts.verdict(decision)}. Nothing more was done.")

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


async def refusal(right: Right, permissions: Permissions) -> str:
    """Return the sentence that says who can."""
    what = {"decide": "decide here", "configure": "set up flows"}[right]
    return f"You are not allowed to {what}, so nothing was done. These are: {await permissions.who_may(right)}."


async def tell(respond: AsyncRespond, text: str) -> None:
    """Say something to the person who pressed or typed, and to nobody else."""
    answer = await respond(text=text, blocks=[words.section(text)], response_type="ephemeral", replace_original=False)
    status = getattr(answer, "status_code", 200)
    if status != 200:  # Bolt raises nothing for a dead address
        log.warning("reply_not_delivered", status=status)
