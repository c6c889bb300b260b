"""The small parts that blocks and elements are made of: texts, options, confirm dialogs."""

from typing import Any

from sandbox.slack.blocks.shapes import Anything, Choice, Flag, Items, Record, Shape, String, Variants, any_of, one_of


def plain_text(most: int = 3000) -> Shape:
    """Make the shape of a plain_text object."""
    return Variants({"plain_text": _plain(most)})


def text(most: int = 3000) -> Shape:
    """Make the shape of a text object of either type."""
    return Variants({"plain_text": _plain(most), "mrkdwn": mrkdwn(most)})


def _plain(most: int) -> Shape:
    return Record({"type": Choice("plain_text"), "text": String(least=1, most=most)}, {"emoji": Flag()})


def mrkdwn(most: int = 3000) -> Shape:
    """Make the shape of a mrkdwn object, once its type is known."""
    return Record({"type": Choice("mrkdwn"), "text": String(least=1, most=most)}, {"verbatim": Flag()})


URL = String(least=1, pattern=r"(?s)[a-zA-Z][a-zA-Z0-9+.-]*:\S+", about="a valid URL")
LONG_URL = String(least=1, most=3000, pattern=r"(?s)[a-zA-Z][a-zA-Z0-9+.-]*:\S+", about="a valid URL")
HTTPS = String(least=1, pattern=r"https://\S+", about="a valid https URL")
NAME = String(least=1, most=255)
USER = String(pattern="[UW][A-Z0-9]+", about="a valid user ID")
CHANNEL = String(pattern="[CG][A-Z0-9]+", about="a valid channel ID")
STYLE = Choice("primary", "danger")
PLACEHOLDER = plain_text(150)

CONFIRM = Record(
    {"title": plain_text(100), "text": text(300), "confirm": plain_text(30), "deny": plain_text(30)},
    {"style": STYLE},
)


def option(of_text: Shape, **more: Shape) -> Shape:
    """Make the shape of an option."""
    return Record({"text": of_text, "value": String(least=1, most=150)}, {"description": of_text, **more})


OPTION = option(plain_text(75))
RICH_OPTION = option(text(75))
LINK_OPTION = option(plain_text(75), url=LONG_URL)
OPTION_GROUP = Record({"label": plain_text(75), "options": Items(OPTION, 1, 100)})

SLACK_FILE = Record({}, {"id": String(least=1), "url": URL}, one_of("id", "url"))
DISPATCH = Record(
    {"trigger_actions_on": Items(Choice("on_enter_pressed", "on_character_entered"), 1, 2, unique=True)},
)
FILTER = Record(
    {},
    {
        "include": Items(Choice("im", "mpim", "private", "public"), 1, unique=True),
        "exclude_external_shared_channels": Flag(),
        "exclude_bot_users": Flag(),
    },
    any_of("include", "exclude_external_shared_channels", "exclude_bot_users"),
)
WORKFLOW = Record(
    {
        "trigger": Record(
            {"url": URL},
            {"customizable_input_parameters": Items(Record({"name": String(least=1), "value": Anything()}))},
        )
    }
)


def same_type(name: str) -> dict[str, Any]:
    """Make the field that every typed object has."""
    return {"type": Choice(name)}
