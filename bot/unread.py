"""What streams sent that could not be read, as people see it and offer it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot import words
from bot.commands import COMMAND, Typed, Verb
from bot.inlets import Inlets
from bot.permissions import Permissions
from bot.replies import Said, refusal
from connectors.base import Catalog
from flows.masking import masked
from flows.tables import UnreadBody
from flows.vault import Vault

SHOWN: Final = 10
"""Bodies in one message."""
BEGINNING: Final = 1500
"""Characters of a body that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Lists bodies, shows one, and takes them in again."""

    inlets: Inlets
    vault: Vault
    catalog: Catalog
    permissions: Permissions

    def verbs(self) -> Sequence[Verb]:
        """Return what can be typed."""
        return [
            Verb(
                usage="unread [id]",
                about="what streams sent that could not be read; or how one of it begins",
                example="unread",
                carry_out=self._list,
            ),
            Verb(
                usage="offer <id>|all",
                about="take in again what could not be read",
                example="offer all",
                carry_out=self._offer,
            ),
        ]

    async def _list(self, typed: Typed) -> Said:
        if not await self.permissions.may(typed.user, "configure"):
            return await refusal("configure", self.permissions)
        if typed.rest:
            found = await self.inlets.unread.named(typed.rest[0])
            return _beginning(found) if found else _unknown(typed.rest[0])
        every = await self.inlets.unread.all()
        if not every:
            return "All that streams sent could be read."
        lines = [_line(one) for one in every[:SHOWN]]
        more = f"\nand {len(every) - SHOWN} more" if len(every) > SHOWN else ""
        hint = f"See one with `{COMMAND} unread <id>`, and take them in again with `{COMMAND} offer all`."
        text = words.number(len(every), "body", "bodies") + " of streams could not be read."
        return text, [words.section(text), words.section("\n".join(lines) + more), words.context(hint)]

    async def _offer(self, typed: Typed) -> Said:
        if not await self.permissions.may(typed.user, "configure"):
            return await refusal("configure", self.permissions)
        if not typed.rest:
            return f"Which? `{COMMAND} unread` lists them; or say `all`."
        if typed.rest[0] == "all":
            offered = list(await self.inlets.unread.all())
        else:
            found = await self.inlets.unread.named(typed.rest[0])
            if found is None:
                return _unknown(typed.rest[0])
            offered = [found]
        read, events = 0, 0
        for one in offered:
            done = await self._take(one)
            read += done is not None
            events += done or 0
        left = len(offered) - read
        rest = f" {words.number(left, 'body', 'bodies')} cannot be read yet, and stay." if left else ""
        return f"{words.number(read, 'body', 'bodies')} read, with {words.number(events, 'event')}.{rest}"

    async def _take(self, one: UnreadBody) -> int | None:
        """Take in a body. Returns how many events it had, or None if something in it still cannot be read."""
        account = await self.vault.named(one.connection)
        connector = self.catalog.connectors.get(account.connector) if account else None
        inlet = connector.inlets.get(one.inlet) if connector else None
        if account is None or inlet is None:
            return None
        taken = await self.inlets.take(account, inlet, one.body)
        if taken.unreadable:
            return None
        await self.inlets.unread.drop(one.id)
        return taken.accepted


def _line(one: UnreadBody) -> str:
    who = words.escape(f"{one.connection}, {one.inlet}", 100)
    return f"`{one.id}` {words.moment(one.at)} {who}: {words.escape(one.why, 200)}"


def _beginning(one: UnreadBody) -> Said:
    text = str(masked(one.body[: 4 * BEGINNING].decode(errors="replace")))
    return _line(one), [words.section(_line(one)), words.section(f"```{words.escape(text, BEGINNING)}```")]


def _unknown(name: str) -> str:
    return f"There is no unread body `{words.escape(name, 40)}`. `{COMMAND} unread` lists them."
