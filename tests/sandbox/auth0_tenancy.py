"""A tenant of the sandbox on a port of its own, the official client before it, and Auth0's specification over both."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from auth0.management import AsyncAuth0

import sandbox.auth0
from sandbox.auth0.tenant import Tenant
from sandbox.server import serving
from sandbox.trust import trust
from tests.specs import auth0_conforms

CUSTOMER = "auth0|650000000000000000000001"
OTHER = "auth0|650000000000000000000002"
SOCIAL = "google-oauth2|100000000000000000004"
PHONE = "sms|650000000000000000000007"
HOSTILE = "auth0|650000000000000000000008"
BLOCKED = "auth0|650000000000000000000009"
NEWCOMER = "auth0|650000000000000000000010"
DATABASE = "con_Database00000001"


def read(content: bytes) -> Any:
    """Read a body as JSON; None where it is none."""
    try:
        return json.loads(content)
    except ValueError:
        return None


async def as_specified(response: httpx.Response) -> None:
    """Check a request that was taken, and its answer, against the document of the Management API."""
    await response.aread()
    request = response.request
    kind = request.headers.get("content-type", "")
    auth0_conforms(
        [
            {
                "verb": request.method,
                "raw": request.url.raw_path.decode().partition("?")[0],
                "query": {name: request.url.params.get_list(name)[-1] for name in request.url.params},
                "body": read(request.content) if kind.startswith("application/json") else None,
                "status": response.status_code,
                "answer": response.json() if "json" in response.headers.get("content-type", "") else None,
                "answer_bytes": len(response.content),
                "fault": None,
            }
        ]
    )


@dataclass(frozen=True, kw_only=True)
class Tenancy:
    address: str
    credentials: dict[str, Any]
    http: httpx.AsyncClient
    inside: Tenant
    """The tenant itself, for what no address brings about."""

    @property
    def sdk(self) -> AsyncAuth0:
        return AsyncAuth0(
            base_url=f"{self.address}/api/v2",
            token="x",
            async_token=self.token,
            max_retries=0,
            httpx_client=self.http,
        )

    async def ask_for_token(self, **changes: Any) -> httpx.Response:
        asked = {"grant_type": "client_credentials", **self.credentials, **changes}
        names = ("grant_type", "client_id", "client_secret", "audience", "scope")
        return await self.http.post("/oauth/token", json={name: asked[name] for name in names if name in asked})

    async def token(self) -> str:
        return str((await self.ask_for_token()).json()["access_token"])

    async def api(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {token or await self.token()}"}
        return await self.http.request(method, f"/api/v2{path}", headers=headers, **more)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.http.request(method, f"/sandbox/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    async def user(self, user_id: str) -> dict[str, Any]:
        users = (await self.control("GET", "state"))["users"]
        return dict(next(user for user in users if user["user_id"] == user_id))

    async def login(self, user_id: str = CUSTOMER, **more: Any) -> dict[str, Any]:
        return dict(await self.control("POST", "logins", {"user_id": user_id, **more}))

    async def install(self, code: str, name: str = "an action", **secrets: str) -> str:
        """Create, build and deploy an Action, and bind it after those that are bound already; gives its id."""
        await self.control("PUT", "settings", {"build_seconds": 0})
        given = {
            "name": name,
            "supported_triggers": [{"id": "post-login", "version": "v3"}],
            "code": code,
            "secrets": [{"name": key, "value": value} for key, value in secrets.items()],
        }
        action_id = (await self.api("POST", "/actions/actions", json=given)).json()["id"]
        await self.api("POST", f"/actions/actions/{action_id}/deploy")
        bound = (await self.api("GET", "/actions/triggers/post-login/bindings")).json()["bindings"]
        refs = [{"ref": {"type": "binding_id", "value": one["id"]}} for one in bound]
        refs.append({"ref": {"type": "action_id", "value": action_id}})
        answer = await self.api("PATCH", "/actions/triggers/post-login/bindings", json={"bindings": refs})
        assert answer.status_code == 200
        return str(action_id)


@asynccontextmanager
async def tenancy() -> AsyncIterator[Tenancy]:
    tenant = sandbox.auth0.create()
    hooks = {"response": [as_specified]}
    async with (
        serving(tenant.app) as address,
        httpx.AsyncClient(base_url=address, trust_env=False, verify=trust(), event_hooks=hooks, timeout=30) as http,
    ):
        yield Tenancy(address=address, credentials=tenant.credentials(address), http=http, inside=tenant)
