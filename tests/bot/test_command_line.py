"""The command line: flows as files, runs, and kinds of process, each as a process of its own."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from bot import assembly
from bot.settings import Settings
from tests.bot.arrivals import event, send, signed
from tests.bot.made import FAILS, LOCKS, NOTE, WAITS, make, run_says, start
from tests.worlds import FLOW, ROOT, Stage


def environment(stage: Stage, **more: Any) -> dict[str, str]:
    given = {**stage.environment(), "PATH": os.environ["PATH"], **more}
    return {name: str(value) for name, value in given.items()}


async def bot(stage: Stage, *arguments: str, typed: str = "", slack: bool = True) -> tuple[int, str, str]:
    """Carry out a command. Returns its exit status, and what it said on both outputs."""
    known = {name: value for name, value in environment(stage).items() if slack or not name.startswith("SLACK")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        cwd=ROOT,
        env=known,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate(typed.encode())
    return int(process.returncode or 0), out.decode(), err.decode()


async def only_run(stage: Stage) -> str:
    """Return the short id of the only run."""
    _, out, _ = await bot(stage, "runs", "list")
    found = re.search(r"^([0-9a-z]{10}) ", out, re.MULTILINE)
    assert found is not None, out
    return found.group(1)


def added(diff: str) -> list[str]:
    """Return what a diff adds."""
    return [line[1:].strip() for line in diff.splitlines() if line.startswith("+ ")]


async def test_a_flow_goes_out_as_a_file_and_comes_back_changed(set_up: Stage, tmp_path: Path) -> None:
    await make(set_up, NOTE, owner="U1")
    _, text, _ = await bot(set_up, "flows", "export", "note")
    assert (await bot(set_up, "flows", "import", "-", typed=text))[1].startswith("note: unchanged")
    file = tmp_path / "changed.yaml"
    file.write_text(text.replace("default: 2", "default: 4"))
    status, shown, _ = await bot(set_up, "flows", "import", str(file))
    assert (status, added(shown), "Nothing was changed yet" in shown) == (0, ["default: 4"], True)
    assert "There is no version 2" in (await bot(set_up, "flows", "diff", "note", "1", "2"))[2]
    _, kept, _ = await bot(set_up, "flows", "import", str(file), "--yes")
    assert "note: kept as version 2, on" in kept
    assert added((await bot(set_up, "flows", "diff", "note", "1", "2"))[1]) == ["default: 4"]
    assert "this is its version 3" in (await bot(set_up, "flows", "restore", "note", "1"))[1]
    assert re.search(r"^note +on +3 ", (await bot(set_up, "flows", "list"))[1], re.MULTILINE)


async def test_a_file_with_problems_changes_nothing(set_up: Stage) -> None:
    await make(set_up, NOTE)
    _, text, _ = await bot(set_up, "flows", "export")
    wrong = text.replace("stop: done", "stop: perhaps")
    status, _, said = await bot(set_up, "flows", "import", "-", "--yes", typed=wrong)
    assert (status, "flows/note/flow/steps/1/stop" in said, "Nothing was changed." in said) == (2, True, True)
    _, versions, _ = await bot(set_up, "flows", "versions", "note")
    assert len(versions.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "typed", "status", "words"),
    [
        (("flows", "list"), "", 0, "No flow is set up yet"),
        (("flows", "export"), "", 2, "No flow is set up yet"),
        (("flows", "export", "notte"), "", 2, "There is no flow notte"),
        (("flows", "check", "-"), NOTE, 0, "This is fine"),
        (("flows", "check", "-"), NOTE.replace("event.what", "event.waht"), 2, "did you mean what?"),
        (("flows", "check", "-"), "cicflow: 1", 2, "`flows:` is missing"),
        (("flows", "check", "-"), "a: {", 2, "document"),
        (("flows", "check", "/no/such/file"), "", 1, "No such file"),
        (("flows", "diff", "note", "1", "2"), "", 2, "There is no version 1 of note"),
        (("flows", "restore", "note", "1"), "", 2, "there is no flow note"),
        (("runs", "list"), "", 0, "There is no such run"),
        (("runs", "show", "nothing"), "", 2, "There is no run nothing"),
        (("runs", "why", "note"), "", 2, "There is no flow note"),
        (("runs", "dry-run", "note", "--event", "-"), "no", 2, "is not JSON"),
    ],
)
async def test_an_answer_of_the_command_line_is_useful(
    set_up: Stage, arguments: tuple[str, ...], typed: str, status: int, words: str
) -> None:
    done, out, err = await bot(set_up, *arguments, typed=typed)
    assert (done, words in out + err) == (status, True), out + err


async def test_runs_are_shown_and_dealt_with(set_up: Stage, tmp_path: Path) -> None:
    await make(set_up, FAILS)
    await make(set_up, WAITS)
    async with set_up.bot_running():
        run = await start(set_up, "fails")
        await run_says(set_up, run, "failed")
        status, out, _ = await bot(set_up, "runs", "show", run, slack=False)
        assert (status, "steps/0: Stop" in out, "failed: No <luck>" in out) == (0, True, True)
        assert "tried again" in (await bot(set_up, "runs", "again", run))[1]
        await run_says(set_up, run, "failed")
        file = tmp_path / "event.json"
        file.write_text(json.dumps({"by": "U9"}))
        _, out, _ = await bot(set_up, "runs", "afresh", run, "--event", str(file))
        new = out.strip().rstrip(".").rpartition(" ")[2]
        await run_says(set_up, new, "failed")
        assert "Discarded" in (await bot(set_up, "runs", "discard", new))[1]
        assert (await bot(set_up, "runs", "discard", new))[0] == 2
        _, out, _ = await bot(set_up, "runs", "list", "--flow", "fails", "--state", "discarded")
        assert (new in out, run in out) == (True, False)
        waiting = await start(set_up, "waits")
        await run_says(set_up, waiting, "waits, begun")
        assert "Cancelled" in (await bot(set_up, "runs", "cancel", waiting, slack=False))[1]
        await run_says(set_up, waiting, "Cancelled by the command line")


async def test_a_dry_run_reads_and_says_what_would_be_done(set_up: Stage) -> None:
    await make(set_up, LOCKS)
    user = (await set_up.auth0.user())["user_id"]
    given = json.dumps({"who": user, "by": "U1"})
    status, out, err = await bot(set_up, "runs", "dry-run", "locks", "--event", "-", typed=given)
    assert (status, "would destroy: Lock a user out 1 ×" in out, user in out) == (0, True, True), err
    assert not (await set_up.auth0.find(user)).get("blocked")


async def test_a_dry_run_is_told_what_people_would_choose(running: Stage) -> None:
    await running.slack.enable()
    given = json.dumps(event((await running.auth0.user())["user_id"]))
    command = ("runs", "dry-run", FLOW, "--event", "-", "--choose", "verdict=block")
    _, out, _ = await bot(running, *command, typed=given)
    assert "The answer was taken to be block" in out
    assert "Lock a user out 1 ×" in out


async def test_why_is_answered_on_the_command_line(running: Stage) -> None:
    await running.slack.enable()
    body = json.dumps({"trigger": "post-login", "event": event(confidence="high")})
    await send(running, body, signed(running, body))
    await running.slack.said(f"why {FLOW}")  # what the bot counts in memory is kept by then
    _, out, _ = await bot(running, "runs", "why", FLOW)
    assert "must be one of low" in out


async def test_a_running_bot_hears_of_an_import(running: Stage) -> None:
    slack = running.slack
    await slack.enable()
    _, text, _ = await bot(running, "flows", "export", FLOW)
    await slack.said(f"disable {FLOW}")
    _, said, _ = await bot(running, "flows", "import", "-", "--yes", typed=text)
    assert "version 1, on" in said
    for number in range(200):
        body = json.dumps({"trigger": "post-login", "event": event(f"auth0|{number}")})
        await send(running, body, signed(running, body, event_id=f"evt_{number}"))
        if slack.alerts(await slack.get("state")):
            break
    await slack.alert()


@asynccontextmanager
async def process(stage: Stage, kind: str, port: int) -> AsyncIterator[str]:
    """Run a kind of process until the block is over. Gives its address."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", kind), cwd=ROOT, env=environment(stage, PORT=port)
    )
    address = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            for _ in range(400):
                try:
                    (await http.get(f"{address}/health")).raise_for_status()
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
                else:
                    break
        yield address
    finally:
        running.terminate()
        await running.wait()


async def test_a_web_process_listens_and_a_worker_carries_out(set_up: Stage, unused_tcp_port: int) -> None:
    await make(set_up, NOTE)
    async with process(set_up, "web", set_up.settings["port"]) as web:
        await set_up.introduce(web)
        run = await start(set_up, "note", what="x", many="1")
        assert "is about to go on" in await set_up.slack.said("runs note")
        async with process(set_up, "worker", unused_tcp_port) as worker:
            await run_says(set_up, run, "is done")
            answers = [
                await set_up.http.post(f"{worker}/in/{set_up.key}"),
                await set_up.http.post(f"{worker}/slack/events"),
            ]
    assert [answer.status_code for answer in answers] == [404, 404]


@pytest.mark.parametrize("command", ["serve", "web", "worker", "migrate"])
async def test_a_database_of_a_newer_program_is_refused_in_one_sentence(set_up: Stage, command: str) -> None:
    async with assembly.kept(Settings(**set_up.settings)) as things:
        await things.store.order(
            lambda database: database.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        )
    status, out, err = await bot(set_up, command)
    assert (status, out) == (1, "")
    assert err.startswith("The database was written by a newer cicflow than this one: its form is 9999")
    assert len(err.splitlines()) == 1
