"""The health of connections: each is tried every hour, by one process, and people hear of it when it changes."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from bot import words
from bot.concerned import Concerned
from bot.connections import Accounts
from bot.replies import Message
from connectors.base import Catalog
from connectors.errors import ConnectorError, Reconnect, TryLater
from connectors.limits import interactive, patiently
from flows.health import HealthRecords
from flows.tables import ConnectionHealth
from flows.vault import Vault, WrongKeyError

log = structlog.get_logger()

EVERY: Final = 3600.0
"""Seconds between two trials of a connection."""
SOON: Final = 600.0
"""Seconds between two trials of one that does not work."""
AT_ONCE: Final = 60.0
"""Seconds that a connection is left alone after a trial, when a process begins: others may have begun with it."""
ACT: Final = "connection"
"""What the names of buttons about connections begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Tries connections, and says how they are."""

    vault: Vault
    catalog: Catalog
    accounts: Accounts
    records: HealthRecords
    concerned: Concerned
    now: Callable[[], float]

    async def begin(self) -> None:
        """Try every connection, unless somebody has just done so."""
        await self._look(dict.fromkeys(await self.vault.names(), AT_ONCE))

    async def look(self) -> None:
        """Try the connections whose time has come."""
        known = await self.records.connections()
        await self._look(
            {name: SOON if name in known and not known[name].ok else EVERY for name in await self.vault.names()}
        )

    async def _look(self, every: Mapping[str, float]) -> None:
        due = [name for name, pause in every.items() if await self.records.claim(name, now=self.now(), every=pause)]
        await asyncio.gather(*map(self.check, due))

    async def check(self, name: str) -> tuple[bool, str]:
        """Try a connection with one harmless call, keep how it went, and tell those whom it concerns if that changed."""
        ok, said = await self._tried(name)
        if await self.records.note(name, ok=ok, said=said, now=self.now()):
            log.info("connection_changed", connection=name, ok=ok)
            if await self.concerned.tell(name, await self._report(name, said, ok=ok), key=self._key(name)):
                await self.records.told(name, ok=ok)
        return ok, said

    async def known(self, name: str, *, ok: bool, said: str) -> None:
        """Keep how a connection is that somebody has just tried, and was told about."""
        await self.records.note(name, ok=ok, said=said, now=self.now())
        await self.records.told(name, ok=ok)

    async def _tried(self, name: str) -> tuple[bool, str]:
        try:
            account = await self.vault.named(name)
        except WrongKeyError as error:
            return False, str(error)
        if account is None:
            return False, f"There is no connection {name} any more."
        connector = self.catalog.connectors[account.connector]

        async def attempt() -> str:
            with interactive():  # one call, which is not to wait for all that the flows do just now
                return str(await connector.check(await self.accounts.client(name)))

        try:
            try:
                return True, await patiently(attempt, attempts=3, longest=10.0)
            except Reconnect:
                # What it may do is known since its token was made: something may have been granted since then.
                self.accounts.forget(name)
                return True, await patiently(attempt, attempts=3, longest=10.0)
        except ConnectorError as error:
            busy = isinstance(error, TryLater) and error.after is not None
            return busy, error.message  # a service that says when to come again works

    def _key(self, name: str) -> str:
        return f"connection/{name}/{self.now():.3f}"

    async def _report(self, name: str, said: str, *, ok: bool) -> Message:
        shown = words.escape(name, 60)
        if ok:
            text = f"The connection {shown} works again."
            return text, [words.section(f":white_check_mark: *{text}*\n{words.escape(said, 500)}")]
        text = f"The connection {shown} does not work."
        flows = [f"`{flow.name}`" for flow in await self.concerned.flows(name)]
        used = f"\nFlows that use it, and fail until this is put right: {words.listed(flows)}." if flows else ""
        buttons = [
            words.button("Check now", action=f"{ACT}:check", value=name),
            words.button("Edit", action=f"{ACT}:edit", value=name),
        ]
        return text, [
            words.section(f":warning: *{text}*\n{words.escape(said, 500)}{used}"),
            {"type": "actions", "elements": buttons},
            words.context("I go on trying it, and say so when it works again."),
        ]

    async def lines(self) -> Mapping[str, str]:
        """Return how each connection is, in a line."""
        records = await self.records.connections()
        return {name: line(name, records.get(name)) for name in await self.vault.names()}


def line(name: str, record: ConnectionHealth | None) -> str:
    """Return how a connection is, in words."""
    shown = f"`{words.escape(name, 60)}`"
    if record is None or record.checked_at is None:
        return f":white_circle: {shown} has not been tried yet"
    when = words.moment(record.checked_at)
    if record.ok:
        return f":large_green_circle: {shown} works, tried {when}"
    return f":red_circle: {shown} does not work, tried {when}: {words.escape(record.said, 400)}"
