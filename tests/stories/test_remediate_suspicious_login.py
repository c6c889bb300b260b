"""Template remediate-suspicious-login: done at once, told by mail, and what the person answers by the links."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from tests.bot.made import ended
from tests.bot.test_streams_in import record, send
from tests.stories.browsers import Browser
from tests.stories.newcomers import service, shipped
from tests.worlds import Stage

FLOW: Final = "remediate-suspicious-login"
PASSWORD: Final = "a-password-that-nobody-guesses"
LINK: Final = re.compile(r"http://127\.0\.0\.1:\d+/asked/\S+")


@asynccontextmanager
async def guarding(stage: Stage, **settings: Any) -> AsyncIterator[Browser]:
    """Run the bot with the template, and open a browser."""
    await shipped(stage, FLOW, company="Example", **settings)
    async with stage.bot_running(), Browser() as browser:
        yield browser


async def customer(stage: Stage, name: str = "ana.keller") -> dict[str, Any]:
    person: dict[str, Any] = await stage.auth0.post("users", {"email": f"{name}@example.com", "password": PASSWORD})
    return person


async def mails(stage: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await service(stage, "mail").get("state"))["mails"]
    return found


async def links(stage: Stage, person: dict[str, Any]) -> tuple[str, str]:
    """Return the links of a person's mail once it is there: that for no, and that for yes."""
    post = service(stage, "mail")
    found = await post.until(lambda s: [m for m in s["mails"] if m["recipients"] == [person["email"]]])
    no, yes = LINK.findall(found[0]["text"])
    return no, yes


async def log_in(browser: Browser, person: dict[str, Any], password: str = PASSWORD) -> None:
    """Fill in the tenant's login page."""
    assert browser.shows("Welcome"), browser.page.text
    await browser.send(username=person["email"], password=password)
    await browser.on()


async def notes(stage: Stage, person: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await stage.auth0.find(person["user_id"])).get("app_metadata") or {}
    return found


async def said(stage: Stage, words: str) -> None:
    """Wait until the channel hears something."""
    await stage.slack.until(lambda state: words in json.dumps(state["messages"]))


async def test_it_is_done_at_once_and_no_locks_the_account(set_up: Stage) -> None:
    auth0, person = set_up.auth0, await customer(set_up)
    async with guarding(set_up) as browser:
        first, second = await asyncio.gather(auth0.login(person["user_id"]), auth0.login(person["user_id"]))
        assert (first["allowed"], second["allowed"]) == (False, False)
        no, yes = await links(set_up, person)
        await said(set_up, "suspicious login was stopped")
        now = await auth0.find(person["user_id"])
        assert (now["sessions"], now["refresh_tokens"], now["blocked"]) == ([], [], False)
        calm = await auth0.login(person["user_id"], risk=None)
        assert "choose a new password" in calm["reason"]
        for _ in range(3):  # mail programs look at links
            assert (await browser.open(no)).status_code == 200
            assert (await browser.open(yes)).status_code == 200
        assert not (await auth0.find(person["user_id"]))["blocked"]
        await browser.open(no)
        await browser.choose("it_was_not")
        assert browser.shows("Your answer has arrived")
        await said(set_up, "it was not them")
        assert (await auth0.find(person["user_id"]))["blocked"]
        for link in (no, yes):
            assert (await browser.open(link)).status_code == 410
        assert len(await mails(set_up)) == 1


async def test_yes_counts_after_a_login_as_oneself_with_the_new_password_and_lifts_it_all(set_up: Stage) -> None:
    auth0, person, other = set_up.auth0, await customer(set_up), await customer(set_up, "ben.osei")
    async with guarding(set_up) as browser:
        await auth0.login(person["user_id"])
        _, yes = await links(set_up, person)
        await browser.open(yes)
        await browser.choose("it_was_me")
        await log_in(browser, person)  # the password of before is not enough
        assert browser.shows("You are not logged in")
        await browser.open(yes)
        await browser.choose("it_was_me")
        await log_in(browser, other)
        assert browser.shows("You are logged in as somebody else")
        assert "cicflow_require_mfa" in await notes(set_up, person)
        await auth0.post("password-changes", {"user_id": person["user_id"], "password": "another-one"})
        await browser.open(yes)
        # They are logged in at the tenant as somebody else, and are asked all the same.
        await browser.choose("it_was_me")
        await log_in(browser, person, "another-one")
        assert browser.shows("Your answer has arrived")
        await said(set_up, "it was them, and has logged in anew")
        assert (await browser.open(str(browser.page.url))).status_code == 403  # the way back, once more
        assert await notes(set_up, person) == {}
        assert (await auth0.login(person["user_id"], risk=None))["mfa"] is None
        assert await ended(set_up, FLOW, 1) == ["The person says that it was them."]


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"aud": "another-application"},
        {"iss": "https://evil.example.com/"},
        {"auth_time": 1_700_000_000},
        {"auth_time": None},
        {"exp": 1_700_000_000},
        {"azp": "another-application"},
        {"sub": "auth0|another"},
    ],
    ids=" ".join,
)
async def test_an_identity_that_is_not_right_in_every_way_answers_nothing(
    set_up: Stage, claims: dict[str, Any]
) -> None:
    person = await customer(set_up)
    await set_up.auth0.put("settings", {"id_token": claims})
    async with guarding(set_up, this_login="ask for a second factor") as browser:
        await set_up.auth0.login(person["user_id"])
        _, yes = await links(set_up, person)
        await set_up.auth0.post("password-changes", {"user_id": person["user_id"], "password": PASSWORD})
        await browser.open(yes)
        await browser.choose("it_was_me")
        await log_in(browser, person)
        assert browser.page.status_code == 403
        assert not browser.shows("Your answer has arrived")
        assert "cicflow_require_mfa" in await notes(set_up, person)


async def test_forged_foreign_and_replayed_links_and_ways_back_are_good_for_nothing(set_up: Stage) -> None:
    person, other = await customer(set_up), await customer(set_up, "ben.osei")
    async with guarding(set_up) as browser, Browser() as thief:
        await set_up.auth0.login(person["user_id"])
        await set_up.auth0.login(other["user_id"])
        no, yes = await links(set_up, person)
        theirs, _ = await links(set_up, other)
        head, _, seal = no.rpartition(".")
        for forged in (
            f"{head}.{theirs.rpartition('.')[2]}",
            f"{head}.",
            f"{head}x.{seal}",
            f"{head}.{seal[:-2]}",
            f"{no}x",
        ):
            assert (await browser.open(forged)).status_code == 410
        await browser.open(theirs)
        token = browser.fields["token"]
        await browser.open(no)
        assert (await browser.send(choice="it_was_not", token=token)).status_code == 403
        await browser.open(no)
        assert (await browser.send(choice="it_was_me")).status_code == 403  # not what this link is for
        await browser.open(no)
        browser.forget()
        assert (await browser.send(choice="it_was_not")).status_code == 403
        # Somebody has got hold of the link for yes, and lets the person log in for it.
        await set_up.auth0.post("password-changes", {"user_id": person["user_id"], "password": PASSWORD})
        await thief.open(yes)
        await thief.choose("it_was_me")
        await browser.open(str(thief.page.url))
        await log_in(browser, person)
        assert browser.shows("You are not logged in")
        bare = str(browser.page.url).partition("?")[0]
        assert (await thief.open(f"{bare}?state=x&code=y")).status_code == 403
        assert not [u for u in (person, other) if (await set_up.auth0.find(u["user_id"]))["blocked"]]
        assert "cicflow_require_mfa" in await notes(set_up, person)


async def test_nobody_answers_and_it_ends_by_itself(set_up: Stage) -> None:
    person = await customer(set_up)
    async with guarding(set_up, patience="1s") as browser:
        await set_up.auth0.login(person["user_id"])
        no, _ = await links(set_up, person)
        await said(set_up, "Nobody has answered the mail")
        assert (await browser.open(no)).status_code == 410
        assert not (await set_up.auth0.find(person["user_id"]))["blocked"]


async def test_the_log_is_enough_and_mail_and_slack_may_fail(set_up: Stage) -> None:
    person, second = await customer(set_up), await customer(set_up, "ben.osei")
    async with guarding(set_up) as browser:
        leak = json.dumps([record(1, type="pwd_leak", user_id=person["user_id"])])
        assert (await send(set_up, "logs", leak))[0] == (await send(set_up, "logs", leak))[0] == 202
        no, _ = await links(set_up, person)
        await set_up.slack.fault("chat.postMessage", status=200, body={"ok": False, "error": "channel_not_found"})
        await set_up.auth0.fault("POST /api/v2/users/*/revoke-access", status=500)
        await set_up.auth0.fault("PATCH /api/v2/users/*", drop="after")
        await set_up.auth0.login(second["user_id"])
        theirs, _ = await links(set_up, second)
        for link in (no, theirs):
            await browser.open(link)
            await browser.choose("it_was_not")
        assert set(await ended(set_up, FLOW, 2)) == {"The person says that it was not them. The account is blocked."}
        assert len(await mails(set_up)) == 2


@pytest.mark.slow
async def test_killed_while_the_mail_is_out_one_answer_still_counts_once(set_up: Stage) -> None:
    person = await customer(set_up)
    await shipped(set_up, FLOW, company="Example")
    async with set_up.bot_process() as process:
        await set_up.auth0.login(person["user_id"])
        no, _ = await links(set_up, person)
        await said(set_up, "suspicious login was stopped")
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with set_up.bot_process(), Browser() as browser:
        await browser.open(no)
        await browser.choose("it_was_not")
        await said(set_up, "it was not them")
    assert (await set_up.auth0.find(person["user_id"]))["blocked"]
    assert len(await mails(set_up)) == 1
