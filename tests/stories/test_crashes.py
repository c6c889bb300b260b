"""The process ends at the worst moment, and nothing is lost or done twice."""

import signal

from tests.worlds import Stage, text_of


async def test_killed_between_the_alert_and_the_click_the_account_is_blocked_once(set_up: Stage) -> None:
    slack, auth0 = set_up.slack, set_up.auth0
    async with set_up.bot_process() as process:
        await slack.enable()
        user = await auth0.user()
        await auth0.login(user["user_id"])
        alert = await slack.alert()
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with set_up.bot_process():
        await slack.press(alert, "decide:block")
        await slack.ended("is blocked")
        state = await slack.get("state")
    assert len(slack.alerts(state)) == 1
    blocks = [call for call in await auth0.calls(verb="PATCH") if "/users/" in call["path"]]
    assert len(blocks) == 1
    assert (await auth0.find(user["user_id"]))["blocked"]


async def test_killed_in_the_middle_of_blocking_it_is_finished_by_the_next_process(set_up: Stage) -> None:
    slack, auth0 = set_up.slack, set_up.auth0
    async with set_up.bot_process() as process:
        await slack.enable()
        user = await auth0.user()
        await auth0.login(user["user_id"])
        alert = await slack.alert()
        await auth0.fault("PATCH /api/v2/users/*", delay=30)
        await slack.press(alert, "decide:block")
        await slack.until(lambda state: [a for a in slack.alerts(state) if "On it" in text_of(a)])
        process.send_signal(signal.SIGKILL)
        await process.wait()
    # It may have been killed before or after its request was out: either way nobody knows, and it must be repeated.
    (await set_up.http.delete(f"{auth0.given['url']}/sandbox/faults")).raise_for_status()
    async with set_up.bot_process():
        await slack.ended("is blocked")
        state = await slack.get("state")
    assert len(slack.alerts(state)) == 1
    assert (await auth0.find(user["user_id"]))["blocked"]


async def test_the_click_comes_while_the_bot_is_down_and_is_made_again(set_up: Stage) -> None:
    slack, auth0 = set_up.slack, set_up.auth0
    async with set_up.bot_process():
        await slack.enable()
        await auth0.login((await auth0.user())["user_id"])
        alert = await slack.alert()
    pressed = await slack.press(alert, "decide:block")
    assert pressed["shown"]
    async with set_up.bot_process():
        await slack.press(alert, "decide:block")
        await slack.ended("is blocked")
