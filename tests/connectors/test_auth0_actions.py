"""What the Auth0 actions do to the people of a tenant."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.auth0.client import Tenant
from connectors.auth0.profiles import UserRef
from connectors.auth0.users import Search, lucene
from connectors.catalog import catalog
from connectors.errors import Ambiguous, Missing, Refused, TryLater
from tests.connectors.doing import AWKWARD_IDS, FIRST, NOT_IN_PLAN, SECOND, do
from tests.connectors.doubles import Auth0

BLOCKED = "auth0|650000000000000000000009"
NEVER = "auth0|650000000000000000000010"


async def test_a_user_is_got_with_what_flows_may_refer_to(tenant: Tenant) -> None:
    user = await do(tenant, "get_user", user_id=FIRST)
    assert (user.email, user.email_verified, user.name) == ("customer.1@example.com", True, "Customer 1")
    assert (user.blocked, user.app_metadata) == (False, {"plan": "gold"})
    assert [account.provider for account in user.identities] == ["auth0"]
    assert datetime.fromisoformat(user.created_at) < datetime.now(UTC)


@pytest.mark.parametrize("user_id", AWKWARD_IDS)
async def test_no_user_id_leads_anywhere_but_to_users(auth0: Auth0, tenant: Tenant, user_id: str) -> None:
    with pytest.raises(Missing):
        await do(tenant, "get_user", user_id=user_id)
    assert await auth0.calls("/api") == [f"GET /api/v2/users/{user_id}"]


@pytest.mark.parametrize("user_id", ["", ".", "..", "auth0|\n", "auth0|\x00", "x" * 256])
def test_what_cannot_be_a_user_id_is_refused_before_anything_is_sent(user_id: str) -> None:
    with pytest.raises(ValidationError):
        UserRef(user_id=user_id)


async def test_blocking_stops_logins_and_leaves_sessions(auth0: Auth0, tenant: Tenant) -> None:
    assert (await do(tenant, "block_user", user_id=FIRST)).blocked is True
    user = await auth0.user(FIRST)
    assert (user["blocked"], len(user["sessions"]), len(user["refresh_tokens"])) == (True, 2, 2)


async def test_unblocking_lets_the_person_in_again(auth0: Auth0, tenant: Tenant) -> None:
    done = await do(tenant, "unblock_user", user_id=BLOCKED)
    assert done.blocked is False
    assert "not brought back" in done.note
    assert (await auth0.user(BLOCKED))["blocked"] is False


async def test_signing_out_everywhere_ends_sessions_and_refresh_tokens(auth0: Auth0, tenant: Tenant) -> None:
    done = await do(tenant, "revoke_access", user_id=FIRST)
    assert (done.sessions_ended, done.refresh_tokens_revoked) == (True, True)
    user = await auth0.user(FIRST)
    assert (user["blocked"], user["sessions"], user["refresh_tokens"]) == (False, [], [])


async def test_signing_nobody_out_is_missing(tenant: Tenant) -> None:
    with pytest.raises(Missing):
        await do(tenant, "revoke_access", user_id="auth0|nobody")


async def test_locking_out_blocks_and_ends_everything(auth0: Auth0, tenant: Tenant) -> None:
    done = await do(tenant, "lock_out_user", user_id=FIRST)
    assert (done.blocked, done.sessions_ended, done.refresh_tokens_revoked) == (True, True, True)
    user = await auth0.user(FIRST)
    assert (user["blocked"], user["sessions"], user["refresh_tokens"]) == (True, [], [])
    other = await auth0.user(SECOND)
    assert (other["blocked"], len(other["sessions"])) == (False, 1)


async def test_locking_out_twice_is_the_same_as_once(auth0: Auth0, tenant: Tenant) -> None:
    first = await do(tenant, "lock_out_user", user_id=FIRST)
    assert await do(tenant, "lock_out_user", user_id=FIRST) == first
    assert (await auth0.user(FIRST))["blocked"] is True


async def test_undoing_a_lock_out_unblocks(auth0: Auth0, tenant: Tenant) -> None:
    await do(tenant, "lock_out_user", user_id=FIRST)
    undo = catalog().actions["auth0.lock_out_user"].undo
    assert undo is not None
    await do(tenant, undo.removeprefix("auth0."), user_id=FIRST)
    user = await auth0.user(FIRST)
    assert (user["blocked"], user["sessions"]) == (False, [])


@pytest.mark.parametrize(("status", "body"), [(403, NOT_IN_PLAN), (404, {"statusCode": 404, "message": "Not Found"})])
async def test_a_plan_without_revocation_in_one_call_gets_two(
    auth0: Auth0, tenant: Tenant, status: int, body: dict[str, Any]
) -> None:
    await auth0.fault("POST /api/v2/users/*/revoke-access", status=status, body=body)
    done = await do(tenant, "lock_out_user", user_id=FIRST)
    assert (done.sessions_ended, done.refresh_tokens_revoked) == (True, True)
    user = await auth0.user(FIRST)
    assert (user["blocked"], user["sessions"], user["refresh_tokens"]) == (True, [], [])


async def test_a_plan_without_any_revocation_still_blocks_and_says_what_goes_on(auth0: Auth0, tenant: Tenant) -> None:
    for match in ("POST /api/v2/users/*/revoke-access", "DELETE /api/v2/users/*/sessions"):
        await auth0.fault(match, status=403, body=NOT_IN_PLAN)
    done = await do(tenant, "lock_out_user", user_id=FIRST)
    assert (done.blocked, done.sessions_ended, done.refresh_tokens_revoked) == (True, False, True)
    assert done.note.startswith("Open sessions go on: the plan")


async def test_a_plan_without_any_revocation_refuses_to_sign_out(auth0: Auth0, tenant: Tenant) -> None:
    for match in ("POST /api/v2/users/*/revoke-access", "DELETE /api/v2/users/*/*"):
        await auth0.fault(match, times=2, status=403, body=NOT_IN_PLAN)
    with pytest.raises(Refused, match="plan"):
        await do(tenant, "revoke_access", user_id=FIRST)


async def test_a_lock_out_that_stops_half_way_says_so(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.fault("POST /api/v2/users/*/revoke-access", status=500, body={"statusCode": 500, "message": "No."})
    with pytest.raises(Ambiguous, match="The person is blocked, but their open sessions may go on"):
        await do(tenant, "lock_out_user", user_id=FIRST)
    assert (await auth0.user(FIRST))["blocked"] is True


async def test_metadata_is_merged_and_an_empty_value_removes(auth0: Auth0, tenant: Tenant) -> None:
    done = await do(tenant, "set_app_metadata", user_id=FIRST, app_metadata={"risk": {"seen": 1}, "plan": None})
    assert done.app_metadata == {"risk": {"seen": 1}}
    assert (await auth0.user(FIRST))["app_metadata"] == {"risk": {"seen": 1}}


async def test_a_search_finds_people_by_everything_that_is_filled_in(tenant: Tenant) -> None:
    found = await do(tenant, "search_users", email="customer.1@example.com", name="Customer 1", blocked=False)
    assert ([user.user_id for user in found.users], found.total, found.complete) == ([FIRST], 1, True)


async def test_a_search_for_one_who_differs_in_one_thing_finds_nobody(tenant: Tenant) -> None:
    found = await do(tenant, "search_users", email="customer.1@example.com", blocked=True)
    assert (found.users, found.total, found.complete) == ([], 0, True)


@pytest.mark.parametrize(
    "email",
    ['x" OR email:*', "*", 'customer.1@example.com" OR blocked:true OR email:"', "x\\", 'a\\" OR _exists_:email'],
)
async def test_nothing_in_a_text_is_taken_for_the_query_language(tenant: Tenant, email: str) -> None:
    assert (await do(tenant, "search_users", email=email)).users == []


async def test_names_with_quotes_in_them_are_found(auth0: Auth0, tenant: Tenant) -> None:
    name = 'Customer "Quote" 13'
    await auth0.add_user(email="customer.13@example.com", name=name)
    found = await do(tenant, "search_users", name=name)
    assert [user.name for user in found.users] == [name]


async def test_people_who_are_blocked_never_came_or_have_not_come_for_long_can_be_searched(tenant: Tenant) -> None:
    blocked = await do(tenant, "search_users", blocked=True)
    never = await do(tenant, "search_users", never_logged_in=True)
    long_ago = datetime.now(UTC) - timedelta(days=100)
    idle = await do(tenant, "search_users", last_login_before=long_ago, never_logged_in=False)
    assert [user.user_id for user in blocked.users] == [BLOCKED]
    assert [user.user_id for user in never.users] == [NEVER]
    assert sorted(user.user_id[-2:] for user in idle.users) == ["11", "12"]
    assert (await do(tenant, "search_users", created_before=datetime(2000, 1, 1, tzinfo=UTC))).total == 0


async def test_a_search_that_leaves_some_out_says_so(tenant: Tenant) -> None:
    found = await do(tenant, "search_users", limit=5)
    assert (len(found.users), found.total, found.complete) == (5, 12, False)
    assert (await do(tenant, "search_users", limit=12)).complete is True


async def test_a_search_of_more_than_a_thousand_stops_there_and_says_so(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(rate_limit=None)
    auth0.add_many(1000)
    found = await do(tenant, "search_users", limit=1000)
    assert (len(found.users), found.total, found.complete) == (1000, 1012, False)
    assert len({user.user_id for user in found.users}) == 1000


async def test_a_search_that_takes_the_tenant_too_long_is_to_be_tried_later(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.fault("GET /api/v2/users", status=503, body={"statusCode": 503, "message": "The query exceeded..."})
    with pytest.raises(TryLater):
        await do(tenant, "search_users")


def test_a_search_is_written_with_quotes_around_every_text() -> None:
    search = Search(name='a "b" \\ c', connection="x", last_login_before=datetime(2026, 1, 2, tzinfo=UTC))
    assert lucene(search) == (
        'name:"a \\"b\\" \\\\ c" AND identities.connection:"x" AND last_login:[* TO 2026-01-02T00:00:00.000Z}'
    )
    assert lucene(Search()) is None
