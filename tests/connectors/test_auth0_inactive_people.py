"""One person who may be inactive, looked at right before something is done."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.auth0.client import Tenant
from connectors.auth0.inactive_people import Whether, check_inactive, delete_inactive_user
from connectors.errors import Refused
from tests.connectors.doubles import Auth0


def days_ago(days: float) -> str:
    moment = datetime.now(UTC) - timedelta(days=days)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def quiet(auth0: Auth0, **more: Any) -> str:
    profile = {"email": "quiet@example.com", "created_at": days_ago(900), "sessions": 0, "refresh_tokens": 0}
    return str((await auth0.add_user(**profile | more))["user_id"])


def since(user_id: str, days: float, confirm_with: str = "none") -> Whether:
    return Whether.model_validate({"user_id": user_id, "since": days_ago(days), "confirm_with": confirm_with})


@pytest.mark.parametrize(
    ("last_login", "more", "confirm_with", "expected"),
    [
        (800, {}, "none", (False, "last_login")),
        (800, {}, "sessions and refresh tokens", (False, "last_login")),
        (10, {}, "sessions", (True, "last_login")),
        (800, {"sessions": 1}, "none", (False, "last_login")),
        (800, {"sessions": 1}, "sessions and refresh tokens", (True, "session")),
        (800, {"refresh_tokens": 1}, "sessions and refresh tokens", (True, "refresh_token")),
        (None, {}, "sessions and refresh tokens", (False, "never")),
        (None, {"sessions": 1}, "sessions", (True, "session")),
    ],
)
async def test_whoever_was_there_since_is_not_deleted(
    auth0: Auth0, tenant: Tenant, last_login: float | None, more: Any, confirm_with: str, expected: tuple[bool, str]
) -> None:
    login = {} if last_login is None else {"last_login": days_ago(last_login)}
    user_id = await quiet(auth0, **more, **login)
    life = await check_inactive(tenant, since(user_id, 30, confirm_with))
    assert (life.exists, life.active, life.signal) == (True, *expected)
    assert life.email == "quiet@example.com"
    assert life.accounts == [f"Username-Password-Authentication: {user_id}"]
    done = await delete_inactive_user(tenant, since(user_id, 30, confirm_with))
    assert (done.active, done.deleted) == (life.active, not life.active)
    assert (await check_inactive(tenant, since(user_id, 30))).exists is life.active


async def test_who_is_gone_is_no_error(auth0: Auth0, tenant: Tenant) -> None:
    done = await delete_inactive_user(tenant, since("auth0|nobody", 30, "sessions"))
    assert (done.exists, done.deleted) == (False, False)
    assert [call for call in await auth0.calls() if call.startswith("DELETE")] == []


async def test_nobody_is_deleted_whose_sessions_cannot_be_seen(auth0: Auth0, tenant: Tenant) -> None:
    user_id = await quiet(auth0, last_login=days_ago(800))
    body = {"statusCode": 403, "message": "Not in your plan.", "errorCode": "insufficient_entitlement"}
    await auth0.fault("GET /api/v2/users/*/refresh-tokens", status=403, body=body)
    with pytest.raises(Refused, match="Nobody can be confirmed with refresh tokens here"):
        await delete_inactive_user(tenant, since(user_id, 30, "sessions and refresh tokens"))
    assert (await check_inactive(tenant, since(user_id, 30))).exists
