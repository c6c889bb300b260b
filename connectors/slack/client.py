"""A connection to a Slack workspace: its settings, its client, and what its answers mean."""

import json
from collections.abc import AsyncIterator, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from pydantic import ConfigDict, Field, SecretStr, ValidationError, field_validator

from connectors.base import Lenient, Value
from connectors.errors import Ambiguous, ConnectorError, Refused
from connectors.limits import patiently, wait_asked
from connectors.slack.pace import Paces, method_of
from connectors.slack.refusals import named
from connectors.wire import View, Wire

SERVICE: Final = "Slack"
ADDRESS: Final = "https://slack.com/api/"
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
HARMLESS: Final = frozenset({"files.getUploadURLExternal", "conversations.open", "auth.test"})
"""Methods that may be called again without looking, although they are not called by GET."""
PAGE: Final = 200


class Settings(Value):
    """What is needed to act in one workspace."""

    model_config = ConfigDict(str_strip_whitespace=True)

    token: SecretStr = Field(
        min_length=5,
        max_length=500,
        title="Bot token",
        description="Of an app that is installed in the workspace; it begins with xoxb-.",
    )
    address: str = Field(
        default=ADDRESS, max_length=300, title="API address", description="Only if it is not https://slack.com/api/."
    )

    @field_validator("address")
    @classmethod
    def _safe(cls, address: str) -> str:
        """Accept an address by https; http only on this machine."""
        if not _trusted(address):
            raise ValueError("This is not an address by https.")
        return f"{address.removesuffix('/')}/"


def _trusted(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    fine = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    return fine and bool(parts.hostname) and "@" not in parts.netloc


class _Token(httpx.Auth):
    """The token, in every request."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        yield request


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The client of one workspace."""

    http: View
    files: View
    """The wire to where files are uploaded: no token."""

    async def call(self, method: str, *, reads: bool = False, **arguments: Any) -> Mapping[str, Any]:
        """Call a method. Arguments that are None are not sent. Raises ConnectorError."""
        sent = {name: value for name, value in arguments.items() if value is not None}
        if reads:
            return _object(await self.http.get(method, params={name: _text(value) for name, value in sent.items()}))
        if method.startswith("files."):  # these do not take JSON
            return _object(await self.http.post(method, data={name: _text(value) for name, value in sent.items()}))
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return _object(await self.http.post(method, content=json.dumps(sent).encode(), headers=headers))

    async def listed(self, method: str, name: str, **arguments: Any) -> AsyncIterator[list[Mapping[str, Any]]]:
        """Yield what a method lists, page by page. Where Slack has no time, it is asked again. Raises ConnectorError."""
        cursor: str | None = None
        while True:
            asked = {**arguments, "limit": PAGE, "cursor": cursor}
            page = await patiently(lambda asked=asked: self.call(method, reads=True, **asked))  # type: ignore[misc]  # mypy knows no type for the default
            yield list(page.get(name) or [])
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
            if cursor is None:
                return

    async def upload(self, address: str, content: bytes) -> None:
        """Send the bytes of a file to the address that Slack gave for them. Raises ConnectorError."""
        if not _trusted(address):
            raise Refused(f"{SERVICE} gave an address for the file that is not safe to follow.")
        await patiently(lambda: self.files.post(address, content=content), attempts=3, longest=5.0)


def _text(value: Any) -> str:
    """Write an argument as a form or an address has it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case _:
            return json.dumps(value)


def _object(response: httpx.Response) -> Mapping[str, Any]:
    found: Mapping[str, Any] = response.json()  # `classify` has read it already
    return found


def connect(settings: Settings, wire: Wire) -> Workspace:
    """Make the client of one workspace; nothing is sent yet."""
    return Workspace(
        http=wire.client(
            settings.address,
            service=SERVICE,
            auth=_Token(settings.token),
            pace=Paces(),
            classify=classify,
            safe=changes_nothing,
        ),
        # The bytes go to an address for this one file: to send them again is the same as once.
        files=wire.client("", service="Slack's store of files", safe=lambda _request: True),
    )


def changes_nothing(request: httpx.Request) -> bool:
    """Tell whether a request may be made again without looking."""
    return request.method == "GET" or method_of(request) in HARMLESS


class _Metadata(Lenient):
    messages: list[Any] | None = None


class _Answer(Lenient):
    ok: bool
    error: str = ""
    needed: str = ""
    response_metadata: _Metadata | None = None


def classify(response: httpx.Response) -> ConnectorError | None:
    """Name the error of an answer: Slack says no with status 200, and tells why in the body."""
    reads, status = changes_nothing(response.request), response.status_code
    try:
        answer = _Answer.model_validate_json(response.content)
    except ValidationError:
        if not response.is_success:
            return named("", status=status, after=wait_asked(response.headers), reads=reads)
        said = f"{SERVICE} answered with something that cannot be understood"
        return Refused(f"{said}.") if reads else Ambiguous(f"{said}: it may or may not have happened.")
    if answer.ok and response.is_success:
        return None
    metadata = answer.response_metadata
    return named(
        answer.error,
        status=status,
        after=wait_asked(response.headers),
        needed=answer.needed,
        details=(metadata.messages if metadata else None) or [],
        reads=reads,
    )


async def check(workspace: Workspace) -> str:
    """Ask whose token it is. Raises ConnectorError."""
    who = await workspace.call("auth.test")
    return f"Slack workspace {who.get('team', 'of unknown name')}: connected as {who.get('user', 'an app')}."
