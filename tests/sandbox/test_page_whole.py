"""The page before the real services: over HTTP, and by hand in a browser with a small bot of the test's own."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from selenium.webdriver.common.keys import Keys

from sandbox.trust import trust
from sandbox.world import World
from tests.sandbox.page_bot import small_bot
from tests.sandbox.page_browser import Browser, chromium, needs_browser

ACTION = Path(__file__).parents[2] / "connectors/auth0/action/post-login.js"
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@pytest.fixture
async def addresses() -> AsyncIterator[dict[str, Any]]:
    async with World.open() as world:
        yield world.addresses()


@pytest.fixture
async def client(addresses: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    """A client that behaves like the page's own script."""
    async with httpx.AsyncClient(
        base_url=addresses["page"], headers={"origin": addresses["page"]}, trust_env=False, verify=trust()
    ) as client:
        yield client


async def install(auth0: dict[str, Any], bot: str) -> None:
    """Put the Auth0 Action into the tenant by its API, so that logins are told to the bot."""
    asked = {name: auth0[name] for name in ("client_id", "client_secret", "audience")}
    secrets = [{"name": "CICFLOW_URL", "value": f"{bot}/in/login"}, {"name": "CICFLOW_SECRET", "value": SECRET}]
    action = {
        "name": "tells the bot",
        "supported_triggers": [{"id": "post-login", "version": "v3"}],
        "code": ACTION.read_text(encoding="utf-8"),
        "runtime": "node22",
        "secrets": secrets,
    }
    async with httpx.AsyncClient(base_url=auth0["url"], trust_env=False, verify=trust()) as client:
        (await client.put("/sandbox/settings", json={"build_seconds": 0})).raise_for_status()
        token = await client.post("/oauth/token", json={"grant_type": "client_credentials", **asked})
        client.headers["authorization"] = f"Bearer {token.json()['access_token']}"
        made = (await client.post("/api/v2/actions/actions", json=action)).raise_for_status().json()
        await client.get(f"/api/v2/actions/actions/{made['id']}")
        (await client.post(f"/api/v2/actions/actions/{made['id']}/deploy")).raise_for_status()
        bindings = [{"ref": {"type": "action_id", "value": made["id"]}, "display_name": "tells the bot"}]
        answer = await client.patch("/api/v2/actions/triggers/post-login/bindings", json={"bindings": bindings})
        answer.raise_for_status()


async def test_the_page_shows_the_worlds_people_channels_and_customers(client):
    html = (await client.get("/")).text
    assert re.findall(r'data-channel-name="([^"]+)"', html) == ["security", "general", "private-room"]
    assert re.findall(r'<option value="[^"]+" data-name="([^"]+)"', html) == ["admin", "analyst", "visitor"]
    assert "customer.1@example.com" in html
    assert html.count("data-user-id=") >= 3


async def test_the_visitor_does_not_see_the_private_room(client):
    assert "private-room" not in (await client.get("/?you=visitor")).text


async def test_a_command_without_a_bot_shows_slacks_error_to_its_author(client, addresses):
    admin, security = addresses["slack"]["users"]["admin"], addresses["slack"]["channels"]["security"]
    deed = {"user": admin, "channel": security, "text": "/cicflow help"}
    assert (await client.post("/wordings", json=deed)).status_code == 200
    html = (await client.get("/?channel=security")).text
    assert "failed with the error <code>dispatch_failed</code>" in html
    assert "<b>Slackbot</b>" in html


async def test_what_a_person_writes_is_shown_as_it_was_typed(client, addresses):
    analyst, general = addresses["slack"]["users"]["analyst"], addresses["slack"]["channels"]["general"]
    deed = {"user": analyst, "channel": general, "text": "1 < 2 & *bold* &lt; @admin <script>"}
    assert (await client.post("/wordings", json=deed)).status_code == 200
    html = (await client.get("/?channel=general")).text
    assert '1 &lt; 2 &amp; <strong>bold</strong> &amp;lt; <span class="mention">@Admin</span> &lt;script&gt;' in html


async def test_somebody_who_does_not_exist_can_do_nothing(client, addresses):
    deed = {"user": "U404", "channel": addresses["slack"]["channels"]["general"], "text": "hello"}
    answer = await client.post("/wordings", json=deed)
    assert answer.status_code == 404
    assert answer.json()["message"] == "there is no such person"


@needs_browser
async def test_the_whole_job_can_be_done_by_hand(addresses, tmp_path):
    def by_hand(browser: Browser) -> None:
        browser.open(addresses["page"])
        browser.type("#say", "/cicflow enable high-risk-login\n")
        browser.find("[data-testid=message][data-ephemeral]", "Only visible to you")
        browser.find("[data-testid=modal]", "High-risk login")
        browser.click("[data-testid=modal-submit]")
        browser.find("[data-block-id=patience] [data-error]", "Write 1h or 2h.")
        browser.type("[data-block-id=patience] input", "2h", instead=True)
        browser.click("[data-testid=modal-submit]")
        browser.gone("[data-testid=modal]")
        browser.find("[data-testid=message] strong", "high-risk-login")

        customer = "[data-testid=tenant-user]:nth-of-type(1)"
        browser.click(f"{customer} [data-testid=risky-login]")
        browser.find("[data-testid=message]", "customer.1@example.com")
        browser.find("[data-testid=login]", "ran in node" if shutil.which("node") else "ran in Python")
        browser.click("[data-action-id=block]")
        browser.find("[data-testid=confirm]", "customer.1@example.com will not be able to log in.")
        browser.click("[data-testid=confirm-deny]")
        browser.gone("[data-testid=confirm]")
        browser.click("[data-action-id=block]")
        browser.click("[data-testid=confirm-confirm]", "Block")
        browser.find("[data-testid=message]", "Blocked by @Admin")
        browser.gone("[data-action-id=block]")
        browser.find("[data-testid=tenant-user][data-blocked=true] [data-testid=blocked]", "Blocked")

        browser.click(f"{customer} [data-testid=normal-login]")
        browser.find("[data-testid=login][data-allowed=false]", "user is blocked")
        browser.click("[data-testid=home-tab]")
        browser.find("[data-testid=home]", "My flows")
        browser.shot(tmp_path / "whole.png")
        assert browser.complaints() == []

    def drive() -> None:
        with chromium() as browser:
            by_hand(browser)

    async with small_bot(addresses) as bot:
        await install(addresses["auth0"], bot)
        await asyncio.to_thread(drive)


@needs_browser
@pytest.mark.slow
async def test_what_arrives_is_counted_found_and_can_be_made_to_fail(addresses, tmp_path):
    desk, slack = addresses["servicenow"]["url"], addresses["slack"]
    security = slack["channels"]["security"]

    def by_hand(browser: Browser) -> None:
        browser.open(addresses["page"])
        browser.find("#say")
        made = httpx.post(f"{desk}/sandbox/records/incident", json={"short_description": "A new one"}, trust_env=False)
        browser.find("[data-testid=tab-servicenow] .count", "1")
        link = f"Look at <{desk}/incident.do?sys_id={made.json()['sys_id']}|the incident>"
        said, token = {"channel": security, "text": link}, {"authorization": f"Bearer {slack['bot_token']}"}
        httpx.post(f"{slack['api']}chat.postMessage", json=said, headers=token, trust_env=False)
        browser.click("[data-testid=message] a", "the incident")
        browser.find("[data-testid=record].found", "A new one")
        browser.gone("[data-testid=tab-servicenow] .count")

        browser.press(Keys.ESCAPE)
        browser.click("[data-testid=tab-servicenow]")
        browser.press(Keys.ARROW_DOWN)
        browser.find("#panel-salesforce", "Contacts")
        browser.click("[data-testid=tab-trouble]")
        browser.click("[data-testid=trouble-mail] [data-testid=upset]")
        browser.click("[data-testid=trouble-mail] [data-testid=right]")
        browser.gone("[data-testid=right]")

        browser.click("[data-testid=tab-auth0]")
        browser.click("[data-testid=sign-up]")
        browser.find("[data-testid=tenant-user]:nth-of-type(1)", "Unverified")
        browser.click("[data-testid=tenant-user]:nth-of-type(2) [data-testid=more]")
        browser.click("[data-testid=absence-65]")
        browser.find("[data-testid=tenant-user]:nth-of-type(2)", "0 sessions")
        browser.click("[data-testid=tab-guide]")
        browser.click("[data-testid=lesson] [data-try]", "/cicflow enable high-risk-login")
        assert browser.value("#say") == "/cicflow enable high-risk-login"
        assert browser.script("return document.documentElement.scrollWidth <= innerWidth")
        browser.shot(tmp_path / "world.png")
        assert browser.complaints() == []

    def drive() -> None:
        with chromium(1280) as browser:
            by_hand(browser)

    await asyncio.to_thread(drive)
