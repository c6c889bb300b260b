"""The inbox: the mails that came, with their headers, their attachments, and their HTML as a page of its own."""

import email
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from typing import Any, Final

from sandbox.page.tabs.tab import SHOWN, Tab, rows

HEADS: Final = frozenset({"from", "to", "subject", "date", "mime-version", "content-type", "content-transfer-encoding"})
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""What the HTML of a mail may do: look the way it likes, and open links in windows of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that came with a mail."""

    number: int
    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail."""

    number: int
    at: object
    sender: str
    recipients: str
    subject: str
    again: bool
    """It has come before."""
    headers: tuple[tuple[str, str], ...]
    text: str
    has_html: bool
    attachments: tuple[Attachment, ...]


def tab(state: Mapping[str, Any]) -> Tab:
    """Choose what the page shows."""
    mails = rows(state, "mails")
    numbered = list(enumerate(mails))[-SHOWN:]
    return Tab(
        side="mail",
        title="Mail",
        sequence=int(state.get("sequence") or 0),
        arrived=len(mails),
        more=tuple(_mail(number, one) for number, one in reversed(numbered)),
    )


def _mail(number: int, one: Mapping[str, Any]) -> Mail:
    headers = [(str(pair[0]), str(pair[1])) for pair in one.get("headers") or [] if len(pair) == 2]
    named = {name.lower(): value for name, value in headers}
    parts = _attached(one)
    return Mail(
        number=number,
        at=one.get("at"),
        sender=named.get("from") or str(one.get("from") or ""),
        recipients=", ".join(str(each) for each in one.get("recipients") or []),
        subject=str(one.get("subject") or "(without a subject)"),
        again=bool(one.get("seen_before")),
        headers=tuple(pair for pair in headers if pair[0].lower() not in HEADS),
        text=str(one.get("text") or ""),
        has_html=bool(one.get("html")),
        attachments=tuple(
            Attachment(number=at, name=part.get_filename() or f"attachment-{at + 1}", size=len(_content(part)))
            for at, part in enumerate(parts)
        ),
    )


def document(state: Mapping[str, Any] | None, number: int) -> str | None:
    """Give the HTML of a mail as it came, with its links opening in windows of their own; nothing without one."""
    one = _of(state, number)
    written = one.get("html") if one else None
    return f'<!doctype html><base target="_blank">{written}' if written else None


def attachment(state: Mapping[str, Any] | None, number: int, at: int) -> tuple[str, bytes] | None:
    """Give the name and the content of an attachment; nothing if there is none."""
    one = _of(state, number)
    parts: Sequence[EmailMessage] = _attached(one) if one else ()
    if not 0 <= at < len(parts):
        return None
    return parts[at].get_filename() or f"attachment-{at + 1}", _content(parts[at])


def _of(state: Mapping[str, Any] | None, number: int) -> Mapping[str, Any] | None:
    mails = rows(state or {}, "mails")
    return mails[number] if 0 <= number < len(mails) else None


def _attached(one: Mapping[str, Any]) -> list[EmailMessage]:
    message = email.message_from_string(str(one.get("raw") or ""), policy=policy.default)
    return [part for part in message.iter_attachments() if isinstance(part, EmailMessage)]


def _content(part: EmailMessage) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""
