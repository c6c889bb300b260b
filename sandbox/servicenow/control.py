"""The control addresses: what a test may see and do besides the service's own API."""

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.servicenow.dictionary import TABLES
from sandbox.servicenow.instance import Acl, Instance, Operation


class Rule(BaseModel):
    """Something that our user may not do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    operation: Operation
    field: str | None = None
    record: str | None = None


class Wanted(BaseModel):
    """What `PUT /sandbox/settings` may change; what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token_lifetime: Annotated[int, Field(ge=0)] = 1800
    basic: bool = True
    client_credentials: bool = True
    api_allowed: bool = True
    honours_sys_id: bool = True
    unknown_terms_find_nothing: bool = False
    per_hour: Annotated[int, Field(ge=1)] | None = None
    aborted_by: str | None = None
    acls: list[Rule] = []


def change_settings(instance: Instance, wanted: Wanted) -> None:
    """Change what was named."""
    for name in wanted.model_fields_set - {"acls"}:
        setattr(instance.settings, name, getattr(wanted, name))
    if "acls" in wanted.model_fields_set:
        instance.settings.acls = [Acl(**rule.model_dump()) for rule in wanted.acls]


def state(instance: Instance) -> dict[str, Any]:
    """Show the whole instance."""
    return {
        "sequence": instance.changes.sequence,
        "tables": {name: list(records.values()) for name, records in instance.tables.items()},
        "evaluated": list(instance.evaluated),
    }


def control_routes(instance: Instance) -> list[Route]:
    """Make the control addresses of an instance."""

    async def put_settings(request: Request) -> JSONResponse:
        try:
            change_settings(instance, Wanted.model_validate_json(await request.body()))
        except ValidationError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(asdict(instance.settings))

    async def show_settings(request: Request) -> JSONResponse:
        return JSONResponse(asdict(instance.settings))

    async def expire(request: Request) -> JSONResponse:
        for token in instance.tokens.values():
            token.expires = 0.0
        return JSONResponse({"expired": len(instance.tokens)})

    async def show_state(request: Request) -> JSONResponse:
        return JSONResponse(state(instance))

    async def show_calls(request: Request) -> JSONResponse:
        return JSONResponse(list(instance.calls))

    async def add_record(request: Request) -> JSONResponse:
        table = request.path_params["table"]
        values = await request.json()
        if table not in TABLES or not isinstance(values, dict):
            return JSONResponse({"error": "no such table, or no record"}, status_code=400)
        record = instance.put(table, {name: str(value) for name, value in values.items()})
        return JSONResponse(record, status_code=201)

    return [
        Route("/sandbox/records/{table}", add_record, methods=["POST"]),
        Route("/sandbox/settings", put_settings, methods=["PUT"]),
        Route("/sandbox/settings", show_settings, methods=["GET"]),
        Route("/sandbox/tokens/expire", expire, methods=["POST"]),
        Route("/sandbox/state", show_state, methods=["GET"]),
        Route("/sandbox/calls", show_calls, methods=["GET"]),
        instance.changes.route(),
        *instance.faults.routes(),
        *instance.read_only.routes(),
    ]
