"""Problems: what is wrong with a flow, where, and what to do about it."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

MOST: Final = 100
"""Problems that are said of one flow: nobody reads more at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a flow, where, and what to do about it."""

    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" + (f" ({self.hint})" if self.hint else "")


def nearest(word: object, known: Iterable[str]) -> str:
    """Return ``did you mean …?`` for the known word closest to a mistyped one, or nothing."""
    if not isinstance(word, str) or len(word) > 100:
        return ""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {found[0]}?" if found else ""


def shown(value: Any) -> str:
    """Return a written value as it stands in a message: short, whatever it is."""
    match value:
        case str():
            return value if len(value) <= 60 else f"{value[:59]}…"
        case bool():
            return "true" if value else "false"
        case int() | float() if -1e18 < value < 1e18:
            return str(value)
        case _:
            return "this"


def listed(words: Iterable[str]) -> str:
    """Return some words with commas, cut off where there are too many to read."""
    known = [shown(word) for word in words]
    return ", ".join(known[:12]) + (", …" if len(known) > 12 else "")


def either(words: Sequence[str]) -> str:
    """Return some words with ``or`` before the last."""
    return f"{listed(words[:-1])} or {shown(words[-1])}" if 1 < len(words) <= 12 else listed(words)
