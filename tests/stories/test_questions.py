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
