"""A fleet: processes over one database, each a program of its own that a test starts, pauses and kills.

As a program, it takes events at a web address, and carries out flows whose actions say on standard output what they
did: what was said stays said, whatever becomes of the process.
"""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import uvicorn
from pydantic import Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot import app as bolt
from bot import logs, schema
from bot.enriching import Enriching
from bot.holding import WaitingRoom
from bot.inlets import Inlets
from bot.invitations import Invitations, Links
from bot.seals import Seals
from bot.web import Doors
from connectors.base import Catalog, Connector, Lenient, Source, Value
from connectors.errors import TryLater
from flows.decisions import Decisions
from flows.denied_addresses import DeniedAddresses
from flows.history import History
from flows.memories import Memories
from flows.processes import Pulse
from flows.questions import Question
from flows.runs import Runs
from flows.store import Store, open_engine
from flows.surroundings import Ended, Errand, Patience
from flows.unread import UnreadBodies
from flows.vault import Account, Vault, new_key

ROOT = Path(__file__).parent.parent.parent
PATIENT = 40.0
USING = "{{ settings.account }}"
HAPPENED = {"event": "world.happened", "from": USING}
AMBIGUOUS = "The program ended while this was being done."


class Nothing(Value):
    """No settings."""


class Said(Value):
    what: str = Field(description="What to say.")
    seconds: float = Field(default=0, description="How long that takes before it is said.")
    after: float = Field(default=0, description="How long it takes until it is known to be said.")


class Happened(Lenient):
    number: int


class World:
    """What actions work on: standard output, where a line is whole or not there at all."""

    def __init__(self) -> None:
        self.busy: set[str] = set()

    async def say(self, given: Said) -> Nothing:
        speak(f"begins {given.what}")
        await asyncio.sleep(given.seconds)
        speak(f"did {given.what}")
        await asyncio.sleep(given.after)
        return Nothing()

    async def client(self, _name: str) -> "World":
        return self


def speak(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def catalog() -> Catalog:
    async def check(_client: World) -> str:
        return "fine"

    world = Connector(
        "world",
        title="World",
        settings=Nothing,
        connect=lambda _settings, _wire: World(),
        check=check,
        sources=[Source(name="world.happened", title="It happened", about="", event=Happened)],
    )

    @world.action("Mark", effect="changes", repeatable=True)
    async def mark(client: World, given: Said) -> Nothing:
        return await client.say(given)

    @world.action("Send", effect="changes")
    async def send(client: World, given: Said) -> Nothing:
        return await client.say(given)

    @world.action("Send, as soon as it is not busy", effect="changes")
    async def send_later(client: World, given: Said) -> Nothing:
        """Refuse the first time, for so many seconds; then send."""
        if given.what not in client.busy:
            client.busy.add(given.what)
            raise TryLater(after=given.seconds)
        return await client.say(Said(what=given.what))

    return Catalog([world])


class Crowd:
    """People: they are asked, and the test decides for them."""

    def __init__(self, decisions: Decisions, now: Callable[[], float]) -> None:
        self._decisions = decisions
        self._now = now

    async def ask(self, question: Question) -> None:
        await self._decisions.open(question, now=self._now())
        speak(f"asked {question.id}")

    async def answer(self, question: Question) -> Mapping[str, Any] | None:
        decision = await self._decisions.read(question.id)
        if decision is None or decision.choice is None:
            return None
        return {"choice": decision.choice, "by": decision.decided_by, "at": decision.decided_at, "how": "person"}

    async def speaks_since(self, question: Question) -> float | None:
        """Return nothing: nobody is reminded."""

    async def insist(self, question: Question, name: str) -> None:
        """Nobody is reminded."""

    async def settle(self, question: Question) -> None:
        """Nothing is shown."""

    async def tell(self, errand: Errand, ended: Ended) -> None:
        """Nobody is told."""


# --- the program --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def working(given: Mapping[str, Any], now: Callable[[], float]) -> AsyncIterator[tuple[Doors, Runs]]:
    """Open the database, and go on with what is there."""
    async with AsyncExitStack() as stack:
        engine = open_engine(given["address"])
        stack.callback(engine.dispose)
        schema.upgrade(engine)
        store = Store(engine)
        stack.callback(store.close)
        decisions, vault, known = Decisions(store), Vault(store, [given["key"]]), catalog()
        runs = Runs(
            store=store,
            decisions=decisions,
            catalog=known,
            accounts=World(),
            people=Crowd(decisions, now),
            own={},
            patience=Patience(first=0.05),
            watch=lambda run_id: bolt.watching(store, run_id, now=now),
            now=now,
            pulse=Pulse(**given["pulse"]),
        )
        stack.push_async_callback(runs.close)
        await runs.launch()
        slack = cast("Any", None)  # nobody speaks to this process from there
        room = WaitingRoom(vault=vault, store=store, runs=runs, seals=Seals([given["key"]]))
        enriching = Enriching(
            catalog=known, memories=Memories(store, DeniedAddresses(store, now=now), now=now), now=now
        )
        stack.push_async_callback(enriching.close)
        doors = Doors(
            catalog=known,
            vault=vault,
            store=store,
            runs=runs,
            enriching=enriching,
            inlets=Inlets(catalog=known, runs=runs, enriching=enriching, unread=UnreadBodies(store), now=now),
            slack=slack,
            waiting_room=room,
            invitations=Invitations(
                links=Links(seals=Seals([given["key"]]), address="http://127.0.0.1"),
                decisions=decisions,
                history=History(store),
                runs=runs,
                accounts=cast("Any", None),
            ),
            public_url=None,
        )
        yield doors, runs


def program(given: Mapping[str, Any]) -> None:
    """Serve until told to stop."""
    app, listening = Starlette(), socket.create_server(("127.0.0.1", 0))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with working(given, lambda: time.time() + given["ahead"]) as (doors, runs):

            async def decide(request: Request) -> Response:
                asked = await request.json()
                won, decision = await runs.decide(asked["id"], asked["choice"], by=asked["by"])
                return JSONResponse({"won": won, "choice": decision and decision.choice})

            app.router.routes.extend([*doors.routes(), Route("/decide", decide, methods=["POST"])])
            speak(f"ready {listening.getsockname()[1]}")
            yield

    app.router.lifespan_context = lifespan
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=10, backlog=2048)
    uvicorn.Server(config).run(sockets=[listening])


def flow(*steps: Mapping[str, Any], when: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Write a flow of this world."""
    return {
        "template": "work",
        "version": 1,
        "title": "Work",
        "about": "Does something in the world.",
        "settings": {"account": {"connection": "world", "title": "World"}},
        "when": when or HAPPENED,
        "steps": list(steps),
        **more,
    }


def do(step: str, action: str, **given: Any) -> dict[str, Any]:
    """Write a step that does something, and says so with its own name and the event's number."""
    what = step + " {{ event.number }}"
    return {"id": step, "do": f"world.{action}", "using": USING, "with": {"what": what, **given}}


# --- in the test --------------------------------------------------------------------------------------------------------


class Member:
    """One process of a fleet, seen from outside."""

    def __init__(self, process: asyncio.subprocess.Process, http: httpx.AsyncClient, account: Account) -> None:
        self.process = process
        self.lines: list[str] = []
        self.url = ""
        self._http = http
        self._account = account
        self._news = asyncio.Condition()
        self.log: list[str] = []
        self._reading = asyncio.gather(self._read(), self._read_log())

    async def _read_log(self) -> None:
        assert self.process.stderr is not None
        while line := (await self.process.stderr.readline()).decode().rstrip():
            self.log.append(line)
            async with self._news:
                self._news.notify_all()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := (await self.process.stdout.readline()).decode().strip():
            self.lines.append(line)
            async with self._news:
                self._news.notify_all()

    async def until(self, found: Callable[[list[str]], Any]) -> Any:
        """Wait until something is to be seen in what the process said."""
        async with asyncio.timeout(PATIENT), self._news:
            await self._news.wait_for(lambda: found(self.lines))
        return found(self.lines)

    async def heard(self, line: str) -> None:
        """Wait until the process has said something."""
        await self.until(lambda lines: line in lines)

    async def logged(self, *words: str) -> None:
        """Wait until a line of its log has all these words."""
        async with asyncio.timeout(PATIENT), self._news:
            await self._news.wait_for(lambda: any(all(word in line for word in words) for line in self.log))

    async def ready(self) -> "Member":
        line = await self.until(lambda lines: [line for line in lines if line.startswith("ready ")])
        self.url = f"http://127.0.0.1:{line[0].split()[1]}"
        return self

    async def send(self, event_id: str, number: int) -> httpx.Response:
        """Deliver an event."""
        return await self._http.post(
            f"{self.url}/in/{self._account.key}",
            json={"trigger": "happened", "event": {"number": number}},
            headers={"authorization": f"Bearer {self._account.secret}", "webhook-id": event_id},
        )

    async def decide(self, decision: str, choice: str, by: str) -> Any:
        answer = await self._http.post(f"{self.url}/decide", json={"id": decision, "choice": choice, "by": by})
        return answer.raise_for_status().json()

    async def kill(self) -> None:
        self.process.kill()
        await self.ended()

    async def ended(self) -> int:
        code = await self.process.wait()
        await self._reading
        return code

    async def stop(self) -> int:
        """Ask the process to end, as a platform does that restarts it."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        return await self.ended()


class Fleet:
    """Processes over one database, and the test's own look into it."""

    def __init__(self, address: str, http: httpx.AsyncClient) -> None:
        self.address = address
        self.members: list[Member] = []
        self.store = Store(open_engine(address))
        self._http = http
        self._key = new_key()
        self._account: Account | None = None

    async def open(self) -> None:
        schema.upgrade(self.store.engine)
        vault = Vault(self.store, [self._key])
        self._account = await vault.keep("account", connector="world", settings={}, accepts="bearer", now=1.0)

    async def set_up(self, name: str, document: Mapping[str, Any]) -> None:
        await self.store.set_up(
            name, template=name, document=document, settings={"account": "account"}, by="U1", now=time.time()
        )

    async def start(self, *, address: str = "", ahead: float = 0.0, pulse: Mapping[str, float] | None = None) -> Member:
        """Start one more process. It is ready when `Member.ready` says so."""
        assert self._account is not None
        given = {"address": address or self.address, "key": self._key, "ahead": ahead, "pulse": pulse or {}}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.flows.fleet",
            json.dumps(given),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,  # not a file: one whose disk is full can still say so
        )
        self.members.append(Member(process, self._http, self._account))
        return self.members[-1]

    @property
    def said(self) -> list[str]:
        """Everything that any process did, in no order."""
        return [line for member in self.members for line in member.lines]

    async def runs(self) -> list[dict[str, Any]]:
        """Return every run."""
        return await self.rows("SELECT id, flow, event_id, state, message, owner, ended_at FROM run ORDER BY began_at")

    async def rows(self, query: str) -> list[dict[str, Any]]:
        def look() -> list[dict[str, Any]]:
            with self.store.engine.execution_options(only_reads=True).begin() as connection:
                return [dict(row) for row in connection.exec_driver_sql(query).mappings()]

        return await asyncio.to_thread(look)

    async def all_ended(self, count: int) -> list[dict[str, Any]]:
        """Return every run, once as many have ended as are expected."""
        deadline = time.monotonic() + PATIENT
        while time.monotonic() < deadline:
            runs = await self.runs()
            if len(runs) >= count and all(run["ended_at"] is not None for run in runs):
                return runs
            await asyncio.sleep(0.05)  # they are of other processes, and only the database says how they stand
        raise AssertionError(f"{len(runs)} runs; not ended: {[run for run in runs if run['ended_at'] is None][:5]}")

    async def close(self) -> None:
        for member in self.members:
            await member.stop()
        self.store.close()
        self.store.engine.dispose()


@asynccontextmanager
async def fleet(address: str) -> AsyncIterator[Fleet]:
    """Open a database for a fleet, of nobody yet."""
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(trust_env=False, timeout=60, limits=limits) as http:
        found = Fleet(address, http)
        await found.open()
        try:
            yield found
        finally:
            await found.close()


if __name__ == "__main__":
    logs.configure("INFO")
    program(json.loads(sys.argv[1]))
