"""The users of a tenant, all of them: an export is asked for, waited for, and read line by line.

What is read is never in memory as a whole. A download that breaks off, or a link that has run out (it lives for a
minute), costs no more than reading the file again up to the line that was reached.
"""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import Field, TypeAdapter, ValidationError

from connectors.auth0.client import SERVICE, Tenant, is_loopback
from connectors.auth0.connector import auth0
from connectors.auth0.profiles import User
from connectors.base import Lenient, Summary, Value
from connectors.errors import ConnectorError, Refused, TryLater
from connectors.limits import patiently
from connectors.wording import clean

T = TypeVar("T")
Read = Callable[[int, Sequence[bytes]], list[T]]
"""Reads some lines, of which the first has this number. It is called in a thread; raises Refused for a broken line."""

ATTEMPTS: Final = 4
"""Downloads in a row that bring nothing new."""
PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between looks at a job; the last is repeated."""
LOOKS: Final = 2000
"""Looks at a job: nearly three hours."""
PIECE: Final = 1 << 20
LONGEST_LINE: Final = 1 << 24
PACKED: Final = b"\x1f\x8b"
FIELDS: Final = tuple(name for name in User.model_fields if name not in {"app_metadata", "user_metadata", "identities"})
_PERSON: Final = TypeAdapter(dict[str, Any])


class _Job(Lenient):
    id: str
    status: str = ""
    location: str | None = None
    status_details: str | None = None


class _DamagedError(Exception):
    """The file is not what it should be; another download may bring it whole."""


class Lines:
    """The lines of a file that comes in pieces, packed or not."""

    def __init__(self, *, skip: int = 0) -> None:
        self.number = 0
        """How many lines have come."""
        self._skip = skip
        self._begun = False
        self._unpacking: Any = None
        self._head = b""
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[tuple[int, list[bytes]]]:
        """Yield the lines that a piece completes, a bounded number at a time, each time with the first one's number."""
        if not self._begun:
            self._head += piece
            if len(self._head) < len(PACKED):
                return
            piece, self._head, self._begun = self._head, b"", True
            self._unpacking = zlib.decompressobj(wbits=31) if piece.startswith(PACKED) else None
        for text in self._unpacked(piece):
            *lines, self._rest = (self._rest + text).split(b"\n")
            if len(self._rest) > LONGEST_LINE:
                raise Refused(f"Line {self.number + 1} of {SERVICE}'s export does not end.")
            yield from self._counted(lines)

    def end(self) -> Iterator[tuple[int, list[bytes]]]:
        """Yield the last line, if nothing came after it. Raises _DamagedError if the file stops in its middle."""
        if self._unpacking is not None and not self._unpacking.eof:
            raise _DamagedError
        lines, self._rest = [line for line in (self._head + self._rest,) if line], b""
        yield from self._counted(lines)

    def _counted(self, lines: list[bytes]) -> Iterator[tuple[int, list[bytes]]]:
        known = min(self._skip, len(lines))
        self._skip -= known
        first, self.number = self.number + known + 1, self.number + len(lines)
        if known < len(lines):
            yield first, lines[known:]

    def _unpacked(self, piece: bytes) -> Iterator[bytes]:
        if self._unpacking is None:
            yield piece
            return
        try:
            while piece:
                if self._unpacking.eof:  # several packed files, one after the other, are one
                    self._unpacking = zlib.decompressobj(wbits=31)
                yield self._unpacking.decompress(piece, PIECE)
                piece = self._unpacking.unconsumed_tail or self._unpacking.unused_data
        except zlib.error:
            raise _DamagedError from None


async def exported(client: Tenant, job_id: str, read: Read[T]) -> AsyncIterator[tuple[int, list[T]]]:
    """Yield what is read of an export, piece by piece: how many lines that was, and what came of the last of them.

    Raises ConnectorError.
    """
    reached, in_vain = 0, 0
    while True:
        before = reached
        try:
            link = await finished(client, job_id)
            file = Lines(skip=reached)
            async with client.files.stream("GET", link, headers={"Accept-Encoding": "identity"}) as answer:
                async for piece in answer.aiter_bytes():
                    found = await asyncio.to_thread(_read, file.feed(piece), read)
                    reached = max(reached, file.number)
                    yield reached, found
                found = await asyncio.to_thread(_read, file.end(), read)
                reached = max(reached, file.number)
            yield reached, found
        except (httpx.RequestError, TryLater, Refused, _DamagedError) as error:
            if isinstance(error, Refused) and error.status != httpx.codes.FORBIDDEN:
                raise
            in_vain = 0 if reached > before else in_vain + 1
            if in_vain == ATTEMPTS:
                raise _given_up(error) from error
            await asyncio.sleep(in_vain * 0.1)
        else:
            return


def _read(pieces: Iterator[tuple[int, list[bytes]]], read: Read[T]) -> list[T]:
    return [found for first, lines in pieces for found in read(first, lines)]


def _given_up(error: Exception) -> ConnectorError:
    """Say why an export was not read to its end."""
    match error:
        case _DamagedError():
            return Refused(f"{SERVICE}'s export is damaged: its packed file breaks off or does not check.")
        case Refused():
            return Refused(f"{SERVICE} gives no link to its export that works.", status=error.status)
        case TryLater():
            return error
        case _:
            return TryLater(f"{SERVICE}'s export breaks off again and again.")


def record(number: int, line: bytes) -> dict[str, Any]:
    """Read one line. Raises Refused if it is not one user."""
    try:
        return _PERSON.validate_json(line)
    except ValidationError:
        found = _read_slowly(line)
    if not isinstance(found, dict):
        # Without a cause: its text would show a person's data.
        raise Refused(f"Line {number:,} of {SERVICE}'s export cannot be read.") from None
    return found


def _read_slowly(line: bytes) -> Any:
    """Read what only the forgiving reader takes: half a character becomes a question mark. None if it does not either."""
    try:
        return json.loads(json.dumps(json.loads(line), ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        return None


def records(first: int, lines: Sequence[bytes]) -> list[dict[str, Any]]:
    """Read lines of which the first has this number; empty ones are nobody. Raises Refused for a broken one."""
    return [record(number, line) for number, line in enumerate(lines, first) if line.strip()]


class Export(Value):
    """Whom to export."""

    connection: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        title="Connection",
        description="Auth0's name for a connection; only people whose main account is from there.",
    )


class Exported(Summary):
    """What an export was."""

    seen: int = Field(title="Seen", description="How many people the tenant has.")


@auth0.action("Export users", effect="reads", repeatable=True)
async def export_users(client: Tenant, given: Export) -> AsyncIterator[User | Exported]:
    """Bring all people of the tenant, or of one of its connections, without their metadata, however many they are."""
    job_id = await begin(client, [*FIELDS, "connection"])
    seen = 0

    def read(first: int, lines: Sequence[bytes]) -> list[User]:
        found = records(first, lines)
        return _users([each for each in found if given.connection in {None, connection_of(each)}])

    async for seen, some in exported(client, job_id, read):  # noqa: B007  # the last is what counts
        for user in some:
            yield user
    yield Exported(seen=seen)


def connection_of(user: Mapping[str, Any]) -> str | None:
    """Return the connection of a user's main account, as an export or a search gives it."""
    match user:
        case {"connection": str(name)} | {"identities[0].connection": str(name)}:
            return name
        case {"identities": [{"connection": str(name)}, *_]}:
            return name
        case _:
            return None


def _users(found: Sequence[Mapping[str, Any]]) -> list[User]:
    try:
        return [
            User.model_validate({name: each[name] for name in FIELDS if each.get(name) is not None}) for each in found
        ]
    except ValidationError:
        raise Refused(f"{SERVICE}'s export has somebody in it who is not a user.") from None


async def begin(client: Tenant, fields: Sequence[str]) -> str:
    """Ask for an export. Returns the id of the job that makes it. Raises ConnectorError."""
    body = {"format": "json", "fields": [_field(name) for name in fields]}
    answer = await patiently(lambda: client.http.post("/api/v2/jobs/users-exports", json=body))
    return _job(answer).id


def _field(name: str) -> Mapping[str, str]:
    return {"name": "identities[0].connection", "export_as": name} if name == "connection" else {"name": name}


async def finished(client: Tenant, job_id: str) -> str:
    """Wait until an export is made. Returns a new link to its file. Raises ConnectorError."""
    for look in range(LOOKS):
        job = _job(await patiently(lambda: client.http.get(f"/api/v2/jobs/{quote(job_id, safe='')}")))
        if job.status == "failed":
            said = clean(job.status_details or "without a reason", limit=200).rstrip(".")
            raise Refused(f"{SERVICE} could not make the export: {said}.")
        if job.status == "completed" and job.location:
            return _allowed(client, job.location)
        await asyncio.sleep(PAUSES[min(look, len(PAUSES) - 1)])
    raise TryLater(f"{SERVICE} has not finished the export after hours.")


def _job(answer: httpx.Response) -> _Job:
    try:
        return _Job.model_validate_json(answer.content)
    except ValidationError:
        raise Refused(f"{SERVICE} answered with something that is not a job.") from None


def _allowed(client: Tenant, link: str) -> str:
    """Return a link if it may be followed: anywhere by https, otherwise only to a tenant on this machine."""
    try:
        parts = urlsplit(link)
        own = parts.scheme == "http" and parts.netloc == client.domain and is_loopback(parts.netloc)
        fine = bool(parts.hostname) and "@" not in parts.netloc and (parts.scheme == "https" or own)
    except ValueError:
        fine = False
    if not fine:
        raise Refused(f"{SERVICE} gave a link to its export that is not safe to follow.")
    return link
