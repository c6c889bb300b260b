"""Sessions and refresh tokens of a person."""

import pytest

from connectors.auth0.client import Tenant
from connectors.errors import Missing, Refused
from tests.connectors.doing import FIRST, NOT_IN_PLAN, SECOND, do
from tests.connectors.doubles import Auth0


async def test_open_sessions_are_listed_with_device_and_times(tenant: Tenant) -> None:
    found = await do(tenant, "list_sessions", user_id=FIRST)
    assert (found.count, len({session.id for session in found.sessions})) == (2, 2)
    session = found.sessions[0]
    assert " on " in session.device
    assert session.ip
    assert session.applications
    assert session.created_at <= session.last_interacted_at <= session.idle_expires_at <= session.expires_at
    assert found.last_used_at == max(each.last_interacted_at for each in found.sessions)


async def test_more_sessions_than_a_page_holds_are_listed(auth0: Auth0, tenant: Tenant) -> None:
    person = await auth0.add_user(email="busy@example.com", sessions=100, refresh_tokens=100)
    more = auth0.double.sessions_of(person["user_id"])[0]
    for number in range(30):
        auth0.double.sessions[f"more-{number}"] = {**more, "id": f"more-{number}"}
    found = await do(tenant, "list_sessions", user_id=person["user_id"])
    tokens = await do(tenant, "list_refresh_tokens", user_id=person["user_id"])
    assert (len({each.id for each in found.sessions}), len({each.id for each in tokens.tokens})) == (130, 100)


async def test_who_is_signed_in_nowhere_has_no_sessions(auth0: Auth0, tenant: Tenant) -> None:
    person = await auth0.add_user(email="quiet@example.com", sessions=0, refresh_tokens=0)
    sessions = await do(tenant, "list_sessions", user_id=person["user_id"])
    tokens = await do(tenant, "list_refresh_tokens", user_id=person["user_id"])
    assert (sessions.count, sessions.last_used_at, tokens.count, tokens.last_used_at) == (0, None, 0, None)


async def test_one_session_ends_with_its_refresh_tokens_and_the_others_go_on(auth0: Auth0, tenant: Tenant) -> None:
    first, second = (await do(tenant, "list_sessions", user_id=FIRST)).sessions
    assert (await do(tenant, "end_session", session_id=first.id)).existed is True
    user = await auth0.user(FIRST)
    assert [session["id"] for session in user["sessions"]] == [second.id]
    assert [token["session_id"] for token in user["refresh_tokens"]] == [second.id]


async def test_ending_a_session_twice_is_fine_and_says_so(tenant: Tenant) -> None:
    first, _ = (await do(tenant, "list_sessions", user_id=FIRST)).sessions
    await do(tenant, "end_session", session_id=first.id)
    assert (await do(tenant, "end_session", session_id=first.id)).existed is False


async def test_a_call_that_the_tenant_does_not_have_is_not_taken_for_a_session_that_is_over(
    auth0: Auth0, tenant: Tenant
) -> None:
    await auth0.fault("POST /api/v2/sessions/*/revoke", status=404, body={"statusCode": 404, "message": "Not Found"})
    with pytest.raises(Missing):
        await do(tenant, "end_session", session_id="some-session")


async def test_all_sessions_end_and_refresh_tokens_stay(auth0: Auth0, tenant: Tenant) -> None:
    done = await do(tenant, "end_sessions", user_id=FIRST)
    assert "Refresh tokens stay" in done.note
    user = await auth0.user(FIRST)
    assert (user["sessions"], len(user["refresh_tokens"])) == ([], 2)
    assert len((await auth0.user(SECOND))["sessions"]) == 1


async def test_refresh_tokens_are_listed_without_the_tokens_themselves(tenant: Tenant) -> None:
    found = await do(tenant, "list_refresh_tokens", user_id=FIRST)
    assert found.count == 2
    token = found.tokens[0]
    assert (token.id[:3], bool(token.client_id), bool(token.session_id)) == ("rt_", True, True)
    assert found.last_used_at == max(each.last_exchanged_at for each in found.tokens)


async def test_one_refresh_token_is_revoked_and_doing_it_again_is_fine(auth0: Auth0, tenant: Tenant) -> None:
    first, second = (await do(tenant, "list_refresh_tokens", user_id=FIRST)).tokens
    for _ in range(2):
        assert "Sessions stay open" in (await do(tenant, "revoke_refresh_token", refresh_token_id=first.id)).note
    user = await auth0.user(FIRST)
    assert [token["id"] for token in user["refresh_tokens"]] == [second.id]
    assert len(user["sessions"]) == 2


async def test_all_refresh_tokens_are_revoked_and_sessions_stay(auth0: Auth0, tenant: Tenant) -> None:
    await do(tenant, "revoke_refresh_tokens", user_id=FIRST)
    user = await auth0.user(FIRST)
    assert (len(user["sessions"]), user["refresh_tokens"]) == (2, [])


async def test_a_plan_without_sessions_says_so(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.fault("GET /api/v2/users/*/sessions", status=403, body=NOT_IN_PLAN)
    with pytest.raises(Refused) as caught:
        await do(tenant, "list_sessions", user_id=FIRST)
    assert caught.value.code == "insufficient_entitlement"


async def test_sessions_of_nobody_are_missing(tenant: Tenant) -> None:
    with pytest.raises(Missing):
        await do(tenant, "list_sessions", user_id="auth0|nobody")
