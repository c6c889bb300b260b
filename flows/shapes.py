"""Shapes: what kind of value may stand somewhere, and what has which names inside.

A shape is a type as in an action's models (`Any` where nothing is known), a mapping from names to shapes, or one of
the classes below. Everything here is careful: what is not certainly wrong is fine.
"""

import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, PlainValidator, WrapValidator

from connectors.base import Dataset
from flows import document, references
from flows.problems import listed, nearest, shown

Shape = Any


@dataclass(frozen=True, slots=True)
class Either:
    """One of several shapes."""

    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """A dataset, of which the items are known."""

    item: Shape


@dataclass(frozen=True, slots=True)
class Unsure:
    """What is not there if its step has not run, or has failed."""

    shape: Shape


@dataclass(frozen=True, slots=True)
class Within:
    """What has another value for each item of a loop, and is not known outside of it."""

    each: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Where a reference leaves what is known."""

    message: str
    hint: str


Kind = Literal["a text", "a number", "a yes or no", "a time", "a list", "a dataset", "names with values", "nothing"]

_TAKES: Final[Mapping[Kind, AbstractSet[Kind]]] = {
    "a text": {"a text", "a time"},
    "a number": {"a number", "a text", "a yes or no"},
    "a yes or no": {"a yes or no", "a text", "a number"},
    "a time": {"a time", "a text", "a number"},
    "a list": {"a list"},
    "a dataset": {"a dataset", "names with values"},
    "names with values": {"names with values", "a dataset"},
    "nothing": {"nothing"},
}
"""What an input of a kind can be given. A text may say a number, or not: that is seen when it is there."""


def _origin(shape: Shape) -> Any:
    return get_origin(shape)


def list_of(shape: Shape) -> Shape:
    """Return the shape of a list."""
    return types.GenericAlias(list, (shape,))


def options(shape: Shape) -> Iterator[Shape]:
    """Yield the shapes that a value of a shape may have, none of them a choice itself."""
    if isinstance(shape, Either):
        for inner in shape.shapes:
            yield from options(inner)
    elif isinstance(shape, Unsure):
        yield from options(shape.shape)
    elif _origin(shape) is Annotated:
        changed = any(isinstance(said, BeforeValidator | PlainValidator | WrapValidator) for said in get_args(shape))
        yield from [Any] if changed else options(get_args(shape)[0])
    elif _origin(shape) in {Union, types.UnionType}:
        for inner in get_args(shape):
            yield from options(inner)
    else:
        yield shape


def kind(shape: Shape) -> Kind | None:
    """Return the kind of a shape that is no choice, None where it is not known."""
    if isinstance(shape, Mapping):
        return "names with values"
    if isinstance(shape, Stored):
        return "a dataset"
    origin = _origin(shape)
    if origin is Literal:
        kinds = {kind(type(value)) for value in get_args(shape)}
        return kinds.pop() if len(kinds) == 1 else None
    plain = origin or shape
    if plain is None:
        return "nothing"
    if not isinstance(plain, type) or plain is object:
        return None
    families: tuple[tuple[Kind, tuple[type, ...]], ...] = (
        ("nothing", (types.NoneType,)),
        ("a yes or no", (bool,)),
        ("a number", (int, float, Decimal)),
        ("a text", (str,)),
        ("a time", (date, datetime, time, timedelta)),
        ("a list", (list, tuple, AbstractSet)),
        ("a dataset", (Dataset,)),
        ("names with values", (Mapping, BaseModel)),
        ("a list", (Sequence,)),
    )
    return next((found for found, family in families if issubclass(plain, family)), None)


def kinds(shape: Shape) -> set[Kind] | None:
    """Return the kinds that a value of a shape may be of, besides nothing. None where that is not known."""
    found = {kind(option) for option in options(shape)} - {"nothing"}
    return None if None in found or not found else {each for each in found if each is not None}


def said(shape: Shape) -> str:
    """Return what a value of a shape is, in words."""
    return " or ".join(sorted(kinds(shape) or {"nothing"}))


def words(shape: Shape) -> list[str] | None:
    """Return the texts that a value of a shape may be, where they are known."""
    found: list[str] = []
    for option in options(shape):
        if kind(option) == "nothing":
            continue
        if _origin(option) is not Literal or kind(option) != "a text":
            return None
        found.extend(get_args(option))
    return found or None


def fits(given: Shape, wanted: Shape) -> bool:
    """Return whether a value of one shape may be what is wanted."""
    return any(_fits(one, other) for one in options(given) for other in options(wanted))


def _fits(given: Shape, wanted: Shape) -> bool:
    one, other = kind(given), kind(wanted)
    if one is None or other is None:
        return True
    if one == other == "a list":
        return fits(item(given), item(wanted))
    if one == other == "a text" and _origin(given) is Literal and _origin(wanted) is Literal:
        return not set(get_args(given)).isdisjoint(get_args(wanted))
    return one in _TAKES[other]


def item(shape: Shape) -> Shape:
    """Return the shape of the items of a list or dataset."""
    found = []
    for option in options(shape):
        if isinstance(option, Stored):
            found.append(option.item)
        elif kind(option) == "a list" and get_args(option):
            found.append(get_args(option)[0])
        elif kind(option) != "nothing":
            found.append(Any)
    return Either(tuple(found)) if found else Any


def inside(shape: Shape, name: str) -> list[Shape]:
    """Return the shapes that may stand under a name of a shape that is no choice, none if there is no such name."""
    if isinstance(shape, Stored):
        shape = Dataset
    if isinstance(shape, Mapping):
        return [shape[name]] if name in shape else []
    if kind(shape) == "a list":
        return [item(shape)] if name.isdecimal() else []
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        fields = {_outside(key, field): field.annotation for key, field in shape.model_fields.items()}
        fields |= {key: field.return_type for key, field in shape.model_computed_fields.items()}
        if not fields and shape.model_config.get("extra") == "allow":
            return [Any]
        return [fields[name]] if name in fields else []
    if kind(shape) == "names with values":
        return [get_args(shape)[-1] if get_args(shape) else Any]
    return [Any] if kind(shape) is None else []


def record(shape: Shape) -> dict[str, Shape]:
    """Return the names that are known inside a shape, with the shapes that stand there."""
    known = dict.fromkeys(names(shape))
    return {name: Either(tuple(inner for option in options(shape) for inner in inside(option, name))) for name in known}


def names(shape: Shape) -> list[str]:
    """Return the names that are known inside a shape."""
    found: list[str] = []
    for option in options(shape):
        plain = Dataset if isinstance(option, Stored) else option
        if isinstance(plain, Mapping):
            found += [name for name, inner in plain.items() if not isinstance(inner, Within)]
        elif isinstance(plain, type) and issubclass(plain, BaseModel):
            found += [_outside(key, field) for key, field in plain.model_fields.items()]
            found += list(plain.model_computed_fields)
    return found


def _outside(name: str, field: Any) -> str:
    return str(field.serialization_alias or field.alias or name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What references may name at one place of a flow."""

    names: Mapping[str, Shape]
    steps: Mapping[str, Shape] | None = None
    """What the steps before gave. None where no step has run: at the door."""
    sure: frozenset[str] = frozenset()
    """Paths that are certainly there, because a condition around has asked."""

    def after(self, steps: Mapping[str, Shape]) -> "Known":
        """Return what is known when some steps have run, too."""
        return Known(names=self.names, steps={**(self.steps or {}), **steps}, sure=self.sure)

    def within(self, **more: Shape) -> "Known":
        """Return what is known where there are more names."""
        return Known(names={**self.names, **more}, steps=self.steps, sure=self.sure)

    def where(self, sure: Iterable[str]) -> "Known":
        """Return what is known where some paths are certainly there."""
        return Known(names=self.names, steps=self.steps, sure=self.sure | set(sure))

    def new(self, before: "Known") -> dict[str, Shape]:
        """Return what steps gave that had not run before."""
        return {name: shape for name, shape in (self.steps or {}).items() if name not in (before.steps or {})}

    def follow(self, reference: str, *, unsure: bool = False) -> Shape | Lost:
        """Return the shape of what a reference names, or where it gets lost.

        With `unsure`, what may not be there is fine.
        """
        found: list[Shape] = [self.names if self.steps is None else {**self.names, "steps": self.steps}]
        walked: list[str] = []
        parts = reference.split(".")
        if len(parts) > document.DEEPEST:
            return Lost(message=f"{shown(reference)} is too long", hint=f"at most {document.DEEPEST} names")
        for part in parts:
            here = found
            found = [deeper for shape in here for option in options(shape) for deeper in inside(option, part)]
            if not found:
                known = [name for shape in here for name in names(shape)]
                return _nowhere(reference, part, walked, known)
            walked.append(part)
            path = ".".join(walked)
            if not unsure and not self._certain(path) and any(isinstance(shape, Unsure) for shape in found):
                why = (
                    "may have been left empty"
                    if walked[0] != "steps"
                    else "may not have run here"
                    if len(walked) == 2
                    else "may not be there, because its step may have failed"
                )
                return Lost(
                    message=f"{{{{ {reference} }}}}: {path} {why}",
                    hint=f'guard it: put it in the `then` of an `if` with {{left: "{{{{ {path} }}}}", exists: true}}',
                )
            for shape in found:
                if isinstance(shape, Within):
                    loop = f"steps.{shape.each}.results" if shape.each else "the loop's results, once it has an id"
                    return Lost(
                        message=f"{{{{ {reference} }}}}: {path} has another value for each item of a loop",
                        hint=f"say in the loop what to `collect:`, and refer to {loop}",
                    )
        return found[0] if len(found) == 1 else Either(tuple(found))

    def _certain(self, path: str) -> bool:
        return any(sure == path or sure.startswith(f"{path}.") for sure in self.sure)

    def shape(self, value: Any) -> Shape:
        """Return the shape of a written value, once it is filled in."""
        match value:
            case str():
                path = references.only_path(value)
                if path is None:
                    return str if any(references.paths(value)) else Literal[value]
                found = self.follow(path, unsure=True)
                return Any if isinstance(found, Lost) else found
            case Mapping():
                return {str(name): self.shape(inner) for name, inner in value.items()}
            case list() | tuple():
                return list_of(Either(tuple(self.shape(inner) for inner in value)) if value else Any)
            case _:
                return type(value)


def _nowhere(reference: str, part: str, walked: Sequence[str], known: Sequence[str]) -> Lost:
    where = f" in {'.'.join(walked)}" if walked else ""
    hint = nearest(part, known) or (f"there is {listed(sorted(set(known)))}" if known and not walked else "")
    return Lost(message=f"{{{{ {reference} }}}} points nowhere: there is no {part}{where}", hint=hint)
