"""Versions of flows, as people see, compare, restore and export them in Slack."""

from tests.bot.made import NOTE, WAITS, make, shown
from tests.worlds import FLOW, Stage


async def test_versions_are_listed_compared_and_restored(set_up: Stage) -> None:
    slack = set_up.slack
    await make(set_up, NOTE)
    await make(set_up, NOTE.replace("noted", "wrote"), owner=slack.who("admin"))
    async with set_up.bot_running():
        listed = await slack.said("versions note")
        assert "version 2 (in force)" in listed
        assert f"<@{slack.who('admin')}>" in listed
        differs = await shown(set_up, "diff note")
        assert "from version 1 to 2" in differs
        assert "wrote" in differs
        assert "wrote" in await shown(set_up, "diff note 1 2")
        assert "not allowed" in await slack.said("restore note 1", user="visitor")
        assert "this is its version 3" in await slack.said("restore note 1")
        assert "in force already" in await slack.said("restore note 3")
        assert "say the same" in await slack.said("diff note 1 3")
        state = await slack.get("state")
        assert [one for one in slack.messages(state) if "restored version 1" in one["text"]]


async def test_what_cannot_be_compared_or_restored_is_said(set_up: Stage) -> None:
    await make(set_up, NOTE)
    async with set_up.bot_running():
        said = {
            command: await set_up.slack.said(command)
            for command in (
                "diff note",
                "diff note 1 7",
                "restore note 7",
                "restore note x",
                f"versions {FLOW}",
                "diff",
            )
        }
    assert "one version only" in said["diff note"]
    assert "Say which two" in said["diff note 1 7"]
    assert "no version 7" in said["restore note 7"]
    assert "Nothing was restored" in said["restore note x"]
    assert "not set up yet" in said[f"versions {FLOW}"]
    assert "Which flow?" in said["diff"]


async def test_a_version_whose_connection_is_gone_is_not_restored(set_up: Stage) -> None:
    await set_up.slack.get("state")
    old = WAITS.replace("when:", "settings: {tenant: {connection: auth0, title: T}}\nwhen:")
    await make(set_up, old, tenant="gone")
    await make(set_up, WAITS)
    async with set_up.bot_running():
        assert "there is no connection gone" in await set_up.slack.said("restore waits 1")


async def test_a_flow_is_exported_as_text_that_pings_nobody(set_up: Stage) -> None:
    await make(set_up, NOTE.replace("Keeps a note", "Pings <!channel> and ```breaks out```"))
    async with set_up.bot_running():
        assert "not allowed" in await set_up.slack.said("export note", user="visitor")
        text = await shown(set_up, "export note")
    assert "cicflow: 1" in text
    assert "by hand:" in text
    assert "<!channel>" not in text
    assert text.count("```") == 2


async def test_a_flow_that_is_too_long_for_slack_is_exported_on_the_command_line(set_up: Stage) -> None:
    long = "\n".join(f"  - {{id: s{number}, set: {{a: {'x' * 300}}}}}" for number in range(150))
    await make(set_up, WAITS + long)
    async with set_up.bot_running():
        assert "python -m bot flows export waits" in await set_up.slack.said("export waits")


async def test_a_flow_of_ones_own_is_listed_configured_and_switched_off_like_ours(set_up: Stage) -> None:
    slack = set_up.slack
    await make(set_up, NOTE)
    async with set_up.bot_running():
        assert "`note`" in await shown(set_up, "list")
        await slack.command("configure note")
        form = await slack.form()
        given = {"channel": slack.given["channels"]["general"]}
        saved = await slack.post("submissions", {"user": slack.who("admin"), "view_id": form["id"], "values": given})
        assert "errors" not in saved
        assert "version 2 (in force)" in await slack.said("versions note")
        assert "is off" in await slack.said("disable note")
