"""The door for events: who may come in, and what is said to those who may not."""

import json
import time

import pytest

from tests.bot.arrivals import event, send, signed
from tests.worlds import Stage


async def test_the_same_id_twice_is_accepted_twice_and_wakes_one_run(running: Stage) -> None:
    await running.slack.enable()
    body = json.dumps({"trigger": "post-login", "event": event()})
    first = await send(running, body, signed(running, body))
    again = await send(running, body, signed(running, body))
    assert (first, again) == ((202, {"accepted": "evt_1"}), (202, {"accepted": "evt_1"}))
    other = json.dumps({"trigger": "post-login", "event": event("auth0|two")})
    await send(running, other, signed(running, other, event_id="evt_2"))
    await running.slack.until(lambda state: len(running.slack.alerts(state)) == 2)


async def test_a_wrong_or_missing_or_stale_signature_is_refused(running: Stage) -> None:
    body = json.dumps({"trigger": "post-login", "event": event()})
    wrong = {**signed(running, body), "webhook-signature": "v1,AAAA"}
    odd = {**signed(running, body), "webhook-signature": "nonsense"}
    stale = signed(running, body, at=time.time() - 600)
    answers = [await send(running, body, headers) for headers in ({}, wrong, odd, stale)]
    assert [status for status, _ in answers] == [401, 401, 401, 401]
    assert "too old" in answers[3][1]["message"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("not json", "not JSON"),
        ("[1]", "JSON object"),
        ('{"trigger": "no-such"}', "does not know"),
        ('{"trigger": "post-login", "event": {"user": {}}}', "does not fit"),
        ("[" * 100_000, "not JSON"),
        ('{"a":' * 80 + "1" + "}" * 80, "nested deeper"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_the_reason(running: Stage, body: str, words: str) -> None:
    status, said = await send(running, body, signed(running, body))
    assert (status, words in said["message"]) == (400, True)


async def test_a_body_over_the_limit_is_refused(running: Stage) -> None:
    body = json.dumps({"trigger": "post-login", "event": event(padding="x" * 1024 * 1024)})
    status, said = await send(running, body, signed(running, body))
    assert (status, said["error"]) == (413, "too_large")


async def test_an_unknown_address_is_refused(running: Stage) -> None:
    answer = await running.http.post(f"{running.bot}/in/nobody", content=b"{}")
    assert answer.status_code == 404


async def test_a_bearer_token_or_a_client_token_with_the_bare_event_will_do(set_up: Stage) -> None:
    body = json.dumps(event())
    await set_up.connect(accepts="client-token", installed=False)
    async with set_up.bot_running():
        await set_up.slack.enable()
        wrong = await send(set_up, body, {"x-api-client-token": "wrong"})
        right = await send(set_up, body, {"x-api-client-token": set_up.secret})
    await set_up.connect(accepts="bearer", installed=False)
    async with set_up.bot_running():
        wrong_bearer = await send(set_up, body, {"authorization": "Bearer wrong"})
        bearer = await send(set_up, body, {"authorization": f"Bearer {set_up.secret}"})
        await set_up.slack.alert()
        alerts = set_up.slack.alerts(await set_up.slack.get("state"))
    assert [wrong[0], right[0], wrong_bearer[0], bearer[0], len(alerts)] == [401, 202, 401, 202, 1]


async def test_nothing_of_an_event_is_in_the_log(running: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    await running.slack.enable()
    body = json.dumps({"trigger": "post-login", "event": event("auth0|hidden")})
    await send(running, body, signed(running, body))
    await running.slack.alert()
    out, err = capfd.readouterr()
    assert "one@example.com" not in out + err
    assert "203.0.113.7" not in out + err
    assert running.secret not in out + err


async def test_the_bot_says_that_it_is_well(running: Stage) -> None:
    answer = await running.http.get(f"{running.bot}/health")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
