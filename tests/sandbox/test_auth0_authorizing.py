"""Logins of applications at the simulated tenant: `/authorize`, the login page, codes, ID tokens."""

import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from tests.sandbox.auth0_tenancy import CUSTOMER, Tenancy, tenancy

BACK: Final = "https://bot.example.com/fresh-login"
VERIFIER: Final = "a verifier of at least forty-three characters, as RFC 7636 wants it"
EMAIL, PASSWORD = "customer.1@example.com", "sandbox-password-1"


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        await found.control("PUT", "settings", {"callbacks": [BACK]})
        yield found


def asked(tenant: Tenancy, **other: str | None) -> dict[str, str]:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    usual = {
        "response_type": "code",
        "client_id": str(tenant.credentials["login_client_id"]),
        "redirect_uri": BACK,
        "scope": "openid",
        "state": "s1",
        "nonce": "n1",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in {**usual, **other}.items() if value is not None}


async def came_back(
    tenant: Tenancy, http: httpx.AsyncClient, *, password: str = PASSWORD, **other: str
) -> httpx.Response:
    """Log in on the login page, if there is one. Returns the last answer."""
    answer = await http.get("/authorize", params=asked(tenant, **other))
    if answer.is_redirect and answer.headers["location"].startswith("/u/login"):
        page = answer.headers["location"]
        assert "Email address" in (await http.get(page)).text
        answer = await http.post(page, data={"username": EMAIL, "password": password})
    return answer


def told(answer: httpx.Response) -> dict[str, str]:
    """Return what the application is told."""
    assert answer.headers["location"].startswith(f"{BACK}?"), answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def exchanged(tenant: Tenancy, code: str, **other: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "client_id": str(tenant.credentials["login_client_id"]),
        "client_secret": str(tenant.credentials["login_client_secret"]),
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": BACK,
    }
    return await tenant.http.post("/oauth/token", data=form | other)


async def claims(tenant: Tenancy, answer: httpx.Response) -> dict[str, Any]:
    """Return what an ID token says, its signature checked with the keys that the tenant shows."""
    keys = jwt.PyJWKSet.from_dict((await tenant.http.get("/.well-known/jwks.json")).json())
    token = answer.json()["id_token"]
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["RS256"], audience=str(tenant.credentials["login_client_id"]))


async def test_a_code_is_exchanged_once_for_an_id_token_of_who_has_logged_in(tenant: Tenancy) -> None:
    back = told(await came_back(tenant, tenant.http))
    assert back["state"] == "s1"
    answer = await exchanged(tenant, back["code"])
    found = await claims(tenant, answer)
    assert (found["sub"], found["nonce"], found["iss"]) == (CUSTOMER, "n1", f"{tenant.credentials['url']}/")
    assert found["auth_time"] <= found["iat"] <= found["auth_time"] + 5
    again = await exchanged(tenant, back["code"])
    assert (again.status_code, again.json()["error"]) == (403, "invalid_grant")


@pytest.mark.parametrize(
    "other",
    [
        {"code_verifier": "another"},
        {"redirect_uri": "https://bot.example.com/"},
        {"client_secret": "wrong"},
    ],
    ids=" ".join,
)
async def test_a_code_is_good_for_nobody_else(tenant: Tenancy, other: dict[str, str]) -> None:
    answer = await exchanged(tenant, told(await came_back(tenant, tenant.http))["code"], **other)
    assert answer.status_code in {401, 403}
    assert "id_token" not in answer.text


@pytest.mark.parametrize("other", [{"client_id": "unknown"}, {"redirect_uri": f"{BACK}/"}], ids=" ".join)
async def test_who_is_not_known_is_sent_nowhere(tenant: Tenancy, other: dict[str, str]) -> None:
    answer = await tenant.http.get("/authorize", params=asked(tenant, **other))
    assert (answer.status_code, "location" in answer.headers) == (403, False)


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_what_cannot_be_is_told_to_the_application(tenant: Tenancy, other: dict[str, Any], error: str) -> None:
    assert told(await tenant.http.get("/authorize", params=asked(tenant, **other)))["error"] == error


async def test_who_is_logged_in_is_not_asked_again_unless_the_application_wants_it(tenant: Tenancy) -> None:
    first = await claims(tenant, await exchanged(tenant, told(await came_back(tenant, tenant.http))["code"]))
    silent = await tenant.http.get("/authorize", params=asked(tenant))
    second = await claims(tenant, await exchanged(tenant, told(silent)["code"]))
    assert second["auth_time"] == first["auth_time"]
    for wish in ({"prompt": "login"}, {"max_age": "0"}):
        answer = await tenant.http.get("/authorize", params=asked(tenant, **wish))
        assert answer.headers["location"].startswith("/u/login")


async def test_a_wrong_password_and_a_blocked_person_come_back_with_no_code(tenant: Tenancy) -> None:
    wrong = await came_back(tenant, tenant.http, password="wrong")
    assert (wrong.status_code, "Wrong email or password" in wrong.text) == (400, True)
    tenant.inside.accounts[CUSTOMER].profile["blocked"] = True
    refused = told(await came_back(tenant, tenant.http))
    assert (refused["error_description"], "code" in refused) == ("user is blocked", False)
