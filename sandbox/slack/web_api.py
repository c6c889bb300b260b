"""The Web API's door: one request to /api/<method> is read, checked, carried out and recorded."""

import email
import inspect
from email import policy
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from sandbox.faults import apply
from sandbox.slack.answers import said
from sandbox.slack.api import METHODS
from sandbox.slack.arguments import Arguments, read
from sandbox.slack.methods import Call, allow
from sandbox.slack.refusals import Refusal

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

Json = dict[str, Any]


def route(workspace: "Workspace") -> Route:
    """Make the address /api/<method>."""

    async def answer(request: Request) -> Response:
        name: str = request.path_params["method"]
        record = workspace.calls.begin(name)
        record["fault"] = None if (fault := workspace.faults.take(name)) is None else fault.as_given()

        async def serve() -> Response:
            return await _serve(workspace, name, request, record)

        response = await apply(fault, serve)
        # A fault that answers by itself never reaches the method; what was asked is recorded all the same.
        if record["arguments"] is None:
            await _note_arguments(request, record)
            record["status"] = fault.status if fault else None
        return response

    return Route("/api/{method}", answer, methods=["GET", "POST"])


async def _note_arguments(request: Request, record: Json) -> None:
    try:
        arguments, _ = await read(request)
    except Refusal:
        arguments = Arguments({})
    record["arguments"] = {key: value for key, value in arguments.given.items() if key != "token"}


async def _serve(workspace: "Workspace", name: str, request: Request, record: Json) -> Response:
    headers: dict[str, str] = {}
    warnings: list[str] = []
    status = 200
    try:
        arguments, warnings = await read(request)
        record["arguments"] = {key: value for key, value in arguments.given.items() if key != "token"}
        body = await _carry_out(workspace, name, request, arguments, headers)
    except Refusal as refusal:
        body, status = refusal.body(), refusal.status
        headers |= refusal.headers
    if warnings:
        body["warning"] = ",".join(warnings)
        body["response_metadata"] = {**body.get("response_metadata", {}), "warnings": warnings}
    record |= {"status": status, "ok": body["ok"], "error": body.get("error")}
    if record["arguments"] is None:
        record["arguments"] = {}
    return JSONResponse(body, status_code=status, headers=headers)


async def _carry_out(
    workspace: "Workspace", name: str, request: Request, arguments: Arguments, headers: dict[str, str]
) -> Json:
    wanted = METHODS.get(name)
    if wanted is None:
        raise Refusal("unknown_method", req_method=name)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = arguments.text("token")
    scopes = allow(wanted, token.strip(), workspace)
    headers["X-OAuth-Scopes"] = ",".join(sorted(scopes))
    if wanted.scopes:
        headers["X-Accepted-OAuth-Scopes"] = ",".join(wanted.scopes)
    if wanted.writes:
        refuse_if_read_only(workspace, request)
    wait = workspace.rates.wait(name, wanted.tier, arguments.text("channel"))
    if wait:
        raise Refusal("ratelimited", status=429, headers={"Retry-After": str(wait)})
    call = Call(
        workspace=workspace,
        arguments=arguments,
        address=f"{request.url.scheme}://{request.url.netloc}",
        scopes=scopes,
    )
    result = wanted.body(call)
    body = await result if inspect.isawaitable(result) else result
    return {"ok": True, **body}


def refuse_if_read_only(workspace: "Workspace", request: Request, *, status: int = 200) -> None:
    """Refuse a call that writes while nothing may be written. Raises Refusal."""
    if workspace.read_only.refuses(request.method, request.url.path):
        raise Refusal("restricted_action", status=status)


def other_routes(workspace: "Workspace") -> list[BaseRoute]:
    """Make the addresses that Slack gives out: uploads, responses, Socket Mode connections."""

    async def upload(request: Request) -> Response:
        return await apply(workspace.faults.take("upload"), lambda: take(request))

    async def take(request: Request) -> Response:
        file = workspace.files.keyed(request.path_params["key"])
        if file is None:
            return PlainTextResponse("not found", status_code=404)
        if workspace.read_only.refuses(request.method, request.url.path):
            return PlainTextResponse("restricted_action", status_code=403)
        content = await _uploaded(request)
        if len(content) != file.length:
            return PlainTextResponse("length mismatch", status_code=400)
        file.content = content
        return PlainTextResponse(f"OK - {len(content)}")

    async def download(request: Request) -> Response:
        file = workspace.files.keyed(request.path_params["key"])
        if file is None or file.content is None:
            return PlainTextResponse("not found", status_code=404)
        return Response(file.content, media_type=file.mimetype)

    async def respond(request: Request) -> Response:
        record = workspace.calls.begin("response_url")
        fault = workspace.faults.take("response_url")
        record["fault"] = None if fault is None else fault.as_given()

        async def serve() -> Response:
            try:
                arguments, _ = await read(request)
                record["arguments"] = arguments.given
                refuse_if_read_only(workspace, request, status=403)
                said(workspace, workspace.response_urls.use(request.path_params["key"]), arguments.given)
            except Refusal as refusal:
                record.update(status=refusal.status, ok=False, error=refusal.error)
                return JSONResponse(refusal.body(), status_code=refusal.status)
            record.update(status=200, ok=True)
            return PlainTextResponse("ok")

        return await apply(fault, serve)

    return [
        Route("/upload/v1/{key}", upload, methods=["POST"]),
        Route("/files/{id}/{key}", download, methods=["GET"]),
        Route("/commands/{key}", respond, methods=["POST"]),
        WebSocketRoute("/link/", workspace.sockets.accept),
    ]


async def _uploaded(request: Request) -> bytes:
    """Read the bytes of an upload: the body itself, or the one file of a form."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body()
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parsed = email.message_from_bytes(head + await request.body(), policy=policy.HTTP)
    for part in parsed.iter_parts() if parsed.is_multipart() else ():
        if part.get_filename() is not None:
            return bytes(part.get_payload(decode=True) or b"")
    return b""
