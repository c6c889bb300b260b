"""Sessions, refresh tokens, linked identities and roles in the simulated tenant."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from auth0.management.errors import BadRequestError, ConflictError, NotFoundError

from tests.sandbox.auth0_tenancy import BLOCKED, CUSTOMER, OTHER, SOCIAL, Tenancy, tenancy


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        yield found


async def test_sessions_are_listed_newest_first_with_their_devices(tenant: Tenancy) -> None:
    await tenant.login(CUSTOMER, city="Tokyo")
    listed = [session async for session in await tenant.sdk.users.sessions.list(CUSTOMER)]
    assert len(listed) == 3
    assert listed[0].device is not None
    assert listed[0].device.initial_ip == "192.0.2.150"


async def test_lists_are_read_by_checkpoints(tenant: Tenancy) -> None:
    await tenant.control(
        "POST", "users", {"user_id": "auth0|many", "email": "m@example.com", "sessions": 5, "refresh_tokens": 5}
    )
    pager = await tenant.sdk.users.sessions.list("auth0|many", take=2)
    assert len({session.id async for session in pager}) == 5
    tokens = await tenant.sdk.users.refresh_token.list("auth0|many", take=2)
    assert len({token.id async for token in tokens}) == 5
    page = (await tenant.api("GET", "/users/auth0%7Cmany/refresh-tokens?take=2&include_totals=true")).json()
    assert (len(page["tokens"]), page["total"], page["next"]) == (2, 5, page["tokens"][-1]["id"])


async def test_sessions_are_closed_and_refresh_tokens_stay_till_they_are_taken(tenant: Tenancy) -> None:
    answer = await tenant.api("DELETE", f"/users/{CUSTOMER}/sessions")
    assert (answer.status_code, answer.json()) == (202, {})
    user = await tenant.user(CUSTOMER)
    assert (len(user["sessions"]), len(user["refresh_tokens"])) == (0, 2)
    answer = await tenant.api("DELETE", f"/users/{CUSTOMER}/refresh-tokens")
    assert (answer.status_code, answer.json()) == (202, {})
    assert (await tenant.user(CUSTOMER))["refresh_tokens"] == []


async def test_nobody_elses_sessions_are_touched(tenant: Tenancy) -> None:
    before = await tenant.user(OTHER)
    await tenant.sdk.users.sessions.delete(CUSTOMER)
    await tenant.sdk.users.refresh_token.delete(CUSTOMER)
    await tenant.sdk.users.revoke_access(CUSTOMER)
    assert await tenant.user(OTHER) == before


@pytest.mark.parametrize("path", ["sessions", "refresh-tokens"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_somebody_who_is_not_there_has_no_sessions(tenant: Tenancy, method: str, path: str) -> None:
    answer = await tenant.api(method, f"/users/auth0%7Cnobody/{path}")
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "inexistent_user")


async def test_access_is_revoked_at_once(tenant: Tenancy) -> None:
    await tenant.sdk.users.revoke_access(CUSTOMER)
    user = await tenant.user(CUSTOMER)
    assert (user["sessions"], user["refresh_tokens"]) == ([], [])


async def test_access_is_revoked_but_for_the_refresh_tokens(tenant: Tenancy) -> None:
    await tenant.sdk.users.revoke_access(CUSTOMER, preserve_refresh_tokens=True)
    user = await tenant.user(CUSTOMER)
    assert (user["sessions"], len(user["refresh_tokens"])) == ([], 2)


async def test_access_is_revoked_for_one_session(tenant: Tenancy) -> None:
    first, second = (await tenant.user(CUSTOMER))["sessions"]
    await tenant.sdk.users.revoke_access(CUSTOMER, session_id=first["id"])
    user = await tenant.user(CUSTOMER)
    assert [session["id"] for session in user["sessions"]] == [second["id"]]
    assert [token["session_id"] for token in user["refresh_tokens"]] == [second["id"]]


async def test_a_revocation_that_names_nonsense_is_refused(tenant: Tenancy) -> None:
    answer = await tenant.api("POST", f"/users/{CUSTOMER}/revoke-access", json={"everything": True})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "invalid_body")
    assert len((await tenant.user(CUSTOMER))["sessions"]) == 2


async def test_one_session_is_got_and_revoked_with_its_tokens(tenant: Tenancy) -> None:
    session = (await tenant.user(CUSTOMER))["sessions"][0]
    assert (await tenant.sdk.sessions.get(session["id"])).user_id == CUSTOMER
    await tenant.sdk.sessions.revoke(session["id"])
    user = await tenant.user(CUSTOMER)
    assert (len(user["sessions"]), len(user["refresh_tokens"])) == (1, 1)
    with pytest.raises(NotFoundError):
        await tenant.sdk.sessions.revoke(session["id"])


async def test_one_session_is_closed_and_one_token_taken(tenant: Tenancy) -> None:
    user = await tenant.user(CUSTOMER)
    await tenant.sdk.sessions.delete(user["sessions"][0]["id"])
    token = user["refresh_tokens"][0]["id"]
    assert (await tenant.sdk.refresh_tokens.get(token)).user_id == CUSTOMER
    await tenant.sdk.refresh_tokens.delete(token)
    with pytest.raises(NotFoundError):
        await tenant.sdk.refresh_tokens.get(token)
    now = await tenant.user(CUSTOMER)
    assert (len(now["sessions"]), len(now["refresh_tokens"])) == (1, 1)


@pytest.mark.parametrize("given", [SOCIAL, SOCIAL.partition("|")[2]])
async def test_a_second_account_is_linked_and_vanishes(tenant: Tenancy, given: str) -> None:
    identities = await tenant.sdk.users.identities.link(CUSTOMER, provider="google-oauth2", user_id=given)
    assert [identity.provider for identity in identities] == ["auth0", "google-oauth2"]
    assert identities[1].user_id == SOCIAL.partition("|")[2]
    assert identities[1].profile_data is not None
    assert identities[1].profile_data.email == "customer.4@example.com"
    with pytest.raises(NotFoundError):
        await tenant.sdk.users.get(SOCIAL)
    with pytest.raises(ConflictError):
        await tenant.sdk.users.identities.link(CUSTOMER, provider="google-oauth2", user_id=given)


async def test_a_linked_account_is_unlinked_and_stands_alone_again(tenant: Tenancy) -> None:
    bare = SOCIAL.partition("|")[2]
    await tenant.sdk.users.identities.link(CUSTOMER, provider="google-oauth2", user_id=bare)
    left = await tenant.sdk.users.identities.delete(CUSTOMER, "google-oauth2", bare)
    assert [identity.provider for identity in left] == ["auth0"]
    alone = await tenant.sdk.users.get(SOCIAL)
    assert (alone.email, alone.app_metadata) == ("customer.4@example.com", None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"provider": "auth0", "user_id": CUSTOMER}, "Main identity and the new one are the same."),
        ({"provider": "auth0", "user_id": "nobody"}, "Provided secondary account not found."),
        ({"provider": "auth0", "user_id": OTHER, "connection_id": "con_GoogleSocial0001"}, "not found"),
        ({"provider": "auth0", "user_id": OTHER, "connection_id": "x"}, "does not match pattern"),
        ({"link_with": "token"}, "Invalid token (link_with)"),
        ({"user_id": OTHER}, "Missing required property: provider"),
        ({}, "Too few properties defined"),
    ],
)
async def test_a_link_that_cannot_be_is_refused(tenant: Tenancy, given: dict[str, Any], message: str) -> None:
    answer = await tenant.api("POST", f"/users/{CUSTOMER}/identities", json=given)
    assert answer.status_code == 400
    assert message in answer.json()["message"]


async def test_the_main_identity_stays(tenant: Tenancy) -> None:
    with pytest.raises(BadRequestError):
        await tenant.sdk.users.identities.delete(CUSTOMER, "auth0", CUSTOMER.partition("|")[2])
    with pytest.raises(BadRequestError):
        await tenant.sdk.users.identities.delete(CUSTOMER, "sms", "x")


async def test_roles_are_given_listed_and_taken(tenant: Tenancy) -> None:
    (billing,) = [role.id async for role in await tenant.sdk.roles.list() if role.name == "Billing contact"]
    assert billing is not None
    await tenant.sdk.users.roles.assign(BLOCKED, roles=[billing, billing])
    names = [role.name async for role in await tenant.sdk.users.roles.list(BLOCKED)]
    assert names == ["Customer", "Billing contact"]
    await tenant.sdk.users.roles.delete(BLOCKED, roles=[billing])
    assert [role.name async for role in await tenant.sdk.users.roles.list(BLOCKED)] == ["Customer"]


async def test_a_role_that_does_not_exist_is_not_given(tenant: Tenancy) -> None:
    with pytest.raises(NotFoundError):
        await tenant.sdk.users.roles.assign(CUSTOMER, roles=["rol_nothing"])
    assert (await tenant.api("POST", f"/users/{CUSTOMER}/roles", json={"roles": []})).status_code == 400
