"""The template that cleans up inactive users: looked at first, asked about, warned by mail, and deleted unless they come back."""

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from tests.bot.made import ended, shown, start
from tests.stories.absentees import (
    absentee,
    another_day,
    days_ago,
    in_channel,
    passed,
    posted,
    removed,
    rows_of,
    sheets,
)
from tests.stories.newcomers import service, shipped
from tests.worlds import Stage, text_of

FLOW: Final = "clean-up-inactive"
TABLE: Final = "inactive_people"
CHOSEN: Final[dict[str, Any]] = {
    "mode": "warn and delete",
    "company": "Example",
    "sign_in": "https://example.com/login",
    "zone": "Europe/Berlin",
}


async def mails(stage: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await service(stage, "mail").get("state"))["mails"]
    return found


async def there(stage: Stage) -> set[str]:
    return {user["user_id"] for user in (await stage.auth0.get("state"))["users"]}


async def allowed(stage: Stage, runs: int = 1, **values: Any) -> None:
    """Let it act for the first time, with everybody who is there now."""
    await start(stage, FLOW, only_look="no", **values)
    await stage.slack.press(await posted(stage, "inactive users now?", runs), "decide:go_on")
    await ended(stage, FLOW, runs)


async def test_the_good_day_looks_asks_warns_and_deletes_who_does_not_come_back(set_up: Stage) -> None:
    stays = await absentee(set_up, 800, email="stays@example.com", name="Sam <b>Stay</b>")
    goes = await absentee(set_up, 900, email="goes@example.com", name="=Gone()")
    await shipped(set_up, FLOW, **CHOSEN)
    before = await there(set_up)
    async with set_up.bot_running():
        await start(set_up, FLOW)  # only looks, if nothing else is said
        assert await ended(set_up, FLOW, 1) == ["It only looked. To be warned: 2. To be deleted: 0."]
        (looked,) = (await sheets(set_up, await posted(set_up, "and to be warned"))).values()
        assert {row["user_id"] for row in looked} == {stays, goes}
        assert {row["signal"] for row in looked} == {"last_login"}
        assert "'=Gone()" in {row["name"] for row in looked}
        assert await mails(set_up) == []
        await start(set_up, FLOW, only_look="no")
        asked = await posted(set_up, "Warn 2 and delete 0 inactive users now?")
        await set_up.slack.press(asked, "decide:go_on")
        assert "Warned: 2. Deleted: 0." in await ended(set_up, FLOW, 2)
        first, second = sorted(await mails(set_up), key=lambda mail: str(mail["recipients"]))
        assert (first["recipients"], second["recipients"]) == (["goes@example.com"], ["stays@example.com"])
        assert second["subject"] == "Your account will be deleted"
        rows = {row["user_id"]: row for row in await rows_of(set_up, TABLE)}
        assert {row["state"] for row in rows.values()} == {"warned"}
        assert "Hello Sam <b>Stay</b>," in second["text"]
        assert "Sam &lt;b&gt;Stay&lt;/b&gt;" in second["html"]
        assert "https://example.com/login" in second["text"]
        # Nothing more is done while there is time, and nobody is warned twice.
        assert await go_on(set_up, 3) == "Nobody is to be warned or deleted now."
        await set_up.auth0.login(stays)
        await passed(set_up, TABLE, 32, "since", "delete_after")
        await start(set_up, FLOW, only_look="no")
        assert "Warned: 0. Deleted: 1." in await ended(set_up, FLOW, 4)
        report = await posted(set_up, "Inactive users were cleaned up", 2)
        (done,) = [row for row in (await sheets(set_up, report))["deleted.csv"] if row["user_id"] == goes]
        assert (done["deleted"], done["signal"]) == ("yes", "last_login")
        assert goes in done["accounts"]
    assert before - await there(set_up) == {goes}
    assert await rows_of(set_up, TABLE) == []


async def go_on(stage: Stage, number: int) -> str:
    await start(stage, FLOW, only_look="no")
    return next(said for said in await ended(stage, FLOW, number) if "Nobody" in said).partition(". ")[0] + "."


async def test_d1_as_it_is_switched_on_it_only_looks_and_dangerous_settings_are_refused(running: Stage) -> None:
    """As shipped, Okta's warned everybody idle for five minutes, and deleted them a day later."""
    await absentee(running, 800, email="idle@example.com")
    await shipped(running, FLOW, **{**CHOSEN, "mode": "only look"})
    before = await there(running)
    await running.slack.command(f"configure {FLOW}")
    form = await running.slack.form()
    values = {"inactive": "5m", "grace": "90m", "patience": "5m"}
    saved = await running.slack.post(
        "submissions", {"user": running.slack.who("admin"), "view_id": form["id"], "values": values}
    )
    assert sorted(words for words in saved["errors"].values()) == [
        "Between 1 hour and 7 days, please.",
        "Between 30 days and 3650 days, please.",
        "Between 7 days and 365 days, please.",
    ]
    for number in (1, 2):
        await start(running, FLOW, only_look="no")
        assert len(await ended(running, FLOW, number)) == number
    assert await ended(running, FLOW, 2) == ["It only looked. To be warned: 1. To be deleted: 0."] * 2
    assert (await mails(running), await there(running)) == ([], before)


async def test_d2_who_came_after_the_warning_is_safe_however_long_ago_that_is(set_up: Stage) -> None:
    """Okta's looked whether somebody came within the last month, not whether they came after their own warning."""
    obeyed = await absentee(set_up, 35, email="obeyed@example.com")
    silent = await absentee(set_up, 60, email="silent@example.com")
    await shipped(set_up, FLOW, **CHOSEN, inactive="30d", grace="30d", who="signed in before")
    async with set_up.bot_running():
        await start(set_up, FLOW, only_look="no")
        await set_up.slack.press(await posted(set_up, "inactive users now?"), "decide:go_on")
        await ended(set_up, FLOW, 1)
        await passed(set_up, TABLE, 40, "since", "delete_after")  # warned 40 days ago, there 35 days ago
        await start(set_up, FLOW, only_look="no")
        await ended(set_up, FLOW, 2)
    left = await there(set_up)
    assert (obeyed in left, silent in left) == (True, False)


async def test_d3_more_people_than_a_search_shows_are_all_found_and_dealt_with_day_by_day(set_up: Stage) -> None:
    """Okta's saw the first 1,000 and said nothing of the others."""
    await set_up.auth0.put("settings", {"job_seconds": 0, "rate_limit": {"burst": 900, "per_second": 900}})
    await set_up.auth0.post("users/many", {"count": 1100, "never": 0.3, "inactive": 0.7, "days": 31, "blocked": 0})
    await shipped(set_up, FLOW, **CHOSEN, inactive="30d", warnings=5, usual=0, signs="none")
    async with set_up.bot_running():
        for day in (1, 2):
            await start(set_up, FLOW, only_look="no")
            asked = await posted(set_up, "inactive users now?", day)
            listed = (await sheets(set_up, await posted(set_up, "and to be warned", day)))["to-warn.csv"]
            assert f"5 today, {len(listed)} in all" in text_of(asked)
            assert 1050 < len(listed) < 1120 - 5 * (day - 1)
            await set_up.slack.press(asked, "decide:go_on")
            await ended(set_up, FLOW, day)
            assert len(await rows_of(set_up, TABLE)) == 5 * day
            await another_day(set_up, "clean_ups")
    assert len({mail["recipients"][0] for mail in await mails(set_up)}) == len(await mails(set_up)) > 5


async def test_d5_who_comes_silently_is_there(set_up: Stage) -> None:
    """An app that renews its login moves neither last_login nor a count: to Okta's these people were gone."""
    by_session = await absentee(set_up, 900, email="session@example.com", sessions=1)
    by_token = await absentee(set_up, 900, email="token@example.com", refresh_tokens=1)
    gone = await absentee(set_up, 900, email="gone@example.com")
    await shipped(set_up, FLOW, **CHOSEN)
    async with set_up.bot_running():
        await allowed(set_up)
        assert [mail["recipients"] for mail in await mails(set_up)] == [["gone@example.com"]]
        report = await posted(set_up, "Inactive users were cleaned up")
        signals = {row["user_id"]: row["signal"] for row in (await sheets(set_up, report))["warned.csv"]}
        assert (signals[by_session], signals[by_token], signals[gone]) == ("session", "refresh_token", "last_login")
        # Who opens an app after the warning is there, too.
        await passed(set_up, TABLE, 40, "since", "delete_after")
        assert {row["state"] for row in await rows_of(set_up, TABLE)} == {"warned", "back"}


async def test_d6_who_never_signed_in_counts_by_the_age_of_the_account(set_up: Stage) -> None:
    """Okta's asked for a last login, and never found those who have none."""
    never = await absentee(set_up, None, email="never@example.com")
    new = await absentee(set_up, None, email="new@example.com", created_at=days_ago(20))
    await shipped(set_up, FLOW, **CHOSEN, inactive="365d")
    async with set_up.bot_running():
        await allowed(set_up)
        warned = {row["user_id"]: row["signal"] for row in await rows_of(set_up, TABLE)}
        assert (warned.get(never), new in warned) == ("never", False)
        await passed(set_up, TABLE, 40, "since", "delete_after")
        await start(set_up, FLOW, only_look="no")
        await ended(set_up, FLOW, 2)
    left = await there(set_up)
    assert (never in left, new in left) == (False, True)


async def test_d9_one_who_cannot_be_deleted_stops_nobody_and_is_listed(set_up: Stage) -> None:
    """Okta's stopped at the first that failed, every day, and somebody already gone was one of them."""
    stuck, fine, away = [await absentee(set_up, 900, email=f"{name}@example.com") for name in ("stuck", "fine", "away")]
    await shipped(set_up, FLOW, **CHOSEN)
    refusal = {"statusCode": 400, "message": "No.", "errorCode": "operation_not_supported"}
    async with set_up.bot_running():
        await allowed(set_up)
        await passed(set_up, TABLE, 40, "since", "delete_after")
        await removed(set_up, away)
        await set_up.auth0.fault(f"DELETE /api/v2/users/{stuck}", status=400, body=refusal, times=3)
        for number in (2, 3, 4):
            await start(set_up, FLOW, only_look="no")
            await ended(set_up, FLOW, number)
            report = await posted(set_up, "Inactive users were cleaned up", number)
            (failed,) = (await sheets(set_up, report))["failed.csv"]
            assert (failed["item.user_id"], "No." in failed["message"]) == (stuck, True)
            assert {fine, away}.isdisjoint(await there(set_up))
        assert await go_on(set_up, 5) == "Nobody is to be warned or deleted now."
        await start(set_up, FLOW, only_look="no", again="yes")
        await ended(set_up, FLOW, 6)
    assert stuck not in await there(set_up)


async def test_nobody_is_deleted_whom_nobody_could_warn(set_up: Stage) -> None:
    without = await absentee(set_up, 900, phone_number="+15550177", connection="sms")
    bounced = await absentee(set_up, 900, email="bounced@example.com")
    unlucky = await absentee(set_up, 900, email="unlucky@example.com")
    fine = await absentee(set_up, 900, email="fine@example.com")
    post = service(set_up, "mail")
    await post.fault("RCPT bounced@example.com", code=550, text="No such user")
    await post.fault("MAIL *", code=451, text="Busy")
    await shipped(set_up, FLOW, **CHOSEN)
    async with set_up.bot_running():
        await allowed(set_up)
        report = text_of(await posted(set_up, "Inactive users were cleaned up"))
        states = {row["user_id"]: row["state"] for row in await rows_of(set_up, TABLE)}
        assert states == {without: "without address", bounced: "mail refused", unlucky: "warned", fine: "warned"}
        assert "*Without an address*\n1" in report
        assert "*Mail refused*\n1" in report
        await passed(set_up, TABLE, 40, "since", "delete_after")
        await start(set_up, FLOW, only_look="no")
        await ended(set_up, FLOW, 2)
        left = await there(set_up)
        assert (without in left, bounced in left, unlucky in left, fine in left) == (True, True, False, False)


async def test_a_mail_that_may_have_been_sent_is_sent_once_more_under_the_same_id_and_then_counts(
    set_up: Stage,
) -> None:
    await absentee(set_up, 900, email="maybe@example.com")
    await service(set_up, "mail").fault("END", drop="after")
    await shipped(set_up, FLOW, **CHOSEN)
    async with set_up.bot_running():
        await allowed(set_up)
        report = await posted(set_up, "Inactive users were cleaned up")
        ((failed,),) = [rows for name, rows in (await sheets(set_up, report)).items() if name == "failed.csv"]
        assert "may or may not be sent" in failed["message"]
        assert await rows_of(set_up, TABLE) == []
        await start(set_up, FLOW, only_look="no")
        await ended(set_up, FLOW, 2)
    first, second = await mails(set_up)
    assert first["message_id"] == second["message_id"]
    assert [row["state"] for row in await rows_of(set_up, TABLE)] == ["warned"]


async def test_who_says_leave_changes_nothing_and_is_asked_again(set_up: Stage) -> None:
    await absentee(set_up, 900, email="idle@example.com")
    await shipped(set_up, FLOW, **CHOSEN)
    async with set_up.bot_running():
        for number in (1, 2):
            await start(set_up, FLOW, only_look="no")
            await set_up.slack.press(await posted(set_up, "inactive users now?", number), "decide:leave")
            assert await ended(set_up, FLOW, number) == ["Nobody was warned or deleted."] * number
    assert await mails(set_up) == []


async def test_without_sessions_in_the_plan_nobody_is_warned_and_it_says_what_to_change(set_up: Stage) -> None:
    await absentee(set_up, 900, email="idle@example.com")
    body = {"statusCode": 403, "message": "Not in your plan.", "errorCode": "insufficient_entitlement"}
    await set_up.auth0.fault("GET /api/v2/users/*/sessions", status=403, body=body)
    await shipped(set_up, FLOW, **CHOSEN)
    async with set_up.bot_running():
        await allowed(set_up)
        report = await posted(set_up, "Inactive users were cleaned up")
        (failed,) = (await sheets(set_up, report))["failed.csv"]
    assert failed["message"].startswith("Nobody can be confirmed with sessions here.")
    assert await mails(set_up) == []


async def test_the_mail_names_a_day_of_the_settings_clocks_and_what_fails_in_passing_changes_nothing(
    set_up: Stage,
) -> None:
    await absentee(set_up, 900, email="idle@example.com")
    chosen = {**CHOSEN, "zone": "Pacific/Kiritimati", "unsubscribe": "https://example.com/end?u=1", "subject": "Bye"}
    await shipped(set_up, FLOW, **chosen)
    await set_up.auth0.put("settings", {"job_seconds": 0})
    await set_up.auth0.fault("GET /api/v2/users/*/sessions", status=429, headers={"retry-after": "0"}, times=2)
    await set_up.slack.fault("files.completeUploadExternal", status=503)
    await set_up.slack.fault("chat.postMessage", drop="after")
    await service(set_up, "mail").fault("DATA", code=451)
    async with set_up.bot_running():
        await allowed(set_up)
        (mail,) = await mails(set_up)
        (row,) = await rows_of(set_up, TABLE)
        headers = dict(mail["headers"])
        assert (headers["List-Unsubscribe"], mail["subject"]) == ("<https://example.com/end?u=1>", "Bye")
        there_ = datetime.fromisoformat(row["delete_after"]).astimezone(ZoneInfo("Pacific/Kiritimati"))
        assert (there_.hour, there_.minute) == (23, 59)
        day = f"{there_.day} {there_:%B %Y}"
        assert f"sign in until {day}:" in mail["text"]
        assert f"<strong>{day}</strong>" in mail["html"]
        assert 30 <= (there_ - datetime.now(UTC)).days <= 31
        assert len(in_channel(set_up, await set_up.slack.get("state"), "and to be warned")) == 1
        # What was let be done once is done without asking, until the settings are others.
        await absentee(set_up, 900, email="another@example.com")
        await start(set_up, FLOW, only_look="no")
        assert "Warned: 1. Deleted: 0." in await ended(set_up, FLOW, 2)
        await absentee(set_up, 900, email="third@example.com")
        await shipped(set_up, FLOW, **chosen, inactive="365d")
        await start(set_up, FLOW, only_look="no")
        await set_up.slack.press(await posted(set_up, "inactive users now?", 2), "decide:leave")
        assert "Nobody was warned or deleted." in await ended(set_up, FLOW, 3)


async def test_trying_it_out_changes_nothing(running: Stage) -> None:
    await absentee(running, 900, email="idle@example.com")
    await shipped(running, FLOW, **CHOSEN)
    await start(running, FLOW, only_look="no")
    await running.slack.press(await posted(running, "inactive users now?"), "decide:leave")
    await ended(running, FLOW, 1)
    before = len(running.slack.messages(await running.slack.get("state")))
    await running.auth0.put("read-only", {"on": True})
    said = await shown(running, f"try {FLOW}")
    assert "It would ask “Warn 1 and delete 0 inactive users now?”" in said
    assert "It would end well: Nobody was warned or deleted." in said
    # An export of users is made to be read, and where there can be none it searches.
    refused = (await running.auth0.get("read-only"))["refused"]
    assert {call["path"] for call in refused} <= {"/api/v2/jobs/users-exports"}
    assert len(running.slack.messages(await running.slack.get("state"))) == before
    assert (await mails(running), await rows_of(running, TABLE)) == ([], [])
