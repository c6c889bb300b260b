"""A browser of the tenant's customers, without scripts: it follows what pages say, keeps cookies, and sends forms."""

import html
import re
import time
from typing import Any, Final
from urllib.parse import urljoin

import httpx

FIELD: Final = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
BUTTON: Final = re.compile(r'<button name="choice" value="([^"]*)"')
REFRESH: Final = re.compile(r'<meta http-equiv="refresh" content="\d+(?:; url=([^"]*))?"')
PATIENT: Final = 10.0
"""Seconds that somebody looks at pages which go on by themselves."""


class Browser:
    """One person's browser. `page` is what is shown in it."""

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(trust_env=False, timeout=30)
        self.page = httpx.Response(200)

    async def __aenter__(self) -> "Browser":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def open(self, address: str) -> httpx.Response:
        """Go to an address, and on as long as it sends us on at once."""
        self.page = await self._http.get(address)
        return await self.on()

    async def on(self) -> httpx.Response:
        """Go where we are sent at once."""
        while self.page.is_redirect:
            self.page = await self._http.get(urljoin(str(self.page.url), self.page.headers["location"]))
        return self.page

    async def send(self, **fields: str) -> httpx.Response:
        """Send the form of the page that is shown."""
        hidden = {name: html.unescape(value) for name, value in FIELD.findall(self.page.text)}
        self.page = await self._http.post(str(self.page.url), data={**hidden, **fields})
        return self.page

    async def choose(self, choice: str) -> httpx.Response:
        """Press a button, and follow the pages until there is nothing to wait for."""
        assert choice in BUTTON.findall(self.page.text), self.page.text
        await self.send(choice=choice)
        return await self.wait()

    async def wait(self) -> httpx.Response:
        """Follow the page for as long as it says so itself."""
        deadline = time.monotonic() + PATIENT
        while (found := REFRESH.search(self.page.text)) is not None:
            assert time.monotonic() < deadline, self.page.text
            await self.open(urljoin(str(self.page.url), html.unescape(found.group(1) or "")))
        return self.page

    def forget(self) -> None:
        """Lose every cookie."""
        self._http.cookies.clear()

    def shows(self, words: str) -> bool:
        return words in html.unescape(self.page.text)

    @property
    def fields(self) -> dict[str, Any]:
        """What the form of the page sends."""
        return dict(FIELD.findall(self.page.text))
