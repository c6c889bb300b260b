"""The watch over streams: one that its service has switched off is reported, and switched on again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog

from bot import words
from bot.concerned import Concerned
from bot.connections import Accounts
from bot.health import ACT
from connectors.errors import ConnectorError, Missing, Reconnect
from flows.health import HealthRecords
from flows.vault import Account, Vault, WrongKeyError

if TYPE_CHECKING:
    from connectors.auth0.streams import Kind, Resumed

log = structlog.get_logger()

EVERY: Final = 600.0
"""Seconds between two looks at a stream."""
AT_ONCE: Final = 60.0
"""Seconds that a stream is left alone after a look, when a process begins: others may have begun with it."""
MOST: Final = 3
"""Times within a day that a stream is found switched off and, from then on, left so: something else is wrong."""
CONNECTOR: Final = "auth0"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamWatch:
    """Looks after the streams of the tenants that are connected."""

    vault: Vault
    accounts: Accounts
    records: HealthRecords
    concerned: Concerned
    public_url: str | None
    now: Callable[[], float]

    async def begin(self) -> None:
        """Look at every stream, unless somebody has just done so."""
        await self._look(AT_ONCE)

    async def look(self) -> None:
        """Look at the streams whose time has come."""
        await self._look(EVERY)

    async def _look(self, every: float) -> None:
        if self.public_url is None:
            return  # nothing can be ours where nobody knows our address
        from connectors.auth0.streams import KINDS

        for name in await self.vault.names(CONNECTOR):
            try:
                account = await self.vault.named(name)
            except WrongKeyError:  # said elsewhere, as how the connection is
                continue
            for kind in KINDS:
                if account is not None and await self.records.claim_stream(name, kind, now=self.now(), every=every):
                    await self._look_at(account, kind, self.public_url)

    async def _look_at(self, account: Account, kind: "Kind", public_url: str) -> None:
        from connectors.auth0 import streams

        try:
            client = await self.accounts.client(account.name)
            found = await streams.status(client, kind, url=address(public_url, account))
        except ConnectorError as error:  # how the connection itself is, is said elsewhere
            log.info("stream_not_seen", connection=account.name, kind=kind, why=error.message)
            return
        if not (found.ours and found.stopped):
            await self.records.goes(account.name, kind)
            return
        times, told = await self.records.stopped(account.name, kind, now=self.now())
        log.warning("stream_stopped", connection=account.name, kind=kind, state=found.state, times=times)
        if times >= MOST:
            await self._say_once(account, kind, str(found.state), "left", _left(times), told=told)
            return
        try:
            done = await streams.resume(client, kind)
        except ConnectorError as error:
            await self._say_once(account, kind, str(found.state), "failed", _not_done(error), told=told)
            return
        await self.records.goes(account.name, kind)
        await self._say(account, kind, str(found.state), again(done))

    async def _say_once(self, account: Account, kind: "Kind", state: str, what: str, said: str, *, told: str) -> None:
        """Tell of a stream that stays off, but not every time that it is seen."""
        if told != what and await self._say(account, kind, state, said, left=True):
            await self.records.told_of_stream(account.name, kind, what)

    async def _say(self, account: Account, kind: "Kind", state: str, said: str, *, left: bool = False) -> bool:
        from connectors.auth0.streams import CALLED

        text = f"The {CALLED[kind]} of {words.escape(account.name, 60)} was {words.escape(state, 40)}."
        blocks: list[dict[str, Any]] = [words.section(f":warning: *{text}*\n{said}")]
        if left:
            button = words.button("Switch on again", action=f"{ACT}:resume:{kind}", value=account.name)
            blocks.append({"type": "actions", "elements": [button]})
        key = f"stream/{account.name}/{kind}/{self.now():.3f}"
        return await self.concerned.tell(account.name, (f"{text} {said}", blocks), key=key)

    async def resume(self, name: str, kind: "Kind") -> str:
        """Switch a stream on again because somebody wants it. Returns what to say."""
        from connectors.auth0 import streams

        try:
            done = await streams.resume(await self.accounts.client(name), kind)
        except ConnectorError as error:
            return _not_done(error)
        await self.records.goes(name, kind)
        return again(done)


def address(public_url: str, account: Account) -> str:
    """Return where a connection's events arrive."""
    return f"{public_url.rstrip('/')}/in/{account.key}"


def again(done: "Resumed") -> str:
    """Return what has become of a stream that is switched on again, and of what it could not deliver meanwhile."""
    if done.kind == "logs":
        return "It is switched on again. Auth0 goes on with the first log record that it could not deliver."
    match done:
        case _ if done.not_sent:
            missed = f"What had failed could not be sent again: {words.escape(done.not_sent, 500)}"
        case _ if not done.redelivered or done.failed == 0:
            missed = "No event that had failed is there to be sent again."
        case _ if done.failed is None:
            missed = "Auth0 sends again all events that had failed; how many these are, it does not say."
        case _:
            missed = f"Auth0 sends again {words.number(done.failed, 'event')} that had failed."
    return f"It is switched on again. {missed}"


def _left(times: int) -> str:
    return (
        f"It was switched off {words.number(times, 'time')} within a day, so it is left as it is: what it sends does not "
        "arrive here. Look whether this bot can be reached from the internet, and at the stream's page in Auth0."
    )


def _not_done(error: ConnectorError) -> str:
    why = words.escape(error.message, 500)
    match error:
        case Reconnect():
            needed = f" It needs {words.escape(error.missing_scope, 200)}." if error.missing_scope else ""
            return f"It could not be switched on again, and nothing was sent again. {why}{needed}"
        case Missing():
            return f"It is not there any more. {why}"
        case _:
            return f"It could not be switched on again, and nothing was sent again: {why}"
