"""What stories of reports share: a time that has come, what was posted, and what is in its thread."""

import asyncio
import time
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot import assembly
from bot.settings import Settings
from flows.store import dialect_of
from flows.tables import Run, Tick
from tests.stories.absentees import in_channel
from tests.worlds import Stage

WEEK = 7 * 86_400.0


async def time_has_come(stage: Stage, flow: str) -> None:
    """Let the bot have been away for a week: the latest of a flow's times that it missed is made up for."""

    def work(connection: sa.Connection) -> None:
        away = {"flow": flow, "trigger": 0, "at": time.time() - WEEK}
        insert = dialect_of(connection).insert(Tick).values(**away)
        connection.execute(insert.on_conflict_do_update(index_elements=["flow", "trigger"], set_={"at": away["at"]}))

    async with assembly.kept(Settings(**stage.settings)) as things:
        await things.store.order(work)


async def all_ended(stage: Stage, flow: str, number: int) -> list[str]:
    """Wait until as many runs of a flow have ended, and return their states."""
    query = sa.select(col(Run.state), col(Run.ended_at)).where(col(Run.flow) == flow)
    async with assembly.kept(Settings(**stage.settings)) as things, asyncio.timeout(30):
        while True:
            runs = await things.store.read(lambda session: session.execute(query).all())
            if len(runs) >= number and all(run.ended_at is not None for run in runs):
                return [run.state for run in runs]
            await asyncio.sleep(0.05)  # the database tells nobody


async def saying(stage: Stage, words: str) -> list[dict[str, Any]]:
    """Return the messages in the channel that say something."""
    return in_channel(stage, await stage.slack.get("state"), words)


def tables_of(message: dict[str, Any]) -> list[str]:
    """Return the names of the tables in the thread of a message."""
    files = [file["name"] for reply in message.get("replies", []) for file in reply.get("files", [])]
    return [name for name in files if name.endswith(".csv")]


def pictures_of(message: dict[str, Any]) -> list[str]:
    """Return what the pictures of a message show, in words."""
    return [block["alt_text"] for block in message["blocks"] if block["type"] == "image"]
