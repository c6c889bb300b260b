"""Streams: batches of log records and changes, as Auth0 sends them, and what becomes of what cannot be read."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot import assembly
from bot.connections import stream_token
from bot.settings import Settings
from flows.tables import UnreadBody
from flows.unread import LARGEST, MOST, UnreadBodies
from flows.vault import Account
from tests.bot.made import answered, ended, make
from tests.worlds import TENANT, Stage, text_of

LISTENS = """
template: {name}
version: 1
title: Listens
about: Notes what a stream tells of.
settings:
  tenant: {{connection: auth0, title: Tenant}}
when:
  event: {source}
  from: "{{{{ settings.tenant }}}}"
steps:
  - {{stop: done, say: "{what}"}}
"""
WRONG_PASSWORD = {"date": "2026-11-23T10:00:00.000Z", "type": "fp", "ip": "203.0.113.7", "user_id": "auth0|one"}


def record(number: int, **more: Any) -> dict[str, Any]:
    return {"log_id": f"9002{number}", "data": {**WRONG_PASSWORD, "log_id": f"9002{number}", **more}}


def change(number: int = 1, kind: str = "user.created", **user: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"evt_{number:022}",
        "type": kind,
        "source": "urn:auth0:example-tenant",
        "time": "2026-11-23T10:00:00.000Z",
        "data": {"object": {"user_id": f"auth0|{number}", "identities": [], **user}},
        "a0tenant": "example-tenant",
        "a0stream": "est_1",
    }


def token(stage: Stage, inlet: str) -> str:
    account = Account(name="", connector="auth0", key=stage.key, accepts="signed", settings={}, secret=stage.secret)
    return stream_token(account, inlet)


@asynccontextmanager
async def listening(stage: Stage, source: str, what: str) -> AsyncIterator[None]:
    """Run the bot with a flow that says something of every event of a source."""
    await make(stage, LISTENS.format(name="listens", source=source, what=what))
    async with stage.bot_running():
        yield


async def send(stage: Stage, inlet: str, body: str, authorization: str | None = None) -> tuple[int, dict[str, Any]]:
    headers = {"authorization": token(stage, inlet) if authorization is None else authorization}
    answer = await stage.http.post(f"{stage.bot}/in/{stage.key}/{inlet}", content=body.encode(), headers=headers)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    "body",
    [
        json.dumps([record(1), record(2)]),
        json.dumps(record(1)) + "\n" + json.dumps(record(2)) + "\n",
        json.dumps({"logs": [record(1), record(2)]}),
        json.dumps([record(1)["data"], record(2)["data"]]),
        json.dumps(record(1)) + "\nnot a record\n" + json.dumps(record(2)),
        json.dumps([record(2), {"odd": 1}, None, record(1), record(2)]),
    ],
)
async def test_a_batch_is_read_in_any_format_and_each_record_counts_once(set_up: Stage, body: str) -> None:
    async with listening(set_up, "auth0.log", "{{ event.log_id }}"):
        assert (await send(set_up, "logs", body))[0] == 202
        assert (await send(set_up, "logs", body))[0] == 202
        assert await ended(set_up, "listens", 2) == ["90021", "90022"]


async def test_a_record_says_what_its_code_means_and_has_the_risk_where_a_login_has_it(set_up: Stage) -> None:
    risky = record(1, type="s", details={"riskAssessment": {"confidence": "low", "version": "1", "assessments": {}}})
    async with listening(set_up, "auth0.log", "{{ event.meaning }} {{ event.riskAssessment.confidence }}"):
        await send(set_up, "logs", json.dumps(risky))
        assert await ended(set_up, "listens", 1) == ["signed in low"]


async def test_a_change_is_typed_and_accepted_once(set_up: Stage) -> None:
    body = json.dumps(change(email="one@example.com"))
    async with listening(set_up, "auth0.user_created", "{{ event.type }} {{ event.object.email }}"):
        for _ in range(2):
            assert await send(set_up, "events", body) == (202, {"accepted": 1})
        assert await ended(set_up, "listens", 1) == ["user.created one@example.com"]


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", ""])
async def test_a_stream_shows_its_token(running: Stage, scheme: str) -> None:
    body = json.dumps(change())
    assert (await send(running, "events", body, scheme + token(running, "events")))[0] == 202


@pytest.mark.parametrize("wrong", ["", "Bearer", "Bearer wrong", "Basic abc"])
async def test_who_does_not_show_it_is_refused(running: Stage, wrong: str) -> None:
    assert (await send(running, "events", json.dumps(change()), wrong))[0] == 401
    other = token(running, "logs")
    assert (await send(running, "events", json.dumps(change()), other))[0] == 401


@pytest.mark.parametrize(
    ("inlet", "body"),
    [
        ("events", "not json"),
        ("events", "[]x"),
        ("events", json.dumps({"id": "evt_1", "type": "user.created"})),
        ("events", json.dumps(change(kind="no.such.type"))),
        ("events", json.dumps(change(user_id=""))),
        ("events", "[" * 100_000),
        ("logs", "not json"),
        ("logs", "[" * 100_000),
        ("logs", json.dumps({"hello": "there"})),
        ("logs", '{"log_id": "1", "data": {"type": "s", "a":' + '{"a":' * 80 + "1" + "}" * 82),
    ],
)
async def test_what_cannot_be_read_is_not_refused_because_that_would_stop_the_stream(
    running: Stage, inlet: str, body: str
) -> None:
    status, said = await send(running, inlet, body)
    assert (status, said["accepted"]) == (202, 0)


async def test_an_unknown_inlet_is_refused(running: Stage) -> None:
    assert (await send(running, "no-such", "{}"))[0] == 404


async def test_what_cannot_be_read_is_kept_shown_and_offered_again(running: Stage) -> None:
    unknown = json.dumps(change(kind="no.such.type", email="some.body@example.com"))
    for _ in range(2):
        await send(running, "events", unknown)
    await send(running, "logs", json.dumps([record(1), {"log_id": "x", "data": {"type": "s", "date": {}}}]))
    listed = text_of(await answered(running, "unread"))
    assert "2 bodies of streams could not be read." in listed
    (name,) = re.findall(r"`([0-9a-f]{10})` .*, events:", listed)
    shown = text_of(await answered(running, f"unread {name}"))
    assert "no.such.type" in shown
    assert "some.body@example.com" not in shown
    assert "0 bodies read, with 0 events. 1 body cannot be read yet, and stay" in await running.slack.said(
        f"offer {name}"
    )
    assert "There is no unread body" in await running.slack.said("offer nothing")
    assert "not allowed" in await running.slack.said("unread", user="visitor")
    assert "not allowed" in await running.slack.said("offer all", user="visitor")


async def test_what_a_newer_bot_can_read_is_taken_in_and_counts_once(set_up: Stage) -> None:
    async with assembly.kept(Settings(**set_up.settings)) as things:
        unread = UnreadBodies(things.store)  # as a bot kept it that did not know this kind of change
        for number in (1, 2):
            body = json.dumps(change(number, email=f"{number}@example.com")).encode()
            assert await unread.keep(TENANT, "events", body, why="Of no kind that is known.", now=1e9 + number)
        assert not await unread.keep(TENANT, "events", b"x" * (LARGEST + 1), why="", now=1e9)
        for number in range(MOST + 10):
            await unread.keep("another", "events", str(number).encode(), why="", now=1e9 + number)
        kept = [one.connection for one in await unread.all()]
        assert (kept.count("another"), kept.count(TENANT)) == (MOST, 2)
    async with listening(set_up, "auth0.user_created", "{{ event.object.email }}"):
        await send(set_up, "events", json.dumps(change(2, email="2@example.com")))  # it was sent again meanwhile
        for name in [one.id for one in (await bodies(set_up)) if one.connection == TENANT]:
            assert await set_up.slack.said(f"offer {name}") == "1 body read, with 1 event."
        assert await ended(set_up, "listens", 2) == ["1@example.com", "2@example.com"]
    assert TENANT not in {one.connection for one in await bodies(set_up)}


async def bodies(stage: Stage) -> Sequence[UnreadBody]:
    async with assembly.kept(Settings(**stage.settings)) as things:
        return await UnreadBodies(things.store).all()
