"""Folders, static lists and smart campaigns as assets: forms go in, and odd dates come out."""

import re

from starlette.responses import Response

from sandbox.marketo.answers import Json, Refusal, answer, no_assets
from sandbox.marketo.calls import Call
from sandbox.marketo.instance import Campaign, Folder, Instance, StaticList


def _page(call: Call, found: list[Json]) -> Response:
    start = call.number("offset", 0, most=10**9)
    size = call.number("maxReturn", 20, most=200)
    some = found[start : start + size]
    return answer(some, errors=[], warnings=[]) if some else no_assets()


def _folder_named(call: Call, name: str) -> int:
    """Read which folder is meant, from JSON or something like it."""
    text = call.one(name)
    if not text:
        raise Refusal(1002, f"Missing value for required parameter '{name}'")
    found = re.search(r"""["']?id["']?\s*:\s*["']?(\d+)""", text)
    kind = re.search(r"""["']?type["']?\s*:\s*["']?(Folder|Program)\b""", text)
    if not found or not kind:
        raise Refusal(1001, f"Invalid value '{text}'. Required of type 'Folder'")
    return int(found[1])


def _form(call: Call) -> None:
    if call.content and not call.kind.startswith("application/x-www-form-urlencoded"):
        # A client that sends nothing in the body may call it what it likes.
        raise Refusal(612, "Invalid Content Type")


def _name(call: Call) -> str:
    name = call.one("name")
    if not name:
        raise Refusal(701, "name cannot be blank")
    return name


def _shown_list(instance: Instance, each: StaticList) -> Json:
    return {
        "id": each.id,
        "name": each.name,
        "description": each.description,
        "createdAt": each.created,
        "updatedAt": each.created,
        "url": f"https://app-sandbox.marketo.com/#ST{each.id}A1",
        "folder": {"id": each.folder, "type": "Folder"},
        "workspace": "Default",
        "computedUrl": f"https://app-sandbox.marketo.com/#ST{each.id}A1",
    }


def lists(instance: Instance, call: Call) -> Response:
    """Browse the static lists."""
    folder = _folder_named(call, "folder") if call.one("folder") else None
    found = [_shown_list(instance, each) for each in instance.lists.values() if folder in {None, each.folder}]
    return _page(call, found)


def list_by_name(instance: Instance, call: Call) -> Response:
    """Find a static list by its exact name."""
    name = _name(call)
    if "," in name:
        raise Refusal(1003, "Names with commas are not supported")
    found = [_shown_list(instance, each) for each in instance.lists.values() if each.name == name]
    return _page(call, found)


def list_by_id(instance: Instance, call: Call) -> Response:
    """Get one static list."""
    found = instance.lists.get(int(call.ids["id"]))
    return answer([_shown_list(instance, found)]) if found else no_assets()


def create_list(instance: Instance, call: Call) -> Response:
    """Create a static list in a folder. Its name is its own."""
    _form(call)
    name, folder = _name(call), _folder_named(call, "folder")
    if folder not in instance.folders:
        raise Refusal(702, "Folder not found")
    if any(each.name == name for each in instance.lists.values()):
        raise Refusal(709, "Static List with the same name already exists")
    made = StaticList(
        id=instance.new_id(),
        name=name,
        folder=folder,
        description=call.one("description") or "",
        created=instance.asset_stamp(),
    )
    instance.lists[made.id] = made
    return answer([_shown_list(instance, made)], errors=[], warnings=[])


def delete_list(instance: Instance, call: Call) -> Response:
    """Delete a static list."""
    number = int(call.ids["id"])
    if instance.lists.pop(number, None) is None:
        raise Refusal(702, "Static List not found")
    return answer([{"id": number}], errors=[], warnings=[])


def _shown_folder(instance: Instance, each: Folder) -> Json:
    path, above = f"/{each.name}", each.parent
    while above is not None:
        path, above = f"/{instance.folders[above].name}{path}", instance.folders[above].parent
    shown: Json = {
        "id": each.id,
        "name": each.name,
        "description": each.description,
        "createdAt": each.created,
        "updatedAt": each.created,
        "url": f"https://app-sandbox.marketo.com/#MF{each.id}A1",
        "folderId": {"id": each.id, "type": "Folder"},
        "folderType": "Zone" if each.parent is None else "Marketing Folder",
        "path": path,
        "isArchive": False,
        "isSystem": each.parent is None,
        "accessZoneId": 1,
        "workspace": "Default",
    }
    return shown | ({"parent": {"id": each.parent, "type": "Folder"}} if each.parent is not None else {})


def folders(instance: Instance, call: Call) -> Response:
    """Browse the folders."""
    return _page(call, [_shown_folder(instance, each) for each in instance.folders.values()])


def folder_by_name(instance: Instance, call: Call) -> Response:
    """Find folders by their exact name, below another if asked so."""
    name = _name(call)
    root = _folder_named(call, "root") if call.one("root") else None
    found = [
        _shown_folder(instance, each)
        for each in instance.folders.values()
        if each.name == name and (root is None or each.parent == root)
    ]
    return answer(found, errors=[], warnings=[]) if found else no_assets()


def folder_by_id(instance: Instance, call: Call) -> Response:
    """Get one folder."""
    if call.one("type") not in {"Folder", "Program"}:
        raise Refusal(1002, "Missing value for required parameter 'type'")
    found = instance.folders.get(int(call.ids["id"]))
    return answer([_shown_folder(instance, found)]) if found else no_assets()


def create_folder(instance: Instance, call: Call) -> Response:
    """Create a folder in another. Two in one folder cannot have the same name."""
    _form(call)
    name, parent = _name(call), _folder_named(call, "parent")
    if parent not in instance.folders:
        raise Refusal(702, "Parent folder not found")
    if any(each.name == name and each.parent == parent for each in instance.folders.values()):
        raise Refusal(709, "Folder with the same name already exists")
    made = Folder(
        id=instance.new_id(),
        name=name,
        parent=parent,
        description=call.one("description") or "",
        created=instance.asset_stamp(),
    )
    instance.folders[made.id] = made
    return answer([_shown_folder(instance, made)], errors=[], warnings=[])


def _shown_campaign(each: Campaign) -> Json:
    return {
        "id": each.id,
        "name": each.name,
        "description": "",
        "createdAt": each.created,
        "updatedAt": each.created,
        "folder": {"id": 11, "type": "Folder"},
        "status": "Active" if each.active else "Inactive",
        "type": each.kind,
        "isSystem": False,
        "isActive": each.active,
        "isRequestable": each.requestable,
        "isCommunicationLimitEnabled": False,
        "recurrence": {"weekdayOnly": False},
        "qualificationRuleType": "any",
        "workspace": "Default",
        "smartListId": each.id + 5000,
        "flowId": each.id + 6000,
    }


def smart_campaigns(instance: Instance, call: Call) -> Response:
    """Browse the smart campaigns."""
    wanted = call.one("isActive")
    found = [
        _shown_campaign(each)
        for each in instance.campaigns.values()
        if wanted is None or each.active == (wanted == "true")
    ]
    return _page(call, found)


def programs(instance: Instance, call: Call) -> Response:
    """Browse the programs."""
    names = dict.fromkeys(each.program for each in instance.campaigns.values())
    found: list[Json] = [
        {
            "id": 1100 + place,
            "name": name,
            "description": "",
            "createdAt": "2024-03-05T09:12:44Z+0000",
            "updatedAt": "2024-03-05T09:12:44Z+0000",
            "url": f"https://app-sandbox.marketo.com/#PG{1100 + place}A1",
            "type": "default",
            "channel": "Nurture",
            "folder": {"type": "Folder", "value": 11, "folderName": "Marketing Activities"},
            "status": "unlocked",
            "workspace": "Default",
            "tags": [],
            "costs": [],
        }
        for place, name in enumerate(names)
    ]
    return _page(call, found)
