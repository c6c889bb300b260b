"""Short ids: the names of runs that people can type."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from sqlmodel import col, select

from flows.store import Store
from flows.tables import Flow, Run

_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Without i, l, o and u, which are taken for others."""
_MOMENT: Final = 7
"""Digits that say when a run began, in tenths of a second: by these it is found without looking at the others."""
_REST: Final = 3
"""Digits that tell apart the runs of the same moment."""
LENGTH: Final = _MOMENT + _REST


def short_id(run: Run) -> str:
    """Return the name of a run that people can type."""
    rest = int.from_bytes(sha256(run.id.encode()).digest()[:4], "big")
    return _written(int(run.began_at * 10), _MOMENT) + _written(rest, _REST)


async def find(store: Store, text: str) -> Sequence[Run]:
    """Return the runs of an id, or of a short id or its beginning, ten at most."""
    if "/" in text:
        run = await store.read(lambda session: session.get(Run, text))
        return [run] if run else []
    typed = text.lower()
    if not _MOMENT <= len(typed) <= LENGTH or any(digit not in _DIGITS for digit in typed):
        return []
    moment = 0
    for digit in typed[:_MOMENT]:
        moment = moment * len(_DIGITS) + _DIGITS.index(digit)
    # There are few flows, and an index leads from each to the moments of its runs.
    query = (
        select(Run)
        .where(
            col(Run.flow).in_(select(Flow.name)),
            col(Run.began_at) >= (moment - 1) / 10,
            col(Run.began_at) <= (moment + 2) / 10,
        )
        .order_by(col(Run.began_at))
    )
    near = await store.read(lambda session: session.exec(query).all())
    return [run for run in near if short_id(run).startswith(typed)][:10]


def _written(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
