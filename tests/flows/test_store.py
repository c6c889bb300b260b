"""What is remembered: versions of flows, sealed connections, and the schema."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from bot import schema
from flows.decisions import Decisions
from flows.questions import Question
from flows.store import Store, open_engine
from flows.vault import Vault, WrongKeyError, new_key
from tests import postgres

QUESTION = Question(
    id="r/steps/0",
    run_id="r",
    path="steps/0",
    flow="f",
    flow_title="F",
    text="Really?",
    title="Really?",
    channel="C1",
    details={},
    choices={"yes": {"title": "Yes"}},
    otherwise="yes",
    within=60,
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    address = f"sqlite:///{tmp_path / 'store.sqlite'}"
    if request.param == "postgresql":
        address = postgres.database()
    opened = open_engine(address)
    schema.upgrade(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> Store:
    return Store(engine)


def test_the_newest_revision_is_named() -> None:
    assert ScriptDirectory(str(schema.MIGRATIONS)).get_current_head() == schema.NEWEST


def test_the_migrated_schema_is_that_of_the_tables(engine: sa.Engine) -> None:
    assert not schema.upgrade(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


async def test_saving_what_is_already_so_adds_no_version(store: Store) -> None:
    first = await store.set_up("f", template="t", document={"a": 1}, settings={"b": 1}, by="U1", now=1.0)
    same = await store.set_up("f", template="t", document={"a": 1}, settings={"b": 1}, by="U2", now=2.0)
    other = await store.set_up("f", template="t", document={"a": 1}, settings={"b": 2}, by="U2", now=3.0)
    assert [first.version, same.version, other.version] == [1, 1, 2]
    assert await store.switch_off("f", by="U1", now=4.0)
    assert not await store.switch_off("f", by="U1", now=5.0)


async def test_a_decision_is_made_once_whoever_makes_it(store: Store) -> None:
    decisions = Decisions(store)
    await decisions.open(QUESTION, now=0.0)
    await decisions.open(QUESTION, now=30.0)
    first, _ = await decisions.decide(QUESTION.id, "yes", by="U1", now=1.0)
    second, stands = await decisions.decide(QUESTION.id, "no", by="U2", now=2.0)
    assert (first, second, stands and stands.decided_by, await decisions.expire(now=99.0)) == (True, False, "U1", [])


async def test_a_deadline_is_set_once_and_then_passes(store: Store) -> None:
    decisions = Decisions(store)
    await decisions.open(QUESTION, now=0.0)
    await decisions.open(QUESTION, now=30.0)
    assert await decisions.next_deadline() == 60.0
    assert [(one.state, one.choice) for one in await decisions.expire(now=60.0)] == [("expired", "yes")]


async def test_rights_are_given_and_taken(store: Store) -> None:
    await store.allow("decide", "U1")
    await store.allow("decide", "U1")
    assert await store.allowed("decide") == ["U1"]
    assert await store.disallow("decide", "U1")
    assert not await store.disallow("decide", "U1")


async def test_secrets_are_sealed_and_keys_can_be_replaced(tmp_path: Path) -> None:
    file = tmp_path / "vault.sqlite"
    opened = open_engine(f"sqlite:///{file}")
    schema.upgrade(opened)
    store, old, new = Store(opened), new_key(), new_key()
    kept = await Vault(store, [old]).keep(
        "a", connector="auth0", settings={"s": "hush-hush"}, accepts="signed", now=1.0
    )
    assert "hush-hush" not in repr(kept)
    again = await Vault(store, [new, old]).keep(
        "a", connector="auth0", settings={"s": "changed"}, accepts="signed", now=2.0
    )
    assert (again.key, again.secret, again.settings) == (kept.key, kept.secret, {"s": "changed"})
    with pytest.raises(WrongKeyError):
        await Vault(store, [new_key()]).named("a")
    opened.dispose()
    written = b"".join(found.read_bytes() for found in tmp_path.iterdir())  # noqa: ASYNC240  # nothing else is going on
    assert b"hush-hush" not in written
    assert kept.secret.encode() not in written
