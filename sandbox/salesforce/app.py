"""The org's web application: its addresses, and the control addresses beside them."""

import json
from typing import Any
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.salesforce import api
from sandbox.salesforce.errors import Refusal, TokenRefusal
from sandbox.salesforce.org import Org, Settings
from sandbox.salesforce.tokens import check_token, give_token

METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
LONGEST_ADDRESS = 16_384
SECRETS = frozenset({"client_secret", "assertion", "refresh_token", "access_token"})


def application(org: Org) -> Starlette:
    """Make the web application of an org."""

    async def serve(request: Request) -> Response:
        return await receive(org, request)

    return Starlette(routes=[*_control(org), Route("/{path:path}", serve, methods=METHODS)])


async def receive(org: Org, request: Request) -> Response:
    """Answer one request, or meet it with the fault that waits for it; note it either way."""
    content = await request.body()
    path = request.scope["raw_path"].partition(b"?")[0].decode("ascii")

    async def served() -> Response:
        return answer_to(org, request, path, content)

    response, fault = await org.faults.around(f"{request.method} {path}", served)
    if not path.startswith("/services/oauth2/"):
        org.used += 1
        usage = f"api-usage={org.used}/{org.settings.daily_limit}"
        response.headers.setdefault("Sforce-Limit-Info", usage)
    org.calls.append(
        {
            "at": org.now().timestamp(),
            "verb": request.method,
            "path": path,
            "query": dict(request.query_params),
            "body": _readable(request, content),
            "status": None if fault and fault.drop else response.status_code,
            "fault": fault.as_given() if fault else None,
        }
    )
    return response


def answer_to(org: Org, request: Request, path: str, content: bytes) -> Response:
    """Answer one request in the words of the service."""
    try:
        return _answer(org, request, path, content)
    except (TokenRefusal, Refusal) as refusal:
        return JSONResponse(refusal.body(), status_code=refusal.status)


def _answer(org: Org, request: Request, path: str, content: bytes) -> Response:
    if path == "/services/oauth2/token":
        if request.method != "POST":
            raise TokenRefusal("invalid_request", "must use HTTP POST")
        return JSONResponse(give_token(org, str(request.base_url).rstrip("/"), content, request.headers))
    if len(path) + len(request.scope["query_string"]) > LONGEST_ADDRESS:
        raise Refusal(414, "URI_TOO_LONG", "URI Too Long")
    if path.rstrip("/") == "/services/data":
        return JSONResponse([{"label": "Summer '25", "url": "/services/data/v64.0", "version": "64.0"}])
    found = api.parts_of(path)
    if found is None:
        raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
    check_token(org, request.headers.get("authorization", ""))
    if org.used >= org.settings.daily_limit:
        raise Refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    call = api.Call(
        method=request.method,
        version=found[0],
        parts=found[1],
        query=dict(request.query_params),
        headers=request.headers,
        content=content,
    )
    if api.writes(call) and org.read_only.refuses(request.method, path):
        raise Refusal(403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", ())
    return api.answer(org, call)


def _readable(request: Request, content: bytes) -> Any:
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(content.decode(errors="replace")))
        return {name: "…" if name in SECRETS else value for name, value in form.items()}
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content.decode(errors="replace")[:2000]


def _control(org: Org) -> list[Route]:
    async def state(_request: Request) -> JSONResponse:
        records = {name: list(found.values()) for name, found in org.records.items()}
        settings = org.settings.model_dump(exclude={"public_key"})
        counts = {"tokens_given": org.tokens_given, "used": org.used}
        return JSONResponse(
            {"sequence": org.changes.sequence, "records": records, "jobs": len(org.jobs), "settings": settings} | counts
        )

    async def calls(_request: Request) -> JSONResponse:
        return JSONResponse(list(org.calls))

    async def change(request: Request) -> JSONResponse:
        try:
            org.settings = Settings.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        org.locked.clear()
        return JSONResponse(org.settings.model_dump())

    async def expire(_request: Request) -> JSONResponse:
        org.tokens.clear()
        return JSONResponse({"tokens": 0})

    return [
        Route("/sandbox/state", state),
        Route("/sandbox/calls", calls),
        Route("/sandbox/settings", change, methods=["PUT"]),
        Route("/sandbox/tokens/expire", expire, methods=["POST"]),
        org.changes.route(),
        *org.faults.routes(),
        *org.read_only.routes(),
    ]
