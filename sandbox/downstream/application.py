"""The application: one address for every call, and the control addresses beside it."""

import hmac
import json
import time
from collections import deque
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.changes import Changes
from sandbox.faults import Faults
from sandbox.read_only import ReadOnly

TOKEN = "sandbox-downstream-token-that-everybody-may-know"
METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
LARGEST = 1_000_000
LAST_CALLS = 500
Json = dict[str, Any]


class Application:
    """It keeps every call with which somebody proved who they are."""

    def __init__(self) -> None:
        self.faults, self.changes, self.read_only = Faults(), Changes(), ReadOnly()
        self.calls: deque[Json] = deque(maxlen=LAST_CALLS)
        self.called = 0
        self.known: dict[str, int] = {}
        routes = [
            Route("/sandbox/state", self._state, methods=["GET"]),
            self.changes.route(),
            *self.faults.routes(),
            *self.read_only.routes(),
            Route("/{path:path}", self._serve, methods=METHODS),
        ]
        self.app = Starlette(routes=routes)

    def credentials(self, address: str) -> Json:
        """Say how to call it, served at an address such as "http://127.0.0.1:8709"."""
        return {"url": address, "token": TOKEN}

    async def _state(self, _request: Request) -> Response:
        return JSONResponse({"sequence": self.changes.sequence, "calls": list(self.calls), "called": self.called})

    async def _serve(self, request: Request) -> Response:
        content = await request.body()

        async def answer() -> Response:
            return self._answer(request, content)

        response, _ = await self.faults.around(f"{request.method} {request.url.path}", answer)
        return response

    def _answer(self, request: Request, content: bytes) -> Response:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {TOKEN}".encode()):
            return JSONResponse({"error": "unauthorized"}, status_code=401, headers={"www-authenticate": "Bearer"})
        if request.method == "GET":
            return JSONResponse({"ok": True})
        if len(content) > LARGEST:
            return JSONResponse({"error": "too large"}, status_code=413)
        if self.read_only.refuses(request.method, request.url.path):
            return JSONResponse({"error": "read-only"}, status_code=403)
        key = request.headers.get("idempotency-key")
        if key is not None and key in self.known:  # the same call again changes nothing
            return JSONResponse({"ok": True, "id": self.known[key]}, status_code=200)
        self.called += 1
        if key is not None:
            self.known[key] = self.called
        call = {"n": self.called, "at": time.time(), "verb": request.method, "path": request.url.path}
        self.calls.append(call | {"query": dict(request.query_params), "body": _readable(content)})
        self.changes.happened()
        return JSONResponse({"ok": True, "id": self.called}, status_code=201 if request.method == "POST" else 200)


def _readable(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content.decode(errors="replace")
