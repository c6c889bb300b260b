"""Several tenants in one world: each has people, credentials and settings of its own."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.trust import trust
from sandbox.world import World
from tests.sandbox.auth0_tenancy import CUSTOMER

ROOT = Path(__file__).parents[2]


async def token(http: httpx.AsyncClient, at: dict[str, Any], by: dict[str, Any]) -> httpx.Response:
    asked = {name: by[name] for name in ("client_id", "client_secret")}
    body = {"grant_type": "client_credentials", "audience": at["audience"], **asked}
    return await http.post(f"{at['url']}/oauth/token", json=body)


async def test_tenants_know_nothing_of_one_another() -> None:
    async with (
        World.open(more_tenants={"staging": 0, "emea": 0}) as world,
        httpx.AsyncClient(trust_env=False, verify=trust()) as http,
    ):
        addresses = world.addresses()
        places = [addresses["auth0"], *addresses["more_tenants"].values()]
        for at in places:
            statuses = [(await token(http, at, by)).status_code for by in places]
            assert statuses == [200 if by is at else 401 for by in places]
        tokens = [(await token(http, at, at)).json()["access_token"] for at in places]
        path = f"/api/v2/users/{CUSTOMER}"
        mine = {"authorization": f"Bearer {tokens[1]}"}
        await http.patch(f"{places[1]['url']}{path}", headers=mine, json={"blocked": True})
        blocked = [
            (await http.get(f"{at['url']}{path}", headers={"authorization": f"Bearer {one}"})).json().get("blocked")
            for at, one in zip(places, tokens, strict=True)
        ]
        assert blocked == [None, True, None]
        assert (await http.get(f"{places[0]['url']}{path}", headers=mine)).status_code == 401
        names = [
            (await http.get(f"{at['url']}/api/v2/tenants/settings", headers={"authorization": f"Bearer {one}"})).json()
            for at, one in zip(places, tokens, strict=True)
        ]
        assert [one["friendly_name"] for one in names] == ["cicflow-sandbox", "staging", "emea"]


async def started(*arguments: str) -> asyncio.subprocess.Process:
    ports = [word for name in ("page", "slack", "auth0") for word in (f"--{name}-port", "0")]
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "sandbox", "--json", *ports, *arguments),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_the_sandbox_is_started_with_one_more_tenant() -> None:
    process = await started("--tenant", "staging:0")
    try:
        assert process.stdout is not None
        addresses = json.loads(await process.stdout.readline())
    finally:
        process.terminate()
        await process.communicate()
    assert addresses["more_tenants"]["staging"]["url"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize("wrong", ["staging", "staging:", "staging:http"])
async def test_a_tenant_without_a_port_is_no_tenant(wrong: str) -> None:
    process = await started("--tenant", wrong)
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"--tenant is a name and a port" in said
