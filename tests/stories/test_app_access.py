"""Who registers gets access to an application by rules, once, and loses it with the account."""

import time
from typing import Any, Final
from urllib.parse import quote

import pytest

from bot import assembly
from bot.settings import Settings
from tests.bot.made import ended
from tests.stories.newcomers import as_admin, card, changed, comes, saying, service, shipped, streaming, told
from tests.stories.test_backfill import counted, over, press, runs_of
from tests.worlds import TENANT, Stage

FLOW: Final = "app-access-on-registration"
CUSTOMER: Final = "rol_Customer00000001"
BILLING: Final = "rol_Billing000000001"
NEW: Final[dict[str, Any]] = {"email": "noor@partner.example", "email_verified": True, "name": "Noor"}


async def application(stage: Stage) -> str:
    """Connect the application."""
    given = stage.addresses["downstream"]
    stage.settings["cicflow_http_allow"] = "127.0.0.1/32"
    async with assembly.kept(Settings(**stage.settings)) as things:
        settings = {"address": given["url"], "authentication": "bearer", "secret": given["token"]}
        await things.vault.keep("our-app", connector="http", settings=settings, accepts="signed", now=time.time())
    return "our-app"


async def organization(stage: Stage) -> str:
    made = await as_admin(stage, "POST", "/api/v2/organizations", name="partners")
    return str(made["id"])


async def calls(stage: Stage) -> list[tuple[str, str]]:
    """Return what the application was told: the access, and whose."""
    state = await service(stage, "downstream").get("state")
    return [(call["body"]["access"], call["body"]["user_id"]) for call in state["calls"] if call["verb"] == "POST"]


async def roles(stage: Stage, user: dict[str, Any]) -> list[str]:
    where = f"/api/v2/users/{quote(user['user_id'], safe='')}/roles"
    async with assembly.kept(Settings(**stage.settings)) as things:
        tenant = await things.accounts.client(TENANT)
        return [role["id"] for role in (await tenant.http.request("GET", where)).json()]


async def members(stage: Stage, organization_id: str) -> list[str]:
    where = f"/api/v2/organizations/{organization_id}/members"
    async with assembly.kept(Settings(**stage.settings)) as things:
        tenant = await things.accounts.client(TENANT)
        return [one["user_id"] for one in (await tenant.http.request("GET", where)).json()]


async def test_everything_is_given_once_whoever_tells_of_it_and_goes_with_the_account(set_up: Stage) -> None:
    place = await organization(set_up)
    await shipped(
        set_up,
        FLOW,
        app=await application(set_up),
        roles=[CUSTOMER],
        organization=place,
        member_roles=[BILLING],
    )
    async with set_up.bot_running():
        await streaming(set_up)
        user = await comes(set_up, **NEW)
        await told(set_up, user, number=1)
        await told(set_up, user, number=1)
        await told(set_up, user, number=2)
        await set_up.auth0.login(user["user_id"], risk=None)
        said = await ended(set_up, FLOW, 3)
        assert sorted(said) == ["This is done already.", "This is done already.", f"{user['user_id']} has access."]
        assert await roles(set_up, user) == [CUSTOMER]
        assert await members(set_up, place) == [user["user_id"]]
        assert await calls(set_up) == [("granted", user["user_id"])]
        (call,) = (await service(set_up, "downstream").get("state"))["calls"]
        assert call["body"] == {
            "access": "granted",
            "user_id": user["user_id"],
            "email": NEW["email"],
            "name": "Noor",
            "roles": [CUSTOMER],
            "organization": place,
        }
        await card(set_up, "Access given")
        await told(set_up, user, "user.deleted", number=3)
        assert await saying(set_up, FLOW, "taken back") == "Access is taken back."
        await card(set_up, "Access ended")
        # What comes late gives nothing back.
        await told(set_up, user, number=4)
        await ended(set_up, FLOW, 5)
        assert await calls(set_up) == [("granted", user["user_id"]), ("revoked", user["user_id"])]


PEOPLE: Final[dict[str, dict[str, Any]]] = {
    "partner": NEW,
    "unverified": {"email": "eve@partner.example", "email_verified": False},
    "lookalike": {"email": "eve@notpartner.example", "email_verified": True},
    "social": {"email": "sol@elsewhere.example", "email_verified": True, "connection": "google-oauth2"},
    "plans": {"email": "pia@elsewhere.example", "app_metadata": {"account": {"plans": ["pro"]}, "plan": "pro"}},
    "nearly": {"email": "nia@elsewhere.example", "app_metadata": {"plan": "professional"}},
    "by oneself": {"email": "max@elsewhere.example", "user_metadata": {"plan": "pro"}},
    "nobody": {"connection": "sms", "phone_number": "+15550100"},
}
PLAN: Final = {"field": "plan", "value": "pro"}
RULES: Final[list[tuple[dict[str, Any], set[str]]]] = [
    ({}, set(PEOPLE)),
    ({"domains": "Partner.example, other.example"}, {"partner"}),
    ({"connections": ["google-oauth2", "sms"]}, {"social", "nobody"}),
    ({"field": "account.plans", "value": "pro"}, {"plans"}),
    (PLAN, {"plans"}),
    ({"field": "plan"}, set()),
    ({"domains": "partner.example", **PLAN}, set()),
    ({"domains": "elsewhere.example", "connections": ["google-oauth2"]}, {"social"}),
    ({"domains": "partner.example", "connections": ["sms"], **PLAN, "rules": "any"}, {"partner", "nobody", "plans"}),
    ({"domains": "x.example", "connections": ["github"], "rules": "any"}, set()),
]
"""Rules, and whom they fit."""


async def test_rules_say_who_gets_access(set_up: Stage) -> None:
    for number, (rules, _) in enumerate(RULES):
        await shipped(set_up, FLOW, called=f"rules-{number}", tell=False, **rules)
    async with set_up.bot_running():
        names: dict[str, str] = {}
        for number, (name, person) in enumerate(PEOPLE.items()):
            user = await comes(set_up, **person)
            names[user["user_id"]] = name
            await told(set_up, user, number=number)
        found = [await ended(set_up, f"rules-{number}", len(PEOPLE)) for number in range(len(RULES))]
    fitting = [{names[said.split()[0]] for said in some if "has access" in said} for some in found]
    assert fitting == [fits for _, fits in RULES]


async def test_an_address_that_is_verified_later_gives_access_then(set_up: Stage) -> None:
    await shipped(set_up, FLOW, roles=[BILLING], domains="partner.example")
    async with set_up.bot_running():
        user = await comes(set_up, **NEW | {"email_verified": False})
        await told(set_up, user)
        await saying(set_up, FLOW, "No rule fits")
        await changed(set_up, user["user_id"], email_verified=True)
        await told(set_up, user | {"email_verified": True}, "user.updated", before={"email_verified": False}, number=2)
        await saying(set_up, FLOW, "has access")
        assert await roles(set_up, user) == [BILLING]


async def test_services_that_fail_in_passing_are_tried_again_and_nothing_is_given_twice(set_up: Stage) -> None:
    await shipped(set_up, FLOW, app=await application(set_up), roles=[CUSTOMER])
    async with set_up.bot_running():
        user = await comes(set_up, **NEW)
        path = f"POST /api/v2/users/{user['user_id']}/roles"
        await set_up.auth0.fault(path, status=503)
        await service(set_up, "downstream").fault("POST /access", times=2, status=503)
        await service(set_up, "downstream").fault("POST /access", drop="after")
        await set_up.slack.fault("chat.postMessage", drop="after")
        await told(set_up, user)
        assert await ended(set_up, FLOW, 1) == [f"{user['user_id']} has access."]
        assert await calls(set_up) == [("granted", user["user_id"])]
        told_of = [one for one in set_up.slack.messages(await set_up.slack.get("state")) if "Access given" in str(one)]
        assert len(told_of) == 1


async def test_an_application_that_refuses_is_told_in_the_channel_and_tried_again_by_a_person(set_up: Stage) -> None:
    await shipped(set_up, FLOW, app=await application(set_up))
    async with set_up.bot_running():
        user = await comes(set_up, **NEW)
        await service(set_up, "downstream").fault("POST /access", status=422)
        await told(set_up, user)
        message = await card(set_up, "422")
        assert await calls(set_up) == []
        # The account is gone before anybody looked: what may have been given is taken back.
        await told(set_up, user, "user.deleted", number=2)
        await saying(set_up, FLOW, "taken back")
        assert await calls(set_up) == [("revoked", user["user_id"])]
        assert message["ts"]


@pytest.mark.slow
async def test_a_process_that_ends_in_the_middle_gives_everything_once(set_up: Stage) -> None:
    await shipped(set_up, FLOW, app=await application(set_up), roles=[CUSTOMER])
    user = await comes(set_up, **NEW)
    await service(set_up, "downstream").fault("POST /access", delay=20)
    async with set_up.bot_process() as process:
        await told(set_up, user)
        while await roles(set_up, user) != [CUSTOMER]:
            pass
        process.kill()
        await process.wait()
    async with set_up.bot_running():
        runs = await runs_of(set_up, FLOW, at_least=lambda runs: all(run.ended_at for run in runs), patience=45)
        assert [run.message for run in runs] == [f"{user['user_id']} has access."]
        assert await calls(set_up) == [("granted", user["user_id"])]


async def test_those_who_were_there_before_get_access_by_a_back_fill(set_up: Stage) -> None:
    await shipped(set_up, FLOW, roles=[BILLING], domains="example.com")
    async with set_up.bot_running():
        users = (await set_up.auth0.get("state"))["users"]
        fits = [one for one in users if one.get("email_verified") and str(one.get("email")).endswith("@example.com")]
        message = await counted(set_up, FLOW)
        await press(set_up, message, "backfill:begin")
        assert f"{len(users)} went well" in await over(set_up, message)
        assert all([BILLING in await roles(set_up, one) for one in fits])
        assert len(fits) > 0
