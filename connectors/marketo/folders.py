"""Folders, in which lists and other assets lie."""

from typing import Any

from pydantic import Field

from connectors.base import Value
from connectors.errors import Missing
from connectors.marketo.assets import FolderId, Name, created
from connectors.marketo.client import Instance
from connectors.marketo.connector import marketo

FOLDERS = "/rest/asset/v1/folders.json"


class FolderName(Value):
    """Which folder is meant, by its name."""

    name: Name = Field(title="Name", description="The exact name of the folder.")
    parent_id: int | None = Field(
        default=None,
        ge=1,
        title="In folder",
        description="Marketo's id of the folder that it is in; needed only where several have the same name.",
        json_schema_extra={"choices_of": "marketo.folders"},
    )


class NewFolder(Value):
    """A folder to create."""

    name: Name = Field(title="Name", description="What it is called; no two in one folder have the same name.")
    parent_id: FolderId
    description: str = Field(default="", max_length=2000, title="Description", description="What it is for.")


class Folder(Value):
    """A folder."""

    id: int = Field(title="Folder", description="Marketo's id of it.")
    name: str = Field(title="Name", description="What it is called.")
    path: str = Field(default="", title="Path", description="The names of all folders down to it.")
    created: bool = Field(default=False, title="Created", description="Whether it is new.")


@marketo.action("Find a folder", effect="reads", repeatable=True)
async def find_folder(client: Instance, given: FolderName) -> Folder:
    """Find a folder by its name. The step fails where there is none."""
    found = await _find(client, given.name, given.parent_id)
    if found is None:
        raise Missing(f"There is no folder in Marketo with the name {given.name}.")
    return _shown(found)


@marketo.action("Create a folder", effect="changes", repeatable=True)
async def create_folder(client: Instance, given: NewFolder) -> Folder:
    """Create a folder in another. If there is one with this name there already, it is given as it is."""
    form = {"name": given.name, "description": given.description}
    found, new = await created(
        client,
        FOLDERS,
        form,
        inside=("parent", given.parent_id),
        look=lambda: _find(client, given.name, given.parent_id),
    )
    return _shown(found, created=new)


async def _find(client: Instance, name: str, parent_id: int | None) -> dict[str, Any] | None:
    answer = await client.read("/rest/asset/v1/folder/byName.json", {"name": name, "type": "Folder"})
    return next(
        (
            each
            for each in answer.result
            if each["name"] == name and parent_id in {None, (each.get("parent") or {}).get("id")}
        ),
        None,
    )


def _shown(found: dict[str, Any], *, created: bool = False) -> Folder:
    return Folder(id=found["id"], name=found["name"], path=found.get("path") or "", created=created)
