"""Secrets of connections: what is one is declared as one, and no text shows it."""

from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from connectors.base import Connector
from connectors.catalog import catalog
from flows.masking import is_secret

CONNECTORS = list(catalog().connectors.values())
SECRET = "s3cr3t-0f-a-c0nnecti0n"


def name_of(connector: Connector[BaseModel, object]) -> str:
    return connector.name


@pytest.mark.parametrize("connector", CONNECTORS, ids=name_of)
def test_what_is_named_like_a_secret_is_declared_as_one(connector: Connector[BaseModel, object]) -> None:
    named = {name: field for name, field in connector.settings.model_fields.items() if is_secret(name)}
    addresses = {name for name in named if name.endswith("_address")}
    assert [name for name in named if name not in addresses and "SecretStr" not in str(named[name].annotation)] == []


@pytest.mark.parametrize("connector", CONNECTORS, ids=name_of)
def test_no_text_of_settings_shows_a_secret(connector: Connector[BaseModel, object]) -> None:
    secrets: dict[str, Any] = {
        name: SecretStr(SECRET)
        for name, field in connector.settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    assert secrets
    settings = connector.settings.model_construct(**secrets)
    texts = [repr(settings), str(settings), settings.model_dump_json(warnings=False), str(settings.model_dump())]
    assert [text for text in texts if SECRET in text] == []
