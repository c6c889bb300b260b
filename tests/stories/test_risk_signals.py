"""Our own risk signals: logins of a tenant whose logins Auth0 does not assess, from end to end."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from bot import assembly
from bot.settings import Settings
from flows.tables import Memory, Run
from tests.bot import test_streams_in as streams
from tests.bot.made import ended, make, run_says, start
from tests.worlds import TENANT, Stage, text_of

DENIES = """
template: denies
version: 1
title: Deny an address
about: Puts an address on the list.
when: {by hand: {address: {type: text, title: Address}}}
steps:
  - id: denied
    do: addresses.deny_address
    with: {network: "{{ event.address }}", reason: known for attacks, by: "{{ event.by }}", lasts: 7d}
  - {stop: done, say: "{{ steps.denied.network }} is denied"}
"""
LISTENS = """
template: listens
version: 1
title: Listens
about: Notes how risky something is.
settings:
  tenant: {connection: auth0, title: Tenant}
when:
  event: SOURCE
  from: "{{ settings.tenant }}"
steps:
  - {stop: done, say: "WHAT"}
"""


async def kept(stage: Stage, table: type[Any]) -> list[Any]:
    async with assembly.kept(Settings(**stage.settings)) as things:
        return list(await things.store.read(lambda session: session.exec(select(table)).all()))


def failure(number: int, user: dict[str, Any]) -> dict[str, Any]:
    date = (datetime.now(UTC) - timedelta(seconds=60 - number)).isoformat()
    said = {"date": date, "type": "fp", "ip": "198.51.100.23", "user_id": user["user_id"], "user_name": user["email"]}
    return {"log_id": f"9{number}", "data": {**said, "log_id": f"9{number}"}}


async def test_a_login_from_the_other_side_of_the_earth_makes_an_alert_that_says_why(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    traveller, other = await auth0.user(0), await auth0.user(1)
    for _ in range(2):
        await auth0.login(other["user_id"], risk=None, city="Berlin")
    await auth0.login(traveller["user_id"], risk=None, city="Berlin")
    assert slack.alerts(await slack.get("state")) == []
    assert (await auth0.login(traveller["user_id"], risk=None, city="Sydney"))["allowed"]
    said = text_of(await slack.alert())
    assert traveller["email"] in said
    assert "Impossible travel: 16,0" in said
    assert "New country" in said
    assert "Auth0 " not in said
    await slack.press(await slack.alert(), "decide:block")
    await slack.ended("is blocked")
    assert (await auth0.find(traveller["user_id"]))["blocked"]
    assert len(slack.alerts(await slack.get("state"))) == 1


async def test_a_burst_of_wrong_passwords_in_the_log_makes_the_login_after_it_an_alert(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    attacked, other = await auth0.user(0), await auth0.user(1)
    status, said = await streams.send(running, "logs", json.dumps([failure(each, attacked) for each in range(6)]))
    assert (status, said) == (202, {"accepted": 6})
    await auth0.login(other["user_id"], risk=None)
    await auth0.login(attacked["user_id"], risk=None)
    text = text_of(await slack.alert())
    assert attacked["email"] in text
    assert "Many attempts to sign in as this person failed" in text
    assert len(slack.alerts(await slack.get("state"))) == 1


async def test_a_leaked_password_in_the_log_makes_the_next_login_an_alert(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    user = await auth0.user()
    leak = failure(1, user)
    leak["data"]["type"] = "pwd_leak"
    await streams.send(running, "logs", json.dumps(leak))
    await auth0.login(user["user_id"], risk=None)
    assert "has leaked elsewhere" in text_of(await slack.alert())


async def test_what_is_remembered_outlives_the_process(set_up: Stage) -> None:
    slack, auth0 = set_up.slack, set_up.auth0
    async with set_up.bot_running():
        await slack.enable()
        user = await auth0.user()
        await auth0.login(user["user_id"], risk=None, city="Berlin")
    found = {row.key: row for row in await kept(set_up, Memory)}
    assert found[f"user:{user['user_id']}"].connection == TENANT
    async with set_up.bot_running():
        await auth0.login(user["user_id"], risk=None, city="Sydney")
        assert "Impossible travel" in text_of(await slack.alert())


async def test_an_address_that_a_flow_denies_makes_an_alert(set_up: Stage) -> None:
    await make(set_up, DENIES)
    async with set_up.bot_running():
        slack, auth0 = set_up.slack, set_up.auth0
        await slack.enable()
        short = await start(set_up, "denies", address="198.51.100.0/24")
        await run_says(set_up, short, "198.51.100.0/24 is denied")
        user = await auth0.user()
        await auth0.login(user["user_id"], risk=None, ip="198.51.100.66")
        assert "on your deny list (known for attacks)" in text_of(await slack.alert())


@pytest.mark.parametrize(("risk", "version"), [("high", "1"), (None, "cicflow-1")])
async def test_only_a_tenant_without_an_assessment_of_its_own_is_given_ours(
    set_up: Stage, risk: str | None, version: str
) -> None:
    what = "{{ event.authentication.riskAssessment.version }} {{ event.authentication.riskAssessment.confidence }}"
    await make(set_up, LISTENS.replace("SOURCE", "auth0.post_login").replace("WHAT", what))
    async with set_up.bot_running():
        user = await set_up.auth0.user()
        login = await set_up.auth0.login(user["user_id"], risk=risk)
        assert await ended(set_up, "listens", 1) == [f"{version} high"]
    (run,) = await kept(set_up, Run)
    sent = login["event"]["authentication"]
    assert (run.event["authentication"] == sent) is (risk is not None)
    assert bool(await kept(set_up, Memory)) is (risk is None)


async def test_a_record_of_the_log_says_how_risky_it_is_in_the_same_place(set_up: Stage) -> None:
    what = "{{ event.type }} {{ event.riskAssessment.confidence }}"
    await make(set_up, LISTENS.replace("SOURCE", "auth0.log").replace("WHAT", what))
    async with set_up.bot_running():
        user = await set_up.auth0.user()
        records = [failure(each, user) for each in range(5)]
        records.append({**failure(6, user), "log_id": "97"})
        records[-1]["data"] = {**records[-1]["data"], "log_id": "97", "type": "s"}
        await streams.send(set_up, "logs", json.dumps(records))
        assert await ended(set_up, "listens", 6) == ["fp high"] * 4 + ["fp low", "s low"]
