"""What the built-in actions take and give: kinds of value with their bounds, and the results that many share.

An action that is given what does not fit is refused before it begins. What a value may be is what JSON may say: nothing,
yes or no, a number, a text, a list, an object.
"""

import re
import string
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field

from connectors.base import Value
from connectors.errors import Refused
from connectors.wording import clean
from flows.references import spoken

MOST_TEXT: Final = 1_000_000
"""Characters in a text."""
MOST_ITEMS: Final = 100_000
"""Items in a list, names in an object."""
MOST_VALUES: Final = 1_000_000
"""Values within a value, at any depth."""
DEEPEST: Final = 100
"""Lists and objects within each other."""
LARGEST: Final = 1e300
"""A number's size."""

_NUMBER: Final = re.compile(r"[+-]?\d{1,300}(\.\d{1,300})?([eE][+-]?\d{1,3})?", re.ASCII)
_DOT: Final = re.compile(r"(?<!\\)\.")


# --- what is given --------------------------------------------------------------------------------------------------


def whole_characters(text: str) -> str:
    """Return a text, unless it has halves of characters, which no encoding can write."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("this text has characters that are broken in two") from error
    return text


def data(value: Any) -> Any:
    """Return a value, unless it is no data: too deep, too much, or nothing that JSON could say. Raises ValueError."""
    waiting: list[tuple[Any, int]] = [(value, 0)]
    seen = 0
    while waiting:
        one, depth = waiting.pop()
        seen += 1
        if seen > MOST_VALUES:
            raise ValueError(f"this has more than {MOST_VALUES:,} values in it")
        match one:
            case None | bool():
                pass
            case int() | float():
                if not abs(one) <= LARGEST:
                    raise ValueError("this number is too large")
            case str():
                whole_characters(one)
            case list() | dict():
                if depth == DEEPEST:
                    raise ValueError(f"this is more than {DEEPEST} lists and objects within each other")
                if isinstance(one, dict):
                    if not all(isinstance(name, str) and whole_characters(name) == name for name in one):
                        raise ValueError("the names in an object are texts")
                    one = one.values()
                waiting.extend((inner, depth + 1) for inner in one)
            case _:
                raise ValueError("this is no text, number, yes or no, list or object")
    return value


def as_text(value: object) -> object:
    """Return what may be taken for a text as one. Raises ValueError."""
    match value:
        case str():
            return whole_characters(value)
        case None:
            raise ValueError("there is nothing here, and a text is needed")
        case bool() | list() | dict():
            raise ValueError("this is no text")
        case int() | float():
            return spoken(data(value))
        case _:
            return value


def as_number(value: object) -> object:
    """Return what may be taken for a number as one. Raises ValueError."""
    match value:
        case None:
            raise ValueError("there is nothing here, and a number is needed")
        case str() if _NUMBER.fullmatch(value.strip()):
            found = float(value) if re.search(r"[.eE]", value) else int(value)
            return data(found)
        case bool() | str() | list() | dict():
            raise ValueError("this is no number")
        case _:
            return data(value)


def _path(value: str) -> str:
    parts = names_of(value)
    if len(parts) > 50 or not all(parts):
        raise ValueError("a path is names with dots in between, at most 50, such as user.email")
    return value


AnyText = Annotated[str, Field(max_length=MOST_TEXT), BeforeValidator(as_text)]
"""A text; a number is taken as it is written."""
FilledText = Annotated[str, Field(min_length=1, max_length=MOST_TEXT), BeforeValidator(as_text)]
ShortText = Annotated[str, Field(max_length=1000), BeforeValidator(as_text)]
ShortFilledText = Annotated[str, Field(min_length=1, max_length=1000), BeforeValidator(as_text)]
AnyNumber = Annotated[int | float, BeforeValidator(as_number)]
"""A number, or a text that is one, with a point before its decimals."""
Whole = Annotated[int, Field(ge=-(10**12), le=10**12), BeforeValidator(as_number)]
Natural = Annotated[int, Field(ge=0, le=10**12), BeforeValidator(as_number)]
AnyValue = Annotated[Any, AfterValidator(data)]
AnyList = Annotated[list[Any], Field(max_length=MOST_ITEMS), AfterValidator(data)]
AnyObject = Annotated[dict[str, Any], Field(max_length=MOST_ITEMS), AfterValidator(data)]
Path = Annotated[ShortText, AfterValidator(_path)]
"""Names with dots in between, as in references. A dot that belongs to a name is written ``\\.``."""


def names_of(path: str) -> list[str]:
    """Return the names in a path."""
    return [name.replace("\\.", ".") for name in _DOT.split(path)]


def path_of(names: Sequence[str]) -> str:
    """Return names as a path."""
    return ".".join(name.replace(".", "\\.") for name in names)


def literally(text: str) -> str:
    """Return a text as a pattern that fits it alone."""
    return "".join(f"\\{each}" if each in string.punctuation and each != "_" else each for each in text)


def reach(value: Any, path: str) -> tuple[Any, bool]:
    """Return what stands at a path within a value, and whether anything does."""
    for name in names_of(path):
        match value:
            case Mapping() if name in value:
                value = value[name]
            case list() if name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            case _:
                return None, False
    return value, True


def is_filled(value: Any) -> bool:
    """Return whether a value says anything: not nothing, no blank text, no empty list or object. 0 and no do."""
    return bool(value.strip()) if isinstance(value, str) else value is not None and value not in ([], {})


def identity(value: Any) -> Any:
    """Return something hashable that is the same for the same values. As in conditions, a yes is no number."""
    match value:
        case bool():
            return bool, value
        case list():
            return list, tuple(identity(inner) for inner in value)
        case dict():
            return dict, frozenset((name, identity(inner)) for name, inner in value.items())
        case _:
            return value


# --- what is given back ---------------------------------------------------------------------------------------------


class OneText(Value):
    """A text."""

    text: str = Field(title="Text", description="The text.")


class OneNumber(Value):
    """A number."""

    number: int | float = Field(title="Number", description="The number.")


class OneValue(Value):
    """A value that may be missing."""

    value: Any = Field(title="Value", description="The value; nothing if there is none.")
    found: bool = Field(title="Found", description="Whether there is one.")


class OneObject(Value):
    """An object."""

    object: dict[str, Any] = Field(title="Object", description="The object: values by their names.")


class SomeItems(Value):
    """A list."""

    items: list[Any] = Field(title="Items", description="The list.")
    count: int = Field(title="Count", description="How many items it has.")


def quoted(value: Any) -> str:
    """Return the beginning of a value, on one line and in quotation marks, for an error."""
    return f"‘{clean(spoken(value), limit=60)}’"


def one_text(text: str) -> OneText:
    """Return a text as a result, unless it is too long."""
    if len(text) > MOST_TEXT:
        raise Refused(f"The text would have more than {MOST_TEXT:,} characters.")
    return OneText(text=text)


def one_object(found: dict[str, Any]) -> OneObject:
    """Return an object as a result, unless it is too large."""
    if len(found) > MOST_ITEMS:
        raise Refused(f"The object would have more than {MOST_ITEMS:,} names.")
    return OneObject(object=found)


def some_items(items: list[Any]) -> SomeItems:
    """Return a list as a result, unless it is too long."""
    if len(items) > MOST_ITEMS:
        raise Refused(f"The list would have more than {MOST_ITEMS:,} items.")
    return SomeItems(items=items, count=len(items))
