"""Any call of Marketo's REST API, for what has no action of its own."""

from typing import Any, Literal

from pydantic import Field

from connectors import raw_calls
from connectors.base import Value
from connectors.marketo.client import Instance
from connectors.marketo.connector import marketo


class Call(raw_calls.Call):
    """A call of the REST API that reads."""

    roots = ("/rest/v1/", "/rest/asset/v1/", "/bulk/v1/")
    path: str = raw_calls.path(
        "Begins with /rest/v1/, /rest/asset/v1/ or /bulk/v1/, without a question mark and what follows it."
    )


class ChangingCall(raw_calls.Changing, Call):
    """A call of the REST API that changes something."""

    method: Literal["POST", "DELETE"] = Field(title="Method", description="What to do there.")
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
    return {name: value for name, value in given.sent.items() if name != "_method"}
