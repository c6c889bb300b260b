"""The template that links new users to existing accounts: verified on both sides, asked about, and taken back."""

import signal
import time
from typing import Any

import pytest

from tests.bot.made import ended, start
from tests.stories.newcomers import as_admin, changed, comes, shipped, streaming, told
from tests.worlds import Stage, text_of

FLOW = "link-accounts"


async def newcomer(stage: Stage, connection: str = "google-oauth2", **profile: Any) -> tuple[str, dict[str, Any]]:
    """Let the first customer come again by another way. Gives the older id, and the new account."""
    old = await stage.auth0.user()
    known = {"connection": connection, "email": old["email"], "email_verified": True, "name": "Again"}
    return old["user_id"], await comes(stage, **{**known, "user_metadata": {"colour": "blue"}, **profile})


async def question(stage: Stage, title: str, number: int = 1) -> dict[str, Any]:
    """Return the latest alert with a title, once there are so many."""
    found: list[dict[str, Any]] = await stage.slack.until(
        lambda state: (asked := [a for a in stage.slack.alerts(state) if title in text_of(a)])[number - 1 :] and asked
    )
    return found[-1]


async def identities(stage: Stage, user_id: str) -> list[str]:
    return [f"{each['provider']}|{each['user_id']}" for each in (await stage.auth0.find(user_id))["identities"]]


async def test_who_says_link_makes_one_account_of_two_and_can_take_it_back(set_up: Stage) -> None:
    old, new = await newcomer(set_up, app_metadata={"plan": "another"})
    await shipped(set_up, FLOW)
    async with set_up.bot_running():
        await set_up.auth0.login(new["user_id"])
        asked = await question(set_up, "Two accounts")
        assert {old, new["user_id"]} <= set(text_of(asked).replace("?", "").replace("*", "").split())
        await set_up.slack.press(asked, "decide:link")
        linked = await question(set_up, "Accounts linked")
        assert await identities(set_up, old) == [old, new["user_id"]]
        assert (await set_up.auth0.find(old))["user_metadata"]["colour"] == "blue"
        assert "colour" in text_of(linked)
        assert "app_metadata.plan" in text_of(linked)
        assert "still name it" in text_of(linked)
        await set_up.slack.until(
            lambda state: [a for a in set_up.slack.alerts(state) if "It goes on in a new message" in text_of(a)]
        )
        await set_up.slack.press(linked, "decide:apart")
        assert "was taken apart from" in (await ended(set_up, FLOW, 1))[0]
    assert await identities(set_up, old) == [old]
    again = await set_up.auth0.find(new["user_id"])
    assert (again["user_metadata"], again["app_metadata"]) == ({"colour": "blue"}, {"plan": "another"})


async def test_who_says_leave_changes_nothing_and_is_not_asked_again(set_up: Stage) -> None:
    old, new = await newcomer(set_up)
    await shipped(set_up, FLOW)
    async with set_up.bot_running():
        await set_up.auth0.login(new["user_id"])
        await set_up.slack.press(await question(set_up, "Two accounts"), "decide:leave")
        assert await ended(set_up, FLOW, 1) == ["The accounts stay apart."]
        await told(set_up, new)
        await set_up.auth0.login(new["user_id"])
        assert await ended(set_up, FLOW, 1) == ["The accounts stay apart."]
    assert await identities(set_up, old) == [old]


@pytest.mark.parametrize(
    ("connection", "profile", "of_old", "why"),
    [
        ("google-oauth2", {"email": "nobody.else@example.com"}, {}, "No other account has this e-mail address"),
        ("google-oauth2", {}, {"email_verified": False}, "is not verified"),
        ("google-oauth2", {}, {"blocked": True}, "is blocked"),
        ("sms", {"phone_number": "+15550177"}, {}, "an account by text message does not show"),
    ],
)
async def test_d10_nobody_is_asked_about_accounts_that_must_not_be_linked(
    set_up: Stage, connection: str, profile: dict[str, Any], of_old: dict[str, Any], why: str
) -> None:
    old, new = await newcomer(set_up, connection, **profile)
    await changed(set_up, old, **of_old)
    await shipped(set_up, FLOW, mode="automatic")
    async with set_up.bot_running():
        await set_up.auth0.login(new["user_id"])
        (said,) = await ended(set_up, FLOW, 1)
        assert why in said
        assert set_up.slack.alerts(await set_up.slack.get("state")) == []
    assert await identities(set_up, old) == [old]


async def test_d10_an_address_that_is_not_verified_wakes_nothing_until_it_is(set_up: Stage) -> None:
    old, new = await newcomer(set_up, email_verified=False)
    await shipped(set_up, FLOW)
    async with set_up.bot_running():
        await set_up.auth0.login(new["user_id"])
        await told(set_up, new)
        assert await ended(set_up, FLOW, 0) == []
        await changed(set_up, new["user_id"], email_verified=True)
        verified = {**new, "email_verified": True}
        await told(set_up, verified, "user.updated", before={"email_verified": False}, number=2)
        await set_up.slack.press(await question(set_up, "Two accounts"), "decide:link")
        await set_up.slack.press(await question(set_up, "Accounts linked"), "decide:keep")
        assert await ended(set_up, FLOW, 1) == [f"{new['user_id']} is part of {old}."]


async def test_risky_pairs_are_asked_about_where_that_is_wanted_and_never_linked_without_a_word(set_up: Stage) -> None:
    old, new = await newcomer(set_up, "sms", phone_number="+15550177")
    await shipped(set_up, FLOW, mode="automatic", risky=True)
    async with set_up.bot_running():
        await set_up.auth0.login(new["user_id"])
        asked = await question(set_up, "Two accounts")
        assert "by text message does not show" in text_of(asked)
        assert await identities(set_up, old) == [old]
        await set_up.slack.press(asked, "decide:link")
        await question(set_up, "Accounts linked")
    assert await identities(set_up, old) == [old, new["user_id"]]


async def test_several_matches_become_one_account_without_asking_and_are_all_taken_apart_again(set_up: Stage) -> None:
    old, new = await newcomer(set_up)
    code = await comes(set_up, connection="email", email=new["email"], email_verified=True)
    await shipped(set_up, FLOW, mode="automatic")
    async with set_up.bot_running():
        await told(set_up, new)
        linked = await question(set_up, "Accounts linked")
        assert sorted(await identities(set_up, old)) == sorted([old, new["user_id"], code["user_id"]])
        await set_up.slack.press(linked, "decide:apart")
        await ended(set_up, FLOW, 1)
    assert [await identities(set_up, each) for each in (old, new["user_id"], code["user_id"])] == [
        [old],
        [new["user_id"]],
        [code["user_id"]],
    ]


async def test_d11_addresses_are_looked_up_and_never_searched(set_up: Stage) -> None:
    _, new = await newcomer(set_up)
    await shipped(set_up, FLOW)
    async with set_up.bot_running():
        await set_up.auth0.login(new["user_id"])
        await question(set_up, "Two accounts")
    calls = await set_up.auth0.calls(verb="GET")
    assert [call for call in calls if call["path"] == "/api/v2/users-by-email"]
    assert [call for call in calls if "q" in call["query"]] == []


async def test_d12_the_first_login_and_the_stream_tell_of_the_same_person_who_is_handled_once(set_up: Stage) -> None:
    await shipped(set_up, FLOW, mode="automatic")
    async with set_up.bot_running():
        await streaming(set_up)
        old = await set_up.auth0.user()
        made = await as_admin(
            set_up, "POST", "/api/v2/users", connection="email", email=old["email"], email_verified=True
        )
        await set_up.auth0.login(made["user_id"])
        await question(set_up, "Accounts linked")
        assert await identities(set_up, old["user_id"]) == [old["user_id"], made["user_id"]]
        links = [call for call in await set_up.auth0.calls(verb="POST") if call["path"].endswith("/identities")]
        assert len(links) == 1
        shown = await set_up.slack.get("state")
    assert len(set_up.slack.alerts(shown)) == 1


async def test_d12_a_run_that_failed_has_a_second_chance(set_up: Stage) -> None:
    old, new = await newcomer(set_up)
    await shipped(set_up, FLOW, mode="automatic")
    async with set_up.bot_running():
        body = {"statusCode": 403, "error": "Forbidden", "message": "Not now", "errorCode": "operation_not_supported"}
        await set_up.auth0.fault("GET /api/v2/users-by-email", status=403, body=body)
        await told(set_up, new)
        failed = await set_up.slack.until(
            lambda state: [m for m in set_up.slack.messages(state) if "could not be carried out" in m["text"]]
        )
        await set_up.slack.press(failed[0], "again")
        await question(set_up, "Accounts linked")
    assert await identities(set_up, old) == [old, new["user_id"]]


async def test_d13_a_login_that_nobody_told_of_is_made_up_for_by_the_next(set_up: Stage) -> None:
    _, new = await newcomer(set_up)
    await set_up.auth0.login(new["user_id"])  # the bot is not there
    await shipped(set_up, FLOW)
    async with set_up.bot_running():
        assert (await set_up.auth0.login(new["user_id"]))["allowed"]
        await question(set_up, "Two accounts")


async def test_d18_a_login_does_not_wait_for_the_question(set_up: Stage) -> None:
    _, new = await newcomer(set_up)
    await shipped(set_up, FLOW)
    async with set_up.bot_running():
        await set_up.auth0.fault("GET /api/v2/users-by-email", delay=1.5)
        began = time.monotonic()
        assert (await set_up.auth0.login(new["user_id"]))["allowed"]
        assert time.monotonic() - began < 1.2
        await question(set_up, "Two accounts")


async def test_somebody_starts_it_by_hand_for_accounts_of_long_ago(set_up: Stage) -> None:
    old, new = await newcomer(set_up)
    await shipped(set_up, FLOW)
    async with set_up.bot_running():
        await start(set_up, FLOW, user_id=old)
        await set_up.slack.press(await question(set_up, "Two accounts"), "decide:link")
        await question(set_up, "Accounts linked")
    assert await identities(set_up, old) == [old, new["user_id"]]


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500, "body": {"statusCode": 500, "error": "Internal Server Error", "message": "Oops"}},
        {"drop": "before"},
        {"drop": "after"},
    ],
    ids=["500", "dropped before", "dropped after"],
)
async def test_auth0_fails_in_passing_and_the_accounts_are_linked_once(set_up: Stage, fault: dict[str, Any]) -> None:
    old, new = await newcomer(set_up)
    await shipped(set_up, FLOW, mode="automatic")
    async with set_up.bot_running():
        await set_up.auth0.fault("POST /api/v2/users/*/identities", **fault)
        await set_up.auth0.fault("GET /api/v2/users-by-email", **fault)
        await told(set_up, new)
        await question(set_up, "Accounts linked")
    assert await identities(set_up, old) == [old, new["user_id"]]


async def test_what_has_changed_while_people_thought_is_looked_at_again(set_up: Stage) -> None:
    old, new = await newcomer(set_up)
    await shipped(set_up, FLOW)
    async with set_up.bot_running():
        await told(set_up, new)
        asked = await question(set_up, "Two accounts")
        await changed(set_up, old, email_verified=False)
        await set_up.slack.press(asked, "decide:link")
        failed = await set_up.slack.ended("did not work")
        assert "is not verified" in text_of(failed)
    assert await identities(set_up, old) == [old]


@pytest.mark.slow
async def test_killed_in_the_middle_of_linking_it_is_finished_by_the_next_process(set_up: Stage) -> None:
    old, new = await newcomer(set_up)
    await shipped(set_up, FLOW)
    async with set_up.bot_process() as process:
        await set_up.auth0.login(new["user_id"])
        asked = await question(set_up, "Two accounts")
        await set_up.auth0.fault("POST /api/v2/users/*/identities", delay=30)
        await set_up.slack.press(asked, "decide:link")
        await set_up.slack.until(lambda state: [a for a in set_up.slack.alerts(state) if "On it" in text_of(a)])
        process.send_signal(signal.SIGKILL)
        await process.wait()
    (await set_up.http.delete(f"{set_up.auth0.given['url']}/sandbox/faults")).raise_for_status()
    async with set_up.bot_process():
        await question(set_up, "Accounts linked")
    assert await identities(set_up, old) == [old, new["user_id"]]
