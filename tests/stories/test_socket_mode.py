"""The same job where Slack has no address to call: the bot calls Slack."""

from pathlib import Path

from tests.worlds import stage, text_of


async def test_the_whole_job_over_socket_mode(tmp_path: Path, free_port: int) -> None:
    async with stage(tmp_path, free_port, slack_app_token="xapp-sandbox-app") as found:
        await found.connect()
        async with found.bot_running():
            await found.slack.put("app", {"request_url": None, "socket_mode": True})
            await found.slack.enable()
            user = await found.auth0.user()
            await found.auth0.login(user["user_id"])
            await found.slack.press(await found.slack.alert(), "decide:block")
            ended = await found.slack.ended("is blocked")
            assert user["email"] in text_of(ended)
            deliveries = await found.slack.get("deliveries")
    assert {delivery["transport"] for delivery in deliveries} == {"socket"}
