"""Forms: a template's settings as a Slack form, and what was filled in as settings."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, assert_never

from pydantic import ValidationError

from bot import time_fields, words
from bot.commands import COMMAND
from bot.menus import Pick, setting_of
from connectors.menus import Choice
from flows import durations
from flows.fields import (
    AnyField,
    ChannelField,
    ChoiceField,
    ChoicesField,
    ConnectionField,
    DaysField,
    DurationField,
    Fields,
    NumberField,
    PickField,
    TextField,
    TimeOfDayField,
    TimeZoneField,
    YesNoField,
    may_be_empty,
    model_of,
)
from flows.language import Template

SETTINGS: Final = "settings"
START: Final = "start"
"""The names of the forms, by which their submissions are recognised."""
FIELD: Final = "value"
PREVIEW: Final = "preview"
"""The button that looks back with what is filled in."""
PICK: Final = "value@"
"""The name of what is picked from an account; the name of the connection comes after it, so that of another account
nothing stays chosen."""
LONGEST_PICK: Final = 150
"""Characters of what an option stands for."""
_NOTHING_PICKED: Final[Mapping[str, Pick]] = {}


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
    zone: str,
    enabled: bool,
    form: Mapping[str, Any],
    picks: Mapping[str, Pick] = _NOTHING_PICKED,
) -> dict[str, Any]:
    """Return the form of a flow's settings, filled with what is set now, or else with sensible defaults.

    `connections` holds the names of the connections by connector; `channel` is where the form was asked for, and `zone`
    the time zone of whoever did; `form` is what it has to remember; `picks` says of each field that is picked from an account what is known of it there.
    """
    inputs = _inputs(template.settings, current, connections, channel, zone, picks)
    return {
        **_view(name_of(name), [_about(template), *_instance(name, form, template), *inputs, _look_back()]),
        "callback_id": SETTINGS,
        "submit": words.plain("Upgrade" if "upgrade" in form else "Save" if enabled else "Save and enable", 24),
        "private_metadata": json.dumps({**form, "channel": channel}),
    }


def _look_back() -> dict[str, Any]:
    button = words.button("What would it have done?", action=PREVIEW, value="form")
    text = "Before you save: I can look back at the last 7 days with these settings, and tell you in a direct message."
    return {**words.section(text), "accessory": button}


def _instance(name: str, form: Mapping[str, Any], template: Template) -> list[dict[str, Any]]:
    """Say which flow it is, where there may be several of the same template."""
    if name == template.template:
        return []
    made = "is made of" if "of" in form else "was made of"
    return [words.context(f"This is `{name}`, which {made} `{template.template}`.")]


def start_form(
    name: str,
    template: Template,
    fields: Fields,
    *,
    connections: Mapping[str, Sequence[str]],
    channel: str,
    zone: str,
    picks: Mapping[str, Pick] = _NOTHING_PICKED,
) -> dict[str, Any]:
    """Return the form that starts a flow by hand."""
    return {
        **_view(name_of(name), [_about(template), *_inputs(fields, {}, connections, channel, zone, picks)]),
        "callback_id": START,
        "submit": words.plain("Start", 24),
        "private_metadata": json.dumps({"flow": name}),
    }


def _about(template: Template) -> dict[str, Any]:
    return words.section(words.escape(template.about, 2000))


def _inputs(
    fields: Fields,
    current: Mapping[str, Any],
    connections: Mapping[str, Sequence[str]],
    channel: str,
    zone: str,
    picks: Mapping[str, Pick],
) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    followed = {setting_of(setting) for setting in fields.values() if isinstance(setting, PickField)}
    for name, setting in fields.items():
        if isinstance(setting, ConnectionField) and not connections.get(setting.connection):
            blocks.append(_nothing_to_choose(setting))
            continue
        pick = picks.get(name) or Pick(connection="")
        if isinstance(setting, PickField) and not pick.connection:
            continue  # no account is chosen that it could be picked from
        if isinstance(setting, PickField):
            element = _pick(setting, current.get(name), pick)
        else:
            element = {**_element(setting, current.get(name), connections, channel, zone), "action_id": FIELD}
        block: dict[str, Any] = {
            "type": "input",
            "block_id": name,
            "label": words.plain(setting.title, 75),
            "element": element,
            "optional": may_be_empty(setting),
        }
        if name in followed and (may_be_empty(setting) or len(element.get("options") or ()) > 1):
            block["dispatch_action"] = True  # Slack does not say what is chosen elsewhere while a menu is asked for
        hint = f"{pick.problem} Type the id." if pick.problem else setting.hint
        if hint:
            block["hint"] = words.plain(hint, 150)
        blocks.append(block)
    return blocks


def _nothing_to_choose(setting: ConnectionField) -> dict[str, Any]:
    """Return what stands in place of a field that may be left empty, and has to be."""
    connect = f"To choose one, make it with `{COMMAND} connect {words.escape(setting.connection)}`."
    return words.context(f"*{words.escape(setting.title)}*: there is none yet. {connect}")


def _pick(setting: PickField, current: Any, pick: Pick) -> dict[str, Any]:
    """Return a menu that is filled while somebody types; or a blank, where the account does not say what there is."""
    if pick.problem:
        typed = ", ".join(current) if isinstance(current, list) else current
        return {**_text(typed, 2000 if setting.many else LONGEST_PICK), "action_id": FIELD}
    chosen_now = [chosen(each) for each in pick.chosen]
    begin: dict[str, Any] = {}
    if chosen_now:
        begin = {"initial_options": chosen_now} if setting.many else {"initial_option": chosen_now[0]}
    kind = "multi_external_select" if setting.many else "external_select"
    about = words.plain("Type to search", 150)
    return {"type": kind, "min_query_length": 0, "placeholder": about, **begin, "action_id": f"{PICK}{pick.connection}"}


def chosen(choice: Choice) -> dict[str, Any]:
    """Return an entry of an account's menu as an option."""
    return {"text": words.plain(choice.label, 75), "value": choice.value}


def meant(
    fields: Fields, current: Mapping[str, Any], connections: Mapping[str, Sequence[str]]
) -> Mapping[str, str | None]:
    """Return which account stands in each field that is a connection: the one that is set, or else the first."""
    return {
        name: _meant(setting, current.get(name), connections.get(setting.connection, ()))
        for name, setting in fields.items()
        if isinstance(setting, ConnectionField)
    }


def _meant(setting: ConnectionField, current: Any, there: Sequence[str]) -> str | None:
    if current in there:
        return str(current)
    return None if setting.optional or not there else there[0]


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
    raw = typed(fields, values)
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


def typed(fields: Fields, values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is in the fields of a form, right or wrong."""
    return {name: _value(setting, _state(values, name)) for name, setting in fields.items()}


def elsewhere(fields: Fields, values: Mapping[str, Mapping[str, Any]], chosen_now: Mapping[str, Any]) -> set[str]:
    """Return the fields that were picked from another account than the one that is chosen now."""
    return {
        name
        for name, setting in fields.items()
        if isinstance(setting, PickField) and f"{PICK}{chosen_now.get(setting_of(setting))}" not in values.get(name, {})
    }


def labels(fields: Fields, values: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return what was picked from accounts, as people know it."""
    found = {}
    for name, setting in fields.items():
        state = _state(values, name)
        options = state.get("selected_options") or [state.get("selected_option")]
        texts = [option["text"]["text"] for option in options if option]
        if isinstance(setting, PickField) and texts:
            found[name] = words.listed(texts)
    return found


def _state(values: Mapping[str, Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """Return the state of the one element of a field."""
    return next(iter((values.get(name) or {}).values()), {})


def _view(title: str, blocks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "modal", "title": words.plain(title, 24), "close": words.plain("Close", 24), "blocks": blocks}


def _element(
    setting: AnyField, current: Any, connections: Mapping[str, Sequence[str]], channel: str, zone: str
) -> dict[str, Any]:
    match setting:
        case ConnectionField():
            there = list(connections[setting.connection])[:100]
            account = _meant(setting, current, there)
            begin = {"initial_option": _option(account)} if account else {}
            return {"type": "static_select", "options": [_option(name) for name in there], **begin}
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
        case PickField():
            raise TypeError("what is picked from an account is filled in another way")
        case TimeOfDayField():
            at = current or setting.default
            return {"type": "timepicker", **({"initial_time": at} if at else {})}
        case DaysField():
            return time_fields.days_menu(current or setting.default)
        case TimeZoneField():
            return time_fields.zones_menu(current or setting.default or zone)
        case _:
            assert_never(setting)


def _option(name: str) -> dict[str, Any]:
    return {"text": words.plain(name, 75), "value": name}


def _text(initial: str | None, longest: int) -> dict[str, Any]:
    shown = {"initial_value": initial} if initial else {}
    return {"type": "plain_text_input", "max_length": longest, **shown}


def _value(setting: AnyField, state: Mapping[str, Any]) -> Any:
    match setting:
        case ConnectionField() | ChoiceField() | TimeZoneField():
            return (state.get("selected_option") or {}).get("value")
        case ChannelField():
            return state.get("selected_conversation")
        case YesNoField():
            return (state.get("selected_option") or {}).get("value") == "yes"
        case ChoicesField() | DaysField():
            return [option["value"] for option in state.get("selected_options") or ()]
        case TextField() | NumberField() | DurationField():
            return state.get("value")
        case PickField(many=True) if state.get("type") == "plain_text_input":
            return [one.strip() for one in (state.get("value") or "").split(",") if one.strip()]
        case PickField(many=True):
            return [option["value"] for option in state.get("selected_options") or ()]
        case PickField():
            return (state.get("selected_option") or {}).get("value") or state.get("value")
        case TimeOfDayField():
            return state.get("selected_time")
        case _:
            assert_never(setting)


def summary(template: Template, settings: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """Return settings as lines that people read. `labels` are what was picked from accounts."""
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
            case PickField() if name in labels:
                said = words.escape(labels[name])
            case _:
                said = words.escape(_said(value))
        lines.append(f"• {words.escape(setting.title)}: {said}")
    return "\n".join(lines)


def _said(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return words.listed([str(one) for one in value]) if value else "–"
        case _:
            return str(value)
