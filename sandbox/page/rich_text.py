"""Slack's rich_text blocks as safe HTML."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from sandbox.page.emoji import EMOJI
from sandbox.page.mrkdwn import Mrkdwn, link, mention

_STYLES = (("bold", "strong"), ("italic", "em"), ("strike", "s"), ("underline", "u"), ("code", "code"))
_NUMBERING = ("1", "a", "i")


def rich_text(block: Mapping[str, Any], reader: Mrkdwn) -> Markup:
    """Render a whole block."""
    return Markup("").join(_element(element, reader) for element in _elements(block))


def _element(element: Mapping[str, Any], reader: Mrkdwn) -> Markup:
    match element.get("type"):
        case "rich_text_section":
            return Markup("<p>{}</p>").format(_inline(element, reader))
        case "rich_text_quote":
            return Markup("<blockquote>{}</blockquote>").format(_inline(element, reader))
        case "rich_text_preformatted":
            return Markup("<pre>{}</pre>").format(_inline(element, reader, breaks=False))
        case "rich_text_list":
            return _list(element, reader)
        case _:
            return _inline({"elements": [element]}, reader)


def _list(element: Mapping[str, Any], reader: Mrkdwn) -> Markup:
    indent = _number(element.get("indent"))
    items = Markup("").join(Markup("<li>{}</li>").format(_inline(item, reader)) for item in _elements(element))
    depth = f"indent-{min(indent, 6)}"
    if element.get("style") == "ordered":
        start = _number(element.get("offset")) + 1
        return Markup('<ol class="{}" start="{}" type="{}">{}</ol>').format(
            depth, start, _NUMBERING[indent % len(_NUMBERING)], items
        )
    return Markup('<ul class="{}">{}</ul>').format(depth, items)


def _inline(parent: Mapping[str, Any], reader: Mrkdwn, *, breaks: bool = True) -> Markup:
    parts = Markup("").join(_styled(piece, _piece(piece, reader, breaks=breaks)) for piece in _elements(parent))
    return parts or Markup("<br>")


def _piece(piece: Mapping[str, Any], reader: Mrkdwn, *, breaks: bool) -> Markup:
    match piece.get("type"):
        case "text":
            text = escape(str(piece.get("text", "")))
            return text.replace("\n", Markup("<br>")) if breaks else text
        case "link":
            address = str(piece.get("url", ""))
            return link(address, escape(str(piece.get("text") or address)))
        case "user":
            return mention(f"@{reader.names.user(str(piece.get('user_id', '')))}")
        case "channel":
            return mention(f"#{reader.names.channel(str(piece.get('channel_id', '')))}")
        case "usergroup":
            return mention(f"@{reader.names.group(str(piece.get('usergroup_id', '')))}")
        case "broadcast":
            return mention(f"@{piece.get('range', 'here')}", loud=True)
        case "emoji":
            name = str(piece.get("name", ""))
            return escape(_character(piece.get("unicode")) or EMOJI.get(name, f":{name}:"))
        case "date":
            stamp = _number(piece.get("timestamp"))
            written = reader.moments.written(stamp, str(piece.get("format", "")))
            return escape(written if written is not None else str(piece.get("fallback", "")))
        case "color":
            return Markup("<code>{}</code>").format(str(piece.get("value", "")))
        case _:
            # A list or quote inside a section does not exist in Slack; a new kind of piece still shows its words.
            return escape(str(piece.get("text") or piece.get("fallback") or ""))


def _styled(piece: Mapping[str, Any], shown: Markup) -> Markup:
    wanted = piece.get("style")
    if not isinstance(wanted, Mapping):
        return shown
    for style, tag in _STYLES:
        if wanted.get(style):
            shown = Markup("<{0}>{1}</{0}>").format(Markup(tag), shown)
    return shown


def _elements(parent: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = parent.get("elements")
    return [element for element in found if isinstance(element, Mapping)] if isinstance(found, list) else []


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _character(points: object) -> str:
    """Read `1f600` or `1f468-200d-1f4bb`; nothing if it is neither."""
    try:
        return "".join(chr(int(point, 16)) for point in str(points or "").split("-") if point)
    except (ValueError, OverflowError):
        return ""
