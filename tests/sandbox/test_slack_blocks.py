"""Block Kit in the simulated Slack: what is accepted and refused, held against a schema made from Slack's documentation."""

import json
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

import sandbox.slack
from sandbox.server import serving
from sandbox.slack.blocks import check_home, check_message, check_modal, fill
from tests.sandbox.slack_stage import (
    Json,
    actions,
    button,
    field,
    home,
    modal,
    options,
    plain,
    section,
    text_field,
)
from tests.specs import FOLDER

SCHEMA = FOLDER / "slack" / "slack-block-kit.schema.json"
CONFIRM = {"title": plain("Sure?"), "text": plain("It ends."), "confirm": plain("Yes"), "deny": plain("No")}
PICTURE = {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "A picture"}
RICH = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "by ", "style": {"bold": True}},
                {"type": "user", "user_id": "U0ADMIN001"},
                {"type": "emoji", "name": "wave"},
                {"type": "date", "timestamp": 1, "format": "{date}", "fallback": "then"},
            ],
        },
        {
            "type": "rich_text_list",
            "style": "bullet",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]}],
        },
        {"type": "rich_text_quote", "elements": [{"type": "link", "url": "https://example.com"}]},
    ],
}
GROUPS = [{"label": plain("Some"), "options": options("a", "b")}]


def select(**more: Any) -> Json:
    return {"type": "static_select", "action_id": "a", "options": options("one", "two"), **more}


def header(text: Json, **more: Any) -> Json:
    return {"type": "header", "text": text, **more}


def context(*elements: Json) -> Json:
    return {"type": "context", "elements": list(elements)}


def table(rows: list[list[Json]]) -> Json:
    return {"type": "table", "rows": rows}


CELL = {"type": "raw_text", "text": "x"}
POINTS = [{"label": "a", "value": 1}, {"label": "b", "value": 2}]
CHART: Json = {
    "type": "data_visualization",
    "title": "Logins",
    "chart": {
        "type": "line",
        "series": [{"name": "All", "data": POINTS}],
        "axis_config": {"categories": ["a", "b"]},
    },
}

FINE: dict[str, Json] = {
    "section": section(),
    "section of 3000": section("x" * 3000),
    "section of 3000 code points": section("\N{GRINNING FACE}" * 3000),
    "fields": {"type": "section", "fields": [plain("x" * 2000)] * 10},
    "accessory": section(accessory=button()),
    "accessory picture": section(accessory=PICTURE),
    "header": header(plain("x" * 150)),
    "header level": header(plain("x"), level=4),
    "divider": {"type": "divider"},
    "context": context(plain("x"), {"type": "mrkdwn", "text": "*x*"}, PICTURE),
    "context of 10": context(*[plain("x")] * 10),
    "actions of 25": actions(*[button(f"b{n}") for n in range(25)]),
    "button": actions(button(value="v" * 2000, style="danger", confirm=CONFIRM, accessibility_label="Block")),
    "link button": actions(button(url="https://example.com/run?id=1#top")),
    "select": actions(select(initial_option=options("one")[0], placeholder=plain("Choose"))),
    "grouped select": actions({"type": "static_select", "action_id": "a", "option_groups": GROUPS}),
    "100 options": actions(select(options=options(*(f"o{n}" for n in range(100))))),
    "overflow": actions({"type": "overflow", "action_id": "a", "options": options(*"abcde")}),
    "checkboxes": actions({"type": "checkboxes", "action_id": "a", "options": options(*"abcdefghij")}),
    "radio": actions({"type": "radio_buttons", "action_id": "a", "options": options("a")}),
    "pickers": actions(
        {"type": "users_select", "action_id": "a", "initial_user": "U0ADMIN001"},
        {"type": "multi_conversations_select", "action_id": "b", "filter": {"include": ["public"]}},
        {"type": "datepicker", "action_id": "c", "initial_date": "2030-01-31"},
        {"type": "timepicker", "action_id": "d", "initial_time": "23:59"},
        {"type": "datetimepicker", "action_id": "e", "initial_date_time": 1_800_000_000},
    ),
    "picture": PICTURE | {"title": plain("Numbers"), "block_id": "p"},
    "rich text": RICH,
    "empty rich text": {"type": "rich_text", "elements": []},
    "input": text_field(max_length=3000, min_length=0, multiline=True),
    "number input": field("n", {"type": "number_input", "is_decimal_allowed": False, "min_value": "1"}),
    "hint": text_field() | {"hint": plain("Why"), "optional": True},
    "card": {"type": "card", "title": plain("x" * 150), "body": plain("x" * 200), "actions": [button()]},
    "carousel": {"type": "carousel", "elements": [{"type": "card", "title": plain("x")}] * 10},
    "container": {"type": "container", "title": plain("x"), "child_blocks": [section(), actions()]},
}

ONLY_IN_MESSAGES: dict[str, Json] = {
    "markdown": {"type": "markdown", "text": "**x**"},
    "table": table([[CELL] * 20] * 100),
    "data table": {"type": "data_table", "caption": "Numbers", "rows": [[CELL], [{"type": "raw_number", "value": 1}]]},
    "chart": CHART,
    "plan": {"type": "plan", "title": "Steps", "tasks": [{"task_id": "1", "title": "One"}]},
    "task card": {"type": "task_card", "task_id": "1", "title": "One", "status": "complete"},
    "context actions": {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "a",
                "positive_button": {"text": plain("Good"), "value": "1"},
                "negative_button": {"text": plain("Bad"), "value": "0"},
            }
        ],
    },
}

WRONG: dict[str, Json] = {
    "no type": {"text": plain("x")},
    "unknown type": {"type": "banner"},
    "unknown key": section(color="red"),
    "empty text": section(""),
    "section of 3001": section("x" * 3001),
    "section without text": {"type": "section"},
    "text as a string": {"type": "section", "text": "x"},
    "eleven fields": {"type": "section", "fields": [plain("x")] * 11},
    "field of 2001": {"type": "section", "fields": [plain("x" * 2001)]},
    "empty fields": {"type": "section", "fields": []},
    "mrkdwn header": header({"type": "mrkdwn", "text": "x"}),
    "header of 151": header(plain("x" * 151)),
    "header level 5": header(plain("x"), level=5),
    "mrkdwn with emoji": section() | {"text": {"type": "mrkdwn", "text": "x", "emoji": True}},
    "block_id of 256": section(block_id="x" * 256),
    "empty block_id": section(block_id=""),
    "empty actions": {"type": "actions", "elements": []},
    "26 actions": actions(*[button(f"b{n}") for n in range(26)]),
    "input in actions": actions({"type": "plain_text_input", "action_id": "a"}),
    "button of 76": actions(button(text="x" * 76)),
    "mrkdwn button": actions(button() | {"text": {"type": "mrkdwn", "text": "x"}}),
    "value of 2001": actions(button(value="x" * 2001)),
    "empty value": actions(button(value="")),
    "style default": actions(button(style="default")),
    "action_id of 256": actions(button("x" * 256)),
    "url of 3001": actions(button(url="https://example.com/" + "x" * 3000)),
    "label of 76": actions(button(accessibility_label="x" * 76)),
    "confirm without deny": actions(button(confirm={k: v for k, v in CONFIRM.items() if k != "deny"})),
    "confirm title of 101": actions(button(confirm=CONFIRM | {"title": plain("x" * 101)})),
    "confirm text of 301": actions(button(confirm=CONFIRM | {"text": plain("x" * 301)})),
    "confirm button of 31": actions(button(confirm=CONFIRM | {"confirm": plain("x" * 31)})),
    "no options": actions(select(options=[])),
    "101 options": actions(select(options=options(*(f"o{n}" for n in range(101))))),
    "options and groups": actions(select(option_groups=GROUPS)),
    "option text of 76": actions(select(options=[{"text": plain("x" * 76), "value": "x"}])),
    "option value of 151": actions(select(options=[{"text": plain("x"), "value": "x" * 151}])),
    "placeholder of 151": actions(select(placeholder=plain("x" * 151))),
    "six in overflow": actions({"type": "overflow", "action_id": "a", "options": options(*"abcdef")}),
    "eleven checkboxes": actions({"type": "checkboxes", "action_id": "a", "options": options(*"abcdefghijk")}),
    "wrong date": actions({"type": "datepicker", "action_id": "a", "initial_date": "31.1.2030"}),
    "wrong time": actions({"type": "timepicker", "action_id": "a", "initial_time": "24:00"}),
    "wrong user": actions({"type": "users_select", "action_id": "a", "initial_user": "admin"}),
    "empty context": {"type": "context", "elements": []},
    "eleven in context": context(*[plain("x")] * 11),
    "button in context": context(button()),
    "picture without alt_text": {"type": "image", "image_url": "https://example.com/a.png"},
    "picture twice": PICTURE | {"slack_file": {"id": "F1"}},
    "input without label": {"type": "input", "element": {"type": "plain_text_input", "action_id": "a"}},
    "mrkdwn label": text_field() | {"label": {"type": "mrkdwn", "text": "x"}},
    "label of 2001": text_field() | {"label": plain("x" * 2001)},
    "max_length 3001": text_field(max_length=3001),
    "max_length 0": text_field(max_length=0),
    "button as input": field("a", button()),
    "number without decimals": field("n", {"type": "number_input", "action_id": "a"}),
    "number as number": field("n", {"type": "number_input", "is_decimal_allowed": True, "min_value": 1}),
    "unknown leaf": {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "x"}]}]},
    "empty table": table([]),
    "table of 101": table([[CELL]] * 101),
    "row of 21": table([[CELL] * 21]),
    "markdown of 12001": {"type": "markdown", "text": "x" * 12_001},
    "empty card": {"type": "card"},
    "eleven cards": {"type": "carousel", "elements": [{"type": "card", "title": plain("x")}] * 11},
    "nested containers": {
        "type": "container",
        "title": plain("x"),
        "child_blocks": [{"type": "container", "title": plain("x"), "child_blocks": [section()]}],
    },
}

STRICTER: dict[str, Json] = {
    "alert of 201": {"type": "alert", "text": plain("x" * 201)},
    "the same action_id twice": actions(button("same"), button("same")),
    "initial option that is not offered": actions(select(initial_option=options("three")[0])),
    "shortest longer than longest": text_field(min_length=9, max_length=3),
    "chart without a point": CHART | {"chart": {**CHART["chart"], "axis_config": {"categories": ["a", "b", "c"]}}},
}


def named(samples: dict[str, Json]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", samples.values(), ids=samples.keys())


@pytest.fixture(scope="module")
def schema() -> Json:
    if not SCHEMA.exists():
        pytest.skip("the schema of Block Kit is not beside the repository")
    found: Json = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return found


@named(FINE | ONLY_IN_MESSAGES)
def test_a_message_takes_what_is_fine(block: Json) -> None:
    assert check_message([block]) == []


@named(WRONG | STRICTER)
def test_a_message_refuses_what_is_wrong_and_says_where(block: Json) -> None:
    problems = check_message([section(), block])
    assert problems
    assert all(problem.pointer.startswith("/blocks/1") for problem in problems)


@named(FINE)
def test_a_modal_takes_what_is_fine(block: Json) -> None:
    assert check_modal(modal(block)) == []


@named(ONLY_IN_MESSAGES)
def test_views_refuse_what_is_for_messages(block: Json) -> None:
    assert check_modal(modal(block))[0].message == f"unsupported type: {block['type']}"
    assert check_home(home(block))[0].pointer == "/view/blocks/0/type"


@named(WRONG)
def test_a_modal_refuses_what_is_wrong(block: Json) -> None:
    assert check_modal(modal(block))


@named(FINE | ONLY_IN_MESSAGES)
def test_the_schema_takes_what_is_fine(block: Json, schema: Json) -> None:
    Draft202012Validator(schema).validate([block])


@named(WRONG)
def test_the_schema_refuses_what_is_wrong(block: Json, schema: Json) -> None:
    assert not Draft202012Validator(schema).is_valid([block])


@named(FINE | ONLY_IN_MESSAGES)
def test_what_is_filled_in_is_still_fine(block: Json, schema: Json) -> None:
    names = (f"name-{number}" for number in range(1000))
    filled = fill([block], lambda: next(names))
    assert check_message(filled) == []
    Draft202012Validator(schema).validate(filled)


VIEWS: dict[str, Json] = {
    "title of 25": modal(title=plain("x" * 25)),
    "mrkdwn title": modal(title={"type": "mrkdwn", "text": "x"}),
    "empty title": modal(title=plain("")),
    "no title": {key: value for key, value in modal().items() if key != "title"},
    "submit of 25": modal(submit=plain("x" * 25)),
    "no submit": {key: value for key, value in modal().items() if key != "submit"},
    "no blocks": modal() | {"blocks": []},
    "101 blocks": modal(*[section()] * 101),
    "metadata of 3001": modal(private_metadata="x" * 3001),
    "metadata as an object": modal(private_metadata={}),
    "callback_id of 256": modal(callback_id="x" * 256),
    "unknown key": modal(colour="red"),
}


@named(VIEWS)
def test_a_modal_that_is_wrong_is_refused_by_both(block: Json, schema: Json) -> None:
    of_view = {**schema, "$ref": "#/$defs/modal_view"}
    for key in ("type", "items", "minItems", "maxItems"):
        of_view.pop(key)
    assert check_modal(block)
    assert not Draft202012Validator(of_view).is_valid(block)
    assert Draft202012Validator(of_view).is_valid(modal())


@pytest.mark.parametrize("key", ["title", "submit", "close"])
def test_a_home_tab_has_no_frame(key: str) -> None:
    assert check_home(home() | {key: plain("x")})[0].message == f"invalid additional property: {key}"


def test_a_message_takes_fifty_blocks_and_no_more() -> None:
    assert check_message([section()] * 50) == []
    assert check_message([section()] * 51)[0].as_text() == "no more than 50 items allowed [json-pointer:/blocks]"


def test_a_block_id_is_there_once() -> None:
    blocks = [section(block_id="same"), section(block_id="same")]
    assert check_message(blocks)[0].pointer == "/blocks/1/block_id"
    assert check_modal(modal(*blocks))[0].pointer == "/view/blocks/1/block_id"


@pytest.mark.parametrize(
    ("blocks", "count"),
    [([table([[CELL]])] * 2, 1), ([CHART] * 3, 1), ([{"type": "markdown", "text": "x" * 7_000}] * 2, 1)],
)
def test_a_message_takes_few_of_some_blocks(blocks: list[Json], count: int) -> None:
    assert len(check_message(blocks)) == count
    assert check_message(blocks[:1]) == []


def test_files_are_asked_for_in_modals_only() -> None:
    asked = field("file", {"type": "file_input", "action_id": "a"})
    assert check_modal(modal(asked)) == []
    assert check_message([asked])[0].message == "unsupported type: file_input"
    assert check_home(home(asked))[0].message == "unsupported type: file_input"


@pytest.mark.parametrize("blocks", [None, "x", {}, [None], ["x"], [[]], [{"type": []}], [{"type": None}]])
def test_nonsense_is_a_problem_and_not_a_crash(blocks: Any) -> None:
    assert check_message(blocks)
    assert check_modal({"type": "modal", "title": plain("x"), "blocks": blocks})
    assert check_modal(blocks)


async def test_blocks_can_be_checked_without_being_sent() -> None:
    workspace = sandbox.slack.create()
    async with serving(workspace.app) as address, httpx.AsyncClient(base_url=address, trust_env=False) as http:
        wrong = {"blocks": json.dumps([section() | {"text": {"type": "invalid", "text": "x"}}])}
        refused = (await http.post("/api/blocks.validate", data=wrong)).json()
        assert refused == {
            "ok": False,
            "error": "invalid_blocks",
            "errors": [
                {
                    "code": "failed_constraint",
                    "message": "unsupported type: invalid",
                    "pointer": "/0/text/type",
                    "constraint": {"type": "enum", "expected": ["plain_text", "mrkdwn"]},
                }
            ],
        }
        samples: list[Json] = [
            {"blocks": [section()]},
            {"view": home()},
            {"view": modal()},
            {"message": {"blocks": []}},
        ]
        for fine in samples:
            data = {key: json.dumps(value) for key, value in fine.items()}
            assert (await http.post("/api/blocks.validate", data=data)).json() == {"ok": True}
        both = {"blocks": "[]", "view": "{}"}
        assert (await http.post("/api/blocks.validate", data=both)).json()["error"] == "invalid_arguments"
