"""Any call of the REST API, for what has no action of its own."""

from typing import Any

import httpx
from pydantic import Field

from connectors import raw_calls
from connectors.base import Value
from connectors.salesforce.client import Org
from connectors.salesforce.connector import salesforce


class Call(raw_calls.Call):
    """A call of the REST API that reads."""

    roots = ("/services/data/", "/services/apexrest/")
    path: str = raw_calls.path("Begins with /services/data/ or /services/apexrest/, without a query.")


class ChangingCall(raw_calls.Changing, Call):
    """A call of the REST API that changes something."""


class Answer(Value):
    """What the REST API answered."""

    status: int = Field(title="Status", description="The HTTP status; always a success.")
    body: Any = Field(title="Body", description="The answer, read as JSON; as text where it is none.")


@salesforce.action("Read from the REST API", effect="reads", repeatable=True)
async def call_read(client: Org, given: Call) -> Answer:
    """Make any call of Salesforce's REST API that only reads: GET."""
    return _answer(await client.http.get(given.path, params=given.sent or None))


@salesforce.action("Change by the REST API", effect="destroys")
async def call_change(client: Org, given: ChangingCall) -> Answer:
    """Make any call of Salesforce's REST API. What it does is up to the call: it may well destroy."""
    return _answer(await client.http.request(given.method, given.path, params=given.sent or None, json=given.body))


def _answer(response: httpx.Response) -> Answer:
    json = "json" in response.headers.get("content-type", "") and response.content
    return Answer(status=response.status_code, body=response.json() if json else response.text or None)
