"""Any flow may post a report: what a spreadsheet would carry out is text, and a picture that cannot be drawn loses nothing."""

from typing import Final

from tests.bot.made import ended, make
from tests.stories.absentees import posted, sheets
from tests.worlds import Stage, text_of

REPORT: Final = """
template: our-report
version: 1
title: Our report
about: Reports on names that people gave themselves.
settings:
  workspace: {connection: slack, title: Workspace}
  channel: {type: channel, title: Where}
when: {by hand: {}}
steps:
  - {id: names, set: {rows: [{name: "=HYPERLINK(1)", count: 2}, {name: "<!channel>", count: 3}], none: []}}
  - id: chart
    do: charts.draw
    with: {title: Names, rows: "{{ steps.names.none }}", label: name, values: {now: count}}
    on error: {give: {base64: "", image_text: None.}}
  - {id: lines, do: charts.in_lines, with: {rows: "{{ steps.names.rows }}"}}
  - {id: table, do: csv.compose, with: {items: "{{ steps.names.rows }}"}}
  - do: slack.post_report
    using: "{{ settings.workspace }}"
    with:
      channel: "{{ settings.channel }}"
      key: "{{ run.id }}"
      text: "*Names*"
      details: "{{ steps.lines.text }}"
      picture: "{{ steps.chart.base64 }}"
      image_text: "{{ steps.chart.image_text }}"
      table: "{{ steps.table.text }}"
      starts: {Start: nonsense}
  - {stop: done, say: posted}
"""


async def test_a_flow_of_ones_own_posts_a_report_and_what_people_called_themselves_does_nothing(running: Stage) -> None:
    await make(running, REPORT, workspace="slack")
    assert "is started" in await running.slack.said("report our")
    assert await ended(running, "our-report", 1) == ["posted"]
    message = await posted(running, "*Names*")
    assert "The picture is missing: It could not be drawn." in text_of(message)
    assert "• &lt;!channel&gt;: *3*" in text_of(message)
    ((_, rows),) = (await sheets(running, message)).items()
    assert [row["name"] for row in rows] == ["'=HYPERLINK(1)", "<!channel>"]
    await running.slack.press(message, "start:0", user="admin")
    assert "There is no flow `nonsense`." in text_of(await running.slack.form())
