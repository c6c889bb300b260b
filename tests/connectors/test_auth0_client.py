"""The connection to a tenant: settings, tokens, limits and what its errors mean."""

import asyncio
import logging

import httpx
import pytest
from pydantic import ValidationError
from starlette.responses import JSONResponse, PlainTextResponse

from connectors.auth0 import metadata, users
from connectors.auth0.client import Settings, Tenant, check, connect
from connectors.auth0.profiles import UserRef
from connectors.catalog import catalog
from connectors.errors import Ambiguous, ConnectorError, Missing, Reconnect, Refused, TryLater
from connectors.wire import Wire
from tests.connectors.doubles import Auth0, Oddity

FIRST = "auth0|650000000000000000000001"
SOMEBODY = UserRef(user_id=FIRST)


@pytest.mark.parametrize(
    ("domain", "address"),
    [
        ("example.eu.auth0.com", "https://example.eu.auth0.com"),
        (" https://Example.EU.auth0.com/ ", "https://example.eu.auth0.com"),
        ("127.0.0.1:8702", "http://127.0.0.1:8702"),
        ("http://localhost:8702", "http://localhost:8702"),
        ("[::1]:8702", "http://[::1]:8702"),
    ],
)
def test_a_domain_may_be_written_in_several_ways(domain: str, address: str) -> None:
    settings = Settings.model_validate({"domain": domain, "client_id": "c", "client_secret": "s"})
    assert settings.address == address
    assert Settings.model_validate(settings.model_dump()) == settings


@pytest.mark.parametrize(
    "domain",
    [
        "",
        "http://example.eu.auth0.com",
        "example.com/path",
        "person@example.com",
        "ftp://127.0.0.1",
        "a b",
        "10.0.0.1\\x",
    ],
)
def test_a_domain_that_cannot_be_one_is_refused(domain: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"domain": domain, "client_id": "c", "client_secret": "s"})


def test_settings_do_not_show_the_secret() -> None:
    settings = Settings.model_validate({"domain": "example.auth0.com", "client_id": "c", "client_secret": "hush-hush"})
    assert "hush-hush" not in repr(settings)
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(
            {"domain": "not a domain", "client_id": 1, "client_secret": "hush-hush", "more": "hush-hush"}
        )
    assert "hush-hush" not in str(caught.value)


async def test_checking_a_connection_says_that_it_works(auth0: Auth0, tenant: Tenant) -> None:
    assert await check(tenant) == f"Auth0 tenant {auth0.credentials['domain']}: connected."


async def test_checking_a_connection_says_which_permission_is_missing(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(scopes="read:users update:users")
    with pytest.raises(Reconnect, match="lacks delete:sessions, delete:refresh_tokens") as caught:
        await check(tenant)
    assert caught.value.missing_scope == "delete:sessions delete:refresh_tokens"


async def test_a_call_without_permission_names_the_permission(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(scopes="update:users")
    with pytest.raises(Reconnect) as caught:
        await users.get_user(tenant, SOMEBODY)
    assert caught.value.missing_scope
    assert "read:users" in caught.value.missing_scope.split()


async def test_a_wrong_secret_asks_for_reconnecting_and_is_not_shown(auth0: Auth0, wire: Wire) -> None:
    tenant = connect(auth0.settings(client_secret="a-wrong-secret"), wire)
    with pytest.raises(Reconnect, match="client id and secret") as caught:
        await check(tenant)
    assert "a-wrong-secret" not in f"{caught.value!r}{caught.value.__cause__!r}"


async def test_twenty_calls_at_once_share_one_token(auth0: Auth0, tenant: Tenant) -> None:
    await asyncio.gather(*(users.get_user(tenant, SOMEBODY) for _ in range(20)))
    assert await auth0.calls("/oauth/token") == ["POST /oauth/token"]


async def test_twenty_calls_with_a_token_that_has_just_ended_share_one_new_one(auth0: Auth0, tenant: Tenant) -> None:
    await users.get_user(tenant, SOMEBODY)
    await auth0.expire_tokens()
    found = await asyncio.gather(*(users.get_user(tenant, SOMEBODY) for _ in range(20)))
    assert len(found) == 20
    assert len(await auth0.calls("/oauth/token")) == 2


async def test_a_token_is_renewed_before_it_ends(wire: Wire, odd: Oddity) -> None:
    user = JSONResponse({"user_id": FIRST})
    short = JSONResponse({"access_token": "short", "expires_in": 0})
    long = JSONResponse({"access_token": "long", "expires_in": 86400})
    odd.answers = [short, user, long, user]
    tenant = connect(Settings.model_validate({"domain": odd.address, "client_id": "c", "client_secret": "s"}), wire)
    for _ in range(3):
        await users.get_user(tenant, SOMEBODY)
    sent = [request.headers.get("authorization") for request in odd.received]
    assert sent == [None, "Bearer short", None, "Bearer long", "Bearer long"]


async def test_a_rejected_token_is_replaced_once_and_then_given_up(wire: Wire, odd: Oddity) -> None:
    token = JSONResponse({"access_token": "always-the-same", "token_type": "Bearer"})
    no = JSONResponse({"statusCode": 401, "error": "Unauthorized", "message": "Invalid token"}, status_code=401)
    odd.answers = [token, no, token, no]
    tenant = connect(Settings.model_validate({"domain": odd.address, "client_id": "c", "client_secret": "s"}), wire)
    with pytest.raises(Reconnect, match="Invalid token") as caught:
        await users.get_user(tenant, SOMEBODY)
    assert [request.url.path for request in odd.received] == ["/oauth/token", f"/api/v2/users/{FIRST}"] * 2
    assert "always-the-same" not in repr(caught.value)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (PlainTextResponse("<html>", status_code=200), Reconnect),
        (JSONResponse({"access_token": ""}), Reconnect),
        (JSONResponse({"error": "access_denied"}, status_code=403), Reconnect),
        (JSONResponse({"error": "too_many"}, status_code=429, headers={"retry-after": "4"}), TryLater),
        (PlainTextResponse("busy", status_code=503), TryLater),
    ],
)
async def test_a_token_that_cannot_be_had_means_that_nothing_was_done(
    wire: Wire, odd: Oddity, answer: JSONResponse, expected: type[ConnectorError]
) -> None:
    odd.answers = [answer]
    tenant = connect(Settings.model_validate({"domain": odd.address, "client_id": "c", "client_secret": "s"}), wire)
    with pytest.raises(expected):
        await tenant.api.users.update(FIRST, blocked=True)
    assert len(odd.received) == 1


async def test_a_dropped_token_request_means_that_nothing_was_done(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.fault("POST /oauth/token", drop="before")
    with pytest.raises(TryLater):
        await tenant.api.users.update(FIRST, blocked=True)
    assert not (await auth0.user(FIRST))["blocked"]


async def test_a_missing_user_is_missing(tenant: Tenant) -> None:
    with pytest.raises(Missing, match=r"The user does not exist\.") as caught:
        await users.get_user(tenant, UserRef(user_id="auth0|nobody"))
    assert caught.value.code == "inexistent_user"


async def test_too_many_calls_are_told_when_to_come_back(auth0: Auth0, tenant: Tenant) -> None:
    body = {"statusCode": 429, "error": "Too Many Requests", "message": "Global limit has been reached"}
    await auth0.fault("GET /api/v2/users/*", status=429, headers={"retry-after": "2"}, body=body)
    with pytest.raises(TryLater) as caught:
        await users.get_user(tenant, SOMEBODY)
    assert caught.value.after == 2
    assert (await users.get_user(tenant, SOMEBODY)).user_id == FIRST


async def test_a_small_plan_is_called_no_faster_than_it_allows(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.change(rate_limit={"burst": 2, "per_second": 4})
    await users.get_user(tenant, SOMEBODY)
    await users.get_user(tenant, SOMEBODY)
    found = await asyncio.gather(*(users.get_user(tenant, SOMEBODY) for _ in range(3)))
    assert len(found) == 3


async def test_a_refusal_carries_the_words_of_the_tenant_without_its_tricks(auth0: Auth0, tenant: Tenant) -> None:
    body = {"statusCode": 400, "message": "Bad\x00\r\nnews \u202e" + "x" * 1000, "errorCode": "invalid_body"}
    await auth0.fault("PATCH /api/v2/users/*", status=400, body=body)
    with pytest.raises(Refused) as caught:
        await tenant.api.users.update(FIRST, blocked=True)
    assert caught.value.message.startswith("Auth0 refused (400): Bad news xxx")
    assert len(caught.value.message) < 400
    assert caught.value.code == "invalid_body"


@pytest.mark.parametrize("status", [409, 413, 414])
async def test_other_refusals_are_not_tried_again(auth0: Auth0, tenant: Tenant, status: int) -> None:
    await auth0.fault("PATCH /api/v2/users/*", status=status, body={"message": "No."})
    with pytest.raises(Refused):
        await tenant.api.users.update(FIRST, blocked=True)
    assert len(await auth0.calls("/api/v2/users")) == 1


async def test_trouble_is_to_be_tried_later_when_reading_and_looked_at_when_writing(
    auth0: Auth0, tenant: Tenant
) -> None:
    await auth0.fault("* /api/v2/users/*", times=2, status=500, body="<html>")
    with pytest.raises(TryLater):
        await users.get_user(tenant, SOMEBODY)
    with pytest.raises(Ambiguous):
        await tenant.api.users.update(FIRST, blocked=True)


@pytest.mark.parametrize(("drop", "blocked"), [("before", False), ("after", True)])
async def test_a_connection_dropped_during_a_change_is_ambiguous_and_can_be_looked_at(
    auth0: Auth0, tenant: Tenant, drop: str, blocked: bool
) -> None:
    await auth0.fault("PATCH /api/v2/users/*", drop=drop)
    with pytest.raises(Ambiguous):
        await tenant.api.users.update(FIRST, blocked=True)
    assert (await users.get_user(tenant, SOMEBODY)).blocked is blocked


async def test_a_connection_dropped_during_a_look_is_to_be_tried_later(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.fault("GET /api/v2/users/*", drop="after")
    with pytest.raises(TryLater):
        await users.get_user(tenant, SOMEBODY)


@pytest.mark.parametrize("body", ["<html>", [1, 2], {"user_id": {"deep": True}, "email": "customer.1@example.com"}])
async def test_an_answer_that_makes_no_sense_is_an_error_of_ours_without_its_content(
    auth0: Auth0, tenant: Tenant, body: object
) -> None:
    actions = catalog().actions
    await auth0.fault("* /api/v2/users/*", times=2, status=200, body=body)
    with pytest.raises(Refused, match="cannot be understood") as reading:
        await actions["auth0.get_user"].carry_out(tenant, SOMEBODY)
    with pytest.raises(Ambiguous, match="cannot be understood") as writing:
        await actions["auth0.set_app_metadata"].carry_out(
            tenant, metadata.AppMetadata(user_id=FIRST, app_metadata={"plan": "x"})
        )
    for error in (reading.value, writing.value):
        assert error.__cause__ is None
        assert error.__suppress_context__
        assert "customer.1" not in str(error)


async def test_secrets_and_tokens_stay_out_of_the_log(
    auth0: Auth0, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tenant = connect(auth0.settings(), wire)
    await users.get_user(tenant, SOMEBODY)
    token = await tenant.credentials.token()
    assert token not in caplog.text
    assert str(auth0.credentials["client_secret"]) not in caplog.text


async def test_a_tenant_that_is_not_there_has_done_nothing(wire: Wire) -> None:
    gone = Settings.model_validate({"domain": "127.0.0.1:9", "client_id": "c", "client_secret": "s"})
    with pytest.raises(TryLater, match="could not be reached") as caught:
        await check(connect(gone, wire))
    assert isinstance(caught.value.__cause__, httpx.ConnectError)
