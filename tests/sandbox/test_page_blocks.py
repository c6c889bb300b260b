"""The page's blocks: each kind of Block Kit drawn, hooks for the script in place, and nothing unescaped."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.page import templating
from sandbox.page.moments import Moments
from sandbox.page.names import Names, Offers
from tests.sandbox.page_doubles import ALERT, FORM, mrkdwn, option, plain

NAMES = Names(users={"U1": "Admin", "U2": "Analyst"}, channels={"C1": "security"})
MOMENTS = Moments(zone=UTC, now=datetime(2023, 11, 14, tzinfo=UTC))
OFFERS = Offers(
    people=(("U1", "Admin"), ("U2", "Analyst")), channels=(("C1", "#security"),), conversations=(("C1", "#security"),)
)
HOSTILE = "<!channel> & <script>alert(1)</script>\"'"


def draw(*blocks: dict[str, Any]) -> str:
    """Draw blocks, with every run of white space as one space."""
    html = templating.blocks(list(blocks), NAMES, MOMENTS, OFFERS)
    return re.sub(r">\s+<", "><", re.sub(r"\s+", " ", html))


def actions(*elements: dict[str, Any]) -> str:
    return draw({"type": "actions", "block_id": "b", "elements": list(elements)})


def field(element: dict[str, Any], **more: Any) -> str:
    return draw({"type": "input", "block_id": "b", "label": plain("Label"), "element": element, **more})


def test_a_header_and_plain_text_are_shown_as_they_are():
    assert ">*Risky* &lt;b&gt; 🚨<" in draw({"type": "header", "text": plain("*Risky* <b> :rotating_light:")})
    assert ":rotating_light:" in draw({"type": "header", "text": {**plain(":rotating_light:"), "emoji": False}})


def test_a_section_has_text_fields_and_an_accessory():
    shown = draw(
        {
            "type": "section",
            "block_id": "b",
            "text": mrkdwn("*text*"),
            "fields": [mrkdwn("_one_"), plain("_two_")],
            "accessory": {"type": "button", "action_id": "a", "text": plain("Press")},
        }
    )
    assert "<strong>text</strong>" in shown
    assert "<em>one</em>" in shown
    assert "_two_" in shown
    assert 'data-action-id="a" data-block-id="b" data-type="button"' in shown


def test_context_has_texts_and_pictures_and_a_divider_is_a_line():
    picture = {"type": "image", "image_url": "http://127.0.0.1:8701/x.png", "alt_text": "A face"}
    shown = draw({"type": "context", "elements": [picture, mrkdwn("*by* <@U1>")]}, {"type": "divider"})
    assert '<img class="icon" src="http://127.0.0.1:8701/x.png" alt="A face">' in shown
    assert "<strong>by</strong>" in shown
    assert '<hr class="block">' in shown


def test_a_picture_from_outside_is_not_fetched_but_described():
    shown = draw(
        {"type": "image", "image_url": "https://example.com/x.png", "alt_text": "A chart", "title": plain("T")}
    )
    assert "<img" not in shown
    assert 'aria-label="A chart"' in shown
    assert "<figcaption>T</figcaption>" in shown


def test_a_button_has_its_style_and_asks_first():
    confirm = {"title": plain("Sure?"), "text": mrkdwn("*really* <b>"), "confirm": plain("Yes"), "deny": plain("No")}
    shown = actions({"type": "button", "action_id": "a", "text": plain("Block"), "style": "danger", "confirm": confirm})
    assert 'class="button danger"' in shown
    assert 'data-title="Sure?" data-confirm="Yes" data-deny="No"' in shown
    assert "<strong>really</strong> &lt;b&gt;" in shown


def test_a_style_that_slack_does_not_know_is_left_out():
    shown = actions({"type": "button", "action_id": "a", "text": plain("x"), "style": 'x" onclick="alert(1)'})
    assert "onclick" not in shown


def test_a_button_with_a_script_address_leads_nowhere():
    shown = actions({"type": "button", "action_id": "a", "text": plain("x"), "url": "javascript:alert(1)"})
    assert "javascript" not in shown
    assert 'href="#"' in shown


def test_an_overflow_menu_lists_its_options():
    shown = actions({"type": "overflow", "action_id": "a", "options": [option("d", "Details"), option("h", "<b>")]})
    assert 'data-option="d"' in shown
    assert "Details" in shown
    assert "&lt;b&gt;" in shown


def test_a_select_starts_with_its_placeholder_or_with_its_choice():
    options = [option("x", "The x"), option("y", "The y")]
    empty = actions({"type": "static_select", "action_id": "a", "placeholder": plain("Pick"), "options": options})
    assert '<option value="">Pick</option>' in empty
    chosen = field({"type": "static_select", "action_id": "a", "options": options, "initial_option": options[1]})
    assert '<option value="y" selected>The y</option>' in chosen


def test_a_select_has_groups():
    groups = [{"label": plain("Group"), "options": [option("x", "The x")]}]
    assert '<optgroup label="Group">' in actions({"type": "static_select", "action_id": "a", "option_groups": groups})


@pytest.mark.parametrize(
    ("kind", "start", "value", "words"),
    [
        ("users_select", "initial_user", "U2", "Analyst"),
        ("channels_select", "initial_channel", "C1", "#security"),
        ("conversations_select", "initial_conversation", "C1", "#security"),
    ],
)
def test_people_and_channels_are_chosen_by_name(kind, start, value, words):
    shown = field({"type": kind, "action_id": "a", start: value})
    assert f'<option value="{value}" selected>{words}</option>' in shown


def test_a_list_of_many_shows_what_is_chosen():
    options = [option("x", "The x"), option("y", "The y")]
    shown = field({"type": "multi_static_select", "action_id": "a", "options": options, "initial_options": options[:1]})
    assert '<input type="checkbox" value="x" checked>' in shown
    assert '<input type="checkbox" value="y" >' in shown
    assert re.search(r'class="picked"[^>]*>The x<', shown)


def test_people_can_be_chosen_many_at_once():
    shown = field({"type": "multi_users_select", "action_id": "a", "initial_users": ["U1"]})
    assert '<input type="checkbox" value="U1" checked><span>Admin</span>' in shown


@pytest.mark.parametrize(("kind", "control"), [("checkboxes", "checkbox"), ("radio_buttons", "radio")])
def test_ticks_have_texts_and_descriptions(kind, control):
    options = [{**option("x", "The x"), "text": mrkdwn("*x*"), "description": plain("more")}, option("y", "The y")]
    start = {"initial_options": options[:1]} if kind == "checkboxes" else {"initial_option": options[0]}
    shown = field({"type": kind, "action_id": "a", "options": options, **start})
    assert re.search(rf'<input type="{control}" name="[^"]+" value="x" id="[^"]+" checked>', shown)
    assert "<strong>x</strong><small>more</small>" in shown


@pytest.mark.parametrize(
    ("element", "control"),
    [
        ({"type": "plain_text_input", "initial_value": "v", "max_length": 9}, 'type="text"'),
        ({"type": "number_input", "initial_value": "3", "is_decimal_allowed": True}, 'type="number"'),
        ({"type": "email_text_input", "initial_value": "a@example.com"}, 'type="email"'),
        ({"type": "url_text_input"}, 'type="url"'),
        ({"type": "datepicker", "initial_date": "2023-11-14"}, 'value="2023-11-14"'),
        ({"type": "timepicker", "initial_time": "22:13"}, 'value="22:13"'),
        ({"type": "datetimepicker", "initial_date_time": 1_700_000_000}, 'value="2023-11-14T22:13"'),
        (
            {"type": "plain_text_input", "multiline": True, "initial_value": "</textarea><b>"},
            "&lt;/textarea&gt;&lt;b&gt;",
        ),
    ],
)
def test_each_kind_of_input_is_the_browsers_own_with_its_first_value(element, control):
    assert control in field({"action_id": "a", **element})


def test_a_field_has_a_label_a_hint_and_room_for_an_error():
    shown = field({"type": "plain_text_input", "action_id": "a"}, hint=plain("A hint"), optional=True)
    assert 'data-field data-block-id="b"' in shown
    where = re.search(r'<label for="([^"]+)">Label', shown)
    assert where
    assert f'<input id="{where[1]}"' in shown
    assert "(optional)" in shown
    assert "A hint" in shown
    assert "data-error" in shown


def test_rich_text_tables_and_banners_are_drawn():
    rich = {
        "type": "rich_text",
        "elements": [{"type": "rich_text_quote", "elements": [{"type": "text", "text": "<b>"}]}],
    }
    cells = [[{"type": "raw_text", "text": "Head"}], [{"type": "raw_number", "value": 3}]]
    shown = draw(
        rich, {"type": "table", "rows": cells}, {"type": "alert", "level": "warning", "text": mrkdwn("*mind*")}
    )
    assert "<blockquote>&lt;b&gt;</blockquote>" in shown
    assert '<th scope="col">Head</th>' in shown
    assert "<td>3</td>" in shown
    assert 'class="block alert warning"' in shown


def test_a_kind_of_block_that_is_not_drawn_shows_its_words():
    shown = draw({"type": "brand_new", "title": plain("A title"), "inside": [{"body": mrkdwn("*a body*")}]})
    assert "brand_new" in shown
    assert "A title" in shown
    assert "a body" in shown


HOSTILE_BLOCKS: list[dict[str, Any]] = [
    {"type": "header", "text": plain(HOSTILE)},
    {"type": "section", "text": plain(HOSTILE), "fields": [plain(HOSTILE)]},
    {"type": "section", "text": mrkdwn(HOSTILE)},
    {"type": "context", "elements": [plain(HOSTILE)]},
    {"type": "image", "image_url": HOSTILE, "alt_text": HOSTILE, "title": plain(HOSTILE)},
    {"type": "image", "image_url": f"http://127.0.0.1/{HOSTILE}", "alt_text": HOSTILE},
    {"type": HOSTILE, "text": HOSTILE},
    {"type": "markdown", "text": HOSTILE},
    {"type": "input", "block_id": HOSTILE, "label": plain(HOSTILE), "hint": plain(HOSTILE), "element": {"type": "plain_text_input", "action_id": HOSTILE, "initial_value": HOSTILE, "placeholder": plain(HOSTILE)}},
    {"type": "actions", "block_id": HOSTILE, "elements": [
        {"type": "button", "action_id": HOSTILE, "value": HOSTILE, "text": plain(HOSTILE), "accessibility_label": HOSTILE, "confirm": {"title": plain(HOSTILE), "text": plain(HOSTILE), "confirm": plain(HOSTILE), "deny": plain(HOSTILE)}},
        {"type": "static_select", "action_id": HOSTILE, "placeholder": plain(HOSTILE), "options": [option(HOSTILE, HOSTILE)]},
        {"type": "multi_static_select", "action_id": HOSTILE, "options": [option(HOSTILE, HOSTILE)]},
        {"type": "radio_buttons", "action_id": HOSTILE, "options": [option(HOSTILE, HOSTILE)]},
        {"type": "overflow", "action_id": HOSTILE, "options": [option(HOSTILE, HOSTILE)]},
        {"type": HOSTILE, "action_id": HOSTILE},
    ]},
]  # fmt: skip


@pytest.mark.parametrize("block", HOSTILE_BLOCKS, ids=lambda block: block["type"][:8])
def test_hostile_text_is_text_wherever_it_stands(block):
    shown = draw(block)
    assert "script" in shown
    assert "<script" not in shown
    assert not re.search(r'="[^"]*<!channel', shown)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "section"},
        {"type": "actions"},
        {"type": "context"},
        {"type": "image"},
        {"type": "input", "label": plain("x")},
        {"type": "input", "label": plain("x"), "element": {"type": "static_select"}},
        {"type": "rich_text"},
        {"type": "table"},
        {"type": "container"},
        {},
    ],
)
def test_a_block_with_parts_missing_does_not_break_the_page(block):
    assert draw(block)


def test_an_alert_and_a_form_are_drawn_whole():
    assert draw(*ALERT).count('class="button') == 2
    assert draw(*FORM["blocks"]).count("data-field") == 5
