"""Permissions: every action names those it needs, and says which is missing before it calls."""

import pytest
from starlette.responses import JSONResponse

from connectors.auth0 import scopes
from connectors.auth0.client import Settings, Tenant, connect
from connectors.catalog import catalog
from connectors.errors import Reconnect
from connectors.wire import Wire
from tests.connectors.doing import FIRST, do, stream
from tests.connectors.doubles import Auth0, Oddity

ACTIONS = sorted(catalog().connectors["auth0"].actions)
REFUSAL = {
    "statusCode": 403,
    "error": "Forbidden",
    "message": "Insufficient scope, expected any of: update:users,update:users_app_metadata",
    "errorCode": "insufficient_scope",
}


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_says_in_scopes_what_it_needs(name: str) -> None:
    assert name.removeprefix("auth0.") in scopes.SCOPES


def test_nothing_is_said_of_actions_that_are_not_there() -> None:
    assert sorted(f"auth0.{name}" for name in scopes.SCOPES) == ACTIONS


@pytest.mark.parametrize(
    ("action", "granted", "missing"),
    [
        ("get_user", ["read:users"], []),
        ("get_user", [], ["read:users"]),
        ("get_user", None, []),
        ("lock_out_user", ["update:users"], ["delete:sessions", "delete:refresh_tokens"]),
        ("set_app_metadata", ["update:users_app_metadata"], []),
        ("set_app_metadata", ["read:users"], ["update:users"]),
        ("call_change", [], []),
        ("no_such_action", [], []),
    ],
)
def test_what_is_missing_is_what_is_needed_and_not_granted(
    action: str, granted: list[str] | None, missing: list[str]
) -> None:
    assert scopes.lacking(action, granted) == missing


async def test_a_missing_permission_is_named_with_the_action_and_where_to_grant_it(
    auth0: Auth0, tenant: Tenant
) -> None:
    await auth0.change(scopes="read:users")
    with pytest.raises(Reconnect) as caught:
        await do(tenant, "block_user", user_id=FIRST)
    assert caught.value.missing_scope == "update:users"
    assert caught.value.message.startswith("auth0.block_user needs the permission update:users, which")
    assert "Auth0 Dashboard" in caught.value.message
    assert await auth0.calls("/api") == []


async def test_nothing_is_begun_that_cannot_be_finished(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(scopes="read:users update:users")
    with pytest.raises(Reconnect, match="delete:sessions and delete:refresh_tokens"):
        await do(tenant, "lock_out_user", user_id=FIRST)
    assert not (await auth0.user(FIRST))["blocked"]


async def test_what_streams_is_refused_before_the_first_item(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(scopes="read:users")
    with pytest.raises(Reconnect) as caught:
        await stream(tenant, "read_logs", after="1")
    assert caught.value.missing_scope == "read:logs"
    assert await auth0.calls("/api") == []


async def test_a_permission_that_was_granted_in_the_meantime_is_noticed(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(scopes="read:users")
    await do(tenant, "get_user", user_id=FIRST)
    await auth0.change(scopes="read:users update:users")
    assert (await do(tenant, "block_user", user_id=FIRST)).blocked is True


async def test_a_permission_that_stays_missing_is_not_asked_for_again_and_again(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(scopes="read:users")
    for _ in range(5):
        with pytest.raises(Reconnect):
            await do(tenant, "block_user", user_id=FIRST)
    assert len(await auth0.calls("/oauth")) == 2


async def test_what_asks_nobody_needs_no_permission(auth0: Auth0, tenant: Tenant) -> None:
    login = {"user": {"user_id": FIRST}, "tenant": {"id": "t"}}
    assert (await do(tenant, "describe_login", login=login)).who == FIRST
    assert await auth0.calls("/") == []


async def test_where_the_token_says_nothing_auth0_itself_names_the_permission(wire: Wire, odd: Oddity) -> None:
    odd.answers = [JSONResponse({"access_token": "t", "expires_in": 86400}), JSONResponse(REFUSAL, status_code=403)]
    tenant = connect(Settings.model_validate({"domain": odd.address, "client_id": "c", "client_secret": "s"}), wire)
    with pytest.raises(Reconnect) as caught:
        await do(tenant, "block_user", user_id=FIRST)
    assert (caught.value.missing_scope, caught.value.code) == ("update:users", "insufficient_scope")
    assert "auth0.block_user needs the permission update:users, which" in caught.value.message


async def test_what_was_done_before_auth0_found_a_permission_missing_is_still_said(wire: Wire, odd: Oddity) -> None:
    token, blocked = JSONResponse({"access_token": "t", "expires_in": 86400}), JSONResponse({"user_id": FIRST})
    lacking = {**REFUSAL, "message": "Insufficient scope, expected all of: delete:sessions,delete:refresh_tokens"}
    odd.answers = [token, blocked, JSONResponse(lacking, status_code=403)]
    tenant = connect(Settings.model_validate({"domain": odd.address, "client_id": "c", "client_secret": "s"}), wire)
    with pytest.raises(Reconnect, match="The person is blocked, but their open sessions may go on") as caught:
        await do(tenant, "lock_out_user", user_id=FIRST)
    assert "needs the permissions delete:sessions and delete:refresh_tokens" in caught.value.message


async def test_a_call_of_any_kind_names_what_auth0_says(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(scopes="read:users")
    with pytest.raises(Reconnect, match=r"auth0.call_read needs the permission read:roles, which"):
        await do(tenant, "call_read", path="/api/v2/roles")


async def test_credentials_that_are_refused_are_another_thing(auth0: Auth0, wire: Wire) -> None:
    tenant = connect(auth0.settings(client_secret="a-wrong-secret"), wire)
    with pytest.raises(Reconnect, match="client id and secret") as caught:
        await do(tenant, "get_user", user_id=FIRST)
    assert caught.value.missing_scope is None
