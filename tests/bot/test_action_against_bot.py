"""The Auth0 Action's JavaScript, run by node's own test runner against the running bot."""

import asyncio
import os
import shutil
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from tests.worlds import Stage, text_of

SUITE = Path(__file__).with_name("action-against-bot.test.mjs")


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")
async def test_the_action_and_the_bot_understand_each_other(running: Stage) -> None:
    await running.slack.enable()
    given = {"PATH": os.environ["PATH"], "BOT_URL": f"{running.bot}/in/{running.key}", "BOT_SECRET": running.secret}
    node = await asyncio.create_subprocess_exec("node", "--test", str(SUITE), env=given, stdout=PIPE, stderr=STDOUT)
    out, _ = await node.communicate()
    assert node.returncode == 0, out.decode()
    assert "node@example.com" in text_of(await running.slack.alert())
