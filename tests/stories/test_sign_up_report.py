"""The report on sign-ups: by day and connection, with what failed, and the days before beside them."""

from typing import Any, Final

from tests.bot.made import ended
from tests.stories.absentees import days_ago, posted, sheets
from tests.stories.newcomers import comes, shipped
from tests.stories.reporting import all_ended, pictures_of, saying, tables_of, time_has_come
from tests.worlds import Stage, text_of

FLOW: Final = "sign-up-report"
CHOSEN: Final[dict[str, Any]] = {"zone": "Europe/Berlin", "days": ["every day"]}


async def test_the_good_day_counts_who_came_and_what_failed_and_a_restart_posts_nothing_more(set_up: Stage) -> None:
    for number, days in enumerate([1, 1, 3, 9]):
        await comes(set_up, email=f"new{number}@example.com", name=f"New {number}", created_at=days_ago(days))
    await shipped(set_up, FLOW, **CHOSEN)
    await time_has_come(set_up, FLOW)
    async with set_up.bot_running():
        assert await all_ended(set_up, FLOW, 1) == ["done"]
    async with set_up.bot_running():
        await set_up.slack.said("status")
        message = await posted(set_up, "accounts were made")
        words = text_of(message)
        assert "*3* accounts were made (1 from " in words
        assert "Username-Password-Authentication: *3* (1)" in words
        assert "the days before cannot be compared" in words or "what was before is not counted" in words
        assert pictures_of(message)[0].startswith("Sign-ups per day: ")
        ((name, rows),) = (await sheets(set_up, message)).items()
        assert name.startswith("sign-ups-")
        assert len(rows) == 7
        assert sum(int(row["count"]) for row in rows) == 3
        await set_up.slack.press(message, "start:0", user="admin")
        assert "login-risk-report` is not on" in text_of(await set_up.slack.form())
    assert len(await saying(set_up, "accounts were made")) == 1


async def test_without_the_log_the_sign_ups_are_told_and_without_auth0_there_is_a_word_instead(set_up: Stage) -> None:
    await shipped(set_up, FLOW, **CHOSEN, span=14, risk_report=None, linking=None)
    async with set_up.bot_running():
        await set_up.auth0.fault("* /api/v2/logs*", times=40, status=403, body={"message": "Insufficient scope"})
        await set_up.slack.said("report sign-up")
        await ended(set_up, FLOW, 1)
        message = await posted(set_up, "accounts were made")
        assert "Failed attempts could not be counted: " in text_of(message)
        assert tables_of(message)[0].startswith("sign-ups-")
        assert [block for block in message["blocks"] if block["type"] == "actions"] == []
        await set_up.auth0.fault("* /api/v2/users*", times=40, status=403, body={"message": "Insufficient scope"})
        await set_up.slack.said("report sign-up")
        await posted(set_up, "There is no report on sign-ups")
