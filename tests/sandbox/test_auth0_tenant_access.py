"""The simulated tenant's door: tokens, scopes, pace, faults, the list of calls."""

import base64
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from auth0.management.errors import TooManyRequestsError, UnauthorizedError

from tests import specs
from tests.sandbox.auth0_tenancy import CUSTOMER, Tenancy, tenancy


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        yield found


async def test_the_client_gets_a_token_for_json(tenant: Tenancy) -> None:
    answer = await tenant.ask_for_token()
    given = answer.json()
    assert answer.status_code == 200
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 86400)
    assert {"read:users", "update:users", "delete:sessions", "update:actions"} <= set(given["scope"].split())
    claims = json.loads(base64.urlsafe_b64decode(given["access_token"].split(".")[1] + "=="))
    assert claims["aud"] == tenant.credentials["audience"]


async def test_the_client_gets_a_token_for_a_form_and_for_a_basic_header(tenant: Tenancy) -> None:
    names = ("client_id", "client_secret", "audience")
    asked = {"grant_type": "client_credentials", **{name: tenant.credentials[name] for name in names}}
    assert (await tenant.http.post("/oauth/token", data=asked)).status_code == 200
    basic = (asked.pop("client_id"), asked.pop("client_secret"))
    assert (await tenant.http.post("/oauth/token", data=asked, auth=basic)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "error", "text"),
    [
        ({"client_secret": "wrong"}, 401, "access_denied", "Unauthorized"),
        ({"client_id": "nobody"}, 401, "access_denied", "Unauthorized"),
        ({"audience": ""}, 403, "access_denied", "No audience"),
        ({"audience": "https://other.example.com/api/v2/"}, 403, "access_denied", "Service not found"),
        ({"grant_type": "password"}, 403, "unsupported_grant_type", "password"),
        ({"grant_type": ""}, 400, "invalid_request", "grant_type"),
    ],
)
async def test_the_token_endpoint_refuses(
    tenant: Tenancy, changes: dict[str, str], status: int, error: str, text: str
) -> None:
    answer = await tenant.ask_for_token(**changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert text in answer.json()["error_description"]


async def test_an_audience_without_its_last_slash_is_another_service(tenant: Tenancy) -> None:
    answer = await tenant.ask_for_token(audience=str(tenant.credentials["audience"]).rstrip("/"))
    assert answer.status_code == 403


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"'])
async def test_a_token_request_that_is_no_object_is_refused(tenant: Tenancy, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = await tenant.http.post("/oauth/token", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "Missing authentication"),
        ("Basic eDp5", "Bad HTTP authentication header format"),
        ("Bearer x", "Invalid token"),
        ("Bearer a.bm8.c", "Invalid token"),
        ("Bearer a.e30.c", "Invalid signature received for JSON Web Token validation"),
        ("Bearer a.W10.c", "Invalid signature received for JSON Web Token validation"),
    ],
)
async def test_a_token_that_is_none_is_refused(tenant: Tenancy, header: str, message: str) -> None:
    answer = await tenant.http.get("/api/v2/users", headers={"authorization": header})
    assert (answer.status_code, answer.json()["message"], answer.json()["error"]) == (401, message, "Unauthorized")


async def test_a_changed_signature_is_refused(tenant: Tenancy) -> None:
    token = await tenant.token()
    answer = await tenant.api("GET", "/users", token=token[:-4] + "AAAA")
    assert answer.json()["message"] == "Invalid signature received for JSON Web Token validation"


async def test_a_token_runs_out_after_its_life(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"token_lifetime": 0})
    answer = await tenant.api("GET", "/users")
    assert answer.status_code == 401
    assert answer.json()["message"] == "Expired token received for JSON Web Token validation"


async def test_all_tokens_can_be_made_invalid_at_once(tenant: Tenancy) -> None:
    token = await tenant.token()
    assert (await tenant.api("GET", "/users", token=token)).status_code == 200
    assert (await tenant.control("POST", "tokens/expire"))["expired"] >= 1
    assert (await tenant.api("GET", "/users", token=token)).status_code == 401
    assert (await tenant.api("GET", "/users")).status_code == 200


async def test_the_official_client_sees_an_expired_token_as_unauthorized(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"token_lifetime": 0})
    with pytest.raises(UnauthorizedError):
        await tenant.sdk.users.get(CUSTOMER)


async def test_a_token_without_the_scope_is_refused_by_name(tenant: Tenancy) -> None:
    token = (await tenant.ask_for_token(scope="read:users")).json()["access_token"]
    assert (await tenant.api("GET", f"/users/{CUSTOMER}", token=token)).status_code == 200
    answer = await tenant.api("PATCH", f"/users/{CUSTOMER}", token=token, json={"blocked": True})
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "insufficient_scope")
    assert answer.json()["message"].startswith("Insufficient scope, expected any of: update:users")


async def test_scopes_can_be_taken_from_the_client(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"scopes": "read:users delete:sessions"})
    answer = await tenant.api("POST", f"/users/{CUSTOMER}/revoke-access", json={})
    assert answer.status_code == 403
    assert "delete:refresh_tokens" in answer.json()["message"]


async def test_the_scope_of_metadata_changes_metadata_only(tenant: Tenancy) -> None:
    token = (await tenant.ask_for_token(scope="update:users_app_metadata")).json()["access_token"]
    path = f"/users/{CUSTOMER}"
    assert (await tenant.api("PATCH", path, token=token, json={"app_metadata": {"a": 1}})).status_code == 200
    assert (await tenant.api("PATCH", path, token=token, json={"blocked": True})).status_code == 403


async def test_answers_tell_the_pace_and_refusals_do_not(tenant: Tenancy) -> None:
    good = await tenant.api("GET", f"/users/{CUSTOMER}")
    assert good.headers["x-ratelimit-limit"] == "50"
    assert 0 <= int(good.headers["x-ratelimit-remaining"]) < 50
    assert int(good.headers["x-ratelimit-reset"]) >= int(time.time())
    bad = await tenant.api("PATCH", f"/users/{CUSTOMER}", json={"blocked": "yes"})
    assert bad.status_code == 400
    assert "x-ratelimit-limit" not in bad.headers


async def test_too_many_requests_are_told_when_to_come_back(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"rate_limit": {"burst": 2, "per_second": 0.5}})
    token = await tenant.token()
    answers = [await tenant.api("GET", f"/users/{CUSTOMER}", token=token) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json() == {
        "statusCode": 429,
        "error": "Too Many Requests",
        "message": "Global limit has been reached",
        "errorCode": "too_many_requests",
    }
    assert answers[2].headers["x-ratelimit-remaining"] == "0"
    assert 0 < int(answers[2].headers["x-ratelimit-reset"]) - time.time() <= 3.1


async def test_the_bucket_fills_again(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"rate_limit": {"burst": 1, "per_second": 1000}})
    token = await tenant.token()
    answers = [await tenant.api("GET", f"/users/{CUSTOMER}", token=token) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}


async def test_without_a_limit_nothing_is_said_about_one(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"rate_limit": None})
    assert "x-ratelimit-limit" not in (await tenant.api("GET", "/users")).headers


async def test_the_official_client_sees_the_limit(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"rate_limit": {"burst": 1, "per_second": 0.1}})
    await tenant.sdk.users.get(CUSTOMER)
    with pytest.raises(TooManyRequestsError):
        await tenant.sdk.users.get(CUSTOMER)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_address_that_does_not_exist_is_not_found(tenant: Tenancy, method: str) -> None:
    answer = await tenant.api(method, "/users/x/nothing/here")
    assert answer.json() == {"statusCode": 404, "error": "Not Found", "message": "Not Found"}


async def test_an_endless_address_is_refused(tenant: Tenancy) -> None:
    assert (await tenant.api("GET", "/users", params={"q": "x" * 9000})).status_code == 414


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{no", id="half"),
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"app_metadata": {"a": NaN}}', id="no number"),
        pytest.param(b"[" * 100_000, id="endless depth"),
        pytest.param(rb'{"name": "\ud800"}', id="half a character"),
        pytest.param(b'{"name": "\xff"}', id="no UTF-8"),
    ],
)
async def test_a_body_that_is_no_json_is_refused(tenant: Tenancy, body: bytes) -> None:
    answer = await tenant.api("PATCH", f"/users/{CUSTOMER}", content=body)
    assert (answer.status_code, answer.json()["message"]) == (400, "Invalid request payload JSON format")


async def test_a_fault_answers_in_place_of_the_service(tenant: Tenancy) -> None:
    fault = {"status": 503, "headers": {"retry-after": "1"}, "body": {"statusCode": 503, "error": "x", "message": "y"}}
    await tenant.control("POST", "faults", {"match": "PATCH /api/v2/users/*", "fault": fault})
    failed = await tenant.api("PATCH", f"/users/{CUSTOMER}", json={"blocked": True})
    assert (failed.status_code, failed.headers["retry-after"]) == (503, "1")
    assert not (await tenant.user(CUSTOMER))["blocked"]
    assert (await tenant.api("PATCH", f"/users/{CUSTOMER}", json={"blocked": True})).status_code == 200


@pytest.mark.parametrize(("drop", "done"), [("before", False), ("after", True)])
async def test_a_dropped_connection_leaves_it_open_whether_it_was_done(tenant: Tenancy, drop: str, done: bool) -> None:
    await tenant.control("POST", "faults", {"match": "PATCH *", "fault": {"drop": drop}})
    with pytest.raises(httpx.TransportError):
        await tenant.api("PATCH", f"/users/{CUSTOMER}", json={"blocked": True})
    assert (await tenant.user(CUSTOMER))["blocked"] is done


async def test_the_token_endpoint_can_fail_too(tenant: Tenancy) -> None:
    await tenant.control("POST", "faults", {"match": "POST /oauth/token", "fault": {"status": 500}})
    assert (await tenant.ask_for_token()).status_code == 500
    assert (await tenant.ask_for_token()).status_code == 200


async def test_the_list_of_calls_tells_everything_but_secrets(tenant: Tenancy) -> None:
    await tenant.api("PATCH", f"/users/{CUSTOMER}", json={"blocked": "yes"})
    token, patch = (await tenant.control("GET", "calls"))[-2:]
    assert (token["verb"], token["path"], token["status"]) == ("POST", "/oauth/token", 200)
    assert tenant.credentials["client_secret"] not in json.dumps(token)
    wanted = {
        "verb": "PATCH",
        "path": f"/api/v2/users/{CUSTOMER}",
        "status": 400,
        "error": "invalid_body",
        "fault": None,
    }
    assert wanted.items() <= patch.items()
    assert (patch["body"], patch["n"]) == ({"blocked": "yes"}, token["n"] + 1)


async def test_whoever_waits_for_a_change_hears_of_it(tenant: Tenancy) -> None:
    before = (await tenant.control("GET", "state"))["sequence"]
    await tenant.api("PATCH", f"/users/{CUSTOMER}", json={"blocked": True})
    assert (await tenant.control("GET", f"changes?after={before}&timeout=5"))["sequence"] > before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("settings", {"token_lifetime": -1}),
        ("settings", {"unknown": 1}),
        ("settings", {"rate_limit": {"burst": 0, "per_second": 1}}),
        ("settings", {"runner": "deno"}),
    ],
)
async def test_settings_that_make_no_sense_are_refused(tenant: Tenancy, path: str, body: dict[str, Any]) -> None:
    assert (await tenant.http.put(f"/sandbox/{path}", json=body)).status_code == 400


@pytest.mark.skipif(specs.auth0() is None, reason="Auth0's specification is not beside the repository")
async def test_an_answer_that_is_not_as_specified_is_noticed(tenant: Tenancy) -> None:
    fault = {"status": 200, "body": {"user_id": 5}}
    await tenant.control("POST", "faults", {"match": "GET /api/v2/users/*", "fault": fault})
    with pytest.raises(AssertionError, match="'user_id'"):
        await tenant.api("GET", f"/users/{CUSTOMER}")


async def test_calls_keep_their_answers_without_secrets(tenant: Tenancy) -> None:
    await tenant.api("GET", f"/users/{quote(CUSTOMER)}")
    token, asked = await tenant.control("GET", "calls")
    assert (token["answer"]["access_token"], token["answer"]["token_type"]) == ("…", "Bearer")
    assert (asked["answer"]["user_id"], asked["raw"]) == (CUSTOMER, f"/api/v2/users/{quote(CUSTOMER)}")
    assert asked["answer_bytes"] > 100


async def test_an_answer_that_is_too_long_is_not_kept(tenant: Tenancy) -> None:
    for number in range(50):
        person = {"email": f"many.{number}@example.com", "sessions": 0, "refresh_tokens": 0}
        await tenant.control("POST", "users", person)
    await tenant.api("GET", "/users", params={"per_page": "50"})
    call = (await tenant.control("GET", "calls"))[-1]
    assert call["answer"] is None
    assert call["answer_bytes"] > 20_000


async def test_the_oldest_answers_make_room(tenant: Tenancy) -> None:
    await tenant.api("GET", "/roles")
    tenant.inside.answered_bytes += 20_000_000
    await tenant.api("GET", "/roles")
    assert [call["answer"] for call in await tenant.control("GET", "calls")] == [None] * 4


@pytest.mark.parametrize("hostile", ["auth0|../x", "auth0|a/b", "auth0|?q=1#x", "auth0|%2e%2e"])
@pytest.mark.parametrize(
    "path", ["authentication-methods", "enrollments", "organizations", "permissions", "roles", "sessions", "logs"]
)
async def test_an_id_that_looks_like_a_path_is_an_id(tenant: Tenancy, path: str, hostile: str) -> None:
    await tenant.control("POST", "users", {"user_id": hostile, "email": "hostile@example.com", "sessions": 0})
    answer = await tenant.api("GET", f"/users/{quote(hostile, safe='')}/{path}")
    assert answer.status_code == 200


async def until_refused(tenant: Tenancy, token: str, method: str, path: str) -> int:
    """Count the requests that are taken in a row."""
    for number in range(100):
        answer = await tenant.api(method, path, token)
        if answer.status_code == 429:
            assert answer.headers["x-ratelimit-remaining"] == "0"
            return number
    return 100


@pytest.mark.parametrize("plan", ["essentials", "professional"])
async def test_a_plan_grants_each_group_its_own_pace(tenant: Tenancy, plan: str) -> None:
    await tenant.control("PUT", "settings", {"plan": plan})
    await tenant.control("PUT", "pace", {"by_plan": True})
    token = await tenant.token()
    taken = {
        path: await until_refused(tenant, token, method, path)
        for method, path in [
            ("GET", "/users-by-email?email=x"),
            ("DELETE", "/users/x"),
            ("GET", "/logs"),
            ("GET", "/roles"),
        ]
    }
    for (path, number), least in zip(taken.items(), (40, 20, 10, 10), strict=True):
        assert least <= number < 100, path  # what has come back meanwhile is taken too


async def test_the_free_plan_grants_two_requests_whatever_they_are(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"plan": "free"})
    await tenant.control("PUT", "pace", {"by_plan": True})
    token = await tenant.token()
    statuses = [(await tenant.api("GET", path, token)).status_code for path in ("/roles", "/users", "/logs")]
    assert statuses == [200, 200, 429]
    await tenant.control("PUT", "pace", {"by_plan": False})
    assert (await tenant.api("GET", "/roles", token)).headers["x-ratelimit-limit"] == "50"
    assert (await tenant.http.put("/sandbox/pace", json={"by_plan": "perhaps"})).status_code == 400
