"""The Auth0 Action itself, in node: its own tests, and what it makes of whole events."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from starlette.responses import Response

from connectors.auth0.sources.triggers import PostLogin
from tests.connectors.doubles import Oddity

HERE = Path(__file__).parent / "action"
SCHEMAS = Path(__file__).parents[3] / "shared" / "specs" / "auth0" / "actions-schema.json"
SECRET = "whsec_" + "QUJD" * 10
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")
needs_schemas = pytest.mark.skipif(not SCHEMAS.exists(), reason="Auth0's schemas are not beside the repository")

EVENT: dict[str, Any] = {
    "tenant": {"id": "example"},
    "stats": {"logins_count": 3},
    "client": {"client_id": "c1", "name": "Shop", "metadata": {"a": "b"}},
    "connection": {"id": "con_1", "name": "db", "strategy": "auth0", "metadata": {}},
    "organization": {"id": "org_1", "name": "org", "display_name": "Org", "metadata": {}},
    "authentication": {
        "methods": [{"name": "pwd", "timestamp": "2026-01-02T03:04:05.000Z"}],
        "riskAssessment": {
            "confidence": "low",
            "version": "1",
            "assessments": {
                "ImpossibleTravel": {"confidence": "low", "code": "impossible_travel_from_last_login"},
                "NewDevice": {
                    "confidence": "low",
                    "code": "no_match",
                    "details": {"device": "unknown", "useragent": "known"},
                },
                "UntrustedIP": {
                    "confidence": "low",
                    "code": "found_on_deny_list",
                    "details": {"ip": "192.0.2.7", "matches": "192.0.2.0/24", "source": "L", "category": "abuse"},
                },
            },
            "supplemental": {},
        },
    },
    "authorization": {"roles": ["reader"]},
    "session": {"id": "s1", "created_at": "2026-01-02T03:04:05.000Z", "device": {"last_ip": "192.0.2.7"}},
    "transaction": {
        "id": "t1",
        "protocol": "oidc-basic-profile",
        "locale": "en",
        "acr_values": [],
        "requested_scopes": ["openid"],
        "response_type": ["code"],
        "state": "hidden",
        "ui_locales": [],
        "redirect_uri": "https://shop.example.com",
        "metadata": {"x": "y"},
    },
    "request": {
        "ip": "192.0.2.7",
        "asn": "64496",
        "method": "POST",
        "hostname": "login.example.com",
        "language": "en",
        "user_agent": "Mozilla/5.0",
        "geoip": {"cityName": "Lisbon", "countryName": "Portugal", "latitude": 38.7, "longitude": -9.1},
        "query": {"code": "x"},
        "body": {"password": "x"},
    },
    "resource_server": {"identifier": "https://api.example.com"},
    "user": {
        "user_id": "auth0|1",
        "email": "customer.1@example.com",
        "email_verified": True,
        "name": "Customer 1",
        "nickname": "customer",
        "created_at": "2025-01-01T00:00:00.000Z",
        "updated_at": "2025-01-01T00:00:00.000Z",
        "app_metadata": {"plan": "gold"},
        "user_metadata": {"größe": "ü"},
        "multifactor": [],
        "enrolledFactors": [{"type": "otp"}],
        "identities": [
            {"connection": "db", "isSocial": False, "provider": "auth0", "user_id": "1", "profileData": {}},
        ],
    },
}


async def node(*arguments: str, given: str = "") -> tuple[int | None, str]:
    run = await asyncio.create_subprocess_exec(
        "node",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await run.communicate(given.encode())
    return run.returncode, output.decode()


async def sent(odd: Oddity, event: dict[str, Any]) -> dict[str, Any]:
    odd.answers = [Response(status_code=202)]
    secrets = {"CICFLOW_URL": f"{odd.address}/in/key", "CICFLOW_SECRET": SECRET}
    assert await node(str(HERE / "send.mjs"), given=json.dumps({**event, "secrets": secrets})) == (0, "[]\n")
    (request,) = odd.received
    return dict(json.loads(await request.body()))


@needs_node
async def test_the_actions_own_tests_pass() -> None:
    status, output = await node("--test", str(HERE / "post-login.test.mjs"))
    assert status == 0, output


@needs_node
@needs_schemas
async def test_what_is_sent_of_a_whole_event_is_still_such_an_event(odd: Oddity) -> None:
    schema = json.loads(SCHEMAS.read_text())
    post_login = {**schema, "$ref": "#/components/schemas/PostLogin"}
    jsonschema.validate(EVENT, post_login)
    body = await sent(odd, EVENT)
    assert body["trigger"] == "post-login"
    jsonschema.validate(body["event"], post_login)


@needs_node
async def test_what_is_sent_is_read_as_the_event_of_its_source(odd: Oddity) -> None:
    event = (await sent(odd, EVENT))["event"]
    read = PostLogin.model_validate(event)
    assert read.user.email == "customer.1@example.com"
    assert read.model_dump(exclude_unset=True) == event
