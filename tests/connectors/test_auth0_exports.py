"""Exports: a job that takes its time, a link that dies, a file that breaks off."""

import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse

from connectors.auth0 import exports
from connectors.auth0.client import Settings, Tenant, connect
from connectors.auth0.exports import Export, Lines, exported
from connectors.auth0.profiles import User
from connectors.catalog import catalog
from connectors.errors import ConnectorError, Missing, Reconnect, Refused, TryLater
from connectors.wire import Wire
from tests.connectors.doubles import Auth0, Oddity

PEOPLE = [{"user_id": f"auth0|{number}", "email": f"person.{number}@example.com"} for number in range(1000)]
FILE = "".join(json.dumps(person) + "\n" for person in PEOPLE).encode()
TOKEN = JSONResponse({"access_token": "a-token", "expires_in": 86400})
BEGUN = JSONResponse({"id": "job_1", "status": "pending", "type": "users_export"}, status_code=201)
EXPIRED = Response("<Error><Code>AccessDenied</Code></Error>", status_code=403)


def job(odd: Oddity, **more: Any) -> JSONResponse:
    link = f"{odd.address}/downloads/file.json.gz?signature=secret"
    return JSONResponse({"id": "job_1", "status": "completed", "location": link} | more)


def breaking_off(content: bytes) -> Response:
    async def some() -> AsyncIterator[bytes]:
        yield content
        raise ConnectionResetError

    return StreamingResponse(some(), headers={"content-length": str(len(content) + 1)})


def odd_tenant(odd: Oddity, wire: Wire) -> Tenant:
    settings = {"domain": odd.address, "client_id": "c", "client_secret": "s"}
    return connect(Settings.model_validate(settings), wire)


async def read(tenant: Tenant) -> list[str]:
    job_id = await exports.begin(tenant, ["user_id", "email"])
    people = [one async for _, some in exported(tenant, job_id, exports.records) for one in some]
    return [person["user_id"] for person in people]


EVERYBODY = [person["user_id"] for person in PEOPLE]


@pytest.mark.parametrize(
    "content",
    [
        FILE,
        FILE.removesuffix(b"\n"),
        gzip.compress(FILE),
        gzip.compress(FILE[:50_000]) + gzip.compress(FILE[50_000:]),
        FILE.replace(b"\n", b"\r\n"),
        FILE.replace(b"\n", b"\n\n"),
    ],
    ids=["plain", "no end of line at the end", "packed", "packed in two", "other ends of lines", "empty lines"],
)
async def test_a_file_is_read_however_it_is_packed(wire: Wire, odd: Oddity, content: bytes) -> None:
    odd.answers = [TOKEN, BEGUN, job(odd), Response(content)]
    assert await read(odd_tenant(odd, wire)) == EVERYBODY


async def test_an_export_of_nobody_is_empty(wire: Wire, odd: Oddity) -> None:
    odd.answers = [TOKEN, BEGUN, job(odd), Response(gzip.compress(b""))]
    assert await read(odd_tenant(odd, wire)) == []


async def test_half_a_character_in_a_name_spoils_nothing(wire: Wire, odd: Oddity) -> None:
    half = b'{"user_id": "auth0|half", "name": "half \\ud83d", "last_login": "2020-01-01T00:00:00.000Z"}'
    odd.answers = [TOKEN, BEGUN, job(odd), Response(half)]
    users = [item async for item in exports.export_users(odd_tenant(odd, wire), Export())]
    assert users[0] == User(user_id="auth0|half", name="half ?", last_login="2020-01-01T00:00:00.000Z")


async def test_the_token_stays_with_the_tenant(wire: Wire, odd: Oddity) -> None:
    odd.answers = [TOKEN, BEGUN, job(odd), Response(FILE)]
    await read(odd_tenant(odd, wire))
    said = [request.headers.get("authorization") for request in odd.received]
    assert said == [None, "Bearer a-token", "Bearer a-token", None]


async def test_what_is_not_ready_is_waited_for(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(job_seconds=0.6)
    found = catalog().actions["auth0.export_users"].carry_out(tenant, Export())
    users = [item async for item in found]
    assert (len(users), users[-1]) == (13, exports.Exported(seen=12))
    assert (await auth0.calls("/api/v2/jobs")).count("GET /api/v2/jobs/job_1") <= 5


async def test_an_export_may_be_of_one_connection(tenant: Tenant) -> None:
    users = [item async for item in exports.export_users(tenant, Export(connection="google-oauth2"))]
    assert len(users) == 3


async def test_a_link_that_has_run_out_is_asked_for_again(wire: Wire, odd: Oddity) -> None:
    odd.answers = [TOKEN, BEGUN, job(odd), EXPIRED, job(odd), Response(FILE)]
    assert await read(odd_tenant(odd, wire)) == EVERYBODY


@pytest.mark.parametrize("packed", [False, True])
async def test_a_download_that_breaks_off_goes_on_at_the_line_it_had_reached(
    wire: Wire, odd: Oddity, packed: bool
) -> None:
    content = gzip.compress(FILE) if packed else FILE
    parts = [content[: len(content) // 3], content[: len(content) // 2]]
    odd.answers = [TOKEN, BEGUN, job(odd)]
    for part in parts:
        odd.answers += [breaking_off(part), job(odd)]
    odd.answers += [EXPIRED, job(odd), Response(content)]
    assert await read(odd_tenant(odd, wire)) == EVERYBODY


async def test_a_link_that_never_works_is_given_up(wire: Wire, odd: Oddity) -> None:
    odd.answers = [TOKEN, BEGUN, *[job(odd), EXPIRED] * 10]
    with pytest.raises(Refused, match="no link to its export that works"):
        await read(odd_tenant(odd, wire))
    assert len(odd.received) == 2 + 2 * exports.ATTEMPTS


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(FILE)[:-200], "is damaged"),
        (b"\x1f\x8b" + b"nonsense" * 100, "is damaged"),
        (gzip.compress(FILE)[:-8] + b"\0" * 8, "is damaged"),
        (FILE[:500].rsplit(b"\n", 1)[0] + b'\n{"user_id": "x",\n' + FILE, r"Line \d+ of Auth0's export cannot be read"),
        (FILE + b'["somebody"]\n', r"Line 1,001 of Auth0's export cannot be read"),
        (FILE + b"\xff\xfe\n", r"Line 1,001 of Auth0's export cannot be read"),
        (FILE + b"[" * 100_000 + b"\n", r"Line 1,001 of Auth0's export cannot be read"),
    ],
    ids=["cut", "no packed file", "wrong sum", "broken line", "no object", "no text", "too deep"],
)
async def test_a_damaged_file_is_said_to_be_one(wire: Wire, odd: Oddity, content: bytes, said: str) -> None:
    odd.answers = [TOKEN, BEGUN, *[job(odd), Response(content)] * 10]
    with pytest.raises(Refused, match=said) as caught:
        await read(odd_tenant(odd, wire))
    assert "person." not in str(caught.value)


@pytest.mark.parametrize(
    "link",
    [
        "http://example.com/file",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:9/file",
        "http://localhost/file",
        "ftp://example.com/file",
        "file:///etc/passwd",
        "https://person:password@example.com/file",
        "https://",
        "https://[/file",
        "//example.com/file",
        "/downloads/file",
    ],
)
async def test_a_link_to_elsewhere_is_not_followed(wire: Wire, odd: Oddity, link: str) -> None:
    odd.answers = [TOKEN, BEGUN, job(odd, location=link)]
    with pytest.raises(Refused, match="not safe to follow") as caught:
        await read(odd_tenant(odd, wire))
    assert "example.com" not in str(caught.value)


async def test_a_link_that_leads_on_is_not_followed(wire: Wire, odd: Oddity) -> None:
    odd.answers = [TOKEN, BEGUN, job(odd), Response(status_code=302, headers={"location": "http://example.com/"})]
    with pytest.raises(Refused):
        await read(odd_tenant(odd, wire))


@pytest.mark.parametrize(
    ("answers", "expected", "said"),
    [
        ([JSONResponse({"id": "job_1", "status": "failed", "status_details": "Too\nlarge."})], Refused, "Too large"),
        ([JSONResponse({"message": "The job does not exist."}, status_code=404)], Missing, "does not exist"),
        ([JSONResponse({"nonsense": True})], Refused, "not a job"),
        (
            [JSONResponse({"errorCode": "insufficient_scope", "message": "read:users"}, status_code=403)],
            Reconnect,
            "read:users",
        ),
    ],
)
async def test_a_job_that_comes_to_nothing_says_why(
    wire: Wire, odd: Oddity, answers: Sequence[Response], expected: type[ConnectorError], said: str
) -> None:
    odd.answers = [TOKEN, BEGUN, *answers]
    with pytest.raises(expected, match=said):
        await read(odd_tenant(odd, wire))


async def test_a_service_that_has_no_time_is_asked_again(wire: Wire, odd: Oddity) -> None:
    later = Response(status_code=503, headers={"retry-after": "0"})
    odd.answers = [TOKEN, Response(status_code=429, headers={"retry-after": "0"}), BEGUN, later, job(odd), later]
    odd.answers += [job(odd), Response(FILE)]
    assert await read(odd_tenant(odd, wire)) == EVERYBODY


async def test_a_store_that_never_answers_is_to_be_tried_later(wire: Wire, odd: Oddity) -> None:
    odd.answers = [TOKEN, BEGUN, *[job(odd), breaking_off(b"")] * 10]
    with pytest.raises(TryLater):
        await read(odd_tenant(odd, wire))


def test_a_line_without_an_end_is_not_kept_for_ever() -> None:
    file = Lines()
    for _ in range(exports.LONGEST_LINE // exports.PIECE):
        assert not list(file.feed(b"x" * exports.PIECE))
    with pytest.raises(Refused, match="Line 1 of Auth0's export does not end"):
        list(file.feed(b"x"))


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_pieces_of_any_size_are_the_same_file(size: int) -> None:
    for content in (FILE[:5000], gzip.compress(FILE[:5000])):
        file, lines = Lines(skip=7), list[bytes]()
        for start in range(0, len(content), size):
            lines += [line for _, some in file.feed(content[start : start + size]) for line in some]
        lines += [line for _, some in file.end() for line in some]
        assert b"\n".join(lines) == b"\n".join(FILE[:5000].split(b"\n")[7:])


@pytest.mark.slow
def test_a_packed_file_that_is_huge_when_unpacked_takes_little_memory() -> None:
    content = gzip.compress((FILE * 10)[:600_000] * 90)
    tracemalloc.start()
    file, number = Lines(), 0
    for start in range(0, len(content), 65_536):
        for _, lines in file.feed(content[start : start + 65_536]):
            number += len(lines)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert number > 500_000
    assert most < 20_000_000
