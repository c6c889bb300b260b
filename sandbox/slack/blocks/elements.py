"""The things in blocks that people press, choose and fill in."""

from collections.abc import Iterator
from typing import Any

from sandbox.slack.blocks.pieces import (
    CHANNEL,
    CONFIRM,
    DISPATCH,
    FILTER,
    LINK_OPTION,
    LONG_URL,
    NAME,
    OPTION,
    OPTION_GROUP,
    PLACEHOLDER,
    RICH_OPTION,
    SLACK_FILE,
    STYLE,
    USER,
    WORKFLOW,
    plain_text,
    same_type,
)
from sandbox.slack.blocks.rich_text import RICH_TEXT
from sandbox.slack.blocks.shapes import Choice, Flag, Items, Number, Problem, Record, Shape, String, one_of, problem

_LABEL = String(least=1, most=75)
_VALUE = String(least=1, most=2000)
_DECIMAL = String(pattern=r"-?[0-9]+(\.[0-9]+)?", about="a number written as a string")
_DATE = String(pattern="[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", about="a date like 2030-01-31")
_TIME = String(pattern="([01][0-9]|2[0-3]):[0-5][0-9]", about="a time like 23:59")


def _element(
    name: str, required: dict[str, Shape] | None = None, optional: dict[str, Shape] | None = None, *rules: Any
) -> Record:
    return Record({**same_type(name), **(required or {})}, {"action_id": NAME, **(optional or {})}, *rules)


def _chooser(name: str, optional: dict[str, Shape], *rules: Any) -> Record:
    """Make a select menu or a picker: all have these fields in common."""
    common: dict[str, Shape] = {"confirm": CONFIRM, "focus_on_load": Flag(), "placeholder": PLACEHOLDER}
    return _element(name, {}, {**common, **optional}, *rules)


def _typed(name: str, optional: dict[str, Shape], required: dict[str, Shape] | None = None, *rules: Any) -> Record:
    """Make a field that people type into."""
    common: dict[str, Shape] = {"dispatch_action_config": DISPATCH, "focus_on_load": Flag(), "placeholder": PLACEHOLDER}
    return _element(name, required, {**common, **optional}, *rules)


def _told_apart(option: Any) -> tuple[Any, Any]:
    """Give what Slack tells options apart by."""
    if not isinstance(option, dict):
        return None, None
    shown = option.get("text")
    return option.get("value"), shown.get("text") if isinstance(shown, dict) else None


def _among_options(value: dict[str, Any], at: str) -> Iterator[Problem]:
    """Require what is chosen in the beginning to be one of the options."""
    options = list(value.get("options") or [])
    for group in value.get("option_groups") or []:
        options += group.get("options") or [] if isinstance(group, dict) else []
    offered = [_told_apart(each) for each in options]
    if "initial_option" in value and _told_apart(value["initial_option"]) not in offered:
        yield problem("initial_option must match one of the options", f"{at}/initial_option", type="option")
    chosen = value.get("initial_options")
    for place, each in enumerate(chosen if isinstance(chosen, list) else []):
        if _told_apart(each) not in offered:
            yield problem("initial_options must match the options", f"{at}/initial_options/{place}", type="option")


def _ordered(low: str, high: str) -> Any:
    def rule(value: dict[str, Any], at: str) -> Iterator[Problem]:
        try:
            wrong = float(value[low]) > float(value[high])
        except (KeyError, TypeError, ValueError):
            return
        if wrong:
            yield problem(f"{low} must not be greater than {high}", f"{at}/{low}", type="order")

    return rule


_STATIC: dict[str, Shape] = {"options": Items(OPTION, 1, 100), "option_groups": Items(OPTION_GROUP, 1, 100)}
_MANY: dict[str, Shape] = {"max_selected_items": Number(least=1)}
_EITHER = one_of("options", "option_groups")

BUTTON = _element(
    "button",
    {"text": plain_text(75)},
    {"url": LONG_URL, "value": _VALUE, "style": STYLE, "confirm": CONFIRM, "accessibility_label": _LABEL},
)

SELECTS: dict[str, Shape] = {
    "static_select": _chooser("static_select", {**_STATIC, "initial_option": OPTION}, _EITHER, _among_options),
    "external_select": _chooser("external_select", {"initial_option": OPTION, "min_query_length": Number(least=0)}),
    "users_select": _chooser("users_select", {"initial_user": USER}),
    "conversations_select": _chooser(
        "conversations_select",
        {
            "initial_conversation": String(least=1),
            "default_to_current_conversation": Flag(),
            "response_url_enabled": Flag(),
            "filter": FILTER,
        },
    ),
    "channels_select": _chooser("channels_select", {"initial_channel": CHANNEL, "response_url_enabled": Flag()}),
    "multi_static_select": _chooser(
        "multi_static_select", {**_STATIC, **_MANY, "initial_options": Items(OPTION, 1)}, _EITHER, _among_options
    ),
    "multi_external_select": _chooser(
        "multi_external_select", {**_MANY, "initial_options": Items(OPTION, 1), "min_query_length": Number(least=0)}
    ),
    "multi_users_select": _chooser("multi_users_select", {**_MANY, "initial_users": Items(USER, 1)}),
    "multi_conversations_select": _chooser(
        "multi_conversations_select",
        {
            **_MANY,
            "initial_conversations": Items(String(least=1), 1),
            "default_to_current_conversation": Flag(),
            "filter": FILTER,
        },
    ),
    "multi_channels_select": _chooser("multi_channels_select", {**_MANY, "initial_channels": Items(CHANNEL, 1)}),
}

_BOXES: dict[str, Shape] = {"confirm": CONFIRM, "focus_on_load": Flag()}

CHOICES: dict[str, Shape] = {
    "checkboxes": _element(
        "checkboxes",
        {"options": Items(RICH_OPTION, 1, 10)},
        {**_BOXES, "initial_options": Items(RICH_OPTION, 1)},
        _among_options,
    ),
    "radio_buttons": _element(
        "radio_buttons",
        {"options": Items(RICH_OPTION, 1, 10)},
        {**_BOXES, "initial_option": RICH_OPTION},
        _among_options,
    ),
}

DATES: dict[str, Shape] = {
    "datepicker": _chooser("datepicker", {"initial_date": _DATE}),
    "timepicker": _chooser("timepicker", {"initial_time": _TIME, "timezone": String(least=1)}),
}

DATETIME: dict[str, Shape] = {
    "datetimepicker": _element(
        "datetimepicker", {}, {**_BOXES, "initial_date_time": Number(least=1_000_000_000, most=9_999_999_999)}
    )
}

PRESSED: dict[str, Shape] = {
    "button": BUTTON,
    "overflow": _element("overflow", {"options": Items(LINK_OPTION, 1, 5)}, {"confirm": CONFIRM}),
    "workflow_button": Record(
        {**same_type("workflow_button"), "text": plain_text(75), "workflow": WORKFLOW, "action_id": NAME},
        {"style": STYLE, "accessibility_label": _LABEL},
    ),
}

FIELDS: dict[str, Shape] = {
    "plain_text_input": _typed(
        "plain_text_input",
        {
            "initial_value": String(most=3000),
            "multiline": Flag(),
            "min_length": Number(least=0, most=3000),
            "max_length": Number(least=1, most=3000),
        },
        {},
        _ordered("min_length", "max_length"),
    ),
    "email_text_input": _typed("email_text_input", {"initial_value": String()}),
    "url_text_input": _typed("url_text_input", {"initial_value": String()}),
    "number_input": _typed(
        "number_input",
        {"initial_value": _DECIMAL, "min_value": _DECIMAL, "max_value": _DECIMAL},
        {"is_decimal_allowed": Flag()},
        _ordered("min_value", "max_value"),
    ),
    "rich_text_input": _typed("rich_text_input", {"initial_value": RICH_TEXT}),
}

FILES: dict[str, Shape] = {
    "file_input": _element(
        "file_input", {}, {"filetypes": Items(String(least=1), 1), "max_files": Number(least=1, most=10)}
    )
}

IMAGE: dict[str, Shape] = {
    "image": Record(
        {**same_type("image"), "alt_text": String(least=1, most=2000)},
        {"image_url": LONG_URL, "slack_file": SLACK_FILE},
        one_of("image_url", "slack_file"),
    )
}

_FEEDBACK = Record({"text": plain_text(75), "value": _VALUE}, {"accessibility_label": _LABEL})

FEEDBACK: dict[str, Shape] = {
    "feedback_buttons": _element("feedback_buttons", {"positive_button": _FEEDBACK, "negative_button": _FEEDBACK}),
    "icon_button": _element(
        "icon_button",
        {"icon": Choice("trash"), "text": plain_text(75)},
        {
            "value": _VALUE,
            "confirm": CONFIRM,
            "accessibility_label": _LABEL,
            "visible_to_user_ids": Items(USER, 0, 10),
        },
    ),
}
