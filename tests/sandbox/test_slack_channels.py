"""Channels of the simulated Slack as apps change them."""

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.slack_stage import GENERAL, SECURITY, Slack, slack_stage


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with slack_stage() as stage:
        yield stage


async def test_a_topic_is_written_in_channels_the_app_is_in(slack: Slack) -> None:
    changed = await slack.call("conversations.setTopic", channel=SECURITY, topic="All is well")
    assert changed["channel"]["topic"]["value"] == "All is well"
    assert (await slack.call("conversations.info", channel=SECURITY))["channel"]["topic"]["value"] == "All is well"
    assert await slack.refusal("conversations.setTopic", channel=SECURITY, topic="x" * 251) == "too_long"
    assert await slack.refusal("conversations.setTopic", channel=GENERAL, topic="x") == "not_in_channel"
    await slack.http.patch(f"/sandbox/channels/{SECURITY}", json={"is_archived": True})
    assert await slack.refusal("conversations.setTopic", channel=SECURITY, topic="x") == "is_archived"


async def test_a_private_channel_needs_a_permission_of_its_own(slack: Slack) -> None:
    await slack.set("settings", scopes=["channels:manage"])
    assert (await slack.call("conversations.create", name="open"))["ok"]
    answer = await slack.call("conversations.create", name="closed", is_private=True)
    assert (answer["error"], answer["needed"]) == ("missing_scope", "groups:write")
