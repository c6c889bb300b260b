"""What people type after /cicflow, and what they are answered."""

import pytest

from tests.worlds import FLOW, Stage


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "/cicflow enable"),
        ("help", "/cicflow enable"),
        ("help enable", "For instance"),
        ("list", FLOW),
        ("status", "Nothing is set up yet"),
        ("enalbe high-risk-login", "did you mean enable?"),
        ("enable high-risk-logn", f"did you mean {FLOW}?"),
        ("enable", "Which flow?"),
        ("disable high-risk-login", "nothing to switch off"),
        ("disable nonsense", "There is no flow"),
        ("permissions", "workspace admins"),
        ("allow somebody decide", "Say whom and what"),
        ("allow @analyst fly", "Say whom and what"),
        ("disallow @analyst decide", "was not allowed"),
        ("“unclosed", "I do not know"),
        ("<!channel>", "I do not know"),
    ],
)
async def test_an_answer_is_useful(running: Stage, typed: str, words: str) -> None:
    assert words in await running.slack.said(typed)


async def test_only_admins_change_permissions(running: Stage) -> None:
    assert "Only workspace admins" in await running.slack.said("allow @visitor configure", user="visitor")


async def test_who_may_not_configure_is_told_who_can(running: Stage) -> None:
    slack = running.slack
    await slack.command(f"enable {FLOW}", user="visitor")
    form = await slack.form(user="visitor")
    assert "workspace admins" in str(form["blocks"])
    assert "not allowed" in await slack.said(f"disable {FLOW}", user="visitor")


async def test_status_and_list_show_what_is_on(running: Stage) -> None:
    await running.slack.enable()
    assert "large_green_circle" in await running.slack.said("list")
    await running.auth0.login((await running.auth0.user())["user_id"])
    await running.slack.alert()
    status = await running.slack.said(f"status {FLOW}")
    assert "waiting" in status or "running" in status
    assert ":hourglass:" in status


async def test_a_form_says_on_the_field_what_is_wrong(running: Stage) -> None:
    slack = running.slack
    await slack.command(f"enable {FLOW}")
    form = await slack.form()
    admin = slack.who("admin")

    async def submit(**values: object) -> dict[str, str]:
        body = {"user": admin, "view_id": form["id"], "values": values}
        return dict((await slack.post("submissions", body))["errors"])

    assert "write a number and a unit" in (await submit(patience="soon"))["patience"].lower()
    assert "between 5 minutes and 7 days" in (await submit(patience="1m"))["patience"].lower()
    assert "Invite me" in (await submit(patience="30m", channel=slack.given["channels"]["private-room"]))["channel"]


async def test_configure_shows_what_was_saved(running: Stage) -> None:
    slack = running.slack
    await slack.enable(patience="2h", risk=["low", "medium"])
    await slack.command(f"configure {FLOW}")
    form = await slack.form()
    values = form["state"]["values"]
    assert values["patience"]["value"]["value"] == "2h"
    assert [option["value"] for option in values["risk"]["value"]["selected_options"]] == ["low", "medium"]


async def test_who_switches_on_a_flow_without_a_channel_hears_that_it_is_on(set_up: Stage) -> None:
    async with set_up.bot_running():
        await set_up.slack.command("enable require-stricter-authentication")
        view = await set_up.slack.form()
        given = {"user": set_up.slack.who("admin"), "view_id": view["id"], "values": {}}
        assert "errors" not in await set_up.slack.post("submissions", given)
        said = await set_up.slack.whispered("switched on")
        assert said["user"] == set_up.slack.who("admin")
        assert "Also require a new password: no" in said["text"]
