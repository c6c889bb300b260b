"""A connection to a ServiceNow instance: its settings, its client, and what its errors mean."""

import asyncio
import ipaddress
import json
import re
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self
from weakref import WeakValueDictionary

import httpx
from pydantic import ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from connectors.base import Lenient, Value
from connectors.errors import Ambiguous, ConnectorError, TryLater
from connectors.limits import Allowance, Pace
from connectors.oauth import Grant
from connectors.wire import View, Wire, by_status, only_reads

SERVICE: Final = "ServiceNow"
HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?|\[::1\](:[0-9]{1,5})?")
UNHURRIED: Final = Allowance(20, 10)
"""Calls at once and each second. An instance says nothing of its limits, but serves few integrations at a time."""
Kind = Literal["basic", "client credentials", "password", "refresh"]
NEEDS: Final[dict[Kind, tuple[str, ...]]] = {
    "basic": ("username", "password"),
    "client credentials": ("client_id", "client_secret"),
    "password": ("client_id", "client_secret", "username", "password"),
    "refresh": ("client_id", "client_secret", "refresh_token"),
}
"""What each kind of authentication cannot do without."""


class Settings(Value):
    """What is needed to call one instance."""

    model_config = ConfigDict(str_strip_whitespace=True)

    instance: str = Field(title="Instance", description="The address of the instance, such as example.service-now.com.")
    authentication: Kind = Field(
        default="client credentials",
        title="Authentication",
        description="Basic: a user's name and password. The others are OAuth and need an entry in the Application "
        "Registry.",
    )
    client_id: str | None = Field(
        default=None, max_length=200, title="Client id", description="Of the entry in the Application Registry."
    )
    client_secret: SecretStr | None = Field(
        default=None, max_length=1000, title="Client secret", description="Of the same entry."
    )
    username: str | None = Field(
        default=None, max_length=100, title="User name", description="Of an integration user, for basic and password."
    )
    password: SecretStr | None = Field(default=None, max_length=1000, title="Password", description="Of the same user.")
    refresh_token: SecretStr | None = Field(
        default=None,
        max_length=4000,
        title="Refresh token",
        description="For refresh: by default it ends 100 days after it was given.",
    )

    @field_validator("instance")
    @classmethod
    def _clean_instance(cls, instance: str) -> str:
        """Accept an address, a domain or the bare name of an instance; http only on this machine."""
        scheme, _, rest = instance.strip().lower().rpartition("://")
        host = rest.removesuffix("/")
        if not HOST.fullmatch(host):
            raise ValueError("This is not an instance. It looks like example.service-now.com.")
        local = _is_loopback(host)
        if scheme not in {"", "https", "http"} or (scheme == "http" and not local):
            raise ValueError("Only https is possible.")
        if local:
            return f"{scheme or 'http'}://{host}"
        return host if "." in host else f"{host}.service-now.com"

    @model_validator(mode="after")
    def _enough(self) -> Self:
        lacking = [name.replace("_", " ") for name in NEEDS[self.authentication] if not _given(getattr(self, name))]
        if lacking:
            raise ValueError(f"Authentication by {self.authentication} needs the {' and the '.join(lacking)}, too.")
        return self

    @property
    def address(self) -> str:
        """The instance's address, without a slash at the end."""
        return self.instance if "://" in self.instance else f"https://{self.instance}"


def _is_loopback(host: str) -> bool:
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _given(value: str | SecretStr | None) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _plain(value: SecretStr | None) -> str:
    return value.get_secret_value() if value else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """The client of one connection."""

    address: str
    http: View
    credentials: Grant | None
    """None where each call carries the user's name and password."""
    honouring: set[str] = field(default_factory=set)
    """Tables that were seen to keep the sys_id that comes with a new record: there a second insert collides."""
    turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    """One at a time for each record that is to be made."""
    pauses: tuple[float, ...] = (0.0, 0.5, 2.0)
    """Seconds before each look for a record that may have been made."""

    @property
    def name(self) -> str:
        """The instance's domain."""
        return self.address.rpartition("://")[2]

    def turn(self, name: str) -> asyncio.Lock:
        """Give the lock of a name; it is forgotten with its last user."""
        return self.turns.setdefault(name, asyncio.Lock())

    def link(self, table: str, sys_id: str) -> str:
        """Return where people see a record."""
        return f"{self.address}/{table}.do?sys_id={sys_id}"


def connect(settings: Settings, wire: Wire) -> Instance:
    """Make the client of one instance; nothing is sent yet."""
    auth: httpx.Auth
    if settings.authentication == "basic":
        auth = httpx.BasicAuth(settings.username or "", _plain(settings.password))
    else:
        auth = grant(settings, wire)
    http = wire.client(settings.address, service=SERVICE, auth=auth, pace=Pace(UNHURRIED), classify=classify)
    # Both are asked for on every write.
    http.headers["Accept"] = "application/json"
    return Instance(address=settings.address, http=http, credentials=auth if isinstance(auth, Grant) else None)


def grant(settings: Settings, wire: Wire) -> Grant:
    """Make the OAuth grant of an instance."""

    def form() -> dict[str, str]:
        client = {"client_id": settings.client_id or "", "client_secret": _plain(settings.client_secret)}
        match settings.authentication:
            case "password":
                user = {"username": settings.username or "", "password": _plain(settings.password)}
                return {"grant_type": "password", **client, **user}
            case "refresh":
                # An answer may carry the token that is to be used next time; mostly it repeats the present one.
                newer = credentials.said.get("refresh_token")
                token = newer if isinstance(newer, str) and newer else _plain(settings.refresh_token)
                return {"grant_type": "refresh_token", **client, "refresh_token": token}
            case _:
                return {"grant_type": "client_credentials", **client}

    credentials = Grant(wire, url=f"{settings.address}/oauth_token.do", form=form, service=SERVICE)
    return credentials


class _Error(Lenient):
    message: str = ""
    detail: str | None = None


class _Body(Lenient):
    error: _Error = _Error()


def classify(response: httpx.Response) -> ConnectorError | None:
    """Name the error of an answer, which may have the status of a success."""
    if response.is_success:
        return None if _understood(response) else _odd(response)
    try:
        error = _Body.model_validate_json(response.content).error
    except ValidationError:
        error = _Error()
    said = ": ".join(filter(None, [error.message, error.detail]))
    return by_status(response, service=SERVICE, said=said)


def _understood(response: httpx.Response) -> bool:
    """Tell whether an answer is what it should be: whole JSON with a result, or a file."""
    request = response.request
    path = request.url.path
    if response.status_code == httpx.codes.NO_CONTENT:
        return request.method == "DELETE"
    if request.method == "GET" and path.startswith("/api/now/attachment/") and path.endswith("/file"):
        return not _is_page(response) or "x-attachment-metadata" in response.headers
    if "json" not in response.headers.get("content-type", ""):
        return False
    try:
        body = json.loads(response.content)
    except ValueError:
        return False
    if not isinstance(body, dict):
        return True
    if "error" in body and body.get("status") == "failure":
        return False
    # Only these are known to have a result always; an interface of the customer's own answers as it likes.
    if not path.startswith(("/api/now/table/", "/api/now/attachment")):
        return True
    result = body.get("result")
    return isinstance(result, list) or (isinstance(result, dict) and bool(result))


def _is_page(response: httpx.Response) -> bool:
    return "html" in response.headers.get("content-type", "")


def _odd(response: httpx.Response) -> ConnectorError:
    """Name the error of an answer that has the status of a success and is none."""
    status = response.status_code
    if _is_page(response) and b"hibernat" in response.content.lower():
        return TryLater(f"The {SERVICE} instance is asleep: somebody must wake it.", status=status)
    said = "a page for people instead of data" if _is_page(response) else "something incomplete"
    if only_reads(response.request):
        return TryLater(f"{SERVICE} answered with {said}.", status=status)
    return Ambiguous(f"{SERVICE} answered with {said}: the change may or may not have been made.", status=status)


async def check(client: Instance) -> str:
    """Read one incident, if there is one; say how it went. Raises ConnectorError."""
    await client.http.get("/api/now/table/incident", params={"sysparm_limit": 1, "sysparm_fields": "sys_id"})
    return f"ServiceNow instance {client.name}: connected."


async def result_of(client: Instance, method: str, path: str, **options: Any) -> Any:
    """Make a call and give the result in its answer. Raises ConnectorError."""
    response = await client.http.request(method, path, **options)
    return response.json()["result"] if response.content else None
