"""A tab of the page: records in groups. All texts are as they arrived; the templates escape them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.page.controls import Side

SHOWN = 40
"""Records of one group."""

Tone = Literal["", "good", "warn", "danger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A short word about a record, with the colour of its meaning."""

    words: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that was added to a record later."""

    key: str
    words: str
    at: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record: what it is called, the facts about it, a long text, and the notes to it."""

    key: str
    """Its id in the service, by which links find it."""
    title: str
    name: str = ""
    """What it is referred to by, such as a number."""
    at: object = None
    marks: tuple[Mark, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    text: str = ""
    notes: tuple[Note, ...] = ()
    notes_called: str = "Work notes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Records of one kind, the newest first."""

    title: str
    records: tuple[Record, ...]
    total: int
    empty: str

    @classmethod
    def of(cls, title: str, records: Sequence[Record], empty: str, *, total: int | None = None) -> "Group":
        """Make a group of the newest few of some records."""
        return cls(
            title=title,
            records=tuple(records[:SHOWN]),
            total=len(records) if total is None else total,
            empty=empty,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """Everything that the page shows of one service."""

    side: Side
    title: str
    there: bool = True
    sequence: int = 0
    arrived: int = 0
    """How much has come so far, of which the page counts what is new."""
    groups: tuple[Group, ...] = ()
    more: tuple[Any, ...] = ()
    """What is drawn in a way of its own."""


def facts(pairs: Iterable[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    """Leave out the facts about which nothing is known."""
    return tuple((label, str(value)) for label, value in pairs if value not in (None, "", [], {}, False))


def rows(state: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Give the records of a list, or of a mapping by their ids."""
    found = state.get(key) or []
    every = found.values() if isinstance(found, Mapping) else found
    return [row for row in every if isinstance(row, dict)]
