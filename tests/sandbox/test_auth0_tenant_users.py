"""Users in the simulated tenant, through the official client and by hand."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from auth0.management.errors import BadRequestError, ConflictError, NotFoundError

from tests.sandbox.auth0_tenancy import (
    BLOCKED,
    CUSTOMER,
    DATABASE,
    HOSTILE,
    NEWCOMER,
    OTHER,
    PHONE,
    SOCIAL,
    Tenancy,
    tenancy,
)


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        yield found


async def test_twelve_people_are_there_from_the_start_and_always_the_same(tenant: Tenancy) -> None:
    users = {user["user_id"]: user for user in (await tenant.control("GET", "state"))["users"]}
    assert len(users) == 12
    assert users[CUSTOMER]["email"] == "customer.1@example.com"
    assert (len(users[CUSTOMER]["sessions"]), len(users[CUSTOMER]["refresh_tokens"])) == (2, 2)
    assert users[SOCIAL]["identities"][0]["isSocial"] is True
    assert "email" not in users[PHONE]
    assert users[HOSTILE]["name"].startswith("<!channel> & <script>")
    assert users[BLOCKED]["blocked"] is True
    assert "last_login" not in users[NEWCOMER]


async def test_the_official_client_lists_everybody(tenant: Tenancy) -> None:
    found = [user.user_id async for user in await tenant.sdk.users.list(per_page=5)]
    assert len(found) == 12


async def test_a_list_is_bare_or_with_its_total(tenant: Tenancy) -> None:
    bare = (await tenant.api("GET", "/users", params={"per_page": 3, "page": 1})).json()
    assert len(bare) == 3
    full = (await tenant.api("GET", "/users", params={"per_page": 3, "page": 1, "include_totals": "true"})).json()
    assert (full["start"], full["limit"], full["length"], full["total"]) == (3, 3, 3, 12)
    assert full["users"] == bare


async def test_nobody_gets_past_the_first_thousand(tenant: Tenancy) -> None:
    last = await tenant.api("GET", "/users", params={"per_page": 100, "page": 9})
    assert last.status_code == 200
    over = await tenant.api("GET", "/users", params={"per_page": 100, "page": 10})
    assert (over.status_code, over.json()["errorCode"]) == (400, "invalid_paging")
    assert over.json()["message"].startswith("You can only page through the first 1000 records. See ")


async def test_the_official_client_runs_into_the_thousand(tenant: Tenancy) -> None:
    people = [{"email": f"many.{number}@example.com"} for number in range(1000)]
    await tenant.control("PUT", "settings", {"job_seconds": 0})
    await tenant.sdk.jobs.users_imports.create(users=("many.json", json.dumps(people)), connection_id=DATABASE)
    seen: set[str | None] = set()

    async def see_everybody() -> None:
        async for user in await tenant.sdk.users.list(per_page=100):
            seen.add(user.user_id)

    with pytest.raises(BadRequestError) as refused:
        await see_everybody()
    assert len(seen) == 1000
    assert isinstance(refused.value.body, dict)
    assert refused.value.body["errorCode"] == "invalid_paging"


@pytest.mark.parametrize(
    ("query", "property_name"),
    [
        ({"per_page": "101"}, "per_page"),
        ({"page": "-1"}, "page"),
        ({"page": "x"}, "page"),
        ({"include_totals": "maybe"}, "include_totals"),
        ({"sort": "email"}, "sort"),
        ({"search_engine": "v2"}, "search_engine"),
        ({"nonsense": "1"}, "nonsense"),
        ({"sort": "app_metadata.plan:1"}, "app_metadata"),
    ],
)
async def test_a_query_string_that_does_not_fit_is_refused(
    tenant: Tenancy, query: dict[str, str], property_name: str
) -> None:
    answer = await tenant.api("GET", "/users", params=query)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "invalid_query_string")
    assert property_name in answer.json()["message"]


async def test_a_list_is_sorted_both_ways_and_those_without_the_field_come_last(tenant: Tenancy) -> None:
    up = (await tenant.api("GET", "/users", params={"sort": "logins_count:1"})).json()
    down = (await tenant.api("GET", "/users", params={"sort": "logins_count:-1"})).json()
    counted = [user["logins_count"] for user in up if "logins_count" in user]
    assert counted == sorted(counted)
    assert [user["user_id"] for user in down[:-1]] == [user["user_id"] for user in reversed(up[:-1])]
    assert up[-1]["user_id"] == down[-1]["user_id"] == NEWCOMER


async def test_fields_are_kept_or_left_out(tenant: Tenancy) -> None:
    kept = await tenant.sdk.users.get(CUSTOMER, fields="email,app_metadata.plan", include_fields=True)
    assert kept.model_dump(exclude_none=True) == {"email": "customer.1@example.com", "app_metadata": {"plan": "gold"}}
    left = (await tenant.api("GET", f"/users/{CUSTOMER}", params={"fields": "email", "include_fields": "false"})).json()
    assert "email" not in left
    assert left["user_id"] == CUSTOMER


async def test_a_search_by_connection_finds_its_people(tenant: Tenancy) -> None:
    found = (await tenant.api("GET", "/users", params={"connection": "sms"})).json()
    assert [user["user_id"] for user in found] == [PHONE]


async def test_tokens_of_identity_providers_are_not_shown(tenant: Tenancy) -> None:
    assert "access_token" not in (await tenant.api("GET", f"/users/{SOCIAL}")).json()["identities"][0]
    await tenant.control("PUT", "settings", {"scopes": "read:users read:user_idp_tokens"})
    assert "access_token" in (await tenant.api("GET", f"/users/{SOCIAL}")).json()["identities"][0]


async def test_somebody_who_is_not_there_is_not_found(tenant: Tenancy) -> None:
    with pytest.raises(NotFoundError) as missing:
        await tenant.sdk.users.get("auth0|nobody")
    assert isinstance(missing.value.body, dict)
    assert (missing.value.body["errorCode"], missing.value.body["message"]) == (
        "inexistent_user",
        "The user does not exist.",
    )


@pytest.mark.parametrize("user_id", ["auth0|../x", "auth0|a/b", "auth0|x%2Fy", "auth0|..", "auth0|ü ?#"])
async def test_whatever_an_id_looks_like_it_is_an_id(tenant: Tenancy, user_id: str) -> None:
    await tenant.control("POST", "users", {"user_id": user_id, "email": "odd@example.com"})
    assert (await tenant.sdk.users.get(user_id)).user_id == user_id
    await tenant.sdk.users.update(user_id, blocked=True)
    assert (await tenant.user(user_id))["blocked"] is True
    answer = await tenant.api("POST", f"/users/{quote(user_id, safe='')}/revoke-access", json={})
    assert answer.status_code == 202
    assert (await tenant.user(user_id))["sessions"] == []
    await tenant.sdk.users.delete(user_id)
    assert len((await tenant.control("GET", "state"))["users"]) == 12


async def test_the_root_is_replaced_and_metadata_merged_at_the_first_level(tenant: Tenancy) -> None:
    await tenant.sdk.users.update(CUSTOMER, app_metadata={"a": {"x": 1}, "b": 2})
    await tenant.sdk.users.update(CUSTOMER, app_metadata={"a": {"y": 2}, "b": None}, nickname="first", blocked=True)
    profile = (await tenant.api("GET", f"/users/{CUSTOMER}")).json()
    assert profile["app_metadata"] == {"plan": "gold", "a": {"y": 2}}
    assert (profile["nickname"], profile["blocked"]) == ("first", True)
    await tenant.api("PATCH", f"/users/{CUSTOMER}", json={"nickname": None})
    assert "nickname" not in (await tenant.api("GET", f"/users/{CUSTOMER}")).json()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"blocked": "yes"},
            (
                "Payload validation error: 'Expected type boolean but found type string' on property blocked (Whether this "
                "user was blocked by an administrator (true) or not (false).)."
            ),
        ),
        (
            {"email": "nonsense"},
            (
                "Payload validation error: 'Object didn't pass validation for format email: nonsense' on property email "
                "(Email address of this user.)."
            ),
        ),
        ({"phone_number": "12"}, "String does not match pattern"),
        ({"name": ""}, "String is too short (0 chars), minimum 1"),
        ({"given_name": "x" * 151}, "String is too long (151 chars), maximum 150"),
        ({"app_metadata": []}, "Expected type object but found type array' on property app_metadata"),
        ({"role": "admin", "x": 1}, "Additional properties not allowed: role,x (consider storing them in app_metadata"),
        ({}, "Too few properties defined (0), minimum 1"),
        ({"picture": "javascript:alert(1)"}, "format strict-uri"),
    ],
)
async def test_a_change_that_is_not_valid_is_refused_in_auth0s_words(
    tenant: Tenancy, change: dict[str, Any], message: str
) -> None:
    answer = await tenant.api("PATCH", f"/users/{CUSTOMER}", json=change)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "invalid_body")
    assert message in answer.json()["message"]


@pytest.mark.parametrize(
    ("user_id", "change", "message"),
    [
        (CUSTOMER, {"password": "long enough", "email": "a@example.com"}, "Cannot update password and email"),
        (SOCIAL, {"name": "Other"}, "The following user attributes cannot be updated: name"),
        (SOCIAL, {"email": "a@example.com"}, "Cannot update email for non-database user"),
        (PHONE, {"password": "long enough"}, "Connection is not supported"),
        (CUSTOMER, {"connection": "nowhere", "name": "x"}, "The connection does not exist"),
        (CUSTOMER, {"connection": "sms", "name": "x"}, "does not belong"),
        (CUSTOMER, {"password": "short"}, "PasswordStrengthError"),
        (CUSTOMER, {"email": "customer.2@example.com"}, "already exists"),
        (CUSTOMER, {"username": "me"}, "requires_username"),
    ],
)
async def test_a_change_that_the_connection_does_not_allow_is_refused(
    tenant: Tenancy, user_id: str, change: dict[str, Any], message: str
) -> None:
    before = await tenant.user(user_id)
    answer = await tenant.api("PATCH", f"/users/{quote(user_id, safe='')}", json=change)
    assert answer.status_code == 400
    assert message in answer.json()["message"]
    assert await tenant.user(user_id) == before


async def test_a_new_password_takes_the_administrators_block_away(tenant: Tenancy) -> None:
    await tenant.sdk.users.update(BLOCKED, password="a long password", connection="Username-Password-Authentication")
    assert (await tenant.user(BLOCKED))["blocked"] is False


async def test_a_user_is_created_and_deleted(tenant: Tenancy) -> None:
    made = await tenant.sdk.users.create(
        connection="Username-Password-Authentication", email="New.Person@Example.com", password="long enough"
    )
    assert made.user_id is not None
    assert (made.email, made.user_id.partition("|")[0]) == ("new.person@example.com", "auth0")
    await tenant.sdk.users.delete(made.user_id)
    await tenant.sdk.users.delete(made.user_id)
    with pytest.raises(NotFoundError):
        await tenant.sdk.users.get(made.user_id)


async def test_the_same_user_is_not_created_twice(tenant: Tenancy) -> None:
    with pytest.raises(ConflictError):
        await tenant.sdk.users.create(
            connection="Username-Password-Authentication", email="CUSTOMER.1@example.com", password="long enough"
        )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"email": "a@example.com"}, "Missing required property: connection"),
        ({"connection": "nowhere"}, "The connection does not exist."),
        ({"connection": "google-oauth2", "email": "a@example.com"}, "does not support user creation"),
        ({"connection": "sms", "email": "a@example.com"}, "Missing required property: phone_number"),
        ({"connection": "Username-Password-Authentication", "email": "a@example.com"}, "property: password"),
        ({"connection": "email", "email": "a@example.com", "extra": 1}, "Additional properties not allowed: extra"),
        ({"connection": "Username-Password-Authentication", "email": "a@example.com", "password": "x"}, "too weak"),
    ],
)
async def test_a_user_that_cannot_be_is_not_created(tenant: Tenancy, given: dict[str, Any], message: str) -> None:
    answer = await tenant.api("POST", "/users", json=given)
    assert answer.status_code == 400
    assert message in answer.json()["message"]
    assert len((await tenant.control("GET", "state"))["users"]) == 12


async def test_users_by_email_is_exact_case_and_all(tenant: Tenancy) -> None:
    found = await tenant.sdk.users.list_users_by_email(email="customer.2@example.com")
    assert [user.user_id for user in found] == [OTHER]
    assert await tenant.sdk.users.list_users_by_email(email="Customer.2@example.com") == []
    assert (await tenant.api("GET", "/users-by-email")).status_code == 400


async def test_deleting_somebody_takes_their_sessions_and_tokens(tenant: Tenancy) -> None:
    session = (await tenant.user(CUSTOMER))["sessions"][0]["id"]
    await tenant.sdk.users.delete(CUSTOMER)
    assert (await tenant.api("GET", f"/sessions/{session}")).status_code == 404


async def test_blocks_of_wrong_passwords_are_apart_from_the_administrators(tenant: Tenancy) -> None:
    await tenant.control("POST", f"blocks?user_id={quote(BLOCKED)}")
    listed = await tenant.sdk.user_blocks.list(BLOCKED)
    assert [block.identifier for block in listed.blocked_for or []] == ["customer.9@example.com"]
    same = await tenant.sdk.user_blocks.list_by_identifier(identifier="customer.9@example.com")
    assert same.blocked_for == listed.blocked_for
    await tenant.sdk.user_blocks.delete(BLOCKED)
    assert (await tenant.sdk.user_blocks.list(BLOCKED)).blocked_for == []
    assert (await tenant.user(BLOCKED))["blocked"] is True
    await tenant.control("POST", f"blocks?user_id={quote(BLOCKED)}")
    await tenant.sdk.user_blocks.delete_by_identifier(identifier="customer.9@example.com")
    assert (await tenant.sdk.user_blocks.list(BLOCKED)).blocked_for == []


async def test_assessors_are_cleared(tenant: Tenancy) -> None:
    path = f"/users/{CUSTOMER}/risk-assessments/clear"
    good = {"connection": "Username-Password-Authentication", "assessors": ["new-device"]}
    assert (await tenant.api("POST", path, json=good)).status_code == 204
    risk = (await tenant.login(CUSTOMER, risk="high"))["event"]["authentication"]["riskAssessment"]
    assert risk["assessments"]["NewDevice"]["code"] == "no_device_history"
    assert (await tenant.api("POST", path, json={**good, "assessors": ["other"]})).status_code == 400
    assert (await tenant.api("POST", path, json={**good, "connection": "-"})).status_code == 400
