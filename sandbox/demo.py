"""The demo: the bot and the sandbox around it, started together as a newcomer meets them."""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from sandbox.auth0.crowd import Crowd, Many
from sandbox.trust import trust
from sandbox.world import World

ROOT = Path(__file__).parent.parent
TENANT = "example-tenant"
TRIGGERS = "post-login,post-user-registration"
SENDER = "accounts@example.com"
CROWD = 300
"""Customers besides those whom the page shows one by one."""


class DemoFailedError(Exception):
    """A part of the demo did not start. Carries what it said."""


def main() -> int:
    """Run the demo until it is interrupted. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo", description="Starts the bot with simulated services around it."
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
        await _bot(environment, ["connections", "keep", "-"], said=json.dumps(_connections(addresses)))
        await _peopled(addresses, f"http://127.0.0.1:{bot_port}/fresh-login")
        bot = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "serve", env=environment, cwd=ROOT)
        try:
            # Both take their time to begin, and neither needs the other for that.
            await asyncio.gather(
                _answering(bot, f"http://127.0.0.1:{bot_port}/health"),
                _bot(environment, ["auth0", "install", TENANT, "--triggers", TRIGGERS, "--logs", "--events"]),
            )
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


def _connections(addresses: Mapping[str, Any]) -> dict[str, Any]:
    """Write all connections as the bot reads them: every service of the sandbox, with its credentials."""
    auth0, desk, org = addresses["auth0"], addresses["servicenow"], addresses["salesforce"]
    marketo, mail, application = addresses["marketo"], addresses["mail"], addresses["downstream"]

    def of(given: Mapping[str, Any], *names: str, **more: Any) -> dict[str, Any]:
        return {**{name: given[name] for name in names}, **more}

    client = ("client_id", "client_secret")
    settings = {
        TENANT: ("auth0", of(auth0, *client, "login_client_id", "login_client_secret", domain=auth0["url"])),
        "desk": ("servicenow", of(desk, "instance", *client)),
        "crm": ("salesforce", of(org, "address", *client, key_field="Flow_Key__c")),
        "marketing": ("marketo", of(marketo, "address", *client)),
        "post": ("mail", of(mail, "host", "port", "user", "password", security="none", from_address=SENDER)),
        "app": ("http", {"address": application["url"], "authentication": "bearer", "secret": application["token"]}),
    }
    return {name: {"connector": connector, "settings": given} for name, (connector, given) in settings.items()}


async def _peopled(addresses: Mapping[str, Any], callback: str) -> None:
    """Let some hundred customers in, of plausible ages; marketing knows every second of them.

    `callback` is where they come back to when they have logged in to answer by a link.
    """
    auth0, marketo = addresses["auth0"], addresses["marketo"]
    crowd = Many(count=CROWD, inactive=0.35, days=60, lately=0.12)
    names = [Crowd(crowd, time.time()).profile(number) for number in range(0, CROWD, 2)]
    planted = [{"email": f"customer.{number}@example.com", "given_name": "Customer"} for number in (1, 11, 12)]
    leads = [
        {"email": one["email"], "firstName": one.get("given_name"), "lastName": one.get("family_name")}
        for one in [*names, *planted]
        if one.get("email")
    ]
    known = {"grant_type": "client_credentials", **{name: marketo[name] for name in ("client_id", "client_secret")}}
    async with httpx.AsyncClient(trust_env=False, verify=trust()) as client:
        (await client.post(f"{auth0['url']}/sandbox/users/many", json=crowd.model_dump())).raise_for_status()
        (await client.post(f"{auth0['url']}/sandbox/past", json={"days": 16})).raise_for_status()
        # What is installed in the tenant is built at once: nobody wants to wait for that here.
        settings = {"build_seconds": 0, "callbacks": [callback]}
        (await client.put(f"{auth0['url']}/sandbox/settings", json=settings)).raise_for_status()
        token = (await client.get(f"{marketo['url']}/identity/oauth/token", params=known)).json()["access_token"]
        wanted = {"action": "createOnly", "lookupField": "email", "input": leads}
        headers = {"authorization": f"Bearer {token}"}
        made = await client.post(f"{marketo['url']}/rest/v1/leads.json", json=wanted, headers=headers)
        if not made.json().get("success"):
            raise DemoFailedError(f"Marketo does not take its leads: {made.text[:500]}")


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
        "CICFLOW_HTTP_ALLOW": "127.0.0.0/8",
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
