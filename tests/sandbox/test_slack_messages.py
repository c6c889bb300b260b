"""Messages in the simulated Slack: posting, changing, finding them again, and every refusal on the way."""

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.slack_stage import (
    ADMIN,
    ANALYST,
    GENERAL,
    PRIVATE_ROOM,
    SECURITY,
    VISITOR,
    Slack,
    actions,
    section,
    slack_stage,
)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with slack_stage() as stage:
        yield stage


async def test_a_message_is_found_again_as_it_was_posted(slack: Slack) -> None:
    posted = await slack.call("chat.postMessage", channel=SECURITY, text="Look", blocks=[section(), actions()])
    history = await slack.call("conversations.history", channel=SECURITY)
    assert history["messages"] == [posted["message"]]
    assert posted["message"]["user"] == "U0BOTUSER1"
    assert posted["message"]["bot_profile"]["app_id"] == "A0SANDBOX1"
    assert posted["message"]["blocks"][0]["text"] == {"type": "mrkdwn", "text": "Something", "verbatim": False}
    assert all(block["block_id"] for block in posted["message"]["blocks"])


async def test_no_two_messages_have_the_same_ts(slack: Slack) -> None:
    stamps = {await slack.post(section()) for _ in range(20)}
    assert len(stamps) == 20


async def test_the_same_message_twice_is_two_messages(slack: Slack) -> None:
    for _ in range(2):
        await slack.call("chat.postMessage", channel=SECURITY, text="Look", client_msg_id="one")
    assert len((await slack.call("conversations.history", channel=SECURITY))["messages"]) == 2


async def test_arguments_are_taken_from_query_form_and_json(slack: Slack) -> None:
    token = {"authorization": "Bearer xoxb-sandbox-bot"}
    by_query = await slack.http.get("/api/users.info", params={"user": ADMIN}, headers=token)
    by_form = await slack.http.post("/api/users.info", data={"user": ADMIN, "token": "xoxb-sandbox-bot"})
    by_empty_post = await slack.http.post("/api/users.info", params={"user": ADMIN}, headers=token)
    by_json = await slack.call("users.info", user=ADMIN)
    assert by_query.json() == by_form.json() == by_empty_post.json() == by_json


async def test_json_without_a_charset_is_taken_with_a_warning(slack: Slack) -> None:
    answer = await slack.http.post("/api/api.test", json={"a": 1})
    assert answer.json()["warning"] == "missing_charset"


@pytest.mark.parametrize(
    ("content_type", "content", "error"),
    [
        ("application/json", "{", "invalid_json"),
        ("application/json", "[]", "json_not_object"),
        ("text/plain", "x", "invalid_post_type"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(slack: Slack, content_type: str, content: str, error: str) -> None:
    answer = await slack.http.post("/api/api.test", content=content, headers={"content-type": content_type})
    assert answer.json()["error"] == error


@pytest.mark.parametrize(
    ("token", "error"),
    [(None, "not_authed"), ("xoxb-other", "invalid_auth"), ("xapp-sandbox-app", "not_allowed_token_type")],
)
async def test_a_token_that_is_not_the_bots_is_refused(slack: Slack, token: str | None, error: str) -> None:
    assert (await slack.call("chat.postMessage", token=token, channel=SECURITY, text="x"))["error"] == error


async def test_a_missing_scope_is_named(slack: Slack) -> None:
    await slack.set("settings", scopes=["commands", "users:read"])
    answer = await slack.call("chat.postMessage", channel=SECURITY, text="x")
    assert (answer["error"], answer["needed"], answer["provided"]) == (
        "missing_scope",
        "chat:write",
        "commands,users:read",
    )
    assert "email" not in (await slack.call("users.info", user=ADMIN))["user"]["profile"]


async def test_a_method_nobody_knows_is_refused(slack: Slack) -> None:
    assert await slack.call("chat.shout") == {"ok": False, "error": "unknown_method", "req_method": "chat.shout"}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE1", "text": "x"}, "channel_not_found"),
        ({"channel": PRIVATE_ROOM, "text": "x"}, "channel_not_found"),
        ({"channel": SECURITY}, "no_text"),
        ({"channel": SECURITY, "text": ""}, "no_text"),
        ({"text": "x"}, "invalid_arguments"),
        ({"channel": SECURITY, "blocks": "{"}, "invalid_blocks_format"),
        ({"channel": SECURITY, "blocks": {}}, "invalid_blocks_format"),
        ({"channel": SECURITY, "text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
        ({"channel": SECURITY, "text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
        ({"channel": SECURITY, "text": "x", "metadata": {"event_type": "x"}}, "invalid_metadata_format"),
        (
            {"channel": SECURITY, "text": "x", "metadata": {"event_type": "x", "event_payload": {"a": "b" * 9000}}},
            "metadata_too_large",
        ),
        ({"channel": SECURITY, "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel": SECURITY, "blocks": [section("x" * 3000) for _ in range(4)]}, "msg_blocks_too_long"),
        ({"channel": "U0NOBODY01", "text": "x"}, "channel_not_found"),
    ],
)
async def test_what_slack_would_not_post_is_refused(slack: Slack, arguments: dict[str, object], error: str) -> None:
    assert await slack.refusal("chat.postMessage", **arguments) == error
    assert (await slack.look())["messages"][SECURITY] == []


async def test_refused_blocks_come_with_pointers(slack: Slack) -> None:
    answer = await slack.call("chat.postMessage", channel=SECURITY, text="x", blocks=[section(), section("x" * 3001)])
    assert answer["error"] == "invalid_blocks"
    expected = "must be less than 3001 characters [json-pointer:/blocks/1/text/text]"
    assert answer["errors"] == [expected]
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {expected}"]


async def test_an_overlong_text_is_cut_off(slack: Slack) -> None:
    posted = await slack.call("chat.postMessage", channel=SECURITY, text="x" * 50_000)
    assert len(posted["message"]["text"]) == 40_000


async def test_public_channels_take_posts_from_outside_if_the_scope_is_there(slack: Slack) -> None:
    assert (await slack.call("chat.postMessage", channel=GENERAL, text="x"))["ok"]
    assert (await slack.call("chat.postMessage", channel="#general", text="x"))["channel"] == GENERAL
    assert await slack.refusal("conversations.history", channel=GENERAL) == "not_in_channel"
    await slack.set("settings", scopes=["chat:write"])
    assert await slack.refusal("chat.postMessage", channel=GENERAL, text="x") == "not_in_channel"


async def test_a_private_channel_is_there_once_the_bot_is_invited(slack: Slack) -> None:
    members = [ADMIN, "U0BOTUSER1"]
    await slack.http.patch(f"/sandbox/channels/{PRIVATE_ROOM}", json={"members": members})
    assert (await slack.call("chat.postMessage", channel=PRIVATE_ROOM, text="x"))["ok"]
    assert (await slack.call("conversations.members", channel=PRIVATE_ROOM))["members"] == members


async def test_an_archived_channel_takes_nothing(slack: Slack) -> None:
    ts = await slack.post(section())
    await slack.http.patch(f"/sandbox/channels/{SECURITY}", json={"is_archived": True})
    assert await slack.refusal("chat.postMessage", channel=SECURITY, text="x") == "is_archived"
    assert await slack.refusal("chat.update", channel=SECURITY, ts=ts, text="x") == "is_archived"


async def test_a_post_to_a_person_is_a_direct_message(slack: Slack) -> None:
    posted = await slack.call("chat.postMessage", channel=ANALYST, text="For you")
    opened = await slack.call("conversations.open", users=ANALYST)
    assert posted["channel"] == opened["channel"]["id"]
    assert posted["channel"].startswith("D")


async def test_changing_only_the_text_takes_the_blocks_away(slack: Slack) -> None:
    ts = await slack.post(section(), actions())
    answer = await slack.call("chat.update", channel=SECURITY, ts=ts, text="Done")
    [message] = (await slack.call("conversations.history", channel=SECURITY))["messages"]
    assert answer["text"] == message["text"] == "Done"
    assert "blocks" not in message
    assert message["edited"]["user"] == "B0SANDBOX1"
    assert message["ts"] == ts


async def test_changing_only_metadata_and_blocks_keeps_what_is_not_named(slack: Slack) -> None:
    metadata = {"event_type": "alert", "event_payload": {"id": "1"}}
    ts = await slack.post(section(), metadata=metadata)
    await slack.call("chat.update", channel=SECURITY, ts=ts, blocks=[section("Other")])
    history = await slack.call("conversations.history", channel=SECURITY, include_all_metadata=True)
    assert history["messages"][0]["metadata"] == metadata
    assert history["messages"][0]["blocks"][0]["text"]["text"] == "Other"


async def test_metadata_is_shown_to_those_who_ask(slack: Slack) -> None:
    metadata = {"event_type": "alert", "event_payload": {"id": "1"}}
    await slack.post(section(), metadata=metadata)
    silent = await slack.call("conversations.history", channel=SECURITY)
    assert "metadata" not in silent["messages"][0]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"text": "x" * 4001}, "msg_too_long"),
        ({}, "no_text"),
        ({"text": ""}, "no_text"),
        ({"text": "x", "ts": "1.000001"}, "message_not_found"),
        ({"text": "x", "channel": "C0NOWHERE1"}, "channel_not_found"),
        ({"text": "x", "blocks": [{"type": "section"}]}, "invalid_blocks"),
    ],
)
async def test_a_change_that_slack_would_refuse_is_refused(
    slack: Slack, arguments: dict[str, object], error: str
) -> None:
    ts = (await slack.call("chat.postMessage", channel=SECURITY, text="First"))["ts"]
    assert await slack.refusal("chat.update", **{"channel": SECURITY, "ts": ts, **arguments}) == error
    assert (await slack.look())["messages"][SECURITY][0]["text"] == "First"


async def test_somebody_elses_message_is_left_alone(slack: Slack) -> None:
    ts = (await slack.act("messages", user=ADMIN, channel=SECURITY, text="Mine"))["ts"]
    assert await slack.refusal("chat.update", channel=SECURITY, ts=ts, text="Yours") == "cant_update_message"
    assert await slack.refusal("chat.delete", channel=SECURITY, ts=ts) == "cant_delete_message"


async def test_a_message_a_person_deleted_is_not_there_any_more(slack: Slack) -> None:
    ts = await slack.post(section())
    assert (await slack.http.delete(f"/sandbox/messages/{SECURITY}/{ts}")).status_code == 200
    assert await slack.refusal("chat.update", channel=SECURITY, ts=ts, text="x") == "message_not_found"
    assert (await slack.http.delete(f"/sandbox/messages/{SECURITY}/{ts}")).status_code == 404


async def test_a_thread_is_kept_under_its_message(slack: Slack) -> None:
    ts = await slack.post(section())
    reply = await slack.post(section(), thread_ts=ts)
    [message] = (await slack.call("conversations.history", channel=SECURITY))["messages"]
    assert (message["reply_count"], message["latest_reply"]) == (1, reply)
    thread = await slack.call("conversations.replies", channel=SECURITY, ts=ts)
    assert [each["ts"] for each in thread["messages"]] == [ts, reply]
    assert [each["ts"] for each in (await slack.look())["messages"][SECURITY][0]["replies"]] == [reply]
    await slack.call("chat.delete", channel=SECURITY, ts=ts)
    [gravestone] = (await slack.call("conversations.history", channel=SECURITY))["messages"]
    assert gravestone["subtype"] == "tombstone"
    assert await slack.refusal("chat.update", channel=SECURITY, ts=ts, text="x") == "message_not_found"


async def test_history_is_cut_by_time_and_into_pages(slack: Slack) -> None:
    stamps = [await slack.post(section()) for _ in range(5)]
    first = await slack.call("conversations.history", channel=SECURITY, limit=2)
    assert [each["ts"] for each in first["messages"]] == [stamps[4], stamps[3]]
    cursor = first["response_metadata"]["next_cursor"]
    second = await slack.call("conversations.history", channel=SECURITY, limit=2, cursor=cursor)
    assert [each["ts"] for each in second["messages"]] == [stamps[2], stamps[1]]
    since = await slack.call("conversations.history", channel=SECURITY, oldest=stamps[3])
    assert [each["ts"] for each in since["messages"]] == [stamps[4]]
    with_both = await slack.call(
        "conversations.history", channel=SECURITY, oldest=stamps[1], latest=stamps[2], inclusive=True
    )
    assert [each["ts"] for each in with_both["messages"]] == [stamps[2], stamps[1]]
    assert await slack.refusal("conversations.history", channel=SECURITY, oldest="then") == "invalid_ts_oldest"
    assert await slack.refusal("conversations.history", channel=SECURITY, cursor="x") == "invalid_cursor"


async def test_an_ephemeral_message_is_seen_by_one_person_and_in_no_history(slack: Slack) -> None:
    await slack.call("chat.postEphemeral", channel=SECURITY, user=ANALYST, text="Psst")
    assert (await slack.call("conversations.history", channel=SECURITY))["messages"] == []
    [ephemeral] = (await slack.look())["ephemerals"]
    assert (ephemeral["user"], ephemeral["text"]) == (ANALYST, "Psst")
    assert await slack.refusal("chat.update", channel=SECURITY, ts=ephemeral["ts"], text="x") == "message_not_found"
    await slack.http.patch(f"/sandbox/channels/{SECURITY}", json={"members": [ADMIN, "U0BOTUSER1"]})
    refused = await slack.refusal("chat.postEphemeral", channel=SECURITY, user=VISITOR, text="Psst")
    assert refused == "user_not_in_channel"


async def test_people_and_groups_are_told_of(slack: Slack) -> None:
    admin = (await slack.call("users.info", user=ADMIN))["user"]
    assert (admin["is_admin"], admin["profile"]["email"]) == (True, "admin@example.com")
    assert await slack.refusal("users.info", user="U0NOBODY01") == "user_not_found"
    found = await slack.call("users.lookupByEmail", email="analyst@example.com")
    assert found["user"]["id"] == ANALYST
    assert await slack.refusal("users.lookupByEmail", email="nobody@example.com") == "users_not_found"
    groups = (await slack.call("usergroups.list", include_users=True))["usergroups"]
    assert [(group["handle"], group["users"]) for group in groups] == [("security-team", [ANALYST])]
    assert (await slack.call("usergroups.users.list", usergroup="S0SECTEAM1"))["users"] == [ANALYST]
    assert await slack.refusal("usergroups.users.list", usergroup="S0NONE0001") == "no_such_subteam"


async def test_channels_are_listed_a_page_at_a_time(slack: Slack) -> None:
    first = await slack.call("conversations.list", limit=1)
    second = await slack.call("conversations.list", limit=1, cursor=first["response_metadata"]["next_cursor"])
    assert [each["channels"][0]["name"] for each in (first, second)] == ["security", "general"]
    assert (await slack.call("conversations.info", channel=GENERAL))["channel"]["is_member"] is False
    assert await slack.refusal("conversations.info", channel=PRIVATE_ROOM) == "channel_not_found"
    assert (await slack.call("conversations.list", types="private_channel"))["channels"] == []


async def test_channels_are_made_and_joined_with_the_scopes_for_it(slack: Slack) -> None:
    assert await slack.refusal("conversations.join", channel=GENERAL) == "missing_scope"
    await slack.set("settings", scopes=["channels:join", "channels:manage", "channels:read"])
    assert (await slack.call("conversations.join", channel=GENERAL))["channel"]["is_member"]
    assert (await slack.call("conversations.join", channel=GENERAL))["warning"] == "already_in_channel"
    made = (await slack.call("conversations.create", name="incident-1"))["channel"]
    assert await slack.refusal("conversations.create", name="incident-1") == "name_taken"
    assert await slack.refusal("conversations.create", name="Incident 2") == "invalid_name_specials"
    await slack.call("conversations.invite", channel=made["id"], users=f"{ADMIN},{ANALYST}")
    refused = await slack.refusal("conversations.invite", channel=made["id"], users=ADMIN)
    assert refused == "already_in_channel"
    members = (await slack.call("conversations.members", channel=made["id"]))["members"]
    assert members == ["U0BOTUSER1", ADMIN, ANALYST]


async def test_a_link_to_a_message_is_given(slack: Slack) -> None:
    ts = await slack.post(section())
    link = await slack.call("chat.getPermalink", channel=SECURITY, message_ts=ts)
    assert link["permalink"].endswith(f"/archives/{SECURITY}/p{ts.replace('.', '')}")
    refused = await slack.refusal("chat.getPermalink", channel=SECURITY, message_ts="1.000001")
    assert refused == "message_not_found"


async def test_a_reaction_is_put_on_once(slack: Slack) -> None:
    await slack.set("settings", scopes=["chat:write", "reactions:write"])
    ts = await slack.post(section())
    reaction = {"channel": SECURITY, "timestamp": ts, "name": "eyes"}
    assert (await slack.call("reactions.add", **reaction))["ok"]
    assert await slack.refusal("reactions.add", **reaction) == "already_reacted"
    assert (await slack.look())["messages"][SECURITY][0]["reactions"][0]["name"] == "eyes"


async def test_a_person_cannot_write_where_they_are_not(slack: Slack) -> None:
    written = {"user": VISITOR, "channel": PRIVATE_ROOM, "text": "x"}
    assert (await slack.act("messages", 404, **written))["error"] == "channel_not_found"
    await slack.http.patch(f"/sandbox/channels/{GENERAL}", json={"is_archived": True})
    assert (await slack.act("messages", 403, **{**written, "channel": GENERAL}))["error"] == "is_archived"
