"""A person has signed up a second time: people are asked whether both accounts are theirs, and they become one."""

from typing import Any

import pytest

from tests.bot.made import ended, make
from tests.worlds import Stage, text_of

LINKS = """
template: links
version: 1
title: Link accounts
about: Asks whether a new account belongs to somebody who has one already.
settings:
  tenant: {connection: auth0, title: Tenant}
  channel: {type: channel, title: Where}
limits: {destroys: {per run: 1}}
when:
  event: auth0.post_login
  from: "{{ settings.tenant }}"
  only if: [{left: "{{ event.stats.logins_count }}", is: 1}]
steps:
  - id: found
    do: auth0.find_link_candidates
    using: "{{ settings.tenant }}"
    with: {user_id: "{{ event.user.user_id }}", email: "{{ event.user.email }}"}
  - if: [{left: "{{ steps.found.safe }}", is: 0}]
    then:
      - {stop: done, say: "{{ steps.found.why_not }}"}
  - id: verdict
    ask: Link {{ event.user.user_id }} and {{ steps.found.other_id }}?
    in: "{{ settings.channel }}"
    choices: [link, leave]
    within: 1h
    otherwise: leave
  - if: [{left: "{{ steps.verdict.choice }}", is: leave}]
    then:
      - {stop: done, say: They stay two}
  - id: linked
    do: auth0.link_users
    using: "{{ settings.tenant }}"
    with: {user_id: "{{ event.user.user_id }}", other_id: "{{ steps.found.other_id }}"}
  - {stop: done, say: "{{ steps.linked.secondary_id }} is part of {{ steps.linked.primary_id }}"}
"""


async def newcomer(stage: Stage, **profile: Any) -> tuple[str, str]:
    """Let the first customer sign up again, by way of Google. Gives both ids, the older one first."""
    await make(stage, LINKS, owner=stage.slack.who("admin"))
    old = await stage.auth0.user()
    known = {"connection": "google-oauth2", "email": old["email"], "email_verified": True, "name": "Again"}
    new = await stage.auth0.post("users", {**known, "user_metadata": {"colour": "blue"}, **profile})
    return old["user_id"], new["user_id"]


async def test_who_says_link_makes_one_account_of_two(set_up: Stage) -> None:
    old, new = await newcomer(set_up)
    async with set_up.bot_running():
        await set_up.auth0.login(new)
        question = await set_up.slack.alert()
        assert {old, new} <= set(text_of(question).replace("?", "").split())
        await set_up.slack.press(question, "decide:link")
        assert await ended(set_up, "links", 1) == [f"{new} is part of {old}"]
    now = await set_up.auth0.find(old)
    assert [each["provider"] for each in now["identities"]] == ["auth0", "google-oauth2"]
    assert now["user_metadata"]["colour"] == "blue"


async def test_who_says_leave_changes_nothing(set_up: Stage) -> None:
    old, new = await newcomer(set_up)
    async with set_up.bot_running():
        await set_up.auth0.login(new)
        await set_up.slack.press(await set_up.slack.alert(), "decide:leave")
        assert await ended(set_up, "links", 1) == ["They stay two"]
    assert len((await set_up.auth0.find(old))["identities"]) == 1
    assert (await set_up.auth0.find(new))["user_id"] == new


@pytest.mark.parametrize(
    ("profile", "why"),
    [
        ({"email_verified": False}, "is not verified"),
        ({"email": "nobody.else@example.com"}, "No other account has this e-mail address"),
    ],
)
async def test_nobody_is_asked_about_accounts_that_must_not_be_linked(
    set_up: Stage, profile: dict[str, Any], why: str
) -> None:
    _, new = await newcomer(set_up, **profile)
    async with set_up.bot_running():
        await set_up.auth0.login(new)
        (said,) = await ended(set_up, "links", 1)
        assert why in said
        assert set_up.slack.alerts(await set_up.slack.get("state")) == []
