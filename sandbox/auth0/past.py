"""The past: what the tenant's log says of the days before, for whoever counts them."""

import random
from itertools import islice
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.auth0 import records
from sandbox.auth0.events import Visit
from sandbox.auth0.moments import iso
from sandbox.auth0.places import HOME, PLACES, USUAL_DEVICE
from sandbox.auth0.risk import DEFAULT_REASONS, Confidence, assess
from sandbox.auth0.tenant import Account, Tenant

DAY: Final = 86400.0
KINDS: Final = {"s": 80, "fp": 14, "fu": 3, "limit_wc": 1, "fs": 2}
"""How often each type of record comes."""
RISKS: Final[dict[Confidence, int]] = {"high": 86, "medium": 8, "low": 6}
WORDS: Final = {
    "s": "Successful login",
    "fp": "Wrong email or password.",
    "fu": "Wrong email or password.",
    "limit_wc": "The account is blocked for this address after wrong passwords",
    "fs": "the user already exists",
}
KNOWN: Final = 200
"""People of whom the log tells."""


class Past(BaseModel):
    """How far the past goes back, and how much happened in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: Annotated[int, Field(ge=1, le=30)] = 14
    a_day: Annotated[int, Field(ge=1, le=150)] = 40


def remember(tenant: Tenant, wanted: Past) -> int:
    """Write the records of the days before, always the same ones, before those that are there; gives how many."""
    chance, now = random.Random(1), tenant.now()
    people = list(islice(tenant.accounts.values(), KNOWN))
    moments = sorted(now - chance.uniform(0.01, wanted.days) * DAY for _ in range(wanted.days * wanted.a_day))
    later, tenant.logs[:] = list(tenant.logs), []
    for number, moment in enumerate(moments, start=1):
        record = _written(tenant, chance, chance.choice(people))
        log_id = f"900{int(moment * 1000):016d}{number:011d}"
        record |= {"_id": log_id, "log_id": log_id, "date": iso(moment)}
    tenant.logs += later
    tenant.changes.happened()
    return len(moments)


def _written(tenant: Tenant, chance: random.Random, account: Account) -> dict[str, Any]:
    [kind] = chance.choices(list(KINDS), list(KINDS.values()))
    [confidence] = chance.choices(list(RISKS), list(RISKS.values()))
    place = HOME if confidence == "high" and chance.random() < 0.7 else chance.choice(list(PLACES.values()))
    visit = Visit.of(place, ip=None, user_agent=USUAL_DEVICE, geoip=None, protocol="oidc-basic-profile")
    details: dict[str, Any] = {"error": {"message": WORDS[kind]}}
    if kind == "s":
        why = DEFAULT_REASONS[confidence]
        details = {
            "riskAssessment": assess(confidence, why, ip=visit.ip, first=False, moved=place is not HOME, devices=True)
        }
    known = None if kind in {"fu", "fs"} else account
    return records.write(
        tenant,
        kind,
        WORDS[kind],
        visit=visit,
        account=known,
        connection=account.connection,
        user_name=records.name_of(account) if known else "nobody@example.com",
        details=details,
    )


def past_route(tenant: Tenant) -> Route:
    """Make the address `POST /sandbox/past`."""

    async def endpoint(request: Request) -> JSONResponse:
        try:
            wanted = Past.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse({"records": remember(tenant, wanted)}, status_code=201)

    return Route("/sandbox/past", endpoint, methods=["POST"])
