"""The tenant: everything that it remembers, and its clock."""

import hashlib
import time
from collections import deque
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from starlette.applications import Starlette

from sandbox.auth0.limits import Bucket
from sandbox.changes import Changes
from sandbox.faults import Faults
from sandbox.read_only import ReadOnly

if TYPE_CHECKING:
    from sandbox.auth0.authorizing import Authorizing, Code, Key
    from sandbox.auth0.continuing import Held
    from sandbox.auth0.drafts import Action
    from sandbox.auth0.jobs import Job
    from sandbox.auth0.outcomes import Outcome
    from sandbox.auth0.streams import EventStream, LogStream

NAME = "cicflow-sandbox"
CLIENT_ID = "sandboxManagementClient0000001Ab"
CLIENT_SECRET = "sandbox-management-client-secret-that-everybody-may-know"
LOGIN_CLIENT_ID = "sandboxFreshLoginApplication0001"
LOGIN_CLIENT_SECRET = "sandbox-fresh-login-secret-that-everybody-may-know"
APPLICATION_ID = "sandboxCustomerApplication00001C"
APPLICATION_NAME = "Customer portal"

SCOPES = (
    "read:users create:users update:users delete:users read:users_app_metadata update:users_app_metadata "
    "create:users_app_metadata delete:users_app_metadata read:sessions update:sessions delete:sessions "
    "read:refresh_tokens update:refresh_tokens delete:refresh_tokens read:actions create:actions update:actions "
    "delete:actions read:logs read:logs_users read:roles create:roles update:roles delete:roles read:role_members "
    "create:role_members delete:role_members read:connections read:clients read:triggers read:attack_protection "
    "update:attack_protection read:organizations create:organizations update:organizations delete:organizations "
    "read:organization_members create:organization_members delete:organization_members read:organization_member_roles "
    "create:organization_member_roles delete:organization_member_roles read:organization_connections "
    "create:organization_connections update:organization_connections delete:organization_connections "
    "read:authentication_methods create:authentication_methods update:authentication_methods "
    "delete:authentication_methods create:guardian_enrollment_tickets read:guardian_enrollments "
    "delete:guardian_enrollments create:user_tickets read:anomaly_blocks delete:anomaly_blocks read:stats "
    "read:tenant_settings read:log_streams create:log_streams update:log_streams delete:log_streams "
    "read:event_streams create:event_streams update:event_streams delete:event_streams read:event_deliveries "
    "update:event_deliveries"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceServer:
    """An API that people may be permitted to use."""

    identifier: str
    name: str
    permissions: dict[str, str]


RESOURCE_SERVERS = {
    one.identifier: one
    for one in (
        ResourceServer(
            identifier="https://api.example.com/",
            name="Orders",
            permissions={
                "read:orders": "Read orders",
                "create:orders": "Place orders",
                "cancel:orders": "Cancel orders",
            },
        ),
    )
}
Permission = tuple[str, str]
"""An API's identifier, and what one may do there."""


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
    continue_seconds: float = 3600.0
    wrong_passwords: int = 10
    delivery_scale: float = 1.0
    log_patience: float = 7 * 86400.0
    failures_in_row: int = 500
    failures_in_total: int = 5000
    duplicates: bool = False
    disorder: bool = False
    callbacks: list[str] = field(default_factory=list)
    """Where applications may have browsers sent back to."""
    id_token: dict[str, Any] = field(default_factory=dict)
    """Claims that ID tokens have instead of the right ones."""


@dataclass(slots=True, kw_only=True)
class Account:
    """One person's account: the profile as the API shows it, and what only the tenant knows."""

    profile: dict[str, Any]
    password: str | None = None
    brute_force: list[dict[str, str]] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    user_agents: set[str] = field(default_factory=set)
    cities: set[str] = field(default_factory=set)
    wrong_passwords: dict[str, int] = field(default_factory=dict)
    permissions: list[Permission] = field(default_factory=list)
    methods: list[dict[str, Any]] = field(default_factory=list)

    @property
    def user_id(self) -> str:
        """The id of the account."""
        return str(self.profile["user_id"])

    @property
    def connection(self) -> Connection:
        """The connection of the main identity."""
        return CONNECTIONS[self.profile["identities"][0]["connection"]]


@dataclass(slots=True, kw_only=True)
class Organization:
    """A company among the customers: its members with their roles there, and the connections they come through."""

    id: str
    name: str
    display_name: str
    branding: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    token_quota: dict[str, Any] | None = None
    members: dict[str, list[str]] = field(default_factory=dict)
    connections: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A link that lets a person choose a password, prove an e-mail address or enrol a second factor."""

    id: str
    kind: Literal["password-change", "email-verification", "enrollment"]
    user_id: str
    expires: float
    asked: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Issued:
    """One access token of the Management API."""

    scopes: frozenset[str]
    expires: float


class Tenant:
    """One tenant and everything in it. The endpoints are functions over it."""

    app: Starlette
    authorizing: "Authorizing"

    def __init__(self, name: str = NAME) -> None:
        self.name = name
        first = name == NAME
        self.client_id = CLIENT_ID if first else f"sandboxManagement{hashlib.sha256(name.encode()).hexdigest()[:15]}"
        self.client_secret = CLIENT_SECRET if first else f"{CLIENT_SECRET}-at-{name}"
        self.settings = Settings()
        self.faults = Faults()
        self.read_only = ReadOnly()
        self.changes = Changes()
        from sandbox.auth0.crowd import Accounts  # it stands on this module

        self.accounts = Accounts()
        self.sessions: dict[str, dict[str, Any]] = {}
        self.refresh_tokens: dict[str, dict[str, Any]] = {}
        self.roles: dict[str, dict[str, str]] = {}
        self.role_permissions: dict[str, list[Permission]] = {}
        self.organizations: dict[str, Organization] = {}
        self.tickets: dict[str, Ticket] = {}
        self.mails: deque[dict[str, Any]] = deque(maxlen=1000)
        self.blocked_ips: set[str] = set()
        self.protection: dict[str, dict[str, Any]] = {}
        self.actions: dict[str, Action] = {}
        self.bindings: dict[str, list[dict[str, Any]]] = {}
        self.jobs: dict[str, Job] = {}
        self.logs: list[dict[str, Any]] = []
        self.log_streams: dict[str, LogStream] = {}
        self.event_streams: dict[str, EventStream] = {}
        self.logins: deque[dict[str, Any]] = deque(maxlen=50)
        self.outcomes: dict[str, Outcome] = {}
        self.held: dict[str, Held] = {}
        self.codes: dict[str, Code] = {}
        self.asked: dict[str, Held] = {}
        """Those who are being asked for a second factor."""
        self.wrong_passwords: dict[str, int] = {}
        self.calls: deque[dict[str, Any]] = deque(maxlen=10_000)
        self.called = 0
        self.answered: deque[dict[str, Any]] = deque()
        self.answered_bytes = 0
        self.issued: dict[str, Issued] = {}
        self.signing_key = b"sandbox signing key"
        self.by_plan = False
        self.buckets: dict[tuple[str, str], Bucket] = {}
        self.refill()

    @cached_property
    def oidc_key(self) -> "Key":
        """What signs ID tokens."""
        from sandbox.auth0.authorizing import Key  # it stands on this module

        return Key()

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
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "login_client_id": LOGIN_CLIENT_ID,
            "login_client_secret": LOGIN_CLIENT_SECRET,
        }

    def sessions_of(self, user_id: str) -> list[dict[str, Any]]:
        """List the open sessions of one person, newest first."""
        return [session for session in reversed(self.sessions.values()) if session["user_id"] == user_id]

    def refresh_tokens_of(self, user_id: str) -> list[dict[str, Any]]:
        """List the refresh tokens of one person, newest first."""
        return [token for token in reversed(self.refresh_tokens.values()) if token["user_id"] == user_id]

    def forget(self, user_id: str) -> None:
        """Drop everything that belongs to one person, besides the account itself."""
        for things in (self.sessions, self.refresh_tokens):
            for thing_id in [thing_id for thing_id, thing in things.items() if thing["user_id"] == user_id]:
                del things[thing_id]
        for organization in self.organizations.values():
            organization.members.pop(user_id, None)
