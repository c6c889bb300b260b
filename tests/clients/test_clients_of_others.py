"""Clients that others wrote for the real services, against the sandbox's: each as a program of its own."""

import asyncio
import json
import os
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from sandbox.trust import trust
from sandbox.world import World
from tests.worlds import ROOT

HERE: Final = Path(__file__).parent
PYTHON: Final = ROOT / ".clients" / "bin" / "python"
MODULES: Final = HERE / "javascript" / "node_modules"
pytestmark = pytest.mark.slow
python = pytest.mark.skipif(not PYTHON.exists(), reason="scripts/clients has not installed the clients in Python")
javascript = pytest.mark.skipif(not MODULES.exists(), reason="scripts/clients has not installed those in JavaScript")


async def seen(command: Sequence[str], folder: Path, service: str, **settings: Any) -> dict[str, Any]:
    """Let a program do what it does with a service of the sandbox, and return what it saw."""
    async with World.open() as world, httpx.AsyncClient(trust_env=False, verify=trust()) as http:
        known = world.addresses()[service]
        if settings:
            (await http.put(f"{known['url']}/sandbox/settings", json=settings)).raise_for_status()
        process = await asyncio.create_subprocess_exec(
            *command, json.dumps(known), cwd=folder, stdout=PIPE, stderr=PIPE, env={"PATH": os.environ["PATH"]}
        )
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return dict(json.loads(out))


async def in_python(program: str, service: str, **settings: Any) -> dict[str, Any]:
    return await seen([str(PYTHON), f"{program}.py"], HERE / "python", service, **settings)


async def in_javascript(program: str, service: str, **settings: Any) -> dict[str, Any]:
    return await seen(["node", f"{program}.mjs"], HERE / "javascript", service, **settings)


@python
async def test_simple_salesforce() -> None:
    assert await in_python("salesforce", "salesforce", page_size=2) == {
        "made": True,
        "found": ["O'Hara"],
        "changed": 204,
        "read": ["Maureen", "o.hara@example.com"],
        "upserted": [201, 200],
        "bulk": [5, 0],
        "every": [5, 5, 5],
        "described": ["Auth0_Id__c", "LastName"],
        "gone": 204,
        "errors": [
            ["SalesforceResourceNotFound", "ENTITY_IS_DELETED"],
            ["SalesforceMalformedRequest", "REQUIRED_FIELD_MISSING"],
            ["SalesforceExpiredSession", "INVALID_SESSION_ID"],
        ],
        "renewed": 5,
    }


@python
async def test_pysnow() -> None:
    assert await in_python("servicenow", "servicenow") == {
        "made": "Made by pysnow",
        "found": True,
        "by_builder": True,
        "changed": "2",
        "pages": [2, 2, 1],
        "streamed": 5,
        "attached": "note.txt",
        "gone": {"status": "record deleted"},
        "errors": [["NoResults"], ["HTTPError", "Invalid table no_such_table"], ["HTTPError"]],
        "tokens": [True, 1, True],
    }


@python
async def test_marketorestpython() -> None:
    assert await in_python("marketo", "marketo") == {
        "made": "created",
        "changed": "updated",
        "found": [["Py", "Thon"]],
        "by_id": "py@example.com",
        "added": "added",
        "members": ["dai.nakamura@example.com", "py@example.com"],
        "inside": "memberof",
        "removed": "removed",
        "asked": True,
        "fields": ["auth0Id", "email"],
        "imported": ["Queued", "Complete", 2],
        "errors": [["MarketoException", "1003"]],
        "renewed": "py@example.com",
        "gone": "deleted",
    }


@python
async def test_smtplib() -> None:
    assert await in_python("mail", "mail") == {
        "knows": 250,
        "refused": {},
        "errors": [["SMTPAuthenticationError", 535]],
    }


@javascript
async def test_jsforce() -> None:
    assert await in_javascript("salesforce", "salesforce", page_size=2) == {
        "made": True,
        "found": ["O'Hara"],
        "changed": True,
        "read": ["Maureen", "js@example.com"],
        "upserted": True,
        "many": [True, False],
        "pages": [2, 2, 1],
        "described": ["LastName", "Auth0_Id__c"],
        "renewed": 1,
        "gone": True,
        "errors": ["ENTITY_IS_DELETED", "REQUIRED_FIELD_MISSING"],
    }


@javascript
async def test_slacks_own_client() -> None:
    assert await in_javascript("slack", "slack") == {
        "me": True,
        "changed": "Changed",
        "user": "analyst",
        "pages": [2, 2],
        "file": True,
        "gone": True,
        "errors": [[True, "channel_not_found"], [True, "invalid_auth"]],
    }


@javascript
async def test_auth0s_own_client() -> None:
    assert await in_javascript("auth0", "auth0") == {
        "made": "js@example.com",
        "read": "js@example.com",
        "changed": {"seen": True},
        "byEmail": 1,
        "page": 5,
        "roles": 2,
        "errors": [[True, 404]],
    }


@javascript
async def test_nodemailer() -> None:
    assert await in_javascript("mail", "mail") == {
        "well": True,
        "accepted": ["ana@example.com", "ben@example.com"],
        "rejected": [],
        "errors": [["EAUTH", 535]],
    }
