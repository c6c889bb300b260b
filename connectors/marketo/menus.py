"""What is chosen from an instance: lists, folders, programmes, campaigns, and fields of leads."""

from collections.abc import AsyncIterator, Sequence
from itertools import islice
from typing import Any, Final

from connectors.marketo.campaigns import requestable
from connectors.marketo.client import Instance
from connectors.marketo.connector import marketo
from connectors.marketo.describing import lead_fields
from connectors.marketo.folders import FOLDERS
from connectors.marketo.lists import LISTS
from connectors.menus import MOST, Choice, Sought, ordered

PROGRAMMES: Final = "/rest/asset/v1/programs.json"


@marketo.menu("Static lists")
async def lists(client: Instance, sought: Sought) -> Sequence[Choice]:  # noqa: ARG001 - Marketo looks for whole names only
    """List the static lists."""
    return await _assets(client.assets(LISTS), "name")


@marketo.menu("Folders")
async def folders(client: Instance, sought: Sought) -> Sequence[Choice]:  # noqa: ARG001 - Marketo looks for whole names only
    """List the folders, by the way to them."""
    return await _assets(client.assets(FOLDERS, {"maxDepth": 10}), "path")


@marketo.menu("Programmes")
async def programmes(client: Instance, sought: Sought) -> Sequence[Choice]:  # noqa: ARG001 - Marketo looks for whole names only
    """List the programmes."""
    return await _assets(client.assets(PROGRAMMES), "name")


@marketo.menu("Campaigns that other systems may ask for")
async def campaigns(client: Instance, sought: Sought) -> Sequence[Choice]:  # noqa: ARG001 - Marketo looks for whole names only
    """List the active campaigns with the trigger Campaign is Requested."""
    return ordered(
        Choice(value=str(each.id), label=f"{each.programme}: {each.name}" if each.programme else each.name)
        for each in islice(await requestable(client), MOST)
    )


@marketo.menu("Fields of leads")
async def fields(client: Instance, sought: Sought) -> Sequence[Choice]:  # noqa: ARG001 - they come all at once
    """List the fields of leads."""
    return ordered(Choice(value=each.name, label=each.title) for each in await lead_fields(client))


@marketo.menu("Fields by which leads are found")
async def key_fields(client: Instance, sought: Sought) -> Sequence[Choice]:  # noqa: ARG001 - they come all at once
    """List the fields by which leads are found."""
    return ordered(Choice(value=each.name, label=each.title) for each in await lead_fields(client) if each.key)


async def _assets(found: AsyncIterator[dict[str, Any]], label: str) -> list[Choice]:
    choices: list[Choice] = []
    async for each in found:
        choices.append(Choice(value=str(each["id"]), label=str(each.get(label) or each["name"])))
        if len(choices) >= MOST:
            break
    return ordered(choices)
