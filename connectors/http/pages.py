"""Lists that a service gives in pages."""

from collections.abc import AsyncIterator
from typing import Any, Final, Literal

import httpx
from pydantic import Field

from connectors.base import Value
from connectors.errors import Refused
from connectors.http.calls import Called, read
from connectors.http.client import SERVICE, Service
from connectors.http.connector import http

MOST_PAGES: Final = 10_000


class Paged(Called):
    """A list that comes in pages."""

    items: str = Field(
        default="",
        max_length=200,
        title="Items",
        description="Where the list is in an answer, such as data.people; empty: all.",
    )
    paging: Literal["link", "cursor", "page"] = Field(
        title="Paging",
        description="How the next page is found: by the Link header, by a cursor in the answer, or by the page's number.",
    )
    parameter: str = Field(
        default="",
        max_length=100,
        title="Parameter",
        description="The query's name for the cursor or the page's number.",
    )
    cursor: str = Field(
        default="", max_length=200, title="Cursor", description="Where the cursor is in an answer, such as meta.next."
    )
    first: int = Field(default=1, ge=0, le=1, title="First page", description="The number of the first page: 1 or 0.")
    most: int = Field(default=1000, ge=1, le=MOST_PAGES, title="Most pages", description="After as many pages it ends.")


class Item(Value):
    """One item of a list."""

    item: Any = Field(title="Item", description="As the service gives it.")


@http.action("Read all pages over HTTP", effect="reads", repeatable=True)
async def call_pages(client: Service, given: Paged) -> AsyncIterator[Item]:
    """Read a list that comes in pages, to its end: one item after the other."""
    url, query = client.at(given.path), given.asked()
    if given.paging == "page":
        query[given.parameter or "page"] = given.first
    seen: set[str] = set()
    for number in range(given.first, given.first + given.most):
        response = await client.call(
            "GET", url, given.rules(safe=True, follows=True), params=query, headers=given.headers
        )
        body = read(response)
        found = _at(body, given.items)
        if not isinstance(found, list):
            raise Refused(f"{SERVICE} answered without a list at {given.items or 'the top'}.")
        for item in found:
            yield Item(item=item)
        match given.paging:
            case "link":
                link = response.links.get("next", {}).get("url")
                url, query = _next(client, response.url, link) if link else url, {}
                mark = str(link or "")
            case "cursor":
                cursor = _at(body, given.cursor)
                mark = "" if cursor in (None, False) else str(cursor)
                query[given.parameter or "cursor"] = mark
            case "page":
                mark = str(number + 1) if found else ""
                query[given.parameter or "page"] = number + 1
        if not mark:
            return
        if mark in seen:
            raise Refused(f"{SERVICE} gives the same next page again and again.")
        seen.add(mark)
    raise Refused(f"The list has more than {given.most} pages.")


def _next(client: Service, here: httpx.URL, link: str) -> httpx.URL:
    try:
        url = here.join(link)
    except httpx.InvalidURL:
        raise Refused(f"{SERVICE} names a next page that is not an address.") from None
    if not client.own(url):
        raise Refused(f"{SERVICE} names a next page that is elsewhere.")
    return url


def _at(body: Any, path: str) -> Any:
    """Return what is at a dotted path of an answer; None if nothing is."""
    for name in path.split(".") if path else ():
        body = body.get(name) if isinstance(body, dict) else None
    return body
