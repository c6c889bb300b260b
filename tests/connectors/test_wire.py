"""What the wire makes of answers and of broken connections."""

import asyncio
import socket
import threading
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from connectors.errors import Ambiguous, ConnectorError, Missing, Reconnect, Refused, TryLater
from connectors.limits import Allowance, Pace
from connectors.wire import Wire
from tests.connectors.doubles import Oddity


def view(wire: Wire, address: str, **more: Any) -> httpx.AsyncClient:
    return wire.client(address, service="The service", **more)


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        ("GET", 301, Refused),
        ("GET", 400, Refused),
        ("GET", 401, Reconnect),
        ("GET", 403, Refused),
        ("GET", 404, Missing),
        ("GET", 408, TryLater),
        ("GET", 409, Refused),
        ("GET", 410, Missing),
        ("GET", 429, TryLater),
        ("GET", 500, TryLater),
        ("GET", 503, TryLater),
        ("POST", 400, Refused),
        ("POST", 408, Ambiguous),
        ("POST", 429, TryLater),
        ("PATCH", 500, Ambiguous),
        ("DELETE", 502, Ambiguous),
    ],
)
async def test_a_failing_answer_is_named_by_what_to_do_about_it(
    wire: Wire, odd: Oddity, method: str, status: int, expected: type[ConnectorError]
) -> None:
    odd.answers = [Response(status_code=status)]
    with pytest.raises(expected) as caught:
        await view(wire, odd.address).request(method, "/thing")
    assert type(caught.value) is expected
    assert caught.value.status == status
    assert caught.value.message.startswith("The service ")


async def test_a_success_is_given_as_it_is(wire: Wire, odd: Oddity) -> None:
    odd.answers = [JSONResponse({"fine": True}, status_code=201)]
    answer = await view(wire, odd.address).post("/thing", json={})
    assert (answer.status_code, answer.json()) == (201, {"fine": True})


async def test_redirects_are_not_followed(wire: Wire, odd: Oddity) -> None:
    odd.answers = [Response(status_code=302, headers={"location": "/elsewhere"})]
    with pytest.raises(Refused):
        await view(wire, odd.address).get("/thing")
    assert len(odd.received) == 1


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Tue, 01 Jan 2030 00:00:09 GMT", "date": "Tue, 01 Jan 2030 00:00:00 GMT"}, 9.0),
        ({"x-ratelimit-reset": "1893456005", "date": "Tue, 01 Jan 2030 00:00:00 GMT"}, 5.0),
        ({"x-ratelimit-reset": "1", "date": "Tue, 01 Jan 2030 00:00:00 GMT"}, 0.0),
        ({"retry-after": "3", "x-ratelimit-reset": "1893456005"}, 3.0),
        ({"retry-after": "999999999999999999999"}, 3600.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
async def test_too_many_calls_say_how_long_to_wait(
    wire: Wire, odd: Oddity, headers: dict[str, str], after: float | None
) -> None:
    odd.answers = [Response(status_code=429, headers=headers)]
    with pytest.raises(TryLater) as caught:
        await view(wire, odd.address).get("/thing")
    assert caught.value.after == after


async def test_a_server_that_is_not_there_has_done_nothing(wire: Wire) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(TryLater, match="could not be reached"):
            await view(wire, address).post("/thing")


@pytest.mark.parametrize(("method", "expected"), [("GET", TryLater), ("POST", Ambiguous), ("PATCH", Ambiguous)])
async def test_a_connection_that_breaks_is_ambiguous_only_for_changes(
    wire: Wire, method: str, expected: type[ConnectorError]
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(expected):
            await view(wire, address).request(method, "/thing")


@pytest.mark.parametrize(("method", "expected"), [("GET", TryLater), ("POST", Ambiguous)])
async def test_an_answer_that_does_not_come_is_ambiguous_only_for_changes(
    wire: Wire, method: str, expected: type[ConnectorError]
) -> None:
    over = asyncio.Event()

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(expected):
            await view(wire, address).request(method, "/thing", timeout=0.1)
        over.set()


async def test_a_half_answer_to_a_change_is_ambiguous(wire: Wire) -> None:
    async def stop_short(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(stop_short, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(Ambiguous):
            await view(wire, address).post("/thing")


async def test_closing_a_view_leaves_the_others_open(wire: Wire, odd: Oddity) -> None:
    odd.answers = [Response(status_code=204)]
    one, other = view(wire, odd.address), view(wire, odd.address)
    await one.get("/thing")
    await one.aclose()
    assert (await other.get("/thing")).status_code == 204


async def test_calls_beyond_the_rate_wait_for_their_turn(wire: Wire, odd: Oddity) -> None:
    odd.answers = [Response(status_code=204)]
    slow = view(wire, odd.address, pace=Pace(Allowance(2, 5)))
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(slow.get("/thing") for _ in range(5)))
    assert loop.time() - began >= 0.6


async def test_calls_that_would_wait_too_long_are_told_to_come_later(wire: Wire, odd: Oddity) -> None:
    odd.answers = [Response(status_code=204)]
    slow = view(wire, odd.address, pace=Pace(Allowance(1, 1 / 60), patience=0.1))
    await slow.get("/thing")
    with pytest.raises(TryLater, match="waiting for their turn"):
        await slow.get("/thing")
    assert len(odd.received) == 1


async def test_when_nothing_is_left_the_next_call_waits_for_the_reset(wire: Wire, odd: Oddity) -> None:
    none_left = Response(status_code=204, headers={"x-ratelimit-remaining": "0", "retry-after": "1"})
    odd.answers = [none_left, Response(status_code=204)]
    paced = view(wire, odd.address, pace=Pace(Allowance(100, 100)))
    await paced.get("/thing")
    loop = asyncio.get_running_loop()
    began = loop.time()
    await paced.get("/thing")
    await paced.get("/thing")
    assert 0.9 <= loop.time() - began < 2.0


async def test_pacing_starts_no_thread(wire: Wire, odd: Oddity) -> None:
    odd.answers = [Response(status_code=204)]
    before = threading.active_count()
    paced = view(wire, odd.address, pace=Pace(Allowance(1, 10)))
    await asyncio.gather(paced.get("/thing"), paced.get("/thing"))
    assert threading.active_count() == before
