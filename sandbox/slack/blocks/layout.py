"""The blocks themselves."""

from collections.abc import Iterator
from typing import Any

from sandbox.slack.blocks.elements import (
    BUTTON,
    CHOICES,
    DATES,
    DATETIME,
    FEEDBACK,
    FIELDS,
    FILES,
    IMAGE,
    PRESSED,
    SELECTS,
)
from sandbox.slack.blocks.pieces import HTTPS, LONG_URL, NAME, SLACK_FILE, URL, mrkdwn, plain_text, same_type, text
from sandbox.slack.blocks.rich_text import RICH_TEXT
from sandbox.slack.blocks.shapes import (
    Choice,
    Flag,
    Items,
    Number,
    Problem,
    Record,
    Shape,
    String,
    Variants,
    any_of,
    one_of,
    problem,
)
from sandbox.slack.blocks.tables import DATA_BLOCKS

_IN_ACTIONS = Variants(PRESSED, SELECTS, CHOICES, DATES, DATETIME)
_IN_SECTION = Variants(PRESSED, SELECTS, CHOICES, DATES, IMAGE)
_IN_INPUT = Variants(FIELDS, SELECTS, CHOICES, DATES, DATETIME, FILES)
_IN_CONTEXT = Variants({"plain_text": plain_text(), "mrkdwn": mrkdwn()}, IMAGE)
_IN_CONTEXT_ACTIONS = Variants(FEEDBACK)


def _block(
    name: str, required: dict[str, Shape] | None = None, optional: dict[str, Shape] | None = None, *rules: Any
) -> Shape:
    return Record({**same_type(name), **(required or {})}, {"block_id": NAME, **(optional or {})}, *rules)


def _unique_actions(value: dict[str, Any], at: str) -> Iterator[Problem]:
    """Require the action_ids of one block to differ."""
    elements = value.get("elements")
    seen: set[str] = set()
    for place, element in enumerate(elements if isinstance(elements, list) else []):
        name = element.get("action_id") if isinstance(element, dict) else None
        if isinstance(name, str) and name in seen:
            where = f"{at}/elements/{place}/action_id"
            yield problem(f"action_id already exists: {name}", where, type="unique", expected="action_id")
        seen.add(str(name))


def _files_wait(value: dict[str, Any], at: str) -> Iterator[Problem]:
    element = value.get("element")
    if isinstance(element, dict) and element.get("type") == "file_input" and value.get("dispatch_action"):
        yield problem("file_input does not dispatch actions", f"{at}/dispatch_action", type="dispatch")


def _collapsed_only_if_possible(value: dict[str, Any], at: str) -> Iterator[Problem]:
    if value.get("default_collapsed") and not value.get("is_collapsible"):
        yield problem("default_collapsed needs is_collapsible", f"{at}/default_collapsed", type="collapse")


_IMAGE_PIECE = IMAGE["image"]
_SOURCE = Variants({"url": Record({**same_type("url"), "url": URL, "text": String(least=1)})})

_CARD = _block(
    "card",
    {},
    {
        "hero_image": _IMAGE_PIECE,
        "icon": _IMAGE_PIECE,
        "title": text(150),
        "subtitle": text(150),
        "body": text(200),
        "subtext": text(200),
        "actions": Items(Variants({"button": BUTTON}), 1, 3),
    },
    any_of("hero_image", "title", "actions", "body"),
)

_TASK: dict[str, Shape] = {
    "details": RICH_TEXT,
    "output": RICH_TEXT,
    "sources": Items(_SOURCE),
    "status": Choice("pending", "in_progress", "complete", "error"),
}
_TASK_REQUIRED: dict[str, Shape] = {"task_id": String(least=1), "title": String(least=1)}
_PLANNED = Record(_TASK_REQUIRED, {"type": Choice("task_card"), "block_id": NAME, **_TASK})


class _PlanTitle:
    """A plan's title: a string or a plain_text object."""

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """List what is wrong with the title."""
        shape: Shape = String(least=1) if isinstance(value, str) else plain_text()
        yield from shape.check(value, at)


_PLAIN_BLOCKS: dict[str, Shape] = {
    "actions": _block("actions", {"elements": Items(_IN_ACTIONS, 1, 25)}, {}, _unique_actions),
    "context": _block("context", {"elements": Items(_IN_CONTEXT, 1, 10)}),
    "divider": _block("divider"),
    "header": _block("header", {"text": plain_text(150)}, {"level": Number(least=1, most=4)}),
    "image": _block(
        "image",
        {"alt_text": String(least=1, most=2000)},
        {"image_url": LONG_URL, "slack_file": SLACK_FILE, "title": plain_text(2000)},
        one_of("image_url", "slack_file"),
    ),
    "input": _block(
        "input",
        {"label": plain_text(2000), "element": _IN_INPUT},
        {"dispatch_action": Flag(), "hint": plain_text(2000), "optional": Flag()},
        _files_wait,
    ),
    "rich_text": RICH_TEXT,
    "section": _block(
        "section",
        {},
        {"text": text(), "fields": Items(text(2000), 1, 10), "accessory": _IN_SECTION, "expand": Flag()},
        any_of("text", "fields"),
    ),
    "table": DATA_BLOCKS["table"],
    "video": _block(
        "video",
        {"alt_text": String(least=1, most=200), "title": plain_text(199), "thumbnail_url": URL, "video_url": HTTPS},
        {
            "author_name": String(most=49),
            "description": plain_text(199),
            "provider_icon_url": URL,
            "provider_name": String(least=1, most=50),
            "title_url": HTTPS,
        },
    ),
}

BLOCKS = Variants(
    _PLAIN_BLOCKS,
    DATA_BLOCKS,
    {
        "alert": _block(
            "alert", {"text": text(200)}, {"level": Choice("default", "info", "warning", "error", "success")}
        ),
        "card": _CARD,
        "carousel": _block("carousel", {"elements": Items(Variants({"card": _CARD}), 1, 10)}),
        "container": _block(
            "container",
            {"child_blocks": Items(Variants(_PLAIN_BLOCKS), 1, 10)},
            {
                "title": plain_text(150),
                "rich_text_title": RICH_TEXT,
                "subtitle": text(150),
                "icon": _IMAGE_PIECE,
                "width": Choice("narrow", "standard", "wide", "full"),
                "is_collapsible": Flag(),
                "default_collapsed": Flag(),
                "has_header_divider": Flag(),
            },
            any_of("title", "rich_text_title"),
            _collapsed_only_if_possible,
        ),
        "context_actions": _block(
            "context_actions", {"elements": Items(_IN_CONTEXT_ACTIONS, 1, 5)}, {}, _unique_actions
        ),
        "markdown": _block("markdown", {"text": String(least=1, most=12_000)}),
        "plan": _block("plan", {"title": _PlanTitle()}, {"tasks": Items(_PLANNED)}),
        "task_card": _block("task_card", _TASK_REQUIRED, _TASK),
    },
)
"""Every block that an app may send somewhere."""
