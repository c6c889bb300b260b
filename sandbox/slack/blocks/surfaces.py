"""Where blocks are shown: a message, a modal, the Home tab. Each takes other blocks, and other amounts."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from sandbox.slack.blocks.layout import BLOCKS
from sandbox.slack.blocks.pieces import OPTION, OPTION_GROUP, plain_text
from sandbox.slack.blocks.shapes import Choice, Flag, Items, Problem, Record, String, problem

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
VIEW_BYTES = 250_000
MESSAGE_TEXT = 10_000
"""Characters in all blocks of a message. Slack documents none; 9,597 were seen to pass and 11,341 to be refused."""
MARKDOWN_TEXT = 12_000

_ONLY_MESSAGES = {"markdown", "table", "plan", "task_card", "context_actions", "data_table", "data_visualization"}
_EVERYWHERE = set(BLOCKS.shapes) - _ONLY_MESSAGES

_IN_MESSAGE = BLOCKS.only(*sorted(_EVERYWHERE | _ONLY_MESSAGES))
_IN_VIEW = BLOCKS.only(*sorted(_EVERYWHERE))

_COMMON = {"private_metadata": String(most=3000), "callback_id": String(most=255), "external_id": String(most=255)}

_MODAL = Record(
    {"type": Choice("modal"), "title": plain_text(24), "blocks": Items(_IN_VIEW, 1, VIEW_BLOCKS)},
    {"submit": plain_text(24), "close": plain_text(24), "clear_on_close": Flag(), "notify_on_close": Flag(), **_COMMON},
)
_OPTIONS = Record({}, {"options": Items(OPTION, 0, 100), "option_groups": Items(OPTION_GROUP, 0, 100)})
_HOME = Record({"type": Choice("home"), "blocks": Items(_IN_VIEW, 1, VIEW_BLOCKS)}, _COMMON)


def check_message(blocks: Any, at: str = "/blocks") -> list[Problem]:
    """List what Slack would refuse in the blocks of a message."""
    found = list(Items(_IN_MESSAGE, 0, MESSAGE_BLOCKS).check(blocks, at))
    if found:
        return found
    return [*_unique_blocks(blocks, at), *_few_enough(blocks, at), *_no_file_inputs(blocks, at)]


def check_modal(view: Any, at: str = "/view") -> list[Problem]:
    """List what Slack would refuse in a modal."""
    found = list(_MODAL.check(view, at))
    if found:
        return found
    blocks: list[dict[str, Any]] = view["blocks"]
    found = [*_unique_blocks(blocks, f"{at}/blocks"), *_unique_inputs(blocks, f"{at}/blocks")]
    if "submit" not in view and any(block["type"] == "input" for block in blocks):
        found.append(problem("missing required field: submit", at, type="required", expected="submit"))
    return found


def check_options(answer: Any, at: str = "") -> list[Problem]:
    """List what Slack would refuse in the options with which an app answers for a menu; none at all are fine."""
    return list(_OPTIONS.check(answer, at))


def check_home(view: Any, at: str = "/view") -> list[Problem]:
    """List what Slack would refuse in a Home tab."""
    found = list(_HOME.check(view, at))
    if found:
        return found
    where = f"{at}/blocks"
    return [*_unique_blocks(view["blocks"], where), *_no_file_inputs(view["blocks"], where)]


def characters(blocks: Iterable[Any]) -> int:
    """Count the characters of all texts in the blocks of a message."""
    return sum(_characters(block) for block in blocks)


def too_large(view: Any) -> bool:
    """Tell whether a view is bigger than Slack takes."""
    return len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES


def _characters(value: Any) -> int:
    match value:
        case {"type": "plain_text" | "mrkdwn" | "text" | "markdown" | "raw_text", "text": str(text)}:
            return len(text)
        case dict():
            return sum(_characters(each) for each in value.values())
        case list():
            return sum(_characters(each) for each in value)
        case _:
            return 0


def _unique_blocks(blocks: list[dict[str, Any]], at: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, block in enumerate(blocks):
        name = block.get("block_id")
        if name is None:
            continue
        if name in seen:
            where = f"{at}/{place}/block_id"
            yield problem(f"block_id already exists: {name}", where, type="unique", expected="block_id")
        seen.add(name)


def _unique_inputs(blocks: list[dict[str, Any]], at: str) -> Iterator[Problem]:
    """Require one focused field at most."""
    focused = [
        f"{at}/{place}/element/focus_on_load"
        for place, block in enumerate(blocks)
        if block["type"] == "input" and block["element"].get("focus_on_load")
    ]
    for where in focused[1:]:
        yield problem("only one element may have focus_on_load", where, type="focus")


def _few_enough(blocks: list[dict[str, Any]], at: str) -> Iterator[Problem]:
    counts = [
        (("table", "data_table"), 1, "only one table allowed"),
        (("data_visualization",), 2, "no more than 2 data_visualization blocks allowed"),
    ]
    for kinds, most, message in counts:
        places = [place for place, block in enumerate(blocks) if block["type"] in kinds]
        for place in places[most:]:
            yield problem(message, f"{at}/{place}", type="max_items", expected=most)
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > MARKDOWN_TEXT:
        message = f"must be less than {MARKDOWN_TEXT + 1} characters in all markdown blocks"
        yield problem(message, at, type="max_length", expected=MARKDOWN_TEXT)


def _no_file_inputs(blocks: list[dict[str, Any]], at: str) -> Iterator[Problem]:
    for place, block in enumerate(blocks):
        if block["type"] == "input" and block["element"]["type"] == "file_input":
            yield problem("unsupported type: file_input", f"{at}/{place}/element/type", type="enum")
