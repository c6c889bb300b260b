"""A flow acts in the bot's own workspace: nobody has to connect it."""

from tests.bot.made import ended, make, start
from tests.worlds import Stage, text_of

REPORTS = """
template: reports
version: 1
title: Report
about: Says what it found, and shows it.
settings:
  workspace: {connection: slack, title: Workspace}
  channel: {type: channel, title: Where}
when:
  by hand:
    who: {type: text, title: Who}
steps:
  - id: said
    do: slack.post_message
    using: "{{ settings.workspace }}"
    with:
      channel: "{{ settings.channel }}"
      header: Somebody was found
      text: "*Found*: {{ event.who }}, asked for by <@{{ event.by }}>"
      fields: {Who: "{{ event.who }}"}
      links: {Open: "https://example.com/people"}
      key: "{{ run.id }}"
  - do: slack.reply
    using: "{{ settings.workspace }}"
    with: {channel: "{{ steps.said.channel }}", message: "{{ steps.said.message }}", text: More follows}
  - do: slack.add_reaction
    using: "{{ settings.workspace }}"
    with: {channel: "{{ steps.said.channel }}", message: "{{ steps.said.message }}", emoji: eyes}
  - do: slack.upload_file
    using: "{{ settings.workspace }}"
    with:
      channel: "{{ steps.said.channel }}"
      message: "{{ steps.said.message }}"
      name: people.csv
      text: "name\\n{{ event.who }}\\n"
      comment: "All of them: {{ event.who }}"
  - {stop: done, say: told}
"""


async def test_a_flow_posts_replies_reacts_and_uploads(running: Stage) -> None:
    await make(running, REPORTS, workspace="slack")
    await running.slack.fault("chat.postMessage", drop="after")
    await start(running, "reports", who="<!channel> Mallory")
    assert await ended(running, "reports", 1) == ["told"]
    state = await running.slack.get("state")
    (message,) = [one for one in running.slack.messages(state) if "Somebody was found" in one["text"]]
    assert f"*Found*: &lt;!channel&gt; Mallory, asked for by <@{running.slack.who('admin')}>" in text_of(message)
    assert [one["name"] for one in message["reactions"]] == ["eyes"]
    assert [reply["text"] for reply in message["replies"]] == ["More follows", "All of them: &lt;!channel&gt; Mallory"]
    assert [file["name"] for file in message["replies"][1]["files"]] == ["people.csv"]
    await running.slack.press(message, "link:0")
    pressed = [sent for sent in await running.slack.get("deliveries") if "link%3A0" in sent["body"]]
    assert [sent["status"] for sent in pressed] == [200]
