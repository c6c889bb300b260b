"""The main job: a risky login becomes an alert whose buttons act on the account."""

import asyncio
import json

from tests.worlds import FLOW, Stage, text_of


async def test_block_locks_the_person_out_and_says_who_decided(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    user = await auth0.user()
    login = await auth0.login(user["user_id"], why=["impossible_travel", "new_device"])
    assert login["allowed"]
    alert = await slack.alert()
    assert user["email"] in text_of(alert)
    await slack.press(alert, "decide:block")
    ended = await slack.ended("is blocked")
    assert f"<@{slack.who('admin')}>" in text_of(ended)
    assert not [block for block in ended["blocks"] if block["type"] == "actions"]
    now = await auth0.find(user["user_id"])
    assert (now["blocked"], now["sessions"], now["refresh_tokens"]) == (True, [], [])


async def test_approve_leaves_the_account_alone_and_says_so(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    user = await auth0.user()
    await auth0.login(user["user_id"])
    await slack.press(await slack.alert(), "decide:approve")
    await slack.ended("left alone")
    now = await auth0.find(user["user_id"])
    assert not now.get("blocked")
    assert now["sessions"]


async def test_a_login_without_risk_wakes_nothing(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    first, second = await auth0.user(0), await auth0.user(1)
    await auth0.login(first["user_id"], risk="high")
    await auth0.login(second["user_id"], risk="low")
    await slack.alert()
    assert len(slack.alerts(await slack.get("state"))) == 1
    assert second["email"] in text_of(await slack.alert())


async def test_disabled_means_that_no_alert_comes(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    assert "is off" in await slack.said(f"disable {FLOW}")
    await auth0.login((await auth0.user())["user_id"])
    assert slack.alerts(await slack.get("state")) == []


async def test_a_second_click_and_a_second_person_are_told_who_decided(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    await slack.said("allow @analyst decide")
    await auth0.login((await auth0.user())["user_id"])
    alert = await slack.alert()
    # Two people press at the same instant, each what the other does not.
    await asyncio.gather(
        slack.press(alert, "decide:block", user="admin"), slack.press(alert, "decide:approve", user="analyst")
    )
    told = await slack.whispered("already decided")
    assert f"<@{slack.who('admin')}>" in told["text"] or f"<@{slack.who('analyst')}>" in told["text"]
    await slack.until(
        lambda s: [m for m in slack.alerts(s) if "is blocked" in text_of(m) or "left alone" in text_of(m)]
    )
    assert len(await slack.calls(method="chat.postMessage")) == 2  # the announcement and the one alert


async def test_a_replayed_click_changes_nothing_and_is_told_who_decided(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    user = await auth0.user()
    await auth0.login(user["user_id"])
    await slack.press(await slack.alert(), "decide:approve")
    await slack.ended("left alone")
    click = [d for d in await slack.get("deliveries") if d["kind"] == "block_actions"][-1]
    replayed = await running.http.post(click["url"], content=click["body"].encode(), headers=click["headers"])
    assert replayed.status_code == 200
    await slack.whispered("already decided")
    assert not (await auth0.find(user["user_id"])).get("blocked")


async def test_a_tampered_request_is_refused(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    user = await auth0.user()
    await auth0.login(user["user_id"])
    await slack.said("status")
    sent = (await slack.get("deliveries"))[-1]
    forged = sent["body"].replace(slack.who("admin"), slack.who("visitor"))
    refused = await running.http.post(sent["url"], content=forged.encode(), headers=sent["headers"])
    assert refused.status_code == 401
    odd = {**sent["headers"], "X-Slack-Request-Timestamp": "soon"}
    refused = await running.http.post(sent["url"], content=sent["body"].encode(), headers=odd)
    assert refused.status_code == 401


async def test_somebody_who_may_not_decide_is_told_who_can(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    user = await auth0.user()
    await auth0.login(user["user_id"])
    alert = await slack.alert()
    await slack.press(alert, "decide:block", user="visitor")
    told = await slack.whispered("not allowed to decide")
    assert "workspace admins" in told["text"]
    assert told["user"] == slack.who("visitor")
    assert not (await auth0.find(user["user_id"])).get("blocked")


async def test_a_member_of_an_allowed_user_group_may_decide(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    assert "may decide now" in await slack.said("allow @security-team decide")
    await auth0.login((await auth0.user())["user_id"])
    await slack.press(await slack.alert(), "decide:approve", user="analyst")
    ended = await slack.ended("left alone")
    assert f"<@{slack.who('analyst')}>" in text_of(ended)


async def test_fifty_risky_logins_of_one_person_make_one_alert(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    user, other = await auth0.user(0), await auth0.user(1)
    logins = [auth0.login(user["user_id"]) for _ in range(50)]
    assert all(login["allowed"] for login in await asyncio.gather(*logins))
    await auth0.login(other["user_id"])
    await slack.until(lambda state: len(slack.alerts(state)) == 2)
    assert len([a for a in slack.alerts(await slack.get("state")) if user["email"] in text_of(a)]) == 1


async def test_a_hostile_name_pings_nobody(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    name = "<!channel> & <script> <https://evil.example|Approve>\n*bold*"
    user = await auth0.post("users", {"email": "hostile@example.com", "name": name, "sessions": 1, "refresh_tokens": 1})
    await auth0.login(user["user_id"])
    alert = await slack.alert()
    marked = [t for t in text_of(alert).splitlines() if "!channel" in t]
    assert marked
    sections = json.dumps([block for block in alert["blocks"] if block["type"] == "section"])
    assert "<!channel>" not in sections
    assert "<https://" not in sections
    assert "<!channel>" not in alert["text"]
