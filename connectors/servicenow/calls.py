"""Any call of the instance's REST interfaces, for what has no action of its own."""

import re
from typing import Any, Final, Literal
from urllib.parse import unquote

from pydantic import Field, field_validator

from connectors.base import Value
from connectors.servicenow.client import Instance
from connectors.servicenow.connector import servicenow

ROOT: Final = "/api/"
PLAIN: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]+")


class Call(Value):
    """A call that reads."""

    path: str = Field(
        max_length=1000,
        title="Path",
        description="Begins with /api/, such as /api/now/table/cmdb_ci, without a question mark and what follows it.",
    )
    query: dict[str, str | int | bool] = Field(
        default_factory=dict,
        title="Query",
        description="Names and values that go behind the question mark. ServiceNow ignores what it does not know in "
        "sysparm_query, and runs what begins with javascript: there.",
    )

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        """Refuse every path that could lead out of the REST interfaces, however often it is escaped."""
        plain = path
        for _ in range(5):
            plain = unquote(plain)
        if not plain.startswith(ROOT) or not path.startswith(ROOT) or not PLAIN.fullmatch(path):
            raise ValueError("The path must begin with /api/ and hold only letters, digits and the usual marks.")
        parts = plain.split("/")
        if {".", ".."} & set(parts) or "" in parts[1:-1] or "\\" in plain or "%" in plain or not plain.isprintable():
            raise ValueError("The path must not lead anywhere else.")
        return path


class ChangingCall(Call):
    """A call that changes something."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = Field(title="Method", description="What to do there.")
    body: Any = Field(default=None, title="Body", description="What is sent, as JSON; empty for nothing.")


class Answer(Value):
    """What ServiceNow answered."""

    status: int = Field(title="Status", description="The HTTP status; always a success.")
    body: Any = Field(title="Body", description="The answer, read as JSON; empty where there was none.")
    total: int | None = Field(title="Total", description="How many records fit, where ServiceNow says so.")


@servicenow.action("Read from ServiceNow", effect="reads", repeatable=True)
async def call_read(client: Instance, given: Call) -> Answer:
    """Make any call of ServiceNow's REST interfaces that only reads: GET."""
    return await _made(client, "GET", given)


@servicenow.action("Change in ServiceNow", effect="destroys")
async def call_change(client: Instance, given: ChangingCall) -> Answer:
    """Make any call of ServiceNow's REST interfaces. What it does is up to the call: it may well destroy."""
    return await _made(client, given.method, given, body=given.body)


async def _made(client: Instance, method: str, given: Call, *, body: Any = None) -> Answer:
    query = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.query.items()}
    # Without a body the kind of body is asked for all the same.
    headers = {"Content-Type": "application/json"} if method != "GET" else {}
    response = await client.http.request(method, given.path, params=query or None, json=body, headers=headers)
    counted = response.headers.get("x-total-count", "")
    try:
        answer = response.json() if response.content else None
    except ValueError:  # a file
        answer = response.text
    return Answer(status=response.status_code, body=answer, total=int(counted) if counted.isdecimal() else None)
