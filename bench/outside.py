"""The outside: Slack and a tenant that answer at once, and note when each call arrived. A process of its own."""

import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

USERS: Final = "/api/v2/users/"
JOBS: Final = "/api/v2/jobs/"
FILE: Final = "/bench/file"
POST: Final = "/api/chat.postMessage"
_LENGTH: Final = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that arrived, and when, by `time.monotonic`."""

    at: float
    verb: str
    path: str
    body: str


class Outside:
    """The outside, as the bench asks it what it saw."""

    def __init__(self, address: str, http: httpx.AsyncClient) -> None:
        self.address = address
        self._http = http

    async def count(self, verb: str, start: str) -> int:
        """Return how many calls arrived whose path starts so."""
        answer = await self._http.get(f"{self.address}/bench/count", params={"verb": verb, "start": start})
        return int(answer.json())

    async def calls(self, verb: str, start: str, *, after: int = 0) -> Sequence[Call]:
        """Return the calls that arrived whose path starts so, without the first few."""
        wanted: dict[str, str | int] = {"verb": verb, "start": start, "after": after}
        answer = await self._http.get(f"{self.address}/bench/calls", params=wanted, timeout=60)
        return [Call(**found) for found in answer.json()]

    async def export(self, file: Path) -> None:
        """Give this file as the export of all users."""
        wanted = {"file": str(file), "address": self.address}
        (await self._http.get(f"{self.address}/bench/export", params=wanted)).raise_for_status()

    async def until(self, count: int, verb: str, start: str, *, patience: float = 20.0) -> None:
        """Wait until so many calls have arrived. Raises RuntimeError if none comes for a while."""
        seen, since = 0, time.monotonic()
        while (found := await self.count(verb, start)) < count:
            now = time.monotonic()
            if found == seen and now - since > patience:
                raise RuntimeError(f"only {found} of {count} calls {verb} {start} arrived")
            seen, since = (seen, since) if found == seen else (found, now)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    """Start the outside."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.outside", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        async with httpx.AsyncClient(trust_env=False) as http:
            yield Outside(f"http://127.0.0.1:{port}", http)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


class _Seen:
    """What arrived, by verb and path, in order."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self.export = self.exported_at = ""
        """The file of an export, and at which address it is given."""

    def note(self, call: Call) -> None:
        self._calls.append(call)

    def wanted(self, query: Mapping[str, list[str]]) -> list[Call]:
        verb, start = query["verb"][0], query["start"][0]
        return [call for call in self._calls if call.verb == verb and call.path.startswith(start)]


def _answer(seen: _Seen, call: Call) -> Any:
    """Return what the outside says to a call."""
    parts = urlsplit(call.path)
    query = parse_qs(parts.query)
    match parts.path:
        case "/bench/count":
            return len(seen.wanted(query))
        case "/bench/calls":
            after = int(query["after"][0])
            return [
                {"at": one.at, "verb": one.verb, "path": one.path, "body": one.body}
                for one in seen.wanted(query)[after:]
            ]
        case "/bench/export":
            seen.export, seen.exported_at = query["file"][0], query["address"][0]
            return {}
        case path if path.startswith(JOBS):
            return {"id": "job_bench", "status": "completed", "location": f"{seen.exported_at}{FILE}"}
        case "/oauth/token":
            return {"access_token": "bench", "token_type": "Bearer", "expires_in": 86400}
        case path if path.startswith(USERS):
            user_id = unquote(path.removeprefix(USERS))
            return {
                "user_id": user_id,
                "email": f"{user_id.partition('|')[2]}@example.com",
                "email_verified": True,
                "name": "A. Person",
                "created_at": "2029-01-01T00:00:00.000Z",
                "identities": [{"provider": "auth0", "user_id": "bench", "connection": "users", "isSocial": False}],
                "app_metadata": {"seen": "yes"},
            }
        case "/api/auth.test":
            return {
                "ok": True,
                "url": "https://bench.slack.com/",
                "team": "Bench",
                "user": "bot",
                "team_id": "T1",
                "user_id": "U0",
                "bot_id": "B0",
            }
        case "/api/users.info":
            return {"ok": True, "user": {"id": (query.get("user") or ["U1"])[0], "is_admin": True}}
        case path if path.startswith("/api/"):
            channel = {"id": "C1", "name": "bench", "is_member": True}
            return {"ok": True, "channel": "C1" if "chat." in path else channel, "ts": f"{call.at:.6f}", "messages": []}
        case _:
            return {}


class _Line(asyncio.Protocol):
    def __init__(self, seen: _Seen) -> None:
        self._seen = seen
        self._got = b""
        self._out: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._out = transport

    def data_received(self, data: bytes) -> None:
        at = time.monotonic()
        self._got += data
        while self._out is not None:
            head, blank, rest = self._got.partition(b"\r\n\r\n")
            found = _LENGTH.search(head)
            length = int(found.group(1)) if found else 0
            if not blank or len(rest) < length:
                return
            self._got = rest[length:]
            verb, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            call = Call(at=at, verb=verb, path=path, body=rest[:length].decode())
            if not path.startswith("/bench/"):
                self._seen.note(call)
            if path == FILE:
                said = Path(self._seen.export).read_bytes()
            else:
                said = json.dumps(_answer(self._seen, call), separators=(",", ":")).encode()
            self._out.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said)
            )


async def _serve() -> None:
    seen = _Seen()
    server = await asyncio.get_running_loop().create_server(lambda: _Line(seen), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
