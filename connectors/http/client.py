"""A connection to any HTTP service: where it is, how it knows us, and what its answers mean."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, Self
from urllib.parse import unquote

import httpx
from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.addresses import LARGEST, TooLarge, is_this_machine
from connectors.base import Value
from connectors.errors import Ambiguous, ConnectorError, Refused, TryLater
from connectors.limits import wait_asked
from connectors.oauth import Grant
from connectors.wire import View, Wire, by_status

SERVICE: Final = "The service"
RULES: Final = "cicflow.rules"
"""The extension of a request that says how it is to be taken."""
MOST_REDIRECTS: Final = 5
LONGEST: Final = 2_000_000
"""Bytes of an answer, unless an action says otherwise."""


class Settings(Value):
    """What is needed to call one service."""

    model_config = ConfigDict(str_strip_whitespace=True)

    address: str = Field(
        max_length=500, title="Address", description="Where its paths begin, such as https://api.example.com/v1."
    )
    authentication: Literal["none", "basic", "bearer", "header", "client credentials"] = Field(
        default="none", title="Authentication", description="How the service knows who calls."
    )
    name: str | None = Field(
        default=None,
        max_length=300,
        title="Name",
        description="The user name (basic), the header's name (header) or the client id (client credentials).",
    )
    secret: SecretStr | None = Field(
        default=None,
        max_length=5000,
        title="Secret",
        description="The password, the token, the API key, or the client secret.",
    )
    token_address: str | None = Field(
        default=None,
        max_length=500,
        title="Token address",
        description="Where tokens are fetched (client credentials).",
    )
    scope: str | None = Field(
        default=None, max_length=1000, title="Scope", description="What the token is for, if the service asks for it."
    )
    check_path: str = Field(
        default="/",
        max_length=500,
        title="Path to try",
        description="Read to see whether the connection works; it must answer with a success.",
    )

    @field_validator("address", "token_address")
    @classmethod
    def _is_address(cls, text: str | None) -> str | None:
        """Accept the address of a service; http only on this machine."""
        if text is None:
            return None
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL as error:
            raise ValueError("This is not an address. It looks like https://api.example.com/v1.") from error
        if url.scheme not in {"https", "http"} or not url.host or url.userinfo or url.query or url.fragment:
            raise ValueError("This is not an address. It looks like https://api.example.com/v1.")
        if url.scheme == "http" and not is_this_machine(url.host):
            raise ValueError("Only https is possible.")
        return text.rstrip("/")

    @field_validator("check_path")
    @classmethod
    def _is_path(cls, path: str) -> str:
        return stays_inside(path)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {
            "none": (),
            "basic": ("name", "secret"),
            "bearer": ("secret",),
            "header": ("name", "secret"),
            "client credentials": ("name", "secret", "token_address"),
        }[self.authentication]
        missing = [str(type(self).model_fields[one].title) for one in needed if not getattr(self, one)]
        if missing:
            raise ValueError(f"For this kind of authentication, fill in: {', '.join(missing)}.")
        if self.authentication == "header" and not header_name(self.name or ""):
            raise ValueError("This is not the name of a header.")
        secret = self.secret.get_secret_value() if self.secret else ""
        if self.authentication in {"bearer", "header"} and not (secret.isascii() and secret.isprintable()):
            raise ValueError("A secret that is sent in a header has only the usual letters, digits and marks.")
        return self


def stays_inside(path: str) -> str:
    """Return a path that leads nowhere else, however often it is escaped. Raises ValueError."""
    plain = path
    for _ in range(5):
        plain = unquote(plain)
    parts = plain.split("/")
    if not path.startswith("/") or {".", ".."} & set(parts) or "\\" in plain or not plain.isprintable():
        raise ValueError("The path must begin with / and lead nowhere else.")
    if path.startswith("//") or "?" in path or "#" in path:
        raise ValueError("The path has no question mark and what follows it, and begins with one slash.")
    return path


def header_name(name: str) -> bool:
    """Tell whether a text is the name of a header."""
    return bool(name) and name.isascii() and all(each.isalnum() or each in "!#$%&'*+-.^_`|~" for each in name)


class Fixed(httpx.Auth):
    """A header that says who calls. It goes nowhere but to the service itself."""

    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with the header."""
        request.headers[self._name] = self._value
        yield request


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How one call is to be taken."""

    safe: bool
    """It may be made twice."""
    success: Collection[int] = ()
    later: Collection[int] = ()
    follows: bool = False
    largest: int = LONGEST
    seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The client of one connection."""

    address: httpx.URL
    check_path: str
    http: View = field(repr=False)
    elsewhere: View = field(repr=False)
    """The same wire without credentials, for where redirects lead."""

    def at(self, path: str) -> httpx.URL:
        """Return the address of a path."""
        return httpx.URL(f"{str(self.address).rstrip('/')}{path}")

    async def call(
        self,
        method: str,
        url: httpx.URL,
        rules: Rules,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **body: Any,
    ) -> httpx.Response:
        """Make a call, and follow redirects of what only reads. Raises ConnectorError."""
        if params:
            url = url.copy_merge_params(params)
        try:
            async with asyncio.timeout(rules.seconds):
                for _ in range(MOST_REDIRECTS + 1):
                    response = await self._once(method, url, rules, headers, body)
                    if not (rules.follows and response.is_redirect):
                        return response
                    url = self._next(url, response)
        except TimeoutError:
            if rules.safe:
                raise TryLater(f"{SERVICE} did not answer in time.") from None
            raise Ambiguous(f"{SERVICE} did not answer in time: the change may or may not have been made.") from None
        raise Refused(f"{SERVICE} redirects more than {MOST_REDIRECTS} times.")

    def own(self, url: httpx.URL) -> bool:
        """Tell whether an address is within the service, where our credentials may go."""
        ours = self.address
        return (url.scheme, url.host, url.port) == (ours.scheme, ours.host, ours.port)

    def _next(self, url: httpx.URL, response: httpx.Response) -> httpx.URL:
        try:
            target = url.join(response.headers["location"])
        except httpx.InvalidURL:
            raise Refused(f"{SERVICE} redirects to something that is not an address.") from None
        if target.scheme not in {"https", url.scheme}:
            raise Refused(f"{SERVICE} redirects to where calls are not encrypted.")
        return target.copy_with(userinfo=b"")

    async def _once(
        self, method: str, url: httpx.URL, rules: Rules, headers: Mapping[str, str] | None, body: Mapping[str, Any]
    ) -> httpx.Response:
        own = self.own(url)
        view = self.http if own else self.elsewhere
        extensions = {
            RULES: rules,
            LARGEST: rules.largest,
            "timeout": httpx.Timeout(rules.seconds, connect=10.0).as_dict(),
        }
        request = view.build_request(method, url, headers=(headers or {}) if own else {}, extensions=extensions, **body)
        try:
            return await view.send(request)
        except TooLarge as error:
            # Only here is it known whether the call may have changed something before it was answered at such length.
            if rules.safe:
                raise
            raise Ambiguous(f"{error.message} The change may or may not have been made.") from error


def _safe(request: httpx.Request) -> bool:
    rules: Rules = request.extensions[RULES]
    return rules.safe


def classify(response: httpx.Response) -> ConnectorError | None:
    """Name the error of an answer, by the rules of its call."""
    rules: Rules = response.request.extensions[RULES]
    status = response.status_code
    if status in rules.success or (rules.follows and response.is_redirect):
        return None
    if status in rules.later:
        after = wait_asked(response.headers) if "retry-after" in response.headers else None
        return TryLater(f"{SERVICE} has no time at the moment ({status}).", after=after, status=status)
    if rules.success and response.is_success:
        return Refused(f"{SERVICE} answered with status {status}, which is not a success here.", status=status)
    return by_status(response, service=SERVICE, safe=_safe)


def connect(settings: Settings, wire: Wire) -> Service:
    """Make the client of one service; nothing is sent yet."""
    guarded = wire.guarded
    view = partial(guarded.client, service=SERVICE, classify=classify, safe=_safe)
    return Service(
        address=httpx.URL(settings.address),
        check_path=settings.check_path,
        http=view(settings.address, auth=_auth(settings, guarded)),
        elsewhere=view(""),
    )


def _auth(settings: Settings, guarded: Wire) -> httpx.Auth | None:
    name, secret = settings.name or "", settings.secret.get_secret_value() if settings.secret else ""
    match settings.authentication:
        case "none":
            return None
        case "basic":
            return httpx.BasicAuth(name, secret)
        case "bearer":
            return Fixed("Authorization", f"Bearer {secret}")
        case "header":
            return Fixed(name, secret)
        case "client credentials":
            form = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
            scope = {"scope": settings.scope} if settings.scope else {}
            return Grant(guarded, url=settings.token_address or "", form=form | scope, service=SERVICE)


async def check(service: Service) -> str:
    """Read the path to try. Raises ConnectorError."""
    await service.call("GET", service.at(service.check_path), Rules(safe=True, follows=True))
    return f"{service.address.host}: connected."
