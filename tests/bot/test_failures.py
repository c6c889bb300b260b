"""What people see when something goes wrong."""

import re

import pytest

from tests.worlds import FLOW, Stage


async def test_a_failure_is_told_with_a_reference_that_is_also_in_the_log(
    running: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    await running.slack.fault("views.open", status=200, body={"ok": False, "error": "fatal_error"})
    said = await running.slack.said(f"enable {FLOW}")
    reference = re.search(r"Reference ([A-Z0-9]{6})", said)
    assert reference is not None
    out, err = capfd.readouterr()
    assert reference.group(1) in out + err


async def test_a_login_passes_or_not_as_set_when_the_bot_is_away(set_up: Stage) -> None:
    user = (await set_up.auth0.user())["user_id"]
    assert (await set_up.auth0.login(user))["allowed"]
    await set_up.connect(on_failure="closed")
    refused = await set_up.auth0.login(user)
    assert (refused["allowed"], bool(refused["reason"])) == (False, True)
