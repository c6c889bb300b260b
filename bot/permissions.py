"""Permissions: who may decide, and who may configure."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal

import structlog

from bot import words
from bot.workspace import Workspace
from connectors.errors import ConnectorError
from flows.store import Store

Right = Literal["decide", "configure"]
RIGHTS: Final[tuple[Right, ...]] = ("decide", "configure")
_FRESH: Final = 60.0
"""Seconds that an answer of Slack about people is believed: group membership may be asked only every three seconds."""

log = structlog.get_logger()


class Permissions:
    """Workspace admins may do everything; others what they were given, themselves or through a user group.

    People are known by their Slack user id only. When Slack cannot be asked, nobody gains a right by it.
    """

    def __init__(self, store: Store, workspace: Workspace, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._workspace = workspace
        self._clock = clock
        self._known: dict[str, tuple[float, frozenset[str]]] = {}

    async def may(self, user: str, right: Right) -> bool:
        """Return whether a Slack user has a right."""
        allowed = await self._store.allowed(right)
        if user in allowed or user in await self._admins(user):
            return True
        for group in allowed:
            if group.startswith("S") and user in await self._members(group):
                return True
        return False

    async def may_give(self, user: str) -> bool:
        """Return whether a Slack user may give rights to others: workspace admins only."""
        return user in await self._admins(user)

    async def who_may(self, right: Right) -> str:
        """Return who has a right, as a refusal says it."""
        subjects = [words.subject(name) for name in await self._store.allowed(right)]
        return words.listed(["workspace admins", *subjects])

    async def people(self, right: Right) -> Sequence[str]:
        """Return the Slack users who were given a right, or the workspace's admins if nobody was. Raises ConnectorError."""
        found: list[str] = []
        for subject in await self._store.allowed(right):
            found += await self._workspace.members(subject) if subject.startswith("S") else [subject]
        return list(dict.fromkeys(found)) or await self._workspace.admins()

    async def _admins(self, user: str) -> frozenset[str]:
        async def look() -> frozenset[str]:
            found = await self._workspace.user(user)
            trusted = not found.get("deleted") and not found.get("is_restricted")
            return frozenset({user} if trusted and (found.get("is_admin") or found.get("is_owner")) else ())

        return await self._fresh(f"user {user}", look)

    async def _members(self, group: str) -> frozenset[str]:
        async def look() -> frozenset[str]:
            return frozenset(await self._workspace.members(group))

        return await self._fresh(f"group {group}", look)

    async def _fresh(self, key: str, look: Callable[[], Awaitable[frozenset[str]]]) -> frozenset[str]:
        now = self._clock()
        at, found = self._known.get(key, (-_FRESH, frozenset()))
        if now - at < _FRESH:
            return found
        try:
            found = await look()
        except ConnectorError as error:
            log.warning("permission_unknown", about=key, why=error.message)
            return frozenset()
        self._known[key] = (now, found)
        return found
