"""The vault: connections with their settings and secrets, encrypted at rest."""

import asyncio
import base64
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import delete
from sqlmodel import Session, col, select

from flows.store import Store, changed
from flows.tables import Connection

Proof = Literal["signed", "bearer", "client-token"]
REMEMBERED: Final = 1.0
"""Seconds for which a connection is not looked up again: so long other processes may use what it was before."""
PROOFS: Final[tuple[Proof, ...]] = ("signed", "bearer", "client-token")


class WrongKeyError(Exception):
    """The encryption key in the environment does not open what was sealed before. Add the former key behind the new one."""

    def __init__(self) -> None:
        super().__init__((type(self).__doc__ or "").strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A connection, opened: never to be logged or shown."""

    name: str
    connector: str
    key: str
    accepts: Proof
    settings: Mapping[str, Any] = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """What a change of the key did."""

    done: int = 0
    already: int = 0
    """Were sealed with the first key before."""
    unopened: Sequence[str] = ()
    """The names of connections that none of the keys opens. They stay as they are."""


def new_key() -> str:
    """Return a new encryption key."""
    return Fernet.generate_key().decode()


def new_secret() -> str:
    """Return a new secret for signing events, as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class Vault:
    """Keeps connections. The first key seals; all of them open, so that a key can be replaced."""

    def __init__(self, store: Store, keys: Sequence[str], given: Sequence[Account] = ()) -> None:
        """Open the vault. `given` are the connections that need not be made: they follow from the bot's own settings.

        They are never kept, and are not among those that people see and change.
        """
        self._store = store
        self._given = {account.name: account for account in given}
        self._box = MultiFernet([Fernet(key) for key in keys])
        self._first = Fernet(keys[0])
        self._opened: dict[tuple[str, str], tuple[float, Account]] = {}
        self._opening: dict[tuple[str, str], asyncio.Task[Account | None]] = {}

    async def keep(
        self, name: str, *, connector: str, settings: Mapping[str, Any], accepts: Proof, now: float
    ) -> Account:
        """Keep a connection. One that is there gets the new settings, and keeps its address and its secret."""

        def work(session: Session) -> Connection:
            row = session.get(Connection, name) or Connection(
                name=name,
                connector=connector,
                key=secrets.token_urlsafe(24),
                accepts=accepts,
                sealed_settings="",
                sealed_secret=self._seal(new_secret()),
                made_at=now,
            )
            row.connector, row.accepts, row.sealed_settings = connector, accepts, self._seal(json.dumps(dict(settings)))
            session.add(row)
            return row

        row = await self._store.transact(work)
        self._close()
        return self._open(row)

    async def forget(self, name: str) -> bool:
        """Forget a connection, and its secrets. Returns False if there is none."""
        statement = delete(Connection).where(col(Connection.name) == name)
        gone = await self._store.transact(lambda session: changed(session, statement))
        self._close()
        return gone

    async def reseal(self) -> Resealed:
        """Seal every connection with the first key, each in a transaction of its own.

        Others may use and change connections meanwhile, as long as they have the same keys. One that comes meanwhile
        is sealed with the first key anyway, so it is enough to look at those that are there now.
        """
        done, already, unopened = 0, 0, []
        for name in await self.names():
            try:
                if await self._store.transact(partial(self._reseal, name=name)):
                    done += 1
                else:
                    already += 1
            except WrongKeyError:
                unopened.append(name)
        self._close()
        return Resealed(done=done, already=already, unopened=unopened)

    def _reseal(self, session: Session, *, name: str) -> bool:
        """Seal one connection with the first key. Returns False if there is nothing to do."""
        row = session.get(Connection, name, with_for_update=True)
        if row is None or all(self._sealed_first(sealed) for sealed in (row.sealed_settings, row.sealed_secret)):
            return False
        try:
            settings, secret = (
                self._box.rotate(sealed).decode() for sealed in (row.sealed_settings, row.sealed_secret)
            )
        except InvalidToken as error:
            raise WrongKeyError from error
        row.sealed_settings, row.sealed_secret = settings, secret
        session.add(row)
        return True

    def _sealed_first(self, sealed: str) -> bool:
        try:
            self._first.decrypt(sealed)
        except InvalidToken:
            return False
        return True

    async def named(self, name: str) -> Account | None:
        """Return a connection by its name."""
        if name in self._given:
            return self._given[name]
        return await self._remembered("name", name)

    async def at(self, key: str) -> Account | None:
        """Return the connection whose events arrive under a key."""
        return await self._remembered("key", key)

    async def _remembered(self, by: Literal["name", "key"], value: str) -> Account | None:
        """Return a connection, looked up and opened once a second at most: every event and every call asks for one."""
        opened = self._opened.get((by, value))
        if opened is not None and time.monotonic() - opened[0] < REMEMBERED:
            return opened[1]
        opening = self._opening.get((by, value))
        if opening is None:  # of many who ask at the same time, one looks
            opening = asyncio.create_task(self._looked_up(by, value))
            self._opening[by, value] = opening
        return await asyncio.shield(opening)

    async def _looked_up(self, by: Literal["name", "key"], value: str) -> Account | None:
        began, opened, opening = time.monotonic(), self._opened, self._opening
        try:
            account = await self._read(by, value)
        finally:
            opening.pop((by, value), None)
        if account is None:
            opened.pop((by, value), None)
        else:
            opened[by, value] = (began, account)
        return account

    async def _read(self, by: Literal["name", "key"], value: str) -> Account | None:
        query = select(Connection).where(getattr(Connection, by) == value)
        row = await self._store.read(lambda session: session.exec(query).first())
        return None if row is None else self._open(row)

    def _close(self) -> None:
        """Look again for what is open: what is being looked up just now may be out of date."""
        self._opened, self._opening = {}, {}

    async def names(self, connector: str | None = None) -> Sequence[str]:
        """Return the names of all connections that were made, or of those that flows can have of one connector."""
        query = select(Connection.name).order_by(Connection.name)
        if connector is not None:
            query = query.where(Connection.connector == connector)
        kept = await self._store.read(lambda session: session.exec(query).all())
        given = [name for name, account in self._given.items() if account.connector == connector]
        return [*given, *(name for name in kept if name not in given)]

    def _seal(self, text: str) -> str:
        return self._box.encrypt(text.encode()).decode()

    def _open(self, row: Connection) -> Account:
        try:
            settings, secret = (self._box.decrypt(sealed) for sealed in (row.sealed_settings, row.sealed_secret))
        except InvalidToken as error:
            raise WrongKeyError from error
        return Account(
            name=row.name,
            connector=row.connector,
            key=row.key,
            accepts=row.accepts,  # type: ignore[arg-type]  # written by `keep` only
            settings=json.loads(settings),
            secret=secret.decode(),
        )
