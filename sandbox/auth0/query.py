"""The search language for users: the part of Lucene that the service takes.

    field:value   field:"some words"   field:wild*   field:[a TO b]   field:{a TO b}   field:>5
    _exists_:field   AND OR NOT && || ! + -   ( )   field:(a OR b)   bare words

NOT binds tighter than AND, AND tighter than OR. Side by side, terms are joined by OR, except that `-` and `+` terms must hold.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from sandbox.auth0.errors import ApiError
from sandbox.auth0.moments import seconds

Profile = dict[str, Any]
Test = Callable[[Profile], bool]

TOKEN = re.compile(
    r"""\s*(?:
      (?P<range>(?<=:)[\[{][^\]}]*[\]}])
    | (?P<quoted>"(?:[^"\\]|\\.)*")
    | (?P<mark>\(|\)|&&|\|\||!(?!\s|$)|[+-](?=[\w"(]))
    | (?P<field>(?:[\w.@-]|\\.)+):
    | (?P<word>(?:[^\s()"\[\]{}:\\]|\\.)+)
    )""",
    re.VERBOSE | re.DOTALL,
)
RANGE = re.compile(r"^([\[{])\s*(\S+)\s+TO\s+(\S+)\s*([\]}])$")
COMPARISON = re.compile(r"^(>=|<=|>|<)(.+)$")
WILD = {"*": ".*", "?": "."}
ANY_CASE = {"email", "name", "nickname"}
WITHOUT_FIELD = ("email", "name", "nickname", "given_name", "family_name", "username", "phone_number", "user_id")
SHORTEST_WILDCARD = 3
DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a query."""

    kind: str
    text: str


TIMED = {"created_at", "last_login"}
"""What a search may be narrowed by before it looks at anybody."""


@dataclass(frozen=True, slots=True)
class Span:
    """A test that a moment lies between two others."""

    field: str
    test: Test
    low: float
    high: float
    with_low: bool
    with_high: bool

    def __call__(self, profile: Profile) -> bool:
        """Test a profile."""
        return self.test(profile)

    def holds(self, moment: float) -> bool:
        """Test the moment itself."""
        after = self.low < moment or (self.with_low and self.low == moment)
        return after and (moment < self.high or (self.with_high and self.high == moment))


@dataclass(frozen=True, slots=True)
class Every:
    """Tests that must all hold."""

    tests: tuple[Test, ...]

    def __call__(self, profile: Profile) -> bool:
        """Test a profile."""
        return all(test(profile) for test in self.tests)


def spans_of(test: Test) -> list[Span]:
    """Return the spans of time that whoever passes a test lies within."""
    match test:
        case Span():
            return [test]
        case Every():
            return [span for one in test.tests for span in spans_of(one)]
        case _:
            return []


def only_spans(test: Test) -> bool:
    """Tell whether a test asks for nothing but spans of time."""
    return isinstance(test, Span) or (isinstance(test, Every) and all(map(only_spans, test.tests)))


def refuse(why: str) -> NoReturn:
    """Refuse a query that cannot be read."""
    raise ApiError(400, f"Query validation error: 'Invalid query: {why}' on property q.", "invalid_query_string")


def matcher(query: str) -> Test:
    """Read a query; gives the test that a profile passes or not.

    Raises ApiError 400 when it cannot be read.
    """
    if query.strip() in {"", "*", "*:*"}:
        return lambda profile: True
    return Reader(list(tokens(query))).whole()


def tokens(query: str) -> Iterator[Token]:
    """Cut a query into its pieces."""
    position = 0
    end = len(query.rstrip())
    while position < end:
        found = TOKEN.match(query, position)
        if found is None:
            refuse(f"unexpected character at position {position}")
        kind = str(found.lastgroup)
        yield Token(kind, found[kind])
        position = found.end()


class Reader:
    """A recursive-descent reader over the pieces of one query."""

    def __init__(self, pieces: list[Token]) -> None:
        self.pieces = pieces
        self.at = 0
        self.depth = 0

    def peek(self) -> Token | None:
        """Look at the next piece."""
        return self.pieces[self.at] if self.at < len(self.pieces) else None

    def next_is(self, *texts: str) -> bool:
        """Tell whether the next piece is one of these operators."""
        piece = self.peek()
        return piece is not None and piece.kind in {"word", "mark"} and piece.text in texts

    def take(self) -> Token:
        """Take the next piece."""
        piece = self.peek()
        if piece is None:
            refuse("unexpected end")
        self.at += 1
        return piece

    def whole(self) -> Test:
        """Read everything."""
        test = self.either(None)
        if self.peek() is not None:
            refuse(f"unexpected {self.take().text}")
        return test

    def either(self, field: str | None) -> Test:
        """Read terms joined by OR, or standing side by side."""
        optional: list[Test] = []
        needed: list[Test] = []
        while True:
            sign = self.take().text if self.next_is("+", "-") else ""
            test = self.both(field)
            if sign == "-":
                needed.append(negated(test))
            else:
                (needed if sign else optional).append(test)
            if self.next_is("OR", "||"):
                self.take()
            elif self.peek() is None or self.next_is(")"):
                break
        if needed:
            held = all_of(needed)
            # Beside terms that must hold, optional ones count only where nothing positive must hold.
            return all_of([held, any_of(optional)]) if optional else held
        return any_of(optional)

    def both(self, field: str | None) -> Test:
        """Read terms joined by AND."""
        tests = [self.maybe_not(field)]
        while self.next_is("AND", "&&"):
            self.take()
            tests.append(self.maybe_not(field))
        return all_of(tests)

    def maybe_not(self, field: str | None) -> Test:
        """Read a term with or without NOT."""
        self.depth += 1
        if self.depth > DEEPEST:
            refuse("it is nested too deeply")
        if self.next_is("NOT", "!", "-"):
            self.take()
            test = negated(self.maybe_not(field))
        else:
            test = self.term(field)
        self.depth -= 1
        return test

    def term(self, field: str | None) -> Test:
        """Read one term: a group, a field with its value, or a bare value."""
        piece = self.take()
        match piece.kind:
            case "mark" if piece.text == "(":
                test = self.either(field)
                if not self.next_is(")"):
                    refuse("a parenthesis is not closed")
                self.take()
                return test
            case "field" if field is None:
                return self.field_term(plain(piece.text))
            case "quoted":
                return value_test(field, piece.text[1:-1], quoted=True)
            case "word" if piece.text not in {"AND", "OR", "NOT"}:
                return value_test(field, piece.text, quoted=False)
            case _:
                refuse(f"unexpected {piece.text}")

    def field_term(self, field: str) -> Test:
        """Read what comes after `field:`."""
        piece = self.peek()
        if piece is None or (piece.kind == "mark" and piece.text not in {"(", "-"}):
            refuse(f"{field} has no value")
        if piece.kind == "range":
            return range_test(field, self.take().text)
        if piece.kind == "mark" and piece.text == "-":
            self.take()
            return value_test(field, f"-{self.take().text}", quoted=False)
        if field == "_exists_":
            name = plain(self.take().text.strip('"'))
            return lambda profile: any(value not in (None, [], {}) for value in values_at(profile, name))
        return self.term(field)


def negated(test: Test) -> Test:
    """Turn a test round."""
    return lambda profile: not test(profile)


def all_of(tests: list[Test]) -> Test:
    """Demand every test."""
    return tests[0] if len(tests) == 1 else Every(tuple(tests))


def any_of(tests: list[Test]) -> Test:
    """Demand one of the tests."""
    if len(tests) == 1:
        return tests[0]
    return lambda profile: any(test(profile) for test in tests)


def plain(text: str) -> str:
    """Take the backslashes out."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def values_at(profile: Any, path: str) -> list[Any]:
    """Give every value at a dotted path; lists on the way are looked into."""
    if path == "email.domain":
        return [str(profile["email"]).partition("@")[2]] if profile.get("email") else []
    found = [profile]
    for part in path.split("."):
        found = [item[part] for item in flat(found) if isinstance(item, dict) and part in item]
    return flat(found)


def flat(values: list[Any]) -> list[Any]:
    """Open the lists among some values."""
    return [item for one in values for item in (one if isinstance(one, list) else [one])]


def value_test(field: str | None, text: str, *, quoted: bool) -> Test:
    """Test one value, of a field or of the usual fields."""
    fields = (field,) if field else WITHOUT_FIELD
    comparison = None if quoted else COMPARISON.match(text)
    if field and comparison:
        return bounds_test(field, *bounds_of(comparison[1], plain(comparison[2])))
    if not quoted and re.search(r"(?<!\\)[*?]", text):
        return wildcard_test(fields, text)
    wanted = plain(text)
    return lambda profile: any(same(name, value, wanted) for name in fields for value in values_at(profile, name))


def same(field: str, value: Any, wanted: str) -> bool:
    """Compare a value with what was asked for; e-mails and names whatever their case."""
    match value:
        case bool():
            return wanted == ("true" if value else "false")
        case int() | float():
            return wanted == str(value) or number(wanted) == float(value)
        case str():
            if field.partition(".")[0] in ANY_CASE or field == "email.domain":
                return value.lower() == wanted.lower()
            return value == wanted or (seconds(value) is not None and seconds(value) == seconds(wanted))
        case _:
            return False


def wildcard_test(fields: tuple[str, ...], text: str) -> Test:
    """Test with `*`; it takes three other characters, and no user_metadata."""
    if fields[0].startswith("user_metadata"):
        refuse("wildcards are not available on user_metadata")
    if text == "*":
        return lambda profile: any(values_at(profile, name) for name in fields)
    if len(plain(text).replace("*", "").replace("?", "")) < SHORTEST_WILDCARD:
        refuse("a wildcard takes three or more characters")
    pattern = "".join(WILD.get(part, re.escape(plain(part))) for part in re.findall(r"\\.|.", text, re.DOTALL))

    def fits(name: str, value: Any) -> bool:
        case = re.IGNORECASE if name.partition(".")[0] in ANY_CASE else re.NOFLAG
        return re.fullmatch(pattern, str(value), case | re.DOTALL) is not None

    return lambda profile: any(fits(name, value) for name in fields for value in values_at(profile, name))


def bounds_of(operator: str, text: str) -> tuple[str, str, bool, bool]:
    """Turn a comparison into the bounds of a range."""
    if operator.startswith(">"):
        return text, "*", operator == ">=", True
    return "*", text, True, operator == "<="


def range_test(field: str, text: str) -> Test:
    """Test a range, with its ends or without."""
    found = RANGE.match(text)
    if found is None:
        refuse(f"{text} is no range")
    low, high = (plain(found[group].strip('"')) for group in (2, 3))
    return bounds_test(field, low, high, found[1] == "[", found[4] == "]")


def bounds_test(field: str, low: str, high: str, with_low: bool, with_high: bool) -> Test:
    """Test that a value lies between two ends; `*` is no end at all."""
    if field.startswith("user_metadata"):
        refuse("ranges are not available on user_metadata")

    def inside(value: Any) -> bool:
        for end, with_end, sign in ((low, with_low, 1), (high, with_high, -1)):
            if end == "*":
                continue
            order = compare(value, end)
            if order is None or order * sign < 0 or (order == 0 and not with_end):
                return False
        return not isinstance(value, dict | bool)

    def test(profile: Profile) -> bool:
        return any(inside(value) for value in values_at(profile, field))

    ends = -math.inf if low == "*" else seconds(low), math.inf if high == "*" else seconds(high)
    if field not in TIMED or ends[0] is None or ends[1] is None:
        return test
    return Span(field, test, ends[0], ends[1], with_low, with_high)


def compare(value: Any, end: str) -> int | None:
    """Compare a value with an end of a range: -1, 0, 1, or None where they are of different kinds."""
    if isinstance(value, bool):
        return None
    one: Any = value
    other: Any
    if isinstance(value, int | float):
        other = number(end)
    elif seconds(str(value)) is not None:
        one, other = seconds(str(value)), seconds(end)
    else:
        one, other = str(value), end
    if other is None:
        return None
    return int(one > other) - int(one < other)


def number(text: str) -> float | None:
    """Read a number, or nothing."""
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def value_for_sorting(profile: Profile, field: str) -> Any:
    """Give the value that a profile is sorted by."""
    values = values_at(profile, field)
    if not values or isinstance(values[0], dict):
        return None
    return values[0] if isinstance(values[0], int | float) else str(values[0])
