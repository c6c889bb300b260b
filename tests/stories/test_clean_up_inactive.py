"""The template that cleans up inactive users: looked at first, asked about, warned by mail, and deleted unless they come back."""

from typing import Any, Final

from tests.bot.made import ended, start
from tests.stories.absentees import absentee, passed, posted, rows_of, sheets
from tests.stories.newcomers import service, shipped
from tests.worlds import Stage

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
    await stage.slack.press(await posted(stage, "people and delete", runs), "decide:go_on")
    await ended(stage, FLOW, runs)


async def test_the_good_day_looks_asks_warns_and_deletes_who_does_not_come_back(set_up: Stage) -> None:
    stays = await absentee(set_up, 800, email="stays@example.com", name="Sam <b>Stay</b>")
    goes = await absentee(set_up, 900, email="goes@example.com", name="=Gone()")
    await shipped(set_up, FLOW, **CHOSEN)
    before = await there(set_up)
    async with set_up.bot_running():
        await start(set_up, FLOW)  # only looks, if nothing else is said
        assert await ended(set_up, FLOW, 1) == ["It only looked: 2 people would be warned, 0 accounts deleted."]
        (looked,) = (await sheets(set_up, await posted(set_up, "would be warned"))).values()
        assert {row["user_id"] for row in looked} == {stays, goes}
        assert {row["signal"] for row in looked} == {"last_login"}
        assert "'=Gone()" in {row["name"] for row in looked}
        assert await mails(set_up) == []
        await start(set_up, FLOW, only_look="no")
        asked = await posted(set_up, "Warn 2 people and delete 0 accounts now?")
        await set_up.slack.press(asked, "decide:go_on")
        assert "2 people were warned, and 0 accounts deleted." in await ended(set_up, FLOW, 2)
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
        assert "0 people were warned, and 1 accounts deleted." in await ended(set_up, FLOW, 4)
        report = await posted(set_up, "Inactive users were cleaned up", 2)
        (done,) = [row for row in (await sheets(set_up, report))["deleted.csv"] if row["user_id"] == goes]
        assert (done["deleted"], done["signal"]) == ("yes", "last_login")
    assert before - await there(set_up) == {goes}
    assert await rows_of(set_up, TABLE) == []


async def go_on(stage: Stage, number: int) -> str:
    await start(stage, FLOW, only_look="no")
    return next(said for said in await ended(stage, FLOW, number) if "Nobody" in said).partition(". ")[0] + "."
