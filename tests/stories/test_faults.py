"""Auth0 and Slack misbehave, and the job is done all the same, once."""

import time
from typing import Any

import pytest

from tests.worlds import Stage, text_of


async def alerted(running: Stage) -> tuple[str, dict[str, object]]:
    await running.slack.enable()
    user = await running.auth0.user()
    await running.auth0.login(user["user_id"])
    return user["user_id"], await running.slack.alert()


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500, "body": {"statusCode": 500, "error": "Internal Server Error", "message": "Oops"}},
        {"drop": "before"},
        {"drop": "after"},
        {"status": 401, "body": {"statusCode": 401, "error": "Unauthorized", "message": "Expired token received"}},
    ],
    ids=["500", "dropped before", "dropped after", "expired token"],
)
async def test_a_failure_in_passing_of_auth0_does_not_stop_a_block(running: Stage, fault: dict[str, Any]) -> None:
    user_id, alert = await alerted(running)
    await running.auth0.fault("PATCH /api/v2/users/*", **fault)
    await running.slack.press(alert, "decide:block")
    await running.slack.ended("is blocked")
    now = await running.auth0.find(user_id)
    assert (now["blocked"], now["sessions"], now["refresh_tokens"]) == (True, [], [])


async def test_auth0_says_when_to_come_back_and_is_not_asked_before(running: Stage) -> None:
    user_id, alert = await alerted(running)
    reset = int(time.time()) + 2
    body = {"statusCode": 429, "error": "Too Many Requests", "message": "Global limit has been reached"}
    headers = {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
    await running.auth0.fault("PATCH /api/v2/users/*", status=429, headers=headers, body=body)
    await running.slack.press(alert, "decide:block")
    await running.slack.ended("is blocked")
    calls = [call for call in await running.auth0.calls(verb="PATCH") if "/users/" in call["path"]]
    assert len(calls) == 2
    assert calls[1]["at"] >= reset - 0.5
    assert (await running.auth0.find(user_id))["blocked"]


async def test_all_tokens_expire_and_nobody_notices(running: Stage) -> None:
    user_id, alert = await alerted(running)
    await running.auth0.post("tokens/expire", {})
    await running.slack.press(alert, "decide:block")
    await running.slack.ended("is blocked")
    assert (await running.auth0.find(user_id))["blocked"]


async def test_a_refusal_is_shown_and_can_be_tried_again(running: Stage) -> None:
    user_id, alert = await alerted(running)
    body = {"statusCode": 403, "error": "Forbidden", "message": "Not this one", "errorCode": "operation_not_supported"}
    await running.auth0.fault("PATCH /api/v2/users/*", status=403, body=body)
    await running.slack.press(alert, "decide:block")
    failed = await running.slack.ended("did not work")
    assert not (await running.auth0.find(user_id)).get("blocked")
    assert "failure" in (await running.slack.said("status")).lower()
    await running.slack.press(failed, "again")
    await running.slack.ended("is blocked")
    assert (await running.auth0.find(user_id))["blocked"]


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "headers": {"Retry-After": "1"}, "body": {"ok": False, "error": "ratelimited"}},
        {"drop": "before"},
        {"drop": "after"},
        {"status": 500, "body": {"ok": False, "error": "internal_error"}},
    ],
    ids=["429", "dropped before", "dropped after", "500"],
)
async def test_slack_fails_in_passing_and_one_alert_is_there_in_the_end(running: Stage, fault: dict[str, Any]) -> None:
    await running.slack.enable()
    first, second = await running.auth0.user(0), await running.auth0.user(1)
    await running.slack.fault("chat.postMessage", **fault)
    await running.auth0.login(first["user_id"])
    alert = await running.slack.alert()
    await running.slack.press(alert, "decide:approve")
    await running.slack.ended("left alone")
    await running.auth0.login(second["user_id"])
    await running.slack.until(lambda state: len(running.slack.alerts(state)) >= 2)
    alerts = running.slack.alerts(await running.slack.get("state"))
    assert [first["email"] in text_of(alert) for alert in alerts] == [True, False]


async def test_a_deleted_alert_does_not_undo_what_was_decided(running: Stage) -> None:
    user_id, alert = await alerted(running)
    await running.auth0.fault("PATCH /api/v2/users/*", delay=1)
    await running.slack.press(alert, "decide:block")
    url = f"{running.slack.given['url']}/sandbox/messages/{running.slack.security}/{alert['ts']}"
    (await running.http.delete(url)).raise_for_status()
    await running.slack.ended("is blocked")
    assert (await running.auth0.find(user_id))["blocked"]
