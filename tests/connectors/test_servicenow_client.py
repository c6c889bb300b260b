"""The connection to a ServiceNow instance: settings, tokens, and what its errors mean."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import Ambiguous, ConnectorError, Missing, Reconnect, Refused, TryLater
from connectors.servicenow.client import Instance, Settings, check
from connectors.wire import Wire
from tests.connectors.servicenow_double import TABLE, ServiceNow, do, simulated

OAUTH = {"authentication": "client credentials", "client_id": "c", "client_secret": "hush-hush"}


@pytest.fixture
async def servicenow() -> AsyncIterator[ServiceNow]:
    async with simulated() as opened:
        yield opened


@pytest.fixture
async def client(servicenow: ServiceNow, wire: Wire) -> Instance:
    return servicenow.connect(wire)


@pytest.mark.parametrize(
    ("instance", "address"),
    [
        ("example.service-now.com", "https://example.service-now.com"),
        (" https://Example.service-now.com/ ", "https://example.service-now.com"),
        ("dev12345", "https://dev12345.service-now.com"),
        ("127.0.0.1:8704", "http://127.0.0.1:8704"),
        ("http://localhost:8704", "http://localhost:8704"),
    ],
)
def test_an_instance_may_be_written_in_several_ways(instance: str, address: str) -> None:
    settings = Settings.model_validate({"instance": instance, **OAUTH})
    assert settings.address == address
    assert Settings.model_validate(settings.model_dump()) == settings


@pytest.mark.parametrize("instance", ["", "http://example.service-now.com", "example.com/x", "a b", "x@example.com"])
def test_an_instance_that_cannot_be_one_is_refused(instance: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"instance": instance, **OAUTH})


@pytest.mark.parametrize(
    ("authentication", "lacking"),
    [
        ("basic", "username and the password"),
        ("client credentials", "client id and the client secret"),
        ("password", "client id and the client secret and the username and the password"),
        ("refresh", "client id and the client secret and the refresh token"),
    ],
)
def test_each_authentication_says_what_it_needs(authentication: str, lacking: str) -> None:
    with pytest.raises(ValidationError, match=f"needs the {lacking}"):
        Settings.model_validate({"instance": "dev1", "authentication": authentication})


def test_settings_do_not_show_what_is_secret() -> None:
    assert "hush-hush" not in repr(Settings.model_validate({"instance": "dev1", **OAUTH}))
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"instance": "not one", **OAUTH})
    assert "hush-hush" not in str(caught.value)


@pytest.mark.parametrize("authentication", ["basic", "client credentials", "password", "refresh"])
async def test_a_connection_works_with_every_authentication(
    servicenow: ServiceNow, wire: Wire, authentication: str
) -> None:
    client = servicenow.connect(wire, authentication=authentication)
    assert await check(client) == f"ServiceNow instance {client.name}: connected."


@pytest.mark.parametrize(
    ("authentication", "wrong"),
    [
        ("basic", "password"),
        ("client credentials", "client_secret"),
        ("password", "password"),
        ("refresh", "refresh_token"),
    ],
)
async def test_a_wrong_secret_asks_for_reconnecting_and_is_not_shown(
    servicenow: ServiceNow, wire: Wire, authentication: str, wrong: str
) -> None:
    client = servicenow.connect(wire, authentication=authentication, **{wrong: "a-wrong-one"})
    with pytest.raises(Reconnect) as caught:
        await check(client)
    assert "a-wrong-one" not in f"{caught.value!r}{caught.value.__cause__!r}"


async def test_twenty_calls_at_once_share_one_token(servicenow: ServiceNow, client: Instance) -> None:
    await asyncio.gather(*(check(client) for _ in range(20)))
    assert len(await servicenow.calls("POST", "/oauth_token.do")) == 1


async def test_twenty_calls_with_a_token_that_has_just_ended_share_one_new_one(
    servicenow: ServiceNow, client: Instance
) -> None:
    await check(client)
    await servicenow.expire_tokens()
    made = await asyncio.gather(
        *(do(client, "create_incident", short_description=f"At once {number}") for number in range(12))
    )
    assert len({one.number for one in made}) == 12
    assert len(await servicenow.calls("POST", "/oauth_token.do")) == 2


async def test_an_incident_is_created_from_end_to_end(servicenow: ServiceNow, client: Instance) -> None:
    made = await do(
        client,
        "create_incident",
        short_description="Risky login",
        description="From two countries\nwithin an hour ^ and more",
        caller="mara.conti@example.com",
        assignment_group="Security Operations",
        urgency="1",
        key="run 1 / steps/2",
    )
    (there,) = await servicenow.records("incident", short_description="Risky login")
    assert (there["number"], there["sys_id"]) == (made.number, made.sys_id)
    assert there["description"] == "From two countries\nwithin an hour ^ and more"
    assert made.created
    assert made.ignored == []
    assert made.link == f"{servicenow.address}/incident.do?sys_id={made.sys_id}"


@pytest.mark.parametrize(
    ("fault", "expected", "said"),
    [
        ({"status": 401, "body": {"error": {"message": "User Not Authenticated"}}}, Reconnect, "User Not Authent"),
        ({"status": 404, "body": {"error": {"message": "No Record found", "detail": None}}}, Missing, "No Record"),
        ({"status": 403, "body": {"error": {"message": "Insufficient rights"}}}, Refused, "Insufficient rights"),
        ({"status": 400, "body": {"error": {"message": "Invalid table x", "detail": None}}}, Refused, "Invalid table"),
        ({"status": 429, "headers": {"retry-after": "7"}}, TryLater, "too often"),
        ({"status": 500}, TryLater, "trouble"),
        ({"status": 302, "headers": {"location": "/login.do"}}, Refused, "302"),
        ({"drop": "before"}, TryLater, "did not answer"),
        ({"status": 200, "headers": {"content-type": "text/html"}, "body": "<html>"}, TryLater, "page for people"),
        ({"status": 200, "headers": {"content-type": "application/json"}, "body": '{"resul'}, TryLater, "incomplete"),
        ({"status": 200, "body": {}}, TryLater, "incomplete"),
        ({"status": 200, "body": {"result": ""}}, TryLater, "incomplete"),
        (
            {"status": 200, "body": {"result": [], "error": {"message": "cancelled"}, "status": "failure"}},
            TryLater,
            "incomplete",
        ),
    ],
)
async def test_a_failing_read_is_named_by_what_to_do(
    servicenow: ServiceNow, client: Instance, fault: dict[str, Any], expected: type[ConnectorError], said: str
) -> None:
    await servicenow.fault(f"GET {TABLE}", times=2, **fault)
    with pytest.raises(expected, match=said):
        await check(client)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"drop": "after"},
        {"status": 200, "headers": {"content-type": "text/html"}, "body": "<html>"},
        {"status": 200, "body": {}},
        {"status": 200, "headers": {"content-type": "application/json"}, "body": '{"result": {"sys'},
    ],
)
async def test_a_change_that_fails_so_may_have_been_made(
    servicenow: ServiceNow, client: Instance, fault: dict[str, Any]
) -> None:
    await servicenow.fault(f"PATCH {TABLE}/*", **fault)
    with pytest.raises(Ambiguous):
        await do(client, "update_incident", incident="INC0010001", urgency="2")


async def test_an_instance_that_sleeps_has_done_nothing(servicenow: ServiceNow, client: Instance) -> None:
    page: dict[str, Any] = {"status": 200, "html": "<html>Instance Hibernating page"}
    await servicenow.fault(f"POST {TABLE}", **page)
    with pytest.raises(TryLater, match="asleep"):
        await do(client, "create_incident", short_description="Nobody is awake")
    assert await servicenow.records("incident", short_description="Nobody is awake") == []


async def test_a_rate_limit_says_when_to_come_back(servicenow: ServiceNow, client: Instance) -> None:
    await servicenow.change(per_hour=2)
    await check(client)
    await check(client)
    with pytest.raises(TryLater) as caught:
        await check(client)
    assert caught.value.after is not None
    assert 3500 < caught.value.after <= 3600
