"""Devices: what a browser says it is, in so far as it stays the same from one login to the next."""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from connectors.auth0.devices import UNKNOWN, device_words
from connectors.wording import clean

_VERSIONS: Final = re.compile(r"[\d._]+")


def device_of(user_agent: object) -> str | None:
    """Return a name for a device that new versions of its browser do not change. None: it says nothing."""
    if not isinstance(user_agent, str):
        return None
    text = clean(user_agent, limit=500)
    if not text:
        return None
    words = device_words(text)
    return words if words != UNKNOWN else f"other {sha256(_VERSIONS.sub('', text).encode()).hexdigest()[:12]}"


def recognised(device: str, known: Sequence[str]) -> tuple[str, str, bool]:
    """Return how confident one can be that a device is the person's, Auth0's code of why, and if its browser is known.

    A browser on another system, and another browser on the same system, are half known.
    """
    if device in known:
        return "high", "match", True
    parts = set(device.split(" on "))
    if any(parts & set(one.split(" on ")) for one in known):
        return "medium", "partial_match", False
    return "low", "no_match", False
