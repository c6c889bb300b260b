"""A flow that reached its cap asks those whom it belongs to, and nobody else decides."""

from typing import Any

from tests.bot.made import LOCKS, make, run_says, start
from tests.worlds import Stage, text_of


def asked(state: dict[str, Any]) -> Any:
    """Return the question about the cap with its channel, wherever it stands."""
    found = [
        {**message, "channel": channel}
        for channel, messages in state["messages"].items()
        for message in messages
        if "reached its cap" in text_of(message)
    ]
    return found[0] if found else None


async def press(stage: Stage, message: dict[str, Any], choice: str, user: str) -> None:
    place = {"channel": message["channel"], "ts": message["ts"], "action_id": f"decide:{choice}"}
    await stage.slack.post("clicks", {"user": stage.slack.who(user), **place})


async def test_the_owner_is_asked_and_decides(set_up: Stage) -> None:
    slack = set_up.slack
    await make(set_up, LOCKS, owner=slack.who("visitor"))
    user = (await set_up.auth0.user())["user_id"]
    async with set_up.bot_running():
        run = await start(set_up, "locks", who=user)
        question = await slack.until(asked)
        channel = next(one for one in (await slack.get("state"))["channels"] if one["id"] == question["channel"])
        assert (channel["is_im"], channel["user"]) == (True, slack.who("visitor"))
        assert not (await set_up.auth0.find(user)).get("blocked")
        assert "a direct message" in await slack.said("status locks")
        await press(set_up, question, "go_on", "visitor")
        await run_says(set_up, run, "is done")
    assert (await set_up.auth0.find(user))["blocked"]


async def test_without_an_owner_the_channel_is_asked_and_who_may_only_decide_is_refused(set_up: Stage) -> None:
    slack = set_up.slack
    await make(set_up, LOCKS)
    user = (await set_up.auth0.user())["user_id"]
    async with set_up.bot_running():
        await slack.said("allow @analyst decide")
        run = await start(set_up, "locks", who=user)
        question = await slack.until(asked)
        assert question["channel"] == slack.security
        await press(set_up, question, "go_on", "analyst")
        told = await slack.whispered("not allowed")
        assert told["user"] == slack.who("analyst")
        assert not (await set_up.auth0.find(user)).get("blocked")
        await slack.said("allow @analyst configure")
        await press(set_up, question, "stop", "analyst")
        await run_says(set_up, run, "failed")
    assert not (await set_up.auth0.find(user)).get("blocked")


async def test_an_owner_who_is_gone_does_not_leave_the_flow_without_an_answer(set_up: Stage) -> None:
    slack = set_up.slack
    await make(set_up, LOCKS, owner="U0NOBODY99")
    async with set_up.bot_running():
        await start(set_up, "locks", who="auth0|x")
        question = await slack.until(asked)
    assert question["channel"] == slack.security
