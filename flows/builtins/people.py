"""People: their names and e-mail addresses, as services keep and need them."""

import re
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from connectors.base import Declaring, Value
from connectors.errors import Refused
from flows.builtins.shapes import OneText, as_text, one_text, quoted

people: Final = Declaring("people", title="People")

UNKNOWN: Final = "Unknown"

Piece = Annotated[str, Field(max_length=2000), BeforeValidator(as_text)]


class Known(Value):
    """What is known of a person's name. All of it may be empty."""

    given_name: Piece | None = Field(default=None, title="Given name", description="The first name.")
    family_name: Piece | None = Field(default=None, title="Family name", description="The last name.")
    name: Piece | None = Field(default=None, title="Name", description="The full name.")
    nickname: Piece | None = Field(default=None, title="Nickname", description="The short name.")
    email: Piece | None = Field(default=None, title="E-mail", description="The e-mail address.")


class PersonName(Value):
    """A person's name."""

    first: str = Field(title="First name", description="Empty if there is only one name.")
    last: str = Field(title="Last name", description="Never empty.")
    full: str = Field(title="Full name", description="Both, with a space in between.")
    origin: Literal["given and family name", "name", "nickname", "e-mail", "nothing"] = Field(
        title="Taken from", description="Which of the values it was taken from."
    )


@people.action("Find a person's first and last name", effect="reads")
def name(given: Known) -> PersonName:
    """Give a first and a last name for services that insist on a last one.

    The given and the family name; where one is missing, the full name, split at its last space; then the nickname; then
    what stands before the @ of the e-mail address; then Unknown. A single name is the last name. Auth0 fills some of
    these with the e-mail address or phone number: those are no names.
    """
    first, last, whole = _words(given.given_name), _words(given.family_name), _words(given.name)
    before, _, final = whole.rpartition(" ")
    if first and last:
        return _called(first, last, "given and family name")
    if last:
        return _called(before, last, "given and family name")
    if before:
        return _called(before, final, "name")
    if first and final and first.casefold() != final.casefold():
        return _called(first, final, "name")
    if first:
        return _called("", first, "given and family name")
    if final:
        return _called("", final, "name")
    nickname = _words(given.nickname)
    if nickname:
        return _called("", nickname, "nickname")
    local = _squeezed((given.email or "").rpartition("@")[0])
    if local and "@" not in local:
        return _called("", local, "e-mail")
    return _called("", UNKNOWN, "nothing")


def _called(
    first: str, last: str, origin: Literal["given and family name", "name", "nickname", "e-mail", "nothing"]
) -> PersonName:
    return PersonName(first=first, last=last, full=f"{first} {last}".strip(), origin=origin)


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _words(text: str | None) -> str:
    """Return a name without the addresses in it; nothing if no letter is left, as in a phone number."""
    words = " ".join(word for word in (text or "").split() if "@" not in word)
    return words if any(each.isalpha() for each in words) else ""


class Address(Value):
    """An e-mail address."""

    email: Piece = Field(title="E-mail", description="The address.")


class AddressParts(Value):
    """An e-mail address in its parts."""

    address: str = Field(title="Address", description="The address, its domain in small letters.")
    lowered: str = Field(title="In small letters", description="All of it in small letters, to compare with others.")
    local: str = Field(title="Before the @", description="Who at that domain.")
    untagged: str = Field(title="Without the tag", description="What stands before the @ and before a + there.")
    domain: str = Field(title="Domain", description="What stands after the @, in small letters.")


_ADDRESS: Final = re.compile(r"([^\s@<>,;]{1,64})@([^\s@<>,;.]{1,63}(?:\.[^\s@<>,;.]{1,63}){0,20})")


def _parsed(email: str) -> tuple[str, str]:
    found = _ADDRESS.fullmatch(email.strip())
    if found is None:
        raise Refused(f"{quoted(email)} is no e-mail address.")
    return found.group(1), found.group(2).lower()


@people.action("Take an e-mail address apart", effect="reads")
def email_parts(given: Address) -> AddressParts:
    """Give what stands before and after the @ of an e-mail address."""
    local, domain = _parsed(given.email)
    return AddressParts(
        address=f"{local}@{domain}",
        lowered=f"{local}@{domain}".lower(),
        local=local,
        untagged=local.partition("+")[0] or local,
        domain=domain,
    )


@people.action("Mask an e-mail address", effect="reads")
def mask_email(given: Address) -> OneText:
    """Give an e-mail address that only shows its first letter and its domain, for places where many people read."""
    local, domain = _parsed(given.email)
    return one_text(f"{local[0]}…@{domain}")
