"""What flows say in Slack, over real HTTP against the simulated workspace."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import Ambiguous, Missing, Refused
from tests.connectors.workspaces import ADMIN, ANALYST, GENERAL, PRIVATE_ROOM, SECURITY, Slack, workspace
from tests.worlds import text_of


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with workspace() as opened:
        yield opened


RICH = {
    "header": "Risky <login>",
    "text": "*Somebody* signed in",
    "fields": {
        "Address": "192.0.2.1",
        "Tries": 3,
        "New": True,
        "Countries": ["FR", "DE"],
        "Device": None,
        "When": "2026-01-02T03:04:05.6Z",
        "Note": "2026-01-02T03:04:05Z <!channel>",
        "Name": "2026-99-02T03:04:05Z",
    },
    "image": "https://example.com/chart.png",
    "image_text": "A chart of logins",
    "links": {"Open": "https://example.com/user", "Runbook": "https://example.com/runbook"},
}


async def test_a_message_is_posted_with_all_that_it_can_have(slack: Slack) -> None:
    posted = await slack.do("post_message", channel=SECURITY, **RICH)
    (message,) = await slack.said()
    assert (posted.channel, posted.message, posted.existed) == (SECURITY, message["ts"], False)
    assert [block["type"] for block in message["blocks"]] == ["header", "section", "section", "image", "actions"]
    assert message["text"] == "Risky &lt;login&gt;: *Somebody* signed in"
    assert "*Countries*\n• FR\n• DE" in text_of(message)
    assert "*New*\nyes" in text_of(message)
    assert "*When*\n<!date^1767323045^{date_short_pretty}, {time}|2026-01-02 03:04 UTC>" in text_of(message)
    assert "*Name*\n2026-99-02T03:04:05Z" in text_of(message)
    assert "*Note*\n2026-01-02T03:04:05Z <!channel>" in text_of(message)


async def test_a_public_channel_needs_no_invitation(slack: Slack) -> None:
    await slack.do("post_message", channel=GENERAL, text="Hello")
    assert [message["text"] for message in await slack.said(GENERAL)] == ["Hello"]


async def test_a_long_text_is_posted_in_pieces_that_lose_nothing(slack: Slack) -> None:
    words = " ".join(f"word{number}" for number in range(900))
    await slack.do("post_message", channel=SECURITY, text=words)
    (message,) = await slack.said()
    assert len(message["blocks"]) > 1
    assert text_of(message).split() == words.split()


@pytest.mark.parametrize("text", ["&amp;" * 1700, "x" * 8999, "x" * 2999 + "&lt;" * 10])
async def test_a_text_without_spaces_is_cut_in_no_entity(slack: Slack, text: str) -> None:
    await slack.do("post_message", channel=SECURITY, text=text)
    (message,) = await slack.said()
    assert text_of(message).replace("\n", "") == text
    assert all(block["text"]["text"].count("&") == block["text"]["text"].count(";") for block in message["blocks"])


async def test_a_reply_stands_in_the_thread(slack: Slack) -> None:
    posted = await slack.do("post_message", channel=SECURITY, text="A")
    await slack.do("reply", channel=SECURITY, message=posted.message, text="B")
    (message,) = await slack.said()
    assert [reply["text"] for reply in message["replies"]] == ["B"]


@pytest.mark.parametrize("to", [{"user": ANALYST}, {"email": "analyst@example.com"}])
async def test_somebody_is_told_directly(slack: Slack, to: dict[str, str]) -> None:
    posted = await slack.do("send_direct_message", text="Psst", **to)
    assert posted.channel.startswith("D")
    assert [message["text"] for message in await slack.said(posted.channel)] == ["Psst"]


async def test_one_person_sees_a_message(slack: Slack) -> None:
    await slack.do("whisper", channel=SECURITY, user=ADMIN, text="Psst")
    assert [(each["user"], each["text"]) for each in (await slack.state())["ephemerals"]] == [(ADMIN, "Psst")]


async def test_a_message_is_changed_and_deleted(slack: Slack) -> None:
    posted = await slack.do("post_message", channel=SECURITY, text="A")
    where = {"channel": SECURITY, "message": posted.message}
    await slack.do("update_message", **where, text="B")
    assert [message["text"] for message in await slack.said()] == ["B"]
    assert [(await slack.do("delete_message", **where)).existed for _ in range(2)] == [True, False]
    assert await slack.said() == []


async def test_a_key_names_one_message(slack: Slack) -> None:
    first = await slack.do("post_message", channel=SECURITY, text="A", key="run 1")
    again = await slack.do("post_message", channel=SECURITY, text="A", key="run 1")
    other = await slack.do("post_message", channel=SECURITY, text="A", key="run 2")
    assert (again.message, again.existed, other.existed) == (first.message, True, False)
    assert len(await slack.said()) == 2
    assert "run 1" not in str(await slack.said())


async def test_a_key_names_one_reply(slack: Slack) -> None:
    posted = await slack.do("post_message", channel=SECURITY, text="A")
    replies = [
        await slack.do("reply", channel=SECURITY, message=posted.message, text="B", key="reply") for _ in range(2)
    ]
    assert [reply.existed for reply in replies] == [False, True]
    assert replies[0].message == replies[1].message


@pytest.mark.parametrize(
    "fault",
    [
        {"drop": "before"},
        {"drop": "after"},
        {"status": 500},
        {"status": 200, "body": {"ok": False, "error": "internal_error"}},
        {"status": 200, "body": {"ok": False, "error": "fatal_error"}},
        {"status": 200, "body": "<html>"},
    ],
)
@pytest.mark.parametrize("key", [None, "run 1"])
async def test_a_message_whose_answer_is_lost_is_there_once(
    slack: Slack, fault: dict[str, Any], key: str | None
) -> None:
    await slack.fault("chat.postMessage", **fault)
    posted = await slack.do("post_message", channel=SECURITY, text="Once", key=key)
    assert [message["ts"] for message in await slack.said()] == [posted.message]


async def test_a_reply_whose_answer_is_lost_is_there_once(slack: Slack) -> None:
    parent = await slack.do("post_message", channel=SECURITY, text="A")
    await slack.fault("chat.postMessage", drop="after")
    posted = await slack.do("reply", channel=SECURITY, message=parent.message, text="B")
    (message,) = await slack.said()
    assert [reply["ts"] for reply in message["replies"]] == [posted.message]


async def test_a_direct_message_whose_answer_is_lost_is_there_once(slack: Slack) -> None:
    await slack.fault("chat.postMessage", drop="after")
    posted = await slack.do("send_direct_message", user=ANALYST, text="B")
    assert [message["ts"] for message in await slack.said(posted.channel)] == [posted.message]


async def test_where_nobody_can_look_it_is_said_that_nobody_knows(slack: Slack) -> None:
    await slack.fault("chat.postMessage", drop="after")
    with pytest.raises(Ambiguous, match=r"may or may not.*I could not look.*/invite @cicflow"):
        await slack.do("post_message", channel=GENERAL, text="Once")
    assert len(await slack.said(GENERAL)) == 1


async def test_a_message_that_is_lost_again_and_again_is_told_of(slack: Slack) -> None:
    await slack.fault("chat.postMessage", times=5, drop="before")
    with pytest.raises(Ambiguous):
        await slack.do("post_message", channel=SECURITY, text="Never")
    assert len(slack.calls("chat.postMessage")) == 2


@pytest.mark.parametrize(
    "given",
    [
        {"channel": "#security", "text": "A"},
        {"channel": SECURITY, "text": ""},
        {"channel": SECURITY, "text": "A", "image": "https://example.com/chart.png"},
        {"channel": SECURITY, "text": "A", "links": {"Open": "javascript:alert(1)"}},
        {"channel": SECURITY, "text": "A", "links": {"Open": "https://example.com|<!channel>"}},
    ],
)
async def test_what_makes_no_message_is_refused_before_it_is_sent(slack: Slack, given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        await slack.do("post_message", **given)


async def test_a_direct_message_is_for_one_person(slack: Slack) -> None:
    for to in ({}, {"user": ANALYST, "email": "analyst@example.com"}):
        with pytest.raises(ValidationError):
            await slack.do("send_direct_message", text="A", **to)


@pytest.mark.parametrize(("channel", "words"), [(PRIVATE_ROOM, "/invite @cicflow"), ("C0NOWHERE1", "/invite @cicflow")])
async def test_a_channel_that_is_not_seen_says_what_to_do(slack: Slack, channel: str, words: str) -> None:
    with pytest.raises(Missing, match=words) as refused:
        await slack.do("post_message", channel=channel, text="A")
    assert refused.value.code == "channel_not_found"


async def test_another_s_message_is_not_changed(slack: Slack) -> None:
    body = {"user": ADMIN, "channel": SECURITY, "text": "Mine"}
    (await slack.control.post("/sandbox/messages", json=body)).raise_for_status()
    (message,) = await slack.said()
    with pytest.raises(Refused, match="only messages of my own"):
        await slack.do("update_message", channel=SECURITY, message=message["ts"], text="Ours")
