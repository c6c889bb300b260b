"""Runs a deployed Action with an event: in node where node is, else as its Python twin."""

import asyncio
import contextlib
import json
import secrets
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sandbox.auth0.moments import letters
from sandbox.auth0.tenant import Settings
from sandbox.auth0.triggers import TRIGGERS
from sandbox.auth0.twin import Doing, continue_post_login, post_login

if TYPE_CHECKING:
    from sandbox.auth0.drafts import Draft

HARNESS = Path(__file__).with_name("harness.js")
LONGEST_LINE = 4 * 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Execution:
    """What one run of one Action did."""

    action: str
    runner: Literal["node", "twin"]
    trigger: str = "post-login"
    entry: str = ""
    id: str = field(default_factory=lambda: letters(32))
    error: str | None = None
    late: bool = False
    logs: list[str] = field(default_factory=list)
    commands: list[list[Any]] = field(default_factory=list)
    milliseconds: int = 0

    def shown(self) -> dict[str, Any]:
        """Show it as JSON."""
        return {
            "id": self.id,
            "action": self.action,
            "trigger": self.trigger,
            "entry": self.entry,
            "runner": self.runner,
            "error": self.error,
            "logs": self.logs,
            "commands": self.commands,
            "milliseconds": self.milliseconds,
        }


async def run(
    settings: Settings,
    name: str,
    draft: "Draft",
    event: dict[str, Any],
    *,
    state: str | None = None,
    limit: float | None = None,
) -> Execution:
    """Run an Action with an event; whatever it does is told, nothing is raised.

    `state` is that of the redirect that the person came back from; `limit` is in seconds, less than usual where others have
    run before.
    """
    node = shutil.which("node") if settings.runner != "twin" else None
    started = time.monotonic()
    limit = settings.action_seconds if limit is None else limit
    given = {**event, "secrets": dict(draft.secrets), "configuration": {}}
    trigger = TRIGGERS.get(draft.triggers[0]["id"])
    entry = ((trigger.entry if state is None else trigger.resumes) if trigger else None) or ""
    execution = Execution(
        action=name, runner="twin" if node is None else "node", trigger=draft.triggers[0]["id"], entry=entry
    )
    if node is None and settings.runner == "node":
        execution.runner, execution.error = "node", "node is not installed"
    elif node is None:
        await run_twin(execution, given, state, limit)
    else:
        order = {"code": draft.code, "trigger": execution.trigger, "entry": entry, "event": given, "state": state}
        await run_node(execution, node, order, limit)
    if execution.late:
        execution.error = f"the Action took longer than {settings.action_seconds:g} seconds and was stopped"
    execution.milliseconds = round((time.monotonic() - started) * 1000)
    return execution


async def run_twin(execution: Execution, event: dict[str, Any], state: str | None, limit: float) -> None:
    """Let the twin do what the Action would do."""
    if "CICFLOW_URL" not in event["secrets"] or execution.trigger != "post-login":
        execution.error = "only cicflow's own Action of logins runs without node"
        return
    doing = Doing(event=event, commands=execution.commands, logs=execution.logs)
    try:
        async with asyncio.timeout(limit):
            if state is None:
                await post_login(doing)
            else:
                await continue_post_login(doing, state)
    except TimeoutError:
        execution.late = True


async def run_node(execution: Execution, node: str, order: dict[str, Any], limit: float) -> None:
    """Run the code in a process of its own, which ends with the time limit."""
    mark = secrets.token_hex(16)
    process = await asyncio.create_subprocess_exec(
        node,
        "--no-warnings",
        "--max-old-space-size=256",
        str(HARNESS),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=LONGEST_LINE,
        env={},
    )
    try:
        async with asyncio.timeout(limit):
            given = json.dumps({"mark": mark, **order}).encode()
            await talk(execution, process, given, mark)
    except TimeoutError:
        execution.late = True
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def talk(execution: Execution, process: asyncio.subprocess.Process, given: bytes, mark: str) -> None:
    """Hand the event in and listen till the Action is done."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process has no pipes")
    with contextlib.suppress(ConnectionError):
        process.stdin.write(given)
        await process.stdin.drain()
        process.stdin.close()
    async for line in process.stdout:
        text = line.decode(errors="replace")
        if not text.startswith(mark):
            continue
        match json.loads(text.removeprefix(mark)):
            case {"log": str(said)}:
                execution.logs.append(said)
            case {"command": [str(name), *arguments]}:
                execution.commands.append([name, *arguments])
            case {"error": str(error)}:
                execution.error = error
            case {"done": True}:
                return
    execution.error = execution.error or "the Action's process ended before the Action did"
