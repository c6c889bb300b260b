"""Any call of the instance's REST interfaces, for what has no action of its own."""

from typing import Any

from pydantic import Field

from connectors import raw_calls
from connectors.base import Value
from connectors.servicenow.client import Instance
from connectors.servicenow.connector import servicenow


class Call(raw_calls.Call):
    """A call that reads."""

    roots = ("/api/",)
    path: str = raw_calls.path(
        "Begins with /api/, such as /api/now/table/cmdb_ci, without a question mark and what follows it."
    )
    query: dict[str, str | int | bool] = Field(
        default_factory=dict,
        title="Query",
        description="Names and values that go behind the question mark. ServiceNow ignores what it does not know in "
        "sysparm_query, and runs what begins with javascript: there.",
    )


class ChangingCall(raw_calls.Changing, Call):
    """A call that changes something."""


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
    # Without a body the kind of body is asked for all the same.
    headers = {"Content-Type": "application/json"} if method != "GET" else {}
    response = await client.http.request(method, given.path, params=given.sent or None, json=body, headers=headers)
    counted = response.headers.get("x-total-count", "")
    try:
        answer = response.json() if response.content else None
    except ValueError:  # a file
        answer = response.text
    return Answer(status=response.status_code, body=answer, total=int(counted) if counted.isdecimal() else None)
