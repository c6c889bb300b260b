"""Fixtures that every kind of test may use."""

import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import structlog

from tests import postgres
from tests.specs import auth0_conforms, slack_would_take
from tests.worlds import Stage, stage

# As the bot logs: what went wrong, without the values of variables. Those take a second to be made beautiful.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture(scope="session", autouse=True)
def _no_server_is_left() -> Iterator[None]:
    yield
    postgres.end()


@pytest.fixture(autouse=True)
def _no_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take everything out of the environment that would change where calls go."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def free_port() -> int:
    """Return a port on which nobody listens, and which the system gives to no connection before it is used."""
    for port in random.sample(range(15_000, 32_000), 100):
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port was found")


@pytest.fixture
async def set_up(tmp_path: Path, free_port: int) -> AsyncIterator[Stage]:
    """A world whose tenant is connected. The bot is not running yet."""
    async with stage(tmp_path, free_port) as found:
        await found.connect()
        yield found
        slack_would_take(await found.slack.get("calls"))
        auth0_conforms(await found.auth0.get("calls"), refused=True)


@pytest.fixture
async def running(set_up: Stage) -> AsyncIterator[Stage]:
    """A world with the bot running in it."""
    async with set_up.bot_running():
        yield set_up
