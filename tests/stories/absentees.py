"""People who have not been there for long, as the stories of the templates about them tell."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlmodel import col

from bot import assembly
from bot.settings import Settings
from flows.tables import Row
from tests.stories.newcomers import comes
from tests.worlds import TENANT, Stage


def days_ago(days: float) -> str:
    moment = datetime.now(UTC) - timedelta(days=days)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def absentee(stage: Stage, days: float | None, **profile: Any) -> str:
    """Let somebody be in the tenant who was there last so many days ago, or never. Returns their id."""
    login = {} if days is None else {"last_login": days_ago(days), "logins_count": 3}
    person = await comes(stage, **{"created_at": days_ago(2000), **login, **profile})
    return str(person["user_id"])


async def removed(stage: Stage, user_id: str) -> None:
    """Delete somebody, as the tenant's admins do."""
    async with assembly.kept(Settings(**stage.settings)) as things:
        tenant = await things.accounts.client(TENANT)
        await tenant.http.request("DELETE", f"/api/v2/users/{quote(user_id, safe='')}")


async def rows_of(stage: Stage, table: str) -> list[dict[str, Any]]:
    """Return what is remembered in a table."""
    query = sa.select(col(Row.cells)).where(col(Row.table_name) == table).order_by(col(Row.id))
    async with assembly.kept(Settings(**stage.settings)) as things:
        return await things.store.read(lambda session: list(session.execute(query).scalars()))


async def passed(stage: Stage, table: str, days: float, *columns: str) -> None:
    """Let days pass since what is remembered in some columns."""

    def work(connection: sa.Connection) -> None:
        query = sa.select(col(Row.id), col(Row.cells)).where(col(Row.table_name) == table)
        for row in connection.execute(query).all():
            moved = {name: _moved(row.cells[name], days) for name in columns if name in row.cells}
            changed = sa.update(Row).where(col(Row.id) == row.id).values(cells={**row.cells, **moved})
            connection.execute(changed)

    async with assembly.kept(Settings(**stage.settings)) as things:
        await things.store.order(work)


def _moved(moment: str, days: float) -> str:
    return (datetime.fromisoformat(moment) - timedelta(days=days)).isoformat()


async def another_day(stage: Stage, table: str) -> None:
    """Let nothing have been done yet on this day."""

    def work(connection: sa.Connection) -> None:
        today = sa.delete(Row).where(col(Row.table_name) == table, col(Row.key).contains("day "))
        connection.execute(today)

    async with assembly.kept(Settings(**stage.settings)) as things:
        await things.store.order(work)


def in_channel(stage: Stage, state: dict[str, Any], words: str) -> list[dict[str, Any]]:
    return [one for one in stage.slack.messages(state) if words in one["text"] + str(one.get("blocks"))]


async def posted(stage: Stage, words: str, number: int = 1) -> dict[str, Any]:
    """Return the latest message in the channel that says something, once there are so many."""
    found: list[dict[str, Any]] = await stage.slack.until(
        lambda state: (some := in_channel(stage, state, words))[number - 1 :] and some
    )
    return found[-1]


async def sheets(stage: Stage, message: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """Return the tables in the thread of a message, by their names; those of one name put together."""
    (now,) = [one for one in stage.slack.messages(await stage.slack.get("state")) if one["ts"] == message["ts"]]
    token = {"Authorization": f"Bearer {stage.settings['slack_bot_token']}"}
    found: dict[str, list[dict[str, str]]] = {}
    files = [file for reply in now.get("replies", []) for file in reply.get("files", [])]
    for file in [file for file in files if file["name"].endswith(".csv")]:
        text = (await stage.http.get(file["url_private"], headers=token)).text
        found.setdefault(file["name"], []).extend(csv.DictReader(io.StringIO(text)))
    return found


async def at_length(stage: Stage, words: str, number: int = 1) -> dict[str, Any]:
    """As `posted`, for what takes longer."""
    async with asyncio.timeout(200):
        while len(found := in_channel(stage, await stage.slack.get("state"), words)) < number:
            await stage.slack.get("changes", after=(await stage.slack.get("state"))["sequence"], timeout=5)
    return found[-1]


def peak_of(pid: int) -> int:
    """Return the most memory that a process has held, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024
