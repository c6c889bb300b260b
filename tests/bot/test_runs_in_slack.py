"""Runs, as people look at them and deal with them in Slack."""

import json
from typing import Any

from tests.bot.arrivals import event, send, signed
from tests.bot.made import FAILS, NOTE, SHORT, WAITS, answered, make, run_says, shown, start
from tests.worlds import FLOW, Stage


async def arrives(stage: Stage, event_id: str, **more: Any) -> None:
    body = json.dumps({"trigger": "post-login", "event": event(**more)})
    status, _ = await send(stage, body, signed(stage, body, event_id=event_id))
    assert status == 202


async def test_a_flow_is_started_with_its_form_and_says_what_it_did(set_up: Stage) -> None:
    await make(set_up, NOTE)
    async with set_up.bot_running():
        run = await start(set_up, "note", what="a <!channel> & more", many="3")
        said = await run_says(set_up, run, "is done")
    admin = set_up.slack.who("admin")
    assert f"{admin} noted a &lt;!channel&gt; &amp; more 3 times" in said
    assert "Set values" in said
    assert "<!channel>" not in said


async def test_what_is_wrong_in_the_form_is_said_on_the_field(set_up: Stage) -> None:
    await make(set_up, NOTE)
    async with set_up.bot_running():
        slack = set_up.slack
        await slack.command("start note")
        form = await slack.form()
        values = {"what": "x", "many": "9"}
        answer = await slack.post("submissions", {"user": slack.who("admin"), "view_id": form["id"], "values": values})
    assert list(answer["errors"]) == ["many"]


async def test_who_may_not_decide_starts_nothing(set_up: Stage) -> None:
    await make(set_up, NOTE)
    async with set_up.bot_running():
        await set_up.slack.command("start note", user="visitor")
        form = await set_up.slack.form(user="visitor")
        assert "not allowed" in str(form["blocks"])
        assert "no run" in await set_up.slack.said("runs note")


async def test_only_flows_made_for_it_are_started_by_hand(running: Stage) -> None:
    await running.slack.enable()
    await running.slack.command(f"start {FLOW}")
    form = await running.slack.form()
    assert "not made to be started by hand" in str(form["blocks"])


async def test_a_failed_run_is_listed_and_dealt_with_by_its_buttons(set_up: Stage) -> None:
    await make(set_up, FAILS)
    slack = set_up.slack
    async with set_up.bot_running():
        run = await start(set_up, "fails")
        await run_says(set_up, run, "No &lt;luck&gt;")
        listed = await answered(set_up, "failed")
        assert run in str(listed["blocks"])
        press = {"user": slack.who("admin"), "channel": listed["channel"], "ts": listed["ts"]}
        await slack.post("clicks", {**press, "user": slack.who("admin"), "action_id": "failed:afresh"})
        begun = await slack.whispered("Begun again from the start")
        new = SHORT.search(begun["text"])
        assert new is not None
        await run_says(set_up, new.group(1), "failed")
        await slack.post("clicks", {**press, "action_id": "failed:discard"})
        await slack.whispered("Discarded")
        await slack.post("clicks", {**press, "action_id": "failed:again"})
        await slack.whispered("not among the failed ones any more")
        left = await shown(set_up, "failed")
        assert new.group(1) in left
        assert run not in left
        assert "Trying again" in await slack.said(f"retry {new.group(1)}")
        await run_says(set_up, new.group(1), "failed")
        assert "Discarded" in await slack.said(f"discard {new.group(1)}")
        assert "No run has failed" in await slack.said("failed")


async def test_who_may_not_decide_deals_with_no_failure(set_up: Stage) -> None:
    await make(set_up, FAILS)
    async with set_up.bot_running():
        run = await start(set_up, "fails")
        await run_says(set_up, run, "failed")
        for command in (f"retry {run}", f"discard {run}"):
            assert "not allowed to decide" in await set_up.slack.said(command, user="visitor")
        assert run in await shown(set_up, "failed")


async def test_a_waiting_run_is_cancelled_by_those_who_may(set_up: Stage) -> None:
    await make(set_up, WAITS)
    slack = set_up.slack
    async with set_up.bot_running():
        run = await start(set_up, "waits")
        await run_says(set_up, run, "waits, begun")
        assert "not allowed" in await slack.said(f"cancel {run}", user="visitor")
        assert "is cancelled" in await slack.said(f"cancel {run}")
        assert f"Cancelled by <@{slack.who('admin')}>" in await shown(set_up, "runs waits")
        assert "ended already" in await slack.said(f"cancel {run}")


async def test_an_alert_of_a_cancelled_run_has_no_choices_left(running: Stage) -> None:
    slack = running.slack
    await slack.enable()
    await arrives(running, "evt_1")
    await slack.alert()
    run = SHORT.search(await slack.said(f"runs {FLOW}"))
    assert run is not None
    await slack.said(f"cancel {run.group(1)}")
    ended = await slack.ended("Cancelled by")
    assert f"<@{slack.who('admin')}>" in str(ended["blocks"])
    assert not [block for block in ended["blocks"] if block["type"] == "actions"]


async def test_runs_and_their_traces_are_masked(running: Stage) -> None:
    await running.slack.enable()
    await arrives(running, "evt_1")
    await running.slack.alert()
    run = SHORT.search(await running.slack.said(f"runs {FLOW}"))
    assert run is not None
    said = await shown(running, f"run {run.group(1)}")
    assert "Describe a login" in said
    assert "Ask: Block" in said
    assert "one@example.com" not in said


async def test_a_run_that_nobody_knows_is_answered_usefully(running: Stage) -> None:
    for command in ("run", "run nonsense", "run zzzzzzzzzz", "cancel a/b", "retry <!channel>"):
        assert "/cicflow runs" in await running.slack.said(command)


async def test_why_says_which_guard_stood_against_how_many_events(running: Stage) -> None:
    slack = running.slack
    await slack.enable()
    await arrives(running, "evt_no", confidence="high")
    await arrives(running, "evt_yes", confidence="low")
    await slack.alert()
    said = await slack.said(f"why {FLOW}")
    assert "1 event did not wake" in said
    assert "event.authentication.riskAssessment.confidence is one of low" in said
    assert "It ran 1 time meanwhile" in said
    assert "must be one of low" in await slack.said(f"why {FLOW} evt_no")
    assert "This event woke" in await slack.said(f"why {FLOW} evt_yes")
    assert "No run of" in await slack.said(f"why {FLOW} evt_other")


async def test_why_says_that_the_same_key_had_its_run(running: Stage) -> None:
    await running.slack.enable()
    for event_id in ("evt_1", "evt_2"):
        await arrives(running, event_id)
    await running.slack.alert()
    assert "once per" in await running.slack.said(f"why {FLOW}")


async def test_a_flow_is_tried_on_its_latest_event_and_nothing_happens(running: Stage) -> None:
    slack = running.slack
    await slack.enable()
    assert "no such run" in await slack.said(f"try {FLOW}")
    user = (await running.auth0.user())["user_id"]
    await arrives(running, "evt_1", user_id=user)
    await slack.alert()
    assert "not allowed" in await slack.said(f"try {FLOW}", user="visitor")
    said = await shown(running, f"try {FLOW}")
    assert "would change nothing" in said
    assert "It would ask “Block" in said
    assert len(slack.alerts(await slack.get("state"))) == 1
    assert not (await running.auth0.find(user)).get("blocked")


async def test_a_paused_flow_keeps_what_comes_until_it_is_resumed(running: Stage) -> None:
    slack = running.slack
    await slack.enable()
    assert "not allowed" in await slack.said(f"pause {FLOW}", user="visitor")
    assert "is paused" in await slack.said(f"pause {FLOW}")
    assert "is paused already" in await slack.said(f"pause {FLOW}")
    await arrives(running, "evt_1")
    assert "is about to go on" in await slack.said(f"runs {FLOW}")
    assert "paused" in await slack.said("list")
    assert slack.alerts(await slack.get("state")) == []
    assert "goes on" in await slack.said(f"resume {FLOW}")
    await slack.alert()
