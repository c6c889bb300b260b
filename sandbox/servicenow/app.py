"""The instance's web application: one way in for every request of the service, and the control addresses beside it."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.servicenow import attachments, imports, tables, tokens
from sandbox.servicenow.control import control_routes
from sandbox.servicenow.errors import ApiError, ServiceError, no_such_address
from sandbox.servicenow.instance import Instance

METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
LARGEST = 10_485_760
LONGEST_ADDRESS = 8192
SECRETS = {"client_secret", "password", "access_token", "refresh_token"}
ADDRESS = re.compile(r"/api/now/(?:(?P<version>v[12])/)?(?P<api>table|attachment|import)(?:/(?P<rest>[^?]*))?")


def application(instance: Instance) -> Starlette:
    """Make the web application of an instance."""

    async def serve(request: Request) -> Response:
        return await receive(instance, request)

    return Starlette(routes=[*control_routes(instance), Route("/{path:path}", serve, methods=METHODS)])


async def receive(instance: Instance, request: Request) -> Response:
    """Answer one request, or meet it with the fault that waits for it; note it either way."""
    content = await request.body()
    path = request.url.path
    call: dict[str, Any] = {
        "verb": request.method,
        "path": path,
        "query": dict(request.query_params),
        "body": readable(request, content),
    }

    async def serve() -> Response:
        return answer_to(instance, request, content)

    response, fault = await instance.faults.around(f"{request.method} {path}", serve)
    instance.called += 1
    status = None if fault and fault.drop else response.status_code
    met = fault.as_given() if fault else None
    instance.calls.append({"n": instance.called, "at": instance.now(), **call, "status": status, "fault": met})
    return response


def answer_to(instance: Instance, request: Request, content: bytes) -> Response:
    """Answer one request in the words of the service."""
    try:
        return served(instance, request, content)
    except ServiceError as refusal:
        headers = refusal.headers if isinstance(refusal, ApiError) else {}
        return JSONResponse(refusal.body(), status_code=refusal.status, headers=headers)


def served(instance: Instance, request: Request, content: bytes) -> Response:
    """Find out who asks, how often, and for what."""
    path = request.url.path
    if len(path) + len(request.scope["query_string"]) > LONGEST_ADDRESS:
        return HTMLResponse("<html><body><h1>Request-URI Too Long</h1></body></html>")
    if path == "/oauth_token.do" and request.method == "POST":
        return JSONResponse(tokens.exchange(instance, request, content))
    tokens.refuse_strangers(instance, request)
    limits = rated(instance)
    if len(content) > LARGEST and "/attachment/" not in path:
        detail = (
            f"Rejected large REST payload with content-length = {len(content)} bytes. Max allowed: {LARGEST} bytes."
        )
        raise ApiError(413, "Exception while reading request", detail)
    if request.method != "GET" and instance.read_only.refuses(request.method, path):
        raise ApiError(403, "The instance is read-only")
    found = ADDRESS.fullmatch(path)
    parts = [part for part in (found["rest"] or "").split("/") if part] if found else []
    match found["api"] if found else None:
        case "table" if found and parts:
            response = tables.respond(instance, request, content, parts, found["version"] or "latest")
        case "attachment":
            response = attachments.respond(instance, request, content, parts)
        case "import" if parts:
            response = imports.respond(instance, request, content, parts)
        case _:
            raise no_such_address()
    response.headers.update(limits)
    return response


def rated(instance: Instance) -> dict[str, str]:
    """Count a call where a rule limits them; without a rule nothing is said of limits."""
    allowed, now = instance.settings.per_hour, instance.now()
    if allowed is None:
        return {}
    while instance.counted and instance.counted[0] <= now - 3600:
        instance.counted.popleft()
    reset = (instance.counted[0] if instance.counted else now) + 3600
    headers = {"X-RateLimit-Limit": str(allowed), "X-RateLimit-Reset": str(int(reset)), "X-RateLimit-Rule": "Sandbox"}
    if len(instance.counted) >= allowed:
        raise ApiError(
            429,
            "Rate limit exceeded",
            "Request count exceeds the rate limit",
            **{name.replace("-", "_"): value for name, value in headers.items()},
            Retry_After=str(max(1, int(reset - now))),
        )
    instance.counted.append(now)
    return headers


def readable(request: Request, content: bytes) -> Any:
    """Read a body for the list of calls; None where there is nothing readable."""
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(content.decode(errors="replace")))
        return {name: "…" if name in SECRETS else value for name, value in form.items()}
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None
