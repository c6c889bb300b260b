"""A small SOQL: what is read from a query, and which records it means."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.schema import FieldOf, Kind, kind_of

TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?)"
    r"|(?P<number>[+-]?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_.]*(?::\d+)?)"
    r"|(?P<mark><=|>=|!=|<>|[=<>(),]))",
    re.DOTALL,
)
ESCAPES: Final[Mapping[str, str]] = {
    "n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "'": "'", '"': '"', "\\": "\\", "_": "_", "%": "%",
}  # fmt: skip
MOST: Final = 50_000
Record = Mapping[str, Any]
Test = Callable[[Record], bool]
Parent = Callable[[Record, str], Record | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query that was understood."""

    kind: Kind
    fields: Sequence[str]
    counts: bool
    test: Test
    order: Sequence[tuple[str, bool]]
    limit: int
    offset: int


class _Like:
    """The literal behind LIKE, whose escapes are read there."""

    def __init__(self, raw: str) -> None:
        pattern = ""
        at = 0
        while at < len(raw):
            each = raw[at]
            if each == "\\":
                pattern += re.escape(ESCAPES[raw[at + 1]])
                at += 2
                continue
            pattern += ".*" if each == "%" else "." if each == "_" else re.escape(each)
            at += 1
        self.pattern = re.compile(pattern, re.IGNORECASE | re.DOTALL)


class Reader:
    """Reads one query."""

    def __init__(self, text: str, *, now: datetime, value: Callable[[Record, str], Any]) -> None:
        self._tokens = list(self._split(text))
        self._at = 0
        self._now = now
        self._value = value

    @staticmethod
    def _split(text: str) -> list[tuple[str, str]]:
        at, found = 0, []
        while text[at:].strip():
            match = TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise malformed(f"unexpected token: '{text[at:].strip()[:1]}'")
            found.append((match.lastgroup, match.group(match.lastgroup)))
            at = match.end()
        return found

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "<EOF>")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _said(self, *words: str) -> bool:
        """Take these words if they come next."""
        come = [value.upper() for sort, value in self._tokens[self._at : self._at + len(words)] if sort != "text"]
        if come != list(words):
            return False
        self._at += len(words)
        return True

    def _must(self, word: str) -> None:
        if not self._said(word):
            raise malformed(f"unexpected token: '{self._peek()[1]}'")

    def _name(self) -> str:
        sort, value = self._next()
        if sort != "name":
            raise malformed(f"unexpected token: '{value}'")
        return value

    def read(self) -> Query:
        """Understand the whole query."""
        self._must("SELECT")
        wanted, counts = self._wanted()
        self._must("FROM")
        name = self._name()
        kind = kind_of(name)
        if kind is None:
            message = f"\nsObject type '{name}' is not supported."
            raise Refusal(400, "INVALID_TYPE", message)
        fields = list(kind.fields) if wanted == ["FIELDS"] else [canonical(kind, each) for each in wanted]
        test = self._either(kind) if self._said("WHERE") else lambda _record: True
        order = []
        if self._said("ORDER", "BY"):
            while True:
                by = canonical(kind, self._name())
                down = self._said("DESC") or (self._said("ASC") and False)
                if self._said("NULLS"):
                    self._name()
                order.append((by, down))
                if not self._said(","):
                    break
        limit = self._number() if self._said("LIMIT") else MOST
        offset = self._number() if self._said("OFFSET") else 0
        if self._peek()[0] != "end":
            raise malformed(f"unexpected token: '{self._peek()[1]}'")
        return Query(kind=kind, fields=fields, counts=counts, test=test, order=order, limit=limit, offset=offset)

    def _wanted(self) -> tuple[list[str], bool]:
        if self._said("COUNT", "(", ")"):
            return [], True
        for which in ("ALL", "STANDARD"):
            if self._said("FIELDS", "(", which, ")"):
                return ["FIELDS"], False
        wanted = [self._name()]
        while self._said(","):
            wanted.append(self._name())
        return wanted, False

    def _number(self) -> int:
        sort, value = self._next()
        if sort != "number" or not value.isdecimal():
            raise malformed(f"unexpected token: '{value}'")
        return int(value)

    def _either(self, kind: Kind) -> Test:
        tests = [self._both(kind)]
        while self._said("OR"):
            tests.append(self._both(kind))
        return tests[0] if len(tests) == 1 else lambda record: any(test(record) for test in tests)

    def _both(self, kind: Kind) -> Test:
        tests = [self._one(kind)]
        while self._said("AND"):
            tests.append(self._one(kind))
        return tests[0] if len(tests) == 1 else lambda record: all(test(record) for test in tests)

    def _one(self, kind: Kind) -> Test:
        if self._said("NOT"):
            inner = self._one(kind)
            return lambda record: not inner(record)
        if self._said("("):
            inner = self._either(kind)
            self._must(")")
            return inner
        name = canonical(kind, self._name())
        field = last_field(kind, name)
        if field is not None and not field.filterable:
            message = f"field '{name}' can not be filtered in a query call"
            raise Refusal(400, "INVALID_FIELD", message)
        negative = self._said("NOT", "IN")
        if negative or self._said("IN"):
            return self._within(field, name, negative=negative)
        if self._said("LIKE"):
            sort, raw = self._next()
            if sort != "text":
                raise malformed(f"unexpected token: '{raw}'")
            pattern = _Like(raw[1:-1]).pattern
            return lambda record: pattern.fullmatch(str(self._value(record, name) or "")) is not None
        sort, sign = self._next()
        if sort != "mark" or sign not in COMPARES:
            raise malformed(f"unexpected token: '{sign}'")
        asked = self._literal(field, name)
        compare = COMPARES[sign]
        return lambda record: compare(comparable(self._value(record, name)), comparable(asked))

    def _within(self, field: FieldOf | None, name: str, *, negative: bool) -> Test:
        self._must("(")
        values = [comparable(self._literal(field, name))]
        while self._said(","):
            values.append(comparable(self._literal(field, name)))
        self._must(")")
        return lambda record: (comparable(self._value(record, name)) in values) != negative

    def _literal(self, field: FieldOf | None, name: str) -> Any:
        sort, raw = self._next()
        type_ = field.type if field else "string"
        fits = sort == "name" or (
            {"boolean": False, "int": sort == "number", "currency": sort == "number", "double": sort == "number"}.get(
                type_, sort == "moment" if type_ in {"date", "datetime"} else sort == "text"
            )
        )
        if not fits:
            message = f"value of filter criterion for field '{name}' must be of type {type_} and should "
            message += "not be enclosed in quotes" if sort == "text" else "be enclosed in quotes"
            raise Refusal(400, "INVALID_FIELD", message)
        match sort:
            case "text":
                return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), raw[1:-1], flags=re.DOTALL)
            case "number":
                return float(raw)
            case "moment" if len(raw) == 10:
                return date.fromisoformat(raw) if type_ == "date" else datetime.fromisoformat(raw).replace(tzinfo=UTC)
            case "moment":
                return datetime.fromisoformat(raw)
            case "name":
                return self._word(raw)
            case _:
                raise malformed(f"unexpected token: '{raw}'")

    def _word(self, raw: str) -> Any:
        word, _, number = raw.upper().partition(":")
        today = self._now.replace(hour=0, minute=0, second=0, microsecond=0)
        match word:
            case "TRUE" | "FALSE":
                return word == "TRUE"
            case "NULL":
                return None
            case "TODAY":
                return today
            case "YESTERDAY":
                return today - timedelta(days=1)
            case "LAST_N_DAYS":
                return today - timedelta(days=int(number))
            case _:
                raise malformed(f"unexpected token: '{raw}'")


def comparable(value: Any) -> Any:
    """Make values that are the same to the org the same here: it takes no notice of large and small letters."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value) if re.match(r"\d{4}-\d\d-\d\dT", value) else value.lower()
        except ValueError:
            return value.lower()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: left is not None and right is not None and compare(left, right)


COMPARES: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": lambda left, right: left == right or (left in {None, ""} and right in {None, ""}),
    "!=": lambda left, right: left != right,
    "<>": lambda left, right: left != right,
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
}


def malformed(message: str) -> Refusal:
    """Make the error of a query that is not one."""
    return Refusal(400, "MALFORMED_QUERY", message)


def canonical(kind: Kind, name: str) -> str:
    """Give a field's name, or its path through a parent, as the org writes it."""
    parent, _, rest = name.partition(".")
    if rest:
        through = kind.field(f"{parent}Id")
        target = kind_of(through.refers_to[0]) if through and through.refers_to else None
        if target is None or through is None:
            message = f"Didn't understand relationship '{parent}' in field path."
            raise Refusal(400, "INVALID_FIELD", message)
        return f"{through.name.removesuffix('Id')}.{canonical(target, rest)}"
    field = kind.field(name)
    if field is None:
        message = f"\nNo such column '{name}' on entity '{kind.name}'. If you are attempting to use a custom field, "
        message += "be sure to append the '__c' after the custom field name."
        raise Refusal(400, "INVALID_FIELD", message)
    return field.name


def last_field(kind: Kind, name: str) -> FieldOf | None:
    """Find the field at the end of a path."""
    parent, _, rest = name.partition(".")
    if not rest:
        return kind.field(name)
    through = kind.field(f"{parent}Id")
    target = kind_of(through.refers_to[0]) if through and through.refers_to else None
    return last_field(target, rest) if target else None
