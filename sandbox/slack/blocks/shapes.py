"""The shapes that JSON can be required to have, and the problems found where it has another."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, and where (a JSON pointer)."""

    message: str
    pointer: str
    constraint: Mapping[str, Any] = field(default_factory=dict)

    def as_text(self) -> str:
        """Say it the way Slack does."""
        return f"{self.message} [json-pointer:{self.pointer}]"


class Shape(Protocol):
    """Something that JSON can be checked against."""

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """List what is wrong with a value found at a pointer."""
        ...


def problem(message: str, at: str, **constraint: Any) -> Problem:
    """Make a problem."""
    return Problem(message=message, pointer=at, constraint=constraint)


@dataclass(frozen=True, slots=True, kw_only=True)
class String:
    """A string. Lengths are counted in code points."""

    least: int = 0
    most: int | None = None
    pattern: str | None = None
    about: str = "a valid string"

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """List what is wrong with the string."""
        if not isinstance(value, str):
            yield problem("must provide a string", at, type="type", expected="string")
            return
        if len(value) < self.least:
            yield problem(f"must be more than {self.least - 1} characters", at, type="min_length", expected=self.least)
        if self.most is not None and len(value) > self.most:
            yield problem(f"must be less than {self.most + 1} characters", at, type="max_length", expected=self.most)
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            yield problem(f"must be {self.about}", at, type="pattern", expected=self.pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number within bounds."""

    least: float | None = None
    most: float | None = None
    above: float | None = None
    whole: bool = True

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """List what is wrong with the number."""
        kinds = int if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            wanted = "integer" if self.whole else "number"
            yield problem(f"must provide a{'n' if self.whole else ''} {wanted}", at, type="type", expected=wanted)
            return
        if self.least is not None and value < self.least:
            yield problem(f"must be at least {self.least:g}", at, type="minimum", expected=self.least)
        if self.most is not None and value > self.most:
            yield problem(f"must be at most {self.most:g}", at, type="maximum", expected=self.most)
        if self.above is not None and value <= self.above:
            yield problem(f"must be greater than {self.above:g}", at, type="exclusive_minimum", expected=self.above)


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """List what is wrong with the flag."""
        if not isinstance(value, bool):
            yield problem("must provide a boolean", at, type="type", expected="boolean")


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON at all."""

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """Find nothing wrong."""
        yield from ()


class Choice:
    """One of a few fixed values."""

    def __init__(self, *values: Any) -> None:
        self.values = values

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """List what is wrong with the choice."""
        if isinstance(value, bool) or value not in self.values:
            allowed = ", ".join(str(each) for each in self.values)
            yield problem(f"must be one of: {allowed}", at, type="enum", expected=list(self.values))


class Items:
    """A list of things of one shape."""

    def __init__(self, shape: Shape, least: int = 0, most: int | None = None, *, unique: bool = False) -> None:
        self.shape, self.least, self.most, self.unique = shape, least, most, unique

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """List what is wrong with the list and the things in it."""
        if not isinstance(value, list):
            yield problem("must be an array", at, type="type", expected="array")
            return
        if len(value) < self.least:
            things = "item" if self.least == 1 else "items"
            yield problem(f"must have at least {self.least} {things}", at, type="min_items", expected=self.least)
        if self.most is not None and len(value) > self.most:
            yield problem(f"no more than {self.most} items allowed", at, type="max_items", expected=self.most)
            return
        if self.unique and any(value.index(item) != place for place, item in enumerate(value)):
            yield problem("items must be unique", at, type="unique")
        for place, item in enumerate(value):
            yield from self.shape.check(item, f"{at}/{place}")


Rule = Callable[[dict[str, Any], str], Iterator[Problem]]
"""What has to hold between the fields of a record."""


class Record:
    """An object with fields that have to be there, fields that may be, and no others."""

    def __init__(
        self, required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None, *rules: Rule
    ) -> None:
        self.required, self.optional, self.rules = required, optional or {}, rules

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """List what is wrong with the object and its fields."""
        if not isinstance(value, dict):
            yield problem("must provide an object", at, type="type", expected="object")
            return
        for name in self.required:
            if name not in value:
                yield problem(f"missing required field: {name}", at, type="required", expected=name)
        for name, given in value.items():
            shape = self.required.get(name) or self.optional.get(name)
            if shape is None:
                yield problem(f"invalid additional property: {name}", at, type="additional", expected=name)
            else:
                yield from shape.check(given, f"{at}/{name}")
        for rule in self.rules:
            yield from rule(value, at)


class Variants:
    """An object whose `type` says which shape it has."""

    def __init__(self, shapes: Mapping[str, Shape], *more: Mapping[str, Shape]) -> None:
        self.shapes: dict[str, Shape] = dict(shapes)
        for each in more:
            self.shapes |= each

    def only(self, *types: str) -> "Variants":
        """Give the same shapes, without those of other types."""
        return Variants({name: self.shapes[name] for name in types})

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """List what is wrong with the object, by the shape of its type."""
        if not isinstance(value, dict):
            yield problem("must provide an object", at, type="type", expected="object")
            return
        kind = value.get("type")
        if "type" not in value:
            yield problem("missing required field: type", at, type="required", expected="type")
        elif not isinstance(kind, str) or kind not in self.shapes:
            yield problem(f"unsupported type: {kind}", f"{at}/type", type="enum", expected=list(self.shapes))
        else:
            yield from self.shapes[kind].check(value, at)


def one_of(*names: str) -> Rule:
    """Require exactly one of these fields."""

    def rule(value: dict[str, Any], at: str) -> Iterator[Problem]:
        given = [name for name in names if name in value]
        if len(given) != 1:
            yield problem(f"must have exactly one of: {', '.join(names)}", at, type="one_of", expected=list(names))

    return rule


def any_of(*names: str) -> Rule:
    """Require at least one of these fields."""

    def rule(value: dict[str, Any], at: str) -> Iterator[Problem]:
        if not any(name in value for name in names):
            yield problem(f"must have at least one of: {', '.join(names)}", at, type="any_of", expected=list(names))

    return rule
