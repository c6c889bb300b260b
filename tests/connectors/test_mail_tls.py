"""Mail over encrypted connections: against a certificate made for the test, trusted or not."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.errors import ConnectorError, Reconnect
from connectors.mail.client import Post, Settings, check, connect
from connectors.wire import Wire
from sandbox.mail import Mailbox, mailing
from tests.connectors.test_mail import send

Kind = Literal["starttls", "tls"]
WAYS = pytest.mark.parametrize("security", ["starttls", "tls"])


def certificate(folder: Path, host: str) -> Path:
    """Make a certificate for a host that signs itself; the file holds the key, too."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{host}.pem"
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return file


@asynccontextmanager
async def served(wire: Wire, file: Path | None, security: Kind) -> AsyncIterator[tuple[Mailbox, Post]]:
    """A mail server with a certificate, and a client that logs in there."""
    box = Mailbox()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if file is not None:
        tls.load_cert_chain(file)
    how: dict[str, Any] = {"tls": tls, "begins": "encrypted" if security == "tls" else "plain"} if file else {}
    async with mailing(box, **how) as given:
        known = {name: given[name] for name in ("host", "port", "user", "password")}
        yield box, connect(Settings(**known, security=security, from_address="bot@example.com"), wire)


@WAYS
async def test_mail_goes_encrypted_and_nobody_says_who_they_are_before(
    tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch, security: Kind
) -> None:
    file = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))  # whom this machine trusts
    async with served(wire, file, security) as (box, post):
        box.settings = box.settings.model_copy(update={"login": True})
        assert "connected" in await check(post)
        await send(post)
        assert [mail["recipients"] for mail in box.mails] == [["ann@example.com"]]
        first = box.commands[: box.commands.index("AUTH") + 1]
        assert first == {"starttls": ["EHLO", "STARTTLS", "EHLO", "AUTH"], "tls": ["EHLO", "AUTH"]}[security]
        assert box.encrypted == {"starttls": 2, "tls": 0}[security]


@WAYS
@pytest.mark.parametrize("whose", ["a stranger's", "another host's"])
async def test_a_wrong_certificate_is_refused_before_anything_is_said(
    tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch, security: Kind, whose: str
) -> None:
    shown = certificate(tmp_path, {"a stranger's": "127.0.0.1", "another host's": "127.0.0.9"}[whose])
    known = {"a stranger's": certificate(tmp_path, "127.0.0.8"), "another host's": shown}[whose]
    monkeypatch.setenv("SSL_CERT_FILE", str(known))
    async with served(wire, shown, security) as (box, post):
        for doing in (check(post), send(post)):
            with pytest.raises(Reconnect, match="certificate that is not to be trusted"):
                await doing
        assert box.mails == []
        assert set(box.commands) <= {"EHLO", "STARTTLS"}


@WAYS
async def test_without_encryption_nothing_is_said_of_who_they_are(tmp_path: Path, wire: Wire, security: Kind) -> None:
    async with served(wire, None, security) as (box, post):  # a server that knows no TLS, or somebody who takes it away
        with pytest.raises(ConnectorError) as caught:
            await send(post)
        assert "mail-sandbox-password" not in str(caught.value)
        assert not {"AUTH", "MAIL", "END"} & set(box.commands)
        assert box.mails == []
