"""People hear from marketing when they come the first time, a certain time, or come back: once, and not at night."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from sqlmodel import col, select

from bot import assembly
from bot.settings import Settings
from flows.tables import Row
from tests.bot.made import ended
from tests.stories.newcomers import card, comes, service, shipped
from tests.stories.test_backfill import runs_of
from tests.worlds import Stage

FLOW: Final = "personalised-campaign"
CAMPAIGN: Final = 3002
ANA: Final = {"email": "ana.keller@example.com", "email_verified": True, "given_name": "Ana", "family_name": "Keller"}
"""Who is a lead already."""


async def sent(stage: Stage) -> list[dict[str, str]]:
    """Return with which tokens leads were sent through the campaign."""
    state = await service(stage, "marketo").get("state")
    (campaign,) = [one for one in state["campaigns"] if one["id"] == CAMPAIGN]
    return [{token["name"]: token["value"] for token in one["tokens"]} for one in campaign["sent"]]


async def mails(stage: Stage) -> list[dict[str, Any]]:
    return list((await service(stage, "mail").get("state"))["mails"])


async def campaign(stage: Stage, **chosen: Any) -> None:
    """Switch the template on for the campaign, without quiet hours."""
    await shipped(stage, FLOW, **{"campaign": str(CAMPAIGN), "quiet": False, **chosen})


async def test_the_first_login_and_a_certain_one_each_send_once_whatever_comes_twice(set_up: Stage) -> None:
    await campaign(set_up, occasions=["first login", "certain login"], login=3)
    async with set_up.bot_running():
        user = await comes(set_up, **ANA)
        for _ in range(4):
            await set_up.auth0.login(user["user_id"], risk=None)
        await ended(set_up, FLOW, 2)
        assert await sent(set_up) == [
            {"{{my.first_name}}": "Ana", "{{my.occasion}}": "first login", "{{my.logins}}": "1"},
            {"{{my.first_name}}": "Ana", "{{my.occasion}}": "certain login", "{{my.logins}}": "3"},
        ]
        # Somebody begins a run again: the occasion has had its campaign.
        async with assembly.by_hand(Settings(**set_up.settings)) as (_, runs):
            await runs.afresh((await runs_of(set_up, FLOW))[0].id)
        await ended(set_up, FLOW, 3)
        assert len(await sent(set_up)) == 2


async def test_a_return_after_an_absence_is_an_occasion_each_time(set_up: Stage) -> None:
    await campaign(set_up, occasions=["return"], absence=30)
    async with set_up.bot_running():
        user = await comes(set_up, **ANA)
        await set_up.auth0.login(user["user_id"], risk=None)
        await set_up.auth0.login(user["user_id"], risk=None)
        await ended(set_up, FLOW, 2)
        assert await sent(set_up) == []
        for number in (1, 2):
            await was_there(set_up, days=40 - number)
            await set_up.auth0.login(user["user_id"], risk=None)
            await ended(set_up, FLOW, 2 + number)
            assert [one["{{my.occasion}}"] for one in await sent(set_up)] == ["return"] * number


async def was_there(stage: Stage, *, days: int) -> None:
    """Let everybody have been there so many days ago for the last time."""
    seen = (datetime.now(UTC) - timedelta(days=days)).isoformat()

    async with assembly.kept(Settings(**stage.settings)) as things:

        def move(session: Any) -> None:
            for row in session.exec(select(Row).where(col(Row.table_name) == "campaign_people")).all():
                row.cells = {**row.cells, "seen": seen}
                session.add(row)

        await things.store.transact(move)


async def test_a_mail_goes_to_verified_addresses_only_and_text_from_outside_stays_text(set_up: Stage) -> None:
    await shipped(set_up, FLOW, way="mail", quiet=False, text="Hello {name}!")
    async with set_up.bot_running():
        known = await comes(set_up, email="a@example.com", email_verified=True, given_name="Eve\r\nBcc: x@example.com")
        nameless = await comes(set_up, email="d@example.com", email_verified=True)
        other = await comes(set_up, email="b@example.com", email_verified=False)
        blocked = await comes(set_up, email="c@example.com", email_verified=True, blocked=True)
        phone = await comes(set_up, connection="sms", phone_number="+15550100")
        for user in (known, other, phone, nameless):
            await set_up.auth0.login(user["user_id"], risk=None)
        said = await ended(set_up, FLOW, 4)
        assert blocked["user_id"] not in str(said)
        written = {mail["recipients"][0]: mail for mail in await mails(set_up)}
        assert sorted(written) == ["a@example.com", "d@example.com"]
        assert written["d@example.com"]["text"].strip() == "Hello there!"
        assert "Bcc" not in [name for name, _ in written["a@example.com"]["headers"]]
        assert len([one for one in said if "no address to write to" in one]) == 2


async def test_quiet_hours_are_waited_for(set_up: Stage) -> None:
    now = datetime.now(UTC)
    quiet = {"quiet_from": f"{now - timedelta(hours=2):%H:%M}", "quiet_to": f"{now + timedelta(hours=2):%H:%M}"}
    loud = {"quiet_from": f"{now + timedelta(hours=2):%H:%M}", "quiet_to": f"{now - timedelta(hours=2):%H:%M}"}
    await campaign(set_up, quiet=True, called="at-night", **quiet)
    await campaign(set_up, quiet=True, called="by-day", **loud)
    async with set_up.bot_running():
        user = await comes(set_up, **ANA)
        await set_up.auth0.login(user["user_id"], risk=None)
        await ended(set_up, "by-day", 1)
        assert len(await sent(set_up)) == 1
        (run,) = await runs_of(set_up, "at-night", at_least=lambda runs: any(run.state == "waiting" for run in runs))
        assert run.wake_at is not None
        assert 3600 < run.wake_at - time.time() < 3 * 3600


async def test_who_is_no_lead_is_let_be_or_becomes_one(set_up: Stage) -> None:
    user = await comes(set_up, email="nobody@example.com", email_verified=True)
    await campaign(set_up)
    async with set_up.bot_running():
        await set_up.auth0.login(user["user_id"], risk=None)
        assert await ended(set_up, FLOW, 1) == [f"Marketo does not know {user['user_id']}."]
    await campaign(set_up, called="makes-leads", new_leads=True, occasions=["certain login"], login=2)
    async with set_up.bot_running():
        await set_up.auth0.login(user["user_id"], risk=None)
        assert await ended(set_up, "makes-leads", 1) == [f"{user['user_id']} was looked at."]
        assert [one["{{my.logins}}"] for one in await sent(set_up)] == ["2"]


async def test_a_campaign_of_which_nobody_knows_is_told_and_not_sent_again(set_up: Stage) -> None:
    await campaign(set_up)
    async with set_up.bot_running():
        user = await comes(set_up, **ANA)
        await service(set_up, "marketo").fault("GET /rest/v1/leads.json", status=502)
        await service(set_up, "marketo").fault(f"POST /rest/v1/campaigns/{CAMPAIGN}/trigger.json", drop="after")
        await set_up.auth0.login(user["user_id"], risk=None)
        await card(set_up, "may or may not")
        assert len(await sent(set_up)) == 1


async def test_a_template_without_a_campaign_or_a_server_says_so(set_up: Stage) -> None:
    await campaign(set_up, campaign=None)
    async with set_up.bot_running():
        user = await comes(set_up, **ANA)
        await set_up.auth0.login(user["user_id"], risk=None)
        await card(set_up, "Choose a campaign")


@pytest.mark.slow
async def test_a_process_that_ends_in_the_middle_sends_at_most_once(set_up: Stage) -> None:
    await campaign(set_up)
    user = await comes(set_up, **ANA)
    await service(set_up, "marketo").fault("GET /rest/v1/leads.json", delay=20)
    async with set_up.bot_process() as process:
        await set_up.auth0.login(user["user_id"], risk=None)
        asked = False
        async with asyncio.timeout(15):
            while not asked:
                calls = await service(set_up, "auth0").calls(verb="GET", status=200)
                asked = any("/api/v2/users/" in call["path"] for call in calls)
        process.kill()
        await process.wait()
    async with set_up.bot_running():
        await runs_of(set_up, FLOW, at_least=lambda runs: all(run.ended_at for run in runs), patience=45)
        assert [one["{{my.occasion}}"] for one in await sent(set_up)] == ["first login"]
