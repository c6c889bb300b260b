"""Conditions: questions about values, as data: ``{left: …, is one of: […]}``, nested with ``all``, ``any`` and ``not``."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, assert_never

import re2
from pydantic import Discriminator, Field, Tag, model_serializer, model_validator

from flows.references import fill
from flows.words import Words

Operator = Literal[
    "is",
    "is not",
    "is one of",
    "contains",
    "starts with",
    "ends with",
    "matches",
    "less than",
    "greater than",
    "at least",
    "at most",
    "before",
    "after",
    "exists",
    "is empty",
]
OPERATORS: Final[tuple[Operator, ...]] = Operator.__args__  # type: ignore[attr-defined]  # what the Literal lists

_PATTERNS: Final = re2.Options()
_PATTERNS.max_mem = 1 << 20
_PATTERNS.log_errors = False


class Comparison(Words):
    """A question about one value: `left` and exactly one operator."""

    left: Any
    operator: Operator
    right: Any

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, value: object) -> object:
        if not isinstance(value, Mapping) or "operator" in value:
            return value
        named = [name for name in value if name in OPERATORS]
        if "left" not in value or len(named) != 1 or len(value) != 2:
            raise ValueError(
                f"a condition is `left:` and exactly one of {', '.join(f'`{name}:`' for name in OPERATORS)}"
            )
        return {"left": value["left"], "operator": named[0], "right": value[named[0]]}

    @model_validator(mode="after")
    def _pattern(self) -> "Comparison":
        if self.operator == "matches":
            if not isinstance(self.right, str) or "{{" in self.right:
                raise ValueError("`matches:` needs a regular expression, written out")
            pattern(self.right)
        return self

    @model_serializer
    def _written(self) -> dict[str, Any]:
        return {"left": self.left, self.operator: self.right}


class AllOf(Words):
    """Every one of these holds."""

    all: "Tests"


class AnyOf(Words):
    """At least one of these holds."""

    any: "Tests"


class Not(Words):
    """This does not hold."""

    not_: "Test" = Field(alias="not")


def _kind_of_test(value: object) -> str:
    match value:
        case {"all": _} | AllOf():
            return "all"
        case {"any": _} | AnyOf():
            return "any"
        case {"not": _} | Not():
            return "not"
        case _:
            return "comparison"


Test = Annotated[
    Annotated[Comparison, Tag("comparison")]
    | Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")],
    Discriminator(_kind_of_test),
]
Tests = Annotated[list[Test], Field(min_length=1, max_length=20)]
"""All of these must hold."""

for _model in (AllOf, AnyOf, Not):
    _model.model_rebuild()


@lru_cache(maxsize=512)
def pattern(text: str) -> Any:
    """Return a compiled regular expression. It is matched in linear time, whatever it says (google-re2).

    Raises ValueError, in words, when it is none.
    """
    if len(text) > 1000:
        raise ValueError("a regular expression has at most 1000 characters")
    try:
        return re2.compile(text, _PATTERNS)
    except UnicodeEncodeError as error:
        raise ValueError("a regular expression has no half characters") from error
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error.args[0])
        raise ValueError(f"not a regular expression of the RE2 kind: {said}") from error


def moment(value: object) -> datetime | None:
    """Return a date or time as a moment: ISO 8601 (without a zone it is UTC) or Unix seconds. None for anything else.

    In UTC, too, a moment lies in the years 1 to 9999.
    """
    match value:
        case bool():
            return None
        case int() | float():
            try:
                return datetime.fromtimestamp(value, UTC)
            except (OverflowError, OSError, ValueError):
                return None
        case str():
            try:
                found = datetime.fromisoformat(value.strip())
                if found.tzinfo is None:
                    return found.replace(tzinfo=UTC)
                found.astimezone(UTC)
            except (OverflowError, ValueError):
                return None
            return found
        case _:
            return None


def holds(test: Test, scope: Mapping[str, Any]) -> bool:
    """Return whether a test is true of what a run knows."""
    match test:
        case Comparison():
            return compare(fill(test.left, scope), test.operator, fill(test.right, scope))
        case AllOf():
            return all_hold(test.all, scope)
        case AnyOf():
            return any(holds(inner, scope) for inner in test.any)
        case Not():
            return not holds(test.not_, scope)
        case _:
            assert_never(test)


def all_hold(tests: Sequence[Test] | None, scope: Mapping[str, Any]) -> bool:
    """Return whether every test is true."""
    return all(holds(test, scope) for test in tests or ())


def compare(left: Any, operator: Operator, right: Any) -> bool:
    """Compare two values. Values that an operator does not understand do not compare: the answer is no."""
    match operator:
        case "is":
            return _same(left, right)
        case "is not":
            return not _same(left, right)
        case "is one of":
            return isinstance(right, list) and any(_same(left, one) for one in right)
        case "contains":
            if isinstance(left, str) and isinstance(right, str):
                return right.casefold() in left.casefold()
            return isinstance(left, list) and any(_same(one, right) for one in left)
        case "starts with":
            return isinstance(left, str) and isinstance(right, str) and left.casefold().startswith(right.casefold())
        case "ends with":
            return isinstance(left, str) and isinstance(right, str) and left.casefold().endswith(right.casefold())
        case "matches":
            return isinstance(left, str) and isinstance(right, str) and _matches(left, right)
        case "less than":
            return _numbers(left, right, lambda a, b: a < b)
        case "greater than":
            return _numbers(left, right, lambda a, b: a > b)
        case "at least":
            return _numbers(left, right, lambda a, b: a >= b)
        case "at most":
            return _numbers(left, right, lambda a, b: a <= b)
        case "before":
            first, second = moment(left), moment(right)
            return first is not None and second is not None and first < second
        case "after":
            first, second = moment(left), moment(right)
            return first is not None and second is not None and first > second
        case "exists":
            return (left is not None) == (right is not False)
        case "is empty":
            return (left is None or left in ("", [], {})) == (right is not False)
        case _:
            assert_never(operator)


def _matches(text: str, written: str) -> bool:
    try:
        return pattern(written).search(text) is not None
    except ValueError:  # JSON may hold half a character, which is in no text that RE2 reads
        return False


def _same(left: Any, right: Any) -> bool:
    # In Python True == 1, in the language a yes is no number.
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(left: Any, right: Any, relation: Callable[[Any, Any], bool]) -> bool:
    return _number(left) and _number(right) and relation(left, right)
