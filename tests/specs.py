"""The outside services' own specifications, where they stand beside the project."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

FOLDER = Path(__file__).parent.parent.parent / "shared" / "specs"
SURFACES = {"modal": "#/$defs/modal_view", "home": "#/$defs/home_view"}


@cache
def block_kit() -> dict[str, Any] | None:
    """Return the schema of Block Kit, or None where there are no specifications."""
    file = FOLDER / "slack" / "slack-block-kit.schema.json"
    return json.loads(file.read_text()) if file.exists() else None


def slack_would_take(calls: Sequence[Mapping[str, Any]]) -> None:
    """Check every message and view that was sent against Slack's schema."""
    schema = block_kit()
    if schema is None:
        return
    for call in calls:
        given = call["arguments"] or {}
        if given.get("blocks"):
            jsonschema.validate(given["blocks"], schema)
        if given.get("view"):
            surface = {**schema, "$ref": SURFACES[given["view"]["type"]]}
            for name in ("type", "items", "maxItems", "minItems"):
                surface.pop(name, None)
            jsonschema.validate(given["view"], surface)


@cache
def post_login() -> dict[str, Any] | None:
    """Return the schema of a post-login event, or None where there are no specifications."""
    file = FOLDER / "auth0" / "actions-schema.json"
    schemas = json.loads(file.read_text())["components"]["schemas"] if file.exists() else None
    return {"components": {"schemas": schemas}, "$ref": "#/components/schemas/PostLogin"} if schemas else None
