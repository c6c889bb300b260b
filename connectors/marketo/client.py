"""A connection to a Marketo instance: its settings, its client, and what its errors mean."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

import httpx
from pydantic import AliasChoices, ConfigDict, Field, SecretStr, ValidationError, field_validator

from connectors.base import Effect, Lenient, Value
from connectors.errors import Ambiguous, ConnectorError, Missing, Reconnect, Refused, TryLater
from connectors.marketo.keys import Keys
from connectors.marketo.pace import QUOTA, WINDOW, Window, codes, until_reset
from connectors.oauth import Grant
from connectors.wire import View, Wire, by_status
from connectors.wording import clean

SERVICE: Final = "Marketo"
MUNCHKIN = re.compile(r"[0-9]{3}-[a-z]{3}-[0-9]{3}")
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?|\[::1\](:[0-9]{1,5})?")
TOKEN: Final = frozenset({"600", "601", "602"})
PASSING: Final = frozenset({"606", "608", "614", "615", "713", "719", "1016", "1019", "1022", "1029"})
"""Nothing was done, and in a while it may be."""
UNKNOWN: Final = frozenset({"502", "604", "611"})
"""Marketo gave up in the middle: what changes something may have been done."""
GONE: Final = frozenset({"610", "702", "1004", "1013", "1015"})
SYNC: Final = 95.0
"""Seconds for what writes leads: Marketo itself gives up after 90, and is not at it any more then."""
LISTS: Final = 65.0
LONGEST_QUERY: Final = 6000


class Settings(Value):
    """What is needed to call the REST API of one instance."""

    model_config = ConfigDict(str_strip_whitespace=True)

    address: str = Field(
        title="REST address",
        description="The instance's Munchkin id, such as 123-ABC-456, or its REST address as Marketo's admin pages show it.",
    )
    client_id: str = Field(
        min_length=1, max_length=200, title="Client id", description="Of a custom service in LaunchPoint."
    )
    client_secret: SecretStr = Field(
        min_length=1, max_length=1000, title="Client secret", description="Of the same service."
    )
    calls: int = Field(
        default=50,
        ge=1,
        le=100,
        title="Calls in 20 seconds",
        description="Marketo allows 100 to all integrations together, and asks each to keep to 50.",
    )
    at_once: int = Field(
        default=5,
        ge=1,
        le=10,
        title="Calls at once",
        description="Marketo allows 10 to all integrations together, and asks each to keep to 5.",
    )

    @field_validator("address")
    @classmethod
    def _clean_address(cls, address: str) -> str:
        """Accept a Munchkin id or an address, with or without its path; http only on this machine."""
        scheme, _, rest = address.strip().lower().rpartition("://")
        host = rest.removesuffix("/").removesuffix("/rest").removesuffix("/identity")
        if MUNCHKIN.fullmatch(host):
            host = f"{host}.mktorest.com"
        if not HOST.fullmatch(host):
            raise ValueError("This is not an address. It looks like 123-ABC-456 or 123-abc-456.mktorest.com.")
        local = _is_loopback(host)
        if scheme not in {"", "https", "http"} or (scheme == "http" and not local):
            raise ValueError("Only https is possible.")
        return f"{scheme or ('http' if local else 'https')}://{host}"


def _is_loopback(host: str) -> bool:
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    try:
        return name == "localhost" or ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


class Reason(Lenient):
    """Why a record was skipped, or a call refused."""

    code: str = ""
    message: str = ""


class Done(Lenient):
    """What came of one record."""

    id: int | None = None
    status: str = ""
    reasons: list[Reason] = Field(default_factory=list, validation_alias=AliasChoices("reasons", "reason"))

    @field_validator("reasons", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        """Accept one reason by itself."""
        return [given] if isinstance(given, Mapping) else given or []


class Answer(Lenient):
    """The envelope of an answer."""

    success: bool
    result: list[dict[str, Any]] = Field(default_factory=list)
    nextPageToken: str | None = None  # noqa: N815 - Marketo's own name

    @field_validator("result", mode="before")
    @classmethod
    def _some(cls, given: Any) -> Any:
        """Accept that there is no result."""
        return given or []


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """The client of one connection."""

    host: str
    http: View
    credentials: Grant
    keys: Keys
    pace: Window
    sync_timeout: float = SYNC
    timeout: float = LISTS
    pauses: tuple[float, ...] = (0.5, 2.0)
    """Seconds before each look for what may or may not have been done."""
    attempts: int = 5
    """How often one part of a batch is tried where Marketo has no time."""

    async def read(self, path: str, query: Mapping[str, Any] | None = None) -> Answer:
        """Read something. A query that is too long for an address is sent as a form that says it is a GET."""
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        encoded = urlencode(asked, doseq=True)
        if len(encoded) <= LONGEST_QUERY:
            return understood(await self.http.get(path, params=asked, timeout=self.timeout))
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        response = await self.http.post(
            path, params={"_method": "GET"}, content=encoded.encode(), headers=form, timeout=self.timeout
        )
        return understood(response)

    async def pages(self, path: str, query: Mapping[str, Any]) -> AsyncIterator[list[dict[str, Any]]]:
        """Read page after page, however short, until there is no token for another."""
        token: str | None = None
        seen: set[str] = set()
        while True:
            answer = await self.read(path, {**query, "nextPageToken": token})
            yield answer.result
            token = answer.nextPageToken
            if not token or token in seen:
                return
            seen.add(token)

    async def assets(self, path: str, query: Mapping[str, Any] | None = None) -> AsyncIterator[dict[str, Any]]:
        """Read assets page after page; where there are no more, Marketo sends no result at all."""
        start = 0
        while True:
            answer = await self.read(path, {**(query or {}), "offset": start, "maxReturn": 200})
            for each in answer.result:
                yield each
            if not answer.result:
                return
            start += len(answer.result)

    async def change(self, path: str, body: Any, *, method: str = "POST", timeout: float | None = None) -> Answer:  # noqa: ASYNC109 - it is httpx's
        """Change something, with a JSON body."""
        return understood(await self.http.request(method, path, json=body, timeout=timeout or self.timeout))

    async def submit(self, path: str, form: Mapping[str, str]) -> Answer:
        """Change something, with a form."""
        return understood(await self.http.post(path, data=dict(form), timeout=self.timeout))


@dataclass(slots=True)
class _Shares:
    """What all connections to one instance share in this process: its limits are the instance's, not a connection's."""

    paces: dict[str, Window] = field(default_factory=dict)
    keys: dict[str, Keys] = field(default_factory=dict)


_SHARED: Final[WeakKeyDictionary[Wire, _Shares]] = WeakKeyDictionary()


def connect(settings: Settings, wire: Wire, *, window: float = WINDOW) -> Instance:
    """Make the client of one instance; nothing is sent yet."""
    address = settings.address
    credentials = Grant(
        wire,
        url=f"{address}/identity/oauth/token",
        form={
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": settings.client_secret.get_secret_value(),
        },
        service=SERVICE,
        method="GET",
        rejects=lambda response: (
            response.status_code == httpx.codes.UNAUTHORIZED or bool(TOKEN.intersection(codes(response)))
        ),
    )
    shared = _SHARED.setdefault(wire, _Shares())
    pace = shared.paces.get(address)
    if pace is None:
        pace = shared.paces[address] = Window(calls=settings.calls, at_once=settings.at_once, seconds=window)
    pace.calls, pace.at_once = settings.calls, settings.at_once
    http = wire.client(address, service=SERVICE, auth=credentials, pace=pace, classify=classify, safe=is_safe)
    return Instance(
        host=address.rpartition("://")[2],
        http=http,
        credentials=credentials,
        keys=shared.keys.setdefault(address, Keys()),
        pace=pace,
    )


def is_safe(request: httpx.Request) -> bool:
    """Tell whether a request only reads: also a POST that says it is a GET."""
    return request.method in {"GET", "HEAD"} or request.url.params.get("_method") == "GET"


class _Refusal(Lenient):
    """What is looked at in an answer to see whether it is a success."""

    success: bool
    errors: list[Reason] | None = None


def classify(response: httpx.Response) -> ConnectorError | None:
    """Name the error of an answer: the status says little, Marketo's codes say it."""
    file = response.request.url.path.endswith(("/failures.json", "/warnings.json"))
    if response.is_success and file and "json" not in response.headers.get("content-type", ""):
        return None
    try:
        body = _Refusal.model_validate_json(response.content)
    except ValidationError:
        if not response.is_success:
            return by_status(response, service=SERVICE, safe=is_safe)
        return _nonsense(response.request)
    if body.success:
        return None if response.is_success else by_status(response, service=SERVICE, safe=is_safe)
    reason = (body.errors or [Reason(code=str(response.status_code))])[0]
    return named(reason, safe=is_safe(response.request))


def _nonsense(request: httpx.Request) -> ConnectorError:
    message = f"{SERVICE} answered with something that cannot be understood"
    if is_safe(request):
        return TryLater(f"{message}.")
    return Ambiguous(f"{message}: the change may or may not have been made.")


def named(reason: Reason, *, safe: bool = True) -> ConnectorError:
    """Name the error that a code of Marketo's means; `safe` is what may be repeated blindly."""
    code, said = clean(reason.code, limit=20), clean(reason.message)
    colon = f": {said}" if said else "."
    match code:
        case _ if code in TOKEN:
            return Reconnect(f"{SERVICE} does not accept our credentials any more{colon}", code=code)
        case "603":
            message = f"{SERVICE} does not allow this to the role of the connection's API user{colon}"
            return Reconnect(message, code=code)
        case _ if code == QUOTA:
            left = until_reset(datetime.now(UTC))
            return TryLater(f"{SERVICE}'s quota of calls for today is used up.", after=left, code=code)
        case _ if code in PASSING or (code in UNKNOWN and safe):
            after = 30.0 if code in {"1016", "1019"} else None
            return TryLater(f"{SERVICE} has no time at the moment ({code}){colon}", after=after, code=code)
        case _ if code in UNKNOWN:
            message = f"{SERVICE} had trouble ({code}): the change may or may not have been made."
            return Ambiguous(message, code=code)
        case _ if code in GONE:
            return Missing(f"{SERVICE} has no such thing{colon}", code=code)
        case "1006":
            message = (
                f"{SERVICE} refused ({code}){colon.rstrip('.')}. If the field is to be there, create it in Admin, "
            )
            return Refused(f"{message}Field Management; its REST name is meant.", code=code)
        case _:
            return Refused(f"{SERVICE} refused ({code}){colon}", code=code)


def understood(response: httpx.Response) -> Answer:
    """Read the envelope of a success. Raises ConnectorError."""
    try:
        return Answer.model_validate_json(response.content)
    except ValidationError:
        # Without a cause: it would show people's data.
        raise _nonsense(response.request) from None


@contextmanager
def understanding(effect: Effect) -> Iterator[None]:
    """Turn an answer whose parts are not what they should be into one of our errors."""
    try:
        yield
    except ValidationError:
        message = f"{SERVICE} answered with something that cannot be understood"
        if effect == "reads":
            raise Refused(f"{message}.") from None
        raise Ambiguous(f"{message}: the change may or may not have been made.") from None


async def check(instance: Instance) -> str:
    """Read the names of the fields of leads. Raises ConnectorError."""
    await instance.read("/rest/v1/leads/describe2.json")
    return f"Marketo {instance.host}: connected."
