"""The page's web application: one page, what a person does on it, and the wait for the next change."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit
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
from sandbox.page.controls import Controls, UnreachableError
from sandbox.page.corner import corner
from sandbox.page.deeds import DEEDS
from sandbox.page.moments import Moments
from sandbox.page.names import Names
from sandbox.page.outcomes import Outcomes
from sandbox.page.scene import scene

LARGEST_DEED = 200_000
"""Bytes; a view with every field filled to the brim is smaller."""


def create(slack: str, auth0: str) -> Starlette:
    """Make the page for a workspace and a tenant, which are given by their addresses."""
    domain = urlsplit(auth0).netloc

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        async with Controls.open(slack, auth0) as controls:
            yield {"controls": controls, "outcomes": Outcomes()}

    async def show(request: Request) -> Response:
        return await _show(request, domain)

    return Starlette(
        routes=[
            Route("/", show, methods=["GET"]),
            Route("/changes", _changes, methods=["GET"]),
            *(Route(path, _do, methods=["POST"]) for path in DEEDS),
            Mount("/static", StaticFiles(directory=templating.FOLDER / "static")),
        ],
        middleware=[Middleware(Borders)],
        lifespan=lifespan,
    )


async def _show(request: Request, domain: str) -> Response:
    controls: Controls = request.state.controls
    workspace, tenant = await asyncio.gather(controls.state("slack"), controls.state("auth0"))
    moments = Moments(zone=_zone(request), now=templating.now())
    asked = request.query_params
    you, channel = asked.get("you", ""), asked.get("channel", "")
    seen = workspace and scene(workspace, moments, you=you, channel=channel, at_home="home" in asked)
    if not workspace or not seen:
        return HTMLResponse(templating.absent(), status_code=503)
    return HTMLResponse(
        templating.page(seen, corner(tenant, domain, request.state.outcomes), Names.of(workspace), moments)
    )


async def _changes(request: Request) -> Response:
    controls: Controls = request.state.controls
    try:
        slack, auth0 = (int(request.query_params.get(side, "0")) for side in ("slack", "auth0"))
    except ValueError:
        return JSONResponse({"error": "slack and auth0 are numbers"}, status_code=400)
    try:
        return JSONResponse(await controls.changes({"slack": slack, "auth0": auth0}))
    except UnreachableError as error:
        return JSONResponse({"error": str(error)}, status_code=502)


async def _do(request: Request) -> Response:
    controls: Controls = request.state.controls
    body = await request.body()
    if len(body) > LARGEST_DEED:
        return JSONResponse({"error": "too much"}, status_code=413)
    try:
        side, path, order = DEEDS[request.url.path].model_validate_json(body).order()
    except ValidationError as error:
        return JSONResponse({"error": error.errors(include_url=False, include_input=False)[0]["msg"]}, status_code=400)
    try:
        told = await controls.do(side, path, order)
        if path == "/sandbox/logins" and told.status < 300:
            tenant = await controls.state("auth0") or {}
            request.state.outcomes.note(tenant.get("logins") or [], order, told.body)
    except UnreachableError as error:
        return JSONResponse({"error": str(error)}, status_code=502)
    return JSONResponse(told.body, status_code=200 if told.status < 300 else told.status)


def _zone(request: Request) -> ZoneInfo:
    """Read the browser's time zone, which the script leaves in a cookie."""
    try:
        return ZoneInfo(unquote(request.cookies.get("zone", "UTC")))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
