"""An org: its records, its tokens, its limits, and the rules that new records are held against."""

import itertools
import re
import secrets
from collections import deque
from datetime import UTC, datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict
from starlette.applications import Starlette

from sandbox.changes import Changes
from sandbox.faults import Faults
from sandbox.read_only import ReadOnly
from sandbox.salesforce.errors import Refusal, Several
from sandbox.salesforce.schema import KINDS, TEXTS, FieldOf, Kind, kind_of

CLIENT_ID: Final = "3MVG9sandbox.connected.app"
CLIENT_SECRET: Final = "sandbox-consumer-secret"
USERNAME: Final = "integration@example.com"
REFRESH_TOKEN: Final = "5Aep861sandbox-refresh-token"
ORG_ID: Final = "00D000000000001AAA"
NAME_AND_PHONE: Final = ("FirstName", "LastName", "Phone")
"""What the standard rules also match on, besides the e-mail address."""
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
Record = dict[str, Any]


class Settings(BaseModel):
    """What `PUT /sandbox/settings` may change; what is left out is as at first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    page_size: int = 2000
    short_pages: bool = False
    daily_limit: int = 15_000
    duplicate_rules: Literal["off", "alert", "block"] = "off"
    duplicate_key: Literal["duplicateResult", "duplicateResut"] = "duplicateResult"
    run_as_user: bool = True
    approved: bool = True
    rotates: bool = False
    public_key: str | None = None
    locked_once: tuple[str, ...] = ()
    """E-mail addresses or names; the first change of a record that has one meets a row lock."""
    bulk_polls: int = 1
    """How often a job is asked after before it is complete."""


class Org:
    """The simulated org."""

    app: Starlette

    def __init__(self) -> None:
        self.settings = Settings()
        self.faults = Faults()
        self.changes = Changes()
        self.read_only = ReadOnly()
        self.calls: deque[dict[str, Any]] = deque(maxlen=5000)
        self.records: dict[str, dict[str, Record]] = {name: {} for name in KINDS}
        self.gone: set[str] = set()
        self.tokens: set[str] = set()
        self.refresh_tokens = {REFRESH_TOKEN}
        self.tokens_given = 0
        self.used = 0
        self.locked: set[str] = set()
        self.cursors: dict[str, list[Record]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    def credentials(self, address: str) -> dict[str, str]:
        """Return what a connection needs."""
        return {
            "url": address,
            "address": address,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "username": USERNAME,
            "refresh_token": REFRESH_TOKEN,
        }

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)

    def stamp(self) -> str:
        """Return the time as the API writes it."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    def new_token(self) -> str:
        """Make an access token."""
        token = f"{ORG_ID[:15]}!{secrets.token_urlsafe(40)}"
        self.tokens.add(token)
        self.tokens_given += 1
        return token

    def new_id(self, prefix: str) -> str:
        """Make an id of 18 letters; the last three say which of the others are large."""
        first = f"{prefix}Kj{next(self._numbers):010d}"
        ends = [first[at : at + 5] for at in (0, 5, 10)]
        return first + "".join(LETTERS[sum(1 << n for n, each in enumerate(end) if each.isupper())] for end in ends)

    def kind(self, name: str) -> Kind:
        """Find an object, or refuse."""
        kind = kind_of(name)
        if kind is None:
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
        return kind

    def find(self, kind: Kind, id_: str) -> Record:
        """Find a record by its id of 15 or 18 letters, or refuse."""
        for key, record in self.records[kind.name].items():
            if id_ in {key, key[:15]}:
                return record
        if id_ in self.gone:
            raise Refusal(404, "ENTITY_IS_DELETED", "entity is deleted", ())
        if not re.fullmatch(rf"{kind.prefix}[A-Za-z0-9]{{12}}([A-Z0-5]{{3}})?", id_):
            raise Refusal(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: " + id_)
        raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")

    def value(self, record: Any, name: str) -> Any:
        """Read a field, also through a parent."""
        parent, _, rest = name.partition(".")
        if not rest:
            return record.get(name)
        above = record.get(f"{parent}Id")
        for records in self.records.values():
            if above in records:
                return self.value(records[above], rest)
        return None

    def create(self, kind: Kind, body: Any, *, allow_save: bool = False) -> Record:
        """Make a record, or refuse."""
        values = self._checked(kind, body)
        lacking = [each.name for each in kind.fields.values() if each.required and values.get(each.name) in {None, ""}]
        if lacking:
            message = f"Required fields are missing: [{', '.join(lacking)}]"
            raise Refusal(400, "REQUIRED_FIELD_MISSING", message, tuple(lacking))
        self._held_against_rules(kind, values, None, allow_save=allow_save)
        id_ = self.new_id(kind.prefix)
        record = dict.fromkeys(kind.fields) | {
            each.name: False for each in kind.fields.values() if each.type == "boolean"
        }
        now = self.stamp()
        record |= {"Id": id_, "CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now}
        owner = next(iter(self.records["User"]), None)
        record |= {"CreatedById": owner, "OwnerId": owner} | values
        if kind.name == "Case":
            record["CaseNumber"] = f"{1000 + len(self.records['Case']):08d}"
            record["Status"] = record["Status"] or "New"
        if kind.name == "Lead":
            record["Status"] = record["Status"] or "Open - Not Contacted"
        self._completed(kind, record)
        self.records[kind.name][id_] = record
        self.changes.happened()
        return record

    def update(self, kind: Kind, id_: str, body: Any, *, allow_save: bool = False) -> Record:
        """Change a record, or refuse."""
        record = self.find(kind, id_)
        values = self._checked(kind, body)
        empty = [name for name, value in values.items() if value in {None, ""} and kind.fields[name].required]
        if empty:
            message = f"Required fields are missing: [{', '.join(empty)}]"
            raise Refusal(400, "REQUIRED_FIELD_MISSING", message, tuple(empty))
        self._held_against_rules(kind, values, record, allow_save=allow_save)
        record |= values | {"LastModifiedDate": self.stamp(), "SystemModstamp": self.stamp()}
        self._completed(kind, record)
        self.changes.happened()
        return record

    def delete(self, kind: Kind, id_: str) -> None:
        """Delete a record, or refuse."""
        record = self.find(kind, id_)
        del self.records[kind.name][record["Id"]]
        self.gone |= {record["Id"], record["Id"][:15]}
        self.changes.happened()

    def upsert(
        self, kind: Kind, field: str, value: str, body: Any, *, update_only: bool = False, allow_save: bool = False
    ) -> tuple[Record, bool]:
        """Change the record that has this external id, or make it; says whether it was made."""
        known = kind.field(field)
        if known is not None and known.name == "Id":
            return self.update(kind, value, body, allow_save=allow_save), False
        if known is None or not known.external_id:
            message = f"Provided external ID field does not exist or is not accessible: {field}"
            raise Refusal(404, "NOT_FOUND", message)
        if isinstance(body, dict) and any(name.lower() == known.name.lower() for name in body):
            message = f"The {known.name} field should not be specified in the sobject data."
            raise Refusal(400, "INVALID_FIELD", message, (known.name,))
        same = [
            each
            for each in self.records[kind.name].values()
            if str(each.get(known.name) or "").lower() == value.lower()
        ]
        if len(same) > 1:
            raise Several([f"/services/data/v64.0/sobjects/{kind.name}/{each['Id']}" for each in same])
        if same:
            return self.update(kind, same[0]["Id"], body, allow_save=allow_save), False
        if update_only:
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
        return self.create(kind, {**body, known.name: value}, allow_save=allow_save), True

    def _checked(self, kind: Kind, body: Any) -> Record:
        if not isinstance(body, dict):
            raise Refusal(400, "JSON_PARSER_ERROR", "The HTTP entity body is required to be a JSON object")
        values: Record = {}
        for name, value in body.items():
            if name == "attributes":
                continue
            field = kind.field(name)
            if field is None:
                message = f"No such column '{name}' on sobject of type {kind.name}"
                raise Refusal(400, "INVALID_FIELD", message, ())
            if not field.writable:
                message = f"Unable to create/update fields: {field.name}. Please check the security settings of this "
                message += "field and verify that it is read/write for your profile or permission set."
                raise Refusal(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, (field.name,))
            values[field.name] = self._fitting(field, value)
        for value in values.values():
            if isinstance(value, str) and value.lower() in {each.lower() for each in self.settings.locked_once}:
                self._lock(value)
        return values

    def _lock(self, value: str) -> None:
        if value.lower() not in self.locked:
            self.locked.add(value.lower())
            raise Refusal(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", ())

    def _fitting(self, field: FieldOf, value: Any) -> Any:
        if value is None or value == "":
            return None
        if field.type in TEXTS and not isinstance(value, (str, int, float)):
            raise Refusal(400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {field.type} from {value!r}")
        if field.type in TEXTS:
            value = str(value)
            if len(value) > field.length:
                message = f"{field.label}: data value too large: {value} (max length={field.length})"
                raise Refusal(400, "STRING_TOO_LONG", message, (field.name,))
        if field.type == "email" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
            message = f"{field.label}: invalid email address: {value}"
            raise Refusal(400, "INVALID_EMAIL_ADDRESS", message, (field.name,))
        if field.type == "boolean" and not isinstance(value, bool):
            if str(value).lower() not in {"true", "false"}:
                raise Refusal(400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of boolean from {value!r}")
            return str(value).lower() == "true"
        if field.type == "reference" and field.refers_to:
            known = {key for name in field.refers_to for key in self.records[name]}
            value = next((key for key in known if value in {key, key[:15]}), None)
            if value is None:
                message = f"{field.label}: id value of incorrect type: {value}"
                raise Refusal(400, "MALFORMED_ID", message, (field.name,))
        return value

    def _completed(self, kind: Kind, record: Record) -> None:
        if kind.name in {"Contact", "Lead"}:
            record["Name"] = " ".join(filter(None, (record.get("FirstName"), record.get("LastName"))))
        if kind.name == "Case":
            record["IsClosed"] = record.get("Status") == "Closed"

    def _held_against_rules(self, kind: Kind, values: Record, own: Record | None, *, allow_save: bool) -> None:
        others = [each for each in self.records[kind.name].values() if each is not own]
        for field in kind.fields.values():
            value = values.get(field.name)
            if not field.unique or value is None:
                continue
            for other in others:
                if str(other.get(field.name) or "").lower() == str(value).lower():
                    message = f"duplicate value found: {field.name} duplicates value on record with id: {other['Id']}"
                    raise Refusal(400, "DUPLICATE_VALUE", message, ())
        rule = self.settings.duplicate_rules
        if rule == "off" or kind.name not in {"Contact", "Lead"} or own is not None:
            return
        same = [each for each in others if _matches(values, each, "Email") or _matches(values, each, *NAME_AND_PHONE)]
        if same and not (rule == "alert" and allow_save):
            raise self._duplicates(kind, same)

    def _duplicates(self, kind: Kind, same: list[Record]) -> Refusal:
        refusal = Refusal(400, "DUPLICATES_DETECTED", "Use one of these records?")
        matches = [
            {
                "additionalInformation": [],
                "fieldDiffs": [],
                "matchConfidence": 100.0,
                "record": {
                    "attributes": {"type": kind.name, "url": f"/services/data/v64.0/sobjects/{kind.name}/{each['Id']}"},
                    "Id": each["Id"],
                },
            }
            for each in same
        ]
        refusal.more[self.settings.duplicate_key] = {
            "allowSave": self.settings.duplicate_rules == "alert",
            "duplicateRule": f"Standard_{kind.name}_Duplicate_Rule",
            "duplicateRuleEntityType": kind.name,
            "errorMessage": "Use one of these records?",
            "matchResults": [
                {
                    "entityType": kind.name,
                    "errors": [],
                    "matchEngine": "FuzzyMatchEngine",
                    "matchRecords": matches,
                    "rule": f"Standard_{kind.name}_Match_Rule",
                    "size": len(same),
                    "success": True,
                }
            ],
        }
        return refusal


def _matches(new: Record, old: Record, *fields: str) -> bool:
    """Tell whether two records have the same in all of some fields, and something in each."""
    return all(new.get(name) and str(new[name]).lower() == str(old.get(name) or "").lower() for name in fields)
