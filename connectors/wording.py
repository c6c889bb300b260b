"""Texts from outside, made fit to be shown: no control characters, not too long."""

import unicodedata


def clean(text: object, *, limit: int = 300) -> str:
    """Give the text on one line, without control and direction characters, cut to `limit` characters."""
    kept = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in str(text)[: 4 * limit])
    line = " ".join(kept.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
