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


@cache
def _block_kit_of(surface: str) -> Any:
    """Compile Block Kit's schema once: of a message's blocks, or of a view."""
    schema = dict(block_kit() or {})
    if surface in SURFACES:
        schema["$ref"] = SURFACES[surface]
        for name in ("type", "items", "maxItems", "minItems"):
            schema.pop(name, None)
    return jsonschema.validators.validator_for(schema)(schema)


def slack_would_take(calls: Sequence[Mapping[str, Any]]) -> None:
    """Check every message and view that was sent against Slack's schema."""
    if block_kit() is None:
        return
    for call in calls:
        given = call["arguments"] or {}
        if given.get("blocks"):
            _block_kit_of("message").validate(given["blocks"])
        if given.get("view"):
            _block_kit_of(given["view"]["type"]).validate(given["view"])


@cache
def post_login() -> dict[str, Any] | None:
    """Return the schema of a post-login event, or None where there are no specifications."""
    file = FOLDER / "auth0" / "actions-schema.json"
    schemas = json.loads(file.read_text())["components"]["schemas"] if file.exists() else None
    return {"components": {"schemas": schemas}, "$ref": "#/components/schemas/PostLogin"} if schemas else None
