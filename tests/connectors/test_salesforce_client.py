"""The connection to a Salesforce org: settings, tokens, and what its errors mean."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError

from connectors.errors import Ambiguous, ConnectorError, Missing, Reconnect, Refused, TryLater
from connectors.salesforce.client import Settings, check
from tests.connectors.orgs import Stage, staged


@pytest.fixture
async def org() -> AsyncIterator[Stage]:
    async with staged() as stage:
        yield stage


def key() -> tuple[str, str]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return text.decode(), public.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "http://example.my.salesforce.com"},
        {"address": "login.salesforce.com"},
        {"address": "a b"},
        {"client_secret": None},
        {"kind": "JWT bearer"},
        {"kind": "JWT bearer", "username": "a@example.com", "private_key": "nonsense"},
        {"kind": "refresh token"},
        {"version": "45.0"},
        {"key_field": "a b"},
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any]) -> None:
    given = {"address": "example.my.salesforce.com", "client_id": "c", "client_secret": "hush-hush"}
    Settings.model_validate(given)
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(given | changes)
    assert "hush-hush" not in str(caught.value)


async def test_the_check_says_how_many_calls_are_left(org: Stage) -> None:
    assert "15000 of 15000 calls" in await check(org.client)


async def test_a_signed_assertion_gets_a_token_also_where_a_form_lost_the_lines_of_the_key(org: Stage) -> None:
    private, public = key()
    org.ways(public_key=public)
    for text in (private, private.replace("\n", " ")):
        org.connected(kind="JWT bearer", username="integration@example.com", private_key=text, client_secret=None)
        await check(org.client)
    org.ways(public_key=key()[1])
    org.connected(kind="JWT bearer", username="integration@example.com", private_key=private, client_secret=None)
    with pytest.raises(Reconnect):
        await check(org.client)


async def test_refresh_tokens_that_rotate_are_used_once_each(org: Stage) -> None:
    org.ways(rotates=True)
    org.connected(kind="refresh token", refresh_token=org.double.credentials("")["refresh_token"])
    for _ in range(3):
        await check(org.client)
        org.double.tokens.clear()
    assert org.double.tokens_given == 3


async def test_calls_at_once_share_one_token_also_when_it_has_ended(org: Stage) -> None:
    await asyncio.gather(*(check(org.client) for _ in range(20)))
    assert org.double.tokens_given == 1
    org.double.tokens.clear()
    await asyncio.gather(*(check(org.client) for _ in range(20)))
    assert org.double.tokens_given == 2


async def test_a_token_that_is_not_accepted_twice_is_not_renewed_for_ever(org: Stage) -> None:
    body = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    org.fault("GET */limits", times=2, status=401, body=body)
    with pytest.raises(Reconnect):
        await check(org.client)
    assert org.double.tokens_given == 2


@pytest.mark.parametrize("change", [{"client_secret": "wrong"}, {"client_id": "wrong"}])
async def test_wrong_credentials_ask_for_a_new_connection(org: Stage, change: dict[str, str]) -> None:
    org.connected(**change)
    with pytest.raises(Reconnect):
        await check(org.client)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", TryLater),
        (400, "UNABLE_TO_LOCK_ROW", TryLater),
        (403, "INSUFFICIENT_ACCESS_OR_READONLY", Refused),
        (403, "API_DISABLED_FOR_ORG", Reconnect),
        (404, "NOT_FOUND", Missing),
        (404, "ENTITY_IS_DELETED", Missing),
        (400, "INVALID_FIELD", Refused),
        (500, "UNKNOWN_EXCEPTION", Ambiguous),
        (503, "SERVER_UNAVAILABLE", Ambiguous),
        (414, "URI_TOO_LONG", Refused),
    ],
)
async def test_an_error_is_named_by_what_to_do(org: Stage, status: int, code: str, error: type[ConnectorError]) -> None:
    org.fault("DELETE *", status=status, body=[{"message": "No.", "errorCode": code}])
    (contact, *_) = org.double.records["Contact"]
    with pytest.raises(error):
        await org.do("delete_contact", id=contact)


async def test_the_calls_of_a_day_that_are_used_up_are_not_asked_for_again_and_again(org: Stage) -> None:
    org.ways(daily_limit=1)
    await check(org.client)
    for _ in range(5):
        with pytest.raises(TryLater) as caught:
            await check(org.client)
        assert caught.value.after is not None
        assert caught.value.after > 800
    assert len([each for each in org.double.calls if each["path"].endswith("/limits")]) == 2


async def test_a_page_of_maintenance_is_no_answer(org: Stage) -> None:
    org.fault("GET *", status=200, body="<html>Back soon</html>", headers={"content-type": "text/html"})
    with pytest.raises(Refused):
        await check(org.client)
