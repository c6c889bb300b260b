"""Pages of ours within a login and behind links, in flows of one's own."""

import asyncio
from typing import Any, Final

from tests.bot.made import ended, make
from tests.stories.browsers import Browser
from tests.worlds import Stage

LOOKED_AT_FIRST: Final = """
template: looked-at-first
version: 1
title: Looked at first
about: Holds a login, and then asks the person two things.
settings:
  tenant: {connection: auth0, title: Tenant}
  channel: {type: channel, title: Where}
when:
  event: auth0.post_login
  from: "{{ settings.tenant }}"
  answers: {within: 5s, otherwise: deny}
steps:
  - answer: {hold: {say: One moment}}
  - id: sure
    ask: Ask them?
    in: "{{ settings.channel }}"
    choices: [ask_them, let_them]
    within: 5m
    otherwise: let_them
  - id: first
    show: "<b>First</b> & \\"last\\"?"
    title: "{{ event.user.name }}"
    links: {Fine: "https://example.com/?a=1&b=2", Odd: "{{ event.user.nickname }}"}
    choices: [red, blue]
    otherwise: red
  - id: second
    show: And now?
    choices: {yes_please: {title: Yes please, style: danger}, no_thanks: {title: No thanks}}
    within: 1m
    otherwise: no_thanks
  - answer: {claims: {id token: {chose: "{{ steps.first.choice }} {{ steps.second.choice }} {{ steps.second.by }}"}}}
"""
ASKS_NOBODY: Final = """
template: asks-nobody
version: 1
title: Asks nobody
about: Makes a link, and does not wait.
settings:
  tenant: {connection: auth0, title: Tenant}
when:
  event: auth0.post_login
  from: "{{ settings.tenant }}"
steps:
  - {id: asked, invite: Is all well, choices: [well], within: 1d, otherwise: well}
  - {stop: done, say: "{{ steps.asked.links.well }}"}
"""


async def test_a_login_that_is_held_goes_on_to_pages_one_after_the_other(set_up: Stage) -> None:
    await make(set_up, LOOKED_AT_FIRST)
    hostile = {
        "email": "odd@example.com",
        "name": "</title><script>alert(1)</script>",
        "nickname": "javascript:alert(1)",
    }
    user = await set_up.auth0.post("users", hostile)
    async with set_up.bot_running(), Browser() as browser:
        login = await set_up.auth0.login(user["user_id"], risk=None)
        await browser.open(login["redirect"])
        assert browser.shows("One moment")
        await set_up.slack.press(await set_up.slack.alert(), "decide:ask_them")
        await browser.wait()
        assert "<script>alert" not in browser.page.text
        assert "&lt;b&gt;First&lt;/b&gt;" in browser.page.text
        assert 'href="https://example.com/?a=1&amp;b=2"' in browser.page.text
        assert "javascript:" not in browser.page.text
        before = browser.fields["token"]
        await browser.choose("blue")
        assert browser.shows("And now?")
        assert (await browser.send(choice="yes_please", token=before)).status_code == 403  # that was another question's
        await browser.open(login["redirect"])
        await asyncio.gather(browser.choose("yes_please"), set_up.auth0.get(f"logins/{login['id']}"))
        found: dict[str, Any] = await set_up.auth0.get(f"logins/{login['id']}")
    assert found["claims"]["id_token"] == {"chose": f"blue yes_please {user['user_id']}"}


async def test_a_link_that_nobody_waits_for_is_good_for_nothing(set_up: Stage) -> None:
    await make(set_up, ASKS_NOBODY)
    async with set_up.bot_running(), Browser() as browser:
        await set_up.auth0.login((await set_up.auth0.user())["user_id"], risk=None)
        (link,) = await ended(set_up, "asks-nobody", 1)
        assert (await browser.open(link)).status_code == 410
