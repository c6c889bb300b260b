"""Rich text: sections, lists, quotes and preformatted text, made of styled leaves."""

from sandbox.slack.blocks.pieces import NAME, URL, USER, same_type
from sandbox.slack.blocks.shapes import Choice, Flag, Items, Number, Record, Shape, String, Variants, any_of

_STYLES = ("bold", "italic", "strike", "underline", "code", "highlight", "client_highlight", "unlink")
_STYLE = Record({}, {name: Flag() for name in _STYLES}, any_of(*_STYLES))


def _leaf(name: str, required: dict[str, Shape], optional: dict[str, Shape] | None = None) -> Shape:
    return Record({**same_type(name), **required}, {"style": _STYLE, **(optional or {})})


_LEAVES = Variants(
    {
        "text": _leaf("text", {"text": String()}),
        "link": _leaf("link", {"url": URL}, {"text": String(), "unsafe": Flag()}),
        "user": _leaf("user", {"user_id": USER}),
        "usergroup": _leaf("usergroup", {"usergroup_id": String(pattern="S[A-Z0-9]+", about="a valid user group ID")}),
        "channel": _leaf("channel", {"channel_id": String(pattern="[CG][A-Z0-9]+", about="a valid channel ID")}),
        "emoji": _leaf(
            "emoji", {"name": String(least=1)}, {"skin_tone": Number(least=1, most=6), "unicode": String(least=1)}
        ),
        "team": _leaf("team", {"team_id": String(pattern="T[A-Z0-9]+", about="a valid team ID")}),
        "broadcast": _leaf("broadcast", {"range": Choice("here", "channel", "everyone")}),
        "color": _leaf("color", {"value": String(pattern="#?[0-9a-fA-F]{6}", about="a colour like #12abef")}),
        "date": _leaf(
            "date", {"timestamp": Number(least=0), "format": String(least=1)}, {"url": URL, "fallback": String()}
        ),
    }
)
_BORDER = Choice(0, 1)
_SECTION = Record({**same_type("rich_text_section"), "elements": Items(_LEAVES)})

RICH_ELEMENTS = Variants(
    {
        "rich_text_section": _SECTION,
        "rich_text_list": Record(
            {
                **same_type("rich_text_list"),
                "style": Choice("bullet", "ordered"),
                "elements": Items(Variants({"rich_text_section": _SECTION}), 1),
            },
            {"indent": Number(least=0), "offset": Number(least=0), "border": _BORDER},
        ),
        "rich_text_preformatted": Record(
            {**same_type("rich_text_preformatted"), "elements": Items(_LEAVES)},
            {"border": _BORDER, "language": String(least=1)},
        ),
        "rich_text_quote": Record({**same_type("rich_text_quote"), "elements": Items(_LEAVES)}, {"border": _BORDER}),
    }
)

RICH_TEXT = Variants(
    {"rich_text": Record({**same_type("rich_text"), "elements": Items(RICH_ELEMENTS)}, {"block_id": NAME})}
)
