"""Masking: what may be shown and kept of values that came from outside. Secrets and addresses stay where they were."""

import re
from collections.abc import Mapping
from datetime import date
from math import isfinite
from typing import Any, Final

MASK: Final = "•••"
LONGEST: Final = 2_000
"""Characters of one text."""
MOST: Final = 100
"""Items of one list, and names of one mapping."""
DEEPEST: Final = 12
LARGEST: Final = 5_000
"""Values in all, however they are nested."""

ROLES: Final = "authorization"
"""What stands under this name is a secret if it is a text or a list, as a header is. A mapping holds a person's roles."""

_SECRET: Final = re.compile(
    "password|passwd|passphrase|pwd|secret|token|authorization|cookie|apikey|accesskey|privatekey|signingkey"
    "|encryptionkey|signature|credential|assertion|bearer|recoverycode"
)
_SECRET_WHOLE: Final = frozenset({"otp", "pin", "hash", "salt", "pass", "jwt", "pem"})
_DATA: Final = frozenset({"base64", "picture"})
_PHONE_NAME: Final = re.compile("phone|mobile|msisdn")

_PIECES: Final = re.compile(
    r"""
    (?P<pem>-----BEGIN[ ][^-]{0,40}PRIVATE[ ]KEY-----.*?(?:-----END[^-]{0,40}-----|\Z))
    |(?P<scheme>\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}
    |(?P<parameter>\b(?:access_token|id_token|refresh_token|token|ticket|code|secret|client_secret|password|api_?key|sig
        |signature|assertion)=)[^&\s#"']+
    |(?P<jwt>\beyJ[\w-]{8,}(?:\.[\w-]*){0,4})
    |(?P<prefixed>\b(?:xox[a-z]|xapp|whsec|gh[a-z])[-_][\w-]{10,})
    |(?<![^\s,;:<>()\[\]{}"'|/=])(?P<first>[^\s,;:<>()\[\]{}"'|/=@%])[^\s,;:<>()\[\]{}"'|/=@%]*(?:@|%40)
        (?P<domain>[^\s,;:<>()\[\]{}"'|/=@%&?#]+)
    |(?P<long>(?<![\w+=~-])[\w+=~-]{40,})
    |(?P<phone>(?<![\w+])\+\d[\d\s()./-]{5,22}\d)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL | re.ASCII,
)
_HEX: Final = re.compile(r"[0-9a-fA-F]+", re.ASCII)
_DIGITS: Final = re.compile(r"\d", re.ASCII)


def masked(value: Any) -> Any:
    """Return a copy of a value that may be shown and kept: plain JSON, without secrets, and of a bounded size.

    What stands under a name such as `password` or `client_secret` becomes ``•••``, and so do tokens within texts. Of an
    e-mail address the first character and the domain remain, of a phone number the first and last digits. Long texts,
    long lists and deep nesting are cut, which a ``…`` shows.
    """
    return _Copy().of(value, 0)


def is_secret(name: str) -> bool:
    """Return whether a name looks like that of a secret, however it is written."""
    plain = "".join(filter(str.isalnum, name[:200])).lower()
    return plain in _SECRET_WHOLE or _SECRET.search(plain) is not None


def masked_text(text: str) -> str:
    """Return a text that may be shown and kept."""
    clean = text[: LONGEST + 1].encode("utf-8", "replace").decode().replace("\0", "�")
    if len(text) > LONGEST:
        # Half an address or half a token would not be seen as one: the word that the cut goes through is left out.
        head = clean[:LONGEST]
        clean = (head if clean[LONGEST].isspace() else _without_last_word(head)) + "…"
    return _PIECES.sub(_shown, clean)


def _without_last_word(text: str) -> str:
    end = max(text.rfind(space) for space in " \t\r\n")
    return text[: end + 1] if end >= 0 else text


def _shown(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "scheme" | "parameter" as group:
            return found[group] + MASK
        case "domain":
            return f"{found['first']}{MASK}@{found['domain']}"
        case "long":
            return MASK if _bearer_like(found["long"]) else found["long"]
        case "phone":
            return _short(found["phone"])
        case _:
            return MASK


def _bearer_like(word: str) -> bool:
    # Words joined by hyphens, and numbers however long (ids of log entries), are no secrets; letters of both cases mixed
    # with digits, and long hexadecimal numbers, may be.
    if not _DIGITS.search(word) or word.isdigit():
        return False
    return bool(_HEX.fullmatch(word)) or (word.lower() != word and word.upper() != word)


def _short(number: str) -> str:
    digits = _DIGITS.findall(number)
    plus = "+" if number.lstrip().startswith("+") else ""
    return f"{plus}{''.join(digits[:2])}{MASK}{''.join(digits[-2:])}" if len(digits) >= 7 else MASK


class _Copy:
    """One copy in the making, and how much of it there may still be."""

    def __init__(self) -> None:
        self._left = LARGEST

    def of(self, value: Any, depth: int) -> Any:
        """Return a copy of a value at a depth."""
        self._left -= 1
        match value:
            case None | bool():
                return value
            case str():
                return masked_text(value)
            case int():
                return value if value.bit_length() <= 128 else "…"
            case float():
                return value if isfinite(value) else None
            case date():
                return value.isoformat()
            case Mapping() | list() | tuple() | set() | frozenset() if depth >= DEEPEST or self._left <= 0:
                return "…"
            case Mapping():
                return self._mapping(value, depth)
            case list() | tuple() | set() | frozenset():
                return self._list(value, depth)
            case bytes() | bytearray() | memoryview():
                return MASK
            case _:
                return f"({type(value).__name__})"

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        copy: dict[str, Any] = {}
        for name, inner in value.items():
            if len(copy) >= MOST or self._left <= 0:
                copy["…"] = f"and {len(value) - len(copy)} more"
                break
            written = name if isinstance(name, str) else f"({type(name).__name__})"
            copy[masked_text(written[:200])] = self._named(written, inner, depth + 1)
        return copy

    def _list(self, value: Any, depth: int) -> list[Any]:
        copy: list[Any] = []
        for inner in value:
            if len(copy) >= MOST or self._left <= 0:
                copy.append("…")
                break
            copy.append(self.of(inner, depth + 1))
        return copy

    def _named(self, name: str, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if is_secret(name) and not (name == ROLES and isinstance(value, Mapping)):
            return MASK
        if isinstance(value, str) and _PHONE_NAME.search(name.lower()) and _DIGITS.search(value):
            return _short(value)
        if isinstance(value, str) and name in _DATA and len(value) > LONGEST:
            return f"({len(value) * 3 // 4:,} bytes)"  # a picture in letters says nothing to people
        return self.of(value, depth)
