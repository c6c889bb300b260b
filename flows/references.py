"""References: ``{{ event.user.email }}``, a path into what a run knows."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

REFERENCE: Final = re.compile(r"\{\{\s*([A-Za-z_][\w-]*(?:\.[\w-]+)*)\s*\}\}")
DEEPEST: Final = 50
"""Lists and mappings within each other that are read out. Of an event there may be many more."""
LONGEST_PLACE: Final = 9
"""Digits of a place in a list."""
BRACES: Final = re.compile(r"\{\{[^{}]*\}\}|\{\{|\}\}")


def texts(value: object) -> Iterator[str]:
    """Yield every text in a value, at any depth."""
    match value:
        case str():
            yield value
        case Mapping():
            for inner in value.values():
                yield from texts(inner)
        case list() | tuple():
            for inner in value:
                yield from texts(inner)


def paths(value: object) -> Iterator[str]:
    """Yield every path that a text, list or mapping refers to, at any depth."""
    for text in texts(value):
        yield from REFERENCE.findall(text)


def malformed(text: str) -> str | None:
    """Return the first piece of a text that has braces but is no reference, if there is one."""
    return next((piece for piece in BRACES.findall(text) if not REFERENCE.fullmatch(piece)), None)


def only_path(value: object) -> str | None:
    """Return the path of a text that is one reference and nothing else, otherwise None."""
    found = REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    return found.group(1) if found else None


def look_up(path: str, scope: Mapping[str, Any]) -> Any:
    """Return the value at a path, or None where there is nothing."""
    value: Any = scope
    for name in path.split("."):
        match value:
            case Mapping():
                value = value.get(name)
            case list() if name.isdecimal() and len(name) <= LONGEST_PLACE and int(name) < len(value):
                value = value[int(name)]
            case _:
                return None
    return value


def fill(
    value: Any,
    scope: Mapping[str, Any],
    *,
    keep: frozenset[str] = frozenset(),
    write: Callable[[str], str] = str,
) -> Any:
    """Return a copy of a value with its references filled in.

    A text that is one reference takes the value as it is; references within a longer text become text. Those whose
    first word is in `keep` stay, to be filled in later. Every text that is filled in goes through `write`.

    Raises ValueError if some stay and what is filled in holds braces: it would be read as a reference.
    """
    match value:
        case str():
            path = only_path(value)
            if path is not None:
                return value if _kept(path, keep) else _written(_plain(look_up(path, scope), keep), write)
            filled = REFERENCE.sub(
                lambda found: (
                    found.group(0) if _kept(found.group(1), keep) else write(spoken(look_up(found.group(1), scope)))
                ),
                value,
            )
            # Pieces that are none may be one together.
            if keep and filled.count("{{") > sum(_kept(path, keep) for path in paths(value)):
                raise ValueError(_MISREAD)
            return filled
        case Mapping():
            return {name: fill(inner, scope, keep=keep, write=write) for name, inner in value.items()}
        case list() | tuple():
            return [fill(inner, scope, keep=keep, write=write) for inner in value]
        case _:
            return value


_MISREAD: Final = "what is compared with holds {{, which would be read as a reference"


def _kept(path: str, keep: frozenset[str]) -> bool:
    return path.partition(".")[0] in keep


def _plain(value: Any, keep: frozenset[str]) -> Any:
    if keep and any("{{" in text for text in texts(value)):
        raise ValueError(_MISREAD)
    return value


def _written(value: Any, write: Callable[[str], str]) -> Any:
    """Return a value with each of its texts written in a way."""
    match value:
        case _ if write is str:
            return value
        case str():
            return write(value)
        case Mapping():
            return {write(str(name)): _written(inner, write) for name, inner in value.items()}
        case list() | tuple():
            return [_written(inner, write) for inner in value]
        case _:
            return value


def spoken(value: Any, *, levels: int = DEEPEST) -> str:
    """Return a value as it stands within a sentence: nothing for nothing, lists with commas."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case Sequence() | Mapping() if levels == 0:
            return "…"
        case Sequence():
            return ", ".join(spoken(inner, levels=levels - 1) for inner in value)
        case Mapping():
            return ", ".join(f"{name}: {spoken(inner, levels=levels - 1)}" for name, inner in value.items())
        case _:
            return str(value)
