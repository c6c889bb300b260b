"""Counts for reports: of sign-ups, of the log and of the inactive, with the days before beside them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.auth0.client import Tenant
from connectors.auth0.counts import Count
from tests.connectors.doing import do
from tests.connectors.doubles import Auth0

UNTIL = "2026-03-15T08:00:00+01:00"
"""On a Sunday: the days are those from Sunday 8 to Saturday 14 March."""


def logged(auth0: Auth0, moment: str, **record: Any) -> None:
    """Write a record into the tenant's log."""
    number = f"900{len(auth0.double.logs):020d}"
    known = {"type": "s", "ip": "203.0.113.9", "connection": "google-oauth2", "details": {}}
    whole = {"_id": number, "log_id": number, "date": moment, **known, **record}
    auth0.double.logs.append({name: value for name, value in whole.items() if value is not None})


def pairs(counts: list[Count]) -> list[tuple[str, int, int | None]]:
    return [(one.name, one.count, one.before) for one in counts]


async def test_sign_ups_are_counted_by_the_days_of_the_zone_and_by_connection(auth0: Auth0, tenant: Tenant) -> None:
    made = [
        ("2026-02-28T23:30:00.000Z", "x@example.com"),  # 1 March in Berlin: the first of the days before
        ("2026-03-07T23:30:00.000Z", "a@example.com"),  # 8 March in Berlin
        ("2026-03-08T10:00:00.000Z", "b@example.com"),
        ("2026-03-14T22:59:59.000Z", "c@example.com"),
        ("2026-03-14T23:00:00.000Z", "y@example.com"),  # 15 March in Berlin: not yet over
    ]
    for moment, email in made:
        person = {"email": email, "name": email, "created_at": moment, "sessions": 0, "refresh_tokens": 0}
        (await auth0.control.post("/sandbox/users", json=person)).raise_for_status()
    found = await do(tenant, "count_sign_ups", days=7, until=UNTIL, zone="Europe/Berlin")
    assert (found.total, found.before, found.period, found.period_before) == (3, 1, "8 to 14 Mar", "1 to 7 Mar")
    assert pairs(found.by_day)[0] == ("Sun 08", 2, 1)
    assert [one.count for one in found.by_day] == [2, 0, 0, 0, 0, 0, 1]
    assert pairs(found.by_connection) == [("Username-Password-Authentication", 3, 1)]


async def test_the_log_is_counted_by_everything_that_a_report_shows(auth0: Auth0, tenant: Tenant) -> None:
    auth0.double.logs.clear()
    risk = {
        "confidence": "low",
        "version": "1",
        "assessments": {"NewDevice": {"confidence": "low", "code": "no_match"}},
    }
    logged(auth0, "2026-02-20T10:00:00.000Z")
    logged(auth0, "2026-03-02T10:00:00.000Z", details={"riskAssessment": risk})
    logged(
        auth0, "2026-03-09T10:00:00.000Z", details={"riskAssessment": risk}, location_info={"country_name": "France"}
    )
    logged(auth0, "2026-03-10T10:00:00.000Z", details={"riskAssessment": {"confidence": "high"}})
    logged(auth0, "2026-03-10T11:00:00.000Z", details={"riskAssessment": ["odd"]}, ip=None)
    logged(auth0, "2026-03-10T12:00:00.000Z", type="fp")
    found = await do(tenant, "count_log", types=["s"], days=7, until=UNTIL, zone="Europe/Berlin", called="logins")
    assert (found.total, found.before, found.risky, found.risky_before, found.complete, found.note) == (
        3,
        1,
        1,
        1,
        True,
        "",
    )
    assert pairs(found.by_risk) == [("low", 1, 1), ("high", 1, 0), ("not assessed", 1, 0)]
    assert pairs(found.by_country) == [("unknown", 2, 1), ("France", 1, 0)]
    assert pairs(found.by_address) == [("203.0.113.9", 2, 1), ("unknown", 1, 0)]
    assert len(found.by_reason) == 1
    assert pairs(found.by_type) == [("login", 3, 1)]
    assert [one.count for one in found.risky_by_day] == [0, 1, 0, 0, 0, 0, 0]
    assert ("logins by country", "France", 1) in [(one.what, one.name, one.count) for one in found.table]


async def test_what_the_log_does_not_reach_back_to_is_not_called_nothing(auth0: Auth0, tenant: Tenant) -> None:
    auth0.double.logs.clear()
    logged(auth0, "2026-03-05T10:00:00.000Z", type="fs")
    logged(auth0, "2026-03-09T10:00:00.000Z", type="fs")
    found = await do(tenant, "count_log", types=["fs"], days=7, until=UNTIL)
    assert (found.total, found.before, found.complete) == (1, None, True)
    assert found.note == "Auth0's log begins on 5 Mar 10:00 UTC: the days before cannot be compared."
    auth0.double.logs.pop(0)
    assert "is not counted" in (await do(tenant, "count_log", types=["fs"], days=7, until=UNTIL)).note
    auth0.double.logs.clear()
    empty = await do(tenant, "count_log", types=["fs"], days=7, until=UNTIL)
    assert (empty.total, empty.complete) == (0, False)


async def test_more_than_a_search_shows_is_counted_and_too_much_is_said_to_be(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(rate_limit=None)
    auth0.double.logs.clear()
    logged(auth0, "2026-02-01T00:00:00.000Z")
    for number in range(1500):
        moment = datetime(2026, 3, 13, tzinfo=UTC) + timedelta(seconds=30 * number)
        logged(auth0, moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"), ip=f"203.0.113.{number % 3}")
    found = await do(tenant, "count_log", types=["s"], days=7, until=UNTIL)
    assert (found.total, found.before, found.complete) == (1500, 0, True)
    assert [one.count for one in found.by_address] == [500, 500, 500]
    few = await do(tenant, "count_log", types=["s"], days=7, until=UNTIL, most=400)
    assert (few.total, few.before, few.complete) == (400, None, False)
    assert "more than was to be read: 400" in few.note


@pytest.mark.parametrize("confirm_with", ["none", "sessions"])
async def test_the_inactive_are_counted_by_age_and_connection_with_what_shows_it(
    tenant: Tenant, confirm_with: str
) -> None:
    found = await do(tenant, "count_inactive_users", ages=[90, 30, 200], confirm_with=confirm_with)
    assert [one.name for one in found.by_age] == ["90 to 199 days", "200 days and more", "never signed in"]
    assert found.total == sum(one.count for one in found.by_age) == sum(row["people"] for row in found.table) > 0
    assert found.complete
    assert "never signed in (1)" in found.signals
