"""Any call of the REST API, for what has no action of its own."""

import re
from typing import Any, Final, Literal
from urllib.parse import unquote

import httpx
from pydantic import Field, field_validator

from connectors.base import Value
from connectors.salesforce.client import Org
from connectors.salesforce.connector import salesforce

PLAIN: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%|/-]+")


class Call(Value):
    """A call of the REST API that reads."""

    path: str = Field(
        max_length=1000,
        title="Path",
        description="Begins with /services/data/ or /services/apexrest/, without a query.",
    )
    query: dict[str, str | int | bool] = Field(
        default_factory=dict, title="Query", description="Names and values that go behind the question mark."
    )

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        """Refuse every path that could lead out of the API, however often it is escaped."""
        plain = path
        for _ in range(5):
            plain = unquote(plain)
        inside = all(each.startswith(("/services/data/", "/services/apexrest/")) for each in (path, plain))
        if not inside or not PLAIN.fullmatch(path):
            raise ValueError("The path must begin with /services/data/ or /services/apexrest/.")
        parts = plain.split("/")
        if {".", ".."} & set(parts) or "" in parts[1:-1] or "\\" in plain or not plain.isprintable():
            raise ValueError("The path must not lead anywhere else.")
        return path


class ChangingCall(Call):
    """A call of the REST API that changes something."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = Field(title="Method", description="What to do there.")
    body: Any = Field(default=None, title="Body", description="What is sent, as JSON; empty for nothing.")


class Answer(Value):
    """What the REST API answered."""

    status: int = Field(title="Status", description="The HTTP status; always a success.")
    body: Any = Field(title="Body", description="The answer, read as JSON; as text where it is none.")


@salesforce.action("Read from the REST API", effect="reads", repeatable=True)
async def call_read(client: Org, given: Call) -> Answer:
    """Make any call of Salesforce's REST API that only reads: GET."""
    return _answer(await client.http.get(given.path, params=_query(given)))


@salesforce.action("Change by the REST API", effect="destroys")
async def call_change(client: Org, given: ChangingCall) -> Answer:
    """Make any call of Salesforce's REST API. What it does is up to the call: it may well destroy."""
    return _answer(await client.http.request(given.method, given.path, params=_query(given), json=given.body))


def _query(given: Call) -> dict[str, str | int] | None:
    query = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.query.items()}
    return query or None


def _answer(response: httpx.Response) -> Answer:
    json = "json" in response.headers.get("content-type", "") and response.content
    return Answer(status=response.status_code, body=response.json() if json else response.text or None)
