"""The mail server: SMTP on one port, its control addresses on another."""

import asyncio
import base64
import contextlib
import email
import fnmatch
import ssl
import time
from collections.abc import AsyncIterator
from email import policy
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.changes import Changes
from sandbox.read_only import ReadOnly
from sandbox.server import serving

USER, PASSWORD = "sandbox", "mail-sandbox-password"
LONGEST_LINE = 1000
LARGEST = 10_000_000


class Fault(BaseModel):
    """One way to go wrong: an answer of its own, a connection cut before or after the thing is done, or a delay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Annotated[int, Field(ge=400, le=599)] | None = None
    text: str = "Not now"
    drop: Literal["before", "after"] | None = None
    delay: Annotated[float, Field(ge=0, le=600)] = 0


class Order(BaseModel):
    """What is posted to /sandbox/faults. `match` is compared with a command, such as "RCPT *@gone.example" or "END"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: str
    times: Annotated[int, Field(ge=1)] = 1
    fault: Fault


class Settings(BaseModel):
    """How the server behaves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    login: bool = False
    """Only who has logged in may send."""


class CutError(Exception):
    """The connection is cut."""


class Mailbox:
    """What the server has received, and how it misbehaves."""

    def __init__(self) -> None:
        self.mails: list[dict[str, Any]] = []
        self.commands: list[str] = []
        self.encrypted = 0
        """How often STARTTLS was carried out."""
        self.settings = Settings()
        self.queued: list[tuple[str, Fault]] = []
        self.changes, self.read_only = Changes(), ReadOnly()

    def fault(self, command: str) -> Fault:
        """Take the fault that a command meets."""
        for place, (match, fault) in enumerate(self.queued):
            if fnmatch.fnmatchcase(command, match):
                del self.queued[place]
                return fault
        return Fault()

    def receive(self, sender: str, recipients: list[str], content: bytes) -> None:
        """Keep a mail. A second one of the same id is kept too, and numbered."""
        message = email.message_from_bytes(content, policy=policy.default)
        bodies = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
        same = [mail for mail in self.mails if mail["message_id"] == message["message-id"]]
        self.mails.append(
            {
                "at": time.time(),
                "from": sender,
                "recipients": recipients,
                "message_id": message["message-id"],
                "seen_before": len(same),
                "headers": [[name, str(value)] for name, value in message.items()],
                "subject": str(message["subject"]),
                "text": bodies["plain"].get_content() if bodies["plain"] else None,
                "html": bodies["html"].get_content() if bodies["html"] else None,
                "raw": content.decode("utf-8", errors="replace"),
            }
        )
        self.changes.happened()


class Session:
    """One connection. `tls` is what STARTTLS begins to encrypt with, if the server offers it."""

    def __init__(
        self,
        mailbox: Mailbox,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.box, self.reader, self.writer, self.tls = mailbox, reader, writer, tls
        self.logged_in = False
        self.sender: str | None = None
        self.recipients: list[str] = []

    async def say(self, *lines: str) -> None:
        """Answer."""
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self.writer.drain()

    async def line(self) -> str:
        """Read a line."""
        read = await self.reader.readline()
        if not read.endswith(b"\n"):
            raise CutError
        return read.decode("utf-8", errors="replace").rstrip("\r\n")

    async def run(self) -> None:
        """Talk till the other side has enough."""
        await self.say("220 mail.sandbox ESMTP")
        while True:
            line = await self.line()
            verb, _, rest = line.partition(" ")
            verb = verb.upper()
            name = f"{verb} {_address(rest)}" if verb in {"MAIL", "RCPT"} else verb
            self.box.commands.append(name)
            fault = self.box.fault(name)
            await asyncio.sleep(fault.delay)
            if fault.drop == "before":
                raise CutError
            if fault.code:
                await self.say(f"{fault.code} {fault.text}")
                continue
            if verb == "QUIT":
                await self.say("221 Bye")
                return
            answer = await self.answer(verb, rest)
            if fault.drop == "after":
                raise CutError
            await self.say(*answer)
            if verb == "STARTTLS" and self.tls is not None:
                await self.encrypt(self.tls)

    async def answer(self, verb: str, rest: str) -> list[str]:
        """Carry out a command."""
        match verb:
            case "EHLO" if self.tls is not None:  # who they are is asked only where nobody can listen
                return ["250-mail.sandbox", f"250-SIZE {LARGEST}", "250-8BITMIME", "250 STARTTLS"]
            case "EHLO":
                return ["250-mail.sandbox", f"250-SIZE {LARGEST}", "250-8BITMIME", "250 AUTH PLAIN LOGIN"]
            case "STARTTLS" if self.tls is not None:
                return ["220 2.0.0 Ready to start TLS"]
            case "AUTH" | "MAIL" if self.tls is not None:
                return ["530 5.7.0 Must issue a STARTTLS command first"]
            case "HELO" | "NOOP":
                return ["250 OK"]
            case "RSET":
                self.sender, self.recipients = None, []
                return ["250 OK"]
            case "AUTH":
                return await self.login(rest)
            case "MAIL" if self.box.settings.login and not self.logged_in:
                return ["530 5.7.0 Authentication required"]
            case "MAIL":
                self.sender, self.recipients = _address(rest), []
                return ["250 OK"]
            case "RCPT" if self.sender is None:
                return ["503 MAIL first"]
            case "RCPT" if "@" not in _address(rest):
                return ["553 5.1.3 Not an address"]
            case "RCPT":
                self.recipients.append(_address(rest))
                return ["250 OK"]
            case "DATA" if not self.recipients:
                return ["503 RCPT first"]
            case "DATA":
                return await self.data()
            case _:
                return ["502 5.5.1 Unknown command"]

    async def encrypt(self, tls: ssl.SSLContext) -> None:
        """Go on encrypted; what was said before counts for nothing any more."""
        await self.writer.start_tls(tls)
        self.box.encrypted += 1
        self.tls, self.sender, self.recipients, self.logged_in = None, None, [], False

    async def login(self, rest: str) -> list[str]:
        """Log in: PLAIN, or LOGIN."""
        kind, _, first = rest.partition(" ")
        if kind.upper() == "PLAIN":
            if not first:
                await self.say("334 ")
                first = await self.line()
            given = _decoded(first).split("\0")[1:]
        else:
            given = [_decoded(first)] if first else []
            for question in ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"][len(given) :]:
                await self.say(f"334 {question}")
                given.append(_decoded(await self.line()))
        self.logged_in = given == [USER, PASSWORD]
        return ["235 2.7.0 Accepted" if self.logged_in else "535 5.7.8 Bad credentials"]

    async def data(self) -> list[str]:
        """Take a mail. The end of it is a command of its own for faults: END."""
        if self.box.read_only.refuses("DATA", "/"):
            return ["554 5.7.1 The server is read-only"]
        await self.say("354 Go on")
        lines: list[bytes] = []
        while (line := await self.reader.readline()) != b".\r\n":
            if not line:
                raise CutError
            if len(line) > LONGEST_LINE:
                return ["500 5.5.2 Line too long"]
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        self.box.commands.append("END")
        fault = self.box.fault("END")
        await asyncio.sleep(fault.delay)
        if fault.drop == "before":
            raise CutError
        if fault.code:
            return [f"{fault.code} {fault.text}"]
        self.box.receive(self.sender or "", self.recipients, b"".join(lines))
        self.sender, self.recipients = None, []
        if fault.drop == "after":
            raise CutError
        return [f"250 2.0.0 Queued as {len(self.box.mails)}"]


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode("utf-8", errors="replace")


def control(box: Mailbox) -> Starlette:
    """Make the control addresses."""

    async def state(_request: Request) -> JSONResponse:
        return JSONResponse({"sequence": box.changes.sequence, "mails": box.mails})

    async def calls(_request: Request) -> JSONResponse:
        return JSONResponse(box.commands)

    async def faults(request: Request) -> JSONResponse:
        if request.method == "DELETE":
            box.queued.clear()
            return JSONResponse({"queued": 0})
        try:
            order = Order.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        box.queued += [(order.match, order.fault)] * order.times
        return JSONResponse({"queued": order.times})

    async def settings(request: Request) -> JSONResponse:
        if request.method == "PUT":
            try:
                box.settings = Settings.model_validate_json(await request.body())
            except ValidationError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(box.settings.model_dump())

    return Starlette(
        routes=[
            Route("/sandbox/state", state),
            Route("/sandbox/calls", calls),
            Route("/sandbox/faults", faults, methods=["POST", "DELETE"]),
            Route("/sandbox/settings", settings, methods=["GET", "PUT"]),
            box.changes.route(),
            *box.read_only.routes(),
        ]
    )


@contextlib.asynccontextmanager
async def mailing(
    box: Mailbox,
    host: str = "127.0.0.1",
    port: int = 0,
    control_port: int = 0,
    *,
    tls: ssl.SSLContext | None = None,
    begins: Literal["plain", "encrypted"] = "plain",
) -> AsyncIterator[dict[str, Any]]:
    """Serve until the block ends; gives where, and the login.

    With `tls` a connection that begins plain is encrypted by STARTTLS; others are encrypted from their first byte.
    """
    sessions: set[asyncio.Task[Any]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        sessions.add(task)
        try:
            await Session(box, reader, writer, tls if begins == "plain" else None).run()
        except (CutError, ConnectionError, ValueError):
            writer.transport.abort()
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            sessions.discard(task)
            writer.close()

    at_once = tls if begins == "encrypted" else None
    server = await asyncio.start_server(connected, host, port, limit=LARGEST, ssl=at_once)
    try:
        async with serving(control(box), host, control_port) as address:
            where = server.sockets[0].getsockname()
            yield {"url": address, "host": host, "port": where[1], "user": USER, "password": PASSWORD}
    finally:
        server.close()
        for session in list(sessions):
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)
