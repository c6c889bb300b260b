"""Calls of any HTTP service."""

from typing import Any, Final, Literal, Self

import httpx
from pydantic import Field, field_validator, model_validator

from connectors.base import Value
from connectors.http.client import LONGEST, Rules, Service, header_name, stays_inside
from connectors.http.connector import http

OURS: Final = frozenset(
    [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "upgrade",
        "te",
        "trailer",
        "authorization",
        "proxy-authorization",
        "cookie",
        "accept-encoding",
        "expect",
    ]
)
"""Headers that a flow does not set: they belong to the connection."""


class Called(Value):
    """What every call has."""

    path: str = Field(
        max_length=2000,
        title="Path",
        description="What follows the connection's address, such as /people/7; without a question mark.",
    )
    query: dict[str, str | int | float | bool] = Field(
        default_factory=dict, title="Query", description="Names and values that go behind the question mark."
    )
    headers: dict[str, str] = Field(
        default_factory=dict, title="Headers", description="More headers, by name. Credentials are the connection's."
    )
    success: list[int] = Field(
        default_factory=list,
        max_length=50,
        title="Success",
        description="Statuses that are a success; empty for 200-299.",
    )
    later: list[int] = Field(
        default_factory=list,
        max_length=50,
        title="Later",
        description="Statuses which say that nothing was done and it is to be tried again, besides 429.",
    )
    seconds: float = Field(
        default=30, gt=0, le=120, title="Seconds", description="How long the whole call may take, with its answer."
    )
    largest: int = Field(
        default=LONGEST, ge=1, le=10_000_000, title="Largest answer", description="Bytes that an answer may have."
    )

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        return stays_inside(path)

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not header_name(name) or name.lower() in OURS:
                raise ValueError(f"{name[:40]!r} cannot be set as a header.")
            if not (value.isascii() and (value.isprintable() or not value)):
                raise ValueError(f"The value of the header {name} has a line break, or other than the usual marks.")
        return headers

    def rules(self, *, safe: bool, follows: bool = False) -> Rules:
        """Return how the call is to be taken."""
        return Rules(
            safe=safe,
            follows=follows,
            success=self.success,
            later=self.later,
            seconds=self.seconds,
            largest=self.largest,
        )

    def asked(self) -> dict[str, str | int | float]:
        """Return the query as it is sent."""
        return {name: str(one).lower() if isinstance(one, bool) else one for name, one in self.query.items()}


class Read(Called):
    """A call that reads."""


class Change(Called):
    """A call that changes something."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = Field(title="Method", description="What to do there.")
    json_body: Any = Field(default=None, title="JSON", description="What is sent, as JSON.")
    form: dict[str, str] | None = Field(default=None, title="Form", description="What is sent, as a form.")
    text: str | None = Field(
        default=None, max_length=1_000_000, title="Text", description="What is sent, as plain text."
    )
    twice: bool | None = Field(
        default=None,
        title="Twice is as once",
        description="Whether it may be sent again when nobody knows whether it arrived. Empty: PUT and DELETE may.",
    )
    key: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        title="Key",
        description="Text that names this call, by which the service recognises a second one: it may be sent again.",
    )
    key_header: str = Field(
        default="Idempotency-Key", title="Header of the key", description="The header in which the service wants it."
    )

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if sum(one is not None for one in (self.json_body, self.form, self.text)) > 1:
            raise ValueError("Give JSON, a form or a text, not several.")
        if not header_name(self.key_header) or self.key_header.lower() in OURS:
            raise ValueError("This is not the name of a header for a key.")
        return self

    @property
    def repeats(self) -> bool:
        """Whether it may be made twice."""
        if self.twice is not None:
            return self.twice
        return self.key is not None or self.method in {"PUT", "DELETE"}


class Answer(Value):
    """What the service answered."""

    status: int = Field(title="Status", description="The HTTP status; always a success.")
    headers: dict[str, str] = Field(title="Headers", description="The headers, their names in small letters.")
    body: Any = Field(
        title="Body", description="The answer: what its JSON says, or else its text; empty if there is none."
    )


@http.action("Read over HTTP", effect="reads", repeatable=True)
async def call_read(client: Service, given: Read) -> Answer:
    """Read what is under a path of the service: GET. Redirects are followed, without credentials to other places."""
    response = await client.call(
        "GET", client.at(given.path), given.rules(safe=True, follows=True), params=given.asked(), headers=given.headers
    )
    return answer(response)


@http.action("Change over HTTP", effect="destroys")
async def call_change(client: Service, given: Change) -> Answer:
    """Make a call that changes something. What it does is up to the call: it may well destroy.

    Where nobody knows whether it arrived, it is tried again only if that does no harm: for PUT and DELETE, with a key,
    or where the flow says so. Redirects are not followed.
    """
    headers = given.headers | ({given.key_header: given.key} if given.key else {})
    body: dict[str, Any] = {}
    if given.json_body is not None:
        body = {"json": given.json_body}
    elif given.form is not None:
        body = {"data": given.form}
    elif given.text is not None:
        body = {"content": given.text.encode()}
        headers = {"Content-Type": "text/plain; charset=utf-8"} | headers
    rules = given.rules(safe=given.repeats)
    response = await client.call(
        given.method, client.at(given.path), rules, params=given.asked(), headers=headers, **body
    )
    return answer(response)


def answer(response: httpx.Response) -> Answer:
    """Return what a service answered. Credentials that it may have put in headers are left out."""
    hidden = {"set-cookie", "authorization", "www-authenticate"}
    headers = {name.lower(): value for name, value in response.headers.items() if name.lower() not in hidden}
    return Answer(status=response.status_code, headers=headers, body=read(response))


def read(response: httpx.Response) -> Any:
    """Return the body of an answer: what its JSON says, or else its text."""
    if not response.content:
        return None
    if "json" in response.headers.get("content-type", "").lower():
        try:
            return response.json()
        except ValueError:
            return response.text
    return response.text
