"""The instance's web application: one way in for every call, and the control addresses beside it."""

import asyncio
import inspect
import json
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.marketo.answers import Refusal
from sandbox.marketo.calls import MB, Call, read
from sandbox.marketo.control import control_routes
from sandbox.marketo.instance import Instance
from sandbox.marketo.routing import ROUTES, Endpoint

LONGEST_ADDRESS = 8192
METHODS = ["GET", "POST", "DELETE"]
SECRETS = {"client_secret", "access_token"}


def application(instance: Instance) -> Starlette:
    """Make the web application of an instance."""

    async def identify(request: Request) -> Response:
        async def serve() -> Response:
            return _identity(instance, request)

        response, fault = await instance.faults.around(f"{request.method} {request.url.path}", serve)
        _note(instance, request, None, response, fault)
        return response

    async def receive(request: Request) -> Response:
        call = await read(request)

        async def serve() -> Response:
            try:
                return await _served(instance, request, call)
            except Refusal as refusal:
                return refusal.answer()

        with instance.limits.counted():
            name = f"{request.method} {request.url.path}"
            response, fault = await instance.faults.around(name, serve)
        _note(instance, request, call, response, fault)
        return response

    return Starlette(
        routes=[
            *control_routes(instance),
            Route("/identity/oauth/token", identify, methods=["GET", "POST"]),
            Route("/{path:path}", receive, methods=METHODS),
        ]
    )


def _identity(instance: Instance, request: Request) -> Response:
    """Give a token to the client that knows its secret. The secret is in the query, even of a POST."""
    asked = request.query_params
    if asked.get("grant_type") != "client_credentials":
        kind = asked.get("grant_type")
        said = {"error": "unsupported_grant_type", "error_description": f"Unsupported grant type: {kind}"}
        return JSONResponse(said, status_code=400)
    known = secrets.compare_digest(asked.get("client_id", "").encode(), instance.client_id.encode())
    if not known:
        name = asked.get("client_id")
        said = {"error": "invalid_client", "error_description": f"No client with requested id: {name}"}
        return JSONResponse(said, status_code=401)
    if not secrets.compare_digest(asked.get("client_secret", "").encode(), instance.client_secret.encode()):
        said = {"error": "unauthorized", "error_description": "Bad client credentials"}
        return JSONResponse(said, status_code=401)
    token, left = instance.token()
    instance.fetched += 1
    return JSONResponse(
        {"access_token": token, "token_type": "bearer", "expires_in": max(0, int(left)), "scope": instance.user}
    )


async def _served(instance: Instance, request: Request, call: Call) -> Response:
    """Check the address, the token and the limits, and carry the call out."""
    if len(request.scope["raw_path"]) + len(request.scope["query_string"]) > LONGEST_ADDRESS:
        return Response("Request-URI Too Large", status_code=414)
    if len(call.content) > (10 * MB if call.path.startswith("/bulk/") else MB):
        raise Refusal(413, "Request Entity Too Large", status=413)
    _check_token(instance, request)
    instance.limits.refuse_too_many()
    if instance.settings.latency:
        await asyncio.sleep(instance.settings.latency)
    found = _find(call)
    if found.writes and instance.read_only.refuses(request.method, call.path):
        raise Refusal(603, "Access denied")
    result = found.endpoint(instance, replace(call, ids=found.ids))
    response = await result if inspect.isawaitable(result) else result
    if found.writes:
        instance.changes.happened()
    return response


def _check_token(instance: Instance, request: Request) -> None:
    """Refuse a token that is missing, unknown or too old: 600, 601, 602."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not token:
        raise Refusal(600, "Access token not specified")
    ends = instance.tokens.get(token)
    if scheme.lower() != "bearer" or ends is None:
        raise Refusal(601, "Access token invalid")
    if ends <= instance.now():
        raise Refusal(602, "Access token expired")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    endpoint: Endpoint
    ids: dict[str, str]
    writes: bool


def _find(call: Call) -> _Found:
    others = False
    for method, pattern, endpoint in ROUTES:
        fits = re.fullmatch(pattern, call.path)
        if fits and method == call.method:
            return _Found(endpoint=endpoint, ids=fits.groupdict(), writes=method != "GET")
        others = others or fits is not None
    if others:
        raise Refusal(605, f"HTTP Method {call.method} not supported")
    raise Refusal(610, "Requested resource not found")


Serve = Callable[[], Awaitable[Response]]


def _note(instance: Instance, request: Request, call: Call | None, response: Response, fault: Any) -> None:
    """Note a call for the list of calls, without secrets."""
    instance.called += 1
    content = bytes(getattr(response, "body", b""))
    is_json = isinstance(response, JSONResponse)
    answered = json.loads(content) if is_json else None
    identity = call is None
    query = [(name, "…" if name in SECRETS else value) for name, value in request.query_params.multi_items()]
    instance.calls.append(
        {
            "n": instance.called,
            "at": instance.now(),
            "verb": request.method,
            "method": request.method if call is None else call.method,
            "path": request.url.path,
            "query": query,
            "asked": [] if call is None else [list(pair) for pair in call.query],
            "kind": "" if call is None else call.kind,
            "body": None if call is None else _readable(call),
            "status": None if fault and fault.drop else getattr(response, "status_code", None),
            "fault": fault.as_given() if fault else None,
            "answer": _without_token(answered) if identity else answered,
        }
    )


def _without_token(answered: Any) -> Any:
    if not isinstance(answered, dict):
        return answered
    return {name: "…" if name in SECRETS else value for name, value in answered.items()}


def _readable(call: Call) -> Any:
    if not call.kind.startswith("application/json"):
        return None
    try:
        return json.loads(call.content)
    except ValueError:
        return None
