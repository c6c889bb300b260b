"""What Marketo calls assets: things with names in folders. Forms go in, and nothing found is a success without a result."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from connectors.errors import Ambiguous, Refused
from connectors.marketo.client import Instance

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=r"^[^\x00-\x1f]+$")
]
FolderId = Annotated[
    int,
    Field(
        ge=1,
        title="Folder",
        description="Marketo's id of the folder.",
        json_schema_extra={"choices_of": "marketo.folders"},
    ),
]
Found = dict[str, Any]


async def named_asset(client: Instance, path: str, all_of_them: str, name: str) -> Found | None:
    """Find an asset by its exact name; by name Marketo finds none with a comma, so these are looked for one by one."""
    if "," in name:
        return next(
            (each for each in [each async for each in client.assets(all_of_them)] if each["name"] == name), None
        )
    return next((each for each in (await client.read(path, {"name": name})).result if each["name"] == name), None)


async def created(
    client: Instance,
    path: str,
    form: dict[str, str],
    *,
    inside: tuple[str, int],
    look: Callable[[], Awaitable[Found | None]],
) -> tuple[Found, bool]:
    """Create what has a name of its own, unless it is there; what was cut is looked for before it is tried again."""
    word, folder_id = inside
    sent = {**form, word: json.dumps({"id": folder_id, "type": "Folder"})}
    async with client.keys.held([f"{path} {folder_id if word == 'parent' else ''} {form['name']}"]):
        there = await look()
        if there is not None:
            return there, False
        for pause in (*client.pauses, None):
            try:
                return (await client.submit(path, {key: value for key, value in sent.items() if value})).result[0], True
            except IndexError:
                raise Ambiguous("Marketo did not say what it created: it may or may not be there.") from None
            except Ambiguous:
                if pause is None:
                    raise
                await asyncio.sleep(pause)
                made = await look()
                if made is not None:
                    return made, True
            except Refused as error:
                made = await look() if error.code == "709" else None
                if made is None:
                    raise
                return made, False
    raise AssertionError("the last try returns or raises")
