"""Lists: taking from them, putting them together, sorting and filtering them."""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from connectors.base import Declaring, Value
from connectors.errors import Refused
from flows.builtins.numbers import decimal, plain, reckoning
from flows.builtins.shapes import (
    MOST_ITEMS,
    MOST_TEXT,
    AnyList,
    AnyValue,
    Natural,
    OneNumber,
    OneText,
    OneValue,
    Path,
    ShortText,
    SomeItems,
    Whole,
    as_number,
    identity,
    is_filled,
    one_text,
    quoted,
    reach,
    some_items,
)
from flows.conditions import Tests, all_hold
from flows.references import spoken

lists: Final = Declaring("lists", title="Lists")

BY: Final = "Where in each item to look, such as user.email. Left out: the item itself."


class OfItems(Value):
    """A list."""

    items: AnyList = Field(title="Items", description="The list to start from.")


class By(OfItems):
    """A list, and a place in its items."""

    by: Path | None = Field(default=None, title="By", description=BY)


def _at(item: Any, path: str | None) -> Any:
    return item if path is None else reach(item, path)[0]


class Position(OfItems):
    """Which item of a list."""

    position: Whole = Field(default=0, title="Position", description="0 is the first item, 1 the second, -1 the last.")


@lists.action("Take an item by its position", effect="reads")
def at(given: Position) -> OneValue:
    """Give the item at a position of a list."""
    found = -len(given.items) <= given.position < len(given.items)
    return OneValue(value=given.items[given.position] if found else None, found=found)


@lists.action("Count the items", effect="reads")
def length(given: OfItems) -> OneNumber:
    """Count the items of a list."""
    return OneNumber(number=len(given.items))


class Appended(OfItems):
    """What to put into a list."""

    value: AnyValue = Field(title="Value", description="The new item.")
    position: Whole | None = Field(
        default=None, title="Position", description="Before which item: 0 is the first. Left out: after the last."
    )


@lists.action("Put an item into a list", effect="reads")
def append(given: Appended) -> SomeItems:
    """Give a list with one more item."""
    position = len(given.items) if given.position is None else given.position
    return some_items([*given.items[:position], given.value, *given.items[position:]])


class Lists(Value):
    """Several lists."""

    lists: AnyList = Field(title="Lists", description="The lists, in a list. Those that are nothing are left out.")


@lists.action("Put lists together", effect="reads")
def concatenate(given: Lists) -> SomeItems:
    """Give one list with the items of several, one list after the other."""
    together: list[Any] = []
    for each in given.lists:
        if isinstance(each, list):
            together += each
        elif each is not None:
            raise Refused(f"{quoted(each)} is no list.")
    return some_items(together)


@lists.action("Drop repeated items", effect="reads")
def unique(given: By) -> SomeItems:
    """Keep the first of all items that are the same, or that have the same at one place."""
    first: dict[Any, Any] = {}
    for item in given.items:
        first.setdefault(identity(_at(item, given.by)), item)
    return some_items(list(first.values()))


class Sorted(By):
    """How to sort a list."""

    order: Literal["ascending", "descending"] = Field(
        default="ascending", title="Order", description="Smallest first, or largest first."
    )


@lists.action("Sort a list", effect="reads")
def sort(given: Sorted) -> SomeItems:
    """Sort a list: numbers by size, text by the alphabet in capital and small letters alike, empty items always last.

    Where there are several kinds, no and yes come first, then numbers, then text. Equal items keep their order.
    """
    keyed = [(_at(item, given.by), item) for item in given.items]
    filled = [(_rank(value), item) for value, item in keyed if value is not None]
    filled.sort(key=lambda pair: pair[0], reverse=given.order == "descending")
    return some_items([item for _, item in filled] + [item for value, item in keyed if value is None])


def _rank(value: Any) -> tuple[int, Any, Any]:
    match value:
        case bool():
            return 0, value, ""
        case int() | float():
            return 1, value, ""
        case str():
            return 2, value.casefold(), value
        case _:
            raise Refused("Lists and objects cannot be sorted by themselves: say by which of their values.")


@lists.action("Turn a list round", effect="reads")
def reverse(given: OfItems) -> SomeItems:
    """Give a list from its last item to its first."""
    return some_items(given.items[::-1])


class Slice(OfItems):
    """Which part of a list."""

    start: Whole = Field(
        default=0, title="Start", description="How many items to leave out; a negative number counts from the end."
    )
    count: Natural | None = Field(
        default=None, title="Count", description="How many items to take. Left out: all that follow."
    )


@lists.action("Take a part of a list", effect="reads")
def slice(given: Slice) -> SomeItems:  # noqa: A001 - what it is called in flows
    """Take some items of a list. What lies beyond its ends is not there, and no error."""
    rest = given.items[given.start :]
    return some_items(rest if given.count is None else rest[: given.count])


class Filtered(OfItems):
    """Which items are meant."""

    where: Tests = Field(
        title="Where",
        description="Conditions; {{ item }} is the item, and {{ item.email }} something in it.",
        json_schema_extra={"conditions": True},
    )


class Sides(SomeItems):
    """A list in two: what fits, and what does not."""

    rest: list[Any] = Field(title="The rest", description="The items that do not fit.")


@lists.action("Filter a list", effect="reads")
def filter(given: Filtered) -> Sides:  # noqa: A001 - what it is called in flows
    """Keep the items for which every condition holds."""
    sides: dict[bool, list[Any]] = {True: [], False: []}
    for item in given.items:
        sides[all_hold(given.where, {"item": item})].append(item)
    return Sides(items=sides[True], count=len(sides[True]), rest=sides[False])


class FoundItem(OneValue):
    """An item of a list that may be missing."""

    position: int | None = Field(title="Position", description="Where it is: 0 is the first. Empty if there is none.")


@lists.action("Find an item", effect="reads")
def find(given: Filtered) -> FoundItem:
    """Give the first item for which every condition holds."""
    for position, item in enumerate(given.items):
        if all_hold(given.where, {"item": item}):
            return FoundItem(value=item, found=True, position=position)
    return FoundItem(value=None, found=False, position=None)


class Plucked(OfItems):
    """What to take from every item."""

    path: Path = Field(title="Path", description="Where in each item it is, such as id or user.email.")
    keep_missing: bool = Field(
        default=False,
        title="Keep missing",
        description="Whether items that do not have it count as nothing, or are left out.",
    )


@lists.action("Take one value from every item", effect="reads")
def pluck(given: Plucked) -> SomeItems:
    """Give a list of what stands at one place in every item."""
    taken = [reach(item, given.path) for item in given.items]
    return some_items([value for value, found in taken if found or given.keep_missing])


class Joined(By):
    """How to write a list as text."""

    separator: ShortText = Field(default=", ", title="Separator", description="What stands between the items.")


@lists.action("Join a list to a text", effect="reads")
def join(given: Joined) -> OneText:
    """Write all items of a list into one text."""
    pieces, size = [], 0
    for item in given.items:
        pieces.append(spoken(_at(item, given.by)))
        size += len(pieces[-1]) + len(given.separator)
        if size > MOST_TEXT + len(given.separator):
            raise Refused(f"The text would have more than {MOST_TEXT:,} characters.")
    return one_text(given.separator.join(pieces))


class Totals(Value):
    """What a list of numbers amounts to."""

    number: int | float = Field(title="Sum", description="The numbers added up.")
    count: int = Field(title="Count", description="How many numbers there are. Empty ones do not count.")
    average: int | float | None = Field(
        title="Average", description="The sum divided by the count; empty if there is none."
    )
    smallest: int | float | None = Field(title="Smallest", description="The smallest number; empty if there is none.")
    largest: int | float | None = Field(title="Largest", description="The largest number; empty if there is none.")


@lists.action("Add up a list", effect="reads")
def sum(given: By) -> Totals:  # noqa: A001 - what it is called in flows
    """Add up the numbers in a list, and give their average, the smallest and the largest."""
    numbers = [_as_number(value) for value in (_at(item, given.by) for item in given.items) if value is not None]
    if not numbers:
        return Totals(number=0, count=0, average=None, smallest=None, largest=None)
    with reckoning():
        total = decimal(0)
        for number in numbers:
            total += decimal(number)
        return Totals(
            number=plain(total),
            count=len(numbers),
            average=plain(total / len(numbers)),
            smallest=min(numbers),
            largest=max(numbers),
        )


def _as_number(value: Any) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise Refused(f"{quoted(value)} is no number.")


class Chunked(OfItems):
    """How to cut a list into pieces."""

    size: Annotated[int, Field(ge=1, le=MOST_ITEMS), BeforeValidator(as_number)] = Field(
        title="Size", description="How many items each piece has at most."
    )


@lists.action("Cut a list into pieces", effect="reads")
def chunk(given: Chunked) -> SomeItems:
    """Give a list of lists with so many items each; the last may have fewer."""
    return some_items([given.items[start : start + given.size] for start in range(0, len(given.items), given.size)])


@lists.action("Flatten a list", effect="reads")
def flatten(given: OfItems) -> SomeItems:
    """Put the items of the lists in a list into the list itself, one level deep."""
    return some_items([inner for item in given.items for inner in (item if isinstance(item, list) else [item])])


@lists.action("Drop empty items", effect="reads")
def filled(given: By) -> SomeItems:
    """Keep the items that say anything: not nothing, blank text, an empty list or an empty object. 0 and no stay."""
    return some_items([item for item in given.items if is_filled(_at(item, given.by))])


class Values(Value):
    """Values of which some may be empty."""

    values: AnyList = Field(title="Values", description="The values, the best first.")


class FirstFilled(OneValue):
    """The first of several values that is filled."""

    position: int | None = Field(
        title="Position", description="Which one it was: 0 is the first. Empty if all are empty."
    )


@lists.action("Take the first value that is filled", effect="reads")
def first_filled(given: Values) -> FirstFilled:
    """Give the first value that says anything: not nothing, blank text, an empty list or object. 0 and no do."""
    for position, value in enumerate(given.values):
        if is_filled(value):
            return FirstFilled(value=value, found=True, position=position)
    return FirstFilled(value=None, found=False, position=None)


class Other(By):
    """Two lists to hold against each other."""

    other: AnyList = Field(title="Other list", description="The list to compare with.")


def _identities(items: Iterable[Any], by: str | None) -> set[Any]:
    return {identity(_at(item, by)) for item in items}


@lists.action("Keep what is also in another list", effect="reads")
def common(given: Other) -> SomeItems:
    """Keep the items that are in the other list too, or whose value at one place is also at that place there."""
    others = _identities(given.other, given.by)
    return some_items([item for item in given.items if identity(_at(item, given.by)) in others])


@lists.action("Drop what is in another list", effect="reads")
def without(given: Other) -> SomeItems:
    """Keep the items that are not in the other list, or whose value at one place is nowhere at that place there."""
    others = _identities(given.other, given.by)
    return some_items([item for item in given.items if identity(_at(item, given.by)) not in others])


class Grouping(OfItems):
    """How to group a list."""

    by: Path = Field(title="By", description="Where in each item the value is that items of a group share.")


class Group(Value):
    """Items that have something in common."""

    key: Any = Field(title="Key", description="What they have in common.")
    items: list[Any] = Field(title="Items", description="The items.")
    count: int = Field(title="Count", description="How many there are.")


class Groups(Value):
    """A list in groups."""

    items: list[Group] = Field(title="Groups", description="The groups, in the order in which they first come.")
    count: int = Field(title="Count", description="How many groups there are.")


@lists.action("Group a list", effect="reads")
def group(given: Grouping) -> Groups:
    """Put items together that have the same value at one place, and count them."""
    found: dict[Any, list[Any]] = {}
    for item in given.items:
        found.setdefault(identity(_at(item, given.by)), []).append(item)
    groups = [Group(key=_at(items[0], given.by), items=items, count=len(items)) for items in found.values()]
    return Groups(items=groups, count=len(groups))


class Beside(Other):
    """Two lists of the same things at two times."""

    by: Path = Field(title="By", description="Where in each item its name is, by which they are matched.")
    value: Path = Field(title="Value", description="Where in each item of the other list the value is.")
    called: ShortText = Field(
        default="before", title="Called", description="What the value is called that stands beside."
    )


@lists.action("Put another list beside", effect="reads")
def beside(given: Beside) -> SomeItems:
    """Give each item the value that the item of the same name has in another list; nothing where there is none there."""
    others = {identity(_at(item, given.by)): _at(item, given.value) for item in given.other}
    if not all(isinstance(item, dict) for item in given.items):
        raise Refused("Only to objects can a value be given.")
    return some_items([{**item, given.called: others.get(identity(_at(item, given.by)))} for item in given.items])
