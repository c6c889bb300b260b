"""An admin sets in Slack when a flow wakes: a time of day, days, and whose clocks."""

import json

from tests.bot.made import make
from tests.worlds import Stage, text_of

MORNINGS = """
template: mornings
version: 1
title: Good morning
about: Says good morning.
settings:
  channel: {type: channel, title: Where}
  at: {type: time of day, default: "09:00", title: When}
  days: {type: days, default: [weekdays], title: On which days}
  zone: {type: time zone, title: Whose clocks}
when: {at: "{{ settings.at }}", days: "{{ settings.days }}", time zone: "{{ settings.zone }}"}
steps:
  - {stop: done, say: Good morning}
"""


async def test_a_form_offers_the_persons_own_clocks_and_what_is_chosen_is_kept(running: Stage) -> None:
    await make(running, MORNINGS, at="09:00", days=["weekdays"], zone=None)
    slack = running.slack
    await slack.command("enable mornings")
    form = await slack.form()
    fields = {block["block_id"]: block.get("element", {}) for block in form["blocks"]}
    assert (fields["at"]["type"], fields["at"]["initial_time"]) == ("timepicker", "09:00")
    assert [option["value"] for option in fields["days"]["initial_options"]] == ["weekdays"]
    assert fields["zone"]["initial_option"]["value"] == "Europe/Berlin"
    zones = [option["value"] for group in fields["zone"]["option_groups"] for option in group["options"]]
    assert len(zones) == len(set(zones))
    assert {"UTC", "Asia/Kolkata", "America/Argentina/Ushuaia"} <= set(zones)
    assert len(json.dumps(form)) < 100_000
    values = {"at": "17:30", "days": ["monday", "last of the month"], "zone": "Asia/Kolkata"}
    sent = {"user": slack.who("admin"), "view_id": form["id"], "values": values}
    assert "errors" not in await slack.post("submissions", sent)
    said = await slack.until(lambda state: [m for m in slack.messages(state) if "changed the settings" in m["text"]])
    assert "When: 17:30" in text_of(said[0])
    assert "On which days: monday and last of the month" in text_of(said[0])
    assert "Whose clocks: Asia/Kolkata" in text_of(said[0])
