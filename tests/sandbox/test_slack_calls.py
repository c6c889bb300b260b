"""Calls of the simulated Slack: files in three steps, limits, faults on demand, what is recorded."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.sandbox.slack_stage import GENERAL, SECURITY, Slack, section, slack_stage


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with slack_stage() as stage:
        yield stage


async def test_a_file_is_uploaded_in_three_steps(slack: Slack) -> None:
    await slack.set("settings", scopes=["chat:write", "files:write", "files:read"])
    promised = await slack.http.post(
        "/api/files.getUploadURLExternal",
        params={"filename": "report.png", "length": 4, "alt_txt": "A rising line"},
        headers={"authorization": "Bearer xoxb-sandbox-bot"},
    )
    file_id, url = promised.json()["file_id"], promised.json()["upload_url"]
    picture = {"type": "image", "alt_text": "A line", "slack_file": {"id": file_id}}
    assert await slack.refusal("chat.postMessage", channel=SECURITY, text="x", blocks=[picture]) == "invalid_blocks"
    assert (await slack.http.post(url, content=b"12345")).status_code == 400
    assert await slack.refusal("files.completeUploadExternal", files=[{"id": file_id}]) == "file_not_found"
    assert (await slack.http.post(url, content=b"1234")).text == "OK - 4"
    refused = await slack.refusal("files.completeUploadExternal", files=[{"id": file_id}], channel_id=GENERAL)
    assert refused == "not_in_channel"
    done = await slack.call(
        "files.completeUploadExternal", files=[{"id": file_id}], channel_id=SECURITY, initial_comment="Numbers"
    )
    assert done["files"] == [{"id": file_id, "title": "report.png"}]
    assert (await slack.call("files.info", file=file_id))["file"]["mimetype"] == ""
    assert await slack.refusal("chat.postMessage", channel=SECURITY, text="x", blocks=[picture]) == "invalid_blocks"
    slack.clock.turn(1)  # it has been looked at
    info = (await slack.call("files.info", file=file_id))["file"]
    assert info["mimetype"] == "image/png"
    [share] = info["shares"]["public"][SECURITY]
    [message] = (await slack.look())["messages"][SECURITY]
    assert (message["ts"], message["text"], message["files"][0]["alt_txt"]) == (share["ts"], "Numbers", "A rising line")
    assert (await slack.http.get(info["url_private"])).content == b"1234"
    assert (await slack.call("chat.postMessage", channel=SECURITY, text="x", blocks=[picture]))["ok"]


async def test_limits_hold_once_they_are_switched_on(slack: Slack) -> None:
    await slack.set("settings", rate_limits=True)
    posts = [await slack.call("chat.postMessage", channel=SECURITY, text="x") for _ in range(6)]
    assert [post["ok"] for post in posts] == [True] * 5 + [False]
    elsewhere = await slack.call("chat.postMessage", channel=GENERAL, text="x")
    assert elsewhere["ok"]
    answer = await slack.http.post(
        "/api/chat.postMessage",
        data={"channel": SECURITY, "text": "x"},
        headers={"authorization": "Bearer xoxb-sandbox-bot"},
    )
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert answer.json() == {"ok": False, "error": "ratelimited"}
    slack.clock.turn(1)
    assert (await slack.call("chat.postMessage", channel=SECURITY, text="x"))["ok"]


async def test_a_fault_is_an_answer_of_its_own_and_is_recorded(slack: Slack) -> None:
    fault = {"status": 429, "headers": {"Retry-After": "3"}, "body": {"ok": False, "error": "ratelimited"}}
    await slack.act("faults", match="chat.*", fault=fault)
    assert await slack.refusal("chat.postMessage", channel=SECURITY, text="x") == "ratelimited"
    assert (await slack.call("chat.postMessage", channel=SECURITY, text="x"))["ok"]
    first, second = await slack.look("calls")
    assert (first["method"], first["status"], first["fault"]) == ("chat.postMessage", 429, fault)
    assert first["arguments"] == {"channel": SECURITY, "text": "x"}
    assert (second["status"], second["ok"], second["fault"]) == (200, True, None)


@pytest.mark.parametrize(("when", "left"), [("before", 0), ("after", 1)])
async def test_a_dropped_connection_leaves_the_message_or_not(slack: Slack, when: str, left: int) -> None:
    await slack.act("faults", match="chat.postMessage", fault={"drop": when})
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await slack.call("chat.postMessage", channel=SECURITY, text="x")
    assert len((await slack.look())["messages"][SECURITY]) == left


async def test_calls_are_recorded_without_tokens(slack: Slack) -> None:
    await slack.http.post("/api/auth.test", data={"token": "xoxb-sandbox-bot"})
    [call] = await slack.look("calls")
    assert call == {
        "n": 1,
        "at": slack.clock.now,
        "method": "auth.test",
        "arguments": {},
        "status": 200,
        "ok": True,
        "error": None,
        "fault": None,
    }


async def test_whoever_waits_for_a_change_is_told_of_it(slack: Slack) -> None:
    waiting = asyncio.create_task(slack.http.get("/sandbox/changes", params={"after": 0, "timeout": 10}))
    await slack.post(section())
    assert (await waiting).json()["sequence"] >= 1
