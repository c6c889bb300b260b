"""The instance: everything that it remembers, its settings and its clock."""

import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from starlette.applications import Starlette

from sandbox.changes import Changes
from sandbox.faults import Faults
from sandbox.read_only import ReadOnly
from sandbox.servicenow.dictionary import TABLES

USER_NAME = "cicflow.integration"
PASSWORD = "sandbox-integration-password-that-everybody-may-know"
CLIENT_ID = "5a0d8b1f0a3d4e6c9b7f2c1e8d4a6b90"
CLIENT_SECRET = "sandbox-oauth-client-secret-that-everybody-may-know"
REFRESH_TOKEN = "sandbox-refresh-token-that-everybody-may-know"
API_KEY = "sandbox-api-key-that-everybody-may-know"

Record = dict[str, str]
Operation = Literal["read", "create", "write", "delete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acl:
    """Something that our user may not do."""

    table: str
    operation: Operation
    field: str | None = None
    """Only this field, about which nothing is said."""
    record: str | None = None
    """Only this record."""


@dataclass(slots=True, kw_only=True)
class Settings:
    """What `PUT /sandbox/settings` can change."""

    token_lifetime: int = 1800
    basic: bool = True
    """Whether a user name and password are accepted with calls."""
    client_credentials: bool = True
    api_allowed: bool = True
    """Whether the user may use the REST API at all."""
    honours_sys_id: bool = True
    """Whether a record gets the sys_id that comes with it."""
    unknown_terms_find_nothing: bool = False
    """Whether a query with an invalid term finds nothing, instead of dropping the term."""
    per_hour: int | None = None
    """A rate limit rule."""
    aborted_by: str | None = None
    """The name of a business rule that aborts every change of an incident."""
    acls: list[Acl] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Token:
    """An access token, and when it ends."""

    text: str
    expires: float


class Instance:
    """One instance of the service."""

    def __init__(self) -> None:
        self.app: Starlette
        self.settings = Settings()
        self.faults, self.changes, self.read_only = Faults(), Changes(), ReadOnly()
        self.tables: dict[str, dict[str, Record]] = {name: {} for name in TABLES}
        self.numbers: dict[str, int] = {}
        self.files: dict[str, bytes] = {}
        self.tokens: dict[str, Token] = {}
        """By the grant that they were given for."""
        self.calls: deque[dict[str, Any]] = deque(maxlen=10_000)
        self.called = 0
        self.counted: deque[float] = deque()
        self.evaluated: list[str] = []
        """Scripts that came as values of a query, and were run."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def moment(self) -> str:
        """Write the present as the service does: UTC."""
        return datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%d %H:%M:%S")

    def new_id(self) -> str:
        """Make a sys_id."""
        return uuid.uuid4().hex

    def credentials(self, address: str) -> dict[str, object]:
        """Say how to connect to this instance, served at an address such as "http://127.0.0.1:8704"."""
        return {
            "url": address,
            "instance": address,
            "username": USER_NAME,
            "password": PASSWORD,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "refresh_token": REFRESH_TOKEN,
            "api_key": API_KEY,
        }

    @property
    def me(self) -> str:
        """The sys_id of the user that calls."""
        return next(id_ for id_, user in self.tables["sys_user"].items() if user["user_name"] == USER_NAME)

    def forbidden(self, table: str, operation: Operation, record: str | None = None) -> bool:
        """Tell whether a rule forbids something altogether, or to do it to a record."""
        return any(
            (rule.table, rule.operation, rule.field) == (table, operation, None) and rule.record in {None, record}
            for rule in self.settings.acls
        )

    def forbidden_fields(self, table: str, operation: Operation) -> set[str]:
        """List the fields that may not be read, or written."""
        rules = (rule for rule in self.settings.acls if (rule.table, rule.operation) == (table, operation))
        return {rule.field for rule in rules if rule.field}

    def records(self, table: str) -> Iterator[Record]:
        """Go through the records of a table, as they were made."""
        yield from list(self.tables[table].values())

    def number(self, prefix: str) -> str:
        """Give the next number of a kind of record."""
        self.numbers[prefix] = self.numbers.get(prefix, 10_000) + 1
        return f"{prefix}{self.numbers[prefix]:07d}"

    def put(self, table: str, values: Record) -> Record:
        """Make a record, with what the service itself adds; its sys_id may be among the values."""
        now, kind = self.moment(), TABLES[table]
        record: Record = dict.fromkeys(kind.fields, "")
        record |= {"sys_created_on": now, "sys_updated_on": now, "sys_mod_count": "0"}
        record |= {"sys_created_by": USER_NAME, "sys_updated_by": USER_NAME, "sys_id": self.new_id()}
        if kind.prefix:
            record |= {"number": self.number(kind.prefix), "active": "true", "state": "1", "priority": "5"}
            record |= {"urgency": "3", "impact": "3", "opened_at": now}
        if "active" in kind.fields:
            record["active"] = "true"
        record |= {name: value for name, value in values.items() if name in kind.fields}
        self.tables[table][record["sys_id"]] = record
        self.noted(table, record, values)
        self.changes.happened()
        return record

    def alter(self, table: str, record: Record, values: Record) -> None:
        """Change a record."""
        known = TABLES[table].fields
        record |= {name: value for name, value in values.items() if name in known and not name.startswith("sys_")}
        record["sys_updated_on"] = self.moment()
        record["sys_mod_count"] = str(int(record["sys_mod_count"] or 0) + 1)
        if table == "incident" and values.get("state") in {"6", "7"}:
            record["active"] = "true" if values["state"] == "6" else "false"
            record["resolved_at"] = record["resolved_at"] or self.moment()
        self.noted(table, record, values)
        self.changes.happened()

    def noted(self, table: str, record: Record, values: Record) -> None:
        """Move what was written into a journal to where journals are kept: each time it is one more entry."""
        for name, one in TABLES[table].fields.items():
            if one.kind != "journal":
                continue
            record[name] = ""
            if values.get(name):
                entry = {"name": table, "element": name, "element_id": record["sys_id"], "value": values[name]}
                self.put("sys_journal_field", entry)
