"""Our Auth0 Actions as the tenant runs them: installed through its API, told of by what people do, held and taken up again."""

import base64
import hashlib
import hmac
import json
import shutil
import time
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from connectors.auth0.client import Tenant
from connectors.auth0.install import install
from connectors.auth0.shipped import SHIPPED, TRIGGERS, Trigger
from tests.connectors.doubles import Auth0, Oddity

SECRET: Final = "whsec_" + "QUJD" * 10
CUSTOMER: Final = "auth0|650000000000000000000001"
PAGE: Final = "https://bot.example.com/hold"
HOLD: Final = {"page": PAGE, "token": {"hold": "run-1"}, "within": 300}
DEEDS: Final[dict[Trigger, tuple[str, dict[str, Any]]]] = {
    "post-login": ("logins", {"user_id": CUSTOMER, "risk": "low"}),
    "pre-user-registration": ("signups", {"email": "new.person@example.com"}),
    "post-user-registration": ("signups", {"email": "new.person@example.com"}),
    "post-change-password": ("password-changes", {"user_id": CUSTOMER}),
    "credentials-exchange": ("exchanges", {}),
    "password-reset-post-challenge": ("password-resets", {"user_id": CUSTOMER}),
    "send-phone-message": ("phone-messages", {"user_id": CUSTOMER}),
    "custom-token-exchange": ("token-exchanges", {}),
}
HELD: Final[tuple[Trigger, ...]] = ("post-login", "password-reset-post-challenge")

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")


async def ready(auth0: Auth0, tenant: Tenant, odd: Oddity, trigger: Trigger, *answers: Any, **how: Any) -> None:
    """Install an Auth0 Action whose bot gives these answers."""
    odd.answers = [JSONResponse({"accepted": "evt_1", "answers": list(answers)}, 202)]
    await auth0.change(build_seconds=0)
    await install(tenant, url=f"{odd.address}/in/key", secret=SECRET, triggers=[trigger], **how)
    if not SHIPPED[trigger].bound:  # a profile would name it; here it is bound by hand
        refs = [{"ref": {"type": "action_name", "value": SHIPPED[trigger].name}}]
        await tenant.http.patch(f"/api/v2/actions/triggers/{trigger}/bindings", json={"bindings": refs})


async def happens(auth0: Auth0, trigger: Trigger) -> dict[str, Any]:
    path, given = DEEDS[trigger]
    answer = await auth0.control.post(f"/sandbox/{path}", json=given)
    return dict(answer.raise_for_status().json())


def run_of(outcome: dict[str, Any], trigger: Trigger) -> dict[str, Any]:
    (run,) = [each for each in outcome["executions"] if each["action"] == SHIPPED[trigger].name]
    assert (run["runner"], run["error"]) == ("node", None)
    return dict(run)


def encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(state: str, answers: list[Any], *, secret: str = SECRET, **other: Any) -> str:
    """Write what the page brings back."""
    now = int(time.time())
    claims = {"iss": "https://bot.example.com", "sub": CUSTOMER, "iat": now, "exp": now + 60, "state": state}
    text = f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{encoded({**claims, 'answers': answers, **other})}"
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


async def back(auth0: Auth0, state: str, **given: str) -> httpx.Response:
    return await auth0.control.get("/continue", params={"state": state, **given})


async def ended(auth0: Auth0, outcome: dict[str, Any]) -> dict[str, Any]:
    return dict((await auth0.control.get(f"/sandbox/logins/{outcome['id']}")).json())


@pytest.mark.parametrize("trigger", TRIGGERS)
async def test_what_people_do_is_told_and_goes_on(auth0: Auth0, tenant: Tenant, odd: Oddity, trigger: Trigger) -> None:
    await ready(auth0, tenant, odd, trigger)
    outcome = await happens(auth0, trigger)
    run = run_of(outcome, trigger)
    assert (run["commands"], run["logs"]) == ([], [])
    (request,) = odd.received
    assert json.loads(await request.body())["trigger"] == trigger
    # Ours neither looks at a token that is exchanged nor says whose it is.
    assert outcome["allowed"] is (trigger != "custom-token-exchange")


@pytest.mark.parametrize(
    "trigger",
    [
        "post-login",
        "pre-user-registration",
        "credentials-exchange",
        "password-reset-post-challenge",
        "custom-token-exchange",
    ],
)
async def test_what_people_do_is_denied(auth0: Auth0, tenant: Tenant, odd: Oddity, trigger: Trigger) -> None:
    await ready(auth0, tenant, odd, trigger, {"deny": "Not from there."})
    outcome = await happens(auth0, trigger)
    assert (outcome["allowed"], outcome["reason"]) == (False, "Not from there.")
    assert run_of(outcome, trigger)["logs"] == []


async def test_a_login_gets_its_claims_metadata_and_another_factor(auth0: Auth0, tenant: Tenant, odd: Oddity) -> None:
    claims = {"id token": {"https://example.com/vip": True}, "access token": {"plan": "gold"}}
    more = {"user metadata": {"seen": 1}, "app metadata": {"level": "low"}, "require mfa": True}
    await ready(auth0, tenant, odd, "post-login", {"claims": claims}, more)
    outcome = await happens(auth0, "post-login")
    assert outcome["allowed"] is True
    assert outcome["claims"]["id_token"] == claims["id token"]
    assert outcome["claims"]["access_token"] == claims["access token"]
    assert outcome["mfa"] is not None
    user = await auth0.user(CUSTOMER)
    assert (user["user_metadata"]["seen"], user["app_metadata"]["level"]) == (1, "low")


async def test_a_session_is_revoked(auth0: Auth0, tenant: Tenant, odd: Oddity) -> None:
    await ready(auth0, tenant, odd, "post-login", {"revoke session": "Stolen."})
    outcome = await happens(auth0, "post-login")
    assert (outcome["allowed"], outcome["reason"]) == (False, "Stolen.")


@pytest.mark.parametrize(("on_failure", "allowed"), [("open", True), ("closed", False)])
async def test_a_bot_that_does_not_work_decides_as_it_was_installed(
    auth0: Auth0, tenant: Tenant, odd: Oddity, on_failure: str, allowed: bool
) -> None:
    await ready(auth0, tenant, odd, "post-login", on_failure=on_failure)
    odd.answers = [Response("{ nonsense", status_code=200)]
    assert (await happens(auth0, "post-login"))["allowed"] is allowed


@pytest.mark.parametrize("trigger", HELD)
async def test_what_is_held_waits_at_the_page(auth0: Auth0, tenant: Tenant, odd: Oddity, trigger: Trigger) -> None:
    await ready(auth0, tenant, odd, trigger, {"hold": HOLD})
    outcome = await happens(auth0, trigger)
    assert outcome["redirect"].startswith(f"{PAGE}?")
    query = parse_qs(urlsplit(outcome["redirect"]).query)
    assert set(query) == {"session_token", "state"}
    body = query["session_token"][0].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert (claims["hold"], claims["sub"], claims["exp"] - claims["iat"]) == ("run-1", CUSTOMER, 300)


@pytest.mark.parametrize("trigger", HELD)
@pytest.mark.parametrize(("answers", "allowed"), [([{}], True), ([], True), ([{"deny": "Not you."}], False)])
async def test_a_decision_lets_what_was_held_go_on_or_not(
    auth0: Auth0, tenant: Tenant, odd: Oddity, trigger: Trigger, answers: list[Any], allowed: bool
) -> None:
    await ready(auth0, tenant, odd, trigger, {"hold": HOLD})
    outcome = await happens(auth0, trigger)
    await back(auth0, outcome["state"], cicflow_token=token(outcome["state"], answers))
    after = await ended(auth0, outcome)
    assert (after["allowed"], after["redirect"]) == (allowed, None)
    assert after["reason"] == (None if allowed else "Not you.")
    assert len(odd.received) == 1


@pytest.mark.parametrize("trigger", HELD)
@pytest.mark.parametrize("wrong", ["nothing", "nonsense", "secret", "person", "state", "expired", "the page's own"])
async def test_whoever_comes_back_without_the_answer_is_denied_even_where_failure_is_open(
    auth0: Auth0, tenant: Tenant, odd: Oddity, trigger: Trigger, wrong: str
) -> None:
    await ready(auth0, tenant, odd, trigger, {"hold": HOLD})
    outcome = await happens(auth0, trigger)
    state = outcome["state"]
    given = {
        "nothing": {},
        "nonsense": {"cicflow_token": "a.b.c"},
        "secret": {"cicflow_token": token(state, [], secret=f"{SECRET}x")},
        "person": {"cicflow_token": token(state, [], sub="auth0|somebody-else")},
        "state": {"cicflow_token": token("another", [])},
        "expired": {"cicflow_token": token(state, [], exp=int(time.time()) - 1)},
        "the page's own": {"cicflow_token": parse_qs(urlsplit(outcome["redirect"]).query)["session_token"][0]},
    }[wrong]
    await back(auth0, state, **given)
    after = await ended(auth0, outcome)
    assert after["allowed"] is False
    assert "could not be confirmed" in after["reason"]


async def test_a_login_that_was_sent_to_a_page_of_ours_resumes(auth0: Auth0, tenant: Tenant, odd: Oddity) -> None:
    await ready(auth0, tenant, odd, "post-login", {"redirect": "https://pages.example.com/terms"})
    outcome = await happens(auth0, "post-login")
    assert outcome["redirect"].startswith("https://pages.example.com/terms?state=")
    await back(auth0, outcome["state"], cicflow_token=token(outcome["state"], [{"claims": {"id token": {"terms": 2}}}]))
    after = await ended(auth0, outcome)
    assert (after["allowed"], after["claims"]["id_token"]) == (True, {"terms": 2})
