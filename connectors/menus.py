"""Menus: what there is to choose from in a connected account, so that nobody has to look up and type an id."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

MOST: Final = 2000
"""Entries that are read of an account for one menu."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One entry of a menu."""

    value: str
    """What a flow is given: an id mostly."""
    label: str
    """What people see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What somebody looks for in a menu."""

    text: str = ""
    """What was typed so far."""
    of: str = ""
    """What the entries are of, such as an object whose fields they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """Something that is chosen from a connected account."""

    name: str
    title: str
    of: str
    """What has to be said besides, in words; nothing where that is enough."""
    searched: bool
    """The service looks for what was typed; others give all there is, and it is looked for here."""
    find: Callable[[Any, Sought], Awaitable[Sequence[Choice]]]
    """Takes a client. Raises ConnectorError."""


def fitting(choices: Iterable[Choice], text: str) -> list[Choice]:
    """Return the entries that have every word that was typed, those that begin with it first; a value fits whole."""
    words = text.casefold().split()
    found = [
        each
        for each in choices
        if each.value == text.strip() or all(word in f"{each.label} {each.value}".casefold() for word in words)
    ]
    first = text.strip().casefold()
    return sorted(found, key=lambda each: (each.value != text.strip(), not each.label.casefold().startswith(first)))


def ordered(choices: Iterable[Choice]) -> list[Choice]:
    """Return entries in the order of their labels."""
    return sorted(choices, key=lambda each: each.label.casefold())
