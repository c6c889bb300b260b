"""Mail that a flow sends."""

import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from hashlib import sha256
from html import escape
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from connectors.base import Value
from connectors.mail.addresses import address, plain
from connectors.mail.client import Post
from connectors.mail.connector import mail

Email = Annotated[str, AfterValidator(address)]
MOST: Final = 100


class Mail(Value):
    """A mail."""

    to: list[Email] = Field(min_length=1, max_length=MOST, title="To", description="Addresses that it goes to.")
    cc: list[Email] = Field(
        default_factory=list, max_length=MOST, title="Copies", description="Others who get it, for all to see."
    )
    bcc: list[Email] = Field(
        default_factory=list, max_length=MOST, title="Blind copies", description="Others who get it, which nobody sees."
    )
    reply_to: Email | None = Field(
        default=None, title="Reply to", description="Where answers go, if not to the sender."
    )
    subject: str = Field(min_length=1, max_length=500, title="Subject", description="In one line.")
    text: str = Field(max_length=500_000, title="Text", description="What it says, as plain text.")
    html: str | None = Field(
        default=None,
        max_length=500_000,
        title="HTML",
        description="The same as HTML. Each {name} in it becomes the value of that name, escaped.",
    )
    values: dict[str, str] = Field(
        default_factory=dict,
        title="Values",
        description="What stands for {name} in the HTML. Put there all that comes from outside: it cannot become HTML.",
    )
    unsubscribe: str | None = Field(
        default=None,
        max_length=2000,
        pattern=r"^https://[\x21\x23-\x3b\x3d\x3f-\x7e]+$",
        title="Unsubscribe",
        description="A page that ends such mail with one click (https).",
    )
    key: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        title="Key",
        description="Text that names this mail: the same again has the same Message-ID, by which a second one is recognised.",
    )

    @field_validator("subject")
    @classmethod
    def _is_plain(cls, text: str) -> str:
        return plain(text)

    @model_validator(mode="after")
    def _is_readable(self) -> Self:
        if "\0" in self.text or "\0" in (self.html or ""):
            raise ValueError("A mail has no characters of value zero.")
        return self

    @property
    def recipients(self) -> list[str]:
        """Everybody who gets it, each once."""
        return list(dict.fromkeys([*self.to, *self.cc, *self.bcc]))


class Sent(Value):
    """A mail that is on its way."""

    message_id: str = Field(title="Message id", description="Its Message-ID.")
    accepted: list[str] = Field(title="Accepted", description="For whom the mail server took it.")
    refused: dict[str, str] = Field(title="Refused", description="For whom it did not, and its words.")


@mail.action("Send a mail", effect="changes", counts=lambda given: len(given.recipients))
async def send_mail(client: Post, given: Mail) -> Sent:
    """Send a mail. That the server took it does not mean that it arrives: what bounces later comes to the sender.

    Where the server refuses some of the recipients, the others get it, and `refused` says who did not.
    """
    message = composed(given, client)
    refused = await client.send(message.as_bytes(policy=SMTP), given.recipients)
    accepted = [one for one in given.recipients if one not in refused]
    return Sent(message_id=str(message["Message-ID"]), accepted=accepted, refused=refused)


def composed(given: Mail, client: Post) -> EmailMessage:
    """Compose a mail. No blind copy is named in it."""
    settings = client.settings
    domain = settings.from_address.rpartition("@")[2]
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(settings.from_name, addr_spec=settings.from_address)
    message["To"] = ", ".join(given.to)
    if given.cc:
        message["Cc"] = ", ".join(given.cc)
    if given.reply_to:
        message["Reply-To"] = given.reply_to
    message["Subject"] = given.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    if given.key:
        names = "\0".join([settings.from_address, *given.recipients, given.key])
        message["Message-ID"] = f"<{sha256(names.encode()).hexdigest()[:40]}@{domain}>"
    else:
        message["Message-ID"] = make_msgid(domain=domain)
    if given.unsubscribe:
        message["List-Unsubscribe"] = f"<{given.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(given.text, cte="quoted-printable")
    if given.html is not None:
        message.add_alternative(_filled(given.html, given.values), subtype="html", cte="quoted-printable")
    return message


def _filled(html: str, values: dict[str, str]) -> str:
    """Put values, escaped, in the place of their names. What a value says is not looked at again."""
    parts = re.split(r"(\{[a-z][a-z0-9_]*\})", html)
    return "".join(escape(values.get(part[1:-1], ""), quote=True) if part[1:-1] in values else part for part in parts)
