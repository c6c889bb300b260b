"""`python -m bot auth0 …`: our Auth0 Actions and streams, from the command line."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE

import pytest

from tests.worlds import ROOT, TENANT, Stage


async def auth0(stage: Stage, *arguments: str, url: str = "https://bot.example.com") -> tuple[int, str, str]:
    """Carry out a command. Returns its exit status, and what it said on both outputs."""
    given = {**stage.environment(), "PATH": os.environ["PATH"], "CICFLOW_PUBLIC_URL": url}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "auth0", *arguments),
        cwd=ROOT,
        env={name: str(value) for name, value in given.items()},
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()
    return int(process.returncode or 0), out.decode(), err.decode()


async def test_everything_is_installed_seen_and_taken_away(set_up: Stage) -> None:
    await set_up.auth0.put("settings", {"build_seconds": 0})
    status, out, err = await auth0(set_up, "install", TENANT, "--triggers", "all", "--logs", "--events")
    assert (status, err) == (0, "")
    assert len(out.splitlines()) == 10
    assert "The log stream “cicflow” is created." in out

    status, out, _ = await auth0(set_up, "status", TENANT)
    assert status == 0
    assert "“cicflow post-login” runs at logins and is up to date" in out
    assert "The event stream “cicflow” is enabled and sends to us." in out

    _, out, _ = await auth0(set_up, "resume", TENANT)
    assert out.count("switched on already") == 2

    _, out, _ = await auth0(set_up, "uninstall", "--name", TENANT)
    assert "Removed from the tenant: “cicflow post-login”" in out
    assert out.count("is removed.") == 2

    _, out, _ = await auth0(set_up, "status", TENANT)
    assert out.splitlines()[0].startswith("No Auth0 Action of ours is installed for post-login, ")
    assert len(out.splitlines()) == 3


async def test_only_what_is_named_is_installed(set_up: Stage) -> None:
    _, out, _ = await auth0(set_up, "install", TENANT, "--logs")
    assert out == "The log stream “cicflow” is created.\n"
    _, out, _ = await auth0(set_up, "status", TENANT, "--events")
    assert out == "There is no event stream “cicflow” in the tenant.\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["install", TENANT, "--triggers", "pre-login"], 2, "There is no trigger pre-login"),
        (["status", TENANT, "--triggers", ""], 2, "There is no trigger"),
        (["install", "nowhere"], 2, "There is no tenant connected as nowhere"),
        (["status", "nowhere"], 2, "There is no tenant connected as nowhere"),
        (["resume", TENANT, "--logs"], 1, "There is no log stream “cicflow” in the tenant: install it"),
    ],
)
async def test_what_cannot_be_done_is_said(set_up: Stage, arguments: list[str], status: int, words: str) -> None:
    found, _, err = await auth0(set_up, *arguments)
    assert found == status
    assert words in err


async def test_an_address_that_auth0_does_not_reach_is_refused(set_up: Stage) -> None:
    status, _, err = await auth0(set_up, "install", TENANT, "--logs", url="http://bot.example.com")
    assert status != 0
    assert "https" in err
