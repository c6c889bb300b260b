"""Reports in Slack: numbers, picture, buttons and table, posted once, whatever fails."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import Ambiguous, Refused
from tests.connectors.workspaces import GENERAL, SECURITY, Slack, workspace
from tests.worlds import text_of

PNG = base64.b64encode(b"\x89PNG not looked into here").decode()
REPORT: dict[str, Any] = {
    "key": "inactive/1",
    "header": "Inactive users",
    "text": "*77* people, 70 a week before",
    "picture": PNG,
    "image_text": "Inactive users: 77 now, 70 before.",
    "table": "age,count\n30,77\n",
    "table_name": "inactive.csv",
    "starts": {"Try the clean-up": "clean-up-inactive", "None": None},
    "links": {"Open": "https://example.com"},
}


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with workspace() as opened:
        yield opened


def files(message: dict[str, Any]) -> list[str]:
    """Return the names of the files in a report's thread."""
    return [file["name"] for reply in message.get("replies", []) for file in reply.get("files", [])]


async def test_a_report_is_one_message_and_its_table_is_in_the_thread(slack: Slack) -> None:
    posted = await slack.do("post_report", channel=SECURITY, **REPORT)
    (message,) = await slack.said()
    assert (posted.message, posted.existed, posted.missing) == (message["ts"], False, "")
    assert [block["type"] for block in message["blocks"]] == ["header", "section", "image", "actions"]
    assert message["blocks"][2]["alt_text"] == REPORT["image_text"]
    buttons = [(one["action_id"], one.get("value"), one.get("url")) for one in message["blocks"][3]["elements"]]
    assert buttons == [("start:0", "clean-up-inactive", None), ("link:0", None, "https://example.com")]
    assert files(message) == ["report.png", "inactive.csv"]


async def test_the_same_report_is_posted_once_and_what_is_missing_of_it_is_added(slack: Slack) -> None:
    await slack.fault("files.completeUploadExternal", times=2, status=500)  # the picture is lost, and the table
    with pytest.raises(Ambiguous):
        await slack.do("post_report", channel=SECURITY, **REPORT)
    again = await slack.do("post_report", channel=SECURITY, **REPORT)
    third = await slack.do("post_report", channel=SECURITY, **REPORT)
    (message,) = await slack.said()
    assert (again.existed, third.existed) == (True, True)
    assert [block["type"] for block in message["blocks"]] == ["header", "section", "image", "actions"]
    assert files(message) == ["report.png", "inactive.csv"]


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("files.getUploadURLExternal", {"status": 200, "body": {"ok": False, "error": "file_upload_disabled"}}),
        ("files.getUploadURLExternal", {"status": 500}),
        ("upload", {"status": 500}),
        ("files.completeUploadExternal", {"status": 200, "body": {"ok": False, "error": "internal_error"}}),
    ],
)
async def test_without_its_picture_the_numbers_are_posted_and_say_so(
    slack: Slack, method: str, fault: dict[str, Any]
) -> None:
    await slack.fault(method, times=9, **fault)
    without = {name: value for name, value in REPORT.items() if name != "table"}
    posted = await slack.do("post_report", channel=SECURITY, **without)
    (message,) = await slack.said()
    assert posted.missing
    assert "77" in text_of(message)
    assert "The picture is missing" in text_of(message)
    assert [block["type"] for block in message["blocks"]] == ["header", "section", "context", "actions"]


async def test_a_picture_that_could_not_be_drawn_is_said_to_be_missing(slack: Slack) -> None:
    await slack.do("post_report", channel=SECURITY, **{**REPORT, "picture": "", "image_text": None})
    (message,) = await slack.said()
    assert "The picture is missing: It could not be drawn." in text_of(message)


async def test_a_message_whose_answer_is_lost_is_not_posted_twice(slack: Slack) -> None:
    await slack.fault("chat.postMessage", drop="after")
    await slack.do("post_report", channel=SECURITY, **REPORT)
    assert len(await slack.said()) == 1


async def test_where_the_app_is_no_member_the_report_says_that_its_picture_and_table_are_missing(slack: Slack) -> None:
    posted = await slack.do("post_report", channel=GENERAL, **REPORT)
    (message,) = await slack.said(GENERAL)
    assert [block["type"] for block in message["blocks"]] == ["header", "section", "context", "actions"]
    assert "The picture is missing" in text_of(message)
    assert "Invite me" in posted.missing
    assert "The table is missing" in message["replies"][0]["text"]


async def test_a_refusal_that_has_nothing_to_do_with_the_picture_is_told(slack: Slack) -> None:
    await slack.fault("chat.postMessage", status=200, body={"ok": False, "error": "restricted_action"})
    with pytest.raises(Refused):
        await slack.do("post_report", channel=SECURITY, **REPORT)


@pytest.mark.parametrize("wrong", [{"picture": "no base64!"}, {"image_text": None}, {"starts": {"x": ""}}])
async def test_what_cannot_be_posted_is_refused_at_once(slack: Slack, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        await slack.do("post_report", channel=SECURITY, **{**REPORT, **wrong})
