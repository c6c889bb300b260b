"""Text: composing, finding, replacing, cutting and writing it differently."""

import re
import secrets
import string
import uuid
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from connectors.base import Declaring, Value
from connectors.errors import Refused
from flows.builtins.shapes import (
    MOST_ITEMS,
    MOST_TEXT,
    AnyText,
    FilledText,
    Natural,
    OneNumber,
    OneText,
    ShortFilledText,
    ShortText,
    SomeItems,
    Whole,
    as_number,
    as_text,
    literally,
    one_text,
    some_items,
)
from flows.conditions import pattern as compiled

text: Final = Declaring("text", title="Text")

MOST_SEARCHED: Final = 100_000
"""Characters in a text in which a pattern is looked for more than once."""
MOST_IGNORING_CASE: Final = 400
"""Characters of a text that is looked for in capital and small letters alike."""
MOST_FOUND: Final = 1_000
"""Places at which a pattern is found in one text: each may cost a look at all that follows."""


def _pattern(written: str) -> str:
    compiled(written)
    return written


Pattern = Annotated[ShortText, AfterValidator(_pattern)]
Searched = Annotated[str, Field(max_length=MOST_SEARCHED), BeforeValidator(as_text)]


class OfText(Value):
    """Some text."""

    text: AnyText = Field(title="Text", description="The text to start from.")


@text.action("Compose a text", effect="reads")
def compose(given: OfText) -> OneText:
    """Give a text that is written with references in it, so that later steps can use it by one name."""
    return one_text(given.text)


@text.action("Write in capitals", effect="reads")
def upper(given: OfText) -> OneText:
    """Turn every letter into a capital."""
    return one_text(given.text.upper())


@text.action("Write in small letters", effect="reads")
def lower(given: OfText) -> OneText:
    """Turn every letter into a small one."""
    return one_text(given.text.lower())


@text.action("Begin every word with a capital", effect="reads")
def title_case(given: OfText) -> OneText:
    """Turn the first letter of every word into a capital. The others stay, as in McDonald."""
    return one_text(re.sub(r"\S+", lambda word: _capitalized(word.group()), given.text))


@text.action("Begin with a capital", effect="reads")
def sentence_case(given: OfText) -> OneText:
    """Turn the first letter of the text into a capital. The others stay."""
    return one_text(_capitalized(given.text))


def _capitalized(word: str) -> str:
    return word[:1].upper() + word[1:]


class Trimmed(OfText):
    """What to take away at the ends of a text."""

    side: Literal["both", "start", "end"] = Field(default="both", title="Where", description="At which end.")
    characters: ShortText = Field(
        default="", title="Characters", description="Any of these go. Left out: spaces, tabs and line ends."
    )


@text.action("Trim a text", effect="reads")
def trim(given: Trimmed) -> OneText:
    """Take away spaces, or other characters, at the ends of a text."""
    characters = given.characters or None
    match given.side:
        case "start":
            return one_text(given.text.lstrip(characters))
        case "end":
            return one_text(given.text.rstrip(characters))
        case "both":
            return one_text(given.text.strip(characters))


@text.action("Count the characters", effect="reads")
def length(given: OfText) -> OneNumber:
    """Count the characters of a text."""
    return OneNumber(number=len(given.text))


class Sought(OfText):
    """What to look for in a text."""

    find: FilledText = Field(title="Look for", description="The text to look for.")
    ignore_case: bool = Field(
        default=False, title="Ignore case", description="Whether capital and small letters are the same."
    )
    which: Literal["first", "last"] = Field(
        default="first", title="Which", description="The first or the last of several places."
    )


class Place(Value):
    """Where a text stands within another."""

    found: bool = Field(title="Found", description="Whether it is there.")
    position: int | None = Field(title="Position", description="How many characters stand before it; empty if none.")
    before: str = Field(title="Before", description="What stands before it; the whole text if it is not there.")
    after: str = Field(title="After", description="What stands after it.")


@text.action("Find in a text", effect="reads")
def find(given: Sought) -> Place:
    """Look for a text in another, and give what stands before and after it."""
    places = list(_places(given.text, given.find, ignore_case=given.ignore_case, which=given.which))
    if not places:
        return Place(found=False, position=None, before=given.text, after="")
    start, end = places[0]
    return Place(found=True, position=start, before=given.text[:start], after=given.text[end:])


def _places(
    text: str, sought: str, *, ignore_case: bool, which: Literal["first", "last", "all"]
) -> Iterator[tuple[int, int]]:
    # In linear time, whatever is looked for: `str.find` is, `str.rfind` and the standard library's patterns are not.
    if ignore_case:
        if len(sought) > MOST_IGNORING_CASE:
            raise Refused(f"Without regard to case, at most {MOST_IGNORING_CASE} characters are looked for.")
        found = [match.span() for match in compiled(f"(?i){literally(sought)}").finditer(text)]
        yield from {"first": found[:1], "last": found[-1:], "all": found}[which]
    elif which == "last":
        behind = text[::-1].find(sought[::-1])
        if behind != -1:
            yield len(text) - behind - len(sought), len(text) - behind
    else:
        start = text.find(sought)
        while start != -1:
            yield start, start + len(sought)
            start = text.find(sought, start + len(sought)) if which == "all" else -1


class Replaced(OfText):
    """What to replace in a text, and by what."""

    find: FilledText = Field(title="Look for", description="The text to replace.")
    by: AnyText = Field(default="", title="Put instead", description="What takes its place. Left out: nothing.")
    ignore_case: bool = Field(
        default=False, title="Ignore case", description="Whether capital and small letters are the same."
    )
    which: Literal["all", "first", "last"] = Field(
        default="all", title="Which", description="All places, or the first or the last."
    )


@text.action("Replace in a text", effect="reads")
def replace(given: Replaced) -> OneText:
    """Put one text in the place of another."""
    places = list(_places(given.text, given.find, ignore_case=given.ignore_case, which=given.which))
    return one_text(_exchanged(given.text, [(start, end, given.by) for start, end in places]))


def _exchanged(text: str, changes: list[tuple[int, int, str]]) -> str:
    # Looked at before it is made: a short text can be asked to become terabytes.
    if len(text) + sum(len(by) - (end - start) for start, end, by in changes) > MOST_TEXT:
        raise Refused(f"The text would have more than {MOST_TEXT:,} characters.")
    pieces, stand = [], 0
    for start, end, by in changes:
        pieces += [text[stand:start], by]
        stand = end
    return "".join([*pieces, text[stand:]])


class Matching(Value):
    """A text and a pattern."""

    text: Searched = Field(title="Text", description=f"The text to look in: at most {MOST_SEARCHED:,} characters.")
    pattern: Pattern = Field(
        title="Pattern",
        description=r"A regular expression of the RE2 kind, such as ^INC(\d+). (?i) before it ignores case.",
    )


class Match(Value):
    """Where a pattern fits."""

    found: bool = Field(title="Found", description="Whether it fits anywhere.")
    text: str | None = Field(title="Text", description="What it fits; empty if nothing.")
    groups: list[str | None] = Field(title="Groups", description="What is in its round brackets, one after the other.")
    named: dict[str, str | None] = Field(title="Named groups", description="What is in brackets like (?P<name>…).")


@text.action("Match a pattern", effect="reads")
def match(given: Matching) -> Match:
    """Look for the first place where a regular expression fits, and give what is in its brackets."""
    found = compiled(given.pattern).search(given.text)
    if found is None:
        return Match(found=False, text=None, groups=[], named={})
    return Match(found=True, text=found.group(), groups=list(found.groups()), named=found.groupdict())


@text.action("Find every match of a pattern", effect="reads")
def match_all(given: Matching) -> SomeItems:
    """Give every text that a regular expression fits; with round brackets in it, what is in the first of them."""
    group = min(compiled(given.pattern).groups, 1)
    return some_items([found.group(group) for found in _matches(given)])


def _matches(given: Matching) -> list[Any]:
    found: list[Any] = []
    for one in compiled(given.pattern).finditer(given.text):
        if len(found) == MOST_FOUND:
            raise Refused(f"The pattern fits at more than {MOST_FOUND:,} places.")
        found.append(one)
    return found


class ReplacedPattern(Matching):
    """A pattern to replace in a text, and by what."""

    by: Searched = Field(
        default="",
        title="Put instead",
        description=r"What takes its place: \1 is what is in the first brackets, \0 all of it, \\ a backslash.",
    )


_GROUP: Final = re.compile(r"\\([0-9]|\\)")


@text.action("Replace a pattern", effect="reads")
def replace_pattern(given: ReplacedPattern) -> OneText:
    """Put a text in the place of everything that a regular expression fits."""
    groups = compiled(given.pattern).groups
    for piece in _GROUP.finditer(given.by):
        if piece.group(1) != "\\" and int(piece.group(1)) > groups:
            raise Refused(f"The pattern has {groups} round brackets, so there is no {piece.group()}.")
    changes, size = [], 0
    for found in _matches(given):
        by = _GROUP.sub(lambda piece, at=found: _meant(piece.group(1), at), given.by)  # type: ignore[misc]  # bound here
        size += len(by)
        if size > MOST_TEXT:
            raise Refused(f"The text would have more than {MOST_TEXT:,} characters.")
        changes.append((found.start(), found.end(), by))
    return one_text(_exchanged(given.text, changes))


def _meant(written: str, found: Any) -> str:
    return "\\" if written == "\\" else found.group(int(written)) or ""


class Split(OfText):
    """Where to split a text."""

    separator: ShortFilledText = Field(default=",", title="Separator", description="What stands between the pieces.")
    trim: bool = Field(default=False, title="Trim", description="Whether spaces around each piece go.")
    keep_empty: bool = Field(default=True, title="Keep empty pieces", description="Whether empty pieces stay.")


@text.action("Split a text", effect="reads")
def split(given: Split) -> SomeItems:
    """Split a text into a list at every separator."""
    if given.text.count(given.separator) >= MOST_ITEMS:
        raise Refused(f"The list would have more than {MOST_ITEMS:,} items.")
    pieces = given.text.split(given.separator)
    if given.trim:
        pieces = [piece.strip() for piece in pieces]
    return some_items([piece for piece in pieces if piece or given.keep_empty])


class Part(OfText):
    """Which part of a text."""

    start: Whole = Field(
        default=0, title="Start", description="How many characters to leave out; a negative number counts from the end."
    )
    length: Natural | None = Field(
        default=None, title="Length", description="How many characters to take. Left out: all that follow."
    )


@text.action("Take a part of a text", effect="reads")
def substring(given: Part) -> OneText:
    """Take some of the characters of a text. What lies beyond its ends is not there, and no error."""
    rest = given.text[given.start :]
    return one_text(rest if given.length is None else rest[: given.length])


class Padded(OfText):
    """How long to make a text."""

    length: Annotated[int, Field(ge=0, le=MOST_TEXT), BeforeValidator(as_number)] = Field(
        title="Length", description="How many characters the text has afterwards, at least."
    )
    filler: Annotated[str, Field(min_length=1, max_length=1), BeforeValidator(as_text)] = Field(
        default=" ", title="Filler", description="The character to put there."
    )
    side: Literal["start", "end"] = Field(default="start", title="Where", description="Before or after the text.")


@text.action("Pad a text", effect="reads")
def pad(given: Padded) -> OneText:
    """Make a text as long as it should be, such as 7 to 007."""
    made = given.text.rjust if given.side == "start" else given.text.ljust
    return one_text(made(given.length, given.filler))


class Shortened(OfText):
    """How short to make a text."""

    length: Annotated[int, Field(ge=1, le=MOST_TEXT), BeforeValidator(as_number)] = Field(
        title="Length", description="How many characters the text has afterwards, at most."
    )
    ending: ShortText = Field(default="…", title="Ending", description="What shows that something was cut off.")


@text.action("Shorten a text", effect="reads")
def shorten(given: Shortened) -> OneText:
    """Cut a text off where it is too long, and show it."""
    if len(given.text) <= given.length:
        return one_text(given.text)
    ending = given.ending[: given.length]
    return one_text(given.text[: given.length - len(ending)].rstrip() + ending)


class RandomId(Value):
    """What a random id looks like."""

    kind: Literal["letters and digits", "hexadecimal", "digits", "uuid"] = Field(
        default="letters and digits", title="Kind", description="Which characters it is made of."
    )
    length: Annotated[int, Field(ge=4, le=128), BeforeValidator(as_number)] = Field(
        default=20, title="Length", description="How many characters it has. A uuid has its own length."
    )


_ALPHABETS: Final = {
    "letters and digits": string.ascii_letters + string.digits,
    "hexadecimal": "0123456789abcdef",
    "digits": string.digits,
}


@text.action("Make a random id", effect="reads", repeatable=True)
async def random_id(_client: object, given: RandomId) -> OneText:
    """Make a text that nobody can guess, from the system's source of randomness."""
    if given.kind == "uuid":
        return OneText(text=str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)))
    return OneText(text="".join(secrets.choice(_ALPHABETS[given.kind]) for _ in range(given.length)))
