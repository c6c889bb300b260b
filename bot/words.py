"""Words: what the bot says, and how what came from outside is shown."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

LONGEST_VALUE: Final = 300
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")


def clean(text: str, longest: int = LONGEST_VALUE) -> str:
    """Return a text on one line, without control and direction characters, cut where it is too long."""
    kept = "".join(
        " " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in text if unicodedata.category(c) != "Cf"
    )
    kept = " ".join(kept.split())
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"


def escape(text: str, longest: int = LONGEST_VALUE) -> str:
    """Return a text from outside as it may stand in a message: it pings nobody and forges no link."""
    return clean(text, longest).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str, longest: int) -> dict[str, Any]:
    """Return a plain text object: Slack shows it letter by letter."""
    return {"type": "plain_text", "text": clean(text, longest) or "–", "emoji": False}


def marked(text: str) -> dict[str, Any]:
    """Return a marked-up text object. What came from outside must be escaped; links and names are not guessed in it."""
    return {"type": "mrkdwn", "text": text[:3000] or "–", "verbatim": True}


def moment(at: float) -> str:
    """Return a time as each reader's own clock shows it. The fallback is for those without one."""
    fallback = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(at)}^{{date_short_pretty}}, {{time}}|{fallback}>"


def shown(value: str | Sequence[str]) -> str:
    """Return a detail as it may stand in a message: a list with dots, a moment as a time, the rest escaped."""
    if not isinstance(value, str):
        return "\n".join(f"• {escape(line)}" for line in value) or "–"
    if _MOMENT.fullmatch(value):
        return moment(datetime.fromisoformat(value).timestamp())
    return escape(value) or "–"


def person(user_id: str | None) -> str:
    """Return a Slack user as a mention."""
    return f"<@{user_id}>" if user_id else "somebody"


def subject(name: str) -> str:
    """Return a Slack user or user group as a mention."""
    return f"<!subteam^{name}>" if name.startswith("S") else f"<@{name}>"


def listed(items: Sequence[str]) -> str:
    """Return items as a sentence lists them: a, b and c."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else "nobody"


def section(text: str) -> dict[str, Any]:
    """Return a section with a marked-up text."""
    return {"type": "section", "text": marked(text)}


def context(text: str) -> dict[str, Any]:
    """Return a line of small print."""
    return {"type": "context", "elements": [marked(text)]}
