"""Log streams and event streams of the simulated tenant, before the official client."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from auth0.management.errors import ConflictError, NotFoundError
from auth0.management.types import CreateLogStreamHttpRequestBody

from sandbox.auth0.streams import EVENT_TYPES, new_event
from tests.sandbox.auth0_deeds import right_cloud_event, schemas
from tests.sandbox.auth0_tenancy import CUSTOMER, DATABASE, Tenancy, tenancy

NOBODY = "http://127.0.0.1:9"
"""Where nobody listens."""

HOOK = "https://bot.example.com/in/key"
BEARER = {"method": "bearer", "token": "a token that nobody sees again"}


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        yield found


def log_stream(**more: Any) -> dict[str, Any]:
    return {
        "name": "cicflow",
        "type": "http",
        "sink": {"httpEndpoint": f"{HOOK}/logs", "httpAuthorization": "x"},
        **more,
    }


def event_stream(**more: Any) -> dict[str, Any]:
    destination = {"webhook_endpoint": f"{HOOK}/events", "webhook_authorization": BEARER}
    return {
        "name": "cicflow",
        "subscriptions": [{"event_type": "user.created"}, {"event_type": "user.updated"}],
        "destination": {"type": "webhook", "configuration": destination},
        **more,
    }


def to(endpoint: str, authorization: Any) -> dict[str, Any]:
    configuration = {"webhook_endpoint": endpoint, "webhook_authorization": authorization}
    return {"type": "webhook", "configuration": configuration}


async def made(tenant: Tenancy, **more: Any) -> str:
    answer = await tenant.api("POST", "/event-streams", json=event_stream(**more))
    assert answer.status_code == 201
    return str(answer.json()["id"])


async def test_a_log_stream_is_made_paused_and_deleted(tenant: Tenancy) -> None:
    streams = tenant.sdk.log_streams
    body = CreateLogStreamHttpRequestBody.model_validate(
        log_stream(filters=[{"type": "category", "name": "auth.login.fail"}])
    )
    stream: Any = await streams.create(request=body)
    assert (stream.status, stream.sink.http_content_format) == ("active", "JSONLINES")
    changed: Any = await streams.update(stream.id, status="paused")
    assert (changed.status, changed.filters[0].name) == ("paused", "auth.login.fail")
    assert [one.id for one in await streams.list()] == [stream.id]
    await streams.delete(stream.id)
    with pytest.raises(NotFoundError):
        await streams.get(stream.id)


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "datadog"},
        {"sink": {}},
        {"sink": {"httpEndpoint": "http://bot.example.com/"}},
        {"sink": {"httpEndpoint": "ftp://127.0.0.1/"}},
        {"sink": {"httpEndpoint": HOOK, "httpContentFormat": "XML"}},
        {"filters": [{"type": "category", "name": "everything"}]},
        {"startFrom": "yesterday"},
        {"pii_config": {"log_fields": []}},
        {"status": "paused"},
    ],
)
async def test_a_log_stream_that_cannot_be_is_refused(tenant: Tenancy, wrong: dict[str, Any]) -> None:
    assert (await tenant.api("POST", "/log-streams", json=log_stream(**wrong))).status_code == 400


async def test_there_are_only_so_many_streams(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"rate_limit": None})
    token = await tenant.token()
    for path, body in (("/log-streams", log_stream()), ("/event-streams", event_stream())):
        answers = [await tenant.api("POST", path, token, json={**body, "name": f"{n}"}) for n in range(11)]
        assert [answer.status_code for answer in answers][-2:] == [answers[0].status_code, 409]


async def test_an_event_stream_is_made_disabled_and_deleted(tenant: Tenancy) -> None:
    streams = tenant.sdk.event_streams
    stream_id = await made(tenant)
    stream: Any = await streams.get(stream_id)
    assert (stream.status, [one.event_type for one in stream.subscriptions]) == (
        "enabled",
        ["user.created", "user.updated"],
    )
    changed: Any = await streams.update(stream_id, status="disabled", subscriptions=[{"event_type": "user.deleted"}])
    assert (changed.status, changed.subscriptions[0].event_type) == ("disabled", "user.deleted")
    assert [one.id async for one in await streams.list()] == [stream_id]
    await streams.delete(stream_id)
    await streams.delete(stream_id)
    with pytest.raises(NotFoundError):
        await streams.get(stream_id)


@pytest.mark.parametrize(
    ("authorization", "secret"),
    [
        (BEARER, BEARER["token"]),
        ({"method": "basic", "username": "bot", "password": "hidden"}, "hidden"),
        ({"method": "custom_header", "header_key": "x-key", "value": "hidden"}, "hidden"),
    ],
)
async def test_the_secret_of_an_event_stream_is_never_given_back(
    tenant: Tenancy, authorization: dict[str, str], secret: str
) -> None:
    answer = await tenant.api("POST", "/event-streams", json=event_stream(destination=to(HOOK, authorization)))
    shown = answer.json()["destination"]["configuration"]["webhook_authorization"]
    assert shown == {name: value for name, value in authorization.items() if value != secret}
    assert secret not in (await tenant.api("GET", "/event-streams")).text


@pytest.mark.parametrize(
    "wrong",
    [
        {"destination": to("http://bot.example.com", BEARER)},
        {"destination": to(HOOK, {"method": "bearer"})},
        {"destination": to(HOOK, {"method": "basic", "username": "a:b", "password": "x"})},
        {"destination": to(HOOK, {"method": "none"})},
        {"destination": {"type": "eventbridge", "configuration": {}}},
        {"destination": {"type": "webhook", "configuration": {}}},
        {"subscriptions": []},
        {"subscriptions": [{"event_type": "user.logged_in"}]},
        {"status": "paused"},
        {"name": ""},
    ],
)
async def test_an_event_stream_that_cannot_be_is_refused(tenant: Tenancy, wrong: dict[str, Any]) -> None:
    assert (await tenant.api("POST", "/event-streams", json=event_stream(**wrong))).status_code == 400


async def test_an_event_stream_may_go_to_an_action(tenant: Tenancy) -> None:
    trigger = {"id": "event-stream", "version": "v1"}
    given = {"name": "taker", "supported_triggers": [trigger], "code": "exports.onExecuteEventStream = () => {}"}
    action = (await tenant.api("POST", "/actions/actions", json=given)).json()["id"]
    assert await made(tenant, destination={"type": "action", "configuration": {"action_id": action}})
    nothing = {"type": "action", "configuration": {"action_id": "nothing"}}
    assert (await tenant.api("POST", "/event-streams", json=event_stream(destination=nothing))).status_code == 404


async def test_no_two_event_streams_have_one_name(tenant: Tenancy) -> None:
    await made(tenant)
    with pytest.raises(ConflictError):
        await tenant.sdk.event_streams.create(request=event_stream())


async def test_an_id_that_cannot_be_one_is_refused(tenant: Tenancy) -> None:
    assert (await tenant.api("GET", "/event-streams/short")).json()["errorCode"] == "invalid_uri"


async def test_a_test_event_is_put_on_its_way(tenant: Tenancy) -> None:
    stream_id = await made(tenant, destination=to(NOBODY, BEARER))
    delivery: Any = await tenant.sdk.event_streams.test(stream_id, event_type="user.deleted")
    assert (delivery.event_stream_id, delivery.event_type) == (stream_id, "user.deleted")
    assert delivery.id.startswith("evt_")


async def test_what_was_never_sent_is_not_sent_again(tenant: Tenancy) -> None:
    stream_id = await made(tenant)
    assert [one async for one in await tenant.sdk.event_streams.deliveries.list(stream_id)] == []
    with pytest.raises(NotFoundError):
        await tenant.sdk.event_streams.redeliveries.create_by_id(stream_id, f"evt_{'x' * 22}")
    again = await tenant.sdk.event_streams.redeliveries.create(stream_id, event_types=["user.created"])
    assert again.event_types == ["user.created"]


@pytest.mark.parametrize("query", [{"statuses": "delivered"}, {"date_from": "yesterday"}, {"take": 0}])
async def test_deliveries_are_asked_for_in_the_right_words(tenant: Tenancy, query: dict[str, Any]) -> None:
    stream_id = await made(tenant)
    assert (await tenant.api("GET", f"/event-streams/{stream_id}/deliveries", params=query)).status_code == 400


def put(tenant: Tenancy, stream_id: str) -> list[dict[str, Any]]:
    """Give the events that are on their way to a stream, and hold each against its schema."""
    events = [one.event for one in tenant.inside.event_streams[stream_id].deliveries.values()]
    for event in events:
        if event["type"] in (schemas("events") or {}):
            right_cloud_event(event)
    return events


async def test_test_events_of_every_type_are_right(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"rate_limit": None})
    token = await tenant.token()
    stream_id = await made(tenant, destination=to(NOBODY, BEARER))
    for kind in EVENT_TYPES:
        answer = await tenant.api("POST", f"/event-streams/{stream_id}/test", token, json={"event_type": kind})
        assert answer.status_code == 202
    tested = [event for event in put(tenant, stream_id) if event.get("a0purpose") == "test"]
    assert [event["type"] for event in tested] == list(EVENT_TYPES)


async def test_a_test_event_may_bring_its_own_data(tenant: Tenancy) -> None:
    stream_id = await made(tenant, destination=to(NOBODY, BEARER))
    data = {"object": {"user_id": "auth0|own"}}
    await tenant.sdk.event_streams.test(stream_id, event_type="user.created", data=data)
    (delivery,) = tenant.inside.event_streams[stream_id].deliveries.values()
    assert delivery.event["data"] == data


async def test_all_that_comes_about_in_an_organization_is_told(tenant: Tenancy) -> None:
    kinds = [kind for kind in EVENT_TYPES if kind.startswith("organization.") and "group" not in kind]
    subscriptions = [{"event_type": kind} for kind in kinds]
    stream_id = await made(tenant, destination=to(NOBODY, BEARER), subscriptions=subscriptions)
    sdk = tenant.sdk.organizations
    organization = str((await sdk.create(name="acme")).id)
    await sdk.update(organization, display_name="Acme")
    await sdk.members.create(organization, members=[CUSTOMER])
    await sdk.members.roles.assign(organization, CUSTOMER, roles=["rol_Billing000000001"])
    await sdk.members.roles.delete(organization, CUSTOMER, roles=["rol_Billing000000001"])
    await sdk.members.delete(organization, members=[CUSTOMER])
    await sdk.enabled_connections.add(organization, connection_id=DATABASE)
    await sdk.enabled_connections.update(organization, DATABASE, show_as_button=False)
    await sdk.enabled_connections.delete(organization, DATABASE)
    await sdk.delete(organization)
    events = put(tenant, stream_id)
    assert sorted(event["type"] for event in events) == sorted(kinds)
    changed = next(event["data"] for event in events if event["type"] == "organization.updated")
    names = (changed["previous_object"]["display_name"], changed["object"]["display_name"])
    assert names == ("acme", "Acme")


async def test_what_failed_is_listed_by_checkpoint_and_sent_again(tenant: Tenancy) -> None:
    stream_id = await made(tenant, status="disabled")
    stream = tenant.inside.event_streams[stream_id]
    for number in range(5):
        event = new_event(tenant.inside, "user.created", {"object": {"user_id": f"auth0|{number}"}}, stream=stream_id)
        stream.put(event, tenant.inside.now()).status = "failed"
    stream.due.clear()
    failed = [one.id async for one in await tenant.sdk.event_streams.deliveries.list(stream_id, take=2)]
    assert failed == list(stream.deliveries)
    event_id = failed[0]
    delivery = await tenant.sdk.event_streams.deliveries.get_history(stream_id, event_id)
    assert delivery.event is not None
    assert delivery.event.id == event_id
    await tenant.sdk.event_streams.redeliveries.create_by_id(stream_id, event_id)
    with pytest.raises(ConflictError):
        await tenant.sdk.event_streams.redeliveries.create_by_id(stream_id, event_id)
    await tenant.sdk.event_streams.redeliveries.create(stream_id)
    assert [one.id async for one in await tenant.sdk.event_streams.deliveries.list(stream_id)] == []
    assert {one.status for one in stream.deliveries.values()} == {"due"}


async def test_a_stream_that_is_switched_on_again_has_a_clean_slate(tenant: Tenancy) -> None:
    stream_id = await made(tenant, status="disabled")
    stream = tenant.inside.event_streams[stream_id]
    stream.failures_in_row = stream.failures_in_total = 500
    await tenant.sdk.event_streams.update(stream_id, status="enabled")
    assert (stream.status, stream.failures_in_row, stream.failures_in_total) == ("enabled", 0, 0)
