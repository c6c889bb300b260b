"""The report on inactive users: numbers, a picture, the table in the thread, and buttons that lead on."""

import signal
from typing import Any, Final

import pytest

from tests.bot.made import ended
from tests.stories.absentees import absentee, passed, posted, sheets
from tests.stories.newcomers import shipped
from tests.stories.reporting import all_ended, pictures_of, saying, tables_of, time_has_come
from tests.worlds import Stage, text_of

FLOW: Final = "inactive-users-report"
SAYS: Final = "have not been there for"
CHOSEN: Final[dict[str, Any]] = {"zone": "Europe/Berlin", "days": ["every day"]}


async def test_the_good_day_has_numbers_a_picture_a_table_and_buttons_and_the_next_has_the_last_beside(
    set_up: Stage,
) -> None:
    await absentee(set_up, 45, email="a@example.com", name="A")
    await absentee(set_up, 400, email="b@example.com", name="B")
    await shipped(set_up, FLOW, **CHOSEN)
    await shipped(set_up, "clean-up-inactive", company="Example", sign_in="https://example.com", zone="Europe/Berlin")
    slack = set_up.slack
    async with set_up.bot_running():
        assert "is started" in await slack.said("report inactive-users")
        assert (await ended(set_up, FLOW, 1))[0].startswith("Posted: ")
        first = await posted(set_up, SAYS)
        words = text_of(first)
        assert "30 to 59 days: *1* (–)" in words
        assert "In brackets: the report before (there was none)." in words
        assert "their last login (" in words
        assert "Everybody is in it who was in the export" in words
        assert pictures_of(first)[0].startswith("People who have not been there: 30 to 59 days 1; 60 to 119 days ")
        ((name, rows),) = (await sheets(set_up, first)).items()
        assert name.startswith("inactive-users-20")
        assert {"connection", "inactive", "people"} == set(rows[0])
        # The one button opens the form of a flow that is on; the other says what to switch on.
        await slack.press(first, "start:0", user="admin")
        form = await slack.form()
        assert [block["block_id"] for block in form["blocks"] if block["type"] == "input"] == ["only_look", "again"]
        await slack.post("closes", {"user": slack.who("admin"), "view_id": form["id"], "all": True})
        await slack.press(first, "start:1", user="admin")
        assert "inactive-to-marketo" in text_of(await slack.form())
        await slack.press(first, "start:0", user="visitor")
        assert "not allowed" in text_of(await slack.form(user="visitor"))
        await passed(set_up, "inactive_reports", 7, "day")
        await absentee(set_up, 46, email="c@example.com", name="C")
        await slack.said("report inactive-users-report")
        await ended(set_up, FLOW, 2)
        second = await posted(set_up, SAYS, 2)
        assert "30 to 59 days: *2* (1)" in text_of(second)
        assert "30 to 59 days 2 (now), 1 (the report before)" in pictures_of(second)[0]
        assert "`inactive-users`" in await slack.said("report")
        assert "There is no report `nonsense`." in await slack.said("report nonsense")


async def test_a_time_that_has_come_posts_once_however_often_the_bot_starts_and_whatever_slack_loses(
    set_up: Stage,
) -> None:
    await shipped(set_up, FLOW, **CHOSEN, clean_up=None, remarketing=None, confirm="sessions", after=90)
    await time_has_come(set_up, FLOW)
    await set_up.slack.fault("chat.postMessage", drop="after")
    async with set_up.bot_running():
        assert await all_ended(set_up, FLOW, 1) == ["done"]
    async with set_up.bot_running():
        await set_up.slack.said("status")
    (message,) = await saying(set_up, SAYS)
    assert "have not been there for 90 days or longer" in text_of(message)
    assert len(tables_of(message)) == 1
    assert [block["type"] for block in message["blocks"] if block["type"] == "actions"] == []


async def test_without_its_picture_the_report_says_so_and_without_auth0_there_is_a_word_instead(set_up: Stage) -> None:
    await shipped(set_up, FLOW, **CHOSEN)
    async with set_up.bot_running():
        await set_up.slack.fault("files.getUploadURLExternal", status=200, body={"ok": False, "error": "no_space"})
        await set_up.slack.said("report inactive-users")
        await ended(set_up, FLOW, 1)
        message = await posted(set_up, SAYS)
        assert "The picture is missing: Slack refused: no_space." in text_of(message)
        assert len(tables_of(message)) == 1
        await set_up.auth0.fault("*/api/v2/*", times=40, status=403, body={"message": "Insufficient scope"})
        await set_up.slack.said("report inactive-users")
        await posted(set_up, "There is no report on inactive users")
        assert len(await saying(set_up, SAYS)) == 1


@pytest.mark.slow
async def test_killed_while_the_table_is_on_its_way_it_is_one_report_with_one_table(set_up: Stage) -> None:
    await shipped(set_up, FLOW, **CHOSEN)
    await time_has_come(set_up, FLOW)
    async with set_up.bot_process() as process:
        await set_up.slack.fault("conversations.replies", delay=30)
        await posted(set_up, SAYS)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    (await set_up.http.delete(f"{set_up.slack.given['url']}/sandbox/faults")).raise_for_status()
    async with set_up.bot_process():
        assert await all_ended(set_up, FLOW, 1) == ["done"]
    (message,) = await saying(set_up, SAYS)
    assert len(tables_of(message)) == 1
    assert len(pictures_of(message)) == 1
