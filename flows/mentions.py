"""Mentions: what flows say anywhere, against what is known there: references, conditions, durations."""

from collections.abc import Iterator, Sequence
from typing import Any, assert_never

from flows import durations, references
from flows.comparing import sure, unsuitable
from flows.conditions import AllOf, AnyOf, Comparison, Not, Test
from flows.problems import Problem, shown
from flows.shapes import Known, Lost, Shape, fits, said


def tests(given: Sequence[Test], path: str, known: Known) -> Iterator[Problem]:
    """Check conditions that must all hold: each may rely on those before it."""
    for index, one in enumerate(given):
        yield from test(one, f"{path}/{index}", known)
        known = known.where(sure([one]))  # the tests after it are only looked at where it holds


def test(given: Test, path: str, known: Known) -> Iterator[Problem]:
    """Check a condition: its references, and the types on its two sides."""
    match given:
        case AllOf():
            yield from tests(given.all, f"{path}/all", known)
        case AnyOf():
            for index, inner in enumerate(given.any):
                yield from test(inner, f"{path}/any/{index}", known)
        case Not():
            yield from test(given.not_, f"{path}/not", known)
        case Comparison():
            asks = given.operator in {"exists", "is empty"}
            yield from referred(given.left, f"{path}/left", known, unsure=asks)
            yield from referred(given.right, f"{path}/{given.operator}", known)
            yield from unsuitable(given, path, known)
        case _:
            assert_never(given)


def referred(value: Any, path: str, known: Known, *, unsure: bool = False) -> Iterator[Problem]:
    """Check every reference in a value. With `unsure`, what they name may not be there."""
    for text in references.texts(value):
        wrong = references.malformed(text)
        if wrong is not None:
            yield Problem(path=path, message=f"{shown(wrong)} is no reference", hint="write {{ event.user.email }}")
        for reference in references.paths(text):
            found = known.follow(reference, unsure=unsure)
            if isinstance(found, Lost):
                yield Problem(path=path, message=found.message, hint=found.hint)


def expected(
    value: Any, path: str, known: Known, wanted: Shape, needs: str, *, unsure: bool = False
) -> Iterator[Problem]:
    """Check references, and that what is written can be of a shape. With `unsure`, what they name may not be there."""
    yield from referred(value, path, known, unsure=unsure)
    if references.only_path(value) is not None and not fits(known.shape(value), wanted):
        yield Problem(path=path, message=f"{value.strip()} is {said(known.shape(value))}, and {needs} is needed")


def duration(value: str, path: str, known: Known) -> Iterator[Problem]:
    """Check that a text is a duration, or may be one."""
    yield from expected(value, path, known, str, "a duration")
    if "{{" not in value:
        try:
            durations.seconds(value)
        except ValueError as error:
            yield Problem(path=path, message=f"{shown(value)} is no duration", hint=str(error))
