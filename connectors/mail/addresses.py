"""Addresses of people, and texts that may stand in the head of a mail."""

import re
from typing import Final

_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def address(text: str) -> str:
    """Return an address as it is sent: its domain in the letters of the internet. Raises ValueError."""
    local, _, domain = text.strip().rpartition("@")
    if not _LOCAL.fullmatch(local) or len(local) > 64:
        raise ValueError("This is not an e-mail address that can be written to. It looks like ann@example.com.")
    try:
        host = domain.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise ValueError("The part behind the @ is not a domain.") from error
    labels = host.split(".")
    if len(labels) < 2 or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("The part behind the @ is not a domain.")
    return f"{local}@{host}"


def plain(text: str) -> str:
    """Return a text for the head of a mail. Raises ValueError for line breaks and what cannot be seen."""
    if not text.isprintable():
        raise ValueError("It has a line break, or characters that cannot be seen.")
    return text
