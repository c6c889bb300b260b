"""Files, channels, people and reactions of flows, and what Slack's refusals mean, over real HTTP."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import Ambiguous, Missing, Reconnect, Refused, TryLater
from connectors.slack.client import Settings, check
from connectors.slack.marks import escaped
from flows.references import fill
from tests.connectors.workspaces import ADMIN, ANALYST, GENERAL, SECURITY, Slack, workspace


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with workspace() as opened:
        yield opened


async def test_the_connection_says_whose_it_is(slack: Slack) -> None:
    assert await check(slack.client) == "Slack workspace Sandbox: connected as cicflow."


@pytest.mark.parametrize(
    "content", [{"text": "name,city\nÄda,Köln\n"}, {"base64": base64.b64encode(b"\x89PNG").decode()}]
)
async def test_a_file_is_uploaded_into_a_thread(slack: Slack, content: dict[str, str]) -> None:
    posted = await slack.do("post_message", channel=SECURITY, text="A")
    where = {"channel": SECURITY, "message": posted.message}
    uploaded = await slack.do("upload_file", **where, name="people.csv", comment="Who", image_text="A table", **content)
    (message,) = await slack.said()
    (reply,) = message["replies"]
    assert (reply["text"], [file["id"] for file in reply["files"]]) == ("Who", [uploaded.file])
    kept = slack.double.files.find(uploaded.file)
    assert kept is not None
    assert kept.content in {b"\x89PNG", "name,city\nÄda,Köln\n".encode()}


@pytest.mark.parametrize("fault", [{"drop": "after"}])
async def test_a_file_whose_answer_is_lost_is_there_once(slack: Slack, fault: dict[str, Any]) -> None:
    await slack.fault("files.completeUploadExternal", **fault)
    uploaded = await slack.do("upload_file", channel=SECURITY, name="a.csv", text="a,b")
    assert [file["id"] for message in await slack.said() for file in message["files"]] == [uploaded.file]


async def test_a_file_that_is_not_there_afterwards_is_not_said_to_be(slack: Slack) -> None:
    await slack.fault("files.completeUploadExternal", drop="before")
    with pytest.raises(Ambiguous):
        await slack.do("upload_file", channel=SECURITY, name="a.csv", text="a,b")


async def test_a_file_needs_an_invitation_also_to_a_public_channel(slack: Slack) -> None:
    with pytest.raises(Missing, match="/invite @cicflow"):
        await slack.do("upload_file", channel=GENERAL, name="a.csv", text="a,b")


@pytest.mark.parametrize("content", [{}, {"text": "a", "base64": "YQ=="}, {"base64": "not base64!"}, {"text": ""}])
async def test_a_file_has_one_content(slack: Slack, content: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        await slack.do("upload_file", channel=SECURITY, name="a.csv", **content)


async def test_people_are_found_and_listed(slack: Slack) -> None:
    found = await slack.do("find_user_by_email", email="analyst@example.com")
    assert (found.user_id, found.email, found.is_admin) == (ANALYST, "analyst@example.com", False)
    with pytest.raises(Missing, match="nobody of this e-mail"):
        await slack.do("find_user_by_email", email="nobody@example.com")
    assert len(await slack.stream("list_users")) == 3
    assert [person.name for person in await slack.stream("list_users", bots=True) if person.is_bot] == ["cicflow"]


async def test_long_lists_are_read_to_their_end_however_often_slack_has_no_time(slack: Slack) -> None:
    for number in range(3):
        await slack.do("create_channel", name=f"c-{number}")
    busy: dict[str, Any] = {
        "status": 429,
        "headers": {"Retry-After": "0"},
        "body": {"ok": False, "error": "ratelimited"},
    }
    await slack.fault("conversations.list", times=2, **busy)
    channels = await slack.stream("list_channels")
    assert [channel.name for channel in channels] == ["security", "general", "c-0", "c-1", "c-2"]


async def test_a_channel_is_made_and_people_are_in_it(slack: Slack) -> None:
    made = await slack.do("create_channel", name="incident-1", private=True)
    first = await slack.do("invite", channel=made.channel, users=[ADMIN])
    again = await slack.do("invite", channel=made.channel, users=[ADMIN, ANALYST])
    assert (first.invited, again.invited, again.already_there) == ([ADMIN], [ANALYST], [ADMIN])
    await slack.do("set_topic", channel=made.channel, topic="All is well")
    (channel,) = [one for one in await slack.stream("list_channels", private=True) if one.channel == made.channel]
    assert (channel.topic, channel.is_private, channel.is_member, channel.members) == ("All is well", True, True, 3)


async def test_a_channel_that_is_there_is_an_error_or_as_good(slack: Slack) -> None:
    with pytest.raises(Refused, match="this name already"):
        await slack.do("create_channel", name="security")
    made = await slack.do("create_channel", name="security", or_existing=True)
    assert (made.channel, made.existed) == (SECURITY, True)


async def test_a_channel_whose_answer_is_lost_is_found(slack: Slack) -> None:
    await slack.fault("conversations.create", drop="after")
    made = await slack.do("create_channel", name="incident-1")
    assert made.existed is False
    await slack.fault("conversations.create", drop="before")
    with pytest.raises(Ambiguous, match="no new channel"):
        await slack.do("create_channel", name="incident-2")


async def test_a_reaction_is_there_once(slack: Slack) -> None:
    posted = await slack.do("post_message", channel=SECURITY, text="A")
    where = {"channel": SECURITY, "message": posted.message}
    assert [(await slack.do("add_reaction", **where, emoji=":eyes:")).existed for _ in range(2)] == [False, True]
    (message,) = await slack.said()
    assert [(one["name"], one["count"]) for one in message["reactions"]] == [("eyes", 1)]


async def test_any_method_can_be_called(slack: Slack) -> None:
    read = await slack.do("call_read", method="conversations.info", arguments={"channel": SECURITY})
    assert read.body["channel"]["name"] == "security"
    await slack.do("call_change", method="chat.postMessage", arguments={"channel": SECURITY, "text": "Raw"})
    assert [message["text"] for message in await slack.said()] == ["Raw"]


@pytest.mark.parametrize(
    ("method", "arguments"),
    [("chat.postMessage", {}), ("../x", {}), ("auth.revoke", {}), ("users.info", {"token": "x"})],
)
async def test_what_only_reads_calls_nothing_else(slack: Slack, method: str, arguments: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        await slack.do("call_read", method=method, arguments=arguments)


def refusal(error: str, **more: Any) -> dict[str, Any]:
    return {"status": 200, "body": {"ok": False, "error": error, **more}}


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (refusal("ratelimited"), TryLater, "too often"),
        (refusal("rate_limited"), TryLater, "too often"),
        (refusal("message_limit_exceeded"), TryLater, "too often"),
        (refusal("invalid_auth"), Reconnect, "Install the app again"),
        (refusal("token_revoked"), Reconnect, "Install the app again"),
        (refusal("account_inactive"), Reconnect, "Install the app again"),
        (refusal("missing_scope", needed="chat:write", provided=""), Reconnect, "chat:write"),
        (refusal("channel_not_found"), Missing, "/invite @cicflow"),
        (refusal("not_in_channel"), Missing, "/invite @cicflow"),
        (refusal("is_archived"), Missing, "archived"),
        (refusal("message_not_found"), Missing, "not there any more"),
        (refusal("restricted_action_thread_locked"), Refused, "its admins decide"),
        (refusal("edit_window_closed"), Refused, "this age"),
        (
            refusal("invalid_blocks", response_metadata={"messages": ["[ERROR] no [json-pointer:/0]"]}),
            Refused,
            "pointer",
        ),
        (refusal("something_new"), Refused, "something_new"),
        (refusal("fatal_error"), Ambiguous, "may or may not"),
        ({"status": 500}, Ambiguous, "may or may not"),
        ({"drop": "after"}, Ambiguous, "may or may not"),
    ],
)
async def test_a_refusal_says_what_to_do(
    slack: Slack, fault: dict[str, Any], kind: type[Exception], words: str
) -> None:
    await slack.fault("chat.update", **fault)
    with pytest.raises(kind, match=words):
        await slack.do("update_message", channel=SECURITY, message="1.000001", text="A")


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop": "before"}, refusal("internal_error")])
async def test_what_only_reads_is_tried_later(slack: Slack, fault: dict[str, Any]) -> None:
    await slack.fault("users.lookupByEmail", **fault)
    with pytest.raises(TryLater):
        await slack.do("find_user_by_email", email="admin@example.com")


async def test_slack_says_for_how_long_to_wait(slack: Slack) -> None:
    fault: dict[str, Any] = {
        "status": 429,
        "headers": {"Retry-After": "30"},
        "body": {"ok": False, "error": "ratelimited"},
    }
    await slack.fault("chat.postMessage", **fault)
    with pytest.raises(TryLater) as later:
        await slack.do("post_message", channel=SECURITY, text="A")
    assert later.value.after == 30
    with pytest.raises(TryLater):  # nobody asks in that channel meanwhile
        await slack.do("post_message", channel=SECURITY, text="A")
    assert len(slack.calls("chat.postMessage")) == 1
    await slack.do("post_message", channel=GENERAL, text="another channel goes on")


async def test_the_permission_that_is_missing_is_named(slack: Slack) -> None:
    await slack.scopes("chat:write")
    with pytest.raises(Reconnect, match=r"files:write.*install the app again") as refused:
        await slack.do("upload_file", channel=SECURITY, name="a.csv", text="a,b")
    assert refused.value.missing_scope == "files:write"


@pytest.mark.parametrize("address", ["http://slack.com/api/", "https://x@slack.com/", "ftp://slack.com", "slack.com"])
def test_the_token_goes_nowhere_in_the_clear(address: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"token": "xoxb-1", "address": address})


def test_what_is_filled_in_pings_nobody_and_forges_no_link() -> None:
    scope = {"event": {"agent": "<!channel> <https://evil.example|ok> &\u202e", "list": ["<@U1>"], "n": 3}}
    written = fill("*Who* <@U0ADMIN001>: {{ event.agent }}{{ event.n }}", scope, write=escaped)
    assert written == "*Who* <@U0ADMIN001>: &lt;!channel&gt; &lt;https://evil.example|ok&gt; &amp;3"
    assert fill({"A": "{{ event.list }}", "N": "{{ event.n }}"}, scope, write=escaped) == {"A": ["&lt;@U1&gt;"], "N": 3}
