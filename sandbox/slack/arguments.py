"""What a call was given: query string, form and JSON body together, as one set of named arguments."""

import json
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from sandbox.slack.refusals import Refusal

_FALSE = {"", "0", "false", "no", "none", "null"}


class Arguments:
    """The arguments of one call. In a form everything is text, in JSON it has a type; both are read alike."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = dict(given)

    def text(self, name: str, default: str = "") -> str:
        """Read text; what is missing or null is the default."""
        value = self.given.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, float)):
            return str(value)
        if not isinstance(value, str):
            raise invalid(f"must provide a string [json-pointer:/{name}]")
        return value

    def required(self, name: str) -> str:
        """Read text that must be there. Raises Refusal."""
        value = self.text(name)
        if not value:
            raise invalid(f"missing required field: {name}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Read a yes or no."""
        value = self.given.get(name)
        if value is None:
            return default
        return str(value).lower() not in _FALSE

    def number(self, name: str, default: int, *, least: int, most: int) -> int:
        """Read a whole number. Raises Refusal when it is none or out of bounds."""
        given = self.text(name)
        if not given:
            return default
        try:
            value = int(given)
        except ValueError:
            raise invalid(f"must be a valid integer [json-pointer:/{name}]") from None
        if not least <= value <= most:
            raise Refusal("invalid_limit" if name == "limit" else "invalid_arguments")
        return value

    def names(self, name: str) -> list[str]:
        """Read a comma-separated list, or a list."""
        value = self.given.get(name)
        if isinstance(value, list):
            return [str(each) for each in value]
        text = self.text(name)
        if text.startswith("["):
            decoded = self.json(name)
            return [str(each) for each in decoded] if isinstance(decoded, list) else []
        return [each.strip() for each in text.split(",") if each.strip()]

    def json(self, name: str, *, error: str = "invalid_arguments") -> Any:
        """Read JSON, which in a form is text. None when it is missing. Raises Refusal."""
        value = self.given.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise Refusal(error) from None

    def has(self, name: str) -> bool:
        """Tell whether the argument was given at all."""
        return self.given.get(name) is not None


def invalid(*messages: str) -> Refusal:
    """Make the refusal of arguments that are missing or wrong."""
    return Refusal("invalid_arguments", response_metadata={"messages": [f"[ERROR] {each}" for each in messages]})


async def read(request: Request) -> tuple[Arguments, list[str]]:
    """Read the arguments of a request. Gives them and Slack's warnings. Raises Refusal for bodies it cannot read."""
    given: dict[str, Any] = dict(request.query_params)
    warnings: list[str] = []
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    body = await request.body()
    match kind.strip().lower():
        case "application/json":
            if "charset" not in parameters.lower():
                warnings.append("missing_charset")
            given |= _object(body)
        case "application/x-www-form-urlencoded":
            given |= _form(body)
        case "multipart/form-data":
            given |= _multipart(request.headers["content-type"], body)
        case "":
            if body:
                raise Refusal("missing_post_type")
        case _:
            raise Refusal("invalid_post_type")
    return Arguments(given), warnings


def _object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        value = json.loads(body)
    except ValueError:
        raise Refusal("invalid_json") from None
    if not isinstance(value, dict):
        raise Refusal("json_not_object")
    return value


def _form(body: bytes) -> dict[str, Any]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    except ValueError:
        raise Refusal("invalid_form_data") from None


def _multipart(content_type: str, body: bytes) -> dict[str, Any]:
    """Read the fields of a multipart body; files among them are passed over."""
    parsed = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    if not parsed.is_multipart():
        raise Refusal("invalid_form_data")
    fields: dict[str, Any] = {}
    for part in parsed.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str) and part.get_filename() is None:
            fields[name] = str(part.get_content()).removesuffix("\n")
    return fields
