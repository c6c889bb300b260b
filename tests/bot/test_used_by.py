"""Who uses what, and what is said before it goes away."""

from tests.bot.made import answered, make, shown
from tests.worlds import TENANT, Stage, text_of

LOOKS = """
template: looks
version: 1
title: Look somebody up
about: Looks somebody up for others.
settings:
  tenant: {connection: auth0, title: Tenant}
when: {called: {}}
tables: {seen: {columns: {user: text}, key: [user]}}
steps:
  - {do: auth0.search_users, using: "{{ settings.tenant }}", with: {limit: 1}}
"""
CALLS = """
template: calls
version: 1
title: Call
about: Calls.
settings:
  channel: {type: channel, title: Where}
when: {by hand: {}}
tables: {seen: {columns: {user: text}, key: [user]}}
steps:
  - {call: looks}
  - {id: sure, ask: "Sure?", in: "{{ settings.channel }}", choices: [yes_it_is], within: 1h, otherwise: yes_it_is}
"""


async def test_who_uses_what_is_said_and_before_a_flow_or_a_connection_goes_away(set_up: Stage) -> None:
    slack = set_up.slack
    await make(set_up, LOOKS)
    await make(set_up, CALLS)
    async with set_up.bot_running():
        assert f"The connection `{TENANT}` is used by `looks` (on)." in await slack.said(f"used {TENANT}")
        assert "is used by `calls` (on)." in await slack.said("used #security")
        assert "The table `seen` is used by `calls` (on) and `looks` (on)." in await slack.said("used seen")
        assert "The action `auth0.search_users` is used by `looks` (on)." in await slack.said("used auth0.search_users")
        looks = await slack.said("used looks")
        assert "The flow `looks` is used by `calls` (on)." in looks
        assert f"`looks` itself uses the connection `{TENANT}` and the table `seen`." in looks
        assert "No flow uses `loks`; did you mean looks?" in await slack.said("used loks")
        assert "Say it like this" in await slack.said("used")
        warned = await answered(set_up, "disable looks")
        assert "`calls` uses `looks`, and will fail" in text_of(warned)
        assert "`looks` (on)" in await slack.said(f"used {TENANT}")
        press = {"user": slack.who("admin"), "channel": slack.security, "ts": warned["ts"], "action_id": "disable"}
        await slack.post("clicks", press)
        await slack.whispered("`looks` is off")
        assert "`looks` (off)" in await shown(set_up, f"used {TENANT}")
