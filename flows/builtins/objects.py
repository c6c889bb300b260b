"""Objects: values by their names."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import Field

from connectors.base import Declaring, Value
from connectors.errors import Refused
from flows.builtins.shapes import (
    MOST_ITEMS,
    AnyList,
    AnyObject,
    AnyText,
    AnyValue,
    OneObject,
    OneValue,
    Path,
    ShortText,
    SomeItems,
    identity,
    is_filled,
    names_of,
    one_object,
    path_of,
    quoted,
    reach,
    some_items,
)

objects: Final = Declaring("objects", title="Objects")

PATH: Final = r"Names with dots in between, such as user.email; a dot in a name is written \."


class OfObject(Value):
    """An object."""

    object: AnyObject = Field(title="Object", description="The object to start from.")


class Wanted(Value):
    """What to take from a value."""

    object: AnyValue = Field(title="Object", description="The object or list to look into.")
    path: Path = Field(title="Path", description=PATH)
    otherwise: AnyValue = Field(default=None, title="Otherwise", description="What to give where there is nothing.")


@objects.action("Take a value from an object", effect="reads")
def get(given: Wanted) -> OneValue:
    """Give what stands at a path in an object."""
    value, found = reach(given.object, given.path)
    return OneValue(value=value if found else given.otherwise, found=found)


class SeveralWanted(Value):
    """What to take from a value, and what to call it."""

    object: AnyValue = Field(title="Object", description="The object or list to look into.")
    paths: Annotated[dict[str, Path], Field(min_length=1, max_length=1000)] = Field(
        title="Paths", description=f"What to call each value, and where it is. {PATH}"
    )


@objects.action("Take several values from an object", effect="reads")
def get_many(given: SeveralWanted) -> OneObject:
    """Give what stands at several paths in an object, under names of your own. What is not there is empty."""
    return one_object({name: reach(given.object, path)[0] for name, path in given.paths.items()})


class Setting(OfObject):
    """What to put into an object, and where."""

    path: Path = Field(title="Path", description=PATH)
    value: AnyValue = Field(title="Value", description="What stands there afterwards.")


@objects.action("Put a value into an object", effect="reads")
def set(given: Setting) -> OneObject:  # noqa: A001 - what it is called in flows
    """Give an object in which a value stands at a path. What is missing on the way is made."""
    return one_object(_with(given.object, names_of(given.path), given.value))


def _with(inside: Any, names: list[str], value: Any) -> Any:
    if not names:
        return value
    name, *rest = names
    match inside:
        case dict():
            return {**inside, name: _with(inside.get(name), rest, value)}
        case None:
            return {name: _with(None, rest, value)}
        case list() if name.isdecimal() and int(name) <= len(inside):
            position = int(name)
            before = inside[position] if position < len(inside) else None
            return [*inside[:position], _with(before, rest, value), *inside[position + 1 :]]
        case list():
            raise Refused(f"{quoted(name)} is no position in a list of {len(inside)}.")
        case _:
            raise Refused(f"{quoted(name)} cannot be put into what is no object.")


class Objects(Value):
    """Several objects."""

    objects: AnyList = Field(
        title="Objects", description="The objects, in a list. Those that are nothing are left out."
    )
    deep: bool = Field(
        default=False, title="Deep", description="Whether objects within them are merged too, or replaced."
    )


@objects.action("Merge objects", effect="reads")
def merge(given: Objects) -> OneObject:
    """Give one object with the names of several. Where two have the same name, the later one's value stands."""
    merged: dict[str, Any] = {}
    for each in given.objects:
        if isinstance(each, dict):
            _merge(merged, each, deep=given.deep)
        elif each is not None:
            raise Refused(f"{quoted(each)} is no object.")
        if len(merged) > MOST_ITEMS:
            break
    return one_object(merged)


def _merge(merged: dict[str, Any], more: dict[str, Any], *, deep: bool) -> None:
    """Put more values into an object that is being made, and that shares no object with what was given."""
    for name, value in more.items():
        if deep and isinstance(value, dict):
            within = merged.get(name)
            if not isinstance(within, dict):
                within = merged[name] = {}
            _merge(within, value, deep=True)
        else:
            merged[name] = value


@objects.action("List the names in an object", effect="reads")
def keys(given: OfObject) -> SomeItems:
    """Give the names of an object's values."""
    return some_items(list(given.object))


@objects.action("List the values of an object", effect="reads")
def values(given: OfObject) -> SomeItems:
    """Give the values of an object without their names."""
    return some_items(list(given.object.values()))


class Names(OfObject):
    """Which names in an object."""

    keys: Annotated[list[AnyText], Field(max_length=1000)] = Field(
        title="Names", description="The names that are meant."
    )


@objects.action("Keep some names of an object", effect="reads")
def pick(given: Names) -> OneObject:
    """Give an object that has only certain names, in the order in which they are listed."""
    return one_object({name: given.object[name] for name in given.keys if name in given.object})


@objects.action("Remove some names from an object", effect="reads")
def remove(given: Names) -> OneObject:
    """Give an object that lacks certain names."""
    gone = frozenset(given.keys)
    return one_object({name: value for name, value in given.object.items() if name not in gone})


class Renaming(OfObject):
    """New names for the values of an object."""

    names: Annotated[dict[str, ShortText], Field(max_length=1000)] = Field(
        title="Names", description="Old names and new ones, such as given_name: FirstName."
    )
    only: bool = Field(default=False, title="Only these", description="Whether all others go.")


@objects.action("Rename the values of an object", effect="reads")
def rename(given: Renaming) -> OneObject:
    """Give an object whose values have other names, as another service calls them."""
    renamed: dict[str, Any] = {}
    for name, value in given.object.items():
        if name in given.names or not given.only:
            called = given.names.get(name, name)
            if called in renamed:
                raise Refused(f"Two values would be called {quoted(called)}.")
            renamed[called] = value
    return one_object(renamed)


@objects.action("Drop the empty values of an object", effect="reads")
def filled(given: OfObject) -> OneObject:
    """Keep the values that say anything: not nothing, blank text, an empty list or object. 0 and no stay."""
    return one_object({name: value for name, value in given.object.items() if is_filled(value)})


class Named(Value):
    """A value and its name."""

    name: str = Field(title="Name", description="The name.")
    value: Any = Field(title="Value", description="The value.")


class Entries(Value):
    """The values of an object with their names."""

    items: list[Named] = Field(title="Items", description="One item for each value: its name and itself.")
    count: int = Field(title="Count", description="How many there are.")


@objects.action("Turn an object into a list", effect="reads")
def to_list(given: OfObject) -> Entries:
    """Give a list with a name and a value in every item, for `each` to walk through."""
    items = [Named(name=name, value=value) for name, value in given.object.items()]
    return Entries(items=items, count=len(items))


class FromItems(Value):
    """A list to make an object of."""

    items: AnyList = Field(title="Items", description="The list to start from.")
    name: Path = Field(default="name", title="Name", description="Where in each item the name is.")
    value: Path | None = Field(
        default="value", title="Value", description="Where in each item the value is. Empty: the whole item."
    )


@objects.action("Turn a list into an object", effect="reads")
def from_list(given: FromItems) -> OneObject:
    """Give an object with one name for every item. Of two items with the same name, the later one stands."""
    made: dict[str, Any] = {}
    for position, item in enumerate(given.items):
        name = reach(item, given.name)[0]
        if not isinstance(name, str):
            raise Refused(f"Item {position} has no name at {quoted(given.name)}.")
        made[name] = item if given.value is None else reach(item, given.value)[0]
    return one_object(made)


class Versions(Value):
    """Two versions of an object."""

    before: AnyObject = Field(title="Before", description="The earlier version.")
    after: AnyObject = Field(title="After", description="The later version.")


class Change(Value):
    """A place where two objects differ."""

    path: str = Field(title="Path", description="Where it is.")
    before: Any = Field(title="Before", description="What stood there; empty if nothing.")
    after: Any = Field(title="After", description="What stands there now; empty if nothing.")


class Changes(Value):
    """Where two objects differ."""

    items: list[Change] = Field(title="Changes", description="The places, in the order of the later version.")
    count: int = Field(title="Count", description="How many there are; 0 means that both are the same.")


@objects.action("Compare two objects", effect="reads")
def compare(given: Versions) -> Changes:
    """Give every place where two versions of an object differ. Lists are compared as a whole."""
    items: list[Change] = []
    for change in _differences(given.before, given.after, []):
        if len(items) == MOST_ITEMS:
            raise Refused(f"There are more than {MOST_ITEMS:,} differences.")
        items.append(change)
    return Changes(items=items, count=len(items))


def _differences(before: dict[str, Any], after: dict[str, Any], names: list[str]) -> Iterator[Change]:
    for name in {**after, **before}:
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, [*names, name])
        elif identity(old) != identity(new) or (name in before) != (name in after):
            yield Change(path=path_of([*names, name]), before=old, after=new)
