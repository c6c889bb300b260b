"""What the sandbox's services share: serving, faults on demand, waiting for changes."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.changes import Changes
from sandbox.faults import Faults
from sandbox.server import serving
from sandbox.trust import trust
from sandbox.world import World

ROOT = Path(__file__).parents[2]


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
    async with (
        serving(counter.app) as address,
        httpx.AsyncClient(base_url=address, trust_env=False, verify=trust()) as client,
    ):
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
    async with serving(Counter().app) as address, httpx.AsyncClient(trust_env=False, verify=trust()) as client:
        await client.post(f"{address}/count")
    async with serving(Counter().app, port=int(address.rsplit(":", 1)[1])) as again:
        assert again == address


async def test_a_long_poll_does_not_hold_up_the_end() -> None:
    counter = Counter()
    async with httpx.AsyncClient(trust_env=False, verify=trust()) as client:
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


async def test_the_world_tells_where_everything_is_and_what_it_accepts() -> None:
    async with (
        World.open(bot="http://127.0.0.1:9/slack/events") as world,
        httpx.AsyncClient(trust_env=False, verify=trust()) as http,
    ):
        addresses = world.addresses()
        slack, auth0 = addresses["slack"], addresses["auth0"]
        who = await http.post(f"{slack['api']}auth.test", data={"token": slack["bot_token"]})
        assert who.json()["user_id"] == slack["bot_user_id"]
        assert set(slack["users"]) == {"admin", "analyst", "visitor"}
        assert set(slack["channels"]) == {"security", "general", "private-room"}
        assert set(slack["user_groups"]) == {"security-team"}
        asked = {
            "grant_type": "client_credentials",
            **{k: auth0[k] for k in ("client_id", "client_secret", "audience")},
        }
        token = await http.post(f"{auth0['url']}/oauth/token", json=asked)
        assert token.json()["token_type"] == "Bearer"
        assert (await http.get(addresses["page"])).status_code == 200


async def test_two_worlds_have_the_same_ids_and_credentials() -> None:
    async with World.open() as one, World.open() as other:
        same = (
            "team_id",
            "bot_token",
            "app_token",
            "signing_secret",
            "bot_user_id",
            "users",
            "channels",
            "user_groups",
        )
        first, second = one.addresses()["slack"], other.addresses()["slack"]
        assert [first[name] for name in same] == [second[name] for name in same]
        assert first["url"] != second["url"]


async def test_the_command_prints_one_line_and_serves_until_it_is_told_to_stop() -> None:
    ports = [f"--{name}-port=0" for name in ("slack", "auth0", "page")]
    arguments = [sys.executable, "-m", "sandbox", "--json", *ports]
    environment = {"PATH": os.environ["PATH"]}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*arguments, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe)
    assert process.stdout is not None
    addresses = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
    async with httpx.AsyncClient(trust_env=False, verify=trust()) as http:
        assert (await http.get(f"{addresses['slack']['url']}/sandbox/state")).status_code == 200
    process.send_signal(signal.SIGTERM)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, out, err) == (0, b"", b"")


async def test_the_command_says_that_a_port_is_taken() -> None:
    async with serving(Counter().app) as address:
        port = address.rsplit(":", 1)[1]
        arguments = [sys.executable, "-m", "sandbox", "--slack-port", port, "--auth0-port=0", "--page-port=0"]
        environment = {"PATH": os.environ["PATH"]}
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*arguments, cwd=ROOT, env=environment, stderr=pipe)
        _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert err.startswith(b"A port is taken")
