"""Modals in the simulated Slack: opening, filling in, submitting, and what the bot may answer."""

from collections.abc import AsyncIterator

import pytest
from starlette.responses import PlainTextResponse

from tests.sandbox.slack_stage import (
    ADMIN,
    ANALYST,
    SECURITY,
    VISITOR,
    Json,
    Slack,
    actions,
    button,
    field,
    home,
    modal,
    options,
    plain,
    section,
    slack_stage,
    text_field,
)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with slack_stage() as stage:
        yield stage


async def submit(slack: Slack, view: Json, status: int = 200, **values: object) -> Json:
    return await slack.act("submissions", status, user=ADMIN, view_id=view["id"], values=values)


async def stack(slack: Slack) -> list[str]:
    return [view["title"]["text"] for view in (await slack.look())["views"].get(ADMIN, [])]


async def test_a_form_opens_for_whoever_the_trigger_belongs_to(slack: Slack) -> None:
    view = await slack.open_form(private_metadata="kept", external_id="one")
    [shown] = (await slack.look())["views"][ADMIN]
    assert shown == view
    assert (view["private_metadata"], view["external_id"], view["callback_id"]) == ("kept", "one", "form")
    assert view["root_view_id"] == view["id"]
    assert view["previous_view_id"] is None
    assert (view["app_id"], view["bot_id"]) == ("A0SANDBOX1", "B0SANDBOX1")


async def test_a_trigger_opens_one_view(slack: Slack) -> None:
    trigger = await slack.trigger()
    assert (await slack.call("views.open", trigger_id=trigger, view=modal()))["ok"]
    assert await slack.refusal("views.open", trigger_id=trigger, view=modal()) == "exchanged_trigger_id"


async def test_a_trigger_dies_after_three_seconds(slack: Slack) -> None:
    in_time, late = await slack.trigger(), await slack.trigger()
    slack.clock.turn(3)
    assert (await slack.call("views.open", trigger_id=in_time, view=modal()))["ok"]
    slack.clock.turn(0.01)
    assert await slack.refusal("views.open", trigger_id=late, view=modal()) == "expired_trigger_id"
    assert await slack.refusal("views.open", trigger_id="1.2.3", view=modal()) == "invalid_trigger_id"
    assert await slack.refusal("views.open", view=modal()) == "invalid_arguments"


async def test_a_view_that_slack_would_refuse_is_refused_with_pointers(slack: Slack) -> None:
    view = {key: value for key, value in modal().items() if key != "submit"}
    answer = await slack.call("views.open", trigger_id=await slack.trigger(), view=view)
    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"]["messages"] == ["[ERROR] missing required field: submit [json-pointer:/view]"]
    untyped = await slack.call("views.open", trigger_id=await slack.trigger(), view={})
    assert "[ERROR] missing required field: type [json-pointer:/view]" in untyped["response_metadata"]["messages"]


async def test_a_view_of_a_quarter_megabyte_is_too_large(slack: Slack) -> None:
    fields = [field(f"f{n}", {"type": "plain_text_input", "initial_value": "x" * 3000}) for n in range(90)]
    assert await slack.refusal("views.open", trigger_id=await slack.trigger(), view=modal(*fields)) == "view_too_large"


async def test_three_views_lie_on_one_another_and_no_more(slack: Slack) -> None:
    view = await slack.open_form(actions(button("deeper")), title=plain("One"))
    for title in ("Two", "Three"):
        await slack.act("clicks", user=ADMIN, view_id=view["id"], action_id="deeper")
        content = modal(actions(button("deeper")), title=plain(title))
        answer = await slack.call("views.push", trigger_id=slack.bot.last["trigger_id"], view=content)
        assert answer["view"]["previous_view_id"] == view["id"]
        view = answer["view"]
    await slack.act("clicks", user=ADMIN, view_id=view["id"], action_id="deeper")
    trigger = slack.bot.last["trigger_id"]
    assert await slack.refusal("views.push", trigger_id=trigger, view=modal()) == "push_limit_reached"
    assert await stack(slack) == ["One", "Two", "Three"]
    await slack.act("closes", user=ADMIN, view_id=view["id"])
    assert await stack(slack) == ["One", "Two"]


async def test_a_view_is_updated_by_either_of_its_ids(slack: Slack) -> None:
    view = await slack.open_form(external_id="mine")
    content = modal(section("Loaded"), title=plain("Two"), external_id="mine")
    by_id = await slack.call("views.update", view_id=view["id"], hash=view["hash"], view=content)
    assert by_id["view"]["id"] == view["id"]
    assert by_id["view"]["hash"] != view["hash"]
    stale = {"external_id": "mine", "hash": view["hash"], "view": content}
    assert await slack.refusal("views.update", **stale) == "hash_conflict"
    by_name = await slack.call("views.update", external_id="mine", view=modal(title=plain("Three")))
    assert by_name["view"]["title"]["text"] == "Three"
    assert await slack.refusal("views.update", view_id="V0NOTTHERE", view=modal()) == "not_found"
    assert await slack.refusal("views.update", view=modal()) == "invalid_arguments"


async def test_an_external_id_names_one_view(slack: Slack) -> None:
    await slack.open_form(external_id="mine")
    again = {"trigger_id": await slack.trigger(), "view": modal(external_id="mine")}
    assert await slack.refusal("views.open", **again) == "duplicate_external_id"


async def test_what_was_typed_survives_an_update_that_keeps_the_ids(slack: Slack) -> None:
    select = {"type": "static_select", "action_id": "kind", "options": options("one", "two")}
    view = await slack.open_form(text_field(), section(block_id="kind", accessory=select))
    await slack.act(
        "clicks",
        user=ADMIN,
        view_id=view["id"],
        action_id="kind",
        selected_option="two",
        values={"reason": "because"},
    )
    assert slack.bot.last["view"]["state"]["values"]["kind"]["kind"]["selected_option"]["value"] == "two"
    content = modal(text_field(), section("New", block_id="kind", accessory=select), text_field("other"))
    updated = await slack.call("views.update", view_id=view["id"], view=content)
    values = updated["view"]["state"]["values"]
    assert values["reason"]["typed"]["value"] == "because"
    assert values["kind"]["kind"]["selected_option"]["value"] == "two"
    assert values["other"]["typed"]["value"] is None


async def test_a_submission_is_sent_with_every_field(slack: Slack) -> None:
    fields: list[Json] = [
        text_field("text", initial_value="before"),
        field("number", {"type": "number_input", "action_id": "a", "is_decimal_allowed": False}),
        field("select", {"type": "static_select", "action_id": "a", "options": options("low", "high")}),
        field("boxes", {"type": "checkboxes", "action_id": "a", "options": options("x", "y", "z")}),
        field("radio", {"type": "radio_buttons", "action_id": "a", "options": options("on", "off")}),
        field("channel", {"type": "conversations_select", "action_id": "a"}),
        field("people", {"type": "multi_users_select", "action_id": "a"}),
        field("date", {"type": "datepicker", "action_id": "a"}),
        field("moment", {"type": "datetimepicker", "action_id": "a"}),
        field("empty", {"type": "plain_text_input", "action_id": "a"}, optional=True),
    ]
    view = await slack.open_form(*fields, private_metadata="kept")
    done = await submit(
        slack,
        view,
        number="12",
        select="high",
        boxes=["x", "z"],
        radio="on",
        channel=SECURITY,
        people=[ADMIN, ANALYST],
        date="2030-01-31",
        moment=1_800_000_000,
    )
    assert (done["status"], done["response_action"]) == (200, None)
    sent = slack.bot.last
    assert (sent["type"], sent["view"]["id"], sent["view"]["private_metadata"]) == (
        "view_submission",
        view["id"],
        "kept",
    )
    values = {block: next(iter(states.values())) for block, states in sent["view"]["state"]["values"].items()}
    high = {"text": {**plain("High"), "emoji": True}, "value": "high"}
    assert values["text"] == {"type": "plain_text_input", "value": "before"}
    assert values["number"] == {"type": "number_input", "value": "12"}
    assert values["select"] == {"type": "static_select", "selected_option": high}
    assert [option["value"] for option in values["boxes"]["selected_options"]] == ["x", "z"]
    assert values["radio"]["selected_option"]["value"] == "on"
    assert values["channel"] == {"type": "conversations_select", "selected_conversation": SECURITY}
    assert values["people"] == {"type": "multi_users_select", "selected_users": [ADMIN, ANALYST]}
    assert values["date"] == {"type": "datepicker", "selected_date": "2030-01-31"}
    assert values["moment"] == {"type": "datetimepicker", "selected_date_time": 1_800_000_000}
    assert values["empty"] == {"type": "plain_text_input", "value": None}
    assert await stack(slack) == []


@pytest.mark.parametrize(
    ("element", "value", "error"),
    [
        ({"type": "plain_text_input"}, "", "Please complete this required field."),
        ({"type": "plain_text_input", "min_length": 3}, "ab", "Please enter at least 3 characters."),
        ({"type": "plain_text_input", "max_length": 3}, "abcd", "Please enter at most 3 characters."),
        ({"type": "number_input", "is_decimal_allowed": False}, "1.5", "Please enter a whole number."),
        ({"type": "number_input", "is_decimal_allowed": True}, "many", "Please enter a number."),
        (
            {"type": "number_input", "is_decimal_allowed": False, "min_value": "1"},
            "0",
            "Please enter a number of at least 1.",
        ),
        (
            {"type": "number_input", "is_decimal_allowed": False, "max_value": "9"},
            "10",
            "Please enter a number of at most 9.",
        ),
        ({"type": "email_text_input"}, "nobody", "Please enter a valid email address."),
        ({"type": "url_text_input"}, "nowhere", "Please enter a valid URL."),
        ({"type": "multi_users_select", "max_selected_items": 1}, [ADMIN, ANALYST], "Please choose at most 1."),
    ],
)
async def test_slacks_client_sends_nothing_that_is_not_filled_in(
    slack: Slack, element: Json, value: object, error: str
) -> None:
    view = await slack.open_form(field("it", {**element, "action_id": "a"}))
    sent_before = len(slack.bot.seen)
    done = await submit(slack, view, it=value)
    assert (done["errors"], done["by"]) == ({"it": error}, "slack")
    assert len(slack.bot.seen) == sent_before
    assert await stack(slack) == ["Settings"]


async def test_errors_of_the_bot_are_shown_at_their_fields(slack: Slack) -> None:
    view = await slack.open_form(text_field())
    slack.bot.says({"response_action": "errors", "errors": {"reason": "Say more"}})
    done = await submit(slack, view, reason="x")
    assert (done["errors"], done["by"], done["response_action"]) == ({"reason": "Say more"}, "app", "errors")
    assert await stack(slack) == ["Settings"]
    slack.bot.answer = PlainTextResponse("")
    await submit(slack, view)
    assert slack.bot.last["view"]["state"]["values"]["reason"]["typed"]["value"] == "x"


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"note": "not an input"}},
        {"response_action": "errors", "errors": {"nowhere": "no such block"}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "errors"},
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "push"},
        {"response_action": "explode"},
        ["not an object"],
    ],
)
async def test_an_answer_that_makes_no_sense_leaves_the_form_in_trouble(slack: Slack, answer: Json) -> None:
    view = await slack.open_form(text_field(), section(block_id="note"))
    slack.bot.says(answer)
    done = await submit(slack, view, reason="x")
    assert done["shown"] == ["We had some trouble connecting. Try again?"]
    assert await stack(slack) == ["Settings"]


async def test_a_bot_that_fails_leaves_the_form_in_trouble(slack: Slack) -> None:
    view = await slack.open_form(text_field())
    slack.bot.answer = PlainTextResponse("", status_code=500)
    done = await submit(slack, view, reason="x")
    assert (done["status"], done["shown"]) == (500, ["We had some trouble connecting. Try again?"])
    assert await stack(slack) == ["Settings"]


async def test_the_bot_can_answer_with_another_form(slack: Slack) -> None:
    view = await slack.open_form(text_field(), title=plain("One"))
    slack.bot.says({"response_action": "push", "view": modal(title=plain("Two"))})
    await submit(slack, view, reason="x")
    assert await stack(slack) == ["One", "Two"]
    slack.bot.says({"response_action": "update", "view": modal(title=plain("Three"))})
    top = (await slack.look())["views"][ADMIN][-1]
    await submit(slack, top, reason="x")
    assert await stack(slack) == ["One", "Three"]
    slack.bot.says({"response_action": "clear"})
    await submit(slack, (await slack.look())["views"][ADMIN][-1], reason="x")
    assert await stack(slack) == []


async def test_an_empty_answer_closes_the_top_form(slack: Slack) -> None:
    view = await slack.open_form(text_field(), title=plain("One"))
    slack.bot.says({"response_action": "push", "view": modal(title=plain("Two"))})
    await submit(slack, view, reason="x")
    slack.bot.answer = PlainTextResponse("")
    await submit(slack, (await slack.look())["views"][ADMIN][-1], reason="x")
    assert await stack(slack) == ["One"]


@pytest.mark.parametrize(("asked", "kinds"), [(True, ["view_closed"]), (False, [])])
async def test_the_bot_is_told_of_a_closed_form_if_it_asked(slack: Slack, asked: bool, kinds: list[str]) -> None:
    view = await slack.open_form(text_field(), notify_on_close=asked)
    slack.bot.seen.clear()
    await slack.act("closes", user=ADMIN, view_id=view["id"])
    assert [sent["type"] for sent, _, _ in slack.bot.seen] == kinds
    assert await stack(slack) == []


async def test_a_form_can_close_everything_with_it(slack: Slack) -> None:
    view = await slack.open_form(text_field(), notify_on_close=True)
    slack.bot.says({"response_action": "push", "view": modal(clear_on_close=True, notify_on_close=True)})
    await submit(slack, view, reason="x")
    slack.bot.answer = PlainTextResponse("")
    slack.bot.seen.clear()
    top = (await slack.look())["views"][ADMIN][-1]
    await slack.act("closes", user=ADMIN, view_id=top["id"])
    assert [sent["view"]["id"] for sent, _, _ in slack.bot.seen] == [top["id"], view["id"]]
    assert [sent["is_cleared"] for sent, _, _ in slack.bot.seen] == [True, True]


async def test_nobody_submits_what_is_not_before_them(slack: Slack) -> None:
    view = await slack.open_form(text_field())
    stranger = {"user": VISITOR, "view_id": view["id"], "values": {}}
    assert (await slack.act("submissions", 404, **stranger))["error"] == "view_not_found"
    assert (await submit(slack, view, 400, nowhere="x"))["error"] == "no_such_field"
    await slack.act("closes", user=ADMIN, view_id=view["id"])
    assert (await submit(slack, view, 404, reason="x"))["error"] == "view_not_found"
    assert await slack.refusal("views.update", view_id=view["id"], view=modal()) == "not_found"


async def test_a_conversation_that_was_chosen_can_get_an_answer(slack: Slack) -> None:
    picker = {"type": "conversations_select", "action_id": "where", "response_url_enabled": True}
    view = await slack.open_form(field("where", picker))
    await submit(slack, view, where=SECURITY)
    [given] = slack.bot.last["response_urls"]
    assert (given["channel_id"], given["block_id"], given["action_id"]) == (SECURITY, "where", "where")
    await slack.http.post(given["response_url"], json={"text": "Saved", "response_type": "in_channel"})
    assert [m["text"] for m in (await slack.look())["messages"][SECURITY]] == ["Saved"]


async def test_options_can_come_from_the_bot(slack: Slack) -> None:
    view = await slack.open_form(
        field("who", {"type": "external_select", "action_id": "who", "min_query_length": 1}),
        field("what", {"type": "plain_text_input", "action_id": "what", "initial_value": "ticket"}),
    )
    slack.bot.says({"options": options("customer-1")})
    found = await slack.act("suggestions", user=ADMIN, view_id=view["id"], action_id="who", value="cust")
    assert (slack.bot.last["type"], slack.bot.last["value"]) == ("block_suggestion", "cust")
    # Slack does not tell what stands elsewhere in the form while somebody types into a menu.
    assert slack.bot.last["view"]["state"] == {"values": {}}
    slack.bot.answer = PlainTextResponse("")
    await submit(slack, view, who=found["options"][0])
    state = slack.bot.last["view"]["state"]["values"]["who"]["who"]
    assert state["selected_option"]["value"] == "customer-1"


async def test_only_what_the_bot_offers_can_be_chosen_and_only_what_slack_can_show_is_offered(slack: Slack) -> None:
    view = await slack.open_form(field("who", {"type": "external_select", "action_id": "who"}))
    asked = {"user": ADMIN, "view_id": view["id"], "action_id": "who"}
    assert (await slack.act("suggestions", 400, **asked, value="cu"))["error"] == "too_short"
    too_many: Json = {"options": options(*map(str, range(101)))}
    for wrong in (too_many, {"options": [{"value": "a"}]}, {}):
        slack.bot.says(wrong)
        found = await slack.act("suggestions", **asked, value="cust")
        assert (found["options"], found["shown"]) == ([], ["We had some trouble connecting. Try again?"])
    slack.bot.says({"options": []})
    assert (await slack.act("suggestions", **asked, value="cust"))["options"] == []
    refused = await submit(slack, view, 400, who=options("customer-1")[0])
    assert refused["error"] == "no_such_option"


async def test_a_home_tab_is_published_anew_only_with_the_right_hash(slack: Slack) -> None:
    first = (await slack.call("views.publish", user_id=ADMIN, view=home()))["view"]
    second = await slack.call("views.publish", user_id=ADMIN, view=home(section("New")), hash=first["hash"])
    assert second["view"]["id"] == first["id"]
    stale = {"user_id": ADMIN, "view": home(), "hash": first["hash"]}
    assert await slack.refusal("views.publish", **stale) == "hash_conflict"
    assert await slack.refusal("views.publish", user_id="U0NOBODY01", view=home()) == "invalid_arguments"
    assert await slack.refusal("views.publish", user_id=ADMIN, view=modal()) == "invalid_arguments"
