"""The bot as the bench sees it: set up through its public parts, then a process that is spoken to over HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from pydantic import SecretStr

from bench.load import SIGNING_SECRET, TENANTS, Address
from bench.processes import Running, free_port, listening, running
from bot.assembly import kept
from bot.settings import StoreSettings
from flows.store import open_engine
from flows.vault import new_key

DOOR: Final = "bench"
CHANNEL: Final = "C1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A bot that is set up, and may be started again and again over the same database."""

    settings: Mapping[str, str]
    path: str
    secret: str
    log: Path

    @asynccontextmanager
    async def started(self) -> AsyncIterator[Running]:
        """Begin the process; gives it at once."""
        port = free_port()
        environment = {name.upper(): value for name, value in {**self.settings, "port": str(port)}.items()}
        async with running(["bot", "serve"], port=port, environment=environment, log=self.log) as process:
            yield process

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[tuple[Running, Address]]:
        """Begin the process, and wait until it answers."""
        async with self.started() as process:
            await listening(process, self.log)
            yield process, self.address(process)

    def address(self, process: Running) -> Address:
        """Return where events go while a process serves."""
        return Address(port=process.port, path=self.path, secret=self.secret)

    async def finished(self, flow: str, count: int, *, patience: float = 120.0) -> float:
        """Wait until so many runs of a flow are done, by the bot's own history. Returns the moment."""
        engine = open_engine(self.settings["database_url"])
        states = sa.text("SELECT state, count(*) FROM run WHERE flow = :flow GROUP BY state")

        def look() -> dict[str, int]:
            with engine.connect() as connection:
                return dict(connection.execute(states, {"flow": flow}).tuples().all())

        try:
            async with asyncio.timeout(patience):
                while (counts := await asyncio.to_thread(look)).get("done", 0) < count:
                    if counts.get("failed"):
                        raise RuntimeError(f"runs have failed: {counts}\n{self.log.read_text()[-4000:]}")
                    await asyncio.sleep(0.05)
        finally:
            engine.dispose()
        return time.monotonic()

    def items(self) -> int:
        """Return how many items all datasets have."""
        engine = open_engine(self.settings["database_url"])
        with engine.connect() as connection:
            found = int(connection.execute(sa.text("SELECT count(*) FROM dataset_item")).scalar_one())
        engine.dispose()
        return found


async def set_up(
    database_url: str, *, outside: str, folder: Path, flows: Sequence[Mapping[str, Any]], tenants: int = TENANTS
) -> Bot:
    """Set a bot up: its connections to the outside, and its flows."""
    settings = {
        "database_url": database_url,
        "cicflow_key": new_key(),
        "slack_bot_token": "xoxb-bench",
        "slack_signing_secret": SIGNING_SECRET,
        "slack_api_url": f"{outside}/api/",
        "host": "127.0.0.1",
    }
    store_settings = StoreSettings(database_url=database_url, cicflow_key=[SecretStr(settings["cicflow_key"])])
    account = {"domain": outside, "client_id": "bench", "client_secret": "bench"}
    async with kept(store_settings) as things:
        for name in (DOOR, *(f"tenant-{number}" for number in range(tenants))):
            await things.vault.keep(name, connector="auth0", settings=account, accepts="signed", now=time.time())
        for flow in flows:
            await things.store.set_up(
                flow["template"],
                template=flow["template"],
                document=flow,
                settings={"tenant": DOOR, "channel": CHANNEL, "risk": ["low"]},
                by="U1",
                now=time.time(),
            )
        door = await things.vault.named(DOOR)
    assert door is not None
    return Bot(settings=settings, path=f"/in/{door.key}", secret=door.secret, log=folder / "bot.log")
