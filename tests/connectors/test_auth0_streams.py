"""The tenant's streams to us: put there, looked at, switched on again, taken away."""

import asyncio
from typing import Any, Final

import pytest

from connectors.auth0.client import Tenant, connect
from connectors.auth0.sources.changes import TYPES
from connectors.auth0.streams import KINDS, PATHS, Kind, Status, install, resume, status, token_of, uninstall
from connectors.errors import Missing, Reconnect, Refused
from connectors.wire import Wire
from tests.connectors.doubles import Auth0

URL: Final = "https://bot.example.com/in/key"
SECRET: Final = "whsec_" + "QUJD" * 10
OFF: Final[dict[Kind, str]] = {"logs": "paused", "events": "disabled"}
ON: Final[dict[Kind, str]] = {"logs": "active", "events": "enabled"}


async def listed(tenant: Tenant, kind: Kind) -> list[dict[str, Any]]:
    answer = (await tenant.http.get(PATHS[kind])).json()
    return list(answer if kind == "logs" else answer["eventStreams"])


async def switch_off(tenant: Tenant, kind: Kind) -> None:
    (stream,) = await listed(tenant, kind)
    await tenant.http.patch(f"{PATHS[kind]}/{stream['id']}", json={"status": OFF[kind]})


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stream_is_installed_seen_and_taken_away(tenant: Tenant, kind: Kind) -> None:
    nowhere = await status(tenant, kind, url=URL)
    assert (nowhere.installed, nowhere.working, nowhere.stopped) == (False, False, False)
    done = await install(tenant, kind, url=URL, secret=SECRET)
    assert done.created
    found = await status(tenant, kind, url=URL)
    assert (found.stream_id, found.state, found.working) == (done.stream_id, ON[kind], True)
    assert (await uninstall(tenant, kind)).removed
    assert await listed(tenant, kind) == []
    assert not (await uninstall(tenant, kind)).removed


async def test_log_records_come_as_a_list_with_the_token_as_the_whole_header(tenant: Tenant) -> None:
    await install(tenant, "logs", url=f"{URL}/", secret=SECRET)
    (stream,) = await listed(tenant, "logs")
    assert (stream["name"], stream["type"], stream["filters"]) == ("cicflow", "http", [])
    assert stream["sink"] == {
        "httpEndpoint": f"{URL}/logs",
        "httpAuthorization": token_of(SECRET, "logs"),
        "httpContentType": "application/json",
        "httpContentFormat": "JSONARRAY",
    }


async def test_events_of_every_type_come_with_a_bearer_token(auth0: Auth0, tenant: Tenant) -> None:
    await install(tenant, "events", url=URL, secret=SECRET)
    (stream,) = await listed(tenant, "events")
    assert stream["name"] == "cicflow"
    assert [each["event_type"] for each in stream["subscriptions"]] == list(TYPES)
    assert stream["destination"]["configuration"]["webhook_endpoint"] == f"{URL}/events"
    assert auth0.double.event_streams[stream["id"]].secret == token_of(SECRET, "events")


async def test_only_events_that_are_wanted_come(tenant: Tenant) -> None:
    await install(tenant, "events", url=URL, secret=SECRET, types=["user.created"])
    (stream,) = await listed(tenant, "events")
    assert stream["subscriptions"] == [{"event_type": "user.created"}]


def test_each_streams_token_follows_from_the_secret_and_is_another() -> None:
    assert token_of(SECRET, "logs") == token_of(SECRET, "logs")
    assert len({token_of(SECRET, "logs"), token_of(SECRET, "events"), token_of(f"{SECRET}x", "logs")}) == 3
    assert SECRET[6:] not in token_of(SECRET, "logs")


@pytest.mark.parametrize("kind", KINDS)
async def test_installing_again_brings_up_to_date_and_switches_on(tenant: Tenant, kind: Kind) -> None:
    first = await install(tenant, kind, url="https://old.example.com/in/key", secret=SECRET)
    await switch_off(tenant, kind)
    old = await status(tenant, kind, url=URL)
    assert (old.ours, old.stopped) == (False, True)
    again = await install(tenant, kind, url=URL, secret=SECRET)
    assert (again.created, again.stream_id) == (False, first.stream_id)
    assert (await status(tenant, kind, url=URL)).working
    assert len(await listed(tenant, kind)) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stream_that_was_switched_off_is_seen_and_switched_on_again(tenant: Tenant, kind: Kind) -> None:
    await install(tenant, kind, url=URL, secret=SECRET)
    await switch_off(tenant, kind)
    found = await status(tenant, kind, url=URL)
    assert (found.stopped, found.working, found.state) == (True, False, OFF[kind])
    done = await resume(tenant, kind)
    assert done.was == OFF[kind]
    assert OFF[kind] in str(done)
    assert (await status(tenant, kind, url=URL)).working
    assert "already" in str(await resume(tenant, kind))


async def test_what_could_not_be_delivered_is_asked_for_again(auth0: Auth0, tenant: Tenant) -> None:
    done = await install(tenant, "events", url=f"{auth0.address}/in/key", secret=SECRET)
    await switch_off(tenant, "events")
    assert (await resume(tenant, "events")).redelivered
    path = f"{PATHS['events']}/{done.stream_id}"
    assert (await auth0.calls(path))[-2:] == [f"PATCH {path}", f"POST {path}/redeliver"]


async def test_nothing_to_be_sent_again_is_no_failure(auth0: Auth0, tenant: Tenant) -> None:
    await install(tenant, "events", url=URL, secret=SECRET)
    conflict = {"statusCode": 409, "message": "One or more events is not in a state that allows redelivery."}
    await auth0.fault("POST /api/v2/event-streams/*/redeliver", status=409, body=conflict)
    assert (await resume(tenant, "events")).redelivered is False


async def test_what_cannot_be_sent_again_keeps_no_stream_switched_off(auth0: Auth0, tenant: Tenant) -> None:
    await install(tenant, "events", url=URL, secret=SECRET)
    await switch_off(tenant, "events")
    scope = "Insufficient scope, expected any of: update:event_deliveries"
    body = {"statusCode": 403, "error": "Forbidden", "message": scope, "errorCode": "insufficient_scope"}
    await auth0.fault("POST /api/v2/event-streams/*/redeliver", times=2, status=403, body=body)
    done = await resume(tenant, "events")
    assert (done.redelivered, "update:event_deliveries" in done.not_sent) == (False, True)
    assert "could not be sent again" in str(done)
    assert (await status(tenant, "events", url=URL)).working
    with pytest.raises(Reconnect):
        await resume(tenant, "events")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stream_that_is_not_there_cannot_be_switched_on(tenant: Tenant, kind: Kind) -> None:
    with pytest.raises(Missing, match="install it"):
        await resume(tenant, kind)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_streams_of_others_are_left_alone(tenant: Tenant, kind: Kind) -> None:
    await install(tenant, kind, url=URL, secret=SECRET)
    (stream,) = await listed(tenant, kind)
    await tenant.http.patch(f"{PATHS[kind]}/{stream['id']}", json={"name": "somebody else's"})
    assert not (await status(tenant, kind, url=URL)).installed
    assert (await install(tenant, kind, url=URL, secret=SECRET)).created
    assert (await uninstall(tenant, kind)).removed
    assert [each["name"] for each in await listed(tenant, kind)] == ["somebody else's"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stream_that_somebody_else_deletes_at_the_same_time_is_gone_all_the_same(
    auth0: Auth0, tenant: Tenant, kind: Kind
) -> None:
    await install(tenant, kind, url=URL, secret=SECRET)
    await auth0.fault(f"DELETE {PATHS[kind]}/*", status=404, body={"statusCode": 404, "message": "Gone."})
    assert not (await uninstall(tenant, kind)).removed


@pytest.mark.parametrize(("kind", "scope"), [("logs", "read:log_streams"), ("events", "read:event_streams")])
async def test_a_missing_permission_is_named(auth0: Auth0, wire: Wire, kind: Kind, scope: str) -> None:
    await auth0.change(scopes="read:users")
    with pytest.raises(Reconnect) as caught:
        await status(connect(auth0.settings(), wire), kind, url=URL)
    assert caught.value.missing_scope == scope


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("url", ["http://bot.example.com/in/key", "bot.example.com", ""])
async def test_an_address_that_auth0_does_not_send_to_is_refused(
    auth0: Auth0, tenant: Tenant, kind: Kind, url: str
) -> None:
    with pytest.raises(ValueError, match="https"):
        await install(tenant, kind, url=url, secret=SECRET)
    assert await auth0.calls("/") == []


async def test_a_tenant_without_room_for_a_stream_says_so(auth0: Auth0, tenant: Tenant) -> None:
    full = {"statusCode": 409, "message": "You have reached the maximum number of log streams for your account."}
    await auth0.fault("POST /api/v2/log-streams", status=409, body=full)
    with pytest.raises(Refused, match="maximum number"):
        await install(tenant, "logs", url=URL, secret=SECRET)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_odd_list_of_streams_is_refused(auth0: Auth0, tenant: Tenant, kind: Kind) -> None:
    await auth0.fault(f"GET {PATHS[kind]}", times=2, status=200, body=[{"name": "cicflow"}])
    with pytest.raises(Refused, match="cannot be understood"):
        await status(tenant, kind, url=URL)


@pytest.mark.parametrize("kind", KINDS)
async def test_two_who_install_at_once_leave_one_of_each_name(tenant: Tenant, kind: Kind) -> None:
    await install(tenant, kind, url=URL, secret=SECRET)
    both = await asyncio.gather(*(install(tenant, kind, url=URL, secret=SECRET) for _ in range(2)))
    assert len({each.stream_id for each in both}) == len(await listed(tenant, kind)) == 1


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Status(kind="logs", stream_id=None, state=None, ours=False), "There is no log stream"),
        (Status(kind="logs", stream_id="l", state="active", ours=False), "another address"),
        (Status(kind="logs", stream_id="l", state="suspended", ours=True), "is suspended: switch it on again"),
        (Status(kind="events", stream_id="e", state="disabled", ours=True), "is disabled: switch it on again"),
        (Status(kind="events", stream_id="e", state="enabled", ours=True), "is enabled and sends to us"),
    ],
)
def test_the_status_of_a_stream_says_what_to_do(found: Status, words: str) -> None:
    assert words in str(found)
