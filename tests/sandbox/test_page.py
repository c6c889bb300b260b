"""The page over HTTP, before doubles of the two services: who sees what, what goes where, what is let in."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from sandbox import page
from sandbox.server import serving
from sandbox.trust import trust
from tests.sandbox.page_doubles import ALERT, BEGIN, FORM, Double, tenant, workspace


@pytest.fixture
def slack() -> Double:
    return Double(workspace())


@pytest.fixture
def auth0() -> Double:
    return Double(tenant())


@asynccontextmanager
async def browsing(slack: str, auth0: str) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that behaves like the page's own script."""
    async with serving(page.create(slack, auth0)) as address:
        own = {"origin": address, "sec-fetch-site": "same-origin"}
        async with httpx.AsyncClient(base_url=address, trust_env=False, verify=trust(), headers=own) as client:
            yield client


@pytest.fixture
async def client(slack: Double, auth0: Double) -> AsyncIterator[httpx.AsyncClient]:
    async with AsyncExitStack() as stack:
        addresses = [await stack.enter_async_context(serving(one.app)) for one in (slack, auth0)]
        yield await stack.enter_async_context(browsing(*addresses))


async def shown(client: httpx.AsyncClient, query: str = "") -> str:
    answer = await client.get(f"/?{query}")
    assert answer.status_code == 200
    return re.sub(r">\s+<", "><", re.sub(r"\s+", " ", answer.text))


def said(text: str, ts: float = BEGIN, **more: object) -> dict[str, object]:
    return {"type": "message", "ts": f"{ts:.6f}", "user": "U2", "text": text, **more}


async def test_the_page_shows_the_channels_the_people_and_the_tenants_users(client):
    html = await shown(client)
    assert "<h1>Sandbox</h1>" in html
    assert html.count("data-channel-id") == 3
    assert '<option value="U1" data-name="admin" selected>Admin</option>' in html
    assert html.count('data-testid="tenant-user"') == 3
    assert "customer.1@example.com" in html


async def test_the_bot_is_an_app_and_not_somebody_one_could_be(client):
    html = await shown(client)
    assert 'data-name="cicflow"' not in html
    assert 'data-testid="home-tab"' in html


async def test_a_private_channel_is_hidden_from_who_is_not_in_it(client):
    assert "private-room" in await shown(client, "you=U2")
    assert "private-room" not in await shown(client, "you=U3")
    assert "private-room" not in await shown(client, "you=U3&channel=G1")


async def test_people_and_channels_can_be_named_instead_of_their_ids(client):
    html = await shown(client, "you=analyst&channel=general")
    assert 'data-you="U2"' in html
    assert '<form class="composer" id="composer" data-channel="C2">' in html


async def test_a_user_with_a_hostile_name_shows_as_text(client, slack):
    slack.state["messages"]["C1"] = [said("hello <@U3>", user="U3")]
    html = await shown(client, "you=U3")
    assert "<script>" not in html
    assert "@&lt;!channel&gt; &amp; &lt;script&gt;alert(1)&lt;/script&gt;" in html


async def test_a_message_shows_its_author_its_time_and_that_it_was_edited(client, slack):
    slack.state["messages"]["C1"] = [said("*hello*", edited={"user": "U2", "ts": "1700000100.000000"})]
    html = await shown(client)
    assert "<b>Analyst</b>" in html
    assert ">22:13</time>" in html
    assert "<strong>hello</strong>" in html
    assert "(edited)" in html
    assert f'data-ts="{BEGIN:.6f}" data-channel="C1"' in html


async def test_times_are_in_the_browsers_zone(client, slack):
    slack.state["messages"]["C1"] = [said("hello")]
    client.cookies.set("zone", "Asia%2FTokyo")
    assert ">07:13</time>" in await shown(client)


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../../etc/passwd", "%00", "/etc/passwd"])
async def test_a_zone_that_does_not_exist_is_utc(client, slack, zone):
    slack.state["messages"]["C1"] = [said("hello")]
    client.cookies.set("zone", zone)
    assert ">22:13</time>" in await shown(client)


async def test_messages_of_one_author_in_a_row_share_a_head(client, slack):
    slack.state["messages"]["C1"] = [said("one"), said("two", BEGIN + 60), said("three", BEGIN + 900)]
    html = await shown(client)
    assert html.count('class="head"') == 2
    assert html.count("follows") == 1


async def test_a_bots_message_has_a_badge_and_working_buttons(client, slack):
    slack.state["messages"]["C1"] = [said("Risky login", user="U9", bot_id="B1", blocks=ALERT)]
    html = await shown(client)
    assert '<span class="badge">APP</span>' in html
    assert 'data-action-id="block" data-block-id="decide"' in html
    assert 'data-title="Block Customer 1?"' in html


async def test_replies_are_under_their_message_and_nowhere_else(client, slack):
    reply = said("a reply", BEGIN + 1, thread_ts=f"{BEGIN:.6f}")
    slack.state["messages"]["C1"] = [said("a question", replies=[reply]), reply]
    html = await shown(client)
    assert html.count("a reply") == 1
    assert "1 reply" in html


async def test_pictures_and_other_files_stand_with_their_message(client, slack):
    address = "http://127.0.0.1:8701/files/F1/x.png"
    files = [
        {"name": "report.png", "title": "<b>", "mimetype": "image/png", "url_private": address, "alt_txt": "A line"},
        {"name": "far.png", "mimetype": "image/png", "url_private": "https://example.com/x.png", "alt_txt": "Far"},
        {"name": "report.csv", "mimetype": "application/octet-stream", "filetype": "csv", "url_private": address},
    ]
    slack.state["messages"]["C1"] = [said("Numbers", replies=[said("", BEGIN + 1, files=files)])]
    html = await shown(client)
    assert f'<img class="picture" src="{address}" alt="A line">' in html
    assert "<figcaption>&lt;b&gt;</figcaption>" in html
    assert '<span class="picture absent" role="img" aria-label="Far"' in html
    assert "<small>report.csv" in html


async def test_an_ephemeral_message_is_shown_to_its_person_in_its_channel_only(client, slack):
    slack.state["ephemerals"] = [
        {"user": "U1", "channel": "C1", "text": "psst", "ts": "1700000001.000000", "at": BEGIN}
    ]
    html = await shown(client, "you=U1")
    assert "psst" in html
    assert "Only visible to you" in html
    assert "psst" not in await shown(client, "you=U2")
    assert "psst" not in await shown(client, "you=U1&channel=C2")


async def test_an_attachment_has_its_colour_without_a_style_of_its_own(client, slack):
    slack.state["messages"]["C1"] = [said("", attachments=[{"color": "#36a64f", "text": "*text*", "footer": "<b>"}])]
    html = await shown(client)
    assert 'fill="#36a64f"' in html
    assert "<strong>text</strong>" in html
    assert "style=" not in html


async def test_the_views_of_a_person_are_stacked_with_the_last_on_top(client, slack):
    slack.state["views"] = {"U1": [FORM, {**FORM, "id": "V2"}]}
    html = await shown(client)
    assert 'data-testid="modal-under" data-view-id="V1"' in html
    assert 'data-testid="modal" data-view-id="V2"' in html
    assert "data-view-id" not in await shown(client, "you=U2")


async def test_the_home_tab_is_what_the_app_published_for_this_person(client, slack):
    slack.state["homes"] = {"U1": {"id": "V7", "type": "home", "blocks": ALERT}}
    assert 'data-view-id="V7"' in await shown(client, "home=1")
    assert "has not published" in await shown(client, "home=1&you=U2")


async def test_a_blocked_user_and_the_last_logins_are_in_the_corner(client, auth0):
    auth0.state["users"][0] |= {"blocked": True, "sessions": [], "refresh_tokens": []}
    auth0.state["logins"] = [
        {"at": "2023-11-14T22:13:20.000Z", "user_id": "auth0|1", "allowed": True, "reason": None},
        {"at": "2023-11-14T22:14:20.000Z", "user_id": "auth0|1", "allowed": False, "reason": "user is blocked"},
    ]
    html = await shown(client)
    assert 'data-user-id="auth0|1" data-key="user-auth0|1" data-blocked="true"' in html
    assert re.findall(r'data-allowed="(\w+)"', html) == ["false", "true"]
    assert "user is blocked" in html


async def test_a_login_made_here_shows_which_runner_ran_the_action_and_its_error(client, auth0):
    run = {"action": "cicflow", "runner": "node", "error": "<b>Error", "logs": ["a line"], "milliseconds": 42}
    auth0.state["logins"] = [{"at": "2023-11-14T22:13:20.000Z", "user_id": "auth0|1", "allowed": True, "reason": None}]
    auth0.answers["logins"] = (200, {"allowed": True, "reason": None, "executions": [run]})
    answer = await client.post("/logins", json={"user_id": "auth0|1", "risk": "low", "why": ["new_device"]})
    assert answer.status_code == 200
    assert auth0.asked == [("logins", {"user_id": "auth0|1", "risk": "low", "why": ["new_device"]})]
    html = await shown(client)
    assert "ran in node, 42 ms" in html
    assert "&lt;b&gt;Error" in html
    assert "a line" in html


@pytest.mark.parametrize(
    ("path", "deed", "asked"),
    [
        ("/wordings", {"user": "U1", "channel": "C1", "text": " hello "}, ("messages", {"user": "U1", "channel": "C1", "text": "hello"})),
        ("/wordings", {"user": "U1", "channel": "C1", "text": "/cicflow enable  x"}, ("commands", {"user": "U1", "channel": "C1", "command": "/cicflow", "text": "enable  x"})),
        ("/closes", {"user": "U1", "view_id": "V1"}, ("closes", {"user": "U1", "view_id": "V1"})),
        ("/home", {"user": "U1"}, ("home", {"user": "U1"})),
        ("/submissions", {"user": "U1", "view_id": "V1", "values": {"b": {"a": "x", "c": ["y"], "d": None}}}, ("submissions", {"user": "U1", "view_id": "V1", "values": {"b": {"a": "x", "c": ["y"], "d": None}}})),
    ],
)  # fmt: skip
async def test_what_a_person_does_goes_to_the_workspace(client, slack, path, deed, asked):
    assert (await client.post(path, json=deed)).status_code == 200
    assert slack.asked == [asked]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://elsewhere.example.com"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none", "origin": ""},
    ],
)
async def test_a_request_from_another_site_is_refused(client, slack, headers):
    answer = await client.post("/home", json={"user": "U1"}, headers=headers)
    assert answer.status_code == 403
    assert slack.asked == []


async def test_a_request_that_says_nothing_of_its_origin_is_refused(client, slack):
    async with httpx.AsyncClient(base_url=client.base_url, trust_env=False, verify=trust()) as bare:
        assert (await bare.post("/home", json={"user": "U1"})).status_code == 403
    assert slack.asked == []


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"user": 3}', '{"user": "U1", "more": 1}', "\x00"])
async def test_a_request_that_makes_no_sense_is_refused(client, slack, body):
    answer = await client.post("/home", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert slack.asked == []


async def test_only_the_pages_own_script_and_style_may_run(client):
    answer = await client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"<script(?! src=\"/static/)|<style|\sstyle=|\son\w+=", answer.text)
    assert not re.search(r'(?:src|href)="(?:https?:)?//(?!127\.0\.0\.1:)', answer.text)


async def test_script_and_style_are_served_with_the_same_rules(client):
    for name in ("page.js", "swap.js", "fields.js", "world.js", "tenant.js", "page.css", "icon.svg"):
        answer = await client.get(f"/static/{name}")
        assert answer.status_code == 200
        assert "content-security-policy" in answer.headers
    assert (await client.get("/static/../application.py")).status_code == 404


@pytest.mark.parametrize("moved", ["slack", "auth0"])
async def test_the_wait_for_changes_ends_when_either_service_changes(client, slack, auth0, moved):
    wait = asyncio.create_task(client.get("/changes?slack=0&auth0=0"))
    {"slack": slack, "auth0": auth0}[moved].changes.happened()
    told = (await wait).json()
    assert told[moved] >= 1
    assert set(told) == {"slack", "auth0"}


async def test_the_page_says_where_its_sequence_stands(client, slack, auth0):
    slack.changes.happened()
    assert 'data-slack="1" data-auth0="0"' in await shown(client)


async def test_a_service_that_refuses_is_heard(client, slack):
    slack.answers["clicks"] = (404, {"error": "there is no such button"})
    deed = {"user": "U1", "channel": "C1", "ts": "1.0", "action_id": "a"}
    answer = await client.post("/clicks", json=deed)
    assert (answer.status_code, answer.json()) == (404, {"error": "there is no such button"})


async def test_without_a_tenant_the_workspace_still_works(slack):
    async with serving(slack.app) as there, browsing(there, "http://127.0.0.1:9") as client:
        html = await shown(client)
        assert "The tenant does not answer" in html
        assert 'id="composer"' in html
        answer = await client.post("/logins", json={"user_id": "auth0|1", "risk": "low"})
        assert answer.status_code == 502


async def test_without_a_workspace_the_page_says_so_and_asks_again():
    async with browsing("http://127.0.0.1:9", "http://127.0.0.1:9") as client:
        answer = await client.get("/")
        assert answer.status_code == 503
        assert "does not answer" in answer.text
        assert (await client.get("/changes?slack=0&auth0=0")).status_code == 502


async def test_the_wait_for_changes_wants_numbers(client):
    assert (await client.get("/changes?slack=x")).status_code == 400
