"""The main job: a risky login becomes an alert whose buttons act on the account."""

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
