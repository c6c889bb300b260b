"""Codes: text as web addresses, HTML and base64 write it."""

import base64
import binascii
import html
from typing import Annotated, Final, Literal
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode

from pydantic import BeforeValidator, Field

from connectors.base import Declaring, Value
from connectors.errors import Refused
from flows.builtins.hashes import spelled
from flows.builtins.shapes import AnyObject, AnyText, OneObject, OneText, as_text, one_object, one_text
from flows.references import spoken

codes: Final = Declaring("codes", title="Codes")


class OfText(Value):
    """A text."""

    text: AnyText = Field(title="Text", description="The text to start from.")


class ToBase64(OfText):
    """How to write a text in base64."""

    kind: Literal["base64", "base64url"] = Field(
        default="base64",
        title="Kind",
        description="base64url is for addresses and tokens: - and _ in it, no = after it.",
    )


@codes.action("Write in base64", effect="reads")
def to_base64(given: ToBase64) -> OneText:
    """Write the UTF-8 bytes of a text in base64."""
    return one_text(spelled(given.text.encode(), given.kind))


@codes.action("Read base64", effect="reads")
def from_base64(given: OfText) -> OneText:
    """Read text that is written in base64 or base64url."""
    written = "".join(given.text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return one_text(base64.b64decode(written + "=" * (-len(written) % 4), validate=True).decode())
    except UnicodeDecodeError as error:
        raise Refused("What this base64 says is no text.") from error
    except (binascii.Error, ValueError) as error:
        raise Refused("This is no base64.") from error


@codes.action("Write for a web address", effect="reads")
def to_url(given: OfText) -> OneText:
    """Write a text so that it can be one part of a web address: a space as %20."""
    return one_text(quote(given.text, safe=""))


@codes.action("Read from a web address", effect="reads")
def from_url(given: OfText) -> OneText:
    """Read a text that was part of a web address: %20 as a space."""
    try:
        return one_text(unquote_to_bytes(given.text).decode())
    except UnicodeDecodeError as error:
        raise Refused("This was no text before it was written for a web address.") from error


class ToQuery(Value):
    """What to write as a query."""

    object: AnyObject = Field(title="Object", description="The names and values. A list gives its name several times.")


@codes.action("Write a query of a web address", effect="reads")
def to_query(given: ToQuery) -> OneText:
    """Write names and values as the part of a web address after the question mark. Empty values are left out."""
    pairs = [
        (name, spoken(each))
        for name, value in given.object.items()
        for each in (value if isinstance(value, list) else [value])
        if each is not None
    ]
    return one_text(urlencode(pairs, quote_via=quote))


class FromQuery(Value):
    """A query to read."""

    text: Annotated[str, Field(max_length=100_000), BeforeValidator(as_text)] = Field(
        title="Text", description="The part of a web address after the question mark."
    )


@codes.action("Read the query of a web address", effect="reads")
def from_query(given: FromQuery) -> OneObject:
    """Read names and values from a web address's query. A name that comes several times has a list."""
    try:
        pairs = parse_qsl(given.text.removeprefix("?"), keep_blank_values=True, errors="strict", max_num_fields=1000)
    except UnicodeDecodeError as error:
        raise Refused("What this query says is no text.") from error
    except ValueError as error:
        raise Refused("The query has more than 1,000 values.") from error
    read: dict[str, list[str]] = {}
    for name, value in pairs:
        read.setdefault(name, []).append(value)
    return one_object({name: values[0] if len(values) == 1 else values for name, values in read.items()})


@codes.action("Write for HTML", effect="reads")
def to_html(given: OfText) -> OneText:
    """Write a text so that it stands in HTML as it is, for instance in a mail: < as &lt;."""
    return one_text(html.escape(given.text))
