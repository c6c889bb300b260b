"""Connections: the accounts that flows act with, and the addresses that their events arrive at."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from connectors.base import Catalog
from connectors.errors import Reconnect
from connectors.wire import Wire
from flows.vault import Account, Vault

_SIGNED: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
"""The headers of a signed event."""


class Accounts:
    """The clients of connections. One client per connection is kept for as long as its settings stay the same."""

    def __init__(self, vault: Vault, catalog: Catalog, wire: Wire) -> None:
        self._vault = vault
        self._catalog = catalog
        self._wire = wire
        self._clients: dict[str, tuple[Mapping[str, Any], Any]] = {}

    async def client(self, name: str) -> Any:
        """Return a connection's client. Raises Reconnect if there is no such connection, or its settings are wrong."""
        account = await self._vault.named(name)
        if account is None:
            raise Reconnect(f"There is no connection {name} any more.")
        kept = self._clients.get(name)
        if kept is None or kept[0] != account.settings:
            try:
                kept = (account.settings, self.trial(account.connector, account.settings))
            except ValidationError as error:
                raise Reconnect(f"The settings of the connection {name} are not complete any more.") from error
            self._clients[name] = kept
        return kept[1]

    def trial(self, connector: str, settings: Mapping[str, Any]) -> Any:
        """Return a client for settings that are not kept yet. Raises ValidationError."""
        known = self._catalog.connectors[connector]
        return known.connect(known.settings.model_validate(settings), self._wire)

    def forget(self, name: str) -> None:
        """Let the next who needs a connection's client have a new one, that has heard nothing yet."""
        self._clients.pop(name, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """An event whose sender is known."""

    event_id: str


class UnprovedError(Exception):
    """The sender of an event did not prove who it is. Says what is wrong, not what would be right."""


def prove(account: Account, headers: Mapping[str, str], body: bytes) -> Proved:
    """Check that an event comes from where it says, in the way its connection asks for.

    A signed event is named by its signed id, so that a second delivery is recognised; others by their id header if
    they have one, or else by what they say. Raises UnprovedError.
    """
    match account.accepts:
        case "signed":
            try:
                _webhook(account.secret).verify(
                    body, {name: headers.get(name, "") for name in _SIGNED}, json_parse=False
                )
            except (WebhookVerificationError, ValueError) as error:
                reason = str(error) if isinstance(error, WebhookVerificationError) else "Malformed signature"
                raise UnprovedError(reason) from error
        case "bearer":
            scheme, _, token = headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not _same(token.strip(), account.secret):
                raise UnprovedError("Missing or wrong bearer token")
        case "client-token":
            if not _same(headers.get("x-api-client-token", ""), account.secret):
                raise UnprovedError("Missing or wrong x-api-client-token")
    return Proved(event_id=headers.get("webhook-id") or f"sha256-{sha256(body).hexdigest()}")


@lru_cache(maxsize=64)
def _webhook(secret: str) -> Webhook:
    """Return what checks signatures with a secret: it is the same for event after event."""
    return Webhook(secret)


def stream_token(account: Account, inlet: str) -> str:
    """Return the token with which a stream of this connection's service shows that it is one.

    It follows from the connection's secret, so it can be given to the service again whenever that is asked for.
    """
    return hmac.new(account.secret.encode(), inlet.encode(), sha256).hexdigest()


def prove_stream(account: Account, inlet: str, headers: Mapping[str, str]) -> None:
    """Check that what arrives is of this connection's stream. Raises UnprovedError.

    Some services put their token in front of the header as it was typed, others write ``Bearer`` before it.
    """
    given = headers.get("authorization", "").strip()
    scheme, _, rest = given.partition(" ")
    if not _same(rest.strip() if scheme.lower() == "bearer" else given, stream_token(account, inlet)):
        raise UnprovedError("Missing or wrong token")


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode(), secret.encode())
