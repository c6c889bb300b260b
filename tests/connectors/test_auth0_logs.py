"""The tenant's log, and jobs in the background."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.auth0.client import Tenant
from connectors.errors import Missing, Refused
from tests.connectors.doing import FIRST, SECOND, do, stream, streamed
from tests.connectors.doubles import Auth0

START = datetime(2026, 3, 1, tzinfo=UTC)


def written(auth0: Auth0, count: int) -> list[str]:
    """Write records into the tenant's log, one a minute; every third is a wrong password. Gives their ids."""
    ids = [f"900{number:020d}" for number in range(count)]
    for number, log_id in enumerate(ids):
        moment = (START + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        auth0.double.logs.append(
            {
                "_id": log_id,
                "log_id": log_id,
                "date": moment,
                "type": "s" if number % 3 else "fp",
                "user_id": FIRST if number % 2 else SECOND,
                "ip": f"203.0.113.{number % 200}",
                "connection": "Username-Password-Authentication",
                "client_id": "portal",
                "description": None,
                "details": {"number": number},
            }
        )
    return ids


async def test_the_log_is_read_from_a_record_on_to_its_end(auth0: Auth0, tenant: Tenant) -> None:
    ids = written(auth0, 250)
    found = await stream(tenant, "read_logs", after=ids[19])
    assert [each.log_id for each in found] == ids[20:]
    assert (found[0].type, found[0].details, found[0].description) == ("s", {"number": 20}, None)
    calls = [call for call in (await auth0.control.get("/sandbox/calls")).json() if call["path"] == "/api/v2/logs"]
    assert [call["query"] for call in calls] == [{"from": ids[at], "take": "100"} for at in (19, 119, 219, 249)]


async def test_the_log_is_read_from_a_moment_on(auth0: Auth0, tenant: Tenant) -> None:
    ids = written(auth0, 130)
    found = await stream(tenant, "read_logs", since=(START + timedelta(minutes=10)).isoformat())
    assert [each.log_id for each in found] == ids[10:]


async def test_from_a_moment_after_everything_nothing_is_read(auth0: Auth0, tenant: Tenant) -> None:
    written(auth0, 5)
    assert await stream(tenant, "read_logs", since=(START + timedelta(days=1)).isoformat()) == []


async def test_more_than_can_be_searched_is_read(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(rate_limit=None)
    ids = written(auth0, 2500)
    assert len(await stream(tenant, "read_logs", after=ids[0])) == 2499
    found = await do(tenant, "search_logs", limit=1000)
    assert (len(found.records), found.complete) == (1000, False)


@pytest.mark.parametrize("limit", [1, 99, 100, 101])
async def test_reading_ends_where_it_is_told_to(auth0: Auth0, tenant: Tenant, limit: int) -> None:
    ids = written(auth0, 150)
    assert len(await stream(tenant, "read_logs", after=ids[0], limit=limit)) == limit
    assert len(await stream(tenant, "read_logs", since=START.isoformat(), limit=limit)) == limit


async def test_reading_goes_on_another_time_where_it_ended(auth0: Auth0, tenant: Tenant) -> None:
    ids = written(auth0, 30)
    *some, so_far = await streamed(tenant, "read_logs", after=ids[0], limit=9)
    assert (len(some), so_far.last, so_far.complete) == (9, ids[9], False)
    *rest, to_the_end = await streamed(tenant, "read_logs", after=so_far.last)
    assert ([each.log_id for each in rest], to_the_end.last, to_the_end.complete) == (ids[10:], ids[-1], True)
    (nothing_new,) = await streamed(tenant, "read_logs", after=to_the_end.last)
    assert (nothing_new.last, nothing_new.complete) == (ids[-1], True)


@pytest.mark.parametrize("given", [{}, {"after": "1", "since": "2026-01-01T00:00:00Z"}, {"since": "2026-01-01"}])
async def test_reading_has_one_beginning(tenant: Tenant, given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        await stream(tenant, "read_logs", **given)


async def test_the_log_is_searched_by_everything_that_is_filled_in(auth0: Auth0, tenant: Tenant) -> None:
    ids = written(auth0, 30)
    found = await do(
        tenant,
        "search_logs",
        types=["fp", "fu"],
        user_id=SECOND,
        connection="Username-Password-Authentication",
        client_id="portal",
        since=START + timedelta(minutes=1),
        until=START + timedelta(minutes=24),
    )
    assert [each.log_id for each in found.records] == [ids[18], ids[12], ids[6]]
    assert (found.total, found.complete) == (3, True)
    one = await do(tenant, "search_logs", ip="203.0.113.7")
    assert [each.log_id for each in one.records] == [ids[7]]


async def test_a_search_of_the_log_that_leaves_some_out_says_so(auth0: Auth0, tenant: Tenant) -> None:
    written(auth0, 30)
    found = await do(tenant, "search_logs", limit=10)
    assert (len(found.records), found.total, found.complete) == (10, 30, False)


@pytest.mark.parametrize("text", ['x" OR type:"s', "*", "\\", 'a\\" OR _exists_:ip OR ip:"'])
async def test_nothing_in_a_search_of_the_log_is_taken_for_the_query_language(
    auth0: Auth0, tenant: Tenant, text: str
) -> None:
    written(auth0, 3)
    for name in ("user_id", "ip", "connection", "client_id"):
        assert (await do(tenant, "search_logs", **{name: text})).records == []


async def test_codes_of_the_log_are_codes(tenant: Tenant) -> None:
    with pytest.raises(ValidationError):
        await do(tenant, "search_logs", types=['s" OR "f'])


async def test_one_record_is_looked_up(auth0: Auth0, tenant: Tenant) -> None:
    ids = written(auth0, 3)
    assert (await do(tenant, "get_log", log_id=ids[1])).user_id == FIRST
    with pytest.raises(Missing):
        await do(tenant, "get_log", log_id="nothing")


async def test_a_login_is_in_the_log(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.control.post("/sandbox/logins", json={"user_id": FIRST})
    found = await do(tenant, "search_logs", user_id=FIRST)
    assert [each.type for each in found.records] == ["s"]


@pytest.mark.parametrize("body", [{"logs": 1}, [], "text", {"logs": []}])
async def test_a_log_that_makes_no_sense_is_refused(auth0: Auth0, tenant: Tenant, body: object) -> None:
    await auth0.fault("GET /api/v2/logs", status=200, body=body)
    with pytest.raises(Refused, match="cannot be understood"):
        await do(tenant, "search_logs")


async def test_a_job_is_looked_up_without_the_address_of_its_file(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(job_seconds=0)
    begun = await do(tenant, "call_change", method="POST", path="/api/v2/jobs/users-exports", body={"format": "json"})
    found = await do(tenant, "get_job", job_id=begun.body["id"])
    assert (found.type, found.status, found.finished) == ("users_export", "completed", True)
    assert "downloads" not in found.model_dump_json()


async def test_a_job_under_way_is_not_finished(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(job_seconds=3600)
    begun = await do(tenant, "call_change", method="POST", path="/api/v2/jobs/users-exports", body={})
    assert (await do(tenant, "get_job", job_id=begun.body["id"])).finished is False
    assert (await do(tenant, "list_job_errors", job_id=begun.body["id"])).count == 0


async def test_a_job_that_is_not_there_is_missing(tenant: Tenant) -> None:
    for name in ("get_job", "list_job_errors"):
        with pytest.raises(Missing):
            await do(tenant, name, job_id="job_nothing")


async def test_the_errors_of_an_import_are_told_person_by_person(auth0: Auth0, tenant: Tenant) -> None:
    answer = [{"user": {"email": "a@example.com"}, "errors": [{"code": "DUPLICATED_USER", "message": "Twice."}]}]
    await auth0.fault("GET /api/v2/jobs/*/errors", status=200, body=answer)
    found = await do(tenant, "list_job_errors", job_id="job_1")
    assert (found.count, found.failure) == (1, None)
    assert found.errors[0].model_dump() == {
        "user": {"email": "a@example.com"},
        "codes": ["DUPLICATED_USER"],
        "messages": ["Twice."],
    }


async def test_a_job_that_failed_as_a_whole_says_why(auth0: Auth0, tenant: Tenant) -> None:
    body = {"id": "job_1", "type": "users_import", "status": "failed", "status_details": "Too many."}
    await auth0.fault("GET /api/v2/jobs/*/errors", status=200, body=body)
    found = await do(tenant, "list_job_errors", job_id="job_1")
    assert (found.count, found.failure) == (0, "Too many.")
