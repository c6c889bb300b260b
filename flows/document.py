"""The text of a flow: YAML read as plain data, with nothing that could surprise."""

import re
from collections.abc import Mapping
from typing import Any, Final

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, Node
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

LARGEST: Final = 256 * 1024
"""Characters a flow's text may have."""

DEEPEST: Final = 40
"""Levels a flow's text may be nested."""


class UnreadableError(ValueError):
    """The text is not a flow's YAML. Says where and why."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(why if line is None else f"line {line}: {why}")


class Resolver(BaseResolver):
    """YAML 1.2's core types only: ``on`` and ``yes`` stay words, ``12:30`` stays a text."""


Resolver.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)\Z"), list("tf"))
Resolver.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\Z"), list("-+0123456789")
)
Resolver.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{1,17}\Z"), list("-+0123456789")
)
Resolver.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:~|null|)\Z"), ["~", "n", ""])


class _Loader(Reader, Scanner, Parser, Composer, SafeConstructor, Resolver):
    """A safe loader without anchors, merges, dates, sexagesimal numbers or repeated keys."""

    def __init__(self, text: str, deepest: int) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)
        self.depth = 0
        self.deepest = deepest

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML is typed in part
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise UnreadableError(
                "anchors (&name) and aliases (*name) are not part of the language", event.start_mark.line + 1
            )
        self.depth += 1
        if self.depth > self.deepest:
            raise UnreadableError(f"nested deeper than {self.deepest} levels", event.start_mark.line + 1)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: MappingNode, deep: bool = True) -> dict[Any, Any]:
        seen: set[str] = set()
        for name, _ in node.value:
            line = name.start_mark.line + 1
            if not isinstance(name.value, str):
                raise UnreadableError("a name must be a text", line)
            if name.value in seen:
                raise UnreadableError(f"{name.value!r} stands here twice", line)
            seen.add(name.value)
        return {str(name.value): self.construct_object(value, deep=deep) for name, value in node.value}


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_mapping)  # type: ignore[type-var]  # PyYAML types its registry for its own loaders


def load(text: str, *, largest: int = LARGEST, deepest: int = DEEPEST) -> Any:
    """Return a text as plain data: texts, numbers, booleans, lists and mappings.

    Raises UnreadableError with the line for anything else, and for what is longer or nested deeper than allowed.
    """
    if len(text) > largest:
        raise UnreadableError(f"longer than {largest} characters")
    try:
        return _Loader(text, deepest).get_single_data()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise UnreadableError(error.problem or "not YAML", line) from error
    except yaml.YAMLError as error:
        raise UnreadableError("not YAML: it holds characters that a text cannot have") from error
    except (ValueError, RecursionError) as error:
        raise error if isinstance(error, UnreadableError) else UnreadableError("not YAML") from error


def read(text: str) -> dict[str, Any]:
    """Return a flow's text as plain data.

    Raises UnreadableError with the line for anything that is not a mapping of texts, numbers, booleans, lists and mappings.
    """
    data = load(text)
    if not isinstance(data, dict):
        raise UnreadableError("a flow is a mapping that begins with `template:`")
    return data


def bounded(data: object) -> bool:
    """Return whether data is small and flat enough to be a flow's, wherever it comes from."""
    room = LARGEST
    level = [data]
    for _ in range(DEEPEST + 1):
        inner: list[object] = []
        for value in level:
            room -= 1 + (len(value) if isinstance(value, str | Mapping | list | tuple) else 0)
            if room < 0:
                return False
            if isinstance(value, Mapping):
                inner.extend(value)
                inner.extend(value.values())
            elif isinstance(value, list | tuple):
                inner.extend(value)
        if not inner:
            return True
        level = inner
    return False
