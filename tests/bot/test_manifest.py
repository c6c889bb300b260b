"""The manifest that the Slack app is created from."""

import json

import jsonschema
import pytest

from bot.manifest import manifest
from tests.specs import FOLDER


@pytest.mark.parametrize("url", [None, "https://cicflow.example.com"])
def test_slack_takes_the_manifest(url: str | None) -> None:
    file = FOLDER / "slack" / "manifest.schema.2.0.0.json"
    if not file.exists():
        pytest.skip("the specifications are not beside the project")
    jsonschema.validate(manifest(url), json.loads(file.read_text()))
