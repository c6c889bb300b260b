"""The tenant's corner of the page: what people do there, the logins that wait elsewhere, and the tenant's log."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

import sandbox.slack
from sandbox import page
from sandbox.server import serving
from sandbox.trust import trust
from tests.sandbox.auth0_deeds import bind, needs_node
from tests.sandbox.auth0_tenancy import CUSTOMER, tenancy
from tests.sandbox.page_browser import Browser, chromium, needs_browser
from tests.sandbox.page_doubles import Double, tenant, workspace


@pytest.fixture
def auth0() -> Double:
    return Double(tenant())


@pytest.fixture
async def client(auth0: Double) -> AsyncIterator[httpx.AsyncClient]:
    async with AsyncExitStack() as stack:
        addresses = [await stack.enter_async_context(serving(one.app)) for one in (Double(workspace()), auth0)]
        address = await stack.enter_async_context(serving(page.create(*addresses)))
        own = {"origin": address, "sec-fetch-site": "same-origin"}
        yield await stack.enter_async_context(
            httpx.AsyncClient(base_url=address, trust_env=False, verify=trust(), headers=own)
        )


@pytest.mark.parametrize(
    ("path", "deed", "asked", "more"),
    [
        ("/wrong-passwords", {"user_id": "auth0|1"}, "failed-logins", {"user": "auth0|1", "times": 10}),
        ("/password-changes", {"user_id": "auth0|1"}, "password-changes", {"user_id": "auth0|1"}),
        (
            "/logins",
            {"user_id": "auth0|1", "risk": None, "strange": "country"},
            "logins",
            {"user_id": "auth0|1", "risk": None, "why": None, "city": "Lagos"},
        ),
    ],
)
async def test_what_a_person_does_goes_to_the_tenant(
    client: httpx.AsyncClient, auth0: Double, path: str, deed: dict[str, Any], asked: str, more: dict[str, Any]
) -> None:
    assert (await client.post(path, json=deed)).status_code == 200
    assert auth0.asked == [(asked, more)]


async def test_another_device_is_another_browser(client: httpx.AsyncClient, auth0: Double) -> None:
    await client.post("/logins", json={"user_id": "auth0|1", "risk": None, "strange": "device"})
    ((_, asked),) = auth0.asked
    assert "iPhone" in asked["user_agent"]


async def test_everybody_who_signs_up_is_somebody_new(client: httpx.AsyncClient, auth0: Double) -> None:
    for _ in range(2):
        assert (await client.post("/signups", json={})).status_code == 200
    (_, first), (_, second) = auth0.asked
    assert first["email"] != second["email"]


@pytest.mark.parametrize(
    ("redirect", "linked"),
    [
        ("https://bot.example.com/hold?a=1&b=<2>", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        (None, False),
        (["https://bot.example.com"], False),
    ],
)
async def test_a_held_login_links_to_the_page_where_it_waits(
    client: httpx.AsyncClient, auth0: Double, redirect: Any, linked: bool
) -> None:
    line = {"id": "txn_1", "at": "2023-11-14T22:13:20.000Z", "user_id": "auth0|1", "allowed": False, "reason": None}
    auth0.state["logins"] = [{**line, "redirect": redirect}]
    html = (await client.get("/")).text
    assert ('href="https://bot.example.com/hold?a=1&amp;b=&lt;2&gt;"' in html) is linked
    assert (">Held<" in html, ">Refused<" in html) == (linked, not linked)
    assert "javascript:" not in html


async def test_the_log_of_the_tenant_is_there_and_is_no_markup(client: httpx.AsyncClient, auth0: Double) -> None:
    record = {
        "log_id": "1",
        "date": "2023-11-14T22:13:20.000Z",
        "type": "fp",
        "description": "<b>wrong",
        "user_name": "a@b",
    }
    auth0.state["logs"] = [record]
    html = (await client.get("/")).text
    assert ("<code>fp</code> &lt;b&gt;wrong" in html, "a@b" in html) == (True, True)


HOLDS = """
exports.onExecutePostLogin = async (event, api) => {
  if (event.request.geoip.countryCode === 'NG') api.redirect.sendUserTo(event.secrets.PAGE);
};
exports.onContinuePostLogin = async () => {};
"""


@needs_node
@needs_browser
async def test_people_of_the_tenant_do_what_people_do() -> None:
    async with tenancy() as there, AsyncExitStack() as stack:
        slack = await stack.enter_async_context(serving(sandbox.slack.create().app))
        address = await stack.enter_async_context(serving(page.create(slack, there.address)))
        # A page that sends everybody straight back would do nothing else than this.
        await bind(there, "post-login", HOLDS, "holds", PAGE=f"{there.address}/continue")
        await asyncio.to_thread(seen, lambda browser: play(browser, address))
        state = await there.control("GET", "state")
    assert [record["type"] for record in state["logs"]][:3] == ["ss", "scp", "limit_wc"]
    assert [(line["allowed"], len(line["executions"])) for line in state["logins"]] == [(True, 1), (True, 2)]


def seen(scene: Callable[[Browser], None]) -> None:
    with chromium() as browser:
        scene(browser)
        assert browser.complaints() == []


def play(browser: Browser, address: str) -> None:
    one = f"[data-user-id='{CUSTOMER}']"
    browser.open(address)
    browser.click(f"{one} [data-testid=more]")
    browser.click(f"{one} [data-testid=device-login]")
    browser.find("[data-testid=login]", "Allowed")
    browser.click(f"{one} [data-testid=country-login]")
    browser.find("[data-testid=login]", "Held")
    browser.click("[data-testid=held]")
    browser.until(lambda: len(browser.driver.window_handles) == 2)
    browser.driver.switch_to.window(browser.driver.window_handles[1])
    browser.find("h1", "Welcome")
    browser.driver.close()
    browser.driver.switch_to.window(browser.driver.window_handles[0])
    browser.until(lambda: len(browser.all("[data-testid=login][data-allowed=true]")) == 2)
    browser.click(".records summary")
    browser.click(f"{one} [data-testid=wrong-passwords]")
    browser.find("[data-testid=records] li", "limit_wc")
    browser.click(f"{one} [data-testid=password-change]")
    browser.find("[data-testid=records] li", "scp")
    browser.click("[data-testid=sign-up]")
    browser.find("[data-testid=records] li", "ss")
