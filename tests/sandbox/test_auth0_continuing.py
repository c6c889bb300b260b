"""Logins and resets that are held at a redirect: the page, the token, the way back, and everybody who tries to cheat."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.sandbox.auth0_deeds import bind, does, happens, needs_node, right_event, runs
from tests.sandbox.auth0_tenancy import CUSTOMER, Tenancy, tenancy

SECRET = "a secret that the page knows too"
REDIRECTS = """
exports.onExecutePostLogin = async (event, api) => {
  const token = api.redirect.encodeToken({ secret: event.secrets.SECRET, expiresInSeconds: 60, payload: { hold: 'run_1', sub: 'forged' } });
  api.redirect.sendUserTo('https://bot.example.com/hold?kept=1', { query: { session_token: token } });
};
exports.onContinuePostLogin = async (event, api) => {
  const payload = api.redirect.validateToken({ secret: event.secrets.SECRET, tokenParameterName: 'answer' });
  console.log(event.request.method, JSON.stringify(payload.answers));
  if (payload.answers.includes('deny')) api.access.deny('a person said no');
  if (payload.answers.includes('again')) api.redirect.sendUserTo('https://bot.example.com/again');
  api.idToken.setCustomClaim('answers', payload.answers);
};
"""
RESETS = REDIRECTS.replace("PostLogin", "PostChallenge").replace("api.idToken.setCustomClaim", "console.log")

pytestmark = needs_node


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        yield found


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def decoded(part: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def signed(text: str, secret: str = SECRET) -> str:
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def token(
    state: str,
    *answers: str,
    secret: str = SECRET,
    without: str = "",
    header: dict[str, str] | None = None,
    **other: Any,
) -> str:
    """Write the token that a page gives back, right unless a test wants it otherwise."""
    now = int(time.time())
    claims = {"iss": "https://bot.example.com", "sub": CUSTOMER, "iat": now, "exp": now + 60, "state": state}
    claims |= {"answers": list(answers), **other}
    claims.pop(without, None)
    text = f"{encoded(header or {'alg': 'HS256', 'typ': 'JWT'})}.{encoded(claims)}"
    return f"{text}.{signed(text, secret)}"


async def held(tenant: Tenancy, **more: Any) -> dict[str, Any]:
    """Log in till the page that the Action sends to."""
    await bind(tenant, "post-login", REDIRECTS, "holds", SECRET=SECRET)
    await runs(tenant, "post-login", "console.log('the one after', event.request.method);", "after")
    return await happens(tenant, "post-login", **more)


async def back(tenant: Tenancy, state: str, answer: str) -> httpx.Response:
    return await tenant.http.get("/continue", params={"state": state, "answer": answer})


async def ended(tenant: Tenancy, outcome: dict[str, Any]) -> dict[str, Any]:
    return dict(await tenant.control("GET", f"logins/{outcome['id']}"))


async def test_a_login_is_held_at_the_page_that_an_action_names(tenant: Tenancy) -> None:
    before = await tenant.user(CUSTOMER)
    outcome = await held(tenant)
    assert (outcome["allowed"], outcome["reason"], outcome["logs"]) == (False, None, [])
    assert [run["action"] for run in outcome["executions"]] == ["holds"]
    address = urlsplit(outcome["redirect"])
    query = parse_qs(address.query)
    assert (address.netloc, address.path, query["kept"], query["state"]) == (
        "bot.example.com",
        "/hold",
        ["1"],
        [outcome["state"]],
    )
    head, body, signature = query["session_token"][0].split(".")
    assert signature == signed(f"{head}.{body}")
    assert decoded(head) == {"alg": "HS256", "typ": "JWT"}
    claims = decoded(body)
    assert set(claims) == {"iss", "sub", "ip", "iat", "exp", "hold"}
    assert (claims["sub"], claims["ip"], claims["hold"]) == (CUSTOMER, "203.0.113.17", "run_1")
    assert claims["exp"] - claims["iat"] == 60
    assert (await tenant.user(CUSTOMER))["sessions"] == before["sessions"]
    (line,) = (await tenant.control("GET", "state"))["logins"]
    assert (line["id"], line["allowed"], line["redirect"]) == (outcome["id"], False, outcome["redirect"])


@pytest.mark.parametrize(("method", "where"), [("GET", "params"), ("POST", "data")])
async def test_a_browser_that_comes_back_goes_on_where_it_left(tenant: Tenancy, method: str, where: str) -> None:
    outcome = await held(tenant)
    given: dict[str, Any] = {where: {"state": outcome["state"], "answer": token(outcome["state"], "allow")}}
    page = await tenant.http.request(method, "/continue", **given)
    assert (page.status_code, "logged in" in page.text) == (200, True)
    after = await ended(tenant, outcome)
    assert (after["allowed"], after["redirect"], after["state"]) == (True, None, None)
    assert [(run["action"], run["entry"]) for run in after["executions"]] == [
        ("holds", "onExecutePostLogin"),
        ("holds", "onContinuePostLogin"),
        ("after", "onExecutePostLogin"),
    ]
    assert after["executions"][1]["logs"] == [f'{method} ["allow"]']
    assert after["executions"][2]["logs"] == [f"the one after {method}"]
    assert after["claims"]["id_token"] == {"answers": ["allow"]}
    assert [one["type"] for one in after["logs"]] == ["s"]
    assert len((await tenant.user(CUSTOMER))["sessions"]) == 3
    right_event("post-login", after["events"]["post-login"])
    assert (await tenant.control("GET", "state"))["logins"][0]["allowed"] is True


async def test_an_action_that_refuses_after_the_way_back_refuses(tenant: Tenancy) -> None:
    outcome = await held(tenant)
    page = await back(tenant, outcome["state"], token(outcome["state"], "deny"))
    assert "a person said no" in page.text
    after = await ended(tenant, outcome)
    assert (after["allowed"], after["reason"], len(after["executions"])) == (False, "a person said no", 2)
    assert len((await tenant.user(CUSTOMER))["sessions"]) == 2


async def test_an_action_can_send_away_twice(tenant: Tenancy) -> None:
    outcome = await held(tenant)
    away = await back(tenant, outcome["state"], token(outcome["state"], "again"))
    assert away.status_code == 302
    second = parse_qs(urlsplit(away.headers["location"]).query)["state"][0]
    assert second != outcome["state"]
    assert (await ended(tenant, outcome))["state"] == second
    assert (await back(tenant, second, token(second, "allow"))).status_code == 200
    assert (await ended(tenant, outcome))["allowed"] is True


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("another secret", {"secret": "another"}, "signature"),
    ("another person", {"sub": "auth0|somebody"}, "sub claim"),
    ("another login", {"state": "another"}, "state claim"),
    ("too old", {"exp": int(time.time()) - 1}, "expired"),
    ("no end", {"without": "exp"}, "exp claim"),
    ("no issuer", {"without": "iss"}, "iss claim"),
    ("no person", {"without": "sub"}, "sub claim"),
    ("no login", {"without": "state"}, "state claim"),
    ("no signature asked for", {"header": {"alg": "none"}}, "HS256"),
    ("another method", {"header": {"alg": "HS512"}}, "HS256"),
]


@pytest.mark.parametrize(("wrong", "error"), [pytest.param(wrong, error, id=name) for name, wrong, error in WRONG])
async def test_a_token_that_is_wrong_is_not_believed(tenant: Tenancy, wrong: dict[str, Any], error: str) -> None:
    outcome = await held(tenant)
    given = {"state_": outcome["state"], **wrong}
    claimed = given.pop("state", given.pop("state_"))
    given.pop("state_", None)
    await back(tenant, outcome["state"], token(claimed, "allow", **given))
    after = await ended(tenant, outcome)
    assert after["allowed"] is False
    assert error in after["reason"]


@pytest.mark.parametrize("answer", ["", "x", "a.b", "a.b.c.d", "....", "e30.e30."])
async def test_what_is_no_token_is_not_believed(tenant: Tenancy, answer: str) -> None:
    outcome = await held(tenant)
    await back(tenant, outcome["state"], answer)
    after = await ended(tenant, outcome)
    assert (after["allowed"], after["executions"][1]["error"]) == (False, after["reason"])


async def test_a_state_is_good_once(tenant: Tenancy) -> None:
    outcome = await held(tenant)
    right = token(outcome["state"], "allow")
    assert (await back(tenant, outcome["state"], right)).status_code == 200
    again = await back(tenant, outcome["state"], right)
    assert (again.status_code, "gone on already" in again.text) == (400, True)
    assert len((await ended(tenant, outcome))["executions"]) == 3


@pytest.mark.parametrize("query", ["", "?state=", "?state=unknown", "?state=%3Cscript%3E"])
async def test_an_unknown_state_is_an_error_page(tenant: Tenancy, query: str) -> None:
    page = await tenant.http.get(f"/continue{query}")
    assert (page.status_code, "<script>" in page.text) == (400, False)


async def test_a_login_that_was_held_too_long_is_over(tenant: Tenancy) -> None:
    outcome = await held(tenant)
    await tenant.control("PUT", "settings", {"continue_seconds": 0})
    page = await back(tenant, outcome["state"], token(outcome["state"], "allow"))
    assert (page.status_code, "too long" in page.text) == (400, True)
    after = await ended(tenant, outcome)
    assert (after["allowed"], after["redirect"], len(after["executions"])) == (False, None, 1)


async def test_what_is_said_to_a_person_is_no_markup(tenant: Tenancy) -> None:
    code = """
    exports.onExecutePostLogin = async (event, api) => api.redirect.sendUserTo('https://bot.example.com/');
    exports.onContinuePostLogin = async (event, api) => api.access.deny('<script>alert(1)</script>');
    """
    await bind(tenant, "post-login", code)
    outcome = await happens(tenant, "post-login")
    page = await back(tenant, outcome["state"], "")
    assert ("<script>" in page.text, "&lt;script&gt;" in page.text) == (False, True)


@pytest.mark.parametrize("protocol", ["oauth2-refresh-token", "oauth2-password", "oauth2-token-exchange"])
async def test_nobody_can_be_sent_away_without_a_browser(tenant: Tenancy, protocol: str) -> None:
    await runs(
        tenant,
        "post-login",
        "console.log(api.redirect.canRedirect()); api.redirect.sendUserTo('https://a.example.com');",
    )
    outcome = await happens(tenant, "post-login", protocol=protocol)
    assert (outcome["allowed"], outcome["redirect"]) == (False, None)
    assert outcome["executions"][0]["logs"] == ["false"]
    assert protocol in outcome["reason"]


async def test_there_is_nothing_to_validate_before_anybody_was_away(tenant: Tenancy) -> None:
    await runs(tenant, "post-login", "api.redirect.validateToken({ secret: 'x' });")
    assert "before the user has been redirected" in (await happens(tenant, "post-login"))["reason"]


async def test_a_refusal_wins_over_a_redirect(tenant: Tenancy) -> None:
    await runs(tenant, "post-login", "api.redirect.sendUserTo('https://a.example.com'); api.access.deny('no');")
    outcome = await happens(tenant, "post-login")
    assert (outcome["reason"], outcome["redirect"]) == ("no", None)


async def test_what_was_asked_for_before_the_redirect_is_done_at_the_end(tenant: Tenancy) -> None:
    await runs(
        tenant, "post-login", "api.user.setAppMetadata('before', 1); api.idToken.setCustomClaim('a', 1);", "before"
    )
    outcome = await held(tenant)
    assert "before" not in (await tenant.user(CUSTOMER))["app_metadata"]
    await back(tenant, outcome["state"], token(outcome["state"], "allow"))
    assert (await tenant.user(CUSTOMER))["app_metadata"]["before"] == 1
    assert (await ended(tenant, outcome))["claims"]["id_token"] == {"a": 1, "answers": ["allow"]}


async def test_the_time_before_and_after_a_redirect_counts_apart(tenant: Tenancy) -> None:
    code = """
    const wait = () => new Promise((done) => setTimeout(done, 700));
    exports.onExecutePostLogin = async (event, api) => { await wait(); api.redirect.sendUserTo('https://a.example.com'); };
    exports.onContinuePostLogin = wait;
    """
    await bind(tenant, "post-login", code)
    await tenant.control("PUT", "settings", {"action_seconds": 1.3})
    outcome = await happens(tenant, "post-login")
    await back(tenant, outcome["state"], "")
    assert (await ended(tenant, outcome))["allowed"] is True


async def test_an_action_changed_while_a_login_is_held_does_not_change_that_login(tenant: Tenancy) -> None:
    action_id = await bind(tenant, "post-login", REDIRECTS, "holds", SECRET=SECRET)
    outcome = await happens(tenant, "post-login")
    later = {"code": "exports.onContinuePostLogin = async (event, api) => api.access.deny('changed');"}
    await tenant.api("PATCH", f"/actions/actions/{action_id}", json=later)
    await tenant.api("POST", f"/actions/actions/{action_id}/deploy")
    await back(tenant, outcome["state"], token(outcome["state"], "allow"))
    assert (await ended(tenant, outcome))["allowed"] is True


async def test_a_reset_is_held_and_goes_on_as_well(tenant: Tenancy) -> None:
    await bind(tenant, "password-reset-post-challenge", RESETS, "holds", SECRET=SECRET)
    outcome = await does(tenant, "password-resets", user_id=CUSTOMER, password="another-password")
    assert (outcome["allowed"], outcome["logs"]) == (False, [])
    page = await back(tenant, outcome["state"], token(outcome["state"], "allow"))
    assert "password is changed" in page.text
    after = await ended(tenant, outcome)
    assert (after["allowed"], [one["type"] for one in after["logs"]]) == (True, ["scp"])


async def test_metadata_of_the_transaction_is_there_for_those_who_follow(tenant: Tenancy) -> None:
    code = """
    exports.onExecutePostLogin = async (event, api) => {
      api.transaction.setMetadata('where', 'page');
      api.redirect.sendUserTo('https://a.example.com');
    };
    exports.onContinuePostLogin = async (event) => console.log(event.transaction.metadata.where, event.transaction.metadata.entry);
    """
    await bind(tenant, "post-login", code)
    await runs(tenant, "post-login", "console.log(event.transaction.metadata.where);", "after")
    outcome = await happens(tenant, "post-login")
    await back(tenant, outcome["state"], "")
    assert [run["logs"] for run in (await ended(tenant, outcome))["executions"]] == [[], ["page web"], ["page"]]
