"""The page's script in a browser, before doubles of the services: what a person is at survives every change."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from sandbox import page
from sandbox.server import serving
from tests.sandbox.page_browser import Browser, chromium, needs_browser
from tests.sandbox.page_doubles import ALERT, BEGIN, FORM, Double, mrkdwn, option, plain, tenant, workspace

pytestmark = needs_browser

Scene = Callable[[Callable[[Browser], None]], "asyncio.Future[None]"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def slack() -> Double:
    return Double(workspace())


@pytest.fixture
def auth0() -> Double:
    return Double(tenant())


@pytest.fixture
async def address(slack: Double, auth0: Double) -> AsyncIterator[str]:
    async with AsyncExitStack() as stack:
        addresses = [await stack.enter_async_context(serving(one.app)) for one in (slack, auth0)]
        yield await stack.enter_async_context(serving(page.create(*addresses)))


@pytest.fixture
async def play(browser: Browser, address: str) -> AsyncIterator[Scene]:
    """Play a scene in the browser, in a thread of its own, while the page is served here."""
    await asyncio.to_thread(browser.open, address)
    yield lambda scene: asyncio.get_running_loop().run_in_executor(None, scene, browser)
    complaints = await asyncio.to_thread(browser.complaints)
    await asyncio.to_thread(browser.open, "about:blank")
    assert complaints == []


def said(text: str, number: int = 0, **more: object) -> dict[str, object]:
    return {"type": "message", "ts": f"{BEGIN + number:.6f}", "user": "U2", "text": text, **more}


def alert(number: int = 0) -> dict[str, object]:
    return said("Risky login", number, user="U9", bot_id="B1", blocks=ALERT)


def shown(slack: Double, *views: dict[str, object]) -> None:
    slack.become(views={"U1": list(views)})


async def test_a_new_message_appears_by_itself_and_typed_text_stays(play, slack):
    def scene(browser: Browser) -> None:
        browser.type("#say", "half a sent")
        slack.become(messages={"C1": [said("*news*")]})
        browser.find("[data-testid=message] strong", "news")
        browser.press("ence")
        assert browser.value("#say") == "half a sentence"

    await play(scene)


async def test_enter_sends_a_message_and_a_slash_a_command(play, slack):
    def scene(browser: Browser) -> None:
        browser.type("#say", "hello\n")
        browser.until(lambda: len(slack.asked) == 1)
        browser.type("#say", "/cicflow list\n")
        browser.until(lambda: len(slack.asked) == 2)
        assert browser.value("#say") == ""

    await play(scene)
    assert slack.asked[0] == ("messages", {"user": "U1", "channel": "C1", "text": "hello"})
    assert slack.asked[1] == ("commands", {"user": "U1", "channel": "C1", "command": "/cicflow", "text": "list"})


async def test_a_slash_offers_commands_that_the_keyboard_can_choose(play):
    def scene(browser: Browser) -> None:
        browser.type("#say", "/")
        assert browser.find("#hints li", "/cicflow help")
        browser.press("\ue015")
        browser.press("\ue015")
        browser.press("\ue007")
        assert browser.value("#say") == "/cicflow enable high-risk-login"
        browser.gone("#hints")

    await play(scene)


async def test_a_reader_who_has_scrolled_up_is_left_there(play, slack):
    def scene(browser: Browser) -> None:
        slack.become(messages={"C1": [said(f"line {number}", number * 400) for number in range(60)]})
        browser.until(lambda: "line 59" in browser.all("[data-testid=message]")[-1].text)
        browser.script("document.getElementById('timeline').scrollTop = 300")
        slack.become(messages={"C1": [said(f"line {number}", number * 400) for number in range(61)]})
        browser.until(lambda: len(browser.all("[data-testid=message]")) == 61)
        assert browser.script("return document.getElementById('timeline').scrollTop") == 300

    await play(scene)


async def test_a_button_is_pressed_after_its_question_is_confirmed(play, slack):
    def scene(browser: Browser) -> None:
        slack.become(messages={"C1": [alert()]})
        browser.click("[data-action-id=block]")
        assert "customer.1@example.com" in browser.find("[data-testid=confirm]").text
        browser.click("[data-testid=confirm-deny]", "Go back")
        browser.gone("[data-testid=confirm]")
        assert slack.asked == []
        browser.click("[data-action-id=block]")
        browser.click("[data-testid=confirm-confirm]", "Block")
        browser.until(lambda: len(slack.asked) == 1)

    await play(scene)
    act, asked = slack.asked[0]
    assert act == "clicks"
    assert asked == {
        "user": "U1",
        "channel": "C1",
        "ts": f"{BEGIN:.6f}",
        "action_id": "block",
        "block_id": "decide",
    }


async def test_a_button_without_a_question_is_pressed_at_once_and_an_app_that_is_silent_is_named(play, slack):
    slack.answers["clicks"] = (200, {"status": None, "seconds": 3.0})

    def scene(browser: Browser) -> None:
        slack.become(messages={"C1": [alert()]})
        browser.click("[data-action-id=approve]")
        browser.find("#notices", "trouble connecting")

    await play(scene)


async def test_a_form_opens_takes_the_focus_and_is_sent_whole(play, slack):
    def scene(browser: Browser) -> None:
        shown(slack, FORM)
        browser.find("[data-testid=modal]", "High-risk login")
        browser.type("[data-block-id=patience] input", "2h", instead=True)
        browser.click("[data-block-id=risk] label", "Medium")
        browser.click("[data-block-id=roles] summary")
        browser.click("[data-block-id=roles] label", "Analyst")
        assert browser.find("[data-block-id=roles] .picked").text == "Analyst"
        browser.click("[data-testid=modal-submit]")
        browser.until(lambda: len(slack.asked) == 1)
        shown(slack)
        browser.gone("[data-testid=modal]")
        browser.until(lambda: browser.focused() == "say")

    await play(scene)
    told = {"tenant": "one", "channel": "C1", "risk": ["low", "medium"], "patience": "2h", "roles": ["U2"]}
    values = {block: {"v": content} for block, content in told.items()}
    assert slack.asked == [("submissions", {"user": "U1", "view_id": "V1", "values": values})]


async def test_a_menu_that_the_app_fills_is_searched_while_somebody_types(play, slack):
    def menu(block: str, kind: str, **more: object) -> dict[str, object]:
        element = {"type": kind, "action_id": "v", "min_query_length": 0, **more}
        return {"type": "input", "block_id": block, "label": plain(block), "element": element}

    many = menu("many", "multi_external_select", initial_options=[option("3", "<b>Three</b>")])
    form = {**FORM, "blocks": [menu("one", "external_select"), many]}
    offered = [option("1", "Newsletter"), option("2", "Trial <i>users</i>")]
    slack.answers["suggestions"] = (200, {"status": 200, "options": offered})

    def scene(browser: Browser) -> None:
        shown(slack, form)
        browser.click("[data-block-id=one] summary")
        browser.find("[data-block-id=one] label", "Trial <i>users</i>")
        browser.press("tri")
        browser.until(lambda: slack.asked[-1][1]["value"] == "tri")
        browser.click("[data-block-id=one] label", "Trial")
        assert browser.find("[data-block-id=one] .picked").text == "Trial <i>users</i>"
        browser.click("[data-block-id=many] summary")
        browser.click("[data-block-id=many] label", "Newsletter")
        assert browser.find("[data-block-id=many] .picked").text == "<b>Three</b>, Newsletter"
        slack.answers["suggestions"] = (200, {"status": 500, "options": [], "shown": ["Trouble"]})
        browser.type("[data-block-id=many] input[type=search]", "x")
        browser.find("[data-block-id=many] .sheet p", "Trouble")
        browser.click("[data-testid=modal-submit]")
        browser.until(lambda: slack.asked[-1][0] == "submissions")

    await play(scene)
    asked = {"user": "U1", "view_id": "V1", "action_id": "v", "block_id": "one", "value": ""}
    assert slack.asked[0] == ("suggestions", asked)
    assert slack.asked[-1][1]["values"] == {"one": {"v": "2"}, "many": {"v": ["3", "1"]}}


async def test_an_error_stands_under_its_field_till_the_field_is_changed(play, slack):
    slack.answers["submissions"] = (200, {"errors": {"patience": "At most <b>7d</b>"}, "by": "slack"})

    def scene(browser: Browser) -> None:
        shown(slack, FORM)
        browser.click("[data-testid=modal-submit]")
        assert browser.find("[data-block-id=patience] [data-error]", "At most <b>7d</b>")
        slack.become(messages={"C1": [said("meanwhile")]})
        browser.until(lambda: browser.all("[data-testid=message]"))
        assert browser.find("[data-block-id=patience] [data-error]", "At most")
        browser.press("1")
        browser.gone("[data-block-id=patience] [data-error]")

    await play(scene)


async def test_an_app_that_does_not_take_a_form_leaves_it_open_and_says_so(play, slack):
    slack.answers["submissions"] = (200, {"status": 500, "seconds": 0.1})

    def scene(browser: Browser) -> None:
        shown(slack, FORM)
        browser.click("[data-testid=modal-submit]")
        browser.find("[data-testid=modal] .trouble", "trouble connecting")

    await play(scene)


async def test_a_view_that_is_updated_keeps_what_was_typed_where_the_ids_stay(play, slack):
    def field(block: str, label: str, start: str) -> dict[str, object]:
        element = {"type": "plain_text_input", "action_id": "v", "initial_value": start}
        return {"type": "input", "block_id": block, "label": plain(label), "element": element}

    before = {**FORM, "blocks": [field("one", "One", "a"), field("two", "Two", "b")]}
    after = {**FORM, "blocks": [mrkdwn("*New*") | {"type": "header"}, field("one", "Uno", "x"), field("2", "Dos", "y")]}

    def scene(browser: Browser) -> None:
        shown(slack, before)
        browser.type("[data-block-id=one] input", "typed", instead=True)
        browser.type("[data-block-id=two] input", "typed", instead=True)
        browser.click("[data-block-id=one] input")
        shown(slack, after)
        browser.find("[data-block-id=one]", "Uno")
        assert browser.focused() == "view-V1/one/v"
        assert browser.value("[data-block-id=one] input") == "typed"
        assert browser.value("[data-block-id='2'] input") == "y"

    await play(scene)


async def test_a_pushed_view_covers_the_first_whose_content_is_there_when_it_comes_back(play, slack):
    def scene(browser: Browser) -> None:
        shown(slack, FORM)
        browser.type("[data-block-id=patience] input", "9h", instead=True)
        shown(slack, FORM, {**FORM, "id": "V2", "title": plain("Second")})
        browser.find("[data-testid=modal]", "Second")
        browser.gone("[data-testid=modal-under] h2")
        shown(slack, FORM)
        browser.find("[data-testid=modal]", "High-risk login")
        assert browser.value("[data-block-id=patience] input") == "9h"

    await play(scene)


@pytest.mark.parametrize("way", ["[data-testid=modal-close]", "[data-testid=modal] header [data-close]"])
async def test_a_form_is_closed_by_its_buttons(play, slack, way):
    slack.reactions["closes"] = lambda given: shown(slack)

    def scene(browser: Browser) -> None:
        shown(slack, FORM)
        browser.click(way)
        browser.gone("[data-testid=modal]")

    await play(scene)
    assert slack.asked == [("closes", {"user": "U1", "view_id": "V1"})]


async def test_escape_closes_a_form(play, slack):
    slack.reactions["closes"] = lambda given: shown(slack)

    def scene(browser: Browser) -> None:
        shown(slack, FORM)
        browser.find("[data-testid=modal]")
        browser.press("\ue00c")
        browser.gone("[data-testid=modal]")

    await play(scene)
    assert [act for act, _ in slack.asked] == ["closes"]


async def test_choices_in_a_message_are_told_as_they_are_made(play, slack):
    elements = [
        {"type": "static_select", "action_id": "one", "options": [option("x", "The x"), option("y", "The y")]},
        {"type": "overflow", "action_id": "menu", "options": [option("d", "Details")]},
        {"type": "multi_static_select", "action_id": "many", "options": [option("p", "The p"), option("q", "The q")]},
        {"type": "checkboxes", "action_id": "tick", "options": [option("t", "The t")]},
    ]

    def scene(browser: Browser) -> None:
        slack.become(messages={"C1": [said("x", blocks=[{"type": "actions", "block_id": "b", "elements": elements}])]})
        browser.click("[data-action-id=one] option[value=y]")
        browser.until(lambda: len(slack.asked) == 1)
        browser.click("[data-action-id=menu] summary")
        browser.click("[data-action-id=menu] button", "Details")
        browser.until(lambda: len(slack.asked) == 2)
        browser.click("[data-action-id=many] summary")
        browser.click("[data-action-id=many] label", "The q")
        assert len(slack.asked) == 2
        browser.click("#place-bar")
        browser.until(lambda: len(slack.asked) == 3)
        browser.click("[data-action-id=tick] label")
        browser.until(lambda: len(slack.asked) == 4)

    await play(scene)
    told = [
        {name: value for name, value in asked.items() if name.startswith("selected")} | {"of": asked["action_id"]}
        for _, asked in slack.asked
    ]
    assert told == [
        {"of": "one", "selected_option": "y"},
        {"of": "menu", "selected_option": "d"},
        {"of": "many", "selected_options": ["q"]},
        {"of": "tick", "selected_options": ["t"]},
    ]


async def test_logins_are_made_in_the_tenants_corner(play, auth0):
    def scene(browser: Browser) -> None:
        browser.click("[data-user-id='auth0|2'] [data-testid=risky-login]")
        browser.until(lambda: len(auth0.asked) == 1)
        browser.click(".why label", "Untrusted address")
        browser.click("[data-user-id='auth0|2'] [data-testid=risky-login]")
        browser.until(lambda: len(auth0.asked) == 2)
        browser.click("[data-user-id='auth0|1'] [data-testid=normal-login]")
        browser.until(lambda: len(auth0.asked) == 3)
        one, two, three = auth0.state["users"]
        auth0.become(users=[one, {**two, "blocked": True}, three])
        browser.find("[data-user-id='auth0|2'] [data-testid=blocked]", "Blocked")

    await play(scene)
    assert [asked for _, asked in auth0.asked] == [
        {"user_id": "auth0|2", "risk": "low", "why": ["impossible_travel"]},
        {"user_id": "auth0|2", "risk": "low", "why": ["impossible_travel", "untrusted_ip"]},
        {"user_id": "auth0|1", "risk": "high", "why": None},
    ]


async def test_one_can_be_somebody_else_and_open_the_home_tab(play, slack):
    slack.become(homes={"U2": {"id": "V7", "type": "home", "blocks": ALERT}})

    def scene(browser: Browser) -> None:
        browser.click("[data-testid=you] option[data-name=analyst]")
        browser.until(lambda: browser.script("return document.body.dataset.you") == "U2")
        browser.click("[data-testid=home-tab]")
        browser.click("[data-testid=home] [data-action-id=approve]")
        browser.until(lambda: len(slack.asked) == 2)

    await play(scene)
    assert slack.asked == [
        ("home", {"user": "U2"}),
        ("clicks", {"user": "U2", "view_id": "V7", "action_id": "approve", "block_id": "decide", "values": {}}),
    ]


async def test_an_updated_message_loses_its_buttons_and_its_neighbours_stay(play, slack):
    def scene(browser: Browser) -> None:
        slack.become(messages={"C1": [alert(0), alert(700)]})
        browser.until(lambda: len(browser.all("[data-action-id=block]")) == 2)
        browser.script("document.querySelectorAll('[data-testid=message]')[1].here = true")
        done = {**alert(0), "blocks": ALERT[:-1], "edited": {"user": "U9", "ts": "1"}}
        slack.become(messages={"C1": [done, alert(700)]})
        browser.until(lambda: len(browser.all("[data-action-id=block]")) == 1)
        assert browser.script("return document.querySelectorAll('[data-testid=message]')[1].here")

    await play(scene)


async def test_a_sandbox_that_was_away_and_is_back_is_shown_as_it_is_now(browser, slack, auth0, free_port):
    async with AsyncExitStack() as stack:
        addresses = [await stack.enter_async_context(serving(one.app)) for one in (slack, auth0)]
        async with serving(page.create(*addresses), port=free_port) as address:
            await asyncio.to_thread(browser.open, address)
            slack.become(messages={"C1": [said("before")]})
            await asyncio.to_thread(browser.find, "[data-testid=message]", "before")
            await asyncio.to_thread(browser.type, "#say", "half a sentence")
        await asyncio.to_thread(browser.find, "#notices", "does not answer")
        slack.changes.sequence = 0
        slack.state["messages"] = {"C1": [said("after")]}
        async with serving(page.create(*addresses), port=free_port):
            await asyncio.to_thread(browser.find, "[data-testid=message]", "after")
            assert await asyncio.to_thread(browser.value, "#say") == "half a sentence"
            await asyncio.to_thread(browser.open, "about:blank")
            await asyncio.to_thread(browser.complaints)


async def test_a_narrow_window_shows_one_part_at_a_time(slack, auth0, address):
    def scene() -> None:
        with chromium(420, 800) as browser:
            browser.driver.set_window_size(520, 800)
            browser.open(address)
            browser.find("#say")
            browser.gone("#tenant")
            browser.click("[data-show=world]")
            browser.click("[data-testid=risky-login]")
            browser.until(lambda: len(auth0.asked) == 1)
            browser.click("[data-show=workspace]")
            browser.click("[data-channel-name=general]")
            browser.until(lambda: browser.find("#composer").get_dom_attribute("data-channel") == "C2")
            assert browser.script("return document.documentElement.scrollWidth <= innerWidth")

    await asyncio.to_thread(scene)
