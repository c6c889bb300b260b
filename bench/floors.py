"""The floors: endpoints that do no more than a measure asks for, served as the bot is. A process of its own.

/verify   checks the signature of an event and parses it
/commit   and commits one row
/run      and then, after its answer, makes the two calls to the tenant
/post     checks, parses, and posts to Slack
/click    checks Slack's signature, and makes the call to the tenant
"""

import asyncio
import json
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import httpx
import psycopg
import uvicorn
from slack_sdk.signature import SignatureVerifier
from standardwebhooks.webhooks import Webhook
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bench.load import SIGNING_SECRET, Address
from bench.processes import Running, free_port, listening, running

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@asynccontextmanager
async def floors(*, database_url: str, outside: str, folder: Path) -> AsyncIterator[Callable[[str], Address]]:
    """Serve the floors; gives what returns the address of one."""
    port, log = free_port(), folder / "floors.log"
    environment = {"DATABASE_URL": database_url, "OUTSIDE": outside, "PORT": str(port)}
    async with running(["bench.floors"], port=port, environment=environment, log=log) as process:
        await listening(process, log)
        yield lambda path: Address(port=port, path=path, secret=SECRET)


@asynccontextmanager
async def bare(folder: Path, *, plain: bool = False) -> AsyncIterator[Running]:
    """Begin the smallest web application; gives it at once. A plain one is served without uvloop and httptools."""
    port, how = free_port(), ["plain"] if plain else []
    async with running(["bench.bare", str(port), *how], port=port, environment={}, log=folder / "bare.log") as process:
        yield process


class _Rows:
    """A table, and threads that commit one row at a time: one for a file, which has one writer anyway."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(1 if database_url.startswith("sqlite") else 8)
        self._write("CREATE TABLE IF NOT EXISTS bench_floor (id TEXT PRIMARY KEY, event TEXT NOT NULL)", ())

    async def add(self, name: str, event: str) -> None:
        mark = "?" if self._url.startswith("sqlite") else "%s"
        statement = f"INSERT INTO bench_floor VALUES ({mark}, {mark})"
        await asyncio.get_running_loop().run_in_executor(self._threads, self._write, statement, (name, event))

    def _write(self, statement: str, values: tuple[str, ...]) -> None:
        if self._url.startswith("sqlite"):
            file: sqlite3.Connection | None = getattr(self._own, "file", None)
            if file is None:
                file = sqlite3.connect(self._url.removeprefix("sqlite:///"), isolation_level=None, timeout=30)
                file.execute("PRAGMA journal_mode=WAL")
                file.execute("PRAGMA synchronous=NORMAL")
                self._own.file = file
            file.execute(statement, values)
            return
        line: psycopg.Connection[Any] | None = getattr(self._own, "line", None)
        if line is None:
            line = self._own.line = psycopg.connect(self._url, autocommit=True)
        line.execute(statement.encode(), values)


class _Floors:
    def __init__(self, rows: _Rows, http: httpx.AsyncClient) -> None:
        self._rows = rows
        self._http = http
        self._webhook = Webhook(SECRET)
        self._few = asyncio.Semaphore(16)  # more at once only wait for a connection
        self._slack = SignatureVerifier(SIGNING_SECRET)

    async def _event(self, request: Request) -> tuple[str, Mapping[str, Any]]:
        body = await request.body()
        self._webhook.verify(body, dict(request.headers), json_parse=False)
        return request.headers["webhook-id"], json.loads(body)["event"]

    async def verify(self, request: Request) -> JSONResponse:
        name, _ = await self._event(request)
        return JSONResponse({"accepted": name}, status_code=202)

    async def commit(self, request: Request) -> JSONResponse:
        name, event = await self._event(request)
        await self._rows.add(name, json.dumps(event))
        return JSONResponse({"accepted": name}, status_code=202)

    async def run(self, request: Request) -> JSONResponse:
        name, event = await self._event(request)
        await self._rows.add(name, json.dumps(event))
        calls = BackgroundTask(self._two_calls, event["user"]["user_id"])
        return JSONResponse({"accepted": name}, status_code=202, background=calls)

    async def _two_calls(self, user_id: str) -> None:
        async with self._few:
            (await self._http.get(f"/api/v2/users/{quote(user_id, safe='')}")).raise_for_status()
            await self._mark(user_id)

    async def _mark(self, user_id: str) -> None:
        path = f"/api/v2/users/{quote(user_id, safe='')}"
        (await self._http.patch(path, json={"app_metadata": {"seen": "yes"}})).raise_for_status()

    async def post(self, request: Request) -> JSONResponse:
        name, event = await self._event(request)
        text = f"Block {event['user']['email']}?"
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]
        await self._http.post("/api/chat.postMessage", json={"channel": "C1", "text": text, "blocks": blocks})
        return JSONResponse({"accepted": name}, status_code=202)

    async def click(self, request: Request) -> JSONResponse:
        body = await request.body()
        fine = self._slack.is_valid_request(body, dict(request.headers))
        pressed = json.loads(parse_qs(body.decode())["payload"][0])["actions"][0]["value"]
        if fine:
            await self._mark(pressed)
        return JSONResponse({}, status_code=200 if fine else 401)


def main() -> None:
    """Serve the floors at the port that the environment names."""
    app = Starlette()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(base_url=os.environ["OUTSIDE"], trust_env=False) as http:
            kinds = _Floors(_Rows(os.environ["DATABASE_URL"]), http)
            app.router.routes.extend(
                Route(f"/{endpoint.__name__}", endpoint, methods=["POST"])
                for endpoint in (kinds.verify, kinds.commit, kinds.run, kinds.post, kinds.click)
            )
            yield

    app.router.lifespan_context = lifespan
    port = int(os.environ["PORT"])
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False, server_header=False)


if __name__ == "__main__":
    main()
