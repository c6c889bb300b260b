"""Leads: the people that Marketo knows."""

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from connectors.base import Value
from connectors.errors import Missing, Refused
from connectors.marketo.client import Done, Instance
from connectors.marketo.connector import marketo
from connectors.marketo.writing import (
    BATCH,
    LEADS,
    Outcome,
    Outcomes,
    by_parts,
    folded,
    one,
    outcome,
    outcomes,
    write,
)

FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,99}$")]
LeadId = Annotated[int, Field(ge=1)]
ATTRIBUTES: Any = Field(
    default_factory=dict,
    title="Fields",
    description="What to write: Marketo's REST names of fields, with values; null empties a field.",
)
KEY_FIELD = Field(
    default="email",
    title="Key field",
    description="Marketo's REST name of the field that tells leads apart, such as email.",
    json_schema_extra={"choices_of": "marketo.key_fields"},
)
MORE_FIELDS: Any = Field(
    default_factory=list,
    max_length=100,
    title="Fields",
    description="Which more fields to bring back, by Marketo's REST names.",
    json_schema_extra={"choices_of": "marketo.fields"},
)
PARTITION = Field(
    default=None, max_length=200, title="Partition", description="The lead partition; only where there are several."
)


class Lead(Value):
    """A lead, by its key, and what to write."""

    key_value: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)] = Field(
        title="Key", description="The value of the key field, usually the e-mail address."
    )
    key_field: FieldName = KEY_FIELD
    attributes: dict[FieldName, Any] = ATTRIBUTES
    partition: str | None = PARTITION

    @property
    def record(self) -> dict[str, Any]:
        """What is sent. The key goes before a field of the same name."""
        return {**self.attributes, self.key_field: int(self.key_value) if self.key_field == "id" else self.key_value}

    @model_validator(mode="after")
    def _id_is_a_number(self) -> Self:
        if self.key_field == "id" and not self.key_value.isdecimal():
            raise ValueError("Marketo's ids of leads are numbers.")
        return self


class NewLead(Lead):
    """A lead that there may not be yet."""

    @field_validator("key_field")
    @classmethod
    def _no_id(cls, field: str) -> str:
        """Refuse Marketo's own id: it cannot be chosen."""
        if field == "id":
            raise ValueError("Marketo gives out the ids of leads itself; choose another key field.")
        return field


class Leads(Value):
    """Several leads, and what to write."""

    records: list[dict[FieldName, Any]] = Field(
        min_length=1,
        max_length=10_000,
        title="Leads",
        description="Each with Marketo's REST names of fields and values, the key field among them.",
    )
    key_field: FieldName = KEY_FIELD
    partition: str | None = PARTITION


class NewLeads(Leads):
    """Several leads that there may not be yet."""

    @model_validator(mode="after")
    def _no_id(self) -> Self:
        if self.key_field == "id":
            raise ValueError("Marketo gives out the ids of leads itself; choose another key field.")
        return self


class Written(Value):
    """The lead that was written."""

    id: int = Field(title="Lead", description="Marketo's id of the lead.")
    status: str = Field(title="Status", description="created or updated.")


class LeadIds(Value):
    """Which leads are meant."""

    lead_ids: list[LeadId] = Field(
        min_length=1, max_length=10_000, title="Leads", description="Marketo's ids of the leads."
    )


class LeadSearch(Value):
    """By which field and value to look."""

    value: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)] = Field(
        title="Value", description="Such as the e-mail address."
    )
    field: FieldName = KEY_FIELD
    fields: list[FieldName] = MORE_FIELDS

    @field_validator("value")
    @classmethod
    def _no_comma(cls, value: str) -> str:
        """Refuse what Marketo would read as two values."""
        if "," in value:
            raise ValueError("Marketo cannot look for values with a comma.")
        return value


class LeadsSearch(Value):
    """By which field and values to look."""

    values: list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]] = Field(
        min_length=1, max_length=BATCH, title="Values", description="Up to 300, such as e-mail addresses."
    )
    field: FieldName = KEY_FIELD
    fields: list[FieldName] = MORE_FIELDS


class FoundLead(Value):
    """A lead."""

    id: int = Field(title="Lead", description="Marketo's id of the lead.")
    email: str | None = Field(default=None, title="E-mail", description="The e-mail address.")
    first_name: str | None = Field(default=None, title="First name", description="The first name.")
    last_name: str | None = Field(default=None, title="Last name", description="The last name.")
    fields: dict[str, Any] = Field(
        default_factory=dict, title="Fields", description="Everything that was brought back, by Marketo's names."
    )


class FoundLeads(Value):
    """The leads that were found."""

    leads: list[FoundLead] = Field(title="Leads", description="Each of them; at most 1,000.")
    ids: list[int] = Field(title="Ids", description="Marketo's ids of them.")
    missing: list[str] = Field(title="Missing", description="The values for which there is no lead.")


def _all(given: Leads) -> int:
    return len(given.records)


def _ids(given: LeadIds) -> int:
    return len(set(given.lead_ids))


def _written(done: Outcome) -> Written:
    fine = one(done)
    if fine.id is None:
        raise Refused("Marketo did not say which lead it was.")
    return Written(id=fine.id, status=fine.status)


@marketo.action("Create a lead", effect="changes")
async def create_lead(client: Instance, given: NewLead) -> Written:
    """Create a lead that is not there yet. If there is one with this key, it is left as it is, and the step fails."""
    (done,) = await write(client, "createOnly", given.key_field, [given.record], partition=given.partition)
    return _written(done)


@marketo.action("Update a lead", effect="changes", repeatable=True)
async def update_lead(client: Instance, given: Lead) -> Written:
    """Write fields of a lead that is there, found by its key."""
    (done,) = await write(client, "updateOnly", given.key_field, [given.record], partition=given.partition)
    return _written(done)


@marketo.action("Create or update a lead", effect="changes", repeatable=True)
async def upsert_lead(client: Instance, given: NewLead) -> Written:
    """Write fields of the lead with a key; where there is none, it is created."""
    (done,) = await write(client, "createOrUpdate", given.key_field, [given.record], partition=given.partition)
    return _written(done)


@marketo.action("Create leads", effect="changes", counts=_all)
async def create_leads(client: Instance, given: NewLeads) -> Outcomes:
    """Create leads, 300 in a call. Those that are there already are left as they are, and named as skipped."""
    return outcomes(await write(client, "createOnly", given.key_field, given.records, partition=given.partition))


@marketo.action("Update leads", effect="changes", repeatable=True, counts=_all)
async def update_leads(client: Instance, given: Leads) -> Outcomes:
    """Write fields of leads that are there, 300 in a call. What came of each is in the order of what was given."""
    return outcomes(await write(client, "updateOnly", given.key_field, given.records, partition=given.partition))


@marketo.action("Create or update leads", effect="changes", repeatable=True, counts=_all)
async def upsert_leads(client: Instance, given: NewLeads) -> Outcomes:
    """Write leads by their keys, 300 in a call. What came of each is in the order of what was given."""
    return outcomes(await write(client, "createOrUpdate", given.key_field, given.records, partition=given.partition))


@marketo.action("Find a lead", effect="reads", repeatable=True)
async def find_lead(client: Instance, given: LeadSearch) -> FoundLead:
    """Find the one lead whose field has a value. The step fails where there is none, or more than one."""
    found = await _found(client, given.field, [given.value], given.fields)
    match found:
        case [lead]:
            return lead
        case []:
            raise Missing(f"There is no lead in Marketo with this {given.field}.")
        case _:
            raise Refused(f"There are {len(found)} leads in Marketo with this {given.field}.", code="1007")


@marketo.action("Find leads", effect="reads", repeatable=True)
async def find_leads(client: Instance, given: LeadsSearch) -> FoundLeads:
    """Find the leads whose field has one of up to 300 values, and name the values for which there is none."""
    values = [value for value in dict.fromkeys(given.values) if "," not in value]
    leads = await _found(client, given.field, values, given.fields) if values else []
    known = {folded(lead.fields.get(given.field)) for lead in leads}
    missing = [value for value in given.values if folded(value) not in known]
    return FoundLeads(leads=leads, ids=[lead.id for lead in leads], missing=missing)


@marketo.action("Delete leads", effect="destroys", repeatable=True, counts=_ids)
async def delete_leads(client: Instance, given: LeadIds) -> Outcomes:
    """Delete leads for good, with everything that Marketo knows of them."""
    return await operated(client, "/rest/v1/leads/delete.json", given.lead_ids)


async def operated(client: Instance, path: str, ids: list[int], *, method: str = "POST") -> Outcomes:
    """Do something with leads by their ids, 300 in a call; each id is sent once, and every answer is in order."""
    sent = list(dict.fromkeys(ids))

    async def act(part: Any) -> list[Outcome]:
        answer = await client.change(path, {"input": [{"id": each} for each in part]}, method=method)
        return [outcome(Done.model_validate(each)) for each in answer.result]

    parts = [sent[start : start + BATCH] for start in range(0, len(sent), BATCH)]
    done = dict(zip(sent, await by_parts(client, parts, act), strict=False))
    return outcomes([done.get(each, Outcome(status="unknown", message="Marketo did not say.")) for each in ids])


async def _found(client: Instance, field: str, values: list[str], fields: list[str]) -> list[FoundLead]:
    """Look leads up, and keep those that are what was asked for."""
    wanted = {folded(value) for value in values}
    names = list(dict.fromkeys(["id", "email", "firstName", "lastName", field, *fields]))
    query = {"filterType": field, "filterValues": ",".join(values), "fields": ",".join(names)}
    return [
        shown(lead) async for page in client.pages(LEADS, query) for lead in page if folded(lead.get(field)) in wanted
    ]


def shown(lead: dict[str, Any]) -> FoundLead:
    """Show a lead of Marketo's as ours."""
    return FoundLead(
        id=lead["id"],
        email=lead.get("email"),
        first_name=lead.get("firstName"),
        last_name=lead.get("lastName"),
        fields=lead,
    )
