"""A connection to a Salesforce org: its settings, its client, and what its errors mean."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from json import JSONDecodeError
from typing import Any, Final, Literal, Self
from weakref import WeakValueDictionary

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import (
    AliasChoices,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from connectors.base import Effect, Lenient, Value
from connectors.errors import Ambiguous, ConnectorError, Missing, Reconnect, Refused, TryLater
from connectors.limits import REST, Allowance, Pace
from connectors.oauth import Grant
from connectors.wire import View, Wire, by_status
from connectors.wording import clean

SERVICE: Final = "Salesforce"
HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
LOCAL: Final = re.compile(r"(localhost|127\.0\.0\.1)(:[0-9]{1,5})?")
NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LACKING: Final = re.compile(r"No such column '([\w.]{1,200})' on (?:entity|sobject of type) '?(\w{1,80})'?")
USAGE: Final = re.compile(r"api-usage=(\d+)/(\d+)")
PARKED: Final = 900.0
"""Seconds until an org is asked again whose calls of the day are used up: they come back bit by bit, over a day."""
LOCKED: Final = 1.0
"""Seconds until a record is tried again that somebody else is just changing."""


class Settings(Value):
    """What is needed to call the API of one org."""

    model_config = ConfigDict(str_strip_whitespace=True)

    address: str = Field(
        title="Address",
        description="The org's My Domain, such as example.my.salesforce.com (not login.salesforce.com).",
    )
    kind: Literal["client credentials", "JWT bearer", "refresh token"] = Field(
        default="client credentials", title="Kind", description="How the connected app is let in."
    )
    client_id: str = Field(
        min_length=1, max_length=300, title="Consumer key", description="Of the connected app (its client id)."
    )
    client_secret: SecretStr | None = Field(
        default=None,
        max_length=1000,
        title="Consumer secret",
        description="For client credentials, and for most refresh tokens.",
    )
    username: str | None = Field(
        default=None, max_length=200, title="User name", description="For JWT bearer: as whom flows act."
    )
    private_key: SecretStr | None = Field(
        default=None,
        max_length=10_000,
        title="Private key",
        description="For JWT bearer: the RSA key in PEM whose certificate the connected app has.",
    )
    refresh_token: SecretStr | None = Field(
        default=None, max_length=1000, title="Refresh token", description="For the kind of that name."
    )
    sandbox: bool = Field(default=False, title="Sandbox", description="For JWT bearer: the org is a sandbox.")
    version: str = Field(
        default="64.0", pattern=r"^[0-9]{2}\.0$", title="API version", description="Such as 64.0; at least 46.0."
    )
    key_field: str | None = Field(
        default=None,
        pattern=rf"^{NAME.pattern}$",
        title="Key field",
        description="A text field, unique and an external id, such as Flow_Key__c. A create with a key puts it "
        "there, and never makes a second record of the same key.",
    )

    @field_validator("address")
    @classmethod
    def _clean_address(cls, address: str) -> str:
        """Accept a host or its address; http only on this machine."""
        scheme, _, rest = address.strip().lower().rpartition("://")
        host = rest.removesuffix("/")
        local = LOCAL.fullmatch(host) is not None
        if not HOST.fullmatch(host):
            raise ValueError("This is not a domain. It looks like example.my.salesforce.com.")
        if scheme not in {"", "https", "http"} or (scheme == "http" and not local):
            raise ValueError("Only https is possible.")
        return f"{scheme or 'http'}://{host}" if local else f"https://{host}"

    @field_validator("version")
    @classmethod
    def _new_enough(cls, version: str) -> str:
        """Refuse versions whose upsert does not say what it did."""
        if float(version) < 46:
            raise ValueError("At least 46.0 is needed.")
        return version

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Ask for what the kind needs."""
        match self.kind:
            case "client credentials" if not self.client_secret:
                raise ValueError("Client credentials need the consumer secret.")
            case "client credentials" if self.address.endswith(("//login.salesforce.com", "//test.salesforce.com")):
                raise ValueError("Client credentials need the org's own My Domain as address.")
            case "JWT bearer" if not self.username or not self.private_key:
                raise ValueError("JWT bearer needs the user name and the private key.")
            case "JWT bearer":
                _key(self)
            case "refresh token" if not self.refresh_token:
                raise ValueError("The refresh token is missing.")
            case _:
                pass
        return self


def _key(settings: Settings) -> RSAPrivateKey:
    text = settings.private_key.get_secret_value() if settings.private_key else ""
    try:
        key = load_pem_private_key(_lines(text).encode(), password=None)
    except (ValueError, TypeError):
        # Without a cause: it must not show anything of the key.
        raise ValueError("The private key is not a PEM without a password.") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("The private key must be an RSA key.")  # noqa: TRY004 - pydantic wants a ValueError
    return key


def _lines(pem: str) -> str:
    """Put a key back on several lines: one-line fields of forms lose them."""
    found = re.fullmatch(r"\s*(-----BEGIN [A-Z ]+-----)(.*?)(-----END [A-Z ]+-----)\s*", pem, re.DOTALL)
    if not found:
        return pem
    inner = found[2].replace("\\n", "\n").split()
    return "\n".join((found[1], *inner, found[3], ""))


class Access(Grant):
    """The tokens of one org, and where its calls go: the answer with the token says that."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._settings = settings
        url = f"{settings.address}/services/oauth2/token"
        super().__init__(wire, url=url, form=self._asking, service=SERVICE)

    def _asking(self) -> Mapping[str, str]:
        settings = self._settings
        if settings.kind == "JWT bearer":
            return {"grant_type": JWT_BEARER, "assertion": self._assertion()}
        secret = settings.client_secret.get_secret_value() if settings.client_secret else None
        client = {"client_id": settings.client_id} | ({"client_secret": secret} if secret else {})
        if settings.kind == "client credentials":
            return {"grant_type": "client_credentials"} | client
        # Where refresh tokens rotate each is good for one time, and the answer has the next one.
        first = settings.refresh_token.get_secret_value() if settings.refresh_token else ""
        return {"grant_type": "refresh_token", "refresh_token": str(self.said.get("refresh_token") or first)} | client

    def _assertion(self) -> str:
        host = "test" if self._settings.sandbox else "login"
        claims = {
            "iss": self._settings.client_id,
            "sub": self._settings.username,
            "aud": f"https://{host}.salesforce.com",
            "exp": int(time.time()) + 180,
        }
        return jwt.encode(claims, _key(self._settings), algorithm="RS256")

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with a token to the org's instance; where the token is rejected, once more with a new one."""
        token = await self.token()
        response = yield self._aimed(request, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            yield self._aimed(request, await self.token(rejected=token))

    def _aimed(self, request: httpx.Request, token: str) -> httpx.Request:
        instance = httpx.URL(str(self.said.get("instance_url") or self._settings.address))
        login = httpx.URL(self._settings.address)
        if instance.scheme != "https" and instance.host != login.host:
            raise Reconnect(f"{SERVICE} named an address for its calls that is not safe.")
        request.url = request.url.copy_with(scheme=instance.scheme, host=instance.host, port=instance.port)
        request.headers["Host"] = instance.netloc.decode("ascii")
        request.headers["Authorization"] = f"Bearer {token}"
        return request


class Quota(Pace):
    """The pace of one org, which stops where the calls of the day are used up."""

    used: int | None = None
    most: int | None = None

    def heard(self, response: httpx.Response) -> None:
        """Take note of how many calls of the day are used."""
        super().heard(response)
        found = USAGE.search(response.headers.get("sforce-limit-info", ""))
        if not found:
            return
        self.used, self.most = int(found[1][:12]), int(found[2][:12])
        if response.status_code == httpx.codes.FORBIDDEN and self.used >= self.most:
            self._line(REST).close(PARKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Org:
    """The client of one connection."""

    settings: Settings
    http: View
    """Paths begin with /services/data/; they go to the org's instance."""
    quota: Quota
    locks: WeakValueDictionary[tuple[str, ...], asyncio.Lock] = field(default_factory=WeakValueDictionary)
    """Those who make the same record at the same time go one after the other."""
    pauses: tuple[float, ...] = (0.2, 1.0, 2.0)
    """Seconds before each look for a record that may or may not have been made."""

    @property
    def root(self) -> str:
        """Where the addresses of the API begin."""
        return f"/services/data/v{self.settings.version}"

    def lock(self, *name: str) -> asyncio.Lock:
        """Give the lock of this name."""
        lock = self.locks.get(name)
        if lock is None:
            lock = self.locks[name] = asyncio.Lock()
        return lock


def connect(settings: Settings, wire: Wire) -> Org:
    """Make the client of one org; nothing is sent yet."""
    quota = Quota(Allowance(25, 25))
    http = wire.client(settings.address, service=SERVICE, auth=Access(wire, settings), pace=quota, classify=classify)
    return Org(settings=settings, http=http, quota=quota)


class _Attributes(Lenient):
    type: str = ""


class _Record(Lenient):
    Id: str = ""
    attributes: _Attributes = _Attributes()


class _Match(Lenient):
    record: _Record = _Record()


class _Result(Lenient):
    matchRecords: tuple[_Match, ...] = ()  # noqa: N815 - Salesforce's own name


class _Matches(Lenient):
    matchResults: tuple[_Result, ...] = ()  # noqa: N815 - Salesforce's own name


class Said(Lenient):
    """One error, as the API and the collections say it."""

    message: str = ""
    code: str = Field(default="", validation_alias=AliasChoices("errorCode", "statusCode", "error"))
    fields: list[str] | None = None
    # Some versions spell it without an l.
    duplicates: _Matches | None = Field(
        default=None, validation_alias=AliasChoices("duplicateResult", "duplicateResut")
    )

    @property
    def matched(self) -> dict[str, str]:
        """The records that a duplicate rule found: their ids, and of which object each is."""
        found = self.duplicates.matchResults if self.duplicates else ()
        records = [match.record for result in found for match in result.matchRecords]
        return {record.Id: record.attributes.type for record in records if record.Id}

    @property
    def text(self) -> str:
        """What to tell people."""
        return clean(f"{self.message.strip()} ({self.code})" if self.code else self.message)


class Duplicates(Refused):
    """A duplicate rule found records that are the same."""

    def __init__(self, message: str, *, records: Mapping[str, str], status: int | None) -> None:
        super().__init__(message, status=status, code="DUPLICATES_DETECTED")
        self.records = records
        """Their ids, and of which object each is."""


_SAID: Final = TypeAdapter(list[Said])


def said_by(response: httpx.Response) -> Said:
    """Read the first error of an answer: the API gives a list, the token endpoint one object."""
    try:
        return (_SAID.validate_json(response.content) or [Said()])[0]
    except ValidationError:
        return Said()


def classify(response: httpx.Response) -> ConnectorError | None:
    """Name the error of an answer of the API."""
    if response.is_success:
        return None
    if response.status_code == httpx.codes.MULTIPLE_CHOICES:
        message = f"{SERVICE}: more than one record has this external id; nothing was changed."
        return Refused(message, status=response.status_code, code="SEVERAL")
    said = said_by(response)
    return named(said, status=response.status_code) or by_status(
        response, service=SERVICE, said=said.text, code=clean(said.code, limit=60) or None
    )


def no_field(sobject: str, field: str) -> str:
    """Say that there is no such field, and what to do about it."""
    return (
        f"{SERVICE}: the object {sobject} has no field {field} that this connection may use. If it is to be there, create "
        f"it (Setup, Object Manager, {sobject}, Fields & Relationships), and let the connection's user see and edit it."
    )


def named(said: Said, *, status: int | None = None) -> ConnectorError | None:
    """Name an error by its code alone; None where the code does not say enough."""
    match said.code:
        case "REQUEST_LIMIT_EXCEEDED":
            message = f"{SERVICE}: the calls that this org may make in a day are used up."
            return TryLater(message, after=PARKED, status=status, code=said.code)
        case "UNABLE_TO_LOCK_ROW":
            message = f"{SERVICE}: somebody else is changing this record at the moment."
            return TryLater(message, after=LOCKED, status=status, code=said.code)
        case "API_DISABLED_FOR_ORG":
            return Reconnect(f"{SERVICE}: this org does not allow its API to be used.", status=status, code=said.code)
        case "ENTITY_IS_DELETED":
            return Missing(f"{SERVICE}: the record was deleted.", status=status, code=said.code)
        case "DUPLICATES_DETECTED":
            those = ", ".join(f"{kind} {id_}".strip() for id_, kind in said.matched.items()) or clean(said.message)
            message = f"{SERVICE}: a duplicate rule found this record already: {those}"
            return Duplicates(message, records=said.matched, status=status)
        case "INVALID_FIELD" if lacking := LACKING.search(said.message):
            # In its own words this shows the whole query, with people's data in it.
            return Refused(no_field(lacking[2], lacking[1]), status=status, code=said.code)
        case _:
            return None


@contextmanager
def understanding(effect: Effect) -> Iterator[None]:
    """Turn what is raised over an answer that cannot be read into one of our errors."""
    try:
        yield
    except (ValidationError, JSONDecodeError, UnicodeDecodeError):
        # Without a cause: those errors show whole answers, with people's data in them.
        message = f"{SERVICE} answered with something that cannot be understood"
        if effect == "reads":
            raise Refused(f"{message}.") from None
        raise Ambiguous(f"{message}: the change may or may not have been made.") from None


async def check(org: Org) -> str:
    """Ask how many calls are left for today. Raises ConnectorError."""
    with understanding("reads"):
        answer: Any = (await org.http.get(f"{org.root}/limits")).json()
    daily = answer.get("DailyApiRequests") if isinstance(answer, dict) else None
    host = httpx.URL(org.settings.address).host
    if not isinstance(daily, dict):
        return f"Salesforce org {host}: connected."
    left, most = daily.get("Remaining"), daily.get("Max")
    return f"Salesforce org {host}: connected; {left} of {most} calls are left for today."
