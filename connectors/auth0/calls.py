"""Any call of the Management API, for what has no action of its own."""

import re
from typing import Any, Literal
from urllib.parse import unquote

from pydantic import Field, field_validator

from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.base import Value

ROOT = "/api/v2/"
PLAIN = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%|/-]+")


class Call(Value):
    """A call of the Management API that reads."""

    path: str = Field(
        max_length=1000, title="Path", description="Begins with /api/v2/, without a question mark and what follows it."
    )
    query: dict[str, str | int | bool] = Field(
        default_factory=dict, title="Query", description="Names and values that go behind the question mark."
    )

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        """Refuse every path that could lead out of the Management API, however often it is escaped."""
        plain = path
        for _ in range(5):
            plain = unquote(plain)
        parts = plain.split("/")
        if not path.startswith(ROOT) or not plain.startswith(ROOT) or not PLAIN.fullmatch(path):
            raise ValueError("The path must begin with /api/v2/ and hold only letters, digits and the usual marks.")
        if {".", ".."} & set(parts) or "" in parts[1:-1] or "\\" in plain or not plain.isprintable():
            raise ValueError("The path must not lead anywhere else.")
        return path


class ChangingCall(Call):
    """A call of the Management API that changes something."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = Field(title="Method", description="What to do there.")
    body: Any = Field(default=None, title="Body", description="What is sent, as JSON; empty for nothing.")


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
    query = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.query.items()}
    response = await client.http.request(method, given.path, params=query or None, json=body)
    return Answer(status=response.status_code, body=response.json() if response.content else None)
