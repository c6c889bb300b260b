"""The Home tab."""

import json
from collections.abc import Mapping
from typing import Any

from tests.worlds import Stage, text_of


def wall(shown: Mapping[str, Any]) -> dict[str, str]:
    """Return the blocks of the flows that have a button, by the flow's name."""
    return {block["accessory"]["value"]: block["block_id"] for block in shown["blocks"] if "accessory" in block}


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


async def test_the_gallery_sets_flows_up_from_a_list_and_from_the_home_tab(running: Stage) -> None:
    slack = running.slack
    await slack.command("list")
    shown = (await slack.until(lambda state: state["ephemerals"]))[0]
    assert "`high-risk-login`  *Alert on high-risk logins*\nAsks a channel" in text_of(shown)
    pressed = {"user": slack.who("admin"), "action_id": "set_up", "block_id": wall(shown)["high-risk-login"]}
    await slack.post("clicks", {**pressed, "channel": slack.security, "ts": shown["ts"]})
    form = json.loads((await slack.form())["private_metadata"])
    assert form == {"flow": "high-risk-login", "channel": slack.security}
    await slack.post("home", {"user": slack.who("admin")})
    home = await slack.until(lambda state: state["homes"].get(slack.who("admin")))
    await slack.post("clicks", {**pressed, "block_id": wall(home)["link-accounts"], "view_id": home["id"]})
    await slack.until(lambda state: "link-accounts" in state["views"][slack.who("admin")][-1]["private_metadata"])
    whole = await slack.said("list high-risk-login")
    assert "• *Where to ask*: The people in this channel see the alerts." in whole
