"""The twin of the shipped post-login Action, held against the Action itself: it does the same about every answer."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.auth0.shipped import code
from sandbox.server import serving
from tests.sandbox.auth0_deeds import bind, needs_node
from tests.sandbox.auth0_tenancy import CUSTOMER, Tenancy, tenancy

SECRET = "whsec_" + base64.b64encode(b"a key of more than twenty-four bytes").decode()
HOLD = {"page": "https://bot.example.com/hold", "token": {"hold": "run_1"}, "within": 60}
RUNNERS = ("node", "twin")
PERSON = {"enrolledFactors": [{"type": "otp"}, {"type": "phone"}]}

pytestmark = needs_node


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        yield found


class Bot:
    """Somebody who answers every login in the same way."""

    def __init__(self, content: bytes, status: int = 202) -> None:
        self.content = content
        self.status = status

    async def _answer(self, request: Request) -> Response:
        await request.body()
        return Response(self.content, status_code=self.status, media_type="application/json")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        async with serving(Starlette(routes=[Route("/in/key", self._answer, methods=["POST"])])) as address:
            yield f"{address}/in/key"


def same(outcome: dict[str, Any]) -> dict[str, Any]:
    """Give what must be the same, whoever ran."""
    (run,) = outcome["executions"]
    commands = json.loads(json.dumps(run["commands"]))
    for command in commands:
        if command[0] == "redirect.sendUserTo":
            options = command[2:] if command[2:] != [None] else []
            command[2:] = [sorted(one["query"]) for one in options]  # the token has the time in it
    address = urlsplit(outcome["redirect"] or "")
    return {
        "commands": commands,
        "logs": run["logs"],
        "error": run["error"],
        "allowed": outcome["allowed"],
        "reason": outcome["reason"],
        "mfa": (outcome["mfa"] or {}).get("factors"),
        "claims": outcome["claims"],
        "page": (address.netloc, address.path, sorted(parse_qs(address.query))),
    }


ANSWERS: list[list[Any]] = [
    [],
    [{}],
    [{"deny": "not today"}],
    [{"deny": ""}, {"deny": "second"}],
    [{"deny": "  two\nlines "}, {"claims": {"id token": {"a": 1}}}],
    [{"revoke session": "stolen"}, {"hold": HOLD}],
    [{"require mfa": True}],
    [{"require mfa": ["otp"]}],
    [{"require mfa": ["email"]}],
    [{"require mfa": ["webauthn-roaming"]}],
    [{"require mfa": ["smoke signals"]}, {"require mfa": []}],
    [{"claims": {"id token": {"https://example.com/a": {"b": [1]}, "sub": "x"}, "access token": {"": 1, "c": None}}}],
    [{"claims": {"id token": {"a": 1}}}, {"claims": {"id token": {"a": 2}}}, {"claims": "x"}],
    [{"user metadata": {"a": 1, "b.c": 1, "$d": 1}, "app metadata": {"e": {"f": None}}}, {"app metadata": []}],
    [{"redirect": "https://bot.example.com/page?a=1"}],
    [{"redirect": "javascript:alert(1)"}],
    [{"redirect": "http://evil.example.com"}, {"redirect": "https://later.example.com"}],
    [{"hold": HOLD}],
    [{"hold": {**HOLD, "within": "soon"}}, {"redirect": "https://bot.example.com/page"}],
    [{"hold": {"page": "ftp://x", "token": {}}}],
    [{"hold": "please"}, {"claims": {"id token": {"a": 1}}}],
    ["nonsense", 1, None],
    [{"dance": True}],
]


@pytest.mark.parametrize("answers", ANSWERS, ids=json.dumps)
@pytest.mark.parametrize("wish", ["open", "closed"])
async def test_both_do_the_same_about_an_answer(tenant: Tenancy, answers: list[Any], wish: str) -> None:
    await both(tenant, Bot(json.dumps({"accepted": "evt_1", "answers": answers}).encode()), wish)


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 202), (b"{}", 200), (b"<html>", 200), (b"[]", 200), (b'{"answers": 1}', 200), (b"{}", 401), (b"", 500)],
)
@pytest.mark.parametrize("wish", ["open", "closed"])
async def test_both_do_the_same_about_nonsense(tenant: Tenancy, content: bytes, status: int, wish: str) -> None:
    await both(tenant, Bot(content, status), wish)


@pytest.mark.parametrize(
    "notes",
    [
        {"cicflow_require_mfa": {"until": "2999-01-01T00:00:00Z"}},
        {"cicflow_require_mfa": {"factors": ["otp"]}},
        {
            "cicflow_require_mfa": {"until": "2020-01-01T00:00:00+00:00"},
            "cicflow_new_password": {"until": "2020-01-01"},
        },
        {"cicflow_new_password": {"since": "2026-01-01T00:00:00Z"}},
        {"cicflow_new_password": {"since": "2020-01-01T00:00:00Z"}},
        {"cicflow_require_mfa": "always", "cicflow_new_password": None},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("status", [202, 500])
async def test_both_do_the_same_about_what_stands_at_a_person(
    tenant: Tenancy, notes: dict[str, Any], status: int
) -> None:
    person = {"app_metadata": notes, "last_password_reset": "2025-01-01T00:00:00.000Z"}
    await both(tenant, Bot(b'{"answers": [{"claims": {"id token": {"a": 1}}}]}', status), "open", **person)


async def both(tenant: Tenancy, bot: Bot, wish: str, **person: Any) -> None:
    async with bot.open() as url:
        await bind(
            tenant, "post-login", code("post-login"), CICFLOW_URL=url, CICFLOW_SECRET=SECRET, CICFLOW_ON_FAILURE=wish
        )
        found = []
        for runner in RUNNERS:
            await tenant.control("PUT", "settings", {"runner": runner})
            outcome = await tenant.login(CUSTOMER, event_overrides={"user": PERSON | person})
            assert outcome["executions"][0]["runner"] == runner
            found.append(same(outcome))
    assert found[0] == found[1]


def token(state: str, answers: Any, *, secret: str = SECRET, **other: Any) -> str:
    """Write what the page gives back."""

    def encoded(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    now = int(time.time())
    claims = {"iss": "https://bot.example.com", "sub": CUSTOMER, "iat": now, "exp": now + 60, "state": state}
    text = f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{encoded({**claims, 'answers': answers, **other})}"
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize(
    ("answers", "other", "reason"),
    [
        ([{}], {}, None),
        ([{"claims": {"id token": {"asked": True}}}], {}, None),
        ([{"deny": "a person said no"}], {}, "a person said no"),
        ([{"hold": HOLD}], {}, "This could not be confirmed. Please start again."),
        ([], {"secret": "whsec_another"}, "This could not be confirmed. Please start again."),
        ([], {"sub": "auth0|another"}, "This could not be confirmed. Please start again."),
        ([], {"exp": 1}, "This could not be confirmed. Please start again."),
        ("none", {}, "This could not be confirmed. Please start again."),
    ],
)
async def test_both_take_a_held_login_up_again(
    tenant: Tenancy, runner: str, answers: Any, other: dict[str, Any], reason: str | None
) -> None:
    bot = Bot(json.dumps({"accepted": "evt_1", "answers": [{"hold": HOLD}]}).encode())
    async with bot.open() as url:
        await bind(tenant, "post-login", code("post-login"), CICFLOW_URL=url, CICFLOW_SECRET=SECRET)
        await tenant.control("PUT", "settings", {"runner": runner})
        outcome = await tenant.login(CUSTOMER)
        back = {"state": outcome["state"], "cicflow_token": token(outcome["state"], answers, **other)}
        await tenant.http.get("/continue", params=back)
        after = await tenant.control("GET", f"logins/{outcome['id']}")
    assert (after["allowed"], after["reason"]) == (reason is None, reason)
