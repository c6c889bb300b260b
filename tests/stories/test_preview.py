"""Before somebody switches a flow on, they see what it would have done in the last days."""

from typing import Any

from tests.bot.made import ended, make, shown
from tests.worlds import FLOW, Stage, text_of

LISTENS = """
template: listens
version: 1
title: Listens to much
about: Looks at first logins and at strange events.
settings:
  tenant: {connection: auth0, title: Tenant}
when:
  - event: auth0.post_login
    from: "{{ settings.tenant }}"
    only if: [{left: "{{ event.stats.logins_count }}", is: 1}]
  - {event: auth0.group_created, from: "{{ settings.tenant }}"}
  - {every: 12h}
steps:
  - {stop: done, say: "{{ event.user.user_metadata.plan }}"}
"""


KEEPS = """
template: keeps
version: 1
title: Keeps first logins
about: Keeps the first login of each person.
settings:
  tenant: {connection: auth0, title: Tenant}
when:
  event: auth0.post_login
  from: "{{ settings.tenant }}"
  only if: [{left: "{{ event.stats.logins_count }}", is: 1}]
steps:
  - {stop: done, say: Kept}
"""


async def answer(stage: Stage) -> str:
    """Return what the bot told in a direct message, in full."""

    def direct(state: dict[str, Any]) -> Any:
        found = [one for place, some in state["messages"].items() if place.startswith("D") for one in some]
        return [one for one in found if "would have done" in text_of(one)]

    found: list[dict[str, Any]] = await stage.slack.until(direct)
    return text_of(found[0])


async def test_a_template_that_nobody_has_set_up_is_looked_back_at(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    risky, fine = await auth0.user(0), await auth0.user(1)
    await auth0.login(risky["user_id"], risk="low")
    await auth0.login(risky["user_id"], risk="low")
    await auth0.login(fine["user_id"], risk="high")
    await auth0.put("read-only", {"on": True})
    assert "not allowed" in await slack.said(f"preview {FLOW}", user="visitor")
    assert "I am looking back" in await slack.said(f"preview {FLOW}")
    said = await answer(running)
    assert (await auth0.get("read-only"))["refused"] == []
    assert "lines of the tenant's log" in said
    assert "3 events that it listens to" in said
    assert "1 event would have woken it" in said
    assert "1 more came too soon after another for the same key" in said
    assert "1 event would not: it was not so that event.authentication.riskAssessment.confidence is one of low" in said
    assert "would ask 1 question" in said
    assert "It would ask “Block " in said
    assert slack.messages(await slack.get("state")) == []


async def test_a_form_looks_back_with_what_is_filled_in_and_saves_nothing(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await auth0.login((await auth0.user(0))["user_id"], risk="low")
    await auth0.login((await auth0.user(1))["user_id"], risk="medium")
    await slack.command(f"enable {FLOW} as eu-logins")
    form = await slack.form()
    pressed = {"user": slack.who("admin"), "view_id": form["id"], "action_id": "preview"}
    await slack.post("clicks", {**pressed, "values": {"risk": ["low", "medium"]}})
    said = await answer(running)
    assert "What eu-logins would have done" in said
    assert "2 events would have woken it" in said
    assert "`eu-logins`" not in await shown(running, "list")


async def test_events_that_the_bot_has_kept_are_taken_whole_and_once_and_what_the_log_lacks_is_said(
    set_up: Stage,
) -> None:
    slack, auth0 = set_up.slack, set_up.auth0
    await make(set_up, KEEPS)
    await make(set_up, LISTENS)
    async with set_up.bot_running():
        new = await auth0.post("users", {"email": "new@example.com", "user_id": "auth0|new", "sessions": 0})
        await auth0.login(new["user_id"], risk=None)
        await ended(set_up, "keeps", 1)
        await auth0.login((await auth0.user(0))["user_id"], risk=None)
        await slack.said("preview listens")
        said = await answer(set_up)
        # The first login is known whole, the other one from the log alone, which does not count logins.
        assert "1 event that I have kept" in said
        assert "2 events that it listens to" in said
        assert "1 event would have woken it" in said
        assert "its schedule would have woken it 14 times" in said
        assert "`auth0.group_created` stands in no log" in said
        assert "`event.stats.logins_count` (1 ×)" in said


async def test_a_log_that_may_not_be_read_is_no_reason_to_say_nothing(set_up: Stage) -> None:
    await set_up.auth0.put("settings", {"scopes": "read:users update:users"})
    await make(set_up, LISTENS)
    async with set_up.bot_running():
        await set_up.slack.said("preview listens")
        said = await answer(set_up)
    assert "The log of example-tenant could not be read" in said
    assert "read:logs" in said
    assert "0 events that I have kept" in said
