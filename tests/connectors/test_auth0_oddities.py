"""Whatever Auth0 answers, an action gives what it says it gives, or raises one of our errors."""

from contextlib import suppress
from typing import Any

import pytest
from pydantic import BaseModel
from starlette.responses import JSONResponse

from connectors.auth0.client import Settings, connect
from connectors.base import Summary
from connectors.catalog import catalog
from connectors.errors import ConnectorError
from connectors.wire import Wire
from tests.connectors.doubles import Oddity
from tests.connectors.test_auth0_ids import PLACES, filled

MORE: dict[str, dict[str, Any]] = {
    "find_users_by_email": {"email": "a@example.com"},
    "search_users": {},
    "create_user": {"connection": "c", "email": "a@example.com"},
    "list_brute_force_blocks_of": {"identifier": "a"},
    "remove_brute_force_blocks_of": {"identifier": "a"},
    "list_roles": {},
    "list_organizations": {},
    "create_enrolment_ticket": {"user_id": "a|1"},
    "create_password_ticket": {"user_id": "a|1"},
    "create_email_verification_ticket": {"user_id": "a|1"},
    "send_verification_email": {"user_id": "a|1"},
    "check_address": {"ip": "203.0.113.7"},
    "unblock_address": {"ip": "203.0.113.7"},
    "search_logs": {},
    "read_logs": {"after": "1", "limit": 300},
    "check_inactive": {"user_id": "a|1", "since": "2026-01-01T00:00:00Z"},
    "delete_inactive_user": {"user_id": "a|1", "since": "2026-01-01T00:00:00Z"},
    "require_stricter_login": {"user_id": "a|1", "until": "2026-01-01T00:00:00Z"},
    "lift_stricter_login": {"user_id": "a|1"},
    "count_log": {"until": "2026-01-01T00:00:00Z", "types": ["s"]},
    "count_sign_ups": {"until": "2026-01-01T00:00:00Z"},
    "call_read": {"path": "/api/v2/users"},
    "call_change": {"path": "/api/v2/users", "method": "POST"},
}
GIVEN = MORE | {name: filled(given, "auth0|1") for name, (given, _) in PLACES.items()}
LISTS = ("users", "sessions", "tokens", "roles", "permissions", "members", "organizations", "logs", "blocked_for")
ANSWERS: dict[str, Any] = {
    "nothing": None,
    "a list of nothing": [None],
    "a list of lists": [[1]],
    "an empty list": [],
    "an empty object": {},
    "a text": "text",
    "a number": 7,
    "lists that are none": dict.fromkeys(LISTS, 5),
    "lists of what is none": {name: [{}, None, 3] for name in LISTS},
    "nulls": dict.fromkeys(("user_id", "id", "type", "status", "ticket", "log_id", "identities", "device")),
    "wrong kinds": {
        "user_id": {"deep": True},
        "id": [1],
        "identities": {"a": 1},
        "ticket": 7,
        "log_id": {},
        "total": "many",
        "errors": 3,
        "details": [],
    },
    "people of wrong kinds": [{"user": 5, "errors": 5}, {"user": {}, "errors": [5]}, {"log_id": {}, "user_id": []}],
}


async def attempt(odd: Oddity, wire: Wire, name: str, answer: Any) -> None:
    """Carry out an action; what it gives is of the kind that it says, or an error of ours is raised."""
    odd.answers = [JSONResponse({"access_token": "t", "expires_in": 86400}), JSONResponse(answer)]
    settings = Settings.model_validate({"domain": odd.address, "client_id": "c", "client_secret": "s"})
    action = catalog().actions[f"auth0.{name}"]
    client, given = connect(settings, wire), action.given.model_validate(GIVEN[name])
    with suppress(ConnectorError):
        if action.way == "streams":
            async for item in action.carry_out(client, given):
                assert isinstance(item, (action.item or BaseModel, Summary))
        else:
            assert isinstance(await action.carry_out(client, given), action.gives)


@pytest.mark.parametrize("name", GIVEN)
async def test_an_odd_answer_is_read_or_is_an_error_of_ours(odd: Oddity, wire: Wire, name: str) -> None:
    for answer in ANSWERS.values():
        await attempt(odd, wire, name, answer)


def test_no_action_is_forgotten() -> None:
    every = {name.removeprefix("auth0.") for name in catalog().connectors["auth0"].actions}
    assert every - {*GIVEN} == {
        "describe_login",
        "export_users",
        "find_inactive_users",
        "count_inactive_users",
    }
