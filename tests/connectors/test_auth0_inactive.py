"""Finding the inactive: by an export and by searches, and by what else shows that somebody was there."""

import resource
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from connectors.auth0 import inactive
from connectors.auth0.client import Settings, Tenant, connect
from connectors.auth0.inactive import Inactive, InactiveUser, Looked, find_inactive_users
from connectors.catalog import catalog
from connectors.errors import Reconnect, Refused
from connectors.wire import Wire
from sandbox.auth0.crowd import Crowd, Many
from sandbox.auth0.seed import local_id
from tests.connectors.doubles import Auth0, Oddity

NEVER, MONTHS, YEAR = (f"auth0|{local_id(number)}" for number in (10, 11, 12))
WAYS = pytest.mark.parametrize("how", ["export", "search"])


async def find(tenant: Tenant, **given: Any) -> tuple[list[InactiveUser], Looked]:
    found = [item async for item in find_inactive_users(tenant, Inactive.model_validate(given))]
    summary = found.pop()
    assert isinstance(summary, Looked)
    users = [item for item in found if isinstance(item, InactiveUser)]
    assert len(users) == len(found) == summary.found
    return sorted(users, key=lambda user: user.user_id), summary


def ids(users: list[InactiveUser]) -> list[str]:
    return [user.user_id for user in users]


def days_ago(days: float) -> str:
    moment = datetime.now(UTC) - timedelta(days=days)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def inactive_among(auth0: Auth0, before: str) -> list[str]:
    """Say who is inactive, by the profiles themselves."""
    profiles = [account.profile for account in auth0.double.accounts.values()]
    return sorted(one["user_id"] for one in profiles if one.get("last_login", one["created_at"]) < before)


@WAYS
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"days": 100}, [NEVER, MONTHS, YEAR]),
        ({"days": 100, "who": "signed in before"}, [MONTHS, YEAR]),
        ({"days": 100, "who": "never signed in"}, [NEVER]),
        ({"days": 300}, [YEAR]),
        ({"days": 1000}, []),
        ({"days": 100, "gone_before": "{{300}}"}, [NEVER, MONTHS]),
        ({"days": 100, "gone_before": "{{200}}"}, [MONTHS]),
        ({"days": 100, "connection": "google-oauth2"}, []),
        ({"days": 100, "connection": "Username-Password-Authentication"}, [NEVER, MONTHS, YEAR]),
        ({"days": 100, "connection": 'x" OR user_id:"*'}, []),
        ({"days": 8.5, "without_blocked": True}, [NEVER, MONTHS, YEAR]),
    ],
)
async def test_the_inactive_are_found(tenant: Tenant, how: str, given: dict[str, Any], expected: list[str]) -> None:
    if given["days"] == 8.5:
        given = {**given, "before": days_ago(8.5), "days": None}
    if "gone_before" in given:
        given = {**given, "gone_before": days_ago(float(given["gone_before"].strip("{}")))}
    users, summary = await find(tenant, how=how, **given)
    assert ids(users) == expected
    assert (summary.complete, summary.how) == (True, how)


@WAYS
async def test_each_says_how_that_is_known(tenant: Tenant, how: str) -> None:
    users, summary = await find(tenant, days=100, how=how)
    never, months, _ = users
    assert (never.signal, never.seen_at, never.last_login, never.inactive_days) == ("never", None, None, 210)
    assert (months.signal, months.seen_at, months.inactive_days) == ("last_login", months.last_login, 150)
    assert (months.email, months.name, months.logins_count) == ("customer.11@example.com", "Customer 11", 29)
    assert months.connection == "Username-Password-Authentication"
    assert summary.signals == {"never": 1, "last_login": 2}


@WAYS
async def test_only_wanted_fields_are_brought(auth0: Auth0, tenant: Tenant, how: str) -> None:
    users, _ = await find(tenant, days=100, how=how, fields=["email"], without_blocked=True)
    known = [set(user.model_dump(exclude_none=True)) for user in users]
    assert known[2] == {"user_id", "signal", "seen_at", "inactive_days", "active", "email"}


@WAYS
async def test_a_limit_is_kept_and_said(tenant: Tenant, how: str) -> None:
    users, summary = await find(tenant, days=100, how=how, limit=2)
    assert (len(users), summary.complete) == (2, False)
    assert "No more than 2" in summary.note


@WAYS
async def test_whose_name_is_hostile_is_found_as_they_are(auth0: Auth0, tenant: Tenant, how: str) -> None:
    name = '","last_login":"2999-01-01T00:00:00.000Z","x":"\\'
    await auth0.add_user(email="odd@example.com", name=name, created_at=days_ago(900), last_login=days_ago(800))
    users, _ = await find(tenant, days=700, how=how)
    assert [(user.name, user.email) for user in users] == [(name, "odd@example.com")]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"days": 1, "before": days_ago(1)},
        {"days": 0},
        {"before": "2030-01-01"},
        {"before": days_ago(9), "gone_before": days_ago(8)},
    ],
)
def test_what_is_inactive_is_said_in_one_way(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Inactive.model_validate(given)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2500])
async def test_searches_find_all_of_more_than_a_search_shows(auth0: Auth0, tenant: Tenant, count: int) -> None:
    await auth0.change(rate_limit=None)
    await auth0.control.post("/sandbox/users/many", json={"count": count, "never": 0.45, "inactive": 0.55})
    by_search, summary = await find(tenant, days=200, how="search")
    by_export, _ = await find(tenant, before=summary.before, how="export")
    assert ids(by_search) == inactive_among(auth0, summary.before)
    assert by_search == by_export
    assert summary.complete
    assert len(by_search) > 2000


@pytest.mark.slow
async def test_very_many_of_one_moment_are_not_said_to_be_all(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(rate_limit=None)
    moment = days_ago(400)
    auth0.add_many(1100)
    for account in auth0.double.accounts.values():
        account.profile |= {"last_login": moment, "logins_count": 1}
    users, summary = await find(tenant, days=300, how="search")
    assert (len(users), summary.complete) == (1000, False)
    assert "the same last_login" in summary.note


async def test_a_search_that_takes_auth0_too_long_is_cut_into_smaller_ones(auth0: Auth0, tenant: Tenant) -> None:
    body = {"statusCode": 503, "message": "The query exceeded the timeout."}
    await auth0.fault("GET /api/v2/users", status=503, headers={"retry-after": "0"}, body=body, times=3)
    users, summary = await find(tenant, days=100, how="search")
    assert (ids(users), summary.complete) == ([NEVER, MONTHS, YEAR], True)


@pytest.mark.parametrize("answer", [{"status": 403, "code": "insufficient_entitlement"}, {"status": 400, "code": "x"}])
async def test_where_there_can_be_no_export_it_searches(auth0: Auth0, tenant: Tenant, answer: dict[str, Any]) -> None:
    body = {"statusCode": answer["status"], "message": "Not in your plan.", "errorCode": answer["code"]}
    await auth0.fault("POST /api/v2/jobs/users-exports", status=answer["status"], body=body, times=2)
    users, summary = await find(tenant, days=100)
    assert (ids(users), summary.how) == ([NEVER, MONTHS, YEAR], "search")
    with pytest.raises(Refused, match="Not in your plan"):
        await find(tenant, days=100, how="export")


async def test_without_the_permission_nothing_is_done(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(scopes="update:users")
    with pytest.raises(Reconnect, match="read:users"):
        await anext(catalog().actions["auth0.find_inactive_users"].carry_out(tenant, Inactive(days=100)))


@pytest.mark.parametrize(
    ("sign", "signal"),
    [
        ("sessions", "session"),
        ("refresh tokens", "refresh_token"),
        ("sessions and refresh tokens", "session refresh_token"),  # whichever is later: they are of one moment
    ],
)
async def test_a_later_sign_of_life_counts(auth0: Auth0, tenant: Tenant, sign: str, signal: str) -> None:
    user = {"email": "quiet@example.com", "created_at": days_ago(900), "last_login": days_ago(800)}
    await auth0.add_user(user_id="auth0|quiet", **user)  # with a session and a refresh token of today
    left, summary = await find(tenant, days=700, confirm_with=sign)
    assert (left, summary.active) == ([], 1)
    (marked,), summary = await find(tenant, days=700, confirm_with=sign, confirmed="mark")
    assert (marked.user_id, marked.active, marked.inactive_days) == ("auth0|quiet", True, 0)
    assert marked.signal in signal.split()
    assert summary.signals == {marked.signal: 1}


async def test_a_later_sign_of_life_that_is_long_ago_too_moves_the_moment(wire: Wire, odd: Oddity) -> None:
    user = {"user_id": "auth0|x", "created_at": days_ago(900), "last_login": days_ago(800)}
    sessions = [
        {"sessions": [{"last_interacted_at": days_ago(500)}], "next": "more"},
        {"sessions": [{"last_interacted_at": days_ago(400)}, {"updated_at": None}]},
    ]
    page = {"users": [user], "total": 1}
    none = {"users": [], "total": 0}
    odd.answers = [JSONResponse({"access_token": "t", "expires_in": 86400})]
    odd.answers += [JSONResponse(body) for body in (page, sessions[0], sessions[1], none)]
    tenant = connect(Settings.model_validate({"domain": odd.address, "client_id": "c", "client_secret": "s"}), wire)
    (found,), _ = await find(tenant, days=300, how="search", confirm_with="sessions")
    assert (found.signal, found.inactive_days, found.active) == ("session", 400, False)
    assert odd.received[3].url.query == "take=100&from=more"


async def test_only_what_a_person_did_with_success_is_a_sign_of_life(wire: Wire, odd: Oddity) -> None:
    user = {"user_id": "auth0|x", "created_at": days_ago(900), "last_login": days_ago(800)}
    logs = [{"type": "fp", "date": days_ago(1)}, {"type": "sapi", "date": days_ago(2)}]
    odd.answers = [JSONResponse({"access_token": "t", "expires_in": 86400})]
    bodies = [{"users": [user], "total": 1}, logs, {"users": [], "total": 0}, {"users": [user], "total": 1}]
    bodies += [[*logs, {"type": "sertft", "date": days_ago(3)}], {"users": [], "total": 0}]
    odd.answers += [JSONResponse(body) for body in bodies]
    tenant = connect(Settings.model_validate({"domain": odd.address, "client_id": "c", "client_secret": "s"}), wire)
    assert len((await find(tenant, days=300, how="search", confirm_with="logs"))[0]) == 1
    assert len((await find(tenant, days=300, how="search", confirm_with="logs"))[0]) == 0


async def test_who_is_gone_meanwhile_is_left_out(auth0: Auth0, tenant: Tenant) -> None:
    body = {"statusCode": 404, "message": "The user does not exist.", "errorCode": "inexistent_user"}
    await auth0.fault("GET /api/v2/users/*/sessions", status=404, body=body)
    users, _ = await find(tenant, days=300, confirm_with="sessions")
    assert users == []


async def test_a_plan_without_sessions_says_so(auth0: Auth0, tenant: Tenant) -> None:
    body = {"statusCode": 403, "message": "Not in your plan.", "errorCode": "insufficient_entitlement"}
    await auth0.fault("GET /api/v2/users/*/sessions", status=403, body=body, times=9)
    with pytest.raises(Refused, match="Nobody can be confirmed with sessions here"):
        await find(tenant, days=100, confirm_with="sessions")


@pytest.mark.parametrize("answer", ["<html>", "[]", '{"users": [{"user_id": 5}]}', '{"users": [{}], "total": "many"}'])
async def test_an_answer_that_makes_no_sense_is_refused(wire: Wire, odd: Oddity, answer: str) -> None:
    odd.answers = [JSONResponse({"access_token": "t", "expires_in": 86400}), Response(answer)]
    tenant = connect(Settings.model_validate({"domain": odd.address, "client_id": "c", "client_secret": "s"}), wire)
    with pytest.raises(Refused):
        await find(tenant, days=100, how="search")


def test_a_line_is_read_the_same_whatever_the_order_of_its_fields() -> None:
    crowd = Crowd(Many(count=500), time.time())
    look = inactive._Look.at(Inactive(days=180), datetime.now(UTC))
    names = ("last_login", "user_id", "created_at", "email", "name", "logins_count", "blocked")
    people = [{name: profile[name] for name in names if name in profile} for profile in map(crowd.profile, range(500))]
    plain = [bytes(JSONResponse(person).body) for person in people]
    turned = [bytes(JSONResponse(dict(reversed(person.items()))).body) for person in people]
    spaced = [line.replace(b'":', b'": ') for line in plain]
    longer = [line + b" " for line in plain]
    one, *others = [look.lines(1, lines) for lines in (plain, turned, spaced, longer)]
    assert others == [one] * 3
    before = look.before.timestamp()
    moments = [datetime.fromisoformat(person.get("last_login", person["created_at"])) for person in people]
    assert len(one) == len([moment for moment in moments if moment.timestamp() < before])


@pytest.mark.slow
async def test_the_inactive_of_a_quarter_of_a_million_are_found_exactly(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(job_seconds=0)
    await auth0.control.post("/sandbox/users/many", json={"count": 250_000})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, found, summary = time.monotonic(), set[str](), None
    async for item in find_inactive_users(tenant, Inactive(days=180, how="export")):
        if isinstance(item, Looked):
            summary = item
        else:
            found.add(item.user_id)
    took = time.monotonic() - began
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024
    assert summary is not None
    assert (summary.seen, summary.complete) == (250_012, True)
    assert sorted(found) == inactive_among(auth0, summary.before)
    print(
        f"{len(found):,} of {summary.seen:,} in {took:.1f} s, with {more:.0f} MB more at most (the export's file too)"
    )
    assert more < 200
