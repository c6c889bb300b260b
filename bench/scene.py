"""Where a row is measured: a folder, an outside, and how long to take."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.bot import Bot, set_up
from bench.databases import database
from bench.floors import floors
from bench.load import TENANTS, Address
from bench.outside import Outside, outside


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A bot that is set up, its floors, and the outside of both."""

    bot: Bot
    floors: Mapping[str, Address]
    outside: Outside
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What every row is given."""

    folder: Path
    quick: bool
    waiting: int
    """How many decisions wait in the row about them."""
    users: int
    """How many users the row about exports has."""
    databases: Sequence[str]

    @property
    def rounds(self) -> int:
        """How often each measure is taken: the bot and its floor in turn."""
        return 1 if self.quick else 3

    @property
    def quiet(self) -> float:
        """How many seconds an idle process is left alone, or watched."""
        return 2.0 if self.quick else 5.0

    @asynccontextmanager
    async def place(
        self, name: str, *, flows: Sequence[Mapping[str, Any]], kind: str = "SQLite", tenants: int = TENANTS
    ) -> AsyncIterator[Place]:
        """Open an outside, a new database with the flows in it, and the floors on a database of their own."""
        folder = self.folder / name
        async with AsyncExitStack() as stack:
            theirs = stack.enter_context(database(kind, folder / "floor"))
            ours = stack.enter_context(database(kind, folder / "bot"))
            world = await stack.enter_async_context(outside())
            at = await stack.enter_async_context(floors(database_url=theirs, outside=world.address, folder=folder))
            kept = await set_up(ours, outside=world.address, folder=folder, flows=flows, tenants=tenants)
            paths = ("verify", "commit", "run", "post", "click")
            yield Place(bot=kept, floors={path: at(f"/{path}") for path in paths}, outside=world, folder=folder)
