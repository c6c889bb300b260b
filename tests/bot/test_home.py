"""The Home tab."""

from tests.worlds import Stage, text_of


async def test_home_shows_the_flows_and_what_waits(running: Stage) -> None:
    slack = running.slack
    await slack.enable()
    user = await running.auth0.user()
    await running.auth0.login(user["user_id"])
    await slack.alert()
    while ":hourglass:" not in await slack.said("status"):  # that the alert arrived is noted a moment after it did
        pass
    await slack.post("home", {"user": slack.who("visitor")})
    home = await slack.until(lambda state: state["homes"].get(slack.who("visitor")))
    assert user["email"] in text_of(home)
    assert "high-risk-login" in text_of(home)
