"""Somebody wants to know what a flow would do. The services refuse every change meanwhile, and none is asked for."""

import pytest

from bot import assembly
from bot.settings import Settings
from flows.dry_run import DryRun
from tests.bot.arrivals import event
from tests.bot.made import make
from tests.worlds import FLOW, Service, Stage, text_of

CLEANS_UP = """
template: cleans-up
version: 1
title: Clean up
about: Locks out everybody who is blocked, and asks before.
settings:
  tenant: {connection: auth0, title: Tenant}
  channel: {type: channel, title: Where}
limits: {destroys: {per run: 0}}
when: {by hand: {}}
tables: {cleaned: {columns: {user: text}, key: [user]}}
steps:
  - id: people
    do: auth0.search_users
    using: "{{ settings.tenant }}"
    with: {limit: 5}
  - id: walk
    each: "{{ steps.people.users }}"
    as: person
    steps:
      - {id: sure, ask: "Lock {{ person.user_id }} out?", in: "{{ settings.channel }}", choices: [lock, leave], within: 1h, otherwise: lock}
      - {do: rows.upsert, with: {table: cleaned, row: {user: "{{ person.user_id }}"}}}
      - if: [{left: "{{ steps.sure.choice }}", is: lock}]
        then:
          - {do: auth0.lock_out_user, using: "{{ settings.tenant }}", with: {user_id: "{{ person.user_id }}"}}
          - {do: auth0.set_app_metadata, using: "{{ settings.tenant }}", with: {user_id: "{{ person.user_id }}", app_metadata: {cleaned: true}}}
"""


async def tried(stage: Stage, flow: str, given: dict[str, object], **choices: str) -> DryRun:
    """Try a flow out, in a process of its own kind that carries nothing out."""
    async with assembly.by_hand(Settings(**stage.settings)) as (things, runs):
        found = await things.store.flow(flow)
        assert found is not None
        return await runs.dry_run(found, given, choices=choices)


async def untouchable(*services: Service, on: bool = True) -> None:
    for service in services:
        await service.put("read-only", {"on": on})


async def refused(service: Service) -> list[dict[str, str]]:
    return list((await service.get("read-only"))["refused"])


@pytest.mark.parametrize(
    ("choice", "says", "summary"),
    [
        ("block", "is blocked", "would destroy: Lock a user out 1 ×"),
        ("approve", "was left alone", "would change nothing"),
    ],
)
async def test_a_risky_login_is_tried_out_and_no_service_is_asked_to_change_anything(
    running: Stage, choice: str, says: str, summary: str
) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    user = await auth0.user()
    before = await auth0.get("state"), slack.messages(await slack.get("state"))
    await untouchable(slack, auth0)
    login = event(user["user_id"])
    found = await tried(running, FLOW, login, **{"steps/1": choice})
    assert (found.summary, found.ended.outcome, says in found.ended.message) == (summary, "done", True)
    assert [answer for _, answer in found.asked] == [choice]
    assert (await refused(slack), await refused(auth0)) == ([], [])
    after = await auth0.get("state"), slack.messages(await slack.get("state"))
    assert (before[0]["users"], before[1]) == (after[0]["users"], after[1])


async def test_what_is_looked_up_is_that_of_the_tenant_and_everybody_is_counted(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await make(running, CLEANS_UP, owner=slack.who("admin"))
    await untouchable(slack, auth0)
    asked = len(await auth0.calls(verb="GET"))
    found = await tried(running, "cleans-up", {"by": "U1"})
    assert (
        found.summary
        == "would destroy: Lock a user out 5 ×; would change: Add or change a row 5 ×, Set app metadata 5 ×"
    )
    known = {user["user_id"] for user in (await auth0.get("state"))["users"]}
    assert {would.given["user_id"] for would in found.would if would.effect == "destroys"} <= known
    assert len(await auth0.calls(verb="GET")) > asked
    assert (await refused(slack), await refused(auth0)) == ([], [])


async def test_the_same_flow_would_really_have_been_refused(running: Stage) -> None:
    """What keeps the trials from changing anything is not that nothing could be refused."""
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    user = await auth0.user()
    await auth0.login(user["user_id"])
    alert = await slack.alert()
    await untouchable(auth0)
    await slack.press(alert, "decide:block")
    await slack.until(lambda state: [one for one in slack.alerts(state) if "read-only" in text_of(one)])
    assert await refused(auth0) != []
    assert not (await auth0.find(user["user_id"])).get("blocked")
