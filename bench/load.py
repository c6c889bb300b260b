"""The load: signed events, as a process of its own, so that it takes no time from what is measured.

It is told what to send as JSON on its standard input, and says as JSON what came of it. Moments are those of
`time.monotonic`, which all processes of a machine share.
"""

import asyncio
import gc
import json
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from bench.events import NUMBER, TENANT, key_of, signature

SIGNING_SECRET: Final = "signing-secret-of-the-bench"
"""Slack's, for the bot and the floors."""
TENANTS: Final = 100
"""Connections that calls are spread over: each is paced, as a real tenant's limits ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to send. `rate` sends at fixed times, whatever comes back; without it, each connection waits for its answer."""

    host: str
    port: int
    path: str
    secret: str
    body: str
    tenants: int
    first: int
    """The number of the first event."""
    count: int | None = None
    seconds: float | None = None
    at_once: int = 16
    rate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of a load: for each event its number, when it was sent, when it was answered, and with what status."""

    numbers: Sequence[int]
    began: Sequence[float]
    ended: Sequence[float]
    statuses: Sequence[int]

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Return what a process said."""
        return cls(**given)

    @property
    def per_second(self) -> float:
        """Events answered in a second."""
        return len(self.ended) / (max(self.ended) - min(self.began))

    @property
    def milliseconds(self) -> list[float]:
        """How long each answer took."""
        return [(end - begin) * 1000 for begin, end in zip(self.began, self.ended, strict=True)]


async def send(load: Load) -> Sent:
    """Send a load from a process of its own. Raises RuntimeError if an event was refused."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate(json.dumps(asdict(load)).encode())
    if process.returncode:
        raise RuntimeError("the load could not be sent: see above")
    sent = Sent.of(json.loads(said))
    refused = [status for status in sent.statuses if status != 202]
    if refused:
        raise RuntimeError(f"{len(refused)} of {len(sent.statuses)} events were refused, the first with {refused[0]}")
    return sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where events go, and the secret they are signed with."""

    port: int
    path: str
    secret: str

    async def send(self, body: str, *, first: int, **how: Any) -> Sent:
        """Send events, the first with this number."""
        load = Load(
            host="127.0.0.1",
            port=self.port,
            path=self.path,
            secret=self.secret,
            body=body,
            tenants=TENANTS,
            first=first,
            **how,
        )
        return await send(load)


async def first_answer(address: Address, *, body: str, patience: float = 30.0) -> float:
    """Send one event as soon as somebody listens. Returns the moment of its answer. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    load = Load(
        host="127.0.0.1", port=address.port, path=address.path, secret=address.secret, body=body, tenants=1, first=0
    )
    async with asyncio.timeout(patience):
        while True:
            try:
                _, line = await loop.create_connection(_Line, load.host, load.port)
            except OSError:
                await asyncio.sleep(0.005)
            else:
                break
        status = await line.request(_Events(load).request(0))
    if status != 202:
        raise RuntimeError(f"the first event was refused with {status}")
    return time.monotonic()


class _Line(asyncio.Protocol):
    """One connection that is kept open. One request at a time."""

    def __init__(self) -> None:
        self._got = b""
        self._answered: asyncio.Future[int] | None = None
        self._out: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._out = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, blank, rest = self._got.partition(b"\r\n\r\n")
        if not blank:
            return
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        if len(rest) >= length and self._answered is not None and not self._answered.done():
            self._got = b""
            self._answered.set_result(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError("the connection was closed"))

    async def request(self, raw: bytes) -> int:
        """Send a request and return the status of its answer."""
        assert self._out is not None
        self._answered = asyncio.get_running_loop().create_future()
        self._out.write(raw)
        return await self._answered


class _Events:
    """Makes the requests, each signed when it is sent."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._key = key_of(load.secret)
        self._name = uuid.uuid4().hex[:12]
        self._head = f"POST {load.path} HTTP/1.1\r\nHost: {load.host}:{load.port}\r\nContent-Type: application/json\r\n"

    def request(self, number: int) -> bytes:
        load, moment, event_id = self._load, int(time.time()), f"{self._name}-{number}"
        text = load.body.replace(NUMBER, str(number)).replace(TENANT, str(number % load.tenants))
        body = text.encode()
        return (
            f"{self._head}webhook-id: {event_id}\r\nwebhook-timestamp: {moment}\r\n"
            f"webhook-signature: {signature(self._key, event_id, moment, body)}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body


async def _carry_out(load: Load) -> Sent:
    loop, events = asyncio.get_running_loop(), _Events(load)
    done: list[tuple[int, float, float, int]] = []

    async def line() -> _Line:
        _, made = await loop.create_connection(_Line, load.host, load.port)
        return made

    async def one(over: _Line, number: int, raw: bytes) -> None:
        began = time.monotonic()
        status = await over.request(raw)
        done.append((number, began, time.monotonic(), status))

    async def in_turn(over: _Line, numbers: Any, until: float) -> None:
        for number in numbers:
            await one(over, number, events.request(number))
            if time.monotonic() >= until:
                return

    async def at_fixed_times(rate: float, count: int) -> None:
        free = [await line() for _ in range(16)]
        start = time.monotonic() + 0.05

        async def on_time(number: int) -> None:
            over = free.pop() if free else await line()
            await one(over, number, events.request(number))
            free.append(over)

        async with asyncio.TaskGroup() as group:
            for place in range(count):
                await asyncio.sleep(max(0.0, start + place / rate - time.monotonic()))
                group.create_task(on_time(load.first + place))

    gc.disable()
    if load.rate is not None:
        await at_fixed_times(load.rate, load.count or round(load.rate * (load.seconds or 1.0)))
    else:
        lines = [await line() for _ in range(load.at_once)]
        until = time.monotonic() + load.seconds if load.seconds is not None else float("inf")
        numbers = iter(range(load.first, load.first + load.count if load.count is not None else sys.maxsize))
        await asyncio.gather(*(in_turn(over, numbers, until) for over in lines))
    numbered, began, ended, statuses = zip(*done, strict=True)
    return Sent(numbers=numbered, began=began, ended=ended, statuses=statuses)


def main() -> None:
    """Send what standard input says."""
    print(json.dumps(asdict(asyncio.run(_carry_out(Load(**json.load(sys.stdin)))))))


if __name__ == "__main__":
    main()
