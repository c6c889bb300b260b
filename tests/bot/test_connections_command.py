"""`python -m bot connections …`: many connections at once, from a file."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from typing import Any

from bot import assembly
from bot.settings import Settings
from tests.worlds import ROOT, Stage


async def keep(stage: Stage, text: str) -> tuple[int, str, str]:
    """Keep what a text says. Returns the exit status, and what was said on both outputs."""
    environment = {name: str(value) for name, value in stage.environment().items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "connections", "keep", "-"),
        cwd=ROOT,
        env={**environment, "PATH": os.environ["PATH"]},
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate(text.encode())
    return int(process.returncode or 0), out.decode(), err.decode()


def desk(stage: Stage, **more: Any) -> dict[str, Any]:
    given = stage.addresses["servicenow"]
    settings = {name: given[name] for name in ("instance", "client_id", "client_secret")}
    return {"connector": "servicenow", "settings": {**settings, **more}}


async def test_connections_are_tried_and_kept_all_together_or_not_at_all(set_up: Stage) -> None:
    secret = "a secret that is wrong"
    for text, words in (
        ("{", "This is not JSON."),
        (json.dumps({"desk": {"connector": "servicenow"}}), "settings: Field required"),
        (json.dumps({"desk": {"connector": "servicenau", "settings": {}}}), "there is no connector servicenau"),
        (json.dumps({"desk": desk(set_up, instance="not an address")}), "This is not an instance."),
        (json.dumps({"good": desk(set_up), "bad": desk(set_up, client_secret=secret)}), ""),
    ):
        status, _, err = await keep(set_up, text)
        assert (status != 0, words in err, secret in err) == (True, True, False)
    status, out, err = await keep(set_up, json.dumps({"desk": desk(set_up)}))
    assert (status, err) == (0, "")
    assert out.startswith("desk: ")
    async with assembly.kept(Settings(**set_up.settings)) as things:
        assert [name for name in await things.vault.names() if name in {"desk", "good", "bad"}] == ["desk"]
