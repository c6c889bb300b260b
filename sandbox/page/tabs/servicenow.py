"""The desk: incidents with their work notes and attachments."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.page.tabs.tab import Group, Mark, Note, Record, Tab, Tone, facts, rows

STATES: Final[Mapping[str, tuple[str, Tone]]] = {
    "1": ("New", "warn"),
    "2": ("In progress", "warn"),
    "3": ("On hold", ""),
    "6": ("Resolved", "good"),
    "7": ("Closed", "good"),
    "8": ("Canceled", ""),
}
LEVELS: Final = {"1": "High", "2": "Medium", "3": "Low"}
JOURNALS: Final = {"work_notes": "Work note", "comments": "Comment"}


def tab(state: Mapping[str, Any]) -> Tab:
    """Choose what the page shows."""
    tables = state.get("tables") or {}
    names = {
        str(one.get("sys_id")): str(one.get("name") or "")
        for table in ("sys_user", "sys_user_group")
        for one in rows(tables, table)
    }
    journal, files = rows(tables, "sys_journal_field"), rows(tables, "sys_attachment")
    incidents = rows(tables, "incident")
    newest = sorted(incidents, key=lambda one: str(one.get("number") or ""), reverse=True)
    records = [_incident(one, names, journal, files) for one in newest]
    return Tab(
        side="servicenow",
        title="ServiceNow",
        sequence=int(state.get("sequence") or 0),
        arrived=len(incidents) + len(journal) + len(files),
        groups=(Group.of("Incidents", records, "There is no incident."),),
    )


def _incident(
    one: Mapping[str, Any], names: Mapping[str, str], journal: list[dict[str, Any]], files: list[dict[str, Any]]
) -> Record:
    id_ = str(one.get("sys_id") or "")
    state, tone = STATES.get(str(one.get("state")), (str(one.get("state")), ""))
    urgency = LEVELS.get(str(one.get("urgency")), str(one.get("urgency") or ""))
    attached = [str(file.get("file_name")) for file in files if file.get("table_sys_id") == id_]
    notes = [
        Note(
            key=str(entry.get("sys_id")),
            words=f"{JOURNALS.get(str(entry.get('element')), '')}: {entry.get('value')}",
            at=_moment(entry.get("sys_created_on")),
        )
        for entry in journal
        if entry.get("element_id") == id_
    ]
    marks = (Mark(words=state, tone=tone), Mark(words=f"Urgency {urgency}", tone="danger" if urgency == "High" else ""))
    return Record(
        key=id_,
        name=str(one.get("number") or ""),
        title=str(one.get("short_description") or "(without a short description)"),
        at=_moment(one.get("opened_at") or one.get("sys_created_on")),
        marks=marks,
        facts=facts(
            [
                ("Group", names.get(str(one.get("assignment_group")), one.get("assignment_group"))),
                ("Assigned to", names.get(str(one.get("assigned_to")), one.get("assigned_to"))),
                ("Caller", names.get(str(one.get("caller_id")), one.get("caller_id"))),
                ("Correlation", one.get("correlation_id")),
                ("Close code", one.get("close_code")),
                ("Close notes", one.get("close_notes")),
                ("Attached", ", ".join(attached)),
            ]
        ),
        text=str(one.get("description") or ""),
        notes=tuple(reversed(notes)),
    )


def _moment(written: object) -> str:
    """Write a time of the service's (UTC, without saying so) as everybody does."""
    return f"{str(written).replace(' ', 'T')}Z" if written else ""
