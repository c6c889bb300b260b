"""A connection to a mail server: its settings, how it is spoken to, and what its errors mean."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal, Self

import aiosmtplib
from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.addresses import is_this_machine
from connectors.base import Value
from connectors.errors import Ambiguous, ConnectorError, Reconnect, Refused, TryLater
from connectors.mail.addresses import address, plain
from connectors.wire import Wire
from connectors.wording import clean

SECONDS: Final = 30.0
SERVICE: Final = "The mail server"


class Settings(Value):
    """What is needed to send mail."""

    model_config = ConfigDict(str_strip_whitespace=True)

    host: str = Field(
        min_length=1,
        max_length=253,
        pattern=r"^[A-Za-z0-9.:-]+$",
        title="Host",
        description="Such as smtp.example.com.",
    )
    port: int = Field(default=587, ge=1, le=65535, title="Port", description="587 for STARTTLS, 465 for TLS.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", title="Security", description="How the connection is encrypted; none only on this machine."
    )
    user: str | None = Field(default=None, max_length=320, title="User", description="Empty if there is no login.")
    password: SecretStr | None = Field(default=None, max_length=1000, title="Password", description="Of that user.")
    from_address: str = Field(title="From", description="The address that mail is sent from.")
    from_name: str = Field(default="", max_length=200, title="Name", description="The name that mail is sent with.")

    @field_validator("from_address")
    @classmethod
    def _is_address(cls, text: str) -> str:
        return address(text)

    @field_validator("from_name")
    @classmethod
    def _is_plain(cls, text: str) -> str:
        return plain(text)

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if self.security == "none" and not is_this_machine(self.host):
            raise ValueError("Without encryption only this machine may be spoken to: choose starttls or tls.")
        if (self.user is None) != (self.password is None):
            raise ValueError("A login needs a user and a password.")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """The client of one connection."""

    settings: Settings = field(repr=False)

    async def send(self, message: bytes, recipients: Sequence[str]) -> dict[str, str]:
        """Send a message. Returns why the server refused some of the recipients. Raises ConnectorError."""
        async with self.session() as smtp:
            refused: dict[str, str] = {}
            last: aiosmtplib.SMTPResponseException | None = None
            try:
                await smtp.mail(self.settings.from_address)
            except aiosmtplib.SMTPResponseException as error:
                raise _said(error) from error
            for one in recipients:
                try:
                    await smtp.rcpt(one)
                except aiosmtplib.SMTPRecipientRefused as error:
                    last = error
                    refused[one] = f"{error.code} {clean(error.message)}"
                    if error.code < 500:
                        # Nothing has been sent yet: all of it can wait until the server has time for everybody.
                        raise _said(error) from error
            if last is not None and len(refused) == len(recipients):
                raise _said(last) from last
            await self._data(smtp, message)
            return refused

    async def _data(self, smtp: aiosmtplib.SMTP, message: bytes) -> None:
        try:
            await smtp.data(message)
        except aiosmtplib.SMTPResponseException as error:
            if error.code >= 400:
                raise _said(error) from error
            raise _unknown() from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _unknown() from error

    @asynccontextmanager
    async def session(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """Connect and log in, and say goodbye at the end. Raises ConnectorError."""
        given = self.settings
        smtp = aiosmtplib.SMTP(
            hostname=given.host,
            port=given.port,
            use_tls=given.security == "tls",
            start_tls=given.security == "starttls",
            timeout=SECONDS,
            local_hostname="cicflow",
        )
        try:
            await smtp.connect()
            if given.user is not None and given.password is not None:
                await smtp.login(given.user, given.password.get_secret_value())
            yield smtp
        except aiosmtplib.SMTPAuthenticationError as error:
            # Without a cause: what was sent may be within.
            if 400 <= error.code < 500:
                raise TryLater(f"{SERVICE} has no time for a login now ({error.code}).", status=error.code) from None
            raise Reconnect(f"{SERVICE} does not accept the user and the password.", status=error.code) from None
        except aiosmtplib.SMTPNotSupported as error:
            raise Reconnect(f"{SERVICE} does not offer the encryption or the login that is set.") from error
        except aiosmtplib.SMTPResponseException as error:
            raise _said(error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            if _untrusted(error):
                raise Reconnect(f"{SERVICE} has a certificate that is not to be trusted: nothing was sent.") from error
            raise TryLater(f"{SERVICE} could not be reached, or broke off before anything was sent.") from error
        finally:
            smtp.close()


def _said(error: aiosmtplib.SMTPResponseException) -> ConnectorError:
    """Name the error of an answer: 4xx asks for patience, 5xx is final."""
    words = clean(error.message)
    if 400 <= error.code < 500:
        return TryLater(f"{SERVICE} has no time now ({error.code}): {words}", status=error.code)
    if error.code in {530, 534, 535}:
        return Reconnect(f"{SERVICE} wants another login ({error.code}): {words}", status=error.code)
    return Refused(f"{SERVICE} refused it ({error.code}): {words}", status=error.code)


def _untrusted(error: BaseException | None) -> bool:
    """Tell whether an error is about the server's certificate, or has come of one that is."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def _unknown() -> Ambiguous:
    return Ambiguous(f"{SERVICE} broke off while the mail was handed over: it may or may not be sent.")


def connect(settings: Settings, _wire: Wire) -> Post:
    """Make the client of one mail server; nothing is sent yet."""
    return Post(settings=settings)


async def check(post: Post) -> str:
    """Connect, log in and say nothing. Raises ConnectorError."""
    async with post.session() as smtp:
        await smtp.noop()
    return f"Mail server {post.settings.host}: connected."
