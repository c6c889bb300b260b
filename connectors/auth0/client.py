"""A connection to an Auth0 tenant: its settings, its client, and what its errors mean."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Final, Literal

import httpx
from auth0.management import AsyncAuth0
from auth0.management.core.api_error import ApiError
from auth0.management.core.parse_error import ParsingError
from pydantic import ConfigDict, Field, SecretStr, ValidationError, field_validator

from connectors.auth0.fresh_logins import FreshLogins
from connectors.base import Effect, Lenient, Value
from connectors.errors import Ambiguous, ConnectorError, Reconnect, Refused
from connectors.limits import REST, Allowance, Pace, Plan
from connectors.oauth import Grant
from connectors.wire import View, Wire, by_status
from connectors.wording import clean

SERVICE = "Auth0"
UNUSED = "set by the wire"
_PAID: Final[Plan] = {
    "users read": Allowance(40, 500 / 60),
    "users written": Allowance(20, 200 / 60),
    "users deleted": Allowance(20, 200 / 60),
    "logs read": Allowance(10, 100 / 60),
    REST: Allowance(10, 150 / 60),
}
PLANS: Final[Mapping[str, Plan]] = {
    "free": {REST: Allowance(2, 2)},
    "essentials": _PAID,
    "professional": _PAID,
    "enterprise production": {REST: Allowance(50, 16)},
    "enterprise other": {REST: Allowance(10, 2)},
}
"""What Auth0 says that it allows, by plan; an enterprise has tenants for production, and others."""
UNKNOWN: Final = Allowance(15, 15)
"""What is kept to where answers say nothing of limits: about what the largest plan gives for long."""
NEEDED = ("read:users", "update:users", "delete:sessions", "delete:refresh_tokens")
SCOPE = re.compile(r"\b[a-z]+:[a-z_]+\b")
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?|\[::1\](:[0-9]{1,5})?")


class Settings(Value):
    """What is needed to call the Management API of one tenant."""

    model_config = ConfigDict(str_strip_whitespace=True)

    domain: str = Field(
        title="Domain", description="The tenant's domain, such as example.eu.auth0.com (not a custom domain)."
    )
    client_id: str = Field(
        min_length=1, max_length=200, title="Client id", description="Of a machine-to-machine application."
    )
    client_secret: SecretStr = Field(
        min_length=1, max_length=1000, title="Client secret", description="Of the same application."
    )
    plan: Literal["free", "essentials", "professional", "enterprise production", "enterprise other"] | None = Field(
        default=None,
        title="Plan",
        description="How often the tenant may be called depends on it. Left empty, it is learnt from what Auth0 answers.",
    )
    login_client_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        title="Client id for fresh logins",
        description="Of a regular web application, where customers answer by links after a login. Only for flows that ask so.",
    )
    login_client_secret: SecretStr | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        title="Client secret for fresh logins",
        description="Of that application.",
    )
    audience: str | None = Field(
        default=None,
        title="API identifier",
        description="Only if the Management API is not at https://<domain>/api/v2/.",
    )

    @field_validator("domain")
    @classmethod
    def _clean_domain(cls, domain: str) -> str:
        """Accept a domain or its address; http only on this machine."""
        scheme, _, rest = domain.strip().lower().rpartition("://")
        host = rest.removesuffix("/")
        if not HOST.fullmatch(host):
            raise ValueError("This is not a domain. It looks like example.eu.auth0.com.")
        local = is_loopback(host)
        if scheme not in {"", "https", "http"} or (scheme == "http" and not local):
            raise ValueError("Only https is possible.")
        return host if not local else f"{scheme or 'http'}://{host}"

    @property
    def address(self) -> str:
        """The tenant's address, without a slash at the end."""
        return self.domain if "://" in self.domain else f"https://{self.domain}"


def is_loopback(host: str) -> bool:
    """Tell whether a host, with or without a port, is this machine."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """The client of one connection."""

    domain: str
    api: AsyncAuth0
    """The vendor's library, over our wire."""
    http: View
    """The same wire without the library; paths begin with /api/v2/."""
    files: View
    """The wire to where Auth0 keeps its files: no token, and none of the tenant's limits."""
    credentials: Grant
    fresh: FreshLogins
    """Where customers log in to answer us."""


def connect(settings: Settings, wire: Wire) -> Tenant:
    """Make the client of one tenant; nothing is sent yet."""
    address = settings.address
    credentials = Grant(
        wire,
        url=f"{address}/oauth/token",
        form={
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": settings.client_secret.get_secret_value(),
            "audience": settings.audience or f"{address}/api/v2/",
        },
        service=SERVICE,
    )
    http = wire.client(
        address,
        service=SERVICE,
        auth=credentials,
        pace=pace(settings.plan),
        classify=classify,
    )
    # The library wants a token of its own; our wire replaces it in every request. It must not repeat anything:
    # it would repeat every kind of call, and hold it for minutes.
    api = AsyncAuth0(base_url=f"{address}/api/v2", token=UNUSED, max_retries=0, httpx_client=http)
    return Tenant(
        domain=settings.domain.rpartition("://")[2],
        api=api,
        http=http,
        files=wire.client("", service="The store of Auth0's exports"),
        credentials=credentials,
        fresh=FreshLogins(
            http=wire.client(address, service=SERVICE),
            address=address,
            client_id=settings.login_client_id,
            client_secret=settings.login_client_secret,
        ),
    )


def pace(plan: str | None) -> Pace:
    """Make the pace of a tenant with a plan, or of one whose plan is to be learnt."""
    if plan is None:
        known = {id(each): each for each in PLANS.values()}  # two of them have the same limits
        return Pace(UNKNOWN, learning_from=[*known.values()], group=group_of)
    return Pace(PLANS[plan], group=group_of)


def group_of(request: httpx.Request) -> str:
    """Name the group of calls that Auth0 counts a request in."""
    path = request.url.raw_path.partition(b"?")[0].decode("ascii").removeprefix("/api/v2/")
    match request.method, *path.split("/"):
        case ("GET", "users") | ("GET", "users", _) | ("GET", "users-by-email"):
            return "users read"
        case ("POST", "users") | ("PATCH", "users", _):
            return "users written"
        case ("DELETE", "users", _):
            return "users deleted"
        case ("GET", "logs") | ("GET", "logs", _):
            return "logs read"
        case _:
            return REST


class _Body(Lenient):
    """Auth0's error body (and /oauth/token's other shape is not looked at here)."""

    message: str = ""
    error: str = ""
    errorCode: str | None = None  # noqa: N815 - Auth0's own name


def classify(response: httpx.Response) -> ConnectorError | None:
    """Name the error of a Management API answer."""
    if response.is_success:
        return None
    try:
        body = _Body.model_validate_json(response.content)
    except ValidationError:
        body = _Body()
    scope = None
    if body.errorCode == "insufficient_scope":  # the message ends in the scopes, any of which would do
        scope = " ".join(SCOPE.findall(body.message[:300])) or "unknown"
    return by_status(
        response,
        service=SERVICE,
        said=body.message or body.error,
        code=clean(body.errorCode, limit=60) if body.errorCode else None,
        missing_scope=scope,
    )


@contextmanager
def understanding(effect: Effect) -> Iterator[None]:
    """Turn what the library raises over an answer that it cannot read into one of our errors."""
    try:
        yield
    except (ParsingError, ApiError, ValidationError, JSONDecodeError, UnicodeDecodeError):
        # Without a cause: those errors show whole answers, with people's data in them.
        message = f"{SERVICE} answered with something that cannot be understood"
        if effect == "reads":
            raise Refused(f"{message}.") from None
        raise Ambiguous(f"{message}: the change may or may not have been made.") from None


async def check(tenant: Tenant) -> str:
    """Read one user; say what the connection may not do. Raises ConnectorError."""
    await tenant.http.get("/api/v2/users", params={"per_page": 1, "fields": "user_id", "include_fields": "true"})
    scopes = tenant.credentials.scopes
    missing = [scope for scope in NEEDED if scopes is not None and scope not in scopes]
    if missing:
        raise Reconnect(
            f"Auth0 tenant {tenant.domain}: connected, but its application lacks {', '.join(missing)}.",
            missing_scope=" ".join(missing),
        )
    return f"Auth0 tenant {tenant.domain}: connected."
