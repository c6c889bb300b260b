"""Words: what the bot says, and how what came from outside is shown."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

LONGEST_VALUE: Final = 300
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")
_CANCELLED: Final = re.compile(r"Cancelled by ([UW][A-Z0-9]{2,20})\.")


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
    at = _read(value)
    return moment(at.timestamp()) if at else escape(value) or "–"


def _read(value: str) -> datetime | None:
    """Read a moment. None if it is not one: people can be called like a day that there is not."""
    if not _MOMENT.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


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


def code(text: str, longest: int = 2800) -> str:
    """Return a text of several lines as it stands, in a block of code. It is cut after a whole line where it is too long."""
    kept = "".join(
        c for c in text.expandtabs(4) if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    safe = kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("```", "'''").rstrip()
    if len(safe) > longest:
        safe = f"{safe[: longest - 1].rpartition(chr(10))[0]}\n…"
    return f"```\n{safe}\n```"


def code_pages(text: str, most: int) -> list[dict[str, Any]] | None:
    """Return a text of several lines as sections with blocks of code. None if these would be more than `most`."""
    pages = [[""]]
    for line in text.splitlines():
        cut = line if len(line) <= 1000 else f"{line[:999]}…"
        if sum(len(one) + 1 for one in pages[-1]) + len(cut) > 1900:  # what is escaped becomes longer
            pages.append([])
        pages[-1].append(cut)
    if len(pages) > most:
        return None
    return [section(code("\n".join(page).strip("\n"))) for page in pages]


def pages(lines: Sequence[str], most: int = 45) -> list[dict[str, Any]]:
    """Return lines as sections, as many as a message may have. Lines that find no room are counted."""
    found: list[list[str]] = [[]]
    left = list(lines)
    while left:
        line = left[0][:2900]
        if sum(len(one) + 1 for one in found[-1]) + len(line) > 2900:
            if len(found) == most:
                break
            found.append([])
        found[-1].append(line)
        left.pop(0)
    sections = [section("\n".join(page)) for page in found]
    return [*sections, context(f"… and {len(left)} more")] if left else sections


def place(channel: str) -> str:
    """Return where a message stands, as a mention: a channel, a person, or a direct message."""
    if channel.startswith("D"):
        return "a direct message"
    return person(channel) if channel[:1] in {"U", "W"} else f"<#{channel}>"


def outcome(message: str, longest: int = 500) -> str:
    """Return what a run says of its end. Whoever cancelled it is mentioned."""
    found = _CANCELLED.fullmatch(message)
    return f"Cancelled by {person(found.group(1))}." if found else escape(message, longest)


def button(title: str, *, action: str, value: str, style: str | None = None) -> dict[str, Any]:
    """Return a button."""
    made = {"type": "button", "action_id": action, "text": plain(title, 75), "value": value}
    return {**made, "style": style} if style else made


def number(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: 1 run, 1,234 runs."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
