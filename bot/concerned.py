"""Whom a connection concerns: the owners of the flows that use it, or else those who may set flows up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from bot.permissions import Permissions
from bot.replies import Message
from bot.workspace import Workspace
from connectors.errors import ConnectorError
from flows.store import SetUp, Store
from flows.uses import Use, users

log = structlog.get_logger()

MOST: Final = 20
"""People who are told of one thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """Finds people, and tells them."""

    store: Store
    permissions: Permissions
    workspace: Workspace

    async def flows(self, connection: str) -> Sequence[SetUp]:
        """Return the flows that are on and use a connection."""
        return [flow for flow in await self.users(connection) if flow.enabled]

    async def users(self, connection: str) -> Sequence[SetUp]:
        """Return the flows that use a connection, on or off."""
        return users(Use(kind="connection", name=connection), await self.store.flows())

    async def tell(self, connection: str, said: Message, *, key: str) -> bool:
        """Tell everybody whom a connection concerns. Returns whether anybody was reached."""
        owners = list(dict.fromkeys(flow.changed_by for flow in await self.flows(connection)))
        return await self._tell(owners, said, key) or await self._tell(await self._others(), said, key)

    async def _others(self) -> Sequence[str]:
        try:
            return await self.permissions.people("configure")
        except ConnectorError as error:
            log.warning("people_unknown", why=error.message)
            return ()

    async def _tell(self, people: Sequence[str], said: Message, key: str) -> bool:
        reached = False
        for person in people[:MOST]:
            reached = await self.say(person, said, key=f"{key}/{person}") or reached
        return reached

    async def say(self, person: str, said: Message, *, key: str) -> bool:
        """Tell one person in a direct message. Returns whether that arrived, as far as Slack says."""
        if person[:1] not in {"U", "W"}:
            return False
        text, blocks = said
        try:
            await self.workspace.post(person, text=text[:3900], blocks=blocks[:50], key=key)
        except ConnectorError as error:
            log.warning("could_not_tell", person=person, key=key, why=error.message)
            return False
        return True
