"""Faults on demand: an answer of its own, with or without the thing being done."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.faults import Faults
from sandbox.server import serving
from sandbox.trust import trust


class Shop:
    """A service that counts what was really done."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.done = 0

    async def wrong(self, **fault: Any) -> httpx.Response:
        return await self.http.post("/sandbox/faults", json={"match": "order", "fault": fault})

    async def order(self) -> httpx.Response:
        return await self.http.post("/orders")


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    faults = Faults()

    async def make() -> Response:
        opened.done += 1
        return JSONResponse({"made": opened.done}, status_code=201)

    async def order(_request: Request) -> Response:
        response, _fault = await faults.around("order", make)
        return response

    app = Starlette(routes=[*faults.routes(), Route("/orders", order, methods=["POST"])])
    async with serving(app) as address, httpx.AsyncClient(base_url=address, trust_env=False, verify=trust()) as http:
        opened = Shop(http)
        yield opened


@pytest.mark.parametrize(
    ("fault", "status", "text", "done"),
    [
        ({"status": 500, "body": {"a": 1}}, 500, '{"a":1}', 0),
        ({"status": 502, "body": "no gateway"}, 502, "no gateway", 0),
        ({"status_after": 500}, 500, "{}", 1),
        ({"status_after": 500, "body": {"error": "late"}}, 500, '{"error":"late"}', 1),
        ({"status_after": 502, "html": "<h1>Bad gateway</h1>"}, 502, "<h1>Bad gateway</h1>", 1),
        ({"html": "<h1>Asleep</h1>"}, 200, "<h1>Asleep</h1>", 0),
        ({"status": 503, "html": "<h1>Busy</h1>"}, 503, "<h1>Busy</h1>", 0),
        ({"delay": 0}, 201, '{"made":1}', 1),
    ],
)
async def test_a_fault_answers_as_asked_and_does_the_thing_or_not(
    shop: Shop, fault: dict[str, Any], status: int, text: str, done: int
) -> None:
    assert (await shop.wrong(**fault)).status_code == 200
    answer = await shop.order()
    assert (answer.status_code, answer.text, shop.done) == (status, text, done)
    assert (await shop.order()).json() == {"made": done + 1}


async def test_a_page_says_that_it_is_one(shop: Shop) -> None:
    await shop.wrong(html="<p>Hello</p>")
    assert (await shop.order()).headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(("when", "done"), [("before", 0), ("after", 1)])
async def test_a_cut_connection_gives_no_answer(shop: Shop, when: str, done: int) -> None:
    await shop.wrong(drop=when)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await shop.order()
    assert shop.done == done


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"body": {}},
        {"status": 500, "status_after": 500},
        {"status_after": 500, "drop": "after"},
        {"html": "<p>", "body": "x"},
        {"html": "<p>", "drop": "before"},
        {"status_after": 99},
    ],
)
async def test_a_fault_that_contradicts_itself_is_refused(shop: Shop, fault: dict[str, Any]) -> None:
    assert (await shop.wrong(**fault)).status_code == 400
