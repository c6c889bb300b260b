"""The org: contacts, leads, accounts and cases."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.page.tabs.tab import Group, Mark, Record, Tab, facts, rows

SYSTEM: Final = frozenset(
    {"Id", "CreatedDate", "LastModifiedDate", "SystemModstamp", "CreatedById", "OwnerId", "IsDeleted"}
)
HEADS: Final = frozenset({"Name", "FirstName", "LastName", "Subject", "CaseNumber", "Status", "Description"})
KINDS: Final = (("Contact", "Contacts"), ("Lead", "Leads"), ("Account", "Accounts"), ("Case", "Cases"))


def tab(state: Mapping[str, Any]) -> Tab:
    """Choose what the page shows."""
    records = state.get("records") or {}
    accounts = {str(one.get("Id")): str(one.get("Name") or "") for one in rows(records, "Account")}
    groups = []
    for kind, title in KINDS:
        newest = [_record(kind, one, accounts) for one in reversed(rows(records, kind))]
        groups.append(Group.of(title, newest, f"There are no {title.lower()}."))
    return Tab(
        side="salesforce",
        title="Salesforce",
        sequence=int(state.get("sequence") or 0),
        arrived=sum(len(rows(records, kind)) for kind, _ in KINDS),
        groups=tuple(groups),
    )


def _record(kind: str, one: Mapping[str, Any], accounts: Mapping[str, str]) -> Record:
    whole = " ".join(str(one[name]) for name in ("FirstName", "LastName") if one.get(name))
    title = one.get("Subject") if kind == "Case" else one.get("Name") or whole
    marks = [Mark(words=str(one["Status"]), tone="warn" if kind == "Case" else "")] if one.get("Status") else []
    if one.get("IsConverted"):
        marks.append(Mark(words="Converted", tone="good"))
    known = {name: accounts.get(str(value), value) if name == "AccountId" else value for name, value in one.items()}
    return Record(
        key=str(one.get("Id") or ""),
        name=str(one.get("CaseNumber") or ""),
        title=str(title or whole or "(without a name)"),
        at=one.get("CreatedDate"),
        marks=tuple(marks),
        facts=facts((_label(name), value) for name, value in known.items() if name not in SYSTEM | HEADS),
        text=str(one.get("Description") or ""),
    )


def _label(field: str) -> str:
    """Write a field's name as words: "Auth0_Id__c" as "Auth0 Id", "AccountId" as "Account"."""
    return field.removesuffix("__c").replace("_", " ") if field.endswith("__c") else field.removesuffix("Id")
