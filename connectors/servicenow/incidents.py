"""Incidents: making, changing, resolving and finding them, and writing notes on them."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from connectors.base import Value
from connectors.errors import Ambiguous, ConnectorError, Missing, Refused
from connectors.servicenow.client import Instance, result_of
from connectors.servicenow.connector import servicenow
from connectors.servicenow.creating import make
from connectors.servicenow.directory import group_id, user_id
from connectors.servicenow.names import SYS_ID, ColumnName, Held, Sought, written
from connectors.servicenow.queries import Condition, equal, page

Level = Literal["1", "2", "3"]
RESOLVED: Final = "6"
SHOWN: Final = (
    "number",
    "short_description",
    "state",
    "priority",
    "urgency",
    "impact",
    "category",
    "caller_id",
    "assigned_to",
    "assignment_group",
    "active",
    "sys_created_on",
    "sys_updated_on",
    "resolved_at",
)
Text = Annotated[str, StringConstraints(max_length=4000)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=500)]
KEY: Final = "Text that names this record: the same again makes no second one."


class IncidentRef(Value):
    """Which incident is meant."""

    incident: Sought = Field(
        min_length=1, max_length=40, title="Incident", description="Its number, such as INC0010001, or its sys_id."
    )


class Incident(Value):
    """An incident as it is now. Everything is in ServiceNow's own values."""

    sys_id: str = Field(title="sys_id", description="ServiceNow's id of the incident.")
    number: str = Field(title="Number", description="Such as INC0010001.")
    short_description: str = Field(title="Short description", description="What it is about.")
    state: str = Field(title="State", description="ServiceNow's number of the state; 6 is resolved.")
    priority: str = Field(title="Priority", description="1 is the highest.")
    urgency: str = Field(title="Urgency", description="1 is the highest.")
    impact: str = Field(title="Impact", description="1 is the highest.")
    category: str = Field(title="Category", description="ServiceNow's name of the category.")
    caller_id: str = Field(title="Caller", description="The sys_id of the person concerned; empty if there is none.")
    assigned_to: str = Field(title="Assigned to", description="The sys_id of who works on it; empty if nobody does.")
    assignment_group: str = Field(title="Group", description="The sys_id of the group; empty if there is none.")
    active: bool = Field(title="Active", description="False when it is closed.")
    sys_created_on: str = Field(title="Created", description="When it was made: UTC, as ServiceNow writes it.")
    sys_updated_on: str = Field(title="Updated", description="When it was last changed: UTC, as ServiceNow writes it.")
    resolved_at: str = Field(title="Resolved", description="When it was resolved; empty if it was not.")
    link: str = Field(title="Link", description="Where people see it.")


class MadeIncident(Incident):
    """An incident that was made, or had been made before."""

    created: bool = Field(title="Created now", description="False where the key had named it before.")
    ignored: list[str] = Field(title="Ignored", description="Fields that were given and that ServiceNow does not take.")


class ChangedIncident(Incident):
    """An incident that was changed."""

    ignored: list[str] = Field(title="Ignored", description="Fields that were given and that ServiceNow does not take.")


class Details(Value):
    """What may be said of an incident."""

    description: Text | None = Field(default=None, title="Description", description="All that is known, in many lines.")
    caller: Sought | None = Field(
        default=None, title="Caller", description="The person concerned: e-mail address, user name or sys_id."
    )
    urgency: Level | None = Field(default=None, title="Urgency", description="1 is the highest, 3 the lowest.")
    impact: Level | None = Field(default=None, title="Impact", description="1 is the highest, 3 the lowest.")
    category: str | None = Field(default=None, max_length=100, title="Category", description="Such as software.")
    assignment_group: Sought | None = Field(
        default=None,
        title="Group",
        description="Who is to work on it: the name of a group or its sys_id.",
        json_schema_extra={"choices_of": "servicenow.groups"},
    )
    assigned_to: Sought | None = Field(
        default=None, title="Assigned to", description="Who is to work on it: e-mail address, user name or sys_id."
    )
    fields: dict[ColumnName, Held] = Field(
        default_factory=dict, title="More fields", description="Any other fields, by ServiceNow's names."
    )

    @model_validator(mode="after")
    def _fields_apart(self) -> Self:
        refuse_apart(self.fields)
        return self


class NewIncident(Details):
    """An incident to be."""

    short_description: str = Field(
        min_length=1, max_length=160, title="Short description", description="What it is about, in a line."
    )
    key: Key | None = Field(default=None, title="Key", description=KEY)


class IncidentChange(Details, IncidentRef):
    """What to change of an incident."""

    short_description: str | None = Field(
        default=None,
        min_length=1,
        max_length=160,
        title="Short description",
        description="What it is about, in a line.",
    )
    state: Literal["1", "2", "3", "6", "7", "8"] | None = Field(
        default=None,
        title="State",
        description="1 new, 2 in progress, 3 on hold, 6 resolved, 7 closed, 8 cancelled.",
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set - {"incident"}:
            raise ValueError("Say what to change.")
        return self


class Resolution(IncidentRef):
    """How an incident ended."""

    close_notes: str = Field(
        min_length=1,
        max_length=4000,
        title="Resolution notes",
        description="What was done, for those who read it later.",
    )
    close_code: str = Field(
        default="Solution provided",
        min_length=1,
        max_length=100,
        title="Resolution code",
        description="One of the codes of your instance.",
    )


class Note(IncidentRef):
    """A note to be written."""

    text: str = Field(min_length=1, max_length=8000, title="Text", description="What to note.")
    visible: bool = Field(
        default=False,
        title="For the caller, too",
        description="Whether it is a comment that the caller sees, not a work note.",
    )
    once: bool = Field(
        default=False, title="Once", description="Whether to write nothing where this very text is already noted."
    )


class Noted(Value):
    """A note that is there."""

    sys_id: str = Field(title="sys_id", description="ServiceNow's id of the incident.")
    number: str = Field(title="Number", description="Such as INC0010001.")
    written: bool = Field(title="Written now", description="False where the text had been noted before.")
    link: str = Field(title="Link", description="Where people see the incident.")


class IncidentSearch(Value):
    """Which incidents to look for. Everything that is filled in must fit."""

    active: bool | None = Field(default=None, title="Active", description="Only those that are not closed, or are.")
    state: Literal["1", "2", "3", "6", "7", "8"] | None = Field(
        default=None,
        title="State",
        description="1 new, 2 in progress, 3 on hold, 6 resolved, 7 closed, 8 cancelled.",
    )
    caller: Sought | None = Field(
        default=None, title="Caller", description="The person concerned: e-mail address, user name or sys_id."
    )
    assignment_group: Sought | None = Field(
        default=None,
        title="Group",
        description="The name of a group or its sys_id.",
        json_schema_extra={"choices_of": "servicenow.groups"},
    )
    contains: Sought | None = Field(
        default=None, min_length=1, title="Words", description="What the short description contains."
    )
    where: dict[str, Sought | int | bool | None] = Field(
        default_factory=dict, title="Other fields", description="Fields and the values that they must have."
    )
    limit: int = Field(default=50, ge=1, le=1000, title="At most", description="How many to bring back.")

    @model_validator(mode="after")
    def _conditions(self) -> Self:
        equal(self.where)
        return self


class FoundIncidents(Value):
    """The incidents that were found."""

    incidents: list[Incident] = Field(title="Incidents", description="The newest first.")
    count: int = Field(title="Count", description="How many were brought back.")
    complete: bool = Field(title="Complete", description="False when more fit than were brought back.")


def refuse_apart(fields: Mapping[str, Any]) -> None:
    """Refuse the fields that ServiceNow or we decide ourselves."""
    if "sys_id" in fields:
        raise ValueError("The sys_id cannot be chosen. To make no second one, give a key.")
    if {"work_notes", "comments"} & set(fields):
        raise ValueError("Notes are added by an action of their own, which makes sure that they are there once.")


def shown(client: Instance, row: Mapping[str, Any]) -> dict[str, Any]:
    """Read an incident out of an answer."""
    known = {name: written(row.get(name)) for name in ("sys_id", *SHOWN)}
    return {**known, "active": known["active"] == "true", "link": client.link("incident", known["sys_id"])}


async def _values(client: Instance, given: Details) -> dict[str, Held]:
    """Write what is said of an incident as ServiceNow wants it; people and groups are found first."""
    same = ("short_description", "description", "urgency", "impact", "category", "state")
    values: dict[str, Held] = {name: getattr(given, name) for name in same if getattr(given, name, None) is not None}
    if given.caller:
        values["caller_id"] = await user_id(client, given.caller)
    if given.assigned_to:
        values["assigned_to"] = await user_id(client, given.assigned_to)
    if given.assignment_group:
        values["assignment_group"] = await group_id(client, given.assignment_group)
    return {**values, **given.fields}


async def incident_row(client: Instance, incident: str, *, fields: tuple[str, ...] = SHOWN) -> Mapping[str, Any]:
    """Find an incident by its number or its sys_id. Raises Missing."""
    field = "sys_id" if SYS_ID.fullmatch(incident) else "number"
    found = await page(client, "incident", equal({field: incident}), fields=fields, limit=2)
    if len(found.rows) > 1:
        raise Refused(f"ServiceNow has several incidents {incident}: use the sys_id.")
    if not found.rows:
        raise Missing(f"ServiceNow has no incident {incident}, or does not let this connection see it.")
    return found.rows[0]


async def _patched(client: Instance, sys_id: str, values: Mapping[str, Held]) -> Mapping[str, Any]:
    parameters = {
        "sysparm_fields": ",".join(dict.fromkeys(["sys_id", *SHOWN, *values])),
        "sysparm_display_value": "false",
        "sysparm_input_display_value": "false",
        "sysparm_exclude_reference_link": "true",
    }
    body = {name: written(value) for name, value in values.items()}
    row = await result_of(client, "PATCH", f"/api/now/table/incident/{sys_id}", params=parameters, json=body)
    if not isinstance(row, dict):
        raise Ambiguous("ServiceNow did not say what it has changed.")
    return row


@servicenow.action("Create an incident", effect="changes")
async def create_incident(client: Instance, given: NewIncident) -> MadeIncident:
    """Create an incident. With a key, it is made once, however often the flow comes by."""
    values = await _values(client, given)
    made = await make(client, "incident", values, key=given.key, fields=SHOWN)
    return MadeIncident(**shown(client, made.row), created=made.created, ignored=list(made.ignored))


@servicenow.action("Get an incident", effect="reads", repeatable=True)
async def get_incident(client: Instance, given: IncidentRef) -> Incident:
    """Look up one incident, as it is at this moment."""
    return Incident(**shown(client, await incident_row(client, given.incident)))


@servicenow.action("Update an incident", effect="changes", repeatable=True)
async def update_incident(client: Instance, given: IncidentChange) -> ChangedIncident:
    """Change fields of an incident; the others stay as they are."""
    row = await incident_row(client, given.incident)
    values = await _values(client, given)
    changed = await _patched(client, row["sys_id"], values)
    return ChangedIncident(**shown(client, changed), ignored=[name for name in values if name not in changed])


@servicenow.action("Resolve an incident", effect="changes", repeatable=True)
async def resolve_incident(client: Instance, given: Resolution) -> Incident:
    """Set an incident to resolved, and say how it ended. One that is resolved already gets these notes."""
    row = await incident_row(client, given.incident)
    if row.get("state") == "7":
        raise Refused(f"The incident {row['number']} is closed already.")
    values = {"state": RESOLVED, "close_code": given.close_code, "close_notes": given.close_notes}
    changed = await _patched(client, row["sys_id"], values)
    if changed.get("state") != RESOLVED:
        raise Refused(f"ServiceNow did not resolve {row['number']}: a rule of the instance, or a right, is in the way.")
    return Incident(**shown(client, changed))


@servicenow.action("Add a note to an incident", effect="changes")
async def add_work_note(client: Instance, given: Note) -> Noted:
    """Write a work note on an incident, or a comment that the caller sees, too."""
    row = await incident_row(client, given.incident, fields=("number",))
    sys_id, element = row["sys_id"], "comments" if given.visible else "work_notes"
    noted = Noted(sys_id=sys_id, number=row["number"], written=True, link=client.link("incident", sys_id))
    async with client.turn(f"{sys_id}/{element}"):
        before = await _notes(client, sys_id, element, given.text)
        if given.once and before:
            return noted.model_copy(update={"written": False})
        try:
            await _patched(client, sys_id, {element: given.text})
        except Ambiguous as error:
            # A note cannot be marked, so it is never written a second time.
            for pause in client.pauses:
                await asyncio.sleep(pause)
                if await _there(client, sys_id, element, given.text, before or set()):
                    return noted
            message = f"{error.message} It was looked for and is not there yet; look at {noted.number} first."
            raise Ambiguous(message, status=error.status) from error
    return noted


async def _notes(client: Instance, sys_id: str, element: str, text: str) -> set[str] | None:
    """List the notes of an incident with this text by their ids; None where they may not be seen."""
    conditions = [Condition(field="element_id", value=sys_id), Condition(field="element", value=element)]
    try:
        found = await page(client, "sys_journal_field", conditions, fields=("value",), limit=200)
    except Refused:
        return None
    return {row["sys_id"] for row in found.rows if _same(written(row.get("value")), text)}


async def _there(client: Instance, sys_id: str, element: str, text: str, before: set[str]) -> bool:
    try:
        return bool((await _notes(client, sys_id, element, text) or set()) - before)
    except ConnectorError:
        return False


def _same(one: str, other: str) -> bool:
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()


@servicenow.action("Find incidents", effect="reads", repeatable=True)
async def find_incidents(client: Instance, given: IncidentSearch) -> FoundIncidents:
    """Find the newest incidents that fit."""
    where: dict[str, Any] = dict(given.where)
    if given.active is not None:
        where["active"] = given.active
    if given.state:
        where["state"] = given.state
    if given.caller:
        where["caller_id"] = await user_id(client, given.caller)
    if given.assignment_group:
        where["assignment_group"] = await group_id(client, given.assignment_group)
    conditions = equal(where)
    if given.contains:
        conditions.append(Condition(field="short_description", test="contains", value=given.contains))
    found = await page(client, "incident", conditions, fields=SHOWN, limit=given.limit)
    incidents = [Incident(**shown(client, row)) for row in found.rows]
    return FoundIncidents(incidents=incidents, count=len(incidents), complete=found.total <= given.limit)
