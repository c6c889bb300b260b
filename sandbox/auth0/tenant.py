"""The tenant: everything that it remembers, and its clock."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from starlette.applications import Starlette

from sandbox.auth0.limits import Bucket
from sandbox.changes import Changes
from sandbox.faults import Faults
from sandbox.read_only import ReadOnly

if TYPE_CHECKING:
    from sandbox.auth0.drafts import Action
    from sandbox.auth0.jobs import Job
    from sandbox.auth0.streams import EventStream, LogStream

NAME = "cicflow-sandbox"
CLIENT_ID = "sandboxManagementClient0000001Ab"
CLIENT_SECRET = "sandbox-management-client-secret-that-everybody-may-know"
APPLICATION_ID = "sandboxCustomerApplication00001C"
APPLICATION_NAME = "Customer portal"

SCOPES = (
    "read:users create:users update:users delete:users read:users_app_metadata update:users_app_metadata "
    "create:users_app_metadata delete:users_app_metadata read:sessions update:sessions delete:sessions "
    "read:refresh_tokens update:refresh_tokens delete:refresh_tokens read:actions create:actions update:actions "
    "delete:actions read:logs read:logs_users read:roles create:roles update:roles delete:roles read:role_members "
    "create:role_members delete:role_members read:connections read:clients read:triggers read:attack_protection"
)
"""What the client may do: everything that is simulated, but not read:user_idp_tokens."""

Strategy = Literal["auth0", "google-oauth2", "sms", "email"]
Plan = Literal["free", "essentials", "professional", "enterprise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A place where people's accounts come from."""

    id: str
    name: str
    strategy: Strategy
    social: bool = False


CONNECTIONS = {
    one.name: one
    for one in (
        Connection(id="con_Database00000001", name="Username-Password-Authentication", strategy="auth0"),
        Connection(id="con_GoogleSocial0001", name="google-oauth2", strategy="google-oauth2", social=True),
        Connection(id="con_Sms0000000000001", name="sms", strategy="sms"),
        Connection(id="con_Email00000000001", name="email", strategy="email"),
    )
}


@dataclass(slots=True, kw_only=True)
class Settings:
    """What `PUT /sandbox/settings` can change."""

    token_lifetime: int = 86400
    burst: int = 50
    per_second: float = 16.0
    limited: bool = True
    runner: Literal["node", "twin", "auto"] = "auto"
    action_seconds: float = 20.0
    build_seconds: float = 0.4
    job_seconds: float = 0.4
    download_seconds: float = 60.0
    scopes: str = SCOPES
    plan: Plan = "enterprise"


@dataclass(slots=True, kw_only=True)
class Account:
    """One person's account: the profile as the API shows it, and what only the tenant knows."""

    profile: dict[str, Any]
    password: str | None = None
    brute_force: list[dict[str, str]] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    user_agents: set[str] = field(default_factory=set)
    cities: set[str] = field(default_factory=set)

    @property
    def user_id(self) -> str:
        """The id of the account."""
        return str(self.profile["user_id"])

    @property
    def connection(self) -> Connection:
        """The connection of the main identity."""
        return CONNECTIONS[self.profile["identities"][0]["connection"]]


@dataclass(slots=True, kw_only=True)
class Issued:
    """One access token of the Management API."""

    scopes: frozenset[str]
    expires: float


class Tenant:
    """One tenant and everything in it. The endpoints are functions over it."""

    app: Starlette

    def __init__(self, name: str = NAME) -> None:
        self.name = name
        self.settings = Settings()
        self.faults = Faults()
        self.read_only = ReadOnly()
        self.changes = Changes()
        self.accounts: dict[str, Account] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.refresh_tokens: dict[str, dict[str, Any]] = {}
        self.roles: dict[str, dict[str, str]] = {}
        self.actions: dict[str, Action] = {}
        self.bindings: dict[str, list[dict[str, Any]]] = {}
        self.jobs: dict[str, Job] = {}
        self.logs: list[dict[str, Any]] = []
        self.log_streams: dict[str, LogStream] = {}
        self.event_streams: dict[str, EventStream] = {}
        self.logins: deque[dict[str, Any]] = deque(maxlen=50)
        self.calls: deque[dict[str, Any]] = deque(maxlen=10_000)
        self.called = 0
        self.issued: dict[str, Issued] = {}
        self.signing_key = b"sandbox signing key"
        self.refill()

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def refill(self) -> None:
        """Start with a full bucket of requests."""
        self.bucket = Bucket.full(self.settings.burst, self.settings.per_second, self.now())

    def credentials(self, address: str) -> dict[str, object]:
        """Say how to connect to this tenant, served at an address such as "http://127.0.0.1:8702"."""
        return {
            "url": address,
            "domain": address.removeprefix("http://"),
            "audience": f"{address}/api/v2/",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }

    def sessions_of(self, user_id: str) -> list[dict[str, Any]]:
        """List the open sessions of one person, newest first."""
        return [session for session in reversed(self.sessions.values()) if session["user_id"] == user_id]

    def refresh_tokens_of(self, user_id: str) -> list[dict[str, Any]]:
        """List the refresh tokens of one person, newest first."""
        return [token for token in reversed(self.refresh_tokens.values()) if token["user_id"] == user_id]
