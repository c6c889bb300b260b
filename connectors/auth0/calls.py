"""Any call of the Management API, for what has no action of its own."""

from typing import Any

from pydantic import Field

from connectors import raw_calls
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.base import Value


class Call(raw_calls.Call):
    """A call of the Management API that reads."""

    roots = ("/api/v2/",)
    path: str = raw_calls.path("Begins with /api/v2/, without a question mark and what follows it.")


class ChangingCall(raw_calls.Changing, Call):
    """A call of the Management API that changes something."""


class Answer(Value):
    """What the Management API answered."""

    status: int = Field(title="Status", description="The HTTP status; always a success.")
    body: Any = Field(title="Body", description="The answer, read as JSON; empty where there was none.")


@auth0.action("Read from the Management API", effect="reads", repeatable=True)
async def call_read(client: Tenant, given: Call) -> Answer:
    """Make any call of Auth0's Management API that only reads: GET."""
    return await _made(client, "GET", given)


@auth0.action("Change by the Management API", effect="destroys")
async def call_change(client: Tenant, given: ChangingCall) -> Answer:
    """Make any call of Auth0's Management API. What it does is up to the call: it may well destroy."""
    return await _made(client, given.method, given, body=given.body)


async def _made(client: Tenant, method: str, given: Call, *, body: Any = None) -> Answer:
    response = await client.http.request(method, given.path, params=given.sent or None, json=body)
    return Answer(status=response.status_code, body=response.json() if response.content else None)
