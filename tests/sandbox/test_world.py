"""What the sandbox's services share: serving, faults on demand, waiting for changes."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.changes import Changes
from sandbox.faults import Faults
from sandbox.server import serving


class Counter:
    """A service that counts, with faults and changes like the real ones."""

    def __init__(self) -> None:
        self.count = 0
        self.lived: list[str] = []
        self.faults = Faults()
        self.changes = Changes()
        routes = [Route("/count", self.add, methods=["POST"]), *self.faults.routes(), self.changes.route()]
        self.app = Starlette(routes=routes, lifespan=self.lifespan)

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self.lived.append("up")
        yield
        self.lived.append("down")

    async def add(self, request: Request) -> Response:
        async def serve() -> Response:
            self.count += 1
            self.changes.happened()
            return JSONResponse({"count": self.count})

        response, _ = await self.faults.around("count.add", serve)
        return response


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
async def client(counter: Counter) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(counter.app) as address, httpx.AsyncClient(base_url=address, trust_env=False) as client:
        yield client


async def queue(client: httpx.AsyncClient, fault: dict[str, object], match: str = "count.*", times: int = 1) -> None:
    answer = await client.post("/sandbox/faults", json={"match": match, "times": times, "fault": fault})
    assert answer.status_code == 200


async def test_an_application_lives_as_long_as_it_is_served() -> None:
    counter = Counter()
    async with serving(counter.app) as address:
        assert address.startswith("http://127.0.0.1:")
        assert counter.lived == ["up"]
    assert counter.lived == ["up", "down"]


async def test_a_taken_port_is_an_error_for_whoever_asks_for_it() -> None:
    async with serving(Counter().app) as address:
        port = int(address.rsplit(":", 1)[1])
        with pytest.raises(OSError, match="in use"):
            async with serving(Counter().app, port=port):
                pass


async def test_a_port_can_be_served_again_at_once() -> None:
    async with serving(Counter().app) as address, httpx.AsyncClient(trust_env=False) as client:
        await client.post(f"{address}/count")
    async with serving(Counter().app, port=int(address.rsplit(":", 1)[1])) as again:
        assert again == address


async def test_a_long_poll_does_not_hold_up_the_end() -> None:
    counter = Counter()
    async with httpx.AsyncClient(trust_env=False) as client:
        async with serving(counter.app) as address:
            poll = asyncio.create_task(client.get(f"{address}/sandbox/changes?after=0&timeout=50", timeout=60))
            await client.post(f"{address}/count")
            assert (await poll).json() == {"sequence": 1}
            late = asyncio.create_task(client.get(f"{address}/sandbox/changes?after=1&timeout=50", timeout=60))
            await client.post(f"{address}/sandbox/faults", json={"match": "x", "fault": {"delay": 1}})
            began = time.monotonic()
        with pytest.raises(httpx.HTTPError):
            await late
        assert time.monotonic() - began < 5


async def test_an_answer_of_its_own_is_given_as_often_as_asked(client: httpx.AsyncClient) -> None:
    await queue(client, {"status": 429, "headers": {"Retry-After": "7"}, "body": {"error": "slow"}}, times=2)
    first, second, third = [await client.post("/count") for _ in range(3)]
    assert (first.status_code, first.headers["retry-after"], first.json()) == (429, "7", {"error": "slow"})
    assert second.status_code == 429
    assert third.json() == {"count": 1}


async def test_a_connection_dropped_before_has_done_nothing(client: httpx.AsyncClient, counter: Counter) -> None:
    await queue(client, {"drop": "before"})
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await client.post("/count")
    assert counter.count == 0


async def test_a_connection_dropped_after_has_done_it(client: httpx.AsyncClient, counter: Counter) -> None:
    await queue(client, {"drop": "after"})
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await client.post("/count")
    assert counter.count == 1
    assert (await client.post("/count")).json() == {"count": 2}


async def test_a_delayed_call_is_served_in_the_end(client: httpx.AsyncClient) -> None:
    await queue(client, {"delay": 0.05})
    began = time.monotonic()
    assert (await client.post("/count")).json() == {"count": 1}
    assert time.monotonic() - began >= 0.05


async def test_a_fault_for_another_call_is_left_alone(client: httpx.AsyncClient) -> None:
    await queue(client, {"status": 500}, match="other.*")
    assert (await client.post("/count")).status_code == 200


async def test_faults_can_be_forgotten(client: httpx.AsyncClient) -> None:
    await queue(client, {"status": 500}, times=5)
    await client.delete("/sandbox/faults")
    assert (await client.post("/count")).status_code == 200


@pytest.mark.parametrize("fault", [{}, {"status": 500, "drop": "after"}, {"drop": "sometimes"}, {"pause": 1}])
async def test_a_fault_nobody_knows_is_refused(client: httpx.AsyncClient, fault: dict[str, object]) -> None:
    assert (await client.post("/sandbox/faults", json={"match": "*", "fault": fault})).status_code == 400


async def test_changes_answer_when_the_time_is_up(client: httpx.AsyncClient) -> None:
    assert (await client.get("/sandbox/changes?after=0&timeout=0.01")).json() == {"sequence": 0}
    assert (await client.get("/sandbox/changes?after=x")).status_code == 400
