"""What becomes of people beside logging in, and a login in a browser of their own."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.sandbox.auth0_deeds import bind, needs_node
from tests.sandbox.auth0_tenancy import CUSTOMER, Tenancy, tenancy

ASKS = "exports.onExecutePostLogin = async (event, api) => { api.multifactor.enable('any'); };"


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        yield found


async def test_somebody_comes_through_google_changes_is_away_and_goes(tenant: Tenancy) -> None:
    came = await tenant.control("POST", "people/arrivals", {"email": "new@example.com", "name": "Cher"})
    user_id = came["user_id"]
    assert user_id.startswith("google-oauth2|")
    assert "family_name" not in came["profile"]
    changed = {"user_id": user_id, "profile": {"email_verified": False, "app_metadata": {"plan": "gold"}}}
    await tenant.control("POST", "people/alterations", changed)
    away = await tenant.control("POST", "people/absences", {"user_id": user_id, "days": 400})
    profile = away["profile"]
    assert profile["created_at"] < profile["last_login"] < came["profile"]["created_at"]
    assert (profile["email_verified"], profile["app_metadata"]) == (False, {"plan": "gold"})
    await tenant.control("POST", "people/deletions", {"user_id": user_id})
    state = await tenant.control("GET", "state")
    assert user_id not in [user["user_id"] for user in state["users"]]
    assert state["logs"][0]["type"] == "sdu"


async def test_what_cannot_be_done_to_somebody_is_refused(tenant: Tenancy) -> None:
    async with httpx.AsyncClient(base_url=tenant.address, trust_env=False) as http:
        for path, body, status in (
            ("deletions", {"user_id": "auth0|404"}, 404),
            ("alterations", {"user_id": CUSTOMER, "profile": {"user_id": "x"}}, 400),
            ("alterations", {"user_id": CUSTOMER, "profile": {"email": "customer.2@example.com"}}, 409),
            ("arrivals", {"connection": "sms"}, 400),
            ("absences", {"user_id": CUSTOMER, "days": -1}, 400),
        ):
            answer = await http.post(f"/sandbox/people/{path}", json=body)
            assert (path, answer.status_code) == (path, status)


@needs_node
@pytest.mark.parametrize(("answer", "ends"), [("passed", "You are logged in."), ("rejected", "was rejected")])
async def test_a_customers_browser_is_led_from_page_to_page(tenant: Tenancy, answer: str, ends: str) -> None:
    await bind(tenant, "post-login", ASKS, "asks")
    async with httpx.AsyncClient(base_url=tenant.address, trust_env=False, follow_redirects=True) as http:
        page = await http.get("/sandbox/browser", params={"user_id": CUSTOMER})
        assert "customer.1@example.com" in page.text
        asked = await http.post("/sandbox/browser", data={"user_id": CUSTOMER, "risk": "usual"})
        assert (asked.url.path, "Verify your identity" in asked.text) == ("/u/mfa-challenge", True)
        [held] = (await tenant.control("GET", "state"))["logins"]
        assert held["redirect"] == str(asked.url)
        given = {"state": asked.url.params["state"], "answer": answer}
        assert ends in (await http.post("/u/mfa-challenge", data=given)).text
        assert (await http.post("/u/mfa-challenge", data=given)).status_code == 400
        assert (await http.post("/sandbox/browser", data={"user_id": CUSTOMER, "risk": "none"})).status_code == 404


async def test_the_log_can_be_given_a_past_before_what_has_happened(tenant: Tenancy) -> None:
    await tenant.login(risk="low")
    made = await tenant.control("POST", "past", {"days": 7, "a_day": 20})
    await tenant.control("POST", "users/many", {"count": 100, "lately": 0.2})
    found = (await tenant.api("GET", "/logs?per_page=100&sort=date:1")).json()
    ids, dates = [one["log_id"] for one in found], [one["date"] for one in found]
    assert (made, ids, dates) == ({"records": 140}, sorted(ids), sorted(dates))
    assert {"s", "fp"} <= {one["type"] for one in found}
    newest = (await tenant.api("GET", "/logs?per_page=1&sort=date:-1")).json()
    assert newest[0]["type"] == "s"
    lately = (await tenant.api("GET", f"/users?q=created_at:[{dates[0]} TO *]&include_totals=true")).json()
    assert lately["total"] > 5
