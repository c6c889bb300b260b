"""Marketo: leads, static lists with their members, and campaigns with whom they were triggered for."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.page.tabs.tab import Group, Mark, Note, Record, Tab, facts, rows

HEADS: Final = frozenset({"id", "firstName", "lastName", "createdAt", "updatedAt"})
NAMED: Final = 25
"""Members of a list that are shown by name."""


def tab(state: Mapping[str, Any]) -> Tab:
    """Choose what the page shows."""
    leads = rows(state, "leads")
    by_id = {one.get("id"): one for one in leads}
    folders = {one.get("id"): str(one.get("name")) for one in rows(state, "folders")}
    lists, campaigns = rows(state, "lists"), rows(state, "campaigns")
    total = int(state.get("leads_total") or len(leads))
    members = sum(len(one.get("members") or []) for one in lists)
    sent = sum(len(one.get("sent") or []) for one in campaigns)
    listed = [
        _list(one, by_id, folders) for one in sorted(lists, key=lambda one: str(one.get("created")), reverse=True)
    ]
    return Tab(
        side="marketo",
        title="Marketo",
        sequence=int(state.get("sequence") or 0),
        arrived=total + len(lists) + members + sent,
        groups=(
            Group.of("Leads", [_lead(one) for one in reversed(leads)], "There are no leads.", total=total),
            Group.of("Static lists", listed, "There are no lists."),
            Group.of("Campaigns", [_campaign(one, by_id) for one in campaigns], "There are no campaigns."),
        ),
    )


def _called(lead: Mapping[str, Any] | None) -> str:
    if lead is None:
        return "(a lead that is not shown)"
    name = " ".join(str(lead[part]) for part in ("firstName", "lastName") if lead.get(part))
    return name or str(lead.get("email") or f"Lead {lead.get('id')}")


def _lead(one: Mapping[str, Any]) -> Record:
    return Record(
        key=f"lead-{one.get('id')}",
        name=str(one.get("id")),
        title=_called(one),
        at=one.get("createdAt"),
        facts=facts((name, value) for name, value in one.items() if name not in HEADS),
    )


def _list(one: Mapping[str, Any], leads: Mapping[Any, Mapping[str, Any]], folders: Mapping[Any, str]) -> Record:
    members = one.get("members") or []
    named = [f"{_called(leads.get(each))} · {(leads.get(each) or {}).get('email') or each}" for each in members]
    notes = [Note(key=f"{one.get('id')}-{each}", words=words) for each, words in zip(members, named, strict=True)]
    count = f"{len(members)} member{'' if len(members) == 1 else 's'}"
    return Record(
        key=f"list-{one.get('id')}",
        name=str(one.get("id")),
        title=str(one.get("name")),
        marks=(Mark(words=count, tone="good" if members else ""),),
        facts=facts([("Folder", folders.get(one.get("folder"))), ("About", one.get("description"))]),
        notes=tuple(reversed(notes))[:NAMED],
        notes_called="Members",
    )


def _campaign(one: Mapping[str, Any], leads: Mapping[Any, Mapping[str, Any]]) -> Record:
    sent = [each for each in one.get("sent") or [] if isinstance(each, dict)]
    notes = [
        Note(key=f"{one.get('id')}-{number}", words=_sending(each, leads), at=each.get("at"))
        for number, each in enumerate(sent)
    ]
    state = Mark(words="Active", tone="good") if one.get("active") else Mark(words="Not active")
    marks: tuple[Mark, ...] = (Mark(words="Trigger" if one.get("kind") == "trigger" else "Batch"), state)
    if not one.get("requestable") and one.get("kind") == "trigger":
        marks = (*marks, Mark(words="Not by the API"))
    return Record(
        key=f"campaign-{one.get('id')}",
        name=str(one.get("id")),
        title=str(one.get("name")),
        marks=marks,
        facts=facts([("Triggered", len(sent))]),
        notes=tuple(reversed(notes))[:NAMED],
        notes_called="Triggered for",
    )


def _sending(each: Mapping[str, Any], leads: Mapping[Any, Mapping[str, Any]]) -> str:
    tokens = [token for token in each.get("tokens") or [] if isinstance(token, dict)]
    lines = [f"{token.get('name')} = {token.get('value')}" for token in tokens]
    return "\n".join([_called(leads.get(each.get("lead"))), *lines])
