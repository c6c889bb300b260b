"""Any call of Marketo's REST API, for what has no action of its own."""

import re
from typing import Any, Final, Literal
from urllib.parse import unquote

from pydantic import Field, field_validator

from connectors.base import Value
from connectors.marketo.client import Instance
from connectors.marketo.connector import marketo

ROOTS: Final = ("/rest/v1/", "/rest/asset/v1/", "/bulk/v1/")
PLAIN = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%|/-]+")


class Call(Value):
    """A call of the REST API that reads."""

    path: str = Field(
        max_length=1000,
        title="Path",
        description="Begins with /rest/v1/, /rest/asset/v1/ or /bulk/v1/, without a question mark and what follows it.",
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
        parts = plain.split("/")
        if not path.startswith(ROOTS) or not plain.startswith(ROOTS) or not PLAIN.fullmatch(path):
            raise ValueError(
                "The path must begin with /rest/v1/, /rest/asset/v1/ or /bulk/v1/, and hold only the usual marks."
            )
        if {".", ".."} & set(parts) or "" in parts[1:] or "\\" in plain or not plain.isprintable():
            raise ValueError("The path must not lead anywhere else.")
        return path


class ChangingCall(Call):
    """A call of the REST API that changes something."""

    method: Literal["POST", "DELETE"] = Field(title="Method", description="What to do there.")
    body: Any = Field(default=None, title="Body", description="What is sent, as JSON; empty for nothing.")
    form: dict[str, str] = Field(
        default_factory=dict, title="Form", description="What is sent as a form instead, as assets want it."
    )


class Answered(Value):
    """What Marketo answered."""

    result: list[dict[str, Any]] = Field(title="Result", description="What it found or did; empty where nothing.")
    next_page: str | None = Field(
        default=None, title="Next page", description="What to ask for as nextPageToken, where there is more."
    )


@marketo.action("Read from Marketo's API", effect="reads", repeatable=True)
async def call_read(client: Instance, given: Call) -> Answered:
    """Make any call of Marketo's REST API that only reads: GET."""
    answer = await client.read(given.path, _query(given))
    return Answered(result=answer.result, next_page=answer.nextPageToken)


@marketo.action("Change by Marketo's API", effect="destroys")
async def call_change(client: Instance, given: ChangingCall) -> Answered:
    """Make any call of Marketo's REST API. What it does is up to the call: it may well destroy."""
    path = str(client.http.build_request("GET", given.path, params=_query(given)).url.raw_path, "ascii")
    if given.form:
        answer = await client.submit(path, given.form)
    else:
        answer = await client.change(path, given.body, method=given.method, timeout=client.sync_timeout)
    return Answered(result=answer.result, next_page=answer.nextPageToken)


def _query(given: Call) -> dict[str, Any]:
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in given.query.items()
        if name != "_method"
    }
