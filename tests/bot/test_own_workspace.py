"""The bot's own workspace is a connection that nobody makes, sees or changes."""

import time
from typing import Any

from bot import assembly
from bot.settings import Settings, StoreSettings
from tests.worlds import TENANT, Stage


async def test_flows_can_have_the_bots_own_workspace(set_up: Stage) -> None:
    async with assembly.kept(Settings(**set_up.settings)) as things:
        assert list(await things.vault.names("slack")) == ["slack"]
        assert list(await things.vault.names()) == [TENANT]
        account = await things.vault.named("slack")
        assert account is not None
        assert "xoxb" not in repr(account)
        client = await things.accounts.client("slack")
        assert (await client.call("auth.test"))["user"] == "cicflow"


async def test_other_workspaces_are_connected_besides(set_up: Stage) -> None:
    async with assembly.kept(Settings(**set_up.settings)) as things:
        known: dict[str, Any] = {"connector": "slack", "settings": {"token": "xoxb-other"}, "accepts": "signed"}
        await things.vault.keep("other", **known, now=time.time())
        assert list(await things.vault.names("slack")) == ["slack", "other"]


async def test_without_slack_there_is_no_such_connection(set_up: Stage) -> None:
    names = ("database_url", "cicflow_key")
    settings = StoreSettings(**{name: set_up.settings[name] for name in names})
    async with assembly.kept(settings) as things:
        assert list(await things.vault.names("slack")) == []
        assert await things.vault.named("slack") is None
