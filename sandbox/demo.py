"""The demo: the bot and the sandbox around it, started together as a newcomer meets them."""

import argparse
import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from sandbox.trust import trust
from sandbox.world import World

ROOT = Path(__file__).parent.parent
TENANT = "example-tenant"


class DemoFailedError(Exception):
    """A part of the demo did not start. Carries what it said."""


def main() -> int:
    """Run the demo until it is interrupted. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo", description="Starts the bot with a simulated Slack and Auth0."
    )
    parser.add_argument("--port", type=int, default=8700, help="where the page is (default: 8700; 0 for any free one)")
    parser.add_argument("--folder", type=Path, default=ROOT / ".demo", help="where the demo keeps its database and key")
    given = parser.parse_args()
    try:
        asyncio.run(_run(given.port, given.folder))
    except DemoFailedError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


async def _run(port: int, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with World.open(slack_port=0, auth0_port=0, page_port=port if _is_free(port) else 0) as world:
        addresses = world.addresses()
        bot_port = _free_port()
        environment = await _environment(addresses, folder, bot_port)
        auth0: Mapping[str, Any] = addresses["auth0"]
        await _bot(
            environment,
            ["auth0", "connect", "--name", TENANT, "--domain", auth0["url"], "--client-id", auth0["client_id"]],
            said=f"{auth0['client_secret']}\n",
        )
        bot = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "serve", env=environment, cwd=ROOT)
        try:
            await _answering(bot, f"http://127.0.0.1:{bot_port}/health")
            await _bot(environment, ["auth0", "install", "--name", TENANT])
            async with httpx.AsyncClient(trust_env=False, verify=trust()) as client:
                app = {"request_url": f"http://127.0.0.1:{bot_port}/slack/events", "socket_mode": False}
                (await client.put(f"{addresses['slack']['url']}/sandbox/app", json=app)).raise_for_status()
            print(
                f"\n  Open {addresses['page']} in a browser.\n\n  Type /cicflow help there. Stop with Ctrl+C.\n",
                flush=True,
            )
            await _first(stop.wait(), bot.wait())
            if bot.returncode is not None:
                raise DemoFailedError(f"The bot has ended, with status {bot.returncode}.")
        finally:
            with suppress(ProcessLookupError):
                bot.terminate()
            await bot.wait()


async def _environment(addresses: Mapping[str, Any], folder: Path, port: int) -> dict[str, str]:
    """Return what the bot finds in its environment: the same names as in production, and no proxy."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    key = folder / "key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(await _bot(kept, ["key"]), encoding="utf-8")
    slack = addresses["slack"]
    return {
        **kept,
        "DATABASE_URL": f"sqlite:///{folder.resolve() / 'cicflow.sqlite'}",
        "CICFLOW_KEY": key.read_text(encoding="utf-8").strip(),
        "CICFLOW_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CICFLOW_LOG_LEVEL": "WARNING",
        "SLACK_API_URL": slack["api"],
        "SLACK_BOT_TOKEN": slack["bot_token"],
        "SLACK_SIGNING_SECRET": slack["signing_secret"],
        "HOST": "127.0.0.1",
        "PORT": str(port),
    }


async def _bot(environment: Mapping[str, str], arguments: list[str], *, said: str = "") -> str:
    """Carry out a command of the bot's and return what it printed. Raises DemoFailedError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments, env=environment, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate(said.encode())
    if process.returncode != 0:
        raise DemoFailedError(f"`python -m bot {' '.join(arguments[:2])}` failed:\n{err.decode()}{out.decode()}")
    return out.decode()


async def _answering(process: Process, address: str) -> None:
    """Wait until the bot answers. Raises DemoFailedError if it ends instead."""
    async with httpx.AsyncClient(trust_env=False, verify=trust()) as client:
        while process.returncode is None:
            with suppress(httpx.TransportError):
                if (await client.get(address)).is_success:
                    return
            await asyncio.sleep(0.05)
    raise DemoFailedError("The bot did not start; what it says stands above.")


async def _first(*waits: Any) -> None:
    waiting = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for wait in waiting:
        wait.cancel()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return tried.connect_ex(("127.0.0.1", port)) != 0


if __name__ == "__main__":
    sys.exit(main())
