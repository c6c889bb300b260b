"""The report on login risks: how many were risky and why, what failed from where, and what was decided how fast."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bot import assembly
from bot.settings import Settings
from connectors.base import Catalog
from flows.builtins import BUILTINS
from tests.bot.made import ended
from tests.stories.absentees import posted, sheets
from tests.stories.newcomers import shipped
from tests.stories.reporting import all_ended, pictures_of, saying, tables_of, time_has_come
from tests.worlds import Stage, text_of

FLOW: Final = "login-risk-report"
SAYS: Final = "risky logins ("
CHOSEN: Final[dict[str, Any]] = {"zone": "Europe/Berlin", "days": ["every day"]}


async def test_the_good_day_counts_risks_reasons_failures_and_places(set_up: Stage) -> None:
    await shipped(set_up, FLOW, **CHOSEN)
    slack, auth0 = set_up.slack, set_up.auth0
    user = await auth0.user()
    await auth0.login(user["user_id"], risk="low", city="Paris")
    await auth0.login(user["user_id"], risk="low")
    await auth0.login(user["user_id"], risk="high")
    await auth0.post("failed-logins", {"user": user["email"], "times": 3})
    await auth0.post("days", {"days": 8})  # these are the days before
    await auth0.login(user["user_id"], risk="medium")
    await auth0.post("failed-logins", {"user": "nobody@example.com", "kind": "unknown_user"})
    await auth0.post("days", {"days": 1})
    async with set_up.bot_running():
        await slack.said("report login-risk")
        await ended(set_up, FLOW, 1)
        message = await posted(set_up, SAYS)
        words = text_of(message)
        assert "*1* risky logins (–) of 1 (–), and *1* failed attempts (–)." in words
        assert "medium: *1* (–)" in words
        assert "unknown person: *1* (–)" in words
        assert "the days before cannot be compared" in words
        assert (
            "*Decisions in Slack*: 0 asked (0), 0 decided, 0 not answered in time, 0 open. Half of them within – (–)."
            in words
        )
        assert pictures_of(message)[0].startswith("Risky logins and failed attempts: ")
        ((name, rows),) = (await sheets(set_up, message)).items()
        assert name.startswith("login-risks-")
        assert {"logins by risk", "failed attempts by address"} <= {row["what"] for row in rows}
        await auth0.post("days", {"days": 8})  # so the log goes back far enough
        await auth0.login(user["user_id"], risk="low", city="Paris")
        await auth0.post("days", {"days": 1})
        await slack.said("report login-risk")
        await ended(set_up, FLOW, 2)
        words = text_of(await posted(set_up, SAYS, 2))
        assert "*1* risky logins (1) of 1 (1)" in words
        assert "low: *1* (0)" in words
        await slack.press(await posted(set_up, SAYS, 2), "start:0", user="admin")
        assert "require-stricter-authentication` is not on" in text_of(await slack.form())


async def test_decisions_are_counted_with_how_fast_they_were_made(set_up: Stage) -> None:
    slack, auth0 = set_up.slack, set_up.auth0
    async with set_up.bot_running():
        await slack.enable()
        await auth0.login((await auth0.user())["user_id"])
        alert = await slack.alert()
        await slack.press(alert, "decide:block")
        await slack.ended("is blocked")
    count = Catalog([], builtins=BUILTINS).actions["decisions.count"]
    async with assembly.kept(Settings(**set_up.settings)) as things:

        async def counted(**given: Any) -> Any:
            wanted = count.given.model_validate(given)
            return await things.store.order(lambda connection: count.carry_out(connection, wanted))

        soon = datetime.now(UTC) + timedelta(hours=1)
        found = await counted(days=1, until=soon)
        assert (found.asked, found.asked_before, found.decided, found.expired, found.open) == (1, 0, 1, 0, 0)
        assert "second" in found.half_within
        assert [(one.name, one.count) for one in found.by_choice] == [("high-risk-login: Block", 1)]
        assert (await counted(days=1, until=soon, flows=["another"])).asked == 0
        later = await counted(days=1, until=soon + timedelta(days=1))
        assert (later.asked, later.asked_before) == (0, 1)


async def test_a_restart_posts_nothing_more_and_without_the_log_there_is_a_word_instead(set_up: Stage) -> None:
    await shipped(set_up, FLOW, **CHOSEN, stricter=None)
    await time_has_come(set_up, FLOW)
    await set_up.slack.fault("chat.postMessage", status=500, times=1)
    async with set_up.bot_running():
        assert await all_ended(set_up, FLOW, 1) == ["done"]
    async with set_up.bot_running():
        await set_up.slack.said("status")
        (message,) = await saying(set_up, SAYS)
        assert len(tables_of(message)) == 1
        await set_up.auth0.fault("* /api/v2/logs*", times=40, status=403, body={"message": "Insufficient scope"})
        await set_up.slack.said("report login-risk")
        await posted(set_up, "There is no report on login risks")
    assert len(await saying(set_up, SAYS)) == 1
