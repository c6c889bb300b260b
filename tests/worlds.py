"""What stories happen in: the sandbox, the bot, and hands to move them with."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from bot import assembly
from bot.settings import Settings
from connectors.auth0 import install
from flows.vault import new_key
from sandbox.server import serving
from sandbox.trust import trust
from sandbox.world import World

ROOT = Path(__file__).parent.parent
TENANT = "example-tenant"
FLOW = "high-risk-login"
PATIENT = 15.0


class Service:
    """A service of the sandbox, through its control addresses."""

    def __init__(self, given: Mapping[str, Any], http: httpx.AsyncClient) -> None:
        self.given = given
        self.http = http

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.http.get(f"{self.given['url']}/sandbox/{path}", params=query, timeout=70)
        answer.raise_for_status()
        return answer.json()

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        answer = await self.http.post(f"{self.given['url']}/sandbox/{path}", json=body, timeout=30)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def put(self, path: str, body: Mapping[str, Any]) -> Any:
        answer = await self.http.put(f"{self.given['url']}/sandbox/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    async def fault(self, match: str, *, times: int = 1, **fault: Any) -> None:
        await self.post("faults", {"match": match, "times": times, "fault": fault})

    async def calls(self, **wanted: Any) -> list[dict[str, Any]]:
        return [
            call for call in await self.get("calls") if all(call.get(name) == value for name, value in wanted.items())
        ]

    async def until(self, found: Callable[[dict[str, Any]], Any], *, patience: float = PATIENT) -> Any:
        """Wait until something is to be seen in the service's state, and return it."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            state = await self.get("state")
            if seen := found(state):
                return seen
            await self.get("changes", after=state["sequence"], timeout=2)
        raise AssertionError(f"never seen; the state is {json.dumps(await self.get('state'))[:6000]}")


class Slack(Service):
    """People in the workspace."""

    @property
    def security(self) -> str:
        return str(self.given["channels"]["security"])

    def who(self, name: str) -> str:
        return str(self.given["users"][name])

    async def command(self, text: str, *, user: str = "admin", channel: str | None = None) -> Any:
        place = channel or self.security
        body = {"user": self.who(user), "channel": place, "command": "/cicflow", "text": text}
        return await self.post("commands", body)

    async def said(self, text: str, *, user: str = "admin") -> str:
        """Type a command and return what the bot answers, to this person only."""
        before = len((await self.get("state"))["ephemerals"])
        await self.command(text, user=user)
        found = await self.until(lambda state: state["ephemerals"][before:])
        return str(found[0]["text"])

    async def form(self, *, user: str = "admin") -> dict[str, Any]:
        """Return the form that a person has open, once it is loaded."""
        person = self.who(user)

        def loaded(state: dict[str, Any]) -> Any:
            view = (state["views"].get(person) or [None])[-1]
            return view if view and "One moment" not in json.dumps(view["blocks"]) else None

        view: dict[str, Any] = await self.until(loaded)
        return view

    async def enable(self, **values: Any) -> None:
        await self.command(f"enable {FLOW}")
        view = await self.form()
        saved = await self.post("submissions", {"user": self.who("admin"), "view_id": view["id"], "values": values})
        assert "errors" not in saved, saved
        await self.until(lambda state: [m for m in self.messages(state) if "switched on" in m["text"]])

    def messages(self, state: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = state["messages"][self.security]
        return found

    def alerts(self, state: dict[str, Any]) -> list[dict[str, Any]]:
        return [m for m in self.messages(state) if any(block["type"] == "header" for block in m.get("blocks", []))]

    async def alert(self) -> dict[str, Any]:
        """Return the first alert, once it is there."""
        found: list[dict[str, Any]] = await self.until(self.alerts)
        return found[0]

    async def ended(self, words: str) -> dict[str, Any]:
        """Return the first alert once it says how it ended."""
        found: list[dict[str, Any]] = await self.until(lambda s: [m for m in self.alerts(s) if words in text_of(m)])
        return found[0]

    async def press(self, message: Mapping[str, Any], action: str, *, user: str = "admin") -> Any:
        body = {"user": self.who(user), "channel": self.security, "ts": message["ts"], "action_id": action}
        return await self.post("clicks", body)

    async def whispered(self, words: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = await self.until(lambda s: [e for e in s["ephemerals"] if words in e["text"]])
        return found[0]


class Auth0(Service):
    """People who log in at the tenant."""

    async def user(self, index: int = 0) -> dict[str, Any]:
        """Return one of the tenant's users who has an e-mail and sessions, and is not blocked."""
        users = (await self.get("state"))["users"]
        fine = [user for user in users if user.get("email") and not user.get("blocked") and user.get("sessions")]
        found: dict[str, Any] = fine[index]
        return found

    async def find(self, user_id: str) -> dict[str, Any]:
        users = (await self.get("state"))["users"]
        return next(user for user in users if user["user_id"] == user_id)

    async def login(self, user_id: str, *, risk: str | None = "low", **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = await self.post("logins", {"user_id": user_id, "risk": risk, **more})
        return found


class Stage:
    """A world with the bot in it."""

    def __init__(self, world: World, settings: dict[str, Any], http: httpx.AsyncClient) -> None:
        self.addresses = world.addresses()
        self.settings = settings
        self.http = http
        self.slack = Slack(self.addresses["slack"], http)
        self.auth0 = Auth0(self.addresses["auth0"], http)
        self.bot = ""
        self.key = ""
        self.secret = ""

    @asynccontextmanager
    async def bot_running(self) -> AsyncIterator[None]:
        """Run the bot in this process."""
        async with serving(assembly.web(Settings(**self.settings)), "127.0.0.1", self.settings["port"]) as address:
            await self.introduce(address)
            yield

    @asynccontextmanager
    async def bot_process(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run the bot as a process of its own, which a story may kill."""
        names = {name: str(value) for name, value in self.environment().items()}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "serve", cwd=ROOT, env={"PATH": os.environ["PATH"], **names}
        )
        try:
            await self.healthy()
            await self.introduce(f"http://127.0.0.1:{self.settings['port']}")
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()

    async def healthy(self) -> None:
        transport = httpx.AsyncHTTPTransport(retries=0)
        async with httpx.AsyncClient(transport=transport, trust_env=False, verify=trust()) as http:
            for _ in range(400):
                try:
                    (await http.get(f"http://127.0.0.1:{self.settings['port']}/health")).raise_for_status()
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
                else:
                    return
        raise AssertionError("the bot did not start")

    def environment(self) -> dict[str, Any]:
        keys = {"cicflow_key": ",".join(self.settings["cicflow_key"])}
        return {name.upper(): value for name, value in {**self.settings, **keys}.items()}

    async def introduce(self, address: str) -> None:
        self.bot = address
        await self.slack.put("app", {"request_url": f"{address}/slack/events", "socket_mode": False})

    async def connect(self, *, accepts: Any = "signed", installed: bool = True, on_failure: Any = "open") -> None:
        """Connect the tenant, and install the Auth0 Action in it."""
        given = self.addresses["auth0"]
        names = ("client_id", "client_secret", "login_client_id", "login_client_secret")
        settings = {"domain": given["url"], **{name: given[name] for name in names}}
        await self.auth0.put("settings", {"callbacks": [f"http://127.0.0.1:{self.settings['port']}/fresh-login"]})
        async with assembly.kept(Settings(**self.settings)) as things:
            account = await things.vault.keep(
                TENANT, connector="auth0", settings=settings, accepts=accepts, now=time.time()
            )
            self.key, self.secret = account.key, account.secret
            if installed:
                await self.auth0.put("settings", {"build_seconds": 0})
                url = f"http://127.0.0.1:{self.settings['port']}/in/{account.key}"
                await install.install(
                    await things.accounts.client(TENANT), url=url, secret=account.secret, on_failure=on_failure
                )


@asynccontextmanager
async def stage(folder: Path, port: int, **more: Any) -> AsyncIterator[Stage]:
    """Open a world, with a bot's settings for it."""
    async with World.open() as world, httpx.AsyncClient(trust_env=False, verify=trust()) as http:
        slack = world.addresses()["slack"]
        settings: dict[str, Any] = {
            "database_url": f"sqlite:///{folder / 'cicflow.sqlite'}",
            "cicflow_key": [new_key()],
            "slack_bot_token": slack["bot_token"],
            "slack_signing_secret": slack["signing_secret"],
            "slack_api_url": slack["api"],
            "host": "127.0.0.1",
            "port": port,
            "cicflow_first_pause": 0.05,
            **more,
        }
        yield Stage(world, settings, http)


def text_of(message: Mapping[str, Any]) -> str:
    """Return every text of a message."""

    def texts(value: Any) -> list[str]:
        match value:
            case {"text": str(text), **rest}:
                return [text, *texts(rest)]
            case Mapping():
                return [text for inner in value.values() for text in texts(inner)]
            case list():
                return [text for inner in value for text in texts(inner)]
            case _:
                return []

    return "\n".join(texts(message.get("blocks", [])))
