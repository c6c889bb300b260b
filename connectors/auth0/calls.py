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
    """A call of the Management API."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(
        title="Method", description="GET reads; the others change or destroy."
    )
    path: str = Field(
        max_length=1000, title="Path", description="Begins with /api/v2/, without a question mark and what follows it."
    )
    query: dict[str, str | int | bool] = Field(
        default_factory=dict, title="Query", description="Names and values that go behind the question mark."
    )
    body: Any = Field(default=None, title="Body", description="What is sent, as JSON; empty for nothing.")

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


class Answer(Value):
    """What the Management API answered."""

    status: int = Field(title="Status", description="The HTTP status; always a success.")
    body: Any = Field(title="Body", description="The answer, read as JSON; empty where there was none.")


@auth0.action("Call the Management API", effect="destroys")
async def raw_call(client: Tenant, given: Call) -> Answer:
    """Make any call of Auth0's Management API. What it does is up to the call: it may well destroy."""
    response = await client.http.request(
        given.method,
        given.path,
        params=given.query or None,
        json=given.body,
    )
    return Answer(status=response.status_code, body=response.json() if response.content else None)
