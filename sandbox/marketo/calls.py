"""One request as the instance reads it: its query, and its body as JSON, as a form, or in parts."""

import json
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from sandbox.marketo.answers import Refusal

MB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request."""

    method: str
    path: str
    ids: dict[str, str]
    query: list[tuple[str, str]]
    """What stands behind the question mark; and what a form says, where a long one is sent as a body."""
    content: bytes
    kind: str

    def one(self, name: str) -> str | None:
        """Give the last value of a name."""
        return next((value for key, value in reversed(self.query) if key == name), None)

    def every(self, name: str) -> list[str]:
        """Give all values of a name, whether repeated or separated by commas."""
        return [part.strip() for key, value in self.query if key == name for part in value.split(",") if part.strip()]

    def number(self, name: str, default: int, *, most: int) -> int:
        """Give a number of the query."""
        text = self.one(name)
        if text is None:
            return default
        if not text.isdecimal():
            raise Refusal(1001, f"Invalid value '{text}'. Required of type 'Integer'")
        return min(int(text), most)

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object."""
        if not self.kind.startswith("application/json"):
            raise Refusal(612, "Invalid Content Type")
        try:
            value = json.loads(self.content)
        except (ValueError, RecursionError):
            raise Refusal(609, "Invalid JSON") from None
        if not isinstance(value, dict):
            raise Refusal(609, "Invalid JSON")
        return value

    def records(self, most: int = 300) -> list[dict[str, Any]]:
        """Read the list named input."""
        given = self.json().get("input")
        if not isinstance(given, list) or not given or not all(isinstance(each, dict) for each in given):
            raise Refusal(1002, "Missing value for required parameter 'input'")
        if len(given) > most:
            raise Refusal(1003, f"Input has more than {most} records")
        return given

    def lead_ids(self) -> list[int]:
        """Read ids from the query or the body, at most 300."""
        named: list[Any] = self.every("id") or [each.get("id") for each in self.records()]
        if len(named) > 300:
            raise Refusal(1003, "Input has more than 300 records")
        try:
            return [int(each) for each in named]
        except (TypeError, ValueError):
            raise Refusal(1001, "Invalid value for id. Required of type 'Integer'") from None

    def file(self) -> bytes:
        """Read the part named file of a body in parts."""
        head = f"Content-Type: {self.kind}\r\nMIME-Version: 1.0\r\n\r\n".encode()
        message = message_from_bytes(head + self.content, policy=policy.HTTP)
        for part in message.iter_parts() if message.is_multipart() else []:
            if part.get_param("name", header="content-disposition") == "file":
                content = part.get_payload(decode=True)
                return content if isinstance(content, bytes) else b""
        raise Refusal(1002, "Missing value for required parameter 'file'")


async def read(request: Request) -> Call:
    """Read a request. One that is a POST and says `_method=GET` is a GET whose query is its form."""
    content = await request.body()
    kind = request.headers.get("content-type", "")
    query = [(name, value) for name, value in request.query_params.multi_items()]
    form = kind.startswith("application/x-www-form-urlencoded")
    if form:
        query += parse_qsl(content.decode(errors="replace"), keep_blank_values=True)
    method = request.method
    if method == "POST" and ("_method", "GET") in query:
        method = "GET"
        query = [pair for pair in query if pair[0] != "_method"]
    return Call(method=method, path=request.url.path, ids={}, query=query, content=content, kind=kind)
