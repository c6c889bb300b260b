"""A login is held until people have decided about it, and goes on, or does not, as they say."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import jwt
import pytest

from tests.bot.made import SHORT, make, shown
from tests.worlds import Stage, text_of

GATE = """
template: gate
version: 1
title: Gate
about: Holds risky logins until somebody has looked.
settings:
  tenant: {connection: auth0, title: Tenant}
  channel: {type: channel, title: Where}
when:
  event: auth0.post_login
  from: "{{ settings.tenant }}"
  only if: [{left: "{{ event.authentication.riskAssessment.confidence }}", is: low}]
  answers: {within: 5s, otherwise: deny}
steps:
  - answer: {hold: {say: "We look at this <login>.", at most: 5m}}
  - id: decision
    ask: Let {{ event.user.email }} in?
    in: "{{ settings.channel }}"
    choices: [let_in, keep_out]
    within: 5m
    otherwise: keep_out
  - if: [{left: "{{ steps.decision.choice }}", is: let_in}]
    then: [{answer: {claims: {id token: {looked_at: true}}}}]
    else: [{answer: {deny: Nobody knew you.}}]
"""


@asynccontextmanager
async def gated(stage: Stage, text: str = GATE) -> AsyncIterator[None]:
    await make(stage, text)
    async with stage.bot_running():
        yield


async def held(stage: Stage, index: int = 0) -> dict[str, Any]:
    """Log somebody in who is held. Returns how their login stands."""
    login = await stage.auth0.login((await stage.auth0.user(index))["user_id"])
    assert login["redirect"], login
    return login


async def looks(stage: Stage, page: str) -> str | None:
    """Look once whether there is an answer, as the page does. Returns where the browser goes on, if it does."""
    parts = urlsplit(page)
    answer = await stage.http.get(urlunsplit(parts._replace(path=f"{parts.path}/answer")))
    assert answer.status_code == 200, answer.text
    to: str | None = answer.json()["to"]
    return to


async def sent_back(stage: Stage, page: str) -> str:
    """Return where the browser goes on: it looks until there is an answer."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if to := await looks(stage, page):
            return to
    raise AssertionError("never sent back")


async def outcome(stage: Stage, login: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = await stage.auth0.get(f"logins/{login['id']}")
    return found


@pytest.mark.parametrize(("choice", "allowed"), [("let_in", True), ("keep_out", False)])
async def test_somebody_waits_in_the_browser_until_people_have_decided(
    set_up: Stage, choice: str, *, allowed: bool
) -> None:
    async with gated(set_up):
        login = await held(set_up)
        page = login["redirect"]
        seen = await set_up.http.get(page)
        assert (seen.status_code, "We look at this &lt;login&gt;." in seen.text) == (200, True)
        assert seen.headers["cache-control"] == "no-store"
        assert await looks(set_up, page) is None
        alert = (await set_up.slack.until(set_up.slack.alerts))[0]
        await set_up.slack.press(alert, f"decide:{choice}")
        to = await sent_back(set_up, page)
        assert (await set_up.http.get(page)).headers["location"].partition("?")[0] == to.partition("?")[0]
        await set_up.http.get(to)
        found = await outcome(set_up, login)
    assert found["allowed"] is allowed
    if allowed:
        assert found["claims"]["id_token"]["looked_at"] is True
    else:
        assert "Nobody knew you." in found["reason"]


async def test_a_decision_reaches_the_browser_though_another_process_resumed_the_run(set_up: Stage) -> None:
    async with gated(set_up):
        login = await held(set_up)
        alert = (await set_up.slack.until(set_up.slack.alerts))[0]
    async with set_up.bot_running():
        await set_up.slack.press(alert, "decide:let_in")
        await set_up.http.get(await sent_back(set_up, login["redirect"]))
        assert (await outcome(set_up, login))["allowed"]


async def test_when_nobody_decides_it_is_as_the_flow_says(set_up: Stage) -> None:
    hurried = GATE.replace("at most: 5m", "at most: 1s")
    async with gated(set_up, hurried):
        login = await held(set_up)
        await set_up.http.get(await sent_back(set_up, login["redirect"]))
        found = await outcome(set_up, login)
    assert (found["allowed"], "not be checked in time" in found["reason"]) == (False, True)


async def test_a_run_that_is_cancelled_lets_nobody_wait(set_up: Stage) -> None:
    async with gated(set_up):
        login = await held(set_up)
        alert = (await set_up.slack.until(set_up.slack.alerts))[0]
        assert "Let" in text_of(alert)
        run = SHORT.search(await shown(set_up, "runs gate"))
        assert run is not None
        assert "ancelled" in await shown(set_up, f"cancel {run.group(1)}")
        await set_up.http.get(await sent_back(set_up, login["redirect"]))
        assert not (await outcome(set_up, login))["allowed"]


def without_token(page: str) -> str:
    parts = urlsplit(page)
    state = parse_qs(parts.query)["state"][0]
    return urlunsplit(parts._replace(query=f"state={state}"))


def forged(stage: Stage, page: str, **more: Any) -> str:
    """Return the page with a token that says something else, signed with a key of somebody's own."""
    parts = urlsplit(page)
    query = parse_qs(parts.query)
    claims = jwt.decode(query["session_token"][0], options={"verify_signature": False})
    key = more.pop("key", "whsec_somebody-elses-secret-of-enough-length")
    token = jwt.encode({**claims, **more}, key, algorithm=more.pop("alg", "HS256"))
    return urlunsplit(parts._replace(query=f"state={query['state'][0]}&session_token={token}"))


async def test_who_has_no_token_of_ours_sees_nothing(set_up: Stage) -> None:
    async with gated(set_up):
        page = (await held(set_up))["redirect"]
        wrong = [
            without_token(page),
            forged(set_up, page),
            forged(set_up, page, key=set_up.secret, exp=int(time.time()) - 5),
            forged(set_up, page, key=set_up.secret, hold="gate/1/no-such-run"),
            forged(set_up, page, key=set_up.secret, iss="evil.example/path?"),
            page.replace(set_up.key, "no-such-key"),
        ]
        for one in wrong:
            seen = await set_up.http.get(one)
            assert (seen.status_code, "We look" in seen.text) == (403, False)
