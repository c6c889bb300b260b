"""What time it is in the workspace, and the identifiers that are made as time goes by."""

import itertools
import secrets
from collections.abc import Callable

Clock = Callable[[], float]
"""Gives Unix seconds. Tests hand in their own, so that nobody has to wait for a trigger to expire."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Stamps:
    """Makes the workspace's time stamps and identifiers; none is ever given twice."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._last = 0
        self._numbers = itertools.count(1)

    def ts(self) -> str:
        """Make a message's `ts`, later than every one before."""
        self._last = max(self._last + 1, int(self.clock() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def id(self, kind: str) -> str:
        """Make an identifier that starts with the letter of its kind ("V" for a view)."""
        number, digits = next(self._numbers), ""
        while number:
            number, digit = divmod(number, 36)
            digits = _DIGITS[digit] + digits
        return f"{kind}0{secrets.token_hex(2).upper()}{digits:0>5}"

    def trigger(self) -> str:
        """Make a trigger_id."""
        return f"{next(self._numbers)}.{int(self.clock())}.{secrets.token_hex(16)}"

    def secret(self) -> str:
        """Make a part of an address that nobody can guess."""
        return secrets.token_urlsafe(18)

    def short(self) -> str:
        """Make a block_id or action_id for a block or element that came without one."""
        return secrets.token_urlsafe(4).replace("-", "a").replace("_", "b")
