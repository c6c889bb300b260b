"""The tenant's web application: one way in for every request of the service, and the control addresses beside it."""

import contextlib
import inspect
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as WebRoute

from sandbox.auth0 import (
    actions,
    bindings,
    directory,
    event_streams,
    factors,
    identities,
    imports,
    jobs,
    log_streams,
    logs,
    organizations,
    protection,
    roles,
    sessions,
    tickets,
    tokens,
    users,
    witness,
)
from sandbox.auth0.authorizing import Authorizing
from sandbox.auth0.browsers import browser_routes
from sandbox.auth0.continuing import continue_route
from sandbox.auth0.control import control_routes
from sandbox.auth0.deliveries import Sender
from sandbox.auth0.errors import ApiError, ServiceError
from sandbox.auth0.mails import mail_routes
from sandbox.auth0.paces import TooFastError, bucket_of, pace_routes
from sandbox.auth0.plans import refuse_plan
from sandbox.auth0.protection import block_routes
from sandbox.auth0.routing import Call, Route, find, split, strict_json, typed_query
from sandbox.auth0.tenant import Tenant

METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
LONGEST_ADDRESS = 8192
SECRET_ARGUMENTS = {
    "client_secret",
    "password",
    "access_token",
    "refresh_token",
    "token",
    "totp_secret",
    "code_verifier",
    "id_token",
    "httpAuthorization",
}
LARGEST_ANSWER = 20_000
"""Bytes of an answer that the list of calls keeps; a longer one is not kept at all."""

ALL_ANSWERS = 20_000_000
"""Bytes of all answers that the list of calls keeps; the oldest ones go first."""

ROUTES: list[Route] = [
    *tokens.routes.listed,
    *users.routes.listed,
    *sessions.routes.listed,
    *actions.routes.listed,
    *bindings.routes.listed,
    *logs.routes.listed,
    *identities.routes.listed,
    *roles.routes.listed,
    *imports.routes.listed,
    *organizations.routes.listed,
    *factors.routes.listed,
    *tickets.routes.listed,
    *protection.routes.listed,
    *directory.routes.listed,
    *log_streams.routes.listed,
    *event_streams.routes.listed,
    *jobs.routes.listed,
    *jobs.downloads.listed,
]


def application(tenant: Tenant) -> Starlette:
    """Make the web application of a tenant."""

    async def serve(request: Request) -> Response:
        return await receive(tenant, request)

    sender = Sender(tenant)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with sender.running():
            yield

    control = [
        *control_routes(tenant),
        *mail_routes(tenant),
        *block_routes(tenant),
        *pace_routes(tenant),
        sender.route(),
    ]
    routes = [
        *control,
        continue_route(tenant),
        *Authorizing(tenant).routes(),
        *browser_routes(tenant),
        WebRoute("/{path:path}", serve, methods=METHODS),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def receive(tenant: Tenant, request: Request) -> Response:
    """Answer one request, or meet it with the fault that waits for it; note it either way."""
    content = await request.body()
    path = "/".join(("", *split(raw_path(request))))
    name = f"{request.method} {path}"
    fault_response, fault = await tenant.faults.around(name, lambda: answer_to(tenant, request, content))
    tenant.called += 1
    status = getattr(fault_response, "status_code", None) if not (fault and fault.drop) else None
    call = {
        "n": tenant.called,
        "at": tenant.now(),
        "verb": request.method,
        "path": path,
        "raw": raw_path(request),
        "query": dict(request.query_params),
        "body": without_secrets(readable(request, content)),
        "status": status,
        "error": error_of(fault_response),
        "fault": fault.as_given() if fault else None,
        "answer": None,
        "answer_bytes": 0,
    }
    keep_answer(tenant, call, fault_response)
    tenant.calls.append(call)
    return fault_response


def keep_answer(tenant: Tenant, call: dict[str, Any], response: Response) -> None:
    """Keep an answer in JSON with its call, unless it is too long; forget the oldest where they are too many."""
    content = bytes(getattr(response, "body", b""))
    call["answer_bytes"] = len(content)
    if not isinstance(response, JSONResponse) or len(content) > LARGEST_ANSWER:
        return
    call["answer"] = without_secrets(json.loads(content))
    tenant.answered.append(call)
    tenant.answered_bytes += len(content)
    while tenant.answered_bytes > ALL_ANSWERS or len(tenant.answered) > len(tenant.calls) + 1:
        oldest = tenant.answered.popleft()
        oldest["answer"] = None
        tenant.answered_bytes -= oldest["answer_bytes"]


def raw_path(request: Request) -> str:
    """Give the path as it came, before anybody has decoded it."""
    raw: bytes = request.scope["raw_path"]
    return raw.partition(b"?")[0].decode("ascii", errors="replace")


async def answer_to(tenant: Tenant, request: Request, content: bytes) -> Response:
    """Answer one request in the words of the service."""
    oauth = request.url.path.startswith("/oauth/")
    try:
        return await served(tenant, request, content)
    except ServiceError as refusal:
        response = JSONResponse(refusal.body(), status_code=refusal.status)
        if refusal.status == 429 and not oauth:
            witness.limited(tenant, request.method, request.url.path, request.headers.get("user-agent", ""))
            bucket = refusal.bucket if isinstance(refusal, TooFastError) else tenant.bucket
            response.headers.update(bucket.headers(tenant.now()))
        return response


async def served(tenant: Tenant, request: Request, content: bytes) -> Response:
    """Find the endpoint, check token, pace and scopes in the service's order, and call it."""
    path = raw_path(request)
    if len(path) + len(request.scope["query_string"]) > LONGEST_ADDRESS:
        raise ApiError(414, "Request-URI Too Large")
    route, ids = find(ROUTES, request.method, split(path))
    call = Call(
        method=request.method,
        path=path,
        address=str(request.base_url).rstrip("/"),
        ids=ids,
        query={},
        headers=request.headers,
        content=content,
    )
    if route.parts[0] in {"oauth", "downloads"}:
        return await called(route, tenant, call)
    scopes = tokens.scopes_of(tenant, call)
    bucket = bucket_of(tenant, route)
    if tenant.settings.limited and not bucket.take(tenant.now()):
        raise TooFastError(bucket)
    route.refuse_scopes(scopes)
    if route.plan:
        refuse_plan(tenant, *route.plan)
    if route.method != "GET" and tenant.read_only.refuses(route.method, path):
        raise ApiError(403, "The tenant is read-only", "operation_not_supported")
    query = typed_query(request.query_params.multi_items(), route)
    call = replace(call, query=query, scopes=scopes)
    remembered = witness.before(tenant, route, call)
    response = await called(route, tenant, call)
    witness.after(tenant, route, call, remembered, response)
    if tenant.settings.limited:
        response.headers.update(bucket.headers(tenant.now()))
    return response


async def called(route: Route, tenant: Tenant, call: Call) -> Response:
    """Call an endpoint, whether it waits for something or not."""
    result = route.endpoint(tenant, call)
    if inspect.isawaitable(result):
        return await result
    return result


def readable(request: Request, content: bytes) -> Any:
    """Read a body for the list of calls; None where there is nothing readable."""
    if not content:
        return None
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(content.decode(errors="replace")))
    try:
        return strict_json(content)
    except ValueError:
        return None


def without_secrets(value: Any) -> Any:
    """Blacken what the list of calls must not tell."""
    match value:
        case {"name": str(), "value": str()}:  # a secret of an Action
            return {**value, "value": "…"}
        case dict():
            return {name: "…" if name in SECRET_ARGUMENTS else without_secrets(one) for name, one in value.items()}
        case list():
            return [without_secrets(one) for one in value]
        case _:
            return value


def error_of(response: Response) -> str | None:
    """Name the error of an answer, for the list of calls."""
    status = getattr(response, "status_code", 0)
    if not isinstance(response, JSONResponse) or status < 400:
        return None
    body = json.loads(bytes(response.body))
    if not isinstance(body, dict):
        return None
    return str(body.get("errorCode") or body.get("error") or status)
