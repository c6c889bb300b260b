"""What people do in the simulated Slack, and what the bot is sent: commands, clicks, the Home tab."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from slack_sdk.signature import Clock, SignatureVerifier
from starlette.responses import PlainTextResponse

from tests.sandbox.slack_stage import (
    ADMIN,
    ANALYST,
    PRIVATE_ROOM,
    SECURITY,
    VISITOR,
    Json,
    Slack,
    TurnedClock,
    actions,
    button,
    home,
    modal,
    options,
    section,
    slack_stage,
    text_field,
)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with slack_stage() as stage:
        yield stage


class VerifiersClock(Clock):
    """The workspace's clock, as the verifier reads it."""

    def __init__(self, clock: TurnedClock) -> None:
        self.clock = clock

    def now(self) -> float:
        return self.clock()


async def click(slack: Slack, ts: str, action_id: str = "approve", user: str = ADMIN, **more: Any) -> Json:
    return await slack.act("clicks", user=user, channel=SECURITY, ts=ts, action_id=action_id, **more)


async def test_a_command_is_sent_with_all_its_fields(slack: Slack) -> None:
    done = await slack.command("list all", user=ANALYST)
    sent = slack.bot.last
    assert (done["status"], done["shown"]) == (200, [])
    assert sent.pop("response_url").startswith(f"{slack.address}/commands/")
    assert sent.pop("trigger_id")
    assert sent == {
        "token": "sandbox-verification-token",
        "team_id": "T0SANDBOX1",
        "team_domain": "sandbox",
        "channel_id": SECURITY,
        "channel_name": "security",
        "user_id": ANALYST,
        "user_name": "analyst",
        "command": "/cicflow",
        "text": "list all",
        "api_app_id": "A0SANDBOX1",
        "is_enterprise_install": "false",
    }


async def test_requests_are_signed_as_slack_signs_them(slack: Slack) -> None:
    ts = await slack.post(actions())
    await slack.command("help")
    await click(slack, ts)
    await slack.act("home", user=ADMIN)
    verifier = SignatureVerifier("sandbox-signing-secret", VerifiersClock(slack.clock))
    strange = SignatureVerifier("another-secret", VerifiersClock(slack.clock))
    assert [verifier.is_valid_request(body, headers) for _, headers, body in slack.bot.seen] == [True] * 3
    assert not any(strange.is_valid_request(body, headers) for _, headers, body in slack.bot.seen)
    assert not any(verifier.is_valid_request(body + b" ", headers) for _, headers, body in slack.bot.seen)
    slack.clock.turn(301)
    assert not any(verifier.is_valid_request(body, headers) for _, headers, body in slack.bot.seen)


async def test_what_was_sent_can_be_looked_up_and_replayed(slack: Slack) -> None:
    await slack.command("help")
    [delivery] = await slack.look("deliveries")
    assert (delivery["kind"], delivery["transport"], delivery["status"]) == ("command", "http", 200)
    assert dict(parse_qsl(delivery["body"]))["text"] == "help"
    again = await slack.http.post(delivery["url"], content=delivery["body"], headers=delivery["headers"])
    assert again.status_code == 200
    assert slack.bot.seen[0][0] == slack.bot.seen[1][0]


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("ask @admin", f"ask <@{ADMIN}|admin>"),
        ("in #security.", f"in <#{SECURITY}|security>."),
        ("ask @security-team now", "ask <!subteam^S0SECTEAM1|@security-team> now"),
        ("ask @nobody in #nowhere", "ask @nobody in #nowhere"),
        ("in #private-room", "in #private-room"),
        ("@here", "<!here>"),
        ("mail admin@example.com", "mail admin@example.com"),
        ("a & b <@U1>", "a &amp; b &lt;@U1&gt;"),
        ("see https://example.com/a?b=1", "see <https://example.com/a?b=1>"),
    ],
)
async def test_mentions_and_links_are_escaped(slack: Slack, typed: str, sent: str) -> None:
    await slack.command(typed, user=VISITOR)
    assert slack.bot.last["text"] == sent


async def test_an_answer_with_the_acknowledgement_is_shown_to_the_person(slack: Slack) -> None:
    slack.bot.says({"text": "Three flows", "blocks": [section("Three flows")]})
    await slack.command("list", user=ANALYST)
    slack.bot.answer = PlainTextResponse("Plain words")
    await slack.command("list", user=ANALYST)
    state = await slack.look()
    assert [(e["user"], e["text"], e["response_url_of"]) for e in state["ephemerals"]] == [
        (ANALYST, "Three flows", "/cicflow list"),
        (ANALYST, "Plain words", "/cicflow list"),
    ]
    assert state["messages"][SECURITY] == []


async def test_an_answer_in_the_channel_is_shown_to_everybody(slack: Slack) -> None:
    slack.bot.says({"text": "Three flows", "response_type": "in_channel"})
    await slack.command("list")
    assert [m["text"] for m in (await slack.look())["messages"][SECURITY]] == ["Three flows"]


async def test_an_answer_that_slack_would_refuse_is_an_error_for_the_person(slack: Slack) -> None:
    slack.bot.says({"text": "x", "blocks": [{"type": "section"}]})
    assert (await slack.command("list"))["shown"] == ["/cicflow failed with the error `invalid_blocks`"]


async def test_a_bot_that_is_not_there_is_an_error_for_the_person(slack: Slack) -> None:
    await slack.set("app", request_url="http://127.0.0.1:9/slack/events")
    done = await slack.command("list")
    assert (done["status"], done["shown"]) == (None, ["/cicflow failed with the error `dispatch_failed`"])
    assert [e["text"] for e in (await slack.look())["ephemerals"]] == done["shown"]
    assert (await slack.look("deliveries"))[0]["error"] == "dispatch_failed"


async def test_a_bot_that_fails_is_an_error_for_the_person(slack: Slack) -> None:
    slack.bot.answer = PlainTextResponse("", status_code=404)
    done = await slack.command("list")
    assert (done["status"], done["shown"]) == (404, ["/cicflow failed with the error `dispatch_unknown_error`"])


async def test_a_bot_that_takes_longer_than_three_seconds_is_an_error_for_the_person(slack: Slack) -> None:
    slack.bot.delay = 3.5
    began = time.monotonic()
    done = await slack.command("list")
    assert 3 <= time.monotonic() - began < 3.4
    assert done["shown"] == ["/cicflow failed with the error `operation_timeout`"]


async def test_a_click_is_sent_with_all_its_fields(slack: Slack) -> None:
    metadata = {"event_type": "alert", "event_payload": {"id": "1"}}
    chosen = {"type": "static_select", "action_id": "level", "options": options("low", "high")}
    ts = await slack.post(actions(button(value="v1", style="primary"), chosen, block_id="decide"), metadata=metadata)
    await click(slack, ts, values={"decide": {"level": "high"}})
    sent = slack.bot.last
    [message] = (await slack.call("conversations.history", channel=SECURITY, include_all_metadata=True))["messages"]
    assert sent["type"] == "block_actions"
    assert sent["user"] == {"id": ADMIN, "username": "admin", "name": "admin", "team_id": "T0SANDBOX1"}
    assert sent["team"] == {"id": "T0SANDBOX1", "domain": "sandbox"}
    assert sent["api_app_id"] == "A0SANDBOX1"
    assert sent["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": SECURITY,
        "is_ephemeral": False,
    }
    assert sent["channel"] == {"id": SECURITY, "name": "security"}
    assert sent["message"] == message
    assert sent["trigger_id"]
    assert sent["response_url"].startswith(slack.address)
    [action] = sent["actions"]
    assert action.pop("action_ts") > ts
    assert action == {
        "type": "button",
        "action_id": "approve",
        "block_id": "decide",
        "text": {"type": "plain_text", "text": "Approve", "emoji": True},
        "value": "v1",
        "style": "primary",
    }
    state = sent["state"]["values"]["decide"]["level"]
    assert (state["type"], state["selected_option"]["value"]) == ("static_select", "high")


async def test_a_choice_is_sent_as_its_option(slack: Slack) -> None:
    select = {"type": "static_select", "action_id": "level", "options": options("low", "high")}
    people = {"type": "multi_users_select", "action_id": "who"}
    more = {"type": "overflow", "action_id": "more", "options": options("mute", "why")}
    ts = await slack.post(actions(select, people, more))
    await click(slack, ts, "level", selected_option="high")
    assert slack.bot.last["actions"][0]["selected_option"]["text"]["text"] == "High"
    await click(slack, ts, "who", selected_users=[ADMIN, ANALYST])
    assert slack.bot.last["actions"][0]["selected_users"] == [ADMIN, ANALYST]
    await click(slack, ts, "more", selected_option="why")
    assert slack.bot.last["actions"][0]["selected_option"]["value"] == "why"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"action_id": "nothing"}, "no_such_element"),
        ({"block_id": "elsewhere"}, "no_such_element"),
        ({"ts": "1.000001"}, "message_not_found"),
        ({"channel": "C0NOWHERE1"}, "channel_not_found"),
        ({"user": "U0NOBODY01"}, "user_not_found"),
        ({"user": "U0BOTUSER1"}, "user_not_found"),
        ({"user": VISITOR, "channel": PRIVATE_ROOM}, "channel_not_found"),
    ],
)
async def test_what_is_not_there_cannot_be_pressed(slack: Slack, given: Json, error: str) -> None:
    ts = await slack.post(actions())
    pressed = {"user": ADMIN, "channel": SECURITY, "ts": ts, "action_id": "approve", **given}
    assert (await slack.act("clicks", 404, **pressed))["error"] == error
    assert slack.bot.seen == []


async def test_an_option_that_is_not_offered_cannot_be_chosen(slack: Slack) -> None:
    select = {"type": "static_select", "action_id": "level", "options": options("low", "high")}
    person = {"type": "users_select", "action_id": "who"}
    ts = await slack.post(actions(select, person))
    pressed = {"user": ADMIN, "channel": SECURITY, "ts": ts}
    chosen = await slack.act("clicks", 400, **pressed, action_id="level", selected_option="middle")
    picked = await slack.act("clicks", 400, **pressed, action_id="who", selected_user="U0NOBODY01")
    assert (chosen["error"], picked["error"]) == ("no_such_option", "no_such_option")


async def test_a_click_on_an_ephemeral_message_comes_without_the_message(slack: Slack) -> None:
    await slack.call("chat.postEphemeral", channel=SECURITY, user=ANALYST, text="Psst", blocks=[actions()])
    [ephemeral] = (await slack.look())["ephemerals"]
    await click(slack, ephemeral["ts"], user=ANALYST)
    assert slack.bot.last["container"]["is_ephemeral"] is True
    assert "message" not in slack.bot.last
    pressed = {"user": ADMIN, "channel": SECURITY, "ts": ephemeral["ts"], "action_id": "approve"}
    await slack.act("clicks", 404, **pressed)


async def test_an_answer_to_a_click_changes_the_message_or_adds_one(slack: Slack) -> None:
    ts = await slack.post(actions())
    await click(slack, ts)
    url = slack.bot.last["response_url"]
    whispered = {"text": "Only you", "response_type": "ephemeral", "replace_original": False}
    assert (await slack.http.post(url, json=whispered)).text == "ok"
    await slack.http.post(url, json={"text": "For all", "response_type": "in_channel", "replace_original": False})
    await slack.http.post(url, json={"text": "Decided", "replace_original": True})
    state = await slack.look()
    assert [e["text"] for e in state["ephemerals"]] == ["Only you"]
    assert [m["text"] for m in state["messages"][SECURITY]] == ["Decided", "For all"]
    await slack.http.post(url, json={"delete_original": True})
    assert [m["text"] for m in (await slack.look())["messages"][SECURITY]] == ["For all"]


async def test_an_ephemeral_message_is_changed_and_removed_by_its_response_url(slack: Slack) -> None:
    await slack.call("chat.postEphemeral", channel=SECURITY, user=ANALYST, text="Psst", blocks=[actions()])
    [ephemeral] = (await slack.look())["ephemerals"]
    await click(slack, ephemeral["ts"], user=ANALYST)
    url = slack.bot.last["response_url"]
    await slack.http.post(url, json={"text": "Done", "replace_original": True})
    assert [e["text"] for e in (await slack.look())["ephemerals"]] == ["Done"]
    await slack.http.post(url, json={"delete_original": True})
    assert (await slack.look())["ephemerals"] == []


async def test_a_response_url_takes_five_posts(slack: Slack) -> None:
    await slack.command("list")
    url = slack.bot.last["response_url"]
    answers = [await slack.http.post(url, json={"text": "x"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert answers[5].json() == {"ok": False, "error": "used_url"}
    assert len((await slack.look())["ephemerals"]) == 5


async def test_a_response_url_is_good_for_half_an_hour(slack: Slack) -> None:
    await slack.command("list")
    url = slack.bot.last["response_url"]
    slack.clock.turn(30 * 60)
    assert (await slack.http.post(url, json={"text": "x"})).status_code == 200
    slack.clock.turn(1)
    late = await slack.http.post(url, json={"text": "x"})
    assert (late.status_code, late.json()["error"]) == (404, "expired_url")
    assert (await slack.http.post(f"{slack.address}/commands/guessed", json={"text": "x"})).status_code == 404


async def test_a_fault_can_meet_a_response_url(slack: Slack) -> None:
    await slack.command("list")
    await slack.act("faults", match="response_url", fault={"status": 500})
    url = slack.bot.last["response_url"]
    assert (await slack.http.post(url, json={"text": "x"})).status_code == 500
    assert (await slack.http.post(url, json={"text": "x"})).status_code == 200
    calls = [call for call in await slack.look("calls") if call["method"] == "response_url"]
    assert [call["fault"] for call in calls] == [{"status": 500}, None]


async def test_the_home_tab_is_an_event_with_the_view_as_it_is(slack: Slack) -> None:
    await slack.act("home", user=ANALYST)
    event = slack.bot.last["event"]
    assert (event["type"], event["user"], event["tab"]) == ("app_home_opened", ANALYST, "home")
    assert "view" not in event
    published = await slack.call("views.publish", user_id=ANALYST, view=home(section("Flows")))
    await slack.act("home", user=ANALYST)
    assert slack.bot.last["event"]["view"]["id"] == published["view"]["id"]
    assert slack.bot.seen[0][0]["event_id"] != slack.bot.last["event_id"]
    assert (await slack.look())["homes"][ANALYST]["blocks"][0]["text"]["text"] == "Flows"


async def test_an_event_that_is_not_taken_comes_again(slack: Slack) -> None:
    await slack.set("settings", event_retry_delays=[0.01, 0.01, 0.01])
    slack.bot.answer = PlainTextResponse("", status_code=500)
    assert (await slack.act("home", user=ANALYST))["status"] == 500
    await _seen(slack, 4)
    retries = [headers.get("x-slack-retry-num") for _, headers, _ in slack.bot.seen]
    assert retries == [None, "1", "2", "3"]
    assert slack.bot.seen[1][1]["x-slack-retry-reason"] == "http_error"
    assert len({sent["event_id"] for sent, _, _ in slack.bot.seen}) == 1


async def test_a_bot_can_ask_for_no_retries(slack: Slack) -> None:
    await slack.set("settings", event_retry_delays=[0, 0, 0])
    slack.bot.answer = PlainTextResponse("", status_code=500, headers={"X-Slack-No-Retry": "1"})
    await slack.act("home", user=ANALYST)
    slack.bot.answer = PlainTextResponse("")
    await slack.act("home", user=ADMIN)
    assert [sent["event"]["user"] for sent, _, _ in slack.bot.seen] == [ANALYST, ADMIN]


async def test_a_button_in_the_home_tab_is_pressed(slack: Slack) -> None:
    view = (await slack.call("views.publish", user_id=ADMIN, view=home(actions(button("configure")))))["view"]
    await slack.act("clicks", user=ADMIN, view_id=view["id"], action_id="configure")
    assert slack.bot.last["container"] == {"type": "view", "view_id": view["id"]}
    assert slack.bot.last["view"]["type"] == "home"
    opened = await slack.call("views.open", trigger_id=slack.bot.last["trigger_id"], view=modal(text_field()))
    assert opened["view"]["root_view_id"] == opened["view"]["id"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"user": 5}', b'{"user": "U0ADMIN001", "channel": []}'])
async def test_nonsense_at_the_control_addresses_is_refused(slack: Slack, body: bytes) -> None:
    for what in ("commands", "clicks", "submissions", "closes", "messages"):
        assert (await slack.http.post(f"/sandbox/{what}", content=body)).status_code in {400, 404}


async def _seen(slack: Slack, count: int) -> None:
    """Wait until the bot has been sent so many requests."""
    async with asyncio.timeout(10):
        while len(slack.bot.seen) < count:
            slack.bot.arrived.clear()
            await slack.bot.arrived.wait()
