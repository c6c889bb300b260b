"""Our own risk signals: logins of a tenant whose logins Auth0 does not assess, from end to end."""

from tests.worlds import Stage, text_of


async def test_a_login_from_the_other_side_of_the_earth_makes_an_alert_that_says_why(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    traveller, other = await auth0.user(0), await auth0.user(1)
    for _ in range(2):
        await auth0.login(other["user_id"], risk=None, city="Berlin")
    await auth0.login(traveller["user_id"], risk=None, city="Berlin")
    assert slack.alerts(await slack.get("state")) == []
    assert (await auth0.login(traveller["user_id"], risk=None, city="Sydney"))["allowed"]
    said = text_of(await slack.alert())
    assert traveller["email"] in said
    assert "Impossible travel: 16,0" in said
    assert "New country" in said
    await slack.press(await slack.alert(), "decide:block")
    await slack.ended("is blocked")
    assert (await auth0.find(traveller["user_id"]))["blocked"]
    assert len(slack.alerts(await slack.get("state"))) == 1
