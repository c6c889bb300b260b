"""Log streams and event streams of the simulated tenant: what reaches their addresses, and what happens when it does not."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandbox.auth0_deeds import (
    Receiver,
    bind,
    does,
    happens,
    needs_node,
    right_cloud_event,
    right_record,
    settled,
)
from tests.sandbox.auth0_tenancy import CUSTOMER, OTHER, PHONE, SOCIAL, Tenancy, tenancy


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        await found.control("PUT", "settings", {"delivery_scale": 0.02})
        yield found


async def log_stream(tenant: Tenancy, url: str, *, filters: Any = (), **sink: Any) -> str:
    given = {
        "name": "to the bot",
        "type": "http",
        "sink": {"httpEndpoint": url, "httpAuthorization": "the token as typed", **sink},
        "filters": [{"type": "category", "name": one} for one in filters],
    }
    answer = await tenant.api("POST", "/log-streams", json=given)
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


BEARER = {"method": "bearer", "token": "a token"}


async def event_stream(tenant: Tenancy, url: str, *types: str, authorization: Any = None) -> str:
    given = {
        "name": "to the bot",
        "subscriptions": [{"event_type": one} for one in types],
        "destination": {
            "type": "webhook",
            "configuration": {"webhook_endpoint": url, "webhook_authorization": authorization or BEARER},
        },
    }
    answer = await tenant.api("POST", "/event-streams", json=given)
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


async def failures(tenant: Tenancy, stream_id: str) -> list[dict[str, Any]]:
    """List what could not be delivered."""
    return list((await tenant.api("GET", f"/event-streams/{stream_id}/deliveries")).json()["deliveries"])


def lines(content: bytes) -> list[Any]:
    return [json.loads(line) for line in content.splitlines()]


def kinds(receiver: Receiver) -> list[str]:
    return [one["data"]["type"] for _, content in receiver.got for one in lines(content)]


# ---- log streams ----


@pytest.mark.parametrize(
    ("form", "read"),
    [
        ("JSONLINES", lines),
        ("JSONARRAY", json.loads),
        ("JSONOBJECT", lambda content: json.loads(content)["logs"]),
    ],
)
async def test_records_come_in_the_form_that_was_asked_for(tenant: Tenancy, form: str, read: Any) -> None:
    receiver = Receiver()
    async with receiver.open() as url:
        custom = [{"header": "x-from", "value": "auth0"}]
        await log_stream(
            tenant, url, httpContentFormat=form, httpContentType="application/x-logs", httpCustomHeaders=custom
        )
        await receiver.calls(1)  # that the stream was made
        outcome = await happens(tenant, "post-login")
        ((_, _), (headers, content)) = await receiver.calls(2)
    assert (headers["authorization"], headers["content-type"], headers["x-from"]) == (
        "the token as typed",
        "application/x-logs",
        "auth0",
    )
    (item,) = read(content)
    assert set(item) == {"log_id", "data"}
    assert item["data"]["log_id"] == item["log_id"] == outcome["logs"][0]["log_id"]
    assert (item["data"]["type"], item["data"]["user_id"]) == ("s", CUSTOMER)
    right_record(item["data"])


async def test_a_stream_begins_with_what_happens_after_it_was_made(tenant: Tenancy) -> None:
    await happens(tenant, "post-login")
    receiver = Receiver()
    async with receiver.open() as url:
        await log_stream(tenant, url)
        await does(tenant, "failed-logins", user=OTHER)
        await receiver.until(lambda: "fp" in kinds(receiver))
    assert kinds(receiver) == ["sapi", "fp"]


async def test_filters_let_only_their_categories_pass(tenant: Tenancy) -> None:
    receiver = Receiver()
    async with receiver.open() as url:
        await log_stream(tenant, url, filters=["auth.login.fail", "auth.signup.success"])
        await happens(tenant, "post-login")
        await does(tenant, "failed-logins", user=OTHER, times=2)
        await does(tenant, "failed-logins", user=OTHER, kind="leaked_password")
        await does(tenant, "signups", email="a@example.com")
        await receiver.until(lambda: "ss" in kinds(receiver))
    assert kinds(receiver) == ["fp", "fp", "ss"]


async def test_what_happens_together_comes_together(tenant: Tenancy) -> None:
    receiver = Receiver()
    async with receiver.open() as url:
        await log_stream(tenant, url, filters=["auth.login.fail"])
        await does(tenant, "failed-logins", user="nobody@example.com", times=150, ip="192.0.2.7")
        await receiver.until(lambda: len(kinds(receiver)) >= 150)
    sizes = [len(lines(content)) for _, content in receiver.got]
    assert (sum(sizes), max(sizes)) == (150, 100)
    ids = [one["log_id"] for _, content in receiver.got for one in lines(content)]
    assert ids == sorted(ids)


async def test_a_batch_is_tried_three_times_and_then_repeated(tenant: Tenancy) -> None:
    receiver = Receiver(500, 503, 404, 400)
    async with receiver.open() as url:
        await log_stream(tenant, url, filters=["auth.login.success"])
        await happens(tenant, "post-login")
        calls = await receiver.calls(5)
    assert len({content for _, content in calls}) == 1
    attempts = (await tenant.control("GET", "deliveries"))["attempts"]
    assert [one["status"] for one in attempts] == [500, 503, 404, 400, 200]


async def test_a_stream_that_fails_for_too_long_is_suspended_and_nothing_is_lost(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"log_patience": 0})
    receiver = Receiver(500, 500, 500)
    async with receiver.open() as url:
        stream_id = await log_stream(tenant, url, filters=["auth.login.success"])
        await happens(tenant, "post-login")
        await settled(tenant, lambda found: found["log_streams"][0]["status"] == "suspended")
        assert (await tenant.api("GET", f"/log-streams/{stream_id}")).json()["status"] == "suspended"
        await happens(tenant, "post-login")
        assert len(receiver.got) == 3
        await tenant.api("PATCH", f"/log-streams/{stream_id}", json={"status": "active"})
        await receiver.until(lambda: len(kinds(receiver)) >= 5)
    assert kinds(receiver) == ["s", "s", "s", "s", "s"]


async def test_a_paused_stream_gets_nothing_till_it_is_active_again(tenant: Tenancy) -> None:
    receiver = Receiver()
    async with receiver.open() as url:
        stream_id = await log_stream(tenant, url, filters=["auth.login.success"])
        await tenant.api("PATCH", f"/log-streams/{stream_id}", json={"status": "paused"})
        await happens(tenant, "post-login")
        assert receiver.got == []
        await tenant.api("PATCH", f"/log-streams/{stream_id}", json={"status": "active"})
        await receiver.calls(1)
    assert kinds(receiver) == ["s"]


async def test_records_come_twice_and_the_wrong_way_round_on_demand(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"duplicates": True, "disorder": True})
    receiver = Receiver(500)
    async with receiver.open() as url:
        await log_stream(tenant, url, filters=["auth.login.fail"])
        outcome = await does(tenant, "failed-logins", user=OTHER, times=3)
        calls = await receiver.calls(3)
    ids = [one["log_id"] for one in outcome["logs"]]
    assert [[one["log_id"] for one in lines(content)] for _, content in calls] == [ids[::-1]] * 3


async def test_people_are_masked_where_the_stream_says_so(tenant: Tenancy) -> None:
    receiver = Receiver()
    async with receiver.open() as url:
        stream_id = await log_stream(tenant, url, filters=["auth.login.success"])
        config = {"log_fields": ["email"], "method": "mask"}
        await tenant.api("PATCH", f"/log-streams/{stream_id}", json={"pii_config": config})
        await happens(tenant, "post-login")
        ((_, content),) = await receiver.calls(1)
    assert lines(content)[0]["data"]["user_name"] == "*" * len("customer.1@example.com")


# ---- event streams ----


async def test_a_person_is_told_of_from_the_beginning_to_the_end(tenant: Tenancy) -> None:
    receiver = Receiver()
    async with receiver.open() as url:
        stream_id = await event_stream(tenant, url, "user.created", "user.updated", "user.deleted")
        signed_up = await does(tenant, "signups", email="new.person@example.com")
        user_id = signed_up["user_id"]
        await receiver.calls(1)
        await tenant.sdk.users.update(user_id, blocked=True)
        await receiver.calls(2)
        await tenant.sdk.users.delete(user_id)
        calls = await receiver.calls(3)
    events = [json.loads(content) for _, content in calls]
    assert [event["type"] for event in events] == ["user.created", "user.updated", "user.deleted"]
    assert len({event["id"] for event in events}) == 3
    for headers, content in calls:
        event = json.loads(content)
        right_cloud_event(event)
        assert headers["authorization"] == "Bearer a token"
        assert (event["a0stream"], event["data"]["object"]["user_id"]) == (stream_id, user_id)
    change = events[1]["data"]
    assert ("blocked" in change["previous_object"], change["object"]["blocked"]) == (False, True)
    assert "previous_object" not in events[0]["data"]
    assert "deleted_at" in events[2]["data"]["object"]


async def test_every_login_updates_the_person(tenant: Tenancy) -> None:
    receiver = Receiver()
    async with receiver.open() as url:
        await event_stream(tenant, url, "user.updated")
        for user_id in (CUSTOMER, SOCIAL, PHONE):
            await does(tenant, "logins", user_id=user_id)
        calls = await receiver.calls(3)
    for _, content in calls:
        event = json.loads(content)
        right_cloud_event(event)
        then, now = event["data"]["previous_object"], event["data"]["object"]
        assert now["logins_count"] == then["logins_count"] + 1
        assert "access_token" not in str(event)


async def test_people_made_by_a_client_are_told_of(tenant: Tenancy) -> None:
    receiver = Receiver()
    async with receiver.open() as url:
        await event_stream(tenant, url, "user.created", "user.updated")
        person = {"connection": "Username-Password-Authentication", "email": "a@example.com", "password": "long-enough"}
        await tenant.api("POST", "/users", json=person)
        await tenant.sdk.users.identities.link(CUSTOMER, provider="google-oauth2", user_id=SOCIAL.partition("|")[2])
        await tenant.sdk.users.get(CUSTOMER)
        calls = await receiver.calls(2)
    events = [json.loads(content) for _, content in calls]
    assert [event["type"] for event in events] == ["user.created", "user.updated"]
    assert len(events[1]["data"]["object"]["identities"]) == 2
    for event in events:
        right_cloud_event(event)


async def test_organizations_are_told_of(tenant: Tenancy) -> None:
    receiver = Receiver()
    async with receiver.open() as url:
        await event_stream(tenant, url, "organization.created", "organization.member.added")
        made = await tenant.api("POST", "/organizations", json={"name": "example", "display_name": "Example"})
        await tenant.api("POST", f"/organizations/{made.json()['id']}/members", json={"members": [CUSTOMER]})
        calls = await receiver.calls(2)
    events = [json.loads(content) for _, content in calls]
    assert [event["type"] for event in events] == ["organization.created", "organization.member.added"]
    assert events[1]["data"]["object"]["user"]["user_id"] == CUSTOMER
    for event in events:
        right_cloud_event(event)


@pytest.mark.parametrize(
    ("authorization", "header", "value"),
    [
        (BEARER, "authorization", "Bearer a token"),
        (
            {"method": "basic", "username": "auth0", "password": "pass:word"},
            "authorization",
            f"Basic {base64.b64encode(b'auth0:pass:word').decode()}",
        ),
        ({"method": "custom_header", "header_key": "X-Key", "value": "a key"}, "x-key", "a key"),
    ],
)
async def test_the_receiver_knows_the_stream_by_its_header(
    tenant: Tenancy, authorization: dict[str, str], header: str, value: str
) -> None:
    receiver = Receiver()
    async with receiver.open() as url:
        await event_stream(tenant, url, "user.updated", authorization=authorization)
        await happens(tenant, "post-login")
        ((headers, _),) = await receiver.calls(1)
    assert headers[header] == value


async def test_an_event_is_tried_four_times(tenant: Tenancy) -> None:
    receiver = Receiver(500, 503, 502)
    async with receiver.open() as url:
        stream_id = await event_stream(tenant, url, "user.updated")
        await happens(tenant, "post-login")
        calls = await receiver.calls(4)
        found = await settled(tenant, lambda found: "delivered" in found["event_streams"][0]["deliveries"].values())
    assert len({content for _, content in calls}) == 1
    assert found["event_streams"][0]["failures_in_row"] == 0
    assert await failures(tenant, stream_id) == []


async def test_an_event_that_fails_four_times_is_listed_and_can_be_sent_again(tenant: Tenancy) -> None:
    receiver = Receiver(500, 500, 500, 500)
    async with receiver.open() as url:
        stream_id = await event_stream(tenant, url, "user.updated")
        await happens(tenant, "post-login")
        await settled(tenant, lambda found: found["event_streams"][0]["failures_in_total"] == 1)
        (failed,) = await failures(tenant, stream_id)
        assert [one["error_message"] for one in failed["attempts"]] == ["answered 500"] * 4
        assert (await tenant.api("POST", f"/event-streams/{stream_id}/redeliver/{failed['id']}")).status_code == 202
        calls = await receiver.calls(5)
        await settled(tenant, lambda found: found["event_streams"][0]["deliveries"][failed["id"]] == "delivered")
        assert await failures(tenant, stream_id) == []
    assert {json.loads(content)["id"] for _, content in calls} == {failed["id"]}


@pytest.mark.parametrize("status", [400, 401, 404, 429])
async def test_an_answer_that_blames_the_sender_is_final(tenant: Tenancy, status: int) -> None:
    receiver = Receiver(status)
    async with receiver.open() as url:
        stream_id = await event_stream(tenant, url, "user.updated")
        await happens(tenant, "post-login")
        await settled(tenant, lambda found: found["event_streams"][0]["failures_in_total"] == 1)
        (failed,) = await failures(tenant, stream_id)
    assert (len(receiver.got), len(failed["attempts"])) == (1, 1)


async def test_an_address_where_nobody_is_counts_as_a_failure(tenant: Tenancy, free_port: int) -> None:
    await event_stream(tenant, f"http://127.0.0.1:{free_port}/in", "user.updated")
    await happens(tenant, "post-login")
    found = await settled(tenant, lambda found: found["event_streams"][0]["failures_in_total"] == 1)
    assert [(one["status"], one["error"]) for one in found["attempts"]] == [(None, "no answer (ConnectError)")] * 4


@pytest.mark.parametrize(
    ("limit", "answers"), [("failures_in_row", [400, 400]), ("failures_in_total", [400, 200, 400])]
)
async def test_a_stream_that_fails_too_often_is_disabled_and_can_be_enabled_again(
    tenant: Tenancy, limit: str, answers: list[int]
) -> None:
    await tenant.control("PUT", "settings", {limit: 2})
    receiver = Receiver(*answers)
    async with receiver.open() as url:
        stream_id = await event_stream(tenant, url, "user.updated")
        for number, _ in enumerate(answers, start=1):
            await happens(tenant, "post-login")
            await receiver.calls(number)
        await settled(tenant, lambda found: found["event_streams"][0]["status"] == "disabled")
        assert (await tenant.api("GET", f"/event-streams/{stream_id}")).json()["status"] == "disabled"
        await happens(tenant, "post-login")
        await tenant.api("PATCH", f"/event-streams/{stream_id}", json={"status": "enabled"})
        await tenant.api("POST", f"/event-streams/{stream_id}/redeliver", json={})
        await receiver.calls(len(answers) + 2)
        found = await settled(
            tenant, lambda found: set(found["event_streams"][0]["deliveries"].values()) == {"delivered"}
        )
    assert (found["event_streams"][0]["failures_in_row"], len(receiver.got)) == (0, len(answers) + 2)


async def test_events_come_twice_and_the_wrong_way_round_on_demand(tenant: Tenancy) -> None:
    receiver = Receiver()
    async with receiver.open() as url:
        stream_id = await event_stream(tenant, url, "user.updated")
        await tenant.api("PATCH", f"/event-streams/{stream_id}", json={"status": "disabled"})
        await tenant.control("PUT", "settings", {"duplicates": True, "disorder": True})
        for kind in ("user.created", "user.deleted"):
            await tenant.api("POST", f"/event-streams/{stream_id}/test", json={"event_type": kind})
        await tenant.api("PATCH", f"/event-streams/{stream_id}", json={"status": "enabled"})
        calls = await receiver.calls(4)
    events = [json.loads(content) for _, content in calls]
    assert [event["type"] for event in events] == ["user.deleted", "user.deleted", "user.created", "user.created"]
    assert events[0] == events[1]
    assert {event["a0purpose"] for event in events} == {"test"}
    for event in events:
        right_cloud_event(event)


@needs_node
async def test_an_event_can_go_to_an_action_that_has_it_sent_again_by_failing(tenant: Tenancy) -> None:
    code = "exports.onExecuteEventStream = async (event, api) => { throw new Error(`${event.message.type} ${Object.keys(api)}`); };"
    await tenant.control("PUT", "settings", {"build_seconds": 0})
    given = {"name": "an action", "supported_triggers": [{"id": "event-stream", "version": "v1"}], "code": code}
    action_id = (await tenant.api("POST", "/actions/actions", json=given)).json()["id"]
    await tenant.api("POST", f"/actions/actions/{action_id}/deploy")
    stream = {
        "name": "to an action",
        "subscriptions": [{"event_type": "user.updated"}],
        "destination": {"type": "action", "configuration": {"action_id": action_id}},
    }
    stream_id = (await tenant.api("POST", "/event-streams", json=stream)).json()["id"]
    await happens(tenant, "post-login")
    await settled(tenant, lambda found: found["event_streams"][0]["failures_in_total"] == 1)
    (failed,) = await failures(tenant, stream_id)
    assert [one["error_message"] for one in failed["attempts"]] == ["user.updated cache"] * 4


@pytest.mark.parametrize("value", ["ünïcode", "two\nlines"])
async def test_a_header_that_cannot_be_sent_is_a_failure_like_others(tenant: Tenancy, value: str) -> None:
    authorization = {"method": "custom_header", "header_key": "X-Key", "value": value}
    receiver = Receiver()
    async with receiver.open() as url:
        await event_stream(tenant, url, "user.updated", authorization=authorization)
        await happens(tenant, "post-login")
        found = await settled(tenant, lambda found: found["event_streams"][0]["failures_in_total"] == 1)
    assert (receiver.got, len(found["attempts"])) == ([], 4)


async def test_a_receiver_that_is_slow_holds_nobody_up(tenant: Tenancy) -> None:
    receiver = Receiver(500)
    await tenant.control("PUT", "settings", {"delivery_scale": 60})
    async with receiver.open() as url:
        await event_stream(tenant, url, "user.updated")
        await happens(tenant, "post-login")
        await happens(tenant, "post-login")
        calls = await receiver.calls(2)
    assert len({json.loads(content)["id"] for _, content in calls}) == 2


@needs_node
async def test_actions_and_streams_tell_of_the_same_login(tenant: Tenancy) -> None:
    receiver = Receiver()
    async with receiver.open() as url:
        await bind(tenant, "post-login", "exports.onExecutePostLogin = async () => {};")
        await log_stream(tenant, url, filters=["auth.login.success"])
        outcome = await happens(tenant, "post-login", risk="low")
        ((_, content),) = await receiver.calls(1)
    details = lines(content)[0]["data"]["details"]
    assert details["actions"]["executions"] == [outcome["executions"][0]["id"]]
    assert details["riskAssessment"]["confidence"] == "low"
