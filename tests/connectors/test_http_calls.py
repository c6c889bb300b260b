"""The HTTP connector: any service, whose answers are taken as the flow says, and never a private one."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from connectors.addresses import networks
from connectors.catalog import catalog
from connectors.errors import Ambiguous, ConnectorError, Missing, Reconnect, Refused, TryLater
from connectors.http.client import Service, Settings, check, connect
from connectors.wire import Wire
from tests.connectors.doubles import Oddity, answering

SECRET = "s3cr3t-value"
KINDS = [
    ({"authentication": "none"}, None, None),
    ({"authentication": "basic", "name": "ann", "secret": SECRET}, "authorization", "Basic YW5uOnMzY3IzdC12YWx1ZQ=="),
    ({"authentication": "bearer", "secret": SECRET}, "authorization", f"Bearer {SECRET}"),
    ({"authentication": "header", "name": "X-Api-Key", "secret": SECRET}, "x-api-key", SECRET),
]


@pytest.fixture
async def open_wire() -> AsyncIterator[Wire]:
    async with Wire.open(allowed=networks(["127.0.0.0/8"])) as wire:
        yield wire


@pytest.fixture
async def service(odd: Oddity, open_wire: Wire) -> Service:
    return made(odd, open_wire, authentication="bearer", secret=SECRET)


def made(odd: Oddity, wire: Wire, **more: Any) -> Service:
    return connect(Settings.model_validate({"address": f"{odd.address}/v1", **more}), wire)


async def do(service: Service, name: str, **given: Any) -> Any:
    action = catalog().actions[f"http.{name}"]
    return await action.carry_out(service, action.given.model_validate(given))


async def pages(service: Service, **given: Any) -> list[Any]:
    action = catalog().actions["http.call_pages"]
    return [one.item async for one in action.carry_out(service, action.given.model_validate(given))]


@pytest.mark.parametrize(("settings", "header", "value"), KINDS)
async def test_a_call_carries_the_credentials_of_its_kind(
    odd: Oddity, open_wire: Wire, settings: dict[str, str], header: str | None, value: str | None
) -> None:
    odd.answers = [JSONResponse({"name": "Ann"})]
    answer = await do(made(odd, open_wire, **settings), "call_read", path="/people/1", query={"full": True})
    assert (answer.status, answer.body) == (200, {"name": "Ann"})
    (request,) = odd.received
    assert (request.url.path, request.url.query) == ("/v1/people/1", "full=true")
    assert request.headers.get(header or "authorization") == value


async def test_a_token_is_fetched_once_and_sent(odd: Oddity, open_wire: Wire) -> None:
    odd.answers = [JSONResponse({"access_token": "t1", "expires_in": 100}), JSONResponse({})]
    service = made(
        *(odd, open_wire),
        authentication="client credentials",
        name="id",
        secret=SECRET,
        token_address=f"{odd.address}/token",
    )
    for _ in range(2):
        await do(service, "call_read", path="/a")
    assert [request.url.path for request in odd.received] == ["/token", "/v1/a", "/v1/a"]
    assert odd.received[-1].headers["authorization"] == "Bearer t1"


@pytest.mark.parametrize(
    ("given", "kind", "body"),
    [
        ({"json_body": {"a": 1}}, "application/json", b'{"a":1}'),
        ({"form": {"a": "1 2"}}, "application/x-www-form-urlencoded", b"a=1+2"),
        ({"text": "hällo"}, "text/plain; charset=utf-8", "hällo".encode()),
    ],
)
async def test_bodies_are_sent_as_what_they_are(
    odd: Oddity, service: Service, given: dict[str, Any], kind: str, body: bytes
) -> None:
    odd.answers = [Response(status_code=204)]
    answer = await do(service, "call_change", path="/a", method="POST", **given)
    assert (answer.status, answer.body) == (204, None)
    assert (odd.received[0].headers["content-type"], await odd.received[0].body()) == (kind, body)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"method": "POST"}, Ambiguous),
        ({"method": "PATCH"}, Ambiguous),
        ({"method": "PUT"}, TryLater),
        ({"method": "DELETE"}, TryLater),
        ({"method": "PUT", "twice": False}, Ambiguous),
        ({"method": "POST", "twice": True}, TryLater),
        ({"method": "POST", "key": "order-7"}, TryLater),
        ({"method": "POST", "later": [503]}, TryLater),
    ],
)
async def test_what_may_be_sent_twice_is_tried_again_and_nothing_else(
    odd: Oddity, service: Service, given: dict[str, Any], error: type[ConnectorError]
) -> None:
    odd.answers = [PlainTextResponse("oh", 503)]
    with pytest.raises(error):
        await do(service, "call_change", path="/a", **given)


async def test_the_key_goes_into_the_header_that_the_service_wants(odd: Oddity, service: Service) -> None:
    odd.answers = [JSONResponse({})]
    await do(service, "call_change", path="/a", method="POST", key="order-7", key_header="X-Request-Id")
    assert odd.received[0].headers["x-request-id"] == "order-7"


@pytest.mark.parametrize(
    ("status", "given", "error"),
    [
        (401, {}, Reconnect),
        (404, {}, Missing),
        (400, {}, Refused),
        (429, {}, TryLater),
        (200, {"success": [202]}, Refused),
    ],
)
async def test_a_status_is_named_by_what_to_do(
    odd: Oddity, service: Service, status: int, given: dict[str, Any], error: type[ConnectorError]
) -> None:
    odd.answers = [PlainTextResponse("no", status)]
    with pytest.raises(error) as caught:
        await do(service, "call_read", path="/a", **given)
    assert SECRET not in str(caught.value)


async def test_a_failure_may_be_declared_a_success(odd: Oddity, service: Service) -> None:
    odd.answers = [JSONResponse({"exists": True}, 409)]
    assert (await do(service, "call_change", path="/a", method="POST", success=[201, 409])).status == 409


@pytest.mark.parametrize(
    ("name", "more", "error"), [("call_read", {}, Refused), ("call_change", {"method": "POST"}, Ambiguous)]
)
async def test_an_answer_that_is_too_large_is_not_read_to_its_end(
    odd: Oddity, service: Service, name: str, more: dict[str, Any], error: type[ConnectorError]
) -> None:
    odd.answers = [PlainTextResponse("x" * 5000)]
    with pytest.raises(error, match="more than 1,000 bytes"):
        await do(service, name, path="/a", largest=1000, **more)


async def test_an_answer_that_is_compressed_unasked_is_refused(odd: Oddity, service: Service) -> None:
    odd.answers = [Response(b"x", headers={"Content-Encoding": "gzip"})]
    with pytest.raises(Refused, match="compressed"):
        await do(service, "call_read", path="/a")
    assert odd.received[0].headers["accept-encoding"] == "identity"


async def test_a_redirect_elsewhere_is_followed_without_credentials(odd: Oddity, service: Service) -> None:
    async with answering() as other:
        other.answers = [JSONResponse({"from": "other"})]
        odd.answers = [RedirectResponse(f"{other.address}/file")]
        answer = await do(service, "call_read", path="/a", headers={"X-Mine": "1"})
        assert answer.body == {"from": "other"}
        assert not {"authorization", "x-mine"} & set(other.received[0].headers)


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/", "http://10.0.0.1/", "http://[fe80::1%25lo]/", "ftp://a/"]
)
async def test_a_redirect_into_a_private_network_is_refused(odd: Oddity, service: Service, target: str) -> None:
    odd.answers = [Response(status_code=302, headers={"Location": target})]
    with pytest.raises(Refused):
        await do(service, "call_read", path="/a")


async def test_a_redirect_that_never_ends_does(odd: Oddity, service: Service) -> None:
    odd.answers = [RedirectResponse("/v1/a")]
    with pytest.raises(Refused, match="redirects more than"):
        await do(service, "call_read", path="/a")


async def test_a_private_service_is_refused_unless_it_is_allowed(odd: Oddity, wire: Wire) -> None:
    odd.answers = [JSONResponse({})]
    with pytest.raises(Refused, match="CICFLOW_HTTP_ALLOW"):
        await do(made(odd, wire), "call_read", path="/a")
    assert odd.received == []


async def test_pages_are_followed_by_their_links(odd: Oddity, service: Service) -> None:
    link = {"Link": f'<{odd.address}/v1/a?page=2>; rel="next"'}
    odd.answers = [JSONResponse([1, 2], headers=link), JSONResponse([3])]
    assert await pages(service, path="/a", paging="link") == [1, 2, 3]
    assert odd.received[1].url.query == "page=2"


async def test_pages_are_followed_by_a_cursor(odd: Oddity, service: Service) -> None:
    odd.answers = [JSONResponse({"d": {"x": [1]}, "next": "c2"}), JSONResponse({"d": {"x": [2]}, "next": None})]
    assert await pages(service, path="/a", paging="cursor", items="d.x", cursor="next", parameter="after") == [1, 2]
    assert odd.received[1].url.query == "after=c2"


async def test_pages_are_followed_by_their_numbers(odd: Oddity, service: Service) -> None:
    odd.answers = [JSONResponse([1]), JSONResponse([2]), JSONResponse([])]
    assert await pages(service, path="/a", paging="page") == [1, 2]
    assert [request.url.query for request in odd.received] == ["page=1", "page=2", "page=3"]


async def test_a_next_page_elsewhere_or_the_same_again_is_refused(odd: Oddity, service: Service) -> None:
    odd.answers = [JSONResponse([1], headers={"Link": '<https://elsewhere.example.com/>; rel="next"'})]
    with pytest.raises(Refused, match="elsewhere"):
        await pages(service, path="/a", paging="link")
    odd.answers = [JSONResponse({"d": [], "next": "c"})]
    with pytest.raises(Refused, match="again and again"):
        await pages(service, path="/a", paging="cursor", items="d", cursor="next")


@pytest.mark.parametrize(
    "given",
    [
        {"path": "a"},
        {"path": "/../admin"},
        {"path": "/%252e%252e/admin"},
        {"path": "//elsewhere.example.com"},
        {"path": "/a?b=c"},
        {"path": "/a", "headers": {"X": "a\r\nB: c"}},
        {"path": "/a", "headers": {"Authorization": "x"}},
        {"path": "/a", "headers": {"Host": "x"}},
        {"path": "/a", "headers": {"a b": "x"}},
    ],
)
async def test_what_would_lead_elsewhere_is_not_taken(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        catalog().actions["http.call_read"].given.model_validate(given)


@pytest.mark.parametrize(
    "settings",
    [
        {"address": "http://example.com"},
        {"address": "https://user:pw@example.com"},
        {"address": "file:///etc/passwd"},
        {"address": "https://example.com", "authentication": "basic", "name": "x"},
        {"address": "https://example.com", "authentication": "bearer", "secret": "a\nb"},
        {"address": "https://example.com", "authentication": "header", "name": "a b", "secret": "x"},
        {"address": "http://localhost.example.com"},
        {"address": "http://127.0.0.1.example.com"},
    ],
)
def test_settings_that_cannot_be_right_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(settings)


async def test_a_connection_is_tried_by_reading(odd: Oddity, service: Service) -> None:
    odd.answers = [JSONResponse({})]
    assert await check(service) == "127.0.0.1: connected."
    odd.answers = [JSONResponse({}, 401)]
    with pytest.raises(Reconnect):
        await check(service)
