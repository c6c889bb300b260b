"""What people have filled in and chosen, in the form in which Slack tells the bot (`state.values`)."""

from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.slack.refusals import Impossible

Json = dict[str, Any]

# The field of the state that holds what was chosen, and the field of the element that it starts with.
_HELD: dict[str, tuple[str, str]] = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "file_input": ("files", "files"),
    "checkboxes": ("selected_options", "initial_options"),
    "radio_buttons": ("selected_option", "initial_option"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}
_LISTS = {"selected_options", "selected_users", "selected_conversations", "selected_channels", "files"}


def held(element: Json) -> str | None:
    """Name the field in which this element's choice is told; None for what holds nothing, like a button."""
    pair = _HELD.get(element["type"])
    return pair[0] if pair else None


def elements_of(block: Json) -> Iterator[Json]:
    """List the elements of a block that a person can use."""
    match block["type"]:
        case "input":
            yield block["element"]
        case "section" if "accessory" in block and block["accessory"]["type"] != "image":
            yield block["accessory"]
        case "actions" | "context_actions":
            yield from block["elements"]
        case "card":
            yield from block.get("actions", [])
        case "carousel":
            for card in block["elements"]:
                yield from elements_of(card)


def blocks_within(blocks: list[Json]) -> Iterator[Json]:
    """List the blocks, and those in containers."""
    for block in blocks:
        yield block
        if block["type"] == "container":
            yield from blocks_within(block["child_blocks"])


def initial(element: Json) -> Json:
    """Give the state of an element that nobody has touched."""
    name, start = _HELD[element["type"]]
    empty: Any = [] if name in _LISTS else None
    state: Json = {"type": element["type"], name: element.get(start, empty)}
    if element["type"] == "timepicker" and "timezone" in element:
        state["timezone"] = element["timezone"]
    return state


def state_of(blocks: list[Json], typed: Json) -> Json:
    """Give `state.values` of blocks, with what a person has chosen in them so far."""
    values: Json = {}
    for block in blocks_within(blocks):
        for element in elements_of(block):
            if held(element) is None:
                continue
            kept = typed.get(block["block_id"], {}).get(element["action_id"])
            fits = kept is not None and kept["type"] == element["type"]
            values.setdefault(block["block_id"], {})[element["action_id"]] = kept if fits else initial(element)
    return values


def chosen(element: Json, given: Any, suggested: Sequence[Json] = ()) -> Json:
    """Give the state of an element in which this was chosen: plain text, an option's value, an id, or a list of them.

    `suggested` is what the bot has offered in it, where it fills it. Raises Impossible when the element does not
    offer what was chosen.
    """
    name = held(element)
    if name is None:
        raise Impossible("not_a_field", f"{element['type']} holds no value", status=400)
    state = initial(element)
    if name in ("selected_option", "selected_options"):
        wanted = given if isinstance(given, list) else [] if given in (None, "") else [given]
        found = [_option(element, each, suggested) for each in wanted]
        state[name] = found if name == "selected_options" else (found[-1] if found else None)
    elif name in _LISTS:
        state[name] = list(given) if isinstance(given, list) else [] if given in (None, "") else [given]
    elif isinstance(given, (list, dict)) and name != "rich_text_value":
        raise Impossible("invalid_value", f"{element['action_id']} takes one value", status=400)
    elif name == "selected_date_time":
        state[name] = _seconds(element, given)
    elif name == "rich_text_value":
        state[name] = _rich(given) if isinstance(given, str) else given
    else:
        state[name] = None if given in (None, "") else str(given)
    return state


def offered(element: Json) -> list[Json]:
    """List the options of an element, whatever group they are in."""
    groups = element.get("option_groups", [])
    return [*element.get("options", []), *(each for group in groups for each in group["options"])]


def _option(element: Json, given: Any, suggested: Sequence[Json]) -> Json:
    value = given.get("value") if isinstance(given, dict) else given
    # What the bot offers while a person types is offered besides what was chosen in the beginning.
    begun = [element.get("initial_option"), *element.get("initial_options", [])]
    known: list[Json] = [*offered(element), *suggested, *(each for each in begun if each)]
    found = next((each for each in known if each["value"] == value), None)
    if found is None:
        raise Impossible("no_such_option", f"{element['action_id']} offers no option {value!r}", status=400)
    return found


def _seconds(element: Json, given: Any) -> int | None:
    if given in (None, ""):
        return None
    try:
        return int(given)
    except (TypeError, ValueError):
        raise Impossible("invalid_value", f"{element['action_id']} takes Unix seconds", status=400) from None


def _rich(text: str) -> Json | None:
    if not text:
        return None
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}
