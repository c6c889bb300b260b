"""Static lists: found, created, filled and emptied, and who is in them."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from connectors.base import Value
from connectors.errors import Missing
from connectors.marketo.assets import FolderId, Name, created, named_asset
from connectors.marketo.client import Done, Instance
from connectors.marketo.connector import marketo
from connectors.marketo.leads import MORE_FIELDS, FieldName, FoundLead, LeadId, operated, shown
from connectors.marketo.writing import BATCH, LEADS, Outcome, Outcomes, folded, outcomes

ListId = Annotated[
    int,
    Field(
        ge=1,
        title="List",
        description="Marketo's id of the static list.",
        json_schema_extra={"choices_of": "marketo.lists"},
    ),
]
LISTS = "/rest/asset/v1/staticLists.json"


class ListName(Value):
    """Which list is meant, by its name."""

    name: Name = Field(title="Name", description="The exact name of the static list.")


class NewList(Value):
    """A static list to create."""

    name: Name = Field(title="Name", description="What it is called; no two static lists have the same name.")
    folder_id: FolderId
    description: str = Field(default="", max_length=2000, title="Description", description="What it is for.")


class StaticList(Value):
    """A static list."""

    id: int = Field(title="List", description="Marketo's id of it.")
    name: str = Field(title="Name", description="What it is called.")
    folder_id: int | None = Field(default=None, title="Folder", description="Marketo's id of the folder it is in.")
    created: bool = Field(default=False, title="Created", description="Whether it is new.")


class ListMembers(Value):
    """A list, and leads."""

    list_id: ListId
    lead_ids: list[LeadId] = Field(
        min_length=1, max_length=10_000, title="Leads", description="Marketo's ids of the leads."
    )


class ListMembersByKey(Value):
    """A list, and leads by one of their fields."""

    list_id: ListId
    values: list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]] = Field(
        min_length=1, max_length=10_000, title="Values", description="Such as e-mail addresses."
    )
    field: FieldName = Field(
        default="email",
        title="Key field",
        description="Marketo's REST name of the field that the values are of.",
        json_schema_extra={"choices_of": "marketo.key_fields"},
    )


class ListRef(Value):
    """Which list is meant, and what to tell of its members."""

    list_id: ListId
    fields: list[FieldName] = MORE_FIELDS


class Membership(Value):
    """Who of some leads is in a list."""

    members: list[int] = Field(title="Members", description="The ids of those who are in it.")
    others: list[int] = Field(title="Others", description="The ids of those who are not, or are no leads at all.")


def _ids(given: ListMembers) -> int:
    return len(set(given.lead_ids))


def _values(given: ListMembersByKey) -> int:
    return len({folded(value) for value in given.values})


def _path(list_id: int) -> str:
    return f"/rest/v1/lists/{list_id}/leads.json"


@marketo.action("Find a static list", effect="reads", repeatable=True)
async def find_list(client: Instance, given: ListName) -> StaticList:
    """Find the static list with a name. The step fails where there is none."""
    found = await _by_name(client, given.name)
    if found is None:
        raise Missing(f"There is no static list in Marketo with the name {given.name}.")
    return _shown(found)


@marketo.action("Create a static list", effect="changes", repeatable=True)
async def create_list(client: Instance, given: NewList) -> StaticList:
    """Create a static list in a folder. If there is one with this name already, it is given as it is."""
    form = {"name": given.name, "description": given.description}
    found, new = await created(
        client, LISTS, form, inside=("folder", given.folder_id), look=lambda: _by_name(client, given.name)
    )
    return _shown(found, created=new)


@marketo.action("Add leads to a static list", effect="changes", undo="remove_from_list", repeatable=True, counts=_ids)
async def add_to_list(client: Instance, given: ListMembers) -> Outcomes:
    """Put leads into a static list, 300 in a call. Those who are in it stay there."""
    return await operated(client, _path(given.list_id), given.lead_ids)


@marketo.action("Remove leads from a static list", effect="changes", undo="add_to_list", repeatable=True, counts=_ids)
async def remove_from_list(client: Instance, given: ListMembers) -> Outcomes:
    """Take leads out of a static list, 300 in a call. Those who are not in it are named as skipped."""
    return await operated(client, _path(given.list_id), given.lead_ids, method="DELETE")


@marketo.action("Add leads to a static list by their e-mail", effect="changes", repeatable=True, counts=_values)
async def add_to_list_by_key(client: Instance, given: ListMembersByKey) -> Outcomes:
    """Look leads up by e-mail or another field, and put them into a static list. None is created: who is not there is named."""
    ids: dict[str, list[int]] = {}
    values = [value for value in dict.fromkeys(given.values) if "," not in value]
    for start in range(0, len(values), BATCH):
        query = {
            "filterType": given.field,
            "filterValues": ",".join(values[start : start + BATCH]),
            "fields": given.field,
        }
        async for page in client.pages(LEADS, query):
            for lead in page:
                ids.setdefault(folded(lead.get(given.field)), []).append(int(lead["id"]))
    found = {folded(value): ids.get(folded(value), []) for value in given.values}
    wanted = [each for some in found.values() for each in some]
    done = (await operated(client, _path(given.list_id), wanted)).results if wanted else []
    by_id = dict(zip(wanted, done, strict=True))
    return outcomes([_of_value([by_id[each] for each in found[folded(value)]]) for value in given.values])


def _of_value(done: list[Outcome]) -> Outcome:
    """Say what came of one value; where it is of several leads, the worst."""
    if not done:
        return Outcome(status="skipped", code="1004", message="There is no such lead.")
    return next((each for each in done if each.failed), done[0])


@marketo.action("Tell who is in a static list", effect="reads", repeatable=True)
async def check_list_members(client: Instance, given: ListMembers) -> Membership:
    """Tell which of some leads are in a static list."""
    members: set[int] = set()
    ids = list(dict.fromkeys(given.lead_ids))
    for start in range(0, len(ids), BATCH):
        some = {"id": ids[start : start + BATCH]}
        answer = await client.read(f"/rest/v1/lists/{given.list_id}/leads/ismember.json", some)
        found = [Done.model_validate(each) for each in answer.result]
        members |= {each.id for each in found if each.id is not None and each.status == "memberof"}
    return Membership(
        members=[each for each in ids if each in members], others=[each for each in ids if each not in members]
    )


@marketo.action("List the members of a static list", effect="reads", repeatable=True)
async def list_members(client: Instance, given: ListRef) -> AsyncIterator[FoundLead]:
    """List everybody who is in a static list, however many they are."""
    names = list(dict.fromkeys(["id", "email", "firstName", "lastName", *given.fields]))
    async for page in client.pages(_path(given.list_id), {"fields": ",".join(names)}):
        for lead in page:
            yield shown(lead)


async def _by_name(client: Instance, name: str) -> dict[str, Any] | None:
    return await named_asset(client, "/rest/asset/v1/staticList/byName.json", LISTS, name)


def _shown(found: dict[str, Any], *, created: bool = False) -> StaticList:
    folder = found.get("folder") or {}
    return StaticList(id=found["id"], name=found["name"], folder_id=folder.get("id"), created=created)
