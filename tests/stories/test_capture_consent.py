"""Template capture-consent: the page at login, what is kept of the answer and where, and the way back."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from bot import assembly
from bot.settings import Settings
from tests.bot.made import SHORT, ended, shown, start
from tests.stories.browsers import Browser
from tests.stories.newcomers import service, shipped
from tests.worlds import Stage, text_of

FLOW: Final = "capture-consent"
TERMS: Final = "https://example.com/terms"
ALONE: Final[dict[str, Any]] = {"post": None, "salesforce": None, "marketo": None}
PASSWORD: Final = "a-password-that-nobody-guesses"


@asynccontextmanager
async def asking(stage: Stage, **settings: Any) -> AsyncIterator[Browser]:
    """Run the bot with the template, and open a browser."""
    await shipped(stage, FLOW, **{"terms": TERMS, **ALONE, **settings})
    async with stage.bot_running(), Browser() as browser:
        yield browser


async def customer(stage: Stage, name: str = "ana.keller") -> dict[str, Any]:
    """Make somebody who has a password."""
    person: dict[str, Any] = await stage.auth0.post("users", {"email": f"{name}@example.com", "password": PASSWORD})
    return person


async def asked(stage: Stage, browser: Browser, user_id: str) -> dict[str, Any]:
    """Let somebody log in who is shown the page. Returns how their login stands."""
    login = await stage.auth0.login(user_id, risk=None)
    assert login["redirect"], login
    await browser.open(login["redirect"])
    assert browser.shows("Before you go on")
    return login


async def outcome(stage: Stage, login: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = await stage.auth0.get(f"logins/{login['id']}")
    return found


async def known(stage: Stage, user_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await stage.auth0.find(user_id)).get("app_metadata") or {}
    return found


async def kept(stage: Stage, user_id: str, state: str, *, link: bool = False) -> dict[str, Any]:
    """Return what is kept at a user, once it is this."""

    def found(seen: dict[str, Any]) -> Any:
        user: dict[str, Any] = next((one for one in seen["users"] if one["user_id"] == user_id), {})
        notes = user.get("app_metadata") or {}
        fits = (notes.get("consent") or {}).get("state") == state and ("consent_take_back" in notes) == link
        return notes if fits else None

    notes: dict[str, Any] = await stage.auth0.until(found)
    return notes


async def agreed(stage: Stage, browser: Browser, user_id: str) -> str:
    """Let somebody agree. Returns the link by which they take it back."""
    await asked(stage, browser, user_id)
    await browser.choose("given")
    return str((await kept(stage, user_id, "given", link=True))["consent_take_back"])


async def contact(stage: Stage, email: str) -> None:
    """Let there be a contact in Salesforce."""
    async with assembly.kept(Settings(**stage.settings)) as things:
        made = things.catalog.actions["salesforce.create_contact"]
        given = made.given.model_validate({"last_name": "Keller", "email": email})
        await made.carry_out(await things.accounts.client("our-salesforce"), given)


async def contacts(stage: Stage, email: str) -> list[tuple[str, str]]:
    """Return what is known of the consent of the contacts with an address."""
    found = (await service(stage, "salesforce").get("state"))["records"]["Contact"]
    return [(one["Consent__c"], one["Consent_Version__c"]) for one in found if one["Email"] == email]


async def log_in(browser: Browser, person: dict[str, Any], password: str = PASSWORD) -> None:
    """Fill in the tenant's login page."""
    assert browser.shows("Welcome"), browser.page.text
    await browser.send(username=person["email"], password=password)
    await browser.on()


async def test_who_agrees_gets_in_and_is_asked_once_for_each_version(set_up: Stage) -> None:
    user = (await customer(set_up))["user_id"]
    async with asking(set_up) as browser:
        login = await asked(set_up, browser, user)
        assert f'<a href="{TERMS}" target="_blank" rel="noopener noreferrer">Our terms</a>' in browser.page.text
        policy = browser.page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        await browser.choose("given")
        assert browser.shows("You are logged in.")
        assert (await outcome(set_up, login))["allowed"]
        assert (await kept(set_up, user, "given", link=True))["consent"]["version"] == "1"
        again = await set_up.auth0.login(user, risk=None)
        assert (again["redirect"], again["allowed"]) == (None, True)
    async with asking(set_up, version="2") as browser:
        await asked(set_up, browser, user)
        await browser.choose("given")
        assert (await known(set_up, user))["consent"]["version"] == "2"


@pytest.mark.parametrize("let_in", [False, True])
async def test_who_declines_is_let_in_or_not_as_the_settings_say(set_up: Stage, *, let_in: bool) -> None:
    user = (await customer(set_up))["user_id"]
    async with asking(set_up, let_in=let_in) as browser:
        login = await asked(set_up, browser, user)
        await browser.choose("declined")
        assert browser.shows("logged in" if let_in else "You cannot go on without agreeing")
        assert (await outcome(set_up, login))["allowed"] is let_in
        await kept(set_up, user, "declined")
        assert await ended(set_up, FLOW, 1) == ["The person did not agree."]
        # Who was let in is left alone until the version changes; who was not has to be asked, or they never get in.
        again = await set_up.auth0.login(user, risk=None)
        assert bool(again["redirect"]) is not let_in


async def test_who_does_not_choose_in_time_has_not_agreed(set_up: Stage) -> None:
    user = (await customer(set_up))["user_id"]
    async with asking(set_up, patience="1s") as browser:
        login = await asked(set_up, browser, user)
        assert await ended(set_up, FLOW, 1) == ["The person did not agree."]
        await browser.open(login["redirect"])
        assert browser.shows("You cannot go on without agreeing")
        assert not (await outcome(set_up, login))["allowed"]


async def test_no_form_but_the_one_that_was_shown_in_this_browser_counts(set_up: Stage) -> None:
    user, other = (await customer(set_up))["user_id"], (await customer(set_up, "ben.osei"))["user_id"]
    async with asking(set_up) as browser, Browser() as stranger:
        login = await asked(set_up, browser, user)
        token = browser.fields["token"]
        await asked(set_up, stranger, other)
        theirs = stranger.fields["token"]
        await stranger.open(login["redirect"])  # somebody has got hold of the address
        for one in (token, theirs, "", "1.x", f"{token}x", token.replace(token[:3], "999", 1)):
            assert (await stranger.send(choice="given", token=one)).status_code == 403
            await stranger.open(login["redirect"])
        for choice in ("", "let_in", "given'"):
            await browser.open(login["redirect"])
            assert (await browser.send(choice=choice)).status_code == 403
        await browser.open(login["redirect"])
        browser.forget()
        assert (await browser.send(choice="given")).status_code == 403
        assert browser.shows("your browser keeps no cookies")
        cut = login["redirect"].partition("?")[0] + f"?state={login['state']}"
        assert (await browser.open(cut)).status_code == 403
        assert await known(set_up, user) == {}
        assert (await outcome(set_up, login))["reason"] is None


async def test_the_first_choice_counts_and_the_way_back_is_good_in_one_login_only(set_up: Stage) -> None:
    user = (await customer(set_up))["user_id"]
    async with asking(set_up) as browser, Browser() as second:
        login = await asked(set_up, browser, user)
        await second.open(login["redirect"])
        await browser.send(choice="declined")
        await second.send(choice="given")  # the same person in another window, too late
        await browser.wait()
        assert not (await outcome(set_up, login))["allowed"]
        way_back = parse_qs(urlsplit(str(browser.page.url)).query)["cicflow_token"][0]
        another = await set_up.auth0.login(user, risk=None)
        await browser.open(f"{set_up.auth0.given['url']}/continue?state={another['state']}&cicflow_token={way_back}")
        assert not (await outcome(set_up, another))["allowed"]
        assert (await known(set_up, user))["consent"]["state"] == "declined"


async def test_it_is_taken_back_by_the_link_after_a_login_as_oneself(set_up: Stage) -> None:
    person, other = await customer(set_up), await customer(set_up, "ben.osei")
    async with asking(set_up) as browser:
        link = await agreed(set_up, browser, person["user_id"])
        await browser.open(link)  # as a mail scanner does
        assert browser.shows("You agreed to our terms (version 1).")
        await browser.choose("take_back")
        await log_in(browser, other)
        await browser.choose("given")  # they are asked for their own consent on the way
        assert browser.shows("You are logged in as somebody else")
        assert (await known(set_up, person["user_id"]))["consent"]["state"] == "given"
        await browser.open(link)
        await browser.choose("take_back")
        await log_in(browser, person)
        assert browser.shows("Your answer has arrived")
        await kept(set_up, person["user_id"], "withdrawn")
        assert (await browser.open(link)).status_code == 410
        await asked(set_up, browser, person["user_id"])  # at the next login they are asked again


async def test_an_admin_takes_it_back_and_the_customer_systems_know_all_of_it(set_up: Stage) -> None:
    person = await customer(set_up)
    marketing = service(set_up, "marketo")
    await shipped(set_up, FLOW, terms=TERMS)
    await contact(set_up, person["email"])
    async with set_up.bot_running(), Browser() as browser:
        link = await agreed(set_up, browser, person["user_id"])
        lead = await marketing.until(lambda s: [one for one in s["leads"] if one.get("consent") == "given"])
        assert (lead[0]["email"], lead[0]["consentVersion"]) == (person["email"], "1")
        assert await contacts(set_up, person["email"]) == [("given", "1")]
        (mail,) = (await service(set_up, "mail").get("state"))["mails"]
        assert (mail["recipients"], link in mail["text"]) == ([person["email"]], True)
        await start(set_up, FLOW, person=person["user_id"])
        await kept(set_up, person["user_id"], "withdrawn")
        assert await marketing.until(lambda s: [one for one in s["leads"] if one.get("consent") == "withdrawn"])
        assert await contacts(set_up, person["email"]) == [("withdrawn", "1")]


async def test_services_fail_in_turn_and_the_login_does_not_wait_for_them(set_up: Stage) -> None:
    person = await customer(set_up)
    marketing, sales = service(set_up, "marketo"), service(set_up, "salesforce")
    await shipped(set_up, FLOW, terms=TERMS)
    await contact(set_up, person["email"])
    async with set_up.bot_running(), Browser() as browser:
        await set_up.auth0.fault("PATCH /api/v2/users/*", status=500)
        await set_up.auth0.fault("PATCH /api/v2/users/*", drop="after")
        await sales.fault("PATCH /services/data/*/sobjects/Contact/*", status=503)
        await marketing.fault("POST /rest/v1/leads.json", status=502)
        await asked(set_up, browser, person["user_id"])
        await browser.choose("given")
        assert browser.shows("You are logged in.")
        assert await marketing.until(lambda s: [one for one in s["leads"] if one.get("consent") == "given"])
        assert await contacts(set_up, person["email"]) == [("given", "1")]
        await kept(set_up, person["user_id"], "given", link=True)


async def test_what_cannot_be_done_is_told_and_goes_on_when_somebody_tries_again(set_up: Stage) -> None:
    person = await customer(set_up)
    body = {"statusCode": 403, "error": "Forbidden", "message": "Not now", "errorCode": "operation_not_supported"}
    async with asking(set_up) as browser:
        await set_up.auth0.fault("PATCH /api/v2/users/*", status=403, body=body)
        await asked(set_up, browser, person["user_id"])
        await browser.choose("given")
        assert browser.shows("You are logged in.")
        state = await set_up.slack.until(lambda s: s if "Not now" in str(s["messages"]) else None)
        place, message = next(
            (place, m) for place, found in state["messages"].items() for m in found if "Not now" in text_of(m)
        )
        click = {"user": set_up.slack.who("admin"), "channel": place, "ts": message["ts"], "action_id": "again"}
        await set_up.slack.post("clicks", click)
        link = (await kept(set_up, person["user_id"], "given", link=True))["consent_take_back"]
        assert (await browser.open(link)).status_code == 200


async def test_a_run_tells_what_was_shown_and_never_the_link(set_up: Stage) -> None:
    person = await customer(set_up)
    async with asking(set_up) as browser:
        link = await agreed(set_up, browser, person["user_id"])
        listed = SHORT.search(await shown(set_up, f"runs {FLOW}"))
        assert listed is not None
        said = await shown(set_up, f"run {listed.group(1)}")
        assert "Show: Please read our terms" in said
        assert "it waits for an answer" in said
        tried = await shown(set_up, f"try {FLOW}")
        assert "Please read our terms" in tried
        assert link not in said + tried


@pytest.mark.slow
async def test_killed_while_the_page_is_open_the_choice_still_counts_in_the_same_login(set_up: Stage) -> None:
    person = await customer(set_up)
    await shipped(set_up, FLOW, terms=TERMS, **ALONE)
    async with Browser() as browser:
        async with set_up.bot_process() as process:
            login = await asked(set_up, browser, person["user_id"])
            process.send_signal(signal.SIGKILL)
            await process.wait()
        async with set_up.bot_process():
            await browser.choose("given")  # the form that was shown before
            assert browser.shows("You are logged in.")
            await kept(set_up, person["user_id"], "given", link=True)
    assert (await outcome(set_up, login))["allowed"]
