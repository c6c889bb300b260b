"""A flow that wakes for newcomers is carried out for those who were there before it, too: counted first, then for real."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import col, select

from bot import assembly
from bot.settings import Settings
from flows.datasets import Datasets
from flows.retention import Retention
from flows.tables import Run
from tests import postgres
from tests.bot.made import make
from tests.worlds import Stage, stage, text_of

GREETS = """
template: greets
version: 1
title: Greet newcomers
about: Notes at a user that they are known.
settings:
  tenant: {connection: auth0, title: Tenant}
  channel: {type: channel, title: Where}
limits: {changes: {per day: 100000}}
when:
  - event: auth0.user_created
    from: "{{ settings.tenant }}"
    only if: [{left: "{{ event.object.email }}", exists: true}]
steps:
  - do: auth0.set_app_metadata
    using: "{{ settings.tenant }}"
    with: {user_id: "{{ event.object.user_id }}", app_metadata: {greeted: true}}
"""
FIRST_LOGINS = """
template: first-logins
version: 1
title: First logins
about: Notes the first login of each person.
settings:
  tenant: {connection: auth0, title: Tenant}
when:
  event: auth0.post_login
  from: "{{ settings.tenant }}"
  only if: [{left: "{{ event.stats.logins_count }}", is: 1}]
  once per: {key: "{{ event.user.user_id }}", within: 30d}
steps:
  - {stop: done, say: "{{ event.user.user_id }} of {{ event.tenant.id }} is known."}
"""


async def counted(stage: Stage, flow: str) -> dict[str, Any]:
    """Ask for a back-fill, and return the message about what it would be, once its file is there."""
    before = len(direct(await stage.slack.get("state")))
    assert "I am counting" in await stage.slack.said(f"backfill {flow}")

    def whole(state: dict[str, Any]) -> list[dict[str, Any]]:
        return [one for one in direct(state)[before:] if one.get("replies") or "file" not in text_of(one)]

    found: list[dict[str, Any]] = await stage.slack.until(whole)
    return found[0]


def direct(state: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the bot told people in direct messages."""
    return [one for place, some in state["messages"].items() if place.startswith("D") for one in some]


async def press(stage: Stage, message: dict[str, Any], action: str, *, user: str = "admin") -> None:
    state = await stage.slack.get("state")
    place = next(place for place, some in state["messages"].items() for one in some if one["ts"] == message["ts"])
    body = {"user": stage.slack.who(user), "channel": place, "ts": message["ts"], "action_id": action}
    await stage.slack.post("clicks", body)


async def over(stage: Stage, message: dict[str, Any], *, says: str = "is over") -> str:
    """Wait until a back-fill has ended, and return what is said of it in its thread."""

    def reported(state: dict[str, Any]) -> list[str]:
        same = [one for one in direct(state) if one["ts"] == message["ts"]]
        return [reply["text"] for one in same for reply in one["replies"] if says in reply["text"]]

    found: list[str] = await stage.slack.until(reported)
    assert len(found) == 1
    return found[0]


async def greeted(stage: Stage) -> Counter[str]:
    """Return how often each user was changed."""
    calls = await stage.auth0.calls(verb="PATCH", status=200)
    return Counter(call["path"] for call in calls if "/users/" in call["path"])


async def runs_of(
    stage: Stage, flow: str, *, at_least: Callable[[Sequence[Run]], bool] = bool, patience: float = 15
) -> Sequence[Run]:
    """Return the runs of a flow, once there are as many as wanted."""
    query = select(Run).where(Run.flow == flow).order_by(col(Run.began_at))
    async with assembly.kept(Settings(**stage.settings)) as things, asyncio.timeout(patience):
        while True:
            runs = await things.store.read(lambda session: session.exec(query).all())
            if at_least(runs):
                return runs
            await asyncio.sleep(0.02)  # the database tells nobody


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
async def anywhere(request: pytest.FixtureRequest, tmp_path: Path, free_port: int) -> AsyncIterator[Stage]:
    """A world with the bot running in it, on either database."""
    more = {"database_url": postgres.database()} if request.param == "postgresql" else {}
    async with stage(tmp_path, free_port, **more) as found:
        await found.connect()
        async with found.bot_running():
            yield found


async def test_users_are_counted_first_and_then_each_is_dealt_with_once(anywhere: Stage) -> None:
    running = anywhere
    slack, auth0 = running.slack, running.auth0
    await make(running, GREETS)
    await auth0.post("users", {"email": "plus@example.com", "name": "=HYPERLINK(1)"})
    people = [user for user in (await auth0.get("state"))["users"] if user.get("email")]
    message = await counted(running, "greets")
    said = text_of(message)
    assert f"{len(people)} users would wake it" in said
    assert "1 user would not wake it" in said
    assert f"would change: Set app metadata {len(people)} ×" in said
    assert await greeted(running) == Counter()
    (file,) = message["replies"][0]["files"]
    token = {"Authorization": f"Bearer {running.settings['slack_bot_token']}"}
    sheet = (await running.http.get(file["url_private"], headers=token)).text
    assert len(sheet.splitlines()) == 1 + len(people)
    assert ",'=HYPERLINK(1)," in sheet
    await press(running, message, "backfill:begin", user="admin")
    assert await over(running, message) == (
        f"Back-fill of `greets` is over. Of {len(people)} users: {len(people)} went well, 0 failed, 0 passed over."
    )
    assert sorted((await greeted(running)).values()) == [1] * len(people)
    announced = [one["text"] for one in slack.messages(await slack.get("state"))]
    assert [text for text in announced if f"began a back-fill of `greets` for {len(people)} users" in text]
    # Everybody is dealt with: the next time there is nobody, also when their runs are long forgotten.
    async with assembly.kept(Settings(**running.settings)) as things:
        await Retention(things.store, Datasets(things.store), keep_days=1).forget(time.time() + 10 * 86400)
        assert await things.store.read(lambda session: session.exec(select(Run)).all()) == []
    again = text_of(await counted(running, "greets"))
    assert f"{len(people)} users it has dealt with already" in again
    assert "0 users would wake it" in again


async def test_a_flow_for_first_logins_is_offered_those_who_have_signed_in(set_up: Stage) -> None:
    await make(set_up, FIRST_LOGINS)
    async with set_up.bot_running():
        users = (await set_up.auth0.get("state"))["users"]
        known = {user["user_id"] for user in users if user.get("last_login") or user.get("logins_count")}
        assert 0 < len(known) < len(users)
        message = await counted(set_up, "first-logins")
        assert f"{len(known)} users would wake it" in text_of(message)
        assert f"for {len(users) - len(known)} users it has not happened yet" in text_of(message).replace(
            "1 user ", "1 users "
        )
        await set_up.auth0.post("users", {"user_id": "auth0|new", "email": "new@example.com", "sessions": 0})
        await set_up.auth0.login("auth0|new", risk=None)
        await runs_of(set_up, "first-logins")
        await press(set_up, message, "backfill:begin")
        assert f"{len(known)} went well" in await over(set_up, message)
        runs = await runs_of(set_up, "first-logins")
        assert {run.person for run in runs} == known | {"auth0|new"}
        assert all(run.message == f"{run.person} of {run.event['tenant']['id']} is known." for run in runs)


async def test_what_was_dealt_with_since_it_was_counted_is_passed_over(set_up: Stage) -> None:
    await make(set_up, FIRST_LOGINS.replace("is: 1", "at least: 1"))
    async with set_up.bot_running():
        message = await counted(set_up, "first-logins")
        user = await set_up.auth0.user()
        await set_up.auth0.login(user["user_id"], risk=None)
        await runs_of(set_up, "first-logins")
        await press(set_up, message, "backfill:begin")
        assert "1 passed over" in await over(set_up, message)
        of_user = [run for run in await runs_of(set_up, "first-logins") if run.person == user["user_id"]]
        assert len(of_user) == 1


async def test_who_may_not_configure_begins_nothing_and_what_cannot_be_is_said(running: Stage) -> None:
    slack = running.slack
    await make(running, GREETS)
    await make(running, GREETS.replace("greets", "deletes").replace("user_created", "user_deleted"))
    assert "cannot be back-filled: it is woken by none of the events" in await slack.said("backfill deletes")
    assert "not allowed" in await slack.said("backfill greets", user="visitor")
    message = await counted(running, "greets")
    await make(running, GREETS.replace("Greet newcomers", "Greet them"))
    await press(running, message, "backfill:begin")
    assert "was changed since this was counted" in (await slack.whispered("changed since"))["text"]
    fresh = await counted(running, "greets")
    await slack.said("disable greets")
    await press(running, fresh, "backfill:begin")
    assert "is off" in (await slack.whispered("Switch it on first"))["text"]
    assert await greeted(running) == Counter()


async def test_a_back_fill_that_is_cancelled_begins_nothing_more(running: Stage) -> None:
    await make(running, GREETS)
    await running.auth0.post("users/many", {"count": 400})
    message = await counted(running, "greets")
    await press(running, message, "backfill:begin")
    await running.slack.until(lambda state: [one for one in direct(state) if "is under way" in text_of(one)])
    await press(running, message, "backfill:cancel")
    said = await over(running, message, says="was cancelled")
    changed = await greeted(running)
    assert f"{len(changed)} went well" in said
    assert "were not begun" in said
    assert set(changed.values()) == {1}


@pytest.mark.slow
async def test_a_process_that_is_killed_in_the_middle_begins_with_nobody_twice(set_up: Stage) -> None:
    async with set_up.bot_running():
        await make(set_up, GREETS)
        await set_up.auth0.post("users/many", {"count": 40})
        message = await counted(set_up, "greets")
    async with set_up.bot_process() as process:
        await press(set_up, message, "backfill:begin")
        await runs_of(set_up, "greets", at_least=lambda runs: any(run.ended_at for run in runs))
        process.kill()
        await process.wait()
    before = await runs_of(set_up, "greets")
    async with set_up.bot_running():
        said = await over(set_up, message)
        runs = await runs_of(set_up, "greets")
    assert len(before) < len(runs)
    assert Counter(run.person for run in runs).most_common(1)[0][1] == 1
    assert f"{len(runs)} went well, 0 failed, 0 passed over" in said


async def test_people_who_fail_are_counted_and_may_be_tried_another_time(running: Stage) -> None:
    await make(running, GREETS)
    message = await counted(running, "greets")
    user = await running.auth0.user()
    gone = await running.http.delete(
        f"{running.addresses['auth0']['url']}/api/v2/users/{user['user_id']}",
        headers={"Authorization": f"Bearer {await token(running)}"},
    )
    assert gone.status_code == httpx.codes.NO_CONTENT
    await press(running, message, "backfill:begin")
    said = await over(running, message)
    assert "1 failed" in said
    assert "/cicflow failed" in said


async def token(stage: Stage) -> str:
    given = stage.addresses["auth0"]
    answer = await stage.http.post(
        f"{given['url']}/oauth/token",
        json={
            "grant_type": "client_credentials",
            "client_id": given["client_id"],
            "client_secret": given["client_secret"],
            "audience": f"{given['url']}/api/v2/",
        },
    )
    return str(answer.json()["access_token"])
