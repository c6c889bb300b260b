"""Seals: by them we know again what we have handed out to people's browsers."""

import base64
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_USE: Final = b"cicflow: pages and links"
LONGEST: Final = 4096
"""Characters of what is handed back to us."""


class Seals:
    """Made with the first key of the bot, and good under every one of them. Never with a key that seals anything else."""

    def __init__(self, keys: Sequence[str]) -> None:
        own = [hmac.digest(key.encode(), _USE, "sha256") for key in keys]
        self._keys = own
        self._box = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in own])

    def sealed(self, *parts: str) -> str:
        """Return the seal of some texts, in their order."""
        return self._with(self._keys[0], parts)

    def fits(self, seal: str, *parts: str) -> bool:
        """Tell whether a seal is that of these texts. It takes as long, however much of it is right."""
        given = seal.encode()
        right = [secrets.compare_digest(self._with(key, parts).encode(), given) for key in self._keys]
        return any(right)

    def named(self, *parts: str) -> str:
        """Return some texts together with their seal, as a part of an address."""
        said = base64.urlsafe_b64encode(json.dumps(parts).encode()).rstrip(b"=").decode()
        return f"{said}.{self.sealed('named', said)}"

    def read(self, token: str) -> Sequence[str] | None:
        """Return the texts that `named` has put together. None if it was not us: then nothing of it is looked at."""
        said, _, seal = token.partition(".")
        if len(token) > LONGEST or not self.fits(seal, "named", said):
            return None
        parts: list[str] = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
        return parts

    def locked(self, what: Mapping[str, Any]) -> str:
        """Return something as nobody but us can read it."""
        return self._box.encrypt(json.dumps(dict(what)).encode()).decode()

    def opened(self, text: str, *, within: int) -> Mapping[str, Any] | None:
        """Return what `locked` has locked, so many seconds ago at most. None if it was not us, or is longer ago."""
        try:
            found = json.loads(self._box.decrypt(text[:LONGEST].encode(), ttl=within))
        except InvalidToken:
            return None
        return found if isinstance(found, dict) else None

    def _with(self, key: bytes, parts: Sequence[str]) -> str:
        digest = hmac.digest(key, json.dumps(list(parts)).encode(), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
