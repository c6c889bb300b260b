"""The instance: everything it remembers, and its settings."""

import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Literal

from starlette.types import ASGIApp

from sandbox.changes import Changes
from sandbox.faults import Faults
from sandbox.marketo.limits import Limits
from sandbox.read_only import ReadOnly

LAST_CALLS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One field that leads have."""

    id: int
    name: str
    title: str
    kind: str = "string"
    length: int | None = 255
    read_only: bool = False
    key: bool = False


@dataclass(slots=True, kw_only=True)
class StaticList:
    """A static list."""

    id: int
    name: str
    folder: int
    description: str
    created: str
    members: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Folder:
    """A folder of the assets."""

    id: int
    name: str
    parent: int | None
    description: str
    created: str


@dataclass(slots=True, kw_only=True)
class Campaign:
    """A smart campaign, and who was sent through it."""

    id: int
    name: str
    kind: Literal["batch", "trigger"]
    active: bool
    requestable: bool
    program: str
    created: str
    sent: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Import:
    """A bulk import, under way or finished."""

    id: int
    status: Literal["Queued", "Importing", "Complete", "Failed"]
    begun: float
    ends: float
    list_id: int | None
    processed: int = 0
    failed: list[list[str]] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    message: str = ""


@dataclass(slots=True, kw_only=True)
class Settings:
    """What a test may set."""

    token_lifetime: float = 3600.0
    calls: int = 100
    seconds: float = 20.0
    at_once: int = 10
    daily: int = 50_000
    latency: float = 0.0
    """Seconds that every call takes at least."""
    sync_seconds: float = 0.0
    """Seconds between looking a lead up and writing it: two of the same at once become two leads."""
    page: int = 300
    import_seconds: float = 0.0
    queued: int = 10
    importing: int = 2


class Instance:
    """One simulated instance."""

    app: ASGIApp

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.client_id = "b417d98f-9289-47d1-a61f-db141bf0267f"
        self.client_secret = "sandbox-marketo-secret"
        self.user = "apis@acmeinc.com"
        self.settings = Settings()
        self.limits = Limits(self.settings)
        self.faults = Faults()
        self.read_only = ReadOnly()
        self.changes = Changes()
        self.calls: deque[dict[str, Any]] = deque(maxlen=LAST_CALLS)
        self.called = 0
        self.tokens: dict[str, float] = {}
        """Every token that was given out, and when it ends."""
        self.fetched = 0
        self.attributes: dict[str, Attribute] = {}
        self.leads: dict[int, dict[str, Any]] = {}
        self.lists: dict[int, StaticList] = {}
        self.folders: dict[int, Folder] = {}
        self.campaigns: dict[int, Campaign] = {}
        self.imports: dict[int, Import] = {}
        self.pages: dict[str, tuple[str, int]] = {}
        """Paging tokens: of which search, and where it goes on."""
        self._ids = count(1001)

    def new_id(self) -> int:
        """Number something new."""
        return next(self._ids)

    def stamp(self) -> str:
        """Give the time as leads show it."""
        return datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def asset_stamp(self) -> str:
        """Give the time in the odd way of the assets."""
        return f"{self.stamp()}+0000"

    def token(self) -> tuple[str, float]:
        """Give the token that still lives, with the rest of its life, or else a new one."""
        now = self.now()
        for token, ends in self.tokens.items():
            if ends > now:
                return token, ends - now
        token = f"{secrets.token_hex(8)}-{secrets.token_hex(2)}:int"
        self.tokens[token] = now + self.settings.token_lifetime
        return token, self.settings.token_lifetime

    def credentials(self, address: str) -> dict[str, Any]:
        """Give what a client needs, with the instance at this address."""
        return {
            "url": address,
            "address": address,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
