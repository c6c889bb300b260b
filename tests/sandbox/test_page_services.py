"""The page's tabs: what arrives at the services around the workspace, and trouble on demand."""

import re
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
import pytest

from sandbox.page.guide import GUIDE
from sandbox.world import World

LIBRARY = Path(__file__).parents[2] / "flows/library"
HOSTILE = '<script>alert(1)</script> & "more" https://example.com/a?b=1&c=2.'


@pytest.fixture
async def addresses() -> AsyncIterator[dict[str, Any]]:
    async with World.open() as world:
        yield world.addresses()


@pytest.fixture
async def client(addresses: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    """A client that behaves like the page's own script."""
    async with httpx.AsyncClient(
        base_url=addresses["page"], headers={"origin": addresses["page"]}, trust_env=False
    ) as client:
        yield client


async def shown(client: httpx.AsyncClient) -> str:
    return re.sub(r"\s+", " ", (await client.get("/")).text)


async def test_everything_that_arrives_is_shown_and_none_of_it_is_markup(
    client: httpx.AsyncClient, addresses: dict[str, Any]
) -> None:
    desk, app = addresses["servicenow"], addresses["downstream"]
    incident = {"short_description": HOSTILE, "urgency": "1", "work_notes": HOSTILE}
    await client.post(f"{desk['url']}/sandbox/records/incident", json=incident)
    signed = {"authorization": f"Bearer {app['token']}"}
    await client.post(f"{app['url']}/people", json={"name": HOSTILE}, headers=signed)
    assert (await client.post(f"{app['url']}/people", json={})).status_code == 401
    html = await shown(client)
    assert "<script>" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3
    assert '<a href="https://example.com/a?b=1&amp;c=2" target="_blank" rel="noopener noreferrer">' in html
    assert '<b class="number">INC0010005</b>' in html
    assert "Work notes (1)" in html
    assert "Aada Lehto" in html
    assert "Ana Keller · ana.keller@example.com" in html
    assert 'data-testid="tab-downstream"' in html
    assert f'data-downstream="{1}"' in html


async def test_a_mail_shows_its_headers_its_files_and_its_html_in_a_page_that_can_do_nothing(
    client: httpx.AsyncClient, addresses: dict[str, Any]
) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.com", "b@example.com", HOSTILE
    mail["List-Unsubscribe"] = "<https://example.com/off>"
    mail.set_content(HOSTILE)
    mail.add_alternative(f"<p>{HOSTILE}</p>", subtype="html")
    mail.add_attachment(b"a;b", maintype="text", subtype="csv", filename='ro"ws.csv')
    post = addresses["mail"]
    await aiosmtplib.send(mail, hostname=post["host"], port=post["port"])
    html = await shown(client)
    assert "<script>" not in html
    assert "List-Unsubscribe" in html
    assert 'src="/mails/0" sandbox="allow-popups allow-popups-to-escape-sandbox"' in html
    framed = await client.get("/mails/0")
    assert "<script>alert(1)</script>" in framed.text
    policy = framed.headers["content-security-policy"]
    assert ("default-src 'none'" in policy, "sandbox" in policy, "script-src" in policy) == (True, True, False)
    file = await client.get("/mails/0/attachments/0")
    assert (file.content, file.headers["content-type"]) == (b"a;b", "application/octet-stream")
    assert file.headers["content-disposition"].startswith("attachment;")
    missing = [(await client.get(path)).status_code for path in ("/mails/1", "/mails/0/attachments/1")]
    assert missing == [404, 404]


async def test_a_service_misbehaves_until_it_is_put_right(client: httpx.AsyncClient, addresses: dict[str, Any]) -> None:
    app = addresses["downstream"]
    signed = {"authorization": f"Bearer {app['token']}"}
    asked = {"service": "downstream", "kind": "down"}
    assert (await client.post("/troubles", json=asked)).status_code == 200
    assert (await client.post(f"{app['url']}/x", json={}, headers=signed)).status_code == 503
    assert "Everything fails (503) until you put it right</li>" in await shown(client)
    assert (await client.post("/troubles", json={"service": "downstream"})).status_code == 200
    assert (await client.post(f"{app['url']}/x", json={}, headers=signed)).status_code == 201
    assert "Put it right" not in await shown(client)
    assert (await client.post("/troubles", json={"service": "downstream", "kind": "none"})).status_code == 400
    assert (await client.post("/troubles", json={"service": "elsewhere"})).status_code == 400


async def test_every_trouble_is_one_that_its_service_can_have_and_lose(client: httpx.AsyncClient) -> None:
    html = await shown(client)
    sections = re.findall(r'data-service="(\w+)".*?</section>', html)
    assert sorted(sections) == ["auth0", "downstream", "mail", "marketo", "salesforce", "servicenow", "slack"]
    for service, options in re.findall(r'data-service="(\w+)"(.*?)</section>', html):
        for kind in [*re.findall(r'<option value="(\w+)"', options), None]:
            answer = await client.post("/troubles", json={"service": service, "kind": kind})
            assert (service, kind, answer.status_code) == (service, kind, 200)


def test_the_guide_has_a_lesson_for_every_template() -> None:
    assert {file.stem for file in LIBRARY.glob("*.yaml")} <= {lesson.template for lesson in GUIDE}
