"""Hashes: short names of texts that do not give the texts away, and signatures."""

import base64
import binascii
import hashlib
import hmac as signing
import uuid
from typing import Annotated, Final, Literal, assert_never

from pydantic import AfterValidator, Field

from connectors.base import Declaring, Value
from connectors.errors import Refused
from flows.builtins.shapes import AnyText, FilledText, OneText, ShortText

hashes: Final = Declaring("hashes", title="Hashes")

Spelling = Literal["hexadecimal", "base64", "base64url"]


def spelled(raw: bytes, spelling: Spelling) -> str:
    """Write bytes as text."""
    match spelling:
        case "hexadecimal":
            return raw.hex()
        case "base64":
            return base64.b64encode(raw).decode()
        case "base64url":
            return base64.urlsafe_b64encode(raw).decode().rstrip("=")
        case _:
            assert_never(spelling)


class Spelled(Value):
    """A text to hash."""

    text: AnyText = Field(title="Text", description="The text; its UTF-8 bytes are hashed.")
    spelling: Spelling = Field(default="hexadecimal", title="Written as", description="How to write the result.")


class Digested(Spelled):
    """How to hash a text."""

    algorithm: Literal["sha-256", "sha-512", "sha-1", "md5"] = Field(
        default="sha-256",
        title="Algorithm",
        description="sha-1 and md5 are no protection: only for services that ask for them.",
    )


@hashes.action("Hash a text", effect="reads")
def digest(given: Digested) -> OneText:
    """Give the hash of a text: always the same for the same text."""
    hashed = hashlib.new(given.algorithm.replace("-", ""), given.text.encode(), usedforsecurity=False)
    return OneText(text=spelled(hashed.digest(), given.spelling))


class Signed(Spelled):
    """How to sign a text."""

    secret: FilledText = Field(title="Secret", description="The key that both sides know.")
    secret_is: Literal["text", "hexadecimal", "base64"] = Field(
        default="text", title="Secret is", description="How the secret is written."
    )
    algorithm: Literal["sha-256", "sha-512", "sha-1"] = Field(
        default="sha-256", title="Algorithm", description="The hash underneath."
    )


@hashes.action("Sign a text (HMAC)", effect="reads")
def hmac(given: Signed) -> OneText:
    """Give the HMAC of a text, with which its receiver can tell that it came from somebody who knows the secret."""
    try:
        match given.secret_is:
            case "text":
                key = given.secret.encode()
            case "hexadecimal":
                key = bytes.fromhex(given.secret)
            case "base64":
                key = base64.b64decode(given.secret, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(f"The secret is not written in {given.secret_is}.") from error
    signed = signing.digest(key, given.text.encode(), given.algorithm.replace("-", ""))
    return OneText(text=spelled(signed, given.spelling))


_NAMESPACES: Final = {
    "dns": uuid.NAMESPACE_DNS,
    "url": uuid.NAMESPACE_URL,
    "oid": uuid.NAMESPACE_OID,
    "x500": uuid.NAMESPACE_X500,
}


def _namespace(value: str) -> str:
    try:
        return str(_NAMESPACES.get(value) or uuid.UUID(value))
    except ValueError as error:
        raise ValueError("a namespace is dns, url, oid, x500 or a uuid") from error


class NamedId(Value):
    """What to make an id of."""

    text: AnyText = Field(title="Text", description="The name that the id stands for.")
    namespace: Annotated[ShortText, AfterValidator(_namespace)] = Field(
        default="url",
        title="Namespace",
        description="dns, url, oid, x500 or a uuid of your own: the same text has another id in each.",
        validate_default=True,
    )


@hashes.action("Make an id of a text (UUID)", effect="reads")
def named_id(given: NamedId) -> OneText:
    """Give the version 5 UUID of a text: always the same for the same text, for services that want such ids."""
    return OneText(text=str(uuid.uuid5(uuid.UUID(given.namespace), given.text)))
