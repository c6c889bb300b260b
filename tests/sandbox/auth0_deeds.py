"""What people do at a tenant, as tests ask for it; every event and record that comes of it is held against Auth0's schemas."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import jsonschema
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.server import serving
from tests.sandbox.auth0_tenancy import CUSTOMER, Tenancy
from tests.specs import FOLDER

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")
needs_schemas = pytest.mark.skipif(
    not (FOLDER / "auth0" / "logs-schema.json").exists(), reason="Auth0's schemas are not beside the repository"
)
VERSIONS = {"post-login": "v3", "password-reset-post-challenge": "v1", "custom-token-exchange": "v1"}
ENTRIES = {
    "post-login": "onExecutePostLogin",
    "pre-user-registration": "onExecutePreUserRegistration",
    "post-user-registration": "onExecutePostUserRegistration",
    "post-change-password": "onExecutePostChangePassword",
    "credentials-exchange": "onExecuteCredentialsExchange",
    "password-reset-post-challenge": "onExecutePostChallenge",
    "send-phone-message": "onExecuteSendPhoneMessage",
    "custom-token-exchange": "onExecuteCustomTokenExchange",
}
DEEDS: dict[str, tuple[str, dict[str, Any]]] = {
    "post-login": ("logins", {"user_id": CUSTOMER}),
    "pre-user-registration": ("signups", {"email": "new.person@example.com"}),
    "post-user-registration": ("signups", {"email": "new.person@example.com"}),
    "post-change-password": ("password-changes", {"user_id": CUSTOMER}),
    "credentials-exchange": ("exchanges", {}),
    "password-reset-post-challenge": ("password-resets", {"user_id": CUSTOMER}),
    "send-phone-message": ("phone-messages", {"user_id": CUSTOMER}),
    "custom-token-exchange": ("token-exchanges", {}),
}
"""What makes each trigger happen: the control address, and what is posted there at least."""

NOT_REALLY_REQUIRED = {"environment_name", "tenant_name"}


@cache
def schemas(name: str) -> dict[str, Any] | None:
    """Give the schemas of one of Auth0's documents: actions, events or logs."""
    file = FOLDER / "auth0" / f"{name}-schema.json"
    return json.loads(file.read_text())["components"]["schemas"] if file.exists() else None


@cache
def validator(document: str, name: str) -> Any:
    schema = dict((schemas(document) or {})[name])
    if document == "logs":
        schema["required"] = [one for one in schema["required"] if one not in NOT_REALLY_REQUIRED]
    return jsonschema.Draft202012Validator(schema)


def right_event(trigger: str, event: dict[str, Any]) -> None:
    """Hold the event of a trigger against the schema."""
    if schemas("actions"):
        validator("actions", "".join(word.capitalize() for word in trigger.split("-"))).validate(event)


def right_record(record: dict[str, Any]) -> None:
    """Hold a log record against the schema of its type."""
    if schemas("logs"):
        validator("logs", record["type"]).validate(record)


def right_cloud_event(event: dict[str, Any]) -> None:
    """Hold an event of an event stream against the schema of its type; only there for tests is `a0purpose`."""
    if schemas("events"):
        validator("events", event["type"]).validate({key: one for key, one in event.items() if key != "a0purpose"})


async def does(tenant: Tenancy, path: str, **body: Any) -> dict[str, Any]:
    """Have something done at the tenant; what comes of it is as Auth0 says."""
    outcome = dict(await tenant.control("POST", path, body))
    for trigger, event in outcome.get("events", {}).items():
        right_event(trigger, event)
    for record in outcome["logs"]:
        right_record(record)
    return outcome


async def happens(tenant: Tenancy, trigger: str, **more: Any) -> dict[str, Any]:
    """Make a trigger happen."""
    path, least = DEEDS[trigger]
    return await does(tenant, path, **{**least, **more})


async def bind(tenant: Tenancy, trigger: str, code: str, name: str = "an action", **secrets: str) -> str:
    """Create, build, deploy and bind an Action, after those that are bound already; gives its id."""
    await tenant.control("PUT", "settings", {"build_seconds": 0})
    given = {
        "name": name,
        "supported_triggers": [{"id": trigger, "version": VERSIONS.get(trigger, "v2")}],
        "code": code,
        "secrets": [{"name": key, "value": value} for key, value in secrets.items()],
    }
    action_id = str((await tenant.api("POST", "/actions/actions", json=given)).json()["id"])
    await tenant.api("POST", f"/actions/actions/{action_id}/deploy")
    bindings = f"/actions/triggers/{trigger}/bindings"
    bound = (await tenant.api("GET", bindings)).json()["bindings"]
    refs = [{"ref": {"type": "binding_id", "value": one["id"]}} for one in bound]
    refs.append({"ref": {"type": "action_id", "value": action_id}})
    answer = await tenant.api("PATCH", bindings, json={"bindings": refs})
    assert answer.status_code == 200, answer.text
    return action_id


async def runs(tenant: Tenancy, trigger: str, body: str, name: str = "an action", **secrets: str) -> str:
    """Bind an Action whose function has this body."""
    code = f"exports.{ENTRIES[trigger]} = async (event, api) => {{ {body} }};"
    return await bind(tenant, trigger, code, name, **secrets)


class Receiver:
    """Somebody who receives what streams send, and answers as a test wishes."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        """The next answers; 200 when there are none left."""

        self.got: list[tuple[dict[str, str], bytes]] = []
        self._more = asyncio.Condition()

    async def _receive(self, request: Request) -> Response:
        content = await request.body()
        async with self._more:
            self.got.append((dict(request.headers), content))
            self._more.notify_all()
        return Response(status_code=self.answers.pop(0) if self.answers else 200)

    async def until(self, enough: Callable[[], bool]) -> None:
        """Wait till enough has come."""
        async with asyncio.timeout(10), self._more:
            await self._more.wait_for(enough)

    async def calls(self, number: int) -> list[tuple[dict[str, str], bytes]]:
        """Wait for so many calls; gives all there are."""
        await self.until(lambda: len(self.got) >= number)
        return self.got

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Listen at an address till the block ends."""
        async with serving(Starlette(routes=[Route("/in", self._receive, methods=["POST"])])) as address:
            yield f"{address}/in"


async def settled(tenant: Tenancy, question: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait till the streams are as asked for; gives how they are."""
    async with asyncio.timeout(10):
        while True:
            sequence = (await tenant.control("GET", "changes?after=-1"))["sequence"]
            found = dict(await tenant.control("GET", "deliveries"))
            if question(found):
                return found
            await tenant.control("GET", f"changes?after={sequence}&timeout=5")
