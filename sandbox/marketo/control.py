"""The control addresses: what a test or the page may see and do besides the service's own API."""

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.marketo.bulk import going_on
from sandbox.marketo.instance import Instance

MOST_SHOWN = 2000


class Wanted(BaseModel):
    """What `PUT /sandbox/settings` may change; what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token_lifetime: Annotated[float, Field(ge=0)] = 3600.0
    calls: Annotated[int, Field(ge=1)] = 100
    seconds: Annotated[float, Field(gt=0)] = 20.0
    at_once: Annotated[int, Field(ge=1)] = 10
    daily: Annotated[int, Field(ge=0)] = 50_000
    latency: Annotated[float, Field(ge=0)] = 0.0
    sync_seconds: Annotated[float, Field(ge=0)] = 0.0
    page: Annotated[int, Field(ge=1, le=300)] = 300
    import_seconds: Annotated[float, Field(ge=0)] = 0.0
    queued: Annotated[int, Field(ge=0)] = 10
    importing: Annotated[int, Field(ge=1)] = 2


class Many(BaseModel):
    """The leads that come into being at `POST /sandbox/leads/many`: one for each address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    emails: Annotated[list[str], Field(max_length=200_000)]


def state(instance: Instance) -> dict[str, Any]:
    """Show the whole instance."""
    going_on(instance)
    return {
        "sequence": instance.changes.sequence,
        "leads": list(instance.leads.values())[-MOST_SHOWN:],
        "leads_total": len(instance.leads),
        "lists": [asdict(each) | {"members": list(each.members)} for each in instance.lists.values()],
        "folders": [asdict(each) for each in instance.folders.values()],
        "campaigns": [asdict(each) for each in instance.campaigns.values()],
        "imports": [asdict(each) for each in instance.imports.values()],
        "tokens_fetched": instance.fetched,
        "limits": instance.limits.as_given(),
    }


def control_routes(instance: Instance) -> list[Route]:
    """Make the control addresses of an instance."""

    async def show_state(request: Request) -> JSONResponse:
        return JSONResponse(state(instance))

    async def show_calls(request: Request) -> JSONResponse:
        return JSONResponse(list(instance.calls))

    async def put_settings(request: Request) -> JSONResponse:
        try:
            wanted = Wanted.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        for name in wanted.model_fields_set:
            setattr(instance.settings, name, getattr(wanted, name))
        return JSONResponse(asdict(instance.settings))

    async def show_settings(request: Request) -> JSONResponse:
        return JSONResponse(asdict(instance.settings))

    async def expire(request: Request) -> JSONResponse:
        """Let every token end now: the next call with one hears 602."""
        for token in instance.tokens:
            instance.tokens[token] = 0.0
        return JSONResponse({"expired": len(instance.tokens)})

    async def revoke(request: Request) -> JSONResponse:
        """Forget every token: the next call with one hears 601."""
        number = len(instance.tokens)
        instance.tokens.clear()
        return JSONResponse({"revoked": number})

    async def gather(request: Request) -> JSONResponse:
        """Let there be very many leads, without a call for each 300 of them."""
        try:
            wanted = Many.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        ids, stamp = [instance.new_id() for _ in wanted.emails], instance.stamp()
        for number, email in zip(ids, wanted.emails, strict=True):
            instance.leads[number] = {"id": number, "email": email, "createdAt": stamp, "updatedAt": stamp}
        instance.changes.happened()
        return JSONResponse({"ids": ids}, status_code=201)

    async def begin_again(request: Request) -> JSONResponse:
        instance.limits.begin_again()
        return JSONResponse(instance.limits.as_given())

    return [
        Route("/sandbox/state", show_state, methods=["GET"]),
        Route("/sandbox/calls", show_calls, methods=["GET"]),
        Route("/sandbox/settings", put_settings, methods=["PUT"]),
        Route("/sandbox/settings", show_settings, methods=["GET"]),
        Route("/sandbox/tokens/expire", expire, methods=["POST"]),
        Route("/sandbox/tokens/revoke", revoke, methods=["POST"]),
        Route("/sandbox/leads/many", gather, methods=["POST"]),
        Route("/sandbox/limits", begin_again, methods=["DELETE"]),
        instance.changes.route(),
        *instance.faults.routes(),
        *instance.read_only.routes(),
    ]
