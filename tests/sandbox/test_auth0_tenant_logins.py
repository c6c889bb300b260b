"""Logins in the simulated tenant: their events, their risk, and the Actions that run in them."""

import base64
import hashlib
import hmac
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jsonschema
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.auth0.shipped import code
from sandbox.server import serving
from tests.sandbox.auth0_tenancy import BLOCKED, CUSTOMER, HOSTILE, NEWCOMER, PHONE, SOCIAL, Tenancy, tenancy
from tests.specs import post_login

SHIPPED = code("post-login")
KEY = b"a key of more than twenty-four bytes"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")
needs_schema = pytest.mark.skipif(post_login() is None, reason="Auth0's schemas are not beside the repository")
RUNNERS = [pytest.param("node", marks=needs_node), "twin"]


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        yield found


class Ear:
    """Somebody who listens at a webhook."""

    def __init__(self, status: int = 202) -> None:
        self.status = status
        self.heard: list[tuple[dict[str, str], bytes]] = []

    async def hear(self, request: Request) -> Response:
        self.heard.append((dict(request.headers), await request.body()))
        return Response(status_code=self.status)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        async with serving(Starlette(routes=[Route("/in/key", self.hear, methods=["POST"])])) as address:
            yield f"{address}/in/key"


LOGINS: list[dict[str, Any]] = [
    {},
    {"risk": "high"},
    {"risk": "medium"},
    {"risk": "low"},
    {"risk": "low", "why": ["untrusted_ip"], "city": "Lagos"},
    {
        "risk": "low",
        "why": ["impossible_travel", "new_device", "untrusted_ip"],
        "country": "AQ",
        "country_name": "Antarctica",
    },
    {"risk": "low", "user_id": HOSTILE, "city": "São Paulo", "user_agent": "curl/8 \u2028 <b>"},
    {"risk": "medium", "user_id": SOCIAL},
    {"risk": "low", "user_id": PHONE, "ip": "192.0.2.9", "city": "Nowhere"},
    {"risk": "low", "user_id": NEWCOMER, "why": []},
    {"protocol": "oauth2-password"},
]


@needs_schema
@pytest.mark.parametrize("login", [*LOGINS, {"protocol": "oauth2-refresh-token"}])
async def test_an_event_is_what_auth0_says_it_is(tenant: Tenancy, login: dict[str, Any]) -> None:
    outcome = await tenant.login(**login)
    assert outcome["allowed"] is True
    jsonschema.validate(outcome["event"], post_login() or {})


async def test_an_event_holds_what_must_not_go_further(tenant: Tenancy) -> None:
    event = (await tenant.login(CUSTOMER))["event"]
    assert event["request"]["body"]["password"] == "sandbox-password-1"
    assert event["request"]["query"]["state"]
    assert "secrets" not in event
    social = (await tenant.login(SOCIAL))["event"]
    assert social["user"]["identities"][0]["accessToken"].startswith("idp-")


async def test_a_login_leaves_a_session_a_token_and_a_trace(tenant: Tenancy) -> None:
    before = await tenant.user(CUSTOMER)
    outcome = await tenant.login(CUSTOMER, city="Tokyo")
    after = await tenant.user(CUSTOMER)
    assert (len(after["sessions"]), len(after["refresh_tokens"])) == (3, 3)
    assert after["sessions"][0]["id"] == outcome["event"]["session"]["id"]
    assert after["logins_count"] == before["logins_count"] + 1 == outcome["event"]["stats"]["logins_count"]
    assert (after["last_login"] > before["last_login"], after["last_ip"]) == (True, "192.0.2.150")
    last = (await tenant.control("GET", "state"))["logins"][-1]
    assert (last["user_id"], last["allowed"], last["reason"]) == (CUSTOMER, True, None)


async def test_the_first_login_is_counted_as_one(tenant: Tenancy) -> None:
    outcome = await tenant.login(NEWCOMER, risk="low", why=[])
    assert outcome["event"]["stats"]["logins_count"] == 1
    assessments = outcome["event"]["authentication"]["riskAssessment"]["assessments"]
    assert assessments["NewDevice"] == {"confidence": "neutral", "code": "initial_login"}


async def test_a_blocked_person_is_refused_and_no_action_runs(tenant: Tenancy) -> None:
    await tenant.install("exports.onExecutePostLogin = async () => {};")
    outcome = await tenant.login(BLOCKED)
    assert (outcome["allowed"], outcome["reason"], outcome["executions"]) == (False, "user is blocked", [])
    assert (await tenant.user(BLOCKED))["sessions"] == []


async def test_a_block_ends_no_session_but_the_next_login(tenant: Tenancy) -> None:
    await tenant.sdk.users.update(CUSTOMER, blocked=True)
    assert len((await tenant.user(CUSTOMER))["sessions"]) == 2
    assert (await tenant.login(CUSTOMER))["allowed"] is False
    await tenant.sdk.users.update(CUSTOMER, blocked=False)
    assert (await tenant.login(CUSTOMER))["allowed"] is True


async def test_a_login_has_no_risk_where_none_was_assessed(tenant: Tenancy) -> None:
    assert "riskAssessment" not in (await tenant.login(CUSTOMER))["event"]["authentication"]


@pytest.mark.parametrize(
    ("login", "codes"),
    [
        (
            {"risk": "low", "why": ["impossible_travel"]},
            ("impossible_travel_from_last_login", "match", "not_found_on_deny_list"),
        ),
        (
            {"risk": "low", "why": ["new_device"]},
            ("minimal_travel_from_last_login", "no_match", "not_found_on_deny_list"),
        ),
        (
            {"risk": "low", "why": ["untrusted_ip"]},
            ("minimal_travel_from_last_login", "match", "found_on_deny_list"),
        ),
        ({"risk": "medium"}, ("minimal_travel_from_last_login", "partial_match", "not_found_on_deny_list")),
        ({"risk": "high"}, ("minimal_travel_from_last_login", "match", "not_found_on_deny_list")),
        ({"risk": "high", "city": "Paris"}, ("travel_from_last_login", "match", "not_found_on_deny_list")),
    ],
)
async def test_the_parts_of_a_risk_explain_it(tenant: Tenancy, login: dict[str, Any], codes: tuple[str, ...]) -> None:
    risk = (await tenant.login(CUSTOMER, **login))["event"]["authentication"]["riskAssessment"]
    assert risk["confidence"] == login["risk"]
    found = [risk["assessments"][name]["code"] for name in ("ImpossibleTravel", "NewDevice", "UntrustedIP")]
    assert tuple(found) == codes


async def test_a_risky_login_comes_from_far_away_with_another_device(tenant: Tenancy) -> None:
    usual, risky = (await tenant.login(CUSTOMER))["event"], (await tenant.login(CUSTOMER, risk="low"))["event"]
    assert (usual["request"]["geoip"]["cityName"], risky["request"]["geoip"]["cityName"]) == ("Berlin", "Sydney")
    assert "Chrome" in usual["request"]["user_agent"]
    assert "Firefox" in risky["request"]["user_agent"]
    denied = (await tenant.login(CUSTOMER, risk="low", why=["untrusted_ip"]))["event"]
    details = denied["authentication"]["riskAssessment"]["assessments"]["UntrustedIP"]["details"]
    assert details["ip"] == denied["request"]["ip"]


async def test_any_part_of_an_event_can_be_set(tenant: Tenancy) -> None:
    overrides = {
        "request": {"geoip": None},
        "authentication": {"riskAssessment": {"assessments": {"New": {"code": "x"}}}},
    }
    event = (await tenant.login(CUSTOMER, risk="low", event_overrides=overrides))["event"]
    assert event["request"]["geoip"] is None
    assert set(event["authentication"]["riskAssessment"]["assessments"]) > {"New", "NewDevice"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"user_id": "auth0|nobody"}, 404),
        ({}, 400),
        ({"user_id": CUSTOMER, "risk": "extreme"}, 400),
        ({"user_id": CUSTOMER, "why": ["bad_weather"]}, 400),
    ],
)
async def test_a_login_that_makes_no_sense_is_refused(tenant: Tenancy, body: dict[str, Any], status: int) -> None:
    assert (await tenant.http.post("/sandbox/logins", json=body)).status_code == status


async def test_logins_are_in_the_log(tenant: Tenancy) -> None:
    await tenant.login(CUSTOMER, risk="low")
    await tenant.login(BLOCKED)
    first = (await tenant.api("GET", "/logs", params={"take": 1})).json()
    assert (first[0]["type"], first[0]["details"]["riskAssessment"]["confidence"]) == ("s", "low")
    rest = (await tenant.api("GET", "/logs", params={"from": first[0]["log_id"], "take": 10})).json()
    assert [(one["type"], one["description"]) for one in rest] == [("f", "user is blocked")]
    newest = (await tenant.api("GET", "/logs", params={"include_totals": "true"})).json()
    assert (newest["total"], newest["logs"][0]["log_id"]) == (2, rest[0]["log_id"])
    assert (await tenant.api("GET", f"/logs/{rest[0]['log_id']}")).json()["user_id"] == BLOCKED
    assert (await tenant.api("GET", "/logs/nothing")).status_code == 404
    assert [one.type async for one in await tenant.sdk.users.logs.list(CUSTOMER)] == ["s"]
    assert len((await tenant.api("GET", "/logs", params={"q": "type:f"})).json()) == 1


@needs_node
async def test_an_action_sees_the_event_and_its_secrets_and_is_recorded(tenant: Tenancy) -> None:
    code = """
    exports.onExecutePostLogin = async (event, api) => {
      console.log(event.user.email, event.secrets.GREETING, "x".repeat(300));
      api.idToken.setCustomClaim("https://example.com/plan", event.user.app_metadata.plan);
      api.user.setAppMetadata("seen", { at: 1 });
      api.cache.set("k", "v");
      api.multifactor.enable("any", { allowRememberBrowser: false });
      console.log(api.cache.get("k").value, api.redirect.canRedirect(), typeof api.redirect.encodeToken({ secret: "s", payload: {} }));
    };"""
    await tenant.install(code, GREETING="hello")
    outcome = await tenant.login(CUSTOMER)
    (run,) = outcome["executions"]
    assert (outcome["allowed"], run["runner"], run["error"]) == (True, "node", None)
    assert run["logs"][0].startswith("customer.1@example.com hello xxx")
    assert [len(run["logs"][0]), run["logs"][1]] == [256, "v true string"]
    assert run["commands"] == [
        ["idToken.setCustomClaim", "https://example.com/plan", "gold"],
        ["user.setAppMetadata", "seen", {"at": 1}],
        ["multifactor.enable", "any", {"allowRememberBrowser": False}],
    ]
    assert (await tenant.user(CUSTOMER))["app_metadata"] == {"plan": "gold", "seen": {"at": 1}}


@needs_node
async def test_an_action_that_denies_ends_the_login_and_those_after_it_do_not_run(tenant: Tenancy) -> None:
    await tenant.install(
        "exports.onExecutePostLogin = async (event, api) => { api.access.deny('not today'); };", "first"
    )
    await tenant.install("exports.onExecutePostLogin = async () => {};", "second")
    outcome = await tenant.login(CUSTOMER)
    assert (outcome["allowed"], outcome["reason"]) == (False, "not today")
    assert [run["action"] for run in outcome["executions"]] == ["first"]
    assert len((await tenant.user(CUSTOMER))["sessions"]) == 2


@needs_node
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("exports.onExecutePostLogin = async () => { throw new Error('broken'); };", "broken"),
        ("exports.onExecutePostLogin = () => { throw 'a text'; };", "a text"),
        (
            "exports.onExecutePostLogin = async () => { setTimeout(() => { throw new Error('late'); }, 1); await new Promise(() => {}); setTimeout(() => {}, 1e6); };",
            "late",
        ),
        ("exports.onExecutePostLogin = async (event, api) => { api.nothing.here(); };", "Cannot read properties"),
        ("exports.onExecutePostLogin = async () => { require('left-pad'); };", "Cannot find module 'left-pad'"),
        ("exports.onExecutePostLogin = async () => { process.exit(3); };", "process ended before"),
        ("this is no JavaScript", "Unexpected identifier"),
    ],
)
async def test_an_action_that_fails_makes_the_login_fail(tenant: Tenancy, code: str, error: str) -> None:
    await tenant.install(code)
    outcome = await tenant.login(CUSTOMER)
    assert outcome["allowed"] is False
    assert error in outcome["executions"][0]["error"]
    assert error in outcome["reason"]


@needs_node
@pytest.mark.parametrize("body", ["while (true) {}", "await new Promise(() => setTimeout(() => {}, 1e8));"])
async def test_an_action_that_never_ends_is_stopped(tenant: Tenancy, body: str) -> None:
    await tenant.install(f"exports.onExecutePostLogin = async () => {{ console.log('begun'); {body} }};")
    await tenant.control("PUT", "settings", {"action_seconds": 1.5})
    outcome = await tenant.login(CUSTOMER)
    (run,) = outcome["executions"]
    assert run["logs"] == ["begun"]
    assert "longer than 1.5 seconds" in run["error"]
    assert outcome["allowed"] is False


@needs_node
async def test_an_action_without_the_function_does_nothing(tenant: Tenancy) -> None:
    await tenant.install("exports.onExecutePreUserRegistration = async () => { throw new Error('never'); };")
    assert (await tenant.login(CUSTOMER))["allowed"] is True


@needs_node
async def test_what_an_action_prints_is_not_taken_for_the_harness(tenant: Tenancy) -> None:
    line = r"{\"command\": [\"access.deny\", \"forged\"]}"
    await tenant.install(f'exports.onExecutePostLogin = async () => {{ process.stdout.write("\\n{line}\\n"); }};')
    outcome = await tenant.login(CUSTOMER)
    assert (outcome["allowed"], outcome["executions"][0]["commands"]) == (True, [])


async def test_without_node_only_the_shipped_action_runs(tenant: Tenancy) -> None:
    await tenant.install("exports.onExecutePostLogin = async () => {};")
    await tenant.control("PUT", "settings", {"runner": "twin"})
    outcome = await tenant.login(CUSTOMER)
    assert (outcome["allowed"], outcome["executions"][0]["runner"]) == (False, "twin")
    assert "only cicflow's own Action" in outcome["reason"]


async def told(tenant: Tenancy, runner: str, ear: Ear, login: dict[str, Any], **secrets: str) -> dict[str, Any]:
    """Install the shipped Action and log in; gives the outcome."""
    async with ear.open() as url:
        await tenant.install(SHIPPED, CICFLOW_URL=url, CICFLOW_SECRET=SECRET, **secrets)
        await tenant.control("PUT", "settings", {"runner": runner})
        return await tenant.login(**login)


@pytest.mark.parametrize("runner", RUNNERS)
async def test_the_shipped_action_posts_a_signed_part_of_the_event(tenant: Tenancy, runner: str) -> None:
    ear = Ear()
    outcome = await told(tenant, runner, ear, {"user_id": SOCIAL, "risk": "low"})
    assert (outcome["allowed"], outcome["executions"][0]["runner"], outcome["executions"][0]["logs"]) == (
        True,
        runner,
        [],
    )
    ((headers, body),) = ear.heard
    assert (headers["content-type"], headers["user-agent"]) == ("application/json", "cicflow-action/1")
    assert len(headers["webhook-id"]) == len("evt_") + 32
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 30
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    sent = json.loads(body)
    assert sent["trigger"] == "post-login"
    assert sent["event"]["request"]["body"] == sent["event"]["request"]["query"] == {}
    leaked = ("idp-", "accessToken", SECRET, outcome["event"]["transaction"]["state"])
    assert all(text.encode() not in body for text in leaked)


@needs_schema
@pytest.mark.parametrize("runner", RUNNERS)
async def test_the_posted_part_is_still_a_valid_event(tenant: Tenancy, runner: str) -> None:
    ear = Ear()
    await told(tenant, runner, ear, {"user_id": HOSTILE, "risk": "low"})
    jsonschema.validate(json.loads(ear.heard[0][1])["event"], post_login() or {})


@pytest.mark.parametrize("runner", RUNNERS)
async def test_the_shipped_action_is_silent_at_a_refresh(tenant: Tenancy, runner: str) -> None:
    ear = Ear()
    outcome = await told(tenant, runner, ear, {"user_id": CUSTOMER, "protocol": "oauth2-refresh-token"})
    assert (outcome["allowed"], ear.heard) == (True, [])
    assert len((await tenant.user(CUSTOMER))["sessions"]) == 2


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize(("wish", "allowed"), [("open", True), ("closed", False)])
async def test_the_shipped_action_fails_open_or_closed(tenant: Tenancy, runner: str, wish: str, allowed: bool) -> None:
    outcome = await told(tenant, runner, Ear(status=500), {"user_id": CUSTOMER}, CICFLOW_ON_FAILURE=wish)
    (run,) = outcome["executions"]
    assert (outcome["allowed"], run["error"], len(run["logs"])) == (allowed, None, 1)
    assert "500" in run["logs"][0]


@pytest.mark.parametrize("runner", RUNNERS)
async def test_nobody_listening_lets_the_login_through(tenant: Tenancy, runner: str, free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}/in/key"
    await tenant.install(SHIPPED, CICFLOW_URL=url, CICFLOW_SECRET=SECRET)
    await tenant.control("PUT", "settings", {"runner": runner})
    outcome = await tenant.login(CUSTOMER)
    assert (outcome["allowed"], len(outcome["executions"][0]["logs"])) == (True, 1)


ODD_EVENTS: list[dict[str, Any]] = [
    {"user_id": CUSTOMER, "risk": "low", "event_overrides": {"request": {"geoip": None, "asn": None}, "session": None}},
    {
        "user_id": CUSTOMER,
        "event_overrides": {"user": {"app_metadata": {"n": 1.0, "none": None, "deep": [{"ä": "\u2028"}]}}},
    },
    {"user_id": CUSTOMER, "event_overrides": {"request": {"geoip": {"latitude": 52.0, "longitude": -0.125}}}},
    {
        "user_id": CUSTOMER,
        "risk": "low",
        "event_overrides": {
            "authentication": {
                "methods": [{"name": "mfa", "type": "otp", "timestamp": "2026-01-01T00:00:00Z", "extra": 1}],
                "riskAssessment": {
                    "supplemental": {"akamai": {"akamaiBot": {"botScore": 1}}},
                    "assessments": {
                        "PhoneNumber": {"code": "phone_number_not_provided", "confidence": "neutral", "x": 1}
                    },
                },
            },
            "organization": {"id": "org_1", "name": "one", "display_name": "One", "metadata": {"secret": "x"}},
            "transaction": {"login_hint": None, "state": None, "response_mode": None},
            "agent": {"id": "x"},
        },
    },
]


@needs_node
@pytest.mark.parametrize("login", [*[{"user_id": CUSTOMER, **login} for login in LOGINS], *ODD_EVENTS])
async def test_the_twin_says_byte_for_byte_what_the_action_says(tenant: Tenancy, login: dict[str, Any]) -> None:
    ear = Ear()
    fixed = (await tenant.login(**login))["event"]
    usual = {name: value for name, value in login.items() if name not in {"risk", "why"}}
    same = {**usual, "event_overrides": fixed}
    async with ear.open() as url:
        await tenant.install(SHIPPED, CICFLOW_URL=url, CICFLOW_SECRET=SECRET)
        for runner in ("node", "twin"):
            await tenant.control("PUT", "settings", {"runner": runner})
            assert (await tenant.login(**same))["event"] == fixed
    (first_headers, first), (second_headers, second) = ear.heard
    assert first == second
    ours = {"content-type", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature"}
    assert ours <= set(first_headers)
    assert ours <= set(second_headers)
