"""The main job, with an incident for whoever is blocked, and with very many risky logins at once."""

import asyncio

from tests.bot.made import ended
from tests.stories.newcomers import service, shipped
from tests.worlds import FLOW, Stage, text_of


async def test_whoever_is_blocked_has_an_incident_also_if_servicenow_refuses_at_first(set_up: Stage) -> None:
    slack, auth0, desk = set_up.slack, set_up.auth0, service(set_up, "servicenow")
    await shipped(set_up, FLOW, urgency="2")
    before = len((await desk.get("state"))["tables"]["incident"])
    async with set_up.bot_running():
        user = await auth0.user()
        await auth0.login(user["user_id"], why=["impossible_travel"])
        await desk.fault("POST /api/now/*", status=403)
        await slack.press(await slack.alert(), "decide:block")
        failed = await slack.ended("At the step incident:")
        assert (await auth0.find(user["user_id"]))["blocked"]
        await slack.press(failed, "again")
        done = await slack.ended("See the incident INC")
    made = (await desk.get("state"))["tables"]["incident"][before:]
    assert len(made) == 1
    assert made[0]["number"] in text_of(done)
    assert made[0]["urgency"] == "2"
    assert "Impossible travel" in made[0]["description"]
    assert len([call for call in await auth0.calls(verb="PATCH") if "/users/" in call["path"]]) == 1


async def test_risky_logins_of_many_people_become_one_alert_from_the_third_on(running: Stage) -> None:
    slack, auth0 = running.slack, running.auth0
    await slack.enable()
    people = [await auth0.post("users", {"email": f"many.{number}@example.com"}) for number in range(6)]
    await asyncio.gather(*(auth0.login(person["user_id"]) for person in people))
    found = await slack.until(lambda s: [m for m in slack.alerts(s) if "4 questions, all open" in text_of(m)])
    assert len(slack.alerts(await slack.get("state"))) == 3
    await slack.press(found[0], "decide_all:block")
    await slack.until(lambda s: [m for m in slack.alerts(s) if "4 questions, all decided" in text_of(m)])
    for alert in slack.alerts(await slack.get("state"))[:2]:
        await slack.press(alert, "decide:approve")
    said = await ended(running, FLOW, 6)
    assert [words.split(" ", 1)[1].startswith("is blocked") for words in said].count(True) == 4
    users = {user["email"]: user for user in (await auth0.get("state"))["users"] if user.get("email")}
    blocked = [users[person["email"]] for person in people if users[person["email"]]["blocked"]]
    assert [user["sessions"] for user in blocked] == [[], [], [], []]
