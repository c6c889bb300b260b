"""Connections that stop working, and streams that are switched off: people hear of it once, and what can be mended is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bot import assembly
from bot.concerned import Concerned
from bot.health import EVERY, SOON, Health
from bot.permissions import Permissions
from bot.settings import Settings
from bot.stream_watch import EVERY as STREAMS_EVERY
from bot.stream_watch import StreamWatch
from connectors.auth0 import streams
from connectors.auth0.streams import Kind
from flows.health import DAY, HealthRecords
from tests.bot.made import ended, make
from tests.bot.test_connections_in_slack import USES
from tests.worlds import TENANT, Stage, text_of

LISTENS = """
template: listens
version: 1
title: Listens
about: Notes who was created.
settings:
  tenant: {connection: auth0, title: Tenant}
when:
  event: auth0.user_created
  from: "{{ settings.tenant }}"
steps:
  - {stop: done, say: "{{ event.object.email }}"}
"""
OFF: dict[Kind, str] = {"logs": "paused", "events": "disabled"}
DENIED = {"error": "access_denied", "error_description": "Unauthorized"}


@dataclass
class Clock:
    """A clock that stands still unless it is moved."""

    at: float = 1_900_000_000.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Watched:
    """One process that looks after connections and streams."""

    stage: Stage
    things: assembly.Kept
    health: Health
    streams: StreamWatch
    clock: Clock

    async def install(self, *kinds: Kind) -> None:
        account = await self.things.vault.named(TENANT)
        assert account is not None
        url = f"{self.stage.settings['cicflow_public_url']}/in/{account.key}"
        client = await self.things.accounts.client(TENANT)
        for kind in kinds:
            await streams.install(client, kind, url=url, secret=account.secret)

    async def switch_off(self, kind: Kind) -> None:
        client = await self.things.accounts.client(TENANT)
        listed = (await client.http.get(streams.PATHS[kind])).json()
        (stream,) = listed if kind == "logs" else listed["eventStreams"]
        await client.http.patch(f"{streams.PATHS[kind]}/{stream['id']}", json={"status": OFF[kind]})

    async def works(self, kind: Kind) -> bool:
        account = await self.things.vault.named(TENANT)
        assert account is not None
        url = f"{self.stage.settings['cicflow_public_url']}/in/{account.key}"
        return (await streams.status(await self.things.accounts.client(TENANT), kind, url=url)).working


@asynccontextmanager
async def watching(stage: Stage, clock: Clock) -> AsyncIterator[Watched]:
    stage.settings.setdefault("cicflow_public_url", f"http://127.0.0.1:{stage.settings['port']}")
    settings = Settings(**stage.settings)
    async with assembly.kept(settings) as things, assembly._workspace(settings) as workspace:
        permissions = Permissions(things.store, workspace)
        concerned = Concerned(store=things.store, permissions=permissions, workspace=workspace)
        records = HealthRecords(things.store)
        health = Health(
            vault=things.vault,
            catalog=things.catalog,
            accounts=things.accounts,
            records=records,
            concerned=concerned,
            now=clock,
        )
        watch = StreamWatch(
            vault=things.vault,
            accounts=things.accounts,
            records=records,
            concerned=concerned,
            public_url=settings.cicflow_public_url,
            now=clock,
        )
        yield Watched(stage, things, health, watch, clock)


async def messages(stage: Stage, user: str) -> Sequence[str]:
    """Return the direct messages to a person, oldest first."""
    state = await stage.slack.get("state")
    theirs = [one["id"] for one in state["channels"] if one["is_im"] and one["user"] == stage.slack.who(user)]
    return [text_of(one) for channel in theirs for one in state["messages"].get(channel, ())]


async def tokens(stage: Stage) -> int:
    return len(await stage.auth0.calls(path="/oauth/token"))


async def test_a_connection_that_stops_working_is_told_once_to_the_owner_and_once_when_it_works_again(
    set_up: Stage,
) -> None:
    await make(set_up, USES, owner=set_up.slack.who("analyst"))
    clock = Clock()
    async with watching(set_up, clock) as watched:
        await watched.health.look()
        assert await messages(set_up, "analyst") == []
        await set_up.auth0.post("tokens/expire", {})
        await set_up.auth0.fault("POST /oauth/token", times=50, status=401, body=DENIED)
        for _ in range(3):
            clock.at += EVERY
            await watched.health.look()
        (said,) = await messages(set_up, "analyst")
        assert f"The connection {TENANT} does not work." in said
        assert "does not accept the client id and secret" in said
        assert "`uses`" in said
        assert ":red_circle:" in (await watched.health.lines())[TENANT]
        await set_up.auth0.http.delete(f"{set_up.auth0.given['url']}/sandbox/faults")
        for _ in range(2):
            clock.at += EVERY
            await watched.health.look()
        _, again = await messages(set_up, "analyst")
        assert f"The connection {TENANT} works again." in again
        assert await messages(set_up, "admin") == []


async def test_without_an_owner_the_admins_are_told(set_up: Stage) -> None:
    await set_up.auth0.fault("POST /oauth/token", times=50, status=401, body=DENIED)
    async with watching(set_up, Clock()) as watched:
        await watched.health.look()
    (said,) = await messages(set_up, "admin")
    assert "does not work" in said


async def test_who_may_set_up_flows_is_told_before_the_admins(set_up: Stage) -> None:
    await set_up.auth0.fault("POST /oauth/token", times=50, status=401, body=DENIED)
    async with watching(set_up, Clock()) as watched:
        await watched.things.store.allow("configure", set_up.slack.who("visitor"))
        await watched.health.look()
    assert (len(await messages(set_up, "visitor")), len(await messages(set_up, "admin"))) == (1, 0)


async def test_what_slack_did_not_take_is_told_an_hour_later(set_up: Stage) -> None:
    await set_up.auth0.fault("POST /oauth/token", times=50, status=401, body=DENIED)
    await set_up.slack.fault("chat.postMessage", times=10, status=500)
    clock = Clock()
    async with watching(set_up, clock) as watched:
        await watched.health.look()
        await set_up.slack.http.delete(f"{set_up.slack.given['url']}/sandbox/faults")
        clock.at += EVERY
        await watched.health.look()
    assert len(await messages(set_up, "admin")) == 1


async def test_a_tenant_that_has_no_time_just_now_works(set_up: Stage) -> None:
    await set_up.auth0.fault("GET /api/v2/users", times=10, status=429, headers={"retry-after": "0"})
    async with watching(set_up, Clock()) as watched:
        ok, said = await watched.health.check(TENANT)
    assert (ok, "asked too often" in said) == (True, True)
    assert await messages(set_up, "admin") == []


async def test_a_connection_that_does_not_work_is_tried_again_sooner(set_up: Stage) -> None:
    clock = Clock()
    async with watching(set_up, clock) as watched:
        await watched.health.look()
        clock.at += SOON
        before = len(await set_up.auth0.calls(path="/api/v2/users"))
        await watched.health.look()
        assert len(await set_up.auth0.calls(path="/api/v2/users")) == before
        await watched.health.known(TENANT, ok=False, said="It was away.")
        clock.at += SOON
        await watched.health.look()
        assert ":large_green_circle:" in (await watched.health.lines())[TENANT]


async def test_several_processes_try_a_connection_once_an_hour(set_up: Stage) -> None:
    clock = Clock()
    async with watching(set_up, clock) as one, watching(set_up, clock) as other:
        before = await tokens(set_up)
        await asyncio.gather(one.health.begin(), other.health.begin())
        await asyncio.gather(one.health.look(), other.health.look())
        assert await tokens(set_up) == before + 1


async def test_a_permission_that_was_granted_since_is_seen(set_up: Stage) -> None:
    all_of_them = (await set_up.auth0.get("settings"))["scopes"]
    await set_up.auth0.put("settings", {"scopes": "read:users"})
    clock = Clock()
    async with watching(set_up, clock) as watched:
        assert (await watched.health.check(TENANT))[0] is False
        await set_up.auth0.put("settings", {"scopes": all_of_them})
        assert (await watched.health.check(TENANT))[0] is True


@pytest.mark.parametrize(
    ("kind", "words"),
    [("logs", "goes on with the first log record"), ("events", "No event that had failed is there to be sent again")],
)
async def test_a_stream_that_is_switched_off_is_switched_on_again_and_told(
    set_up: Stage, kind: Kind, words: str
) -> None:
    clock = Clock()
    async with watching(set_up, clock) as watched:
        await watched.install("logs", "events")
        await watched.streams.look()
        assert await messages(set_up, "admin") == []
        await watched.switch_off(kind)
        await watched.streams.look()
        assert not await watched.works(kind), "it was looked at a moment ago"
        clock.at += STREAMS_EVERY
        await watched.streams.look()
        assert await watched.works(kind)
        (said,) = await messages(set_up, "admin")
    assert f"The {streams.CALLED[kind]} of {TENANT} was {OFF[kind]}." in said
    assert words in said


async def test_a_stream_that_is_switched_off_again_and_again_is_left_so_and_told_once(set_up: Stage) -> None:
    clock = Clock()
    async with watching(set_up, clock) as watched:
        await watched.install("logs")
        for _ in range(3):
            await watched.switch_off("logs")
            clock.at += STREAMS_EVERY
            await watched.streams.look()
        assert not await watched.works("logs")
        clock.at += STREAMS_EVERY
        await watched.streams.look()
        said = await messages(set_up, "admin")
        assert len(said) == 3
        assert "switched off 3 times within a day, so it is left as it is" in said[-1]
        assert "It is switched on again" in await watched.streams.resume(TENANT, "logs")
        clock.at += DAY
        await watched.switch_off("logs")
        await watched.streams.look()
        assert await watched.works("logs")


async def test_a_stream_that_cannot_be_switched_on_is_told_once_with_why(set_up: Stage) -> None:
    clock = Clock()
    async with watching(set_up, clock) as watched:
        await watched.install("events")
        await watched.switch_off("events")
        body = {"statusCode": 403, "message": "Not for you.", "errorCode": "operation_not_supported"}
        await set_up.auth0.fault("PATCH /api/v2/event-streams/*", times=2, status=403, body=body)
        for _ in range(2):
            await watched.streams.look()
            clock.at += STREAMS_EVERY
        (said,) = await messages(set_up, "admin")
        assert "could not be switched on again, and nothing was sent again" in said
        assert "Not for you" in said
        await watched.streams.look()
        assert await watched.works("events")
        assert len(await messages(set_up, "admin")) == 2


async def test_what_cannot_be_sent_again_is_told_with_why(set_up: Stage) -> None:
    all_of_them = (await set_up.auth0.get("settings"))["scopes"]
    await set_up.auth0.put("settings", {"scopes": all_of_them.replace("update:event_deliveries", "")})
    async with watching(set_up, Clock()) as watched:
        await watched.install("events")
        await watched.switch_off("events")
        await watched.streams.look()
        assert await watched.works("events")
    (said,) = await messages(set_up, "admin")
    assert "It is switched on again. What had failed could not be sent again:" in said
    assert "update:event_deliveries" in said


async def test_streams_of_others_are_left_alone(set_up: Stage) -> None:
    clock = Clock()
    async with watching(set_up, clock) as watched:
        await watched.install("logs")
        await watched.switch_off("logs")
    set_up.settings["cicflow_public_url"] = "http://127.0.0.1:9"
    async with watching(set_up, clock) as watched:
        await watched.streams.look()
        client = await watched.things.accounts.client(TENANT)
        (stream,) = (await client.http.get(streams.PATHS["logs"])).json()
    assert stream["status"] == "paused"
    assert await messages(set_up, "admin") == []


async def test_events_that_were_missed_while_the_bot_was_away_arrive_when_it_is_back(set_up: Stage) -> None:
    await make(set_up, LISTENS, owner=set_up.slack.who("analyst"))
    await set_up.auth0.put("settings", {"delivery_scale": 0, "failures_in_row": 2})
    async with watching(set_up, Clock()) as watched:
        await watched.install("events")
        for name in ("ann", "ben"):
            await set_up.auth0.post("signups", {"email": f"{name}@example.com", "password": "Correct-horse-7"})

        async def given_up() -> None:
            while await watched.works("events"):
                pass  # the tenant tells nobody

        await asyncio.wait_for(given_up(), 10)
    async with set_up.bot_running():
        assert await ended(set_up, "listens", 2) == ["ann@example.com", "ben@example.com"]

        def reported(state: dict[str, Any]) -> Any:
            texts = [text_of(one) for some in state["messages"].values() for one in some]
            return next((text for text in texts if "event stream" in text), None)

        said = await set_up.slack.until(reported)
    assert f"The event stream of {TENANT} was disabled." in said
    assert "Auth0 sends again 2 events that had failed." in said
