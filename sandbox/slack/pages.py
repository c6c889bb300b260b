"""Long lists, a page at a time, by Slack's cursors."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from sandbox.slack.arguments import Arguments
from sandbox.slack.refusals import Refusal

Thing = TypeVar("Thing")


def page(
    things: Sequence[Thing], arguments: Arguments, *, usual: int = 100, most: int = 999
) -> tuple[list[Thing], str]:
    """Cut out the page that a call asks for; gives it and the cursor of the next, "" on the last. Raises Refusal."""
    limit = arguments.number("limit", usual, least=1, most=most)
    start = _start(arguments.text("cursor"))
    end = start + limit
    cursor = base64.b64encode(f"next:{end}".encode()).decode() if end < len(things) else ""
    return list(things[start:end]), cursor


def _start(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
        if word == "next":
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise Refusal("invalid_cursor")
