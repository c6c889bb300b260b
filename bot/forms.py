"""Forms: a template's settings as a Slack form, and what was filled in as settings."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, assert_never

from pydantic import ValidationError

from bot import words
from bot.commands import COMMAND
from flows import durations
from flows.fields import (
    AnyField,
    ChannelField,
    ChoiceField,
    ChoicesField,
    ConnectionField,
    DurationField,
    Fields,
    NumberField,
    TextField,
    YesNoField,
    may_be_empty,
    model_of,
)
from flows.language import Template

SETTINGS: Final = "settings"
START: Final = "start"
"""The names of the forms, by which their submissions are recognised."""
FIELD: Final = "value"


def name_of(flow: str) -> str:
    """Return a flow's name as a form's title, which has little room: high-risk-login is ``High risk login``."""
    return flow.replace("-", " ").capitalize()


def loading(title: str) -> dict[str, Any]:
    """Return what is shown while a form is being made: the way to open one lasts three seconds."""
    return _view(title, [words.section("One moment …")])


def notice(title: str, text: str) -> dict[str, Any]:
    """Return a view that only says something."""
    return _view(title, words.pages(text.split("\n"), 90))


def settings_form(
    name: str,
    template: Template,
    *,
    current: Mapping[str, Any],
    connections: Mapping[str, Sequence[str]],
    channel: str,
    enabled: bool,
) -> dict[str, Any]:
    """Return the form of a flow's settings, filled with what is set now, or else with sensible defaults.

    `connections` holds the names of the connections by connector; `channel` is where the form was asked for.
    """
    return {
        **_view(name_of(name), [_about(template), *_inputs(template.settings, current, connections, channel)]),
        "callback_id": SETTINGS,
        "submit": words.plain("Save" if enabled else "Save and enable", 24),
        "private_metadata": json.dumps({"flow": name, "channel": channel}),
    }


def start_form(
    name: str, template: Template, fields: Fields, *, connections: Mapping[str, Sequence[str]], channel: str
) -> dict[str, Any]:
    """Return the form that starts a flow by hand."""
    return {
        **_view(name_of(name), [_about(template), *_inputs(fields, {}, connections, channel)]),
        "callback_id": START,
        "submit": words.plain("Start", 24),
        "private_metadata": json.dumps({"flow": name}),
    }


def _about(template: Template) -> dict[str, Any]:
    return words.section(words.escape(template.about, 2000))


def _inputs(
    fields: Fields, current: Mapping[str, Any], connections: Mapping[str, Sequence[str]], channel: str
) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for name, setting in fields.items():
        if isinstance(setting, ConnectionField) and not connections.get(setting.connection):
            blocks.append(_nothing_to_choose(setting))
            continue
        element = _element(setting, current.get(name), connections, channel)
        block: dict[str, Any] = {
            "type": "input",
            "block_id": name,
            "label": words.plain(setting.title, 75),
            "element": {**element, "action_id": FIELD},
            "optional": may_be_empty(setting),
        }
        if setting.hint:
            block["hint"] = words.plain(setting.hint, 150)
        blocks.append(block)
    return blocks


def _nothing_to_choose(setting: ConnectionField) -> dict[str, Any]:
    """Return what stands in place of a field that may be left empty, and has to be."""
    connect = f"To choose one, make it with `{COMMAND} connect {words.escape(setting.connection)}`."
    return words.context(f"*{words.escape(setting.title)}*: there is none yet. {connect}")


def missing_connection(fields: Fields, connections: Mapping[str, Sequence[str]]) -> str | None:
    """Return the first connector that some fields need and nobody has connected."""
    needed = (
        setting.connection
        for setting in fields.values()
        if isinstance(setting, ConnectionField) and not setting.optional
    )
    return next((connector for connector in needed if not connections.get(connector)), None)


def filled_in(
    fields: Fields, values: Mapping[str, Mapping[str, Any]], connections: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what was filled in, and what is wrong with which field."""
    raw = {name: _value(setting, (values.get(name) or {}).get(FIELD) or {}) for name, setting in fields.items()}
    wrong: dict[str, str] = {}
    try:
        settings = model_of(fields).model_validate(raw).model_dump(mode="json")
    except ValidationError as error:
        settings = {}
        for found in error.errors(include_url=False, include_context=False, include_input=False):
            message = found["msg"].removeprefix("Value error, ")
            wrong.setdefault(str(found["loc"][0]), message[:1].upper() + message[1:] + ".")
    for name, setting in fields.items():
        if not isinstance(setting, ConnectionField) or (setting.optional and raw[name] is None):
            continue
        if raw[name] not in connections.get(setting.connection, ()):
            wrong[name] = "This connection is not there any more."
    return settings, wrong


def _view(title: str, blocks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "modal", "title": words.plain(title, 24), "close": words.plain("Close", 24), "blocks": blocks}


def _element(setting: AnyField, current: Any, connections: Mapping[str, Sequence[str]], channel: str) -> dict[str, Any]:
    match setting:
        case ConnectionField():
            options = [_option(name) for name in list(connections[setting.connection])[:100]]
            chosen = next((option for option in options if option["value"] == current), None)
            if chosen is None and not setting.optional:
                chosen = options[0]
            return {"type": "static_select", "options": options, **({"initial_option": chosen} if chosen else {})}
        case ChannelField():
            kinds = {"include": ["public", "private"], "exclude_bot_users": True}
            place = str(current or setting.default or ("" if setting.optional else channel))
            shown = {"initial_conversation": place} if place[:1] in {"C", "G"} else {}
            return {"type": "conversations_select", "filter": kinds, **shown}
        case TextField():
            return _text(current or setting.default, 2000)
        case NumberField():
            number = current if current is not None else setting.default
            given = {"initial_value": str(number)} if number is not None else {}
            bounds = {"min_value": str(setting.min), "max_value": str(setting.max)}
            return {"type": "number_input", "is_decimal_allowed": False, **bounds, **given}
        case YesNoField():
            answer = "yes" if (setting.default if current is None else current) else "no"
            return {
                "type": "radio_buttons",
                "options": [_option("yes"), _option("no")],
                "initial_option": _option(answer),
            }
        case ChoiceField():
            options = [_option(name) for name in setting.of]
            name = current or setting.default
            first = {"initial_option": _option(name)} if name in setting.of else {}
            return {"type": "radio_buttons", "options": options, **first}
        case ChoicesField():
            names = [name for name in (current or setting.default) if name in setting.of]
            ticked = {"initial_options": [_option(name) for name in names]} if names else {}
            return {"type": "checkboxes", "options": [_option(name) for name in setting.of], **ticked}
        case DurationField():
            return _text(current or setting.default, 10)
        case _:
            assert_never(setting)


def _option(name: str) -> dict[str, Any]:
    return {"text": words.plain(name, 75), "value": name}


def _text(initial: str | None, longest: int) -> dict[str, Any]:
    shown = {"initial_value": initial} if initial else {}
    return {"type": "plain_text_input", "max_length": longest, **shown}


def _value(setting: AnyField, state: Mapping[str, Any]) -> Any:
    match setting:
        case ConnectionField() | ChoiceField():
            return (state.get("selected_option") or {}).get("value")
        case ChannelField():
            return state.get("selected_conversation")
        case YesNoField():
            return (state.get("selected_option") or {}).get("value") == "yes"
        case ChoicesField():
            return [option["value"] for option in state.get("selected_options") or ()]
        case TextField() | NumberField() | DurationField():
            return state.get("value")
        case _:
            assert_never(setting)


def summary(template: Template, settings: Mapping[str, Any]) -> str:
    """Return settings as lines that people read."""
    lines = []
    for name, setting in template.settings.items():
        value = settings.get(name)
        if value is None and may_be_empty(setting):
            continue
        match setting:
            case ChannelField():
                said = f"<#{value}>"
            case DurationField() if isinstance(value, str):
                said = durations.spoken(durations.seconds(value))
            case _:
                said = words.escape(
                    words.listed([str(one) for one in value]) if isinstance(value, list) else str(value)
                )
        lines.append(f"• {words.escape(setting.title)}: {said}")
    return "\n".join(lines)
