"""Reading a flow: plain data becomes a template, or the Problems with its form."""

import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError

from flows import document
from flows.conditions import OPERATORS
from flows.language import Template
from flows.problems import MOST, Problem, listed, nearest, shown

UNION: Final = {Union, types.UnionType}

_NEEDED: Final = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "dict": "names with values",
    "model": "names with values",
    "datetime": "a time, such as 2026-01-31T12:00:00Z,",
    "timezone": "a time with a zone, such as 2026-01-31T12:00:00Z,",
}
"""What is needed, by the first word of pydantic's name for the error."""

_PATTERNS: Final = {
    r"^[a-z][a-z0-9_-]{0,62}$": "small letters, digits, - and _, beginning with a letter",
    r"^[a-z][a-z0-9_]{0,62}$": "small letters, digits and _, beginning with a letter",
    r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$": "connector.name, such as auth0.block_user",
}


def read(data: object) -> Template | list[Problem]:
    """Return a template read from plain data, or every Problem with its form."""
    if not isinstance(data, Mapping):
        return [Problem(path="document", message="a flow is a mapping that begins with `template:`")]
    if not document.bounded(data):
        return [
            Problem(
                path="document",
                message=f"longer than {document.LARGEST} characters, or nested deeper than {document.DEEPEST} levels",
            )
        ]
    try:
        return Template.model_validate(data)
    except ValidationError as error:
        return list(malformed(error.errors(include_url=False), Template))
    except RecursionError:  # not reached from texts and within the bounds above; a caller's data may be stranger
        return [Problem(path="document", message="nested too deep to be read")]


def malformed(details: Sequence[Mapping[str, Any]], shape: Any, path: str = "") -> Iterator[Problem]:
    """Yield the Problems that validating a value of a type has found, one for each place."""
    found: dict[str, Problem] = {}
    walks = [walk(shape, each["loc"]) for each in details[:MOST]]
    places = {"/".join(each.path) for each in walks}
    for each, way in zip(details, walks, strict=False):
        place = "/".join(way.path)
        # Of a text or something with names, the text is not meant where a name is wrong.
        if not (way.one_of_several and any(other.startswith(f"{place}/") for other in places)):
            full = "/".join(part for part in (path, place) if part) or "document"
            found.setdefault(full, _problem(each, way, full))
    yield from found.values()


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The way to the place of an error, through the types of the language."""

    path: list[str]
    shape: Any
    """The type of what stands there; for an unknown name, of what it stands in."""
    one_of_several: bool
    """It is one of the ways in which the place could have been meant."""


def walk(shape: Any, location: Iterable[int | str]) -> Walk:
    """Follow pydantic's location of an error. It has more parts than the data: one for each choice between types."""
    path: list[str] = []
    chose = False
    for part in location:
        shape, chosen = _bare(shape), chose
        chose = False
        if get_origin(shape) in UNION:
            shape, chose = _meant(shape, part), chosen or not _tags(shape)
            continue
        if part == "[key]":
            continue
        path.append(str(part))
        inner = get_args(shape)
        if isinstance(shape, type) and issubclass(shape, BaseModel):
            fields = {field.alias or name: field for name, field in shape.model_fields.items()}
            if part not in fields:
                break
            shape = fields[str(part)].annotation
        else:
            shape = inner[-1] if inner else Any
    return Walk(path=path, shape=_bare(shape), one_of_several=chose)


def _bare(shape: Any) -> Any:
    """Return a type without what is said about it, and without the choice of leaving it out."""
    while True:
        if get_origin(shape) is Annotated:
            shape = get_args(shape)[0]
            continue
        options = [option for option in get_args(shape) if option is not types.NoneType]
        if get_origin(shape) not in UNION or len(options) != 1:
            return shape
        shape = options[0]


def _tags(shape: Any) -> dict[str, Any]:
    """Return the kinds of a union that have words for them, by these."""
    return {
        said.tag: option
        for option in get_args(shape)
        if get_origin(option) is Annotated
        for said in get_args(option)[1:]
        if isinstance(said, Tag)
    }


def _meant(shape: Any, part: int | str) -> Any:
    named = {getattr(_bare(option), "__name__", None): option for option in get_args(shape)}
    return _tags(shape).get(str(part)) or named.get(str(part), Any)


def _problem(error: Mapping[str, Any], way: Walk, path: str) -> Problem:
    kind, said, given = error["type"], error.get("ctx", {}), error["input"]
    message, hint = error["msg"].removeprefix("Value error, "), ""
    match kind:
        case "missing":
            message = f"`{error['loc'][-1]}:` is missing"
        case "extra_forbidden":
            known = [field.alias or name for name, field in way.shape.model_fields.items()]
            message = f"`{shown(str(error['loc'][-1]))}:` is not known here"
            hint = nearest(error["loc"][-1], known) or f"known here: {listed(known)}"
        case "literal_error":
            literal = get_origin(way.shape) is Literal
            values = [str(value) for value in get_args(way.shape)] if literal else _quoted(str(said["expected"]))
            message = f"{shown(given)} is none of {listed(values)}" if values else message
            hint = nearest(given, values)
        case "string_pattern_mismatch":
            pattern = str(said.get("pattern"))
            message = f"{shown(given)} is no name of the right form" if pattern in _PATTERNS else message
            hint = _PATTERNS.get(pattern, "")
        case "too_long":
            message = f"at most {said['max_length']} can stand here"
        case "too_short":
            message = f"at least {said['min_length']} must stand here"
        case "string_too_long":
            message = f"at most {said['max_length']} characters can stand here"
        case "string_too_short":
            message = f"at least {said['min_length']} {'character' if said['min_length'] == 1 else 'characters'} must stand here"
        case "greater_than_equal" | "greater_than":
            message = f"{shown(given)} is too small: " + (
                f"at least {said['ge']}, please" if "ge" in said else f"more than {said['gt']}, please"
            )
        case "less_than_equal" | "less_than":
            message = f"{shown(given)} is too large: " + (
                f"at most {said['le']}, please" if "le" in said else f"less than {said['lt']}, please"
            )
        case "kind_of_step" | "kind_of_trigger" | "kind_of_field":
            hint = _kind(given, list(_tags(way.shape)))
        case "value_error" if error["loc"] and error["loc"][-1] == "comparison" and isinstance(given, Mapping):
            hint = _kind({name: None for name in given if name != "left"}, OPERATORS)
        case "value_error":
            pass
        case _ if kind.partition("_")[0] in _NEEDED:
            message = f"{_NEEDED[kind.partition('_')[0]]} is needed here".replace("values is", "values are")
    return Problem(path=path, message=message, hint=hint)


def _quoted(expected: str) -> list[str]:
    """Return the values that pydantic expects, where the way to the place leads through a choice of types."""
    return re.findall(r"'([^']*)'", expected)


def _kind(given: object, known: Sequence[str]) -> str:
    """Return what may have been meant by something that is of no kind, or of two."""
    if not isinstance(given, Mapping):
        return ""
    both = [f"`{name}:`" for name in given if name in known]
    if len(both) > 1:
        return f"it has {' and '.join(both)}"
    strange = [word for word in (given.get("type"), *list(given)[:20]) if word not in known]
    return next(filter(None, (nearest(word, known) for word in strange)), "")
