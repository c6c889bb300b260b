"""What Slack's own client finds wrong with a form, before it sends anything."""

import re
from typing import Any

from sandbox.slack.values import blocks_within, held, state_of
from sandbox.slack.views import View

Json = dict[str, Any]

LONGEST = 3000
REQUIRED = "Please complete this required field."


def wrong_fields(view: View) -> dict[str, str]:
    """Return what a person reads under each field that is not filled in as it should be, by block_id."""
    state = state_of(view.content["blocks"], view.typed)
    wrong: dict[str, str] = {}
    for block in blocks_within(view.content["blocks"]):
        if block["type"] != "input":
            continue
        element = block["element"]
        value = state[block["block_id"]][element["action_id"]].get(held(element))
        if value in (None, "", []):
            if not block.get("optional"):
                wrong[block["block_id"]] = REQUIRED
        elif problem := _problem(element, value):
            wrong[block["block_id"]] = problem
    return wrong


def _problem(element: Json, value: Any) -> str | None:
    match element["type"]:
        case "plain_text_input":
            return _length_problem(element, value)
        case "number_input":
            return _number_problem(element, value)
        case "email_text_input" if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
            return "Please enter a valid email address."
        case "url_text_input" if not re.fullmatch(r"[a-z][a-z0-9+.-]*://\S+", value, re.IGNORECASE):
            return "Please enter a valid URL."
    if isinstance(value, list) and len(value) > element.get("max_selected_items", len(value)):
        return f"Please choose at most {element['max_selected_items']}."
    return None


def _length_problem(element: Json, value: str) -> str | None:
    least, most = element.get("min_length", 0), element.get("max_length", LONGEST)
    if len(value) < least:
        return f"Please enter at least {least} characters."
    if len(value) > most:
        return f"Please enter at most {most} characters."
    return None


def _number_problem(element: Json, value: str) -> str | None:
    if not re.fullmatch(r"-?\d+(\.\d+)?", value):
        return "Please enter a number."
    number = float(value)
    if not element["is_decimal_allowed"] and "." in value:
        return "Please enter a whole number."
    if "min_value" in element and number < float(element["min_value"]):
        return f"Please enter a number of at least {element['min_value']}."
    if "max_value" in element and number > float(element["max_value"]):
        return f"Please enter a number of at most {element['max_value']}."
    return None
