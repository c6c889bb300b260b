"""Numbers: reckoning, rounding, reading and writing them.

They are reckoned in decimal, as people do: 0.1 and 0.2 are 0.3.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from functools import reduce
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from connectors.base import Declaring, Value
from connectors.errors import Refused
from flows.builtins.shapes import MOST_ITEMS, AnyNumber, OneNumber, OneText, ShortText, as_number, one_text, quoted

numbers: Final = Declaring("numbers", title="Numbers")

LONGEST_WHOLE: Final = 10**30
"""Up to here a whole number is kept to the last digit."""
_DECIMAL: Final = Context(
    prec=50, rounding=ROUND_HALF_UP, Emin=-400, Emax=300, traps=[DivisionByZero, InvalidOperation, Overflow]
)
_WAYS: Final = {
    "half up": ROUND_HALF_UP,
    "half even": ROUND_HALF_EVEN,
    "up": ROUND_CEILING,
    "down": ROUND_FLOOR,
    "towards zero": ROUND_DOWN,
}

_AS_WRITTEN: Final = {
    sign: re.compile(
        rf"[^\d+−.,-]{{0,5}}([+−-]?)[^\d+−.,-]{{0,5}}(\d{{1,3}}(?:[{group}'’ \u00a0\u202f]\d{{3}}(?!\d)){{1,30}}|\d{{1,100}})(?:[{sign}](\d{{1,100}}))?",
        re.ASCII,
    )
    for sign, group in ((".", ","), (",", "."))
}

Some = Annotated[list[AnyNumber], Field(min_length=1, max_length=MOST_ITEMS)]
Digits = Annotated[int, Field(ge=0, le=20), BeforeValidator(as_number)]
Way = Literal["half up", "half even", "up", "down", "towards zero"]


@contextmanager
def reckoning() -> Iterator[None]:
    """Reckon in decimal, and refuse what has no result or one that is too large."""
    try:
        with localcontext(_DECIMAL):
            yield
    except DecimalException as error:
        raise Refused("The result is no number, or too large a one.") from error


def decimal(number: float) -> Decimal:
    """Return a number as people write it."""
    return Decimal(str(number))


def plain(number: Decimal) -> int | float:
    """Return a reckoned number as data: whole if it is."""
    if abs(number) < LONGEST_WHOLE and number == number.to_integral_value():
        return int(number)
    return float(number)


def total(given: Iterable[float]) -> int | float:
    """Return the sum of some numbers."""
    with reckoning():
        return plain(sum(map(decimal, given), Decimal(0)))


class Several(Value):
    """Some numbers."""

    numbers: Some = Field(title="Numbers", description="The numbers, in a list.")


class OfNumber(Value):
    """A number."""

    number: AnyNumber = Field(title="Number", description="The number to start from.")


@numbers.action("Add numbers", effect="reads")
def add(given: Several) -> OneNumber:
    """Give the sum of some numbers."""
    return OneNumber(number=total(given.numbers))


class Less(OfNumber):
    """What to take away from a number."""

    minus: AnyNumber = Field(title="Minus", description="The number to take away.")


@numbers.action("Subtract a number", effect="reads")
def subtract(given: Less) -> OneNumber:
    """Take one number away from another."""
    return OneNumber(number=total([given.number, -given.minus]))


@numbers.action("Multiply numbers", effect="reads")
def multiply(given: Several) -> OneNumber:
    """Give the product of some numbers."""
    with reckoning():
        return OneNumber(number=plain(reduce(lambda a, b: a * b, map(decimal, given.numbers), Decimal(1))))


class Divided(OfNumber):
    """What to divide a number by."""

    by: AnyNumber = Field(title="By", description="The number to divide by. Not 0.")


class Quotient(OneNumber):
    """What a division gives."""

    whole: int | float = Field(title="Whole", description="How many times the divisor fits in, as a whole number.")
    remainder: int | float = Field(title="Remainder", description="What is left over then.")


@numbers.action("Divide a number", effect="reads")
def divide(given: Divided) -> Quotient:
    """Divide one number by another. The remainder has the sign of the number that is divided."""
    if given.by == 0:
        raise Refused("Nothing can be divided by 0.")
    with reckoning():
        number, by = decimal(given.number), decimal(given.by)
        whole, remainder = divmod(number, by)
        return Quotient(number=plain(number / by), whole=plain(whole), remainder=plain(remainder))


class Rounded(OfNumber):
    """How to round a number."""

    digits: Digits = Field(default=0, title="Decimals", description="How many digits stay after the point.")
    way: Way = Field(
        default="half up",
        title="How",
        description="Half up: 2.5 is 3 and -2.5 is -3. Half even: 2.5 is 2. Up and down: to the next one there.",
    )


@numbers.action("Round a number", effect="reads")
def round(given: Rounded) -> OneNumber:  # noqa: A001 - what it is called in flows
    """Round a number to some decimals."""
    return OneNumber(number=plain(_round(given.number, given.digits, given.way)))


def _round(number: float, digits: int, way: Way) -> Decimal:
    exact = decimal(number)
    # A large float has no decimals to round, and quantizing it would need more digits than are kept.
    if abs(exact) >= 10**25:
        return exact
    with reckoning():
        return exact.quantize(Decimal(1).scaleb(-digits), rounding=_WAYS[way])


@numbers.action("Find the smallest number", effect="reads")
def smallest(given: Several) -> OneNumber:
    """Give the smallest of some numbers."""
    return OneNumber(number=min(given.numbers))


@numbers.action("Find the largest number", effect="reads")
def largest(given: Several) -> OneNumber:
    """Give the largest of some numbers."""
    return OneNumber(number=max(given.numbers))


@numbers.action("Drop the sign of a number", effect="reads")
def absolute(given: OfNumber) -> OneNumber:
    """Give how far a number is from 0."""
    return OneNumber(number=abs(given.number))


class Read(Value):
    """A number as it is written somewhere."""

    text: ShortText = Field(title="Text", description="The text to read, such as 1,234.50 or 12 %.")
    decimals: Literal[".", ","] = Field(
        default=".",
        title="Decimal sign",
        description="What stands before the decimals; the other one groups thousands.",
    )


@numbers.action("Read a number from text", effect="reads")
def parse(given: Read) -> OneNumber:
    """Read a number as people write it: with grouped thousands, a currency sign before it or a unit after it."""
    written = given.text.strip()
    found = _AS_WRITTEN[given.decimals].match(written)
    # A second number after the first would be left out in silence.
    if found is None or re.match(r"[\d.,]", written[found.end() :]) or re.search(r"\d", written[found.end() :]):
        raise Refused(f"{quoted(given.text)} is no number.")
    sign, whole, decimals = found.groups()
    digits = re.sub(r"\D", "", whole)
    with reckoning():
        return OneNumber(number=plain(Decimal(f"{'-' if sign in {'-', '−'} else ''}{digits}.{decimals or '0'}")))


class Written(OfNumber):
    """How to write a number."""

    digits: Digits | None = Field(
        default=None,
        title="Decimals",
        description="How many digits to write after the point. Left out: as many as it has.",
    )
    decimals: Literal[".", ","] = Field(
        default=".", title="Decimal sign", description="What stands before the decimals."
    )
    thousands: Literal["", ",", ".", " ", "'"] = Field(
        default="", title="Thousands", description="What groups thousands. Left out: nothing."
    )


@numbers.action("Write a number as text", effect="reads")
def to_text(given: Written) -> OneText:
    """Write a number out, with so many decimals and with thousands grouped: 1234.5 as 1,234.50."""
    if given.thousands == given.decimals:
        raise Refused("Thousands and decimals need different signs.")
    exact = decimal(given.number) if given.digits is None else _round(given.number, given.digits, "half up")
    if not exact:
        exact = abs(exact)  # no -0
    written = format(exact, f",.{given.digits}f" if given.digits is not None else ",f")
    signs = {",": given.thousands, ".": given.decimals}
    return one_text("".join(signs.get(each, each) for each in written))
