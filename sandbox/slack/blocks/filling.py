"""What Slack adds to blocks that it has accepted."""

from collections.abc import Callable
from typing import Any

_WITHOUT_ACTIONS = {"plain_text", "mrkdwn", "image"}


def fill(blocks: list[dict[str, Any]], name: Callable[[], str]) -> list[dict[str, Any]]:
    """Give a copy in which every block has a block_id, every element an action_id and every text its defaults."""
    return [_block(block, name) for block in blocks]


def _block(block: dict[str, Any], name: Callable[[], str]) -> dict[str, Any]:
    filled = {key: _texts(value) for key, value in block.items()}
    filled.setdefault("block_id", name())
    for key in ("element", "accessory"):
        if key in filled:
            filled[key] = _element(filled[key], name)
    if block["type"] in ("actions", "context_actions"):
        filled["elements"] = [_element(element, name) for element in filled["elements"]]
    if block["type"] == "container":
        filled["child_blocks"] = fill(block["child_blocks"], name)
    if block["type"] == "input":
        filled = {"optional": False, "dispatch_action": False, **filled}
    return filled


def _element(element: dict[str, Any], name: Callable[[], str]) -> dict[str, Any]:
    return element if element["type"] in _WITHOUT_ACTIONS else {"action_id": name(), **element}


def _texts(value: Any) -> Any:
    match value:
        case {"type": "plain_text", "text": str()}:
            return {"emoji": True, **value}
        case {"type": "mrkdwn", "text": str()}:
            return {"verbatim": False, **value}
        case dict():
            return {key: _texts(each) for key, each in value.items()}
        case list():
            return [_texts(each) for each in value]
        case _:
            return value
