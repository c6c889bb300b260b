"""Failed logins of the simulated tenant: the records that they leave, and whom they lock out."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandbox.auth0_deeds import does, happens, right_record
from tests.sandbox.auth0_tenancy import BLOCKED, CUSTOMER, OTHER, Tenancy, tenancy

EMAIL = "customer.1@example.com"


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        yield found


async def kinds(tenant: Tenancy, **wanted: Any) -> list[str]:
    return [one["type"] for one in (await does(tenant, "failed-logins", **wanted))["logs"]]


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("wrong_password", "fp"),
        ("unknown_user", "fu"),
        ("blocked_user", "f"),
        ("leaked_password", "pwd_leak"),
        ("wrong_code", "gd_auth_failed"),
        ("rejected_code", "gd_auth_rejected"),
        ("many_codes", "gd_otp_rate_limit_exceed"),
    ],
)
async def test_each_failure_leaves_its_record(tenant: Tenancy, kind: str, record: str) -> None:
    outcome = await does(tenant, "failed-logins", user=EMAIL, kind=kind, city="Lagos", user_agent="curl/8")
    (found,) = outcome["logs"]
    assert (found["type"], found["user_name"], found["ip"], found["user_agent"]) == (
        record,
        EMAIL,
        "198.51.100.23",
        "curl/8",
    )
    assert found["user_id"] == ("" if record == "fu" else CUSTOMER)
    assert (found["location_info"]["country_code"], found["location_info"]["city_name"]) == ("NG", "Lagos")
    assert (await tenant.api("GET", f"/logs/{found['log_id']}")).json() == found


async def test_a_name_that_nobody_has_is_an_unknown_user(tenant: Tenancy) -> None:
    assert await kinds(tenant, user="nobody@example.com") == ["fu"]


async def test_many_wrong_passwords_block_the_person_for_that_address(tenant: Tenancy) -> None:
    assert await kinds(tenant, user=CUSTOMER, times=9) == ["fp"] * 9
    assert await kinds(tenant, user=CUSTOMER) == ["fp", "limit_wc"]
    assert await kinds(tenant, user=CUSTOMER) == ["limit_wc"]
    blocks = (await tenant.api("GET", f"/user-blocks/{CUSTOMER}")).json()["blocked_for"]
    assert blocks == [{"identifier": EMAIL, "ip": "203.0.113.17", "connection": "Username-Password-Authentication"}]
    there = await happens(tenant, "post-login")
    assert (there["allowed"], [one["type"] for one in there["logs"]]) == (False, ["limit_wc"])
    assert (await happens(tenant, "post-login", city="Paris"))["allowed"] is True
    await tenant.api("DELETE", f"/user-blocks/{CUSTOMER}")
    assert (await happens(tenant, "post-login"))["allowed"] is True


async def test_a_login_that_succeeds_lets_the_count_begin_anew(tenant: Tenancy) -> None:
    await kinds(tenant, user=CUSTOMER, times=9)
    await happens(tenant, "post-login")
    assert await kinds(tenant, user=CUSTOMER, times=9) == ["fp"] * 9


async def test_how_many_are_too_many_is_a_setting(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"wrong_passwords": 2})
    assert await kinds(tenant, user=CUSTOMER, times=3) == ["fp", "fp", "limit_wc", "limit_wc"]


async def test_an_address_that_tries_everybody_is_blocked_for_everybody(tenant: Tenancy) -> None:
    found = await kinds(tenant, user="nobody@example.com", times=100, ip="192.0.2.7")
    assert (found.count("fu"), found[-1]) == (100, "limit_mu")
    for user_id in (CUSTOMER, OTHER):
        outcome = await does(tenant, "logins", user_id=user_id, ip="192.0.2.7")
        assert (outcome["allowed"], [one["type"] for one in outcome["logs"]]) == (False, ["limit_mu"])
    await tenant.control("PUT", "blocked-addresses", [])
    assert (await does(tenant, "logins", user_id=CUSTOMER, ip="192.0.2.7"))["allowed"] is True


async def test_a_blocked_persons_login_leaves_its_record_and_moves_the_last_login(tenant: Tenancy) -> None:
    before = await tenant.user(BLOCKED)
    outcome = await does(tenant, "logins", user_id=BLOCKED)
    assert [(one["type"], one["description"]) for one in outcome["logs"]] == [("f", "user is blocked")]
    assert (await tenant.user(BLOCKED))["logins_count"] == before["logins_count"] + 1


async def test_what_a_client_changes_is_in_the_log(tenant: Tenancy) -> None:
    await tenant.sdk.users.update(OTHER, blocked=True)
    await tenant.sdk.users.delete(OTHER)
    await tenant.sdk.users.get(CUSTOMER)
    found = (await tenant.api("GET", "/logs", params={"sort": "date:1"})).json()
    assert [one["type"] for one in found] == ["sapi", "sapi", "sdu"]
    assert found[0]["details"]["request"]["method"] == "patch"
    assert found[2]["user_id"] == OTHER
    for one in found:
        right_record(one)


async def test_reading_a_secret_is_in_the_log(tenant: Tenancy) -> None:
    sink = {"httpEndpoint": "https://logs.example.com/in", "httpAuthorization": "a secret"}
    await tenant.api("POST", "/log-streams", json={"name": "logs", "type": "http", "sink": sink})
    await tenant.api("GET", "/log-streams")
    newest = (await tenant.api("GET", "/logs")).json()[0]
    assert newest["type"] == "mgmt_api_read"
    right_record(newest)
    assert "a secret" not in str(newest)


async def test_a_client_that_calls_too_often_is_in_the_log_once(tenant: Tenancy) -> None:
    token = await tenant.token()
    await tenant.control("PUT", "settings", {"rate_limit": {"burst": 1, "per_second": 0.001}})
    statuses = [(await tenant.api("GET", "/users", token)).status_code for _ in range(4)]
    assert statuses == [200, 429, 429, 429]
    (record,) = (await tenant.control("GET", "state"))["logs"]
    assert record["type"] == "api_limit"
    right_record(record)


async def test_a_block_that_is_taken_away_is_in_the_log(tenant: Tenancy) -> None:
    await tenant.sdk.user_blocks.delete(CUSTOMER)
    released, called = (await tenant.api("GET", "/logs")).json()
    assert (released["type"], called["type"]) == ("ublkdu", "sapi")
    right_record(released)
