"""Slack's marks: what came from outside is written so that it pings nobody and forges no link."""

import unicodedata
from typing import Any


def readable(text: str) -> str:
    """Return a text without characters that cannot be seen; lines and tabs stay."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"})


def escaped(text: str) -> str:
    """Return a text from outside as it may stand among Slack's marks."""
    return readable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str, longest: int) -> dict[str, Any]:
    """Return a plain text object: Slack shows it letter by letter, on one line."""
    line = " ".join(readable(text).split())
    short = line if len(line) <= longest else f"{line[: longest - 1]}…"
    return {"type": "plain_text", "text": short or "–", "emoji": False}
