"""Comparing what can be compared: whether a condition's operator suits what stands on its two sides."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, Literal

from flows import references
from flows.conditions import AllOf, Comparison, Operator, Test, moment
from flows.problems import Problem, either, nearest, shown
from flows.shapes import Kind, Known, Shape, fits, item, kinds, said, words

_LEFT: Final[Mapping[Operator, tuple[AbstractSet[Kind], str]]] = {
    "contains": ({"a text", "a list"}, "looks into texts and lists"),
    "starts with": ({"a text"}, "compares texts"),
    "ends with": ({"a text"}, "compares texts"),
    "matches": ({"a text"}, "compares texts"),
    "less than": ({"a number"}, "compares numbers"),
    "greater than": ({"a number"}, "compares numbers"),
    "at least": ({"a number"}, "compares numbers"),
    "at most": ({"a number"}, "compares numbers"),
    "before": ({"a text", "a number", "a time"}, "compares times"),
    "after": ({"a text", "a number", "a time"}, "compares times"),
}
"""What may stand on the left of an operator. On the others', anything."""

_INSTEAD: Final[Mapping[Kind, str]] = {
    "a text": "for a text: is, is one of, contains, starts with, ends with, matches, before, after",
    "a number": "for a number: is, less than, greater than, at least, at most",
    "a yes or no": "for a yes or no: is, is not",
    "a list": "for a list: contains, is empty",
}


def sure(tests: Sequence[Test]) -> Iterator[str]:
    """Yield the paths that are certainly there where these tests hold."""
    for test in tests:
        match test:
            case AllOf():
                yield from sure(test.all)
            case Comparison(operator="exists", right=True) | Comparison(operator="is empty", right=False):
                path = references.only_path(test.left)
                if path is not None:
                    yield path
            case _:
                pass


def unsuitable(test: Comparison, path: str, known: Known) -> Iterator[Problem]:
    """Yield the Problems with the types of a comparison."""
    left, operator, right = known.shape(test.left), test.operator, test.right
    name, here = _named(test.left), f"{path}/{test.operator}"
    has, given = kinds(left), known.shape(right)
    if has and operator in _LEFT and has.isdisjoint(_LEFT[operator][0]):
        instead = _INSTEAD.get(next(iter(has)), "") if len(has) == 1 else ""
        yield Problem(path=here, message=f"`{operator}` {_LEFT[operator][1]}, and {name} is {said(left)}", hint=instead)
        return
    match operator:
        case "exists" | "is empty":
            if not isinstance(right, bool):
                yield Problem(path=here, message=f"`{operator}` needs true or false", hint=f"{operator}: true")
        case "is" | "is not":
            yield from _never(name, left, right, known, here)
        case "is one of":
            yield from _none_of(name, left, right, known, here)
        case "contains":
            if has == {"a list"}:
                yield from _never(f"an item of {name}", item(left), right, known, here)
            elif has == {"a text"}:
                yield from _needs(operator, {"a text"}, right, given, here)
        case "starts with" | "ends with":
            yield from _needs(operator, {"a text"}, right, given, here)
        case "less than" | "greater than" | "at least" | "at most":
            yield from _needs(operator, {"a number"}, right, given, here)
        case "before" | "after":
            if isinstance(right, str) and not _refers(right) and moment(right) is None:
                yield Problem(path=here, message=f"{shown(right)} is no time", hint="write 2026-01-31T12:00:00Z")
            else:
                yield from _needs(operator, {"a text", "a number", "a time"}, right, given, here)
        case _:  # `matches` has been read
            pass


def _none_of(name: str, left: Shape, right: Any, known: Known, here: str) -> Iterator[Problem]:
    given = known.shape(right)
    has = kinds(given)
    if isinstance(right, list):
        for index, one in enumerate(right):
            yield from _never(name, left, one, known, f"{here}/{index}")
    elif has and "a list" not in has:
        yield Problem(
            path=here, message=f"`is one of` needs a list, and {_named(right)} is {said(given)}", hint="[a, b]"
        )
    elif has == {"a list"}:
        possible, offered = words(left), words(item(given))
        if possible and offered and set(possible).isdisjoint(offered):
            yield Problem(
                path=here,
                message=f"{name} is {either(possible)}, and none of these is in {_named(right)}",
                hint=f"there is {either(offered)}",
            )


def _never(name: str, left: Shape, right: Any, known: Known, here: str) -> Iterator[Problem]:
    """Yield a Problem if two values are certainly not the same."""
    given = known.shape(right)
    possible = words(left)
    if possible and isinstance(right, str) and not _refers(right):
        if right not in possible:
            hint = nearest(right, possible)
            yield Problem(path=here, message=f"{name} is never {shown(right)}: it is {either(possible)}", hint=hint)
        return
    has, other = kinds(left), kinds(given)
    if has and other and not _alike(has, other):
        hint = f"write {right.strip()} without quotes" if _quoted(right) and has == {"a number"} else ""
        yield Problem(path=here, message=f"{name} is {said(left)}, and {_named(right)} is {said(given)}", hint=hint)
    elif has == other == {"a text"} and not fits(left, given):
        yield Problem(
            path=here, message=f"{name} is never what {_named(right)} is", hint=f"it is {either(possible or [])}"
        )


def _alike(one: AbstractSet[Kind], other: AbstractSet[Kind]) -> bool:
    # Times are texts once they are noted, and datasets are names with values.
    same = {"a time": "a text", "a dataset": "names with values"}
    return not {same.get(kind, kind) for kind in one}.isdisjoint(same.get(kind, kind) for kind in other)


def _needs(operator: Operator, wanted: AbstractSet[Kind], right: Any, given: Shape, here: str) -> Iterator[Problem]:
    has = kinds(given)
    if right is not None and (has is None or not has.isdisjoint(wanted)):
        return
    what = "a time" if "a time" in wanted else next(iter(wanted))
    hint = f"write {right.strip()} without quotes" if _quoted(right) and wanted == {"a number"} else ""
    yield Problem(path=here, message=f"`{operator}` needs {what}, and {_named(right)} is {said(given)}", hint=hint)


def _refers(value: Any) -> bool:
    return any(references.paths(value))


def _quoted(value: Any) -> bool:
    return isinstance(value, str) and value.strip().isascii() and value.strip().removeprefix("-").isdigit()


def _named(value: Any) -> str:
    path: str | Literal[""] = references.only_path(value) or ""
    return f"{{{{ {path} }}}}" if path else shown(value)
