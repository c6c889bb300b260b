"""A new encryption key takes the place of a former one, while everything goes on."""

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import schema
from flows.store import Store, open_engine
from flows.vault import Resealed, Vault, WrongKeyError, new_key
from tests.worlds import ROOT

OLD, NEW = new_key(), new_key()
SETTINGS = {"client_secret": "s3cr3t"}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    engine = open_engine(f"sqlite:///{tmp_path / 'kept.sqlite'}")
    schema.upgrade(engine)
    opened = Store(engine)
    yield opened
    opened.close()
    engine.dispose()


async def keep(vault: Vault, name: str) -> None:
    await vault.keep(name, connector="auth0", settings=SETTINGS, accepts="signed", now=1.0)


async def test_every_connection_is_sealed_with_the_first_key_and_keeps_its_secret(store: Store) -> None:
    for name in ("one", "two"):
        await keep(Vault(store, [OLD]), name)
    before = await Vault(store, [OLD]).named("one")
    assert await Vault(store, [NEW, OLD]).reseal() == Resealed(done=2, unopened=[])
    after = await Vault(store, [NEW]).named("one")
    assert after == before
    with pytest.raises(WrongKeyError):
        await Vault(store, [OLD]).named("one")


async def test_doing_it_again_changes_nothing(store: Store) -> None:
    await keep(Vault(store, [OLD]), "one")
    both = Vault(store, [NEW, OLD])
    await both.reseal()
    await keep(both, "new")
    assert await both.reseal() == Resealed(already=2, unopened=[])


async def test_processes_with_both_keys_go_on_before_and_after(store: Store) -> None:
    await keep(Vault(store, [OLD]), "one")
    running = Vault(store, [NEW, OLD])
    assert await running.named("one") is not None
    await Vault(store, [NEW, OLD]).reseal()
    fresh = await Vault(store, [NEW, OLD]).named("one")
    assert fresh is not None
    assert fresh == await running.named("one")


async def test_what_no_key_opens_is_named_and_stays(store: Store) -> None:
    lost = new_key()
    await keep(Vault(store, [lost]), "lost")
    await keep(Vault(store, [OLD]), "one")
    assert await Vault(store, [NEW, OLD]).reseal() == Resealed(done=1, unopened=["lost"])
    assert await Vault(store, [lost]).named("lost") is not None


def test_the_command_says_how_many(tmp_path: Path) -> None:
    """As a process of its own: the program's log would go on to a place that is only this test's."""
    given = {"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite'}", "CICFLOW_KEY": f"{NEW},{OLD}"}
    done = subprocess.run(
        [sys.executable, "-m", "bot", "rotate-key"], cwd=ROOT, env=given, capture_output=True, text=True, check=True
    )
    assert "Sealed with the first key now: 0. Already sealed with it: 0." in done.stdout
