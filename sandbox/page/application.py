"""The page's web application: one page, what a person does on it, and the wait for the next change."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, get_args
from urllib.parse import quote, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox.page import templating
from sandbox.page.borders import Borders
from sandbox.page.controls import Controls, Side, Told, UnreachableError
from sandbox.page.corner import corner
from sandbox.page.deeds import DEEDS, Order, Upset
from sandbox.page.moments import Moments
from sandbox.page.names import Names
from sandbox.page.outcomes import Outcomes
from sandbox.page.scene import scene
from sandbox.page.tabs import mail, tabs
from sandbox.page.trouble import SERVICES, Troubles

LARGEST_DEED = 200_000
"""Bytes; a view with every field filled to the brim is smaller."""


NO_MORE: Mapping[Side, str] = {}


def create(slack: str, auth0: str, *, more: Mapping[Side, str] = NO_MORE) -> Starlette:
    """Make the page for a workspace, a tenant and the services beside them, which are given by their addresses."""
    addresses: dict[Side, str] = {"slack": slack, "auth0": auth0, **more}

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        async with Controls.open(addresses) as controls:
            yield {"controls": controls, "outcomes": Outcomes(), "troubles": Troubles()}

    async def show(request: Request) -> Response:
        return await _show(request, addresses)

    return Starlette(
        routes=[
            Route("/", show, methods=["GET"]),
            Route("/changes", _changes, methods=["GET"]),
            Route("/mails/{number:int}", _mail, methods=["GET"]),
            Route("/mails/{number:int}/attachments/{at:int}", _attachment, methods=["GET"]),
            Route("/troubles", _trouble, methods=["POST"]),
            *(Route(path, _do, methods=["POST"]) for path in DEEDS),
            Mount("/static", StaticFiles(directory=templating.FOLDER / "static")),
        ],
        middleware=[Middleware(Borders)],
        lifespan=lifespan,
    )


async def _show(request: Request, addresses: Mapping[Side, str]) -> Response:
    controls: Controls = request.state.controls
    states = await controls.states()
    moments = Moments(zone=_zone(request), now=templating.now())
    asked = request.query_params
    you, channel = asked.get("you", ""), asked.get("channel", "")
    workspace = states["slack"]
    seen = workspace and scene(workspace, moments, you=you, channel=channel, at_home="home" in asked)
    if not workspace or not seen:
        return HTMLResponse(templating.absent(), status_code=503)
    tenant = corner(states["auth0"], urlsplit(addresses["auth0"]).netloc, request.state.outcomes)
    around = templating.Around(
        tenant=tenant,
        tabs=tabs(states),
        addresses=addresses,
        sequences={side: int((state or {}).get("sequence") or 0) for side, state in states.items()},
        troubles=request.state.troubles.made,
    )
    return HTMLResponse(templating.page(seen, around, Names.of(workspace), moments))


async def _mail(request: Request) -> Response:
    controls: Controls = request.state.controls
    found = mail.document(await controls.state("mail"), request.path_params["number"])
    if found is None:
        return Response(status_code=404)
    return HTMLResponse(found, headers={"content-security-policy": mail.POLICY})


async def _attachment(request: Request) -> Response:
    controls: Controls = request.state.controls
    path = request.path_params
    found = mail.attachment(await controls.state("mail"), path["number"], path["at"])
    if found is None:
        return Response(status_code=404)
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(found[0], safe='')}"}
    return Response(found[1], media_type="application/octet-stream", headers=headers)


async def _trouble(request: Request) -> Response:
    """Make a service misbehave, or put it right."""
    controls: Controls = request.state.controls
    troubles: Troubles = request.state.troubles
    try:
        wanted = Upset.model_validate_json(await request.body())
    except ValidationError as error:
        return _senseless(error)
    service = SERVICES[wanted.service]
    if wanted.kind is not None and wanted.kind not in service.troubles:
        return JSONResponse({"error": "there is no such trouble"}, status_code=400)
    wishes = service.right if wanted.kind is None else (service.troubles[wanted.kind].wish,)
    try:
        for wish in wishes:
            told = await controls.do(wanted.service, wish.path, dict(wish.body or {}), wish.method)
            if told.status >= 300:
                return JSONResponse(told.body, status_code=told.status)
    except UnreachableError as error:
        return JSONResponse({"error": str(error)}, status_code=502)
    if wanted.kind is None:
        troubles.forget(wanted.service)
    else:
        troubles.note(wanted.service, wanted.kind)
    return JSONResponse({})


async def _changes(request: Request) -> Response:
    controls: Controls = request.state.controls
    sides: tuple[Side, ...] = get_args(Side)
    try:
        after = {side: int(request.query_params.get(side, "0")) for side in sides}
    except ValueError:
        return JSONResponse({"error": "what was seen of each service is a number"}, status_code=400)
    try:
        return JSONResponse(await controls.changes(after))
    except UnreachableError as error:
        return JSONResponse({"error": str(error)}, status_code=502)


async def _do(request: Request) -> Response:
    controls: Controls = request.state.controls
    body = await request.body()
    if len(body) > LARGEST_DEED:
        return JSONResponse({"error": "too much"}, status_code=413)
    try:
        deed = DEEDS[request.url.path].model_validate_json(body)
    except ValidationError as error:
        return _senseless(error)
    try:
        told = await _done(controls, deed.order(), request.state.outcomes)
        more = deed.afterwards(told.body) if told.status < 300 else None
        told = await _done(controls, more, request.state.outcomes) if more else told
    except UnreachableError as error:
        return JSONResponse({"error": str(error)}, status_code=502)
    return JSONResponse(told.body, status_code=200 if told.status < 300 else told.status)


async def _done(controls: Controls, order: Order, outcomes: Outcomes) -> Told:
    """Have something done, and remember what came of a login."""
    side, path, body = order
    told = await controls.do(side, path, body)
    if path == "/sandbox/logins" and told.status < 300:
        tenant = await controls.state("auth0") or {}
        outcomes.note(tenant.get("logins") or [], body, told.body)
    return told


def _senseless(error: ValidationError) -> Response:
    return JSONResponse({"error": error.errors(include_url=False, include_input=False)[0]["msg"]}, status_code=400)


def _zone(request: Request) -> ZoneInfo:
    """Read the browser's time zone, which the script leaves in a cookie."""
    try:
        return ZoneInfo(unquote(request.cookies.get("zone", "UTC")))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
