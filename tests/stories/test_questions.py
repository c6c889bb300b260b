"""What a flow asks people, beyond a question with buttons in one channel."""

from tests.bot.made import ended, make, start
from tests.worlds import Stage, text_of

REPLIES = """
template: replies
version: 1
title: Reply
about: Asks, and replies to its own question.
settings:
  workspace: {connection: slack, title: Workspace}
  spare: {connection: servicenow, title: ServiceNow, optional: true}
  lobby: {type: channel, title: Also in, optional: true}
  channel: {type: channel, title: Where}
when: {by hand: {}}
steps:
  - {id: verdict, ask: "Go on?", in: "{{ settings.channel }}", choices: [go_on, stop], within: 1h, otherwise: stop}
  - do: slack.reply
    using: "{{ settings.workspace }}"
    with: {channel: "{{ steps.verdict.channel }}", message: "{{ steps.verdict.message }}", text: It goes on.}
  - if: [{left: "{{ settings.spare }}", exists: true}]
    then: [{stop: failed, say: Nobody chose one.}]
  - {stop: done, say: replied}
"""


async def test_a_later_step_replies_to_the_question_and_what_is_optional_is_left_empty(running: Stage) -> None:
    await make(running, REPLIES, workspace="slack", spare=None, lobby=None)
    slack = running.slack
    await slack.command("enable replies")
    form = await slack.form()
    fields = [block["block_id"] for block in form["blocks"] if block["type"] == "input"]
    assert fields == ["workspace", "lobby", "channel"]
    assert "connect servicenow" in text_of(form)
    sent = {"user": slack.who("admin"), "view_id": form["id"], "values": {}}
    assert "errors" not in await slack.post("submissions", sent)
    await slack.until(lambda state: [m for m in slack.messages(state) if "changed the settings" in m["text"]])
    await start(running, "replies")
    await slack.press(await slack.alert(), "decide:go_on")
    assert await ended(running, "replies", 1) == ["replied"]
    assert [reply["text"] for reply in (await slack.alert())["replies"]] == ["It goes on."]


INSISTS = """
template: insists
version: 1
title: Insist
about: Asks until somebody answers.
settings:
  channel: {type: channel, title: Where}
when: {by hand: {to: {type: text, title: Whom next}}}
steps:
  - id: verdict
    ask: "Go on?"
    in: "{{ settings.channel }}"
    choices: {go_on: {title: Go on}, stop: {title: Stop}}
    within: 1h
    otherwise: stop
    remind: {every: 1s, times: 2}
    escalate: {after: 2s, to: "{{ event.to }}"}
  - {stop: done, say: "{{ steps.verdict.choice }}"}
"""


async def test_a_question_is_reminded_of_and_asked_in_a_second_channel_and_whoever_decides_first_decides(
    running: Stage,
) -> None:
    await make(running, INSISTS)
    slack = running.slack
    await slack.said("allow @security-team decide")
    general = slack.given["channels"]["general"]
    await start(running, "insists", to=general)
    await slack.fault("chat.postMessage", drop="after", times=1)
    reminded = await slack.until(lambda s: [m for m in slack.alerts(s) if len(m["replies"]) == 2])
    assert "Nobody has answered yet: *Go on?*" in reminded[0]["replies"][0]["text"]
    assert reminded[0]["replies"][0]["text"].startswith("<!subteam^S")
    second = (await slack.until(lambda s: [m for m in s["messages"][general] if "Go on?" in text_of(m)]))[0]
    assert "Nobody has answered since" in text_of(second)
    await slack.until(lambda s: [m for m in slack.alerts(s) if f"Asked in <#{general}>" in text_of(m)])
    await slack.post(
        "clicks", {"user": slack.who("analyst"), "channel": general, "ts": second["ts"], "action_id": "decide:go_on"}
    )
    assert await ended(running, "insists", 1) == ["go_on"]
    state = await slack.get("state")
    for message in [*slack.alerts(state), *[m for m in state["messages"][general] if m["ts"] == second["ts"]]]:
        assert f"*Go on* was chosen by <@{slack.who('analyst')}>" in text_of(message)
        assert not [block for block in message["blocks"] if block["type"] == "actions"]
    assert len(slack.alerts(state)) == 1


async def test_a_user_group_is_mentioned_in_the_thread_and_a_person_is_asked_directly(running: Stage) -> None:
    await make(running, INSISTS)
    slack = running.slack
    await slack.said("allow @security-team decide")
    group = "S0SECTEAM1"
    await start(running, "insists", to=group)
    mentioned = await slack.until(
        lambda s: [r for m in slack.alerts(s) for r in m["replies"] if r["text"].startswith(f"<!subteam^{group}>")]
    )
    assert mentioned
    await slack.press(await slack.alert(), "decide:stop")
    assert await ended(running, "insists", 1) == ["stop"]
    await start(running, "insists", to=slack.who("analyst"))
    asked = await slack.until(
        lambda s: [
            (place, m)
            for place, said in s["messages"].items()
            if place.startswith("D")
            for m in said
            if "Go on?" in text_of(m)
        ]
    )
    place, message = asked[0]
    body = {"user": slack.who("analyst"), "channel": place, "ts": message["ts"], "action_id": "decide:go_on"}
    await slack.post("clicks", body)
    assert await ended(running, "insists", 2) == ["go_on", "stop"]


TWO = """
template: two
version: 1
title: Two
about: Needs two people.
settings:
  channel: {type: channel, title: Where}
when: {by hand: {}}
steps:
  - id: verdict
    ask: "Go on?"
    in: "{{ settings.channel }}"
    choices: {go_on: {title: Go on}, stop: {title: Stop}}
    within: 1h
    otherwise: stop
    votes: 2
  - {stop: done, say: "{{ steps.verdict.choice }}"}
"""


async def test_two_different_people_have_to_choose_the_same_and_a_dissent_is_shown(running: Stage) -> None:
    await make(running, TWO)
    slack = running.slack
    for person in ("analyst", "visitor"):
        await slack.said(f"allow @{person} decide")
    admin, analyst, visitor = (f"<@{slack.who(name)}>" for name in ("admin", "analyst", "visitor"))
    await start(running, "two")
    alert = await slack.alert()
    assert "2 people have to choose the same" in text_of(alert)
    for _ in range(2):  # one person has one vote
        await slack.press(alert, "decide:go_on")
    await slack.ended(f"*Go on*: {admin}")
    await slack.press(alert, "decide:stop", user="analyst")
    await slack.ended(f"*Stop*: {analyst}")
    await slack.press(alert, "decide:go_on", user="visitor")
    assert await ended(running, "two", 1) == ["go_on"]
    done = await slack.ended(f"*Go on* was chosen by {visitor}")
    assert f"*Go on*: {admin} and {visitor} · *Stop*: {analyst}" in text_of(done)
    assert len(slack.alerts(await slack.get("state"))) == 1
