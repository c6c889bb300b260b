"""Migrations: from nothing and from the first form, by several processes at once, and all or nothing."""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from bot import schema
from flows.decisions import Decisions, question_of
from flows.questions import Question
from flows.store import Store, open_engine
from flows.tables import Run
from flows.vault import Vault, new_key
from tests import postgres

ROOT = Path(__file__).parent.parent.parent
KEY = new_key()
QUESTION: dict[str, Any] = {
    "id": "f/2/e/steps/0",
    "run_id": "f/2/e",
    "path": "steps/0",
    "flow": "f",
    "flow_title": "F",
    "text": "Really?",
    "title": "Really?",
    "channel": "C1",
    "details": {},
    "choices": {"yes": {"title": "Yes"}},
    "otherwise": "yes",
    "within": 60.0,
}
STATES = {"waking": "ready", "running": "ready", "waiting": "ready", "done": "done", "failed": "failed"}
"""The states of runs in the first form of the database, and what becomes of them."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of the test's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    return postgres.database()


@pytest.fixture
def engine(address: str) -> Iterator[sa.Engine]:
    opened = open_engine(address)
    yield opened
    opened.dispose()


def first_form(engine: sa.Engine) -> None:
    """Bring an empty database to the first form, and fill it."""
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.attributes["engine"] = engine
    command.upgrade(config, "0001")
    sealed = {"sealed_settings": "{}", "sealed_secret": "x"}
    rows: dict[str, list[dict[str, Any]]] = {
        "connection": [
            {"name": "a", "connector": "auth0", "key": "k", "accepts": "signed", "made_at": 1.0, **sealed},
        ],
        "flow": [
            {"name": "f", "template": "t", "version": 2, "enabled": True, "changed_by": "U1", "changed_at": 2.5},
        ],
        "flow_version": [
            {"flow": "f", "version": number, "document": json.dumps({"é": number}), "settings": '{"s": [1]}'}
            for number in (1, 2)
        ],
        "once": [{"flow": "f", "key": "ann", "event_id": "e", "until": 9e9}],
        "permission": [{"right": "decide", "subject": "U1"}],
        "decision": [
            {
                "id": QUESTION["id"],
                "run_id": "f/2/e",
                "path": "steps/0",
                "question": json.dumps(QUESTION),
                "channel": "C1",
                "posting": False,
                "message": "17.1",
                "asked_at": 3.0,
                "deadline": 63.0,
                "state": "pending",
                "resumed": False,
            },
        ],
        "run": [
            {
                "id": f"f/2/{state}",
                "flow": "f",
                "version": 2,
                "event_id": state,
                "event": '{"who": "Ann"}',
                "state": state,
                "message": "",
                "segments": "[]",
                "began_at": 3.0,
            }
            for state in STATES
        ],
    }
    found = sa.MetaData()
    found.reflect(engine)
    with engine.begin() as connection:
        for name, values in rows.items():
            columns = ", ".join(f'"{column}"' for column in values[0])
            given = ", ".join(f":{column}" for column in values[0])
            connection.execute(sa.text(f'INSERT INTO "{name}" ({columns}) VALUES ({given})'), values)


def is_todays(engine: sa.Engine) -> bool:
    with engine.connect() as connection:
        return not compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)


async def migrating(address: str) -> tuple[int | None, str]:
    """Migrate as the command line does. Returns its status, and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "migrate",
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": address, "CICFLOW_KEY": KEY},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


@pytest.mark.slow
@pytest.mark.parametrize("before", ["empty", "first form"])
async def test_processes_that_migrate_at_once_all_come_up(address: str, engine: sa.Engine, before: str) -> None:
    {"empty": lambda _engine: None, "first form": first_form}[before](engine)
    statuses = await asyncio.gather(*(migrating(address) for _ in range(4)))
    assert [status for status, _ in statuses] == [0, 0, 0, 0], statuses
    assert is_todays(engine)
    assert not schema.upgrade(engine)


async def test_what_was_remembered_in_the_first_form_is_remembered(engine: sa.Engine) -> None:
    first_form(engine)
    assert schema.upgrade(engine)
    assert is_todays(engine)
    store = Store(engine)
    [flow] = await store.flows()
    assert (flow.name, flow.version, flow.enabled, flow.paused) == ("f", 2, True, False)
    assert (flow.document, flow.settings, flow.changed_by) == ({"é": 2}, {"s": [1]}, "U1")
    assert [(version.version, version.document) for version in await store.versions("f")] == [
        (2, {"é": 2}),
        (1, {"é": 1}),
    ]
    assert await Vault(store, [KEY]).names() == ["a"]
    assert await store.allowed("decide") == ["U1"]
    [decision] = await Decisions(store).pending()
    assert (decision.id, decision.message, decision.deadline) == (QUESTION["id"], "17.1", 63.0)
    assert question_of(decision) == Question(**QUESTION)
    runs = await store.read(lambda session: session.execute(sa.select(Run)).scalars().all())
    assert {run.event_id: run.state for run in runs} == STATES
    assert {(run.lane, run.owner, run.nudged, run.depth, json.dumps(run.result)) for run in runs} == {
        ("", None, False, 0, "{}")
    }
    saved = await store.set_up("f", template="t", document={"é": 3}, settings={}, by="U2", now=4.0)
    assert (saved.version, await store.revision()) == (3, 1)
    store.close()


def test_a_migration_that_fails_leaves_what_was_there(engine: sa.Engine) -> None:
    first_form(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE tick (mine INTEGER)")  # in the way of one of ours
    before = sa.inspect(engine).get_table_names()
    with pytest.raises(sa.exc.DBAPIError, match="already exists"):
        schema.upgrade(engine)
    assert sa.inspect(engine).get_table_names() == before
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one() == "0001"
        connection.exec_driver_sql("DROP TABLE tick")
    assert schema.upgrade(engine)
    assert is_todays(engine)


def newer_form(engine: sa.Engine) -> None:
    """Bring an empty database to a form that only a later version knows."""
    schema.upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.exec_driver_sql("CREATE TABLE of_a_later_version (it INTEGER)")


def test_a_newer_database_is_left_as_it_is(engine: sa.Engine) -> None:
    newer_form(engine)
    before = sa.inspect(engine).get_table_names()
    with pytest.raises(schema.NewerDatabaseError, match=rf"newer cicflow.* 9999.* {schema.NEWEST}.*Start that version"):
        schema.upgrade(engine)
    assert sa.inspect(engine).get_table_names() == before


async def test_the_command_line_says_in_words_that_a_database_is_newer(address: str, engine: sa.Engine) -> None:
    newer_form(engine)
    status, said = await migrating(address)
    assert (status, said.count("\n")) == (1, 1)
    assert said.startswith("The database was written by a newer cicflow")


def test_many_open_a_new_file_at_once(tmp_path: Path) -> None:
    engines = [open_engine(f"sqlite:///{tmp_path / 'new.sqlite'}") for _ in range(8)]
    together = threading.Barrier(8, timeout=10)

    def look(opened: sa.Engine) -> str:
        together.wait()
        with opened.connect() as connection:
            return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(look, engines)) == ["wal"] * 8
    for opened in engines:
        opened.dispose()


def test_whether_there_is_something_to_do_is_looked_up_without_waiting_for_whoever_writes(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'store.sqlite'}?timeout=0"
    engine, other = open_engine(address), open_engine(address)
    schema.upgrade(engine)
    with other.begin():
        assert not schema.upgrade(engine)
    for opened in (engine, other):
        opened.dispose()
