"""Template require-stricter-authentication: a second factor, at once and for some time, also while the bot is away."""

import json
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from bot import assembly
from bot.settings import Settings
from flows.templates import LIBRARY
from tests.bot.made import ended, make, start
from tests.bot.test_streams_in import record, send
from tests.worlds import TENANT, Stage, text_of

FLOW: Final = "require-stricter-authentication"
KNOWN: Final = {"risk": ["low"], "records": ["pwd_leak", "gd_auth_rejected"], "how_long": "7d", "new_password": False}
FLAG: Final = "cicflow_require_mfa"


async def switched_on(stage: Stage, **settings: Any) -> None:
    text = (LIBRARY / f"{FLOW}.yaml").read_text(encoding="utf-8")
    await make(stage, text, owner=stage.slack.who("admin"), **(KNOWN | settings))


async def flag_of(stage: Stage, user_id: str) -> Any:
    return ((await stage.auth0.find(user_id)).get("app_metadata") or {}).get(FLAG)


async def flagged(stage: Stage, user_id: str) -> dict[str, Any]:
    """Return what is asked of a person, once it is."""

    def there(state: dict[str, Any]) -> Any:
        found = [user for user in state["users"] if user["user_id"] == user_id]
        return found and (found[0].get("app_metadata") or {}).get(FLAG)

    flag: dict[str, Any] = await stage.auth0.until(there)
    return flag


async def test_a_risky_login_and_all_that_follow_ask_for_a_second_factor_also_without_the_bot(set_up: Stage) -> None:
    auth0 = set_up.auth0
    await switched_on(set_up)
    user, other = (await auth0.user(0))["user_id"], (await auth0.user(1))["user_id"]
    async with set_up.bot_running():
        calm = await auth0.login(user, risk="high")
        assert (calm["allowed"], calm["mfa"]) == (True, None)
        risky = await auth0.login(user, risk="low")
        assert (risky["allowed"], risky["mfa"]["result"]) == (True, "passed")
        flag = await flagged(set_up, user)
        assert datetime.fromisoformat(flag["until"]) > datetime.now(UTC) + timedelta(days=6)
        assert (await auth0.login(user, risk="high"))["mfa"]["required"]
        again = await auth0.login(user, risk="low")
        assert again["mfa"]["required"]
        assert await flag_of(set_up, user) == flag  # it is not written again for every login of an attack
        assert (await auth0.login(other, risk="high"))["mfa"] is None
    away = await auth0.login(user, risk=None, mfa="failed")
    assert (away["allowed"], away["mfa"]["required"]) == (False, True)


async def test_what_the_log_tells_is_enough_and_counts_once(set_up: Stage) -> None:
    auth0 = set_up.auth0
    await switched_on(set_up)
    first, second = (await auth0.user(0))["user_id"], (await auth0.user(1))["user_id"]
    leak, wrong = record(1, type="pwd_leak", user_id=first), record(2, type="fp", user_id=second)
    async with set_up.bot_running():
        body = json.dumps([leak, wrong, leak])
        assert (await send(set_up, "logs", body))[0] == (await send(set_up, "logs", body))[0] == 202
        await flagged(set_up, first)
        assert (await auth0.login(first, risk="high"))["mfa"]["required"]
    assert await flag_of(set_up, second) is None
    assert len(await auth0.calls(verb="PATCH", path=f"/api/v2/users/{first}")) == 1


async def test_it_ends_by_itself_and_what_was_prolonged_stays(set_up: Stage) -> None:
    slack, auth0 = set_up.slack, set_up.auth0
    await switched_on(set_up, how_long="2s")
    user = (await auth0.user())["user_id"]
    async with set_up.bot_running():
        await start(set_up, FLOW, person=user)
        assert await ended(set_up, FLOW, 1) == ["A second factor is not required any more."]
        assert await flag_of(set_up, user) is None
        assert (await auth0.login(user, risk="high"))["mfa"] is None
        await start(set_up, FLOW, person=user)
        await flagged(set_up, user)
        longer = {"until": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
        async with assembly.kept(Settings(**set_up.settings)) as things:
            client = await things.accounts.client(TENANT)
            await client.api.users.update(user, app_metadata={FLAG: longer})
        assert any("prolonged or lifted" in said for said in await ended(set_up, FLOW, 2))
    assert await flag_of(set_up, user) == longer
    assert [m for m in slack.messages(await slack.get("state")) if "could not" in text_of(m)] == []


async def test_what_has_run_out_is_removed_at_the_next_login_though_the_bot_is_away(set_up: Stage) -> None:
    past = {"until": (datetime.now(UTC) - timedelta(seconds=5)).isoformat()}
    user = await set_up.auth0.post(
        "users", {"email": "once@example.com", "app_metadata": {FLAG: past, "cicflow_new_password": past, "plan": 1}}
    )
    login = await set_up.auth0.login(user["user_id"], risk="high")
    assert (login["allowed"], login["mfa"]) == (True, None)
    assert (await set_up.auth0.find(user["user_id"]))["app_metadata"] == {"plan": 1}


async def test_an_old_password_is_not_enough_until_a_new_one_is_chosen(set_up: Stage) -> None:
    auth0 = set_up.auth0
    await switched_on(set_up, new_password=True)
    user = (await auth0.user())["user_id"]
    async with set_up.bot_running():
        await auth0.login(user, risk="low")
        await flagged(set_up, user)
        refused = await auth0.login(user, risk="high")
        assert (refused["allowed"], "choose a new password" in refused["reason"]) == (False, True)
        await auth0.post("password-changes", {"user_id": user})
        assert (await auth0.login(user, risk="high"))["allowed"]
    assert list((await auth0.find(user))["app_metadata"] or {}).count("cicflow_new_password") == 0


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"drop": "before"}, {"drop": "after"}], ids=["500", "dropped before", "dropped after"]
)
async def test_a_failure_in_passing_changes_nothing_for_the_login_and_the_person_is_flagged(
    set_up: Stage, fault: dict[str, Any]
) -> None:
    auth0 = set_up.auth0
    await switched_on(set_up)
    user = (await auth0.user())["user_id"]
    await auth0.fault("PATCH /api/v2/users/*", **fault)
    await auth0.fault("GET /api/v2/users/*", **fault)
    async with set_up.bot_running():
        began = time.monotonic()
        login = await auth0.login(user, risk="low")
        assert login["mfa"]["required"]
        assert time.monotonic() - began < 5
        await flagged(set_up, user)


async def test_a_refusal_is_told_and_a_person_who_is_gone_ends_it(set_up: Stage) -> None:
    slack, auth0 = set_up.slack, set_up.auth0
    await switched_on(set_up, how_long="1s")
    user = (await auth0.user())["user_id"]
    body = {"statusCode": 403, "error": "Forbidden", "message": "Not now", "errorCode": "operation_not_supported"}
    async with set_up.bot_running():
        await auth0.fault("PATCH /api/v2/users/*", status=403, body=body)
        assert (await auth0.login(user, risk="low"))["mfa"]["required"]
        dm = await slack.until(
            lambda s: [m for place in s["messages"].values() for m in place if "Not now" in text_of(m)]
        )
        assert "could not be carried out" in dm[0]["text"]
        await send(set_up, "logs", json.dumps([record(1, type="pwd_leak", user_id="auth0|gone")]))
        said = await ended(set_up, FLOW, 2)
    assert any("does not exist" in one for one in said)


@pytest.mark.slow
async def test_killed_while_it_is_written_it_is_finished_by_the_next_process(set_up: Stage) -> None:
    auth0 = set_up.auth0
    await switched_on(set_up)
    user = (await auth0.user())["user_id"]
    async with set_up.bot_process() as process:
        await auth0.fault("PATCH /api/v2/users/*", delay=30)
        assert (await auth0.login(user, risk="low"))["mfa"]["required"]
        process.send_signal(signal.SIGKILL)
        await process.wait()
    (await set_up.http.delete(f"{auth0.given['url']}/sandbox/faults")).raise_for_status()
    async with set_up.bot_process():
        await flagged(set_up, user)
