"""The connection to a Marketo instance: settings, tokens, and what its errors mean."""

import logging
from collections.abc import AsyncIterator

import pytest
from pydantic import ValidationError

from connectors.errors import Ambiguous, ConnectorError, Missing, Reconnect, Refused, TryLater
from connectors.marketo.client import Instance, Settings, check, connect
from connectors.wire import Wire
from tests.connectors.marketo_double import ANA, Marketo, at_once, connected, do, simulated
from tests.specs import marketo_conforms


@pytest.fixture
async def service() -> AsyncIterator[Marketo]:
    async with simulated() as opened:
        yield opened
        marketo_conforms(opened.double.calls)


@pytest.fixture
def client(service: Marketo, wire: Wire) -> Instance:
    return connected(service, wire)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("123-ABC-456", "https://123-abc-456.mktorest.com"),
        ("https://123-ABC-456.mktorest.com/rest", "https://123-abc-456.mktorest.com"),
        ("123-abc-456.mktorest.com/identity", "https://123-abc-456.mktorest.com"),
        ("127.0.0.1:8706", "http://127.0.0.1:8706"),
    ],
)
def test_an_address_may_be_written_in_several_ways(given: str, address: str) -> None:
    settings = Settings.model_validate({"address": given, "client_id": "c", "client_secret": "s"})
    assert settings.address == address
    assert Settings.model_validate(settings.model_dump()) == settings


@pytest.mark.parametrize("given", ["", "http://123-abc-456.mktorest.com", "a b", "x@y.z", "example.com/path"])
def test_an_address_that_cannot_be_one_is_refused(given: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"address": given, "client_id": "c", "client_secret": "s"})


async def test_checking_a_connection_says_that_it_works(service: Marketo, client: Instance) -> None:
    assert await check(client) == f"Marketo {service.address.removeprefix('http://')}: connected."


@pytest.mark.parametrize("wrong", [{"client_secret": "wrong"}, {"client_id": "wrong"}])
async def test_wrong_credentials_are_to_be_put_right(service: Marketo, wire: Wire, wrong: dict[str, str]) -> None:
    with pytest.raises(Reconnect, match="client id and secret"):
        await check(connect(service.settings(**wrong), wire))


async def test_many_calls_at_once_share_one_token(service: Marketo, client: Instance) -> None:
    await at_once(client, 20, "find_lead", value="ana.keller@example.com")
    assert service.double.fetched == 1


@pytest.mark.parametrize("how", ["expire", "revoke"])
async def test_a_token_that_ends_is_fetched_again_once_for_all(service: Marketo, client: Instance, how: str) -> None:
    await at_once(client, 20, "find_lead", value="ana.keller@example.com")
    await service.control.post(f"/sandbox/tokens/{how}")
    await at_once(client, 20, "find_lead", value="ana.keller@example.com")
    assert service.double.fetched == 2


async def test_a_token_that_has_seconds_to_live_is_used_and_renewed(service: Marketo, client: Instance) -> None:
    service.double.tokens["old:int"] = service.double.now() + 2
    await do(client, "find_lead", value="ana.keller@example.com")
    service.double.tokens["old:int"] = 0.0
    assert (await do(client, "find_lead", value="ana.keller@example.com")).id == ANA
    assert service.double.fetched == 2


ERRORS = [
    (601, Reconnect, Reconnect),
    (602, Reconnect, Reconnect),
    (603, Reconnect, Reconnect),
    (604, TryLater, Ambiguous),
    (605, Refused, Refused),
    (606, TryLater, TryLater),
    (608, TryLater, TryLater),
    (609, Refused, Refused),
    (610, Missing, Missing),
    (611, TryLater, Ambiguous),
    (612, Refused, Refused),
    (614, TryLater, TryLater),
    (615, TryLater, TryLater),
    (702, Missing, Missing),
    (709, Refused, Refused),
    (713, TryLater, TryLater),
    (719, TryLater, TryLater),
    (1001, Refused, Refused),
    (1003, Refused, Refused),
    (1013, Missing, Missing),
    (1022, TryLater, TryLater),
]


@pytest.mark.parametrize(("code", "reading", "writing"), ERRORS, ids=str)
async def test_errors_come_with_status_200_and_are_named_by_what_to_do(
    service: Marketo, client: Instance, code: int, reading: type[ConnectorError], writing: type[ConnectorError]
) -> None:
    await service.says("* /rest/v1/leads.json", code, times=2)
    with pytest.raises(reading) as caught:
        await do(client, "find_lead", value="ana.keller@example.com")
    assert caught.value.code == str(code)
    await service.control.delete("/sandbox/faults")
    await service.says("* /rest/v1/leads.json", code, times=3)
    with pytest.raises(writing):
        await do(client, "update_lead", key_value="ana.keller@example.com", attributes={"title": "CTO"})


async def test_an_answer_in_html_is_no_success(service: Marketo, client: Instance) -> None:
    await service.fault(
        "* /rest/v1/leads.json", times=4, status=200, body="<html>", headers={"content-type": "text/html"}
    )
    with pytest.raises(TryLater):
        await do(client, "find_lead", value="ana.keller@example.com")
    with pytest.raises(Ambiguous):
        await do(client, "upsert_lead", key_value="ana.keller@example.com")


async def test_secrets_and_tokens_stay_out_of_the_log_and_out_of_errors(
    service: Marketo, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = connected(service, wire)
    await check(client)
    await service.fault("GET /identity/*", drop="before")
    await service.control.post("/sandbox/tokens/revoke")
    with pytest.raises(TryLater) as caught:
        await check(client)
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]
    texts = [*ours, repr(caught.value), repr(caught.value.__cause__), repr(client), str([*service.double.calls])]
    assert [text for text in texts if service.double.client_secret in text] == []
