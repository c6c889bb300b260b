"""Ids lead nowhere but to the thing they name, whatever is in them: each is one part of an address."""

from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import ValidationError

from connectors.auth0.client import Tenant
from connectors.catalog import catalog
from connectors.errors import ConnectorError
from tests.connectors.doing import AWKWARD_IDS
from tests.connectors.doubles import Auth0

ID = "{id}"
USER = {"user_id": ID}
ORGANIZATION = {"organization_id": ID}
ROLES = {"roles": ["rol_Customer00000001"]}
PERMISSIONS = {"permissions": [{"api": "https://api.example.com/", "name": "read:orders"}]}
PLACES: dict[str, tuple[dict[str, Any], str]] = {
    "get_user": (USER, "GET /users/{id}"),
    "update_user": (USER | {"name": "N"}, "PATCH /users/{id}"),
    "set_app_metadata": (USER | {"app_metadata": {"a": 1}}, "PATCH /users/{id}"),
    "set_user_metadata": (USER | {"user_metadata": {"a": 1}}, "PATCH /users/{id}"),
    "delete_user": (USER, "GET /users/{id}"),
    "block_user": (USER, "PATCH /users/{id}"),
    "unblock_user": (USER, "PATCH /users/{id}"),
    "lock_out_user": (USER, "PATCH /users/{id}"),
    "revoke_access": (USER, "GET /users/{id}"),
    "list_brute_force_blocks": (USER, "GET /user-blocks/{id}"),
    "remove_brute_force_blocks": (USER, "DELETE /user-blocks/{id}"),
    "list_sessions": (USER, "GET /users/{id}/sessions"),
    "end_session": ({"session_id": ID}, "POST /sessions/{id}/revoke"),
    "end_sessions": (USER, "DELETE /users/{id}/sessions"),
    "list_refresh_tokens": (USER, "GET /users/{id}/refresh-tokens"),
    "revoke_refresh_token": ({"refresh_token_id": ID}, "DELETE /refresh-tokens/{id}"),
    "revoke_refresh_tokens": (USER, "DELETE /users/{id}/refresh-tokens"),
    "find_link_candidates": (USER, "GET /users/{id}"),
    "link_users": (USER | {"other_id": "auth0|650000000000000000000001"}, "GET /users/{id}"),
    "unlink_users": (USER | {"other_id": "auth0|650000000000000000000001"}, "GET /users/{id}"),
    "list_user_roles": (USER, "GET /users/{id}/roles"),
    "assign_roles": (USER | ROLES, "POST /users/{id}/roles"),
    "remove_roles": (USER | ROLES, "DELETE /users/{id}/roles"),
    "list_user_permissions": (USER, "GET /users/{id}/permissions"),
    "add_permissions": (USER | PERMISSIONS, "POST /users/{id}/permissions"),
    "remove_permissions": (USER | PERMISSIONS, "DELETE /users/{id}/permissions"),
    "get_organization": (ORGANIZATION, "GET /organizations/{id}"),
    "list_user_organizations": (USER, "GET /users/{id}/organizations"),
    "list_organization_members": (ORGANIZATION, "GET /organizations/{id}/members"),
    "add_organization_members": (ORGANIZATION | {"user_ids": [ID]}, "POST /organizations/{id}/members"),
    "remove_organization_members": (ORGANIZATION | {"user_ids": [ID]}, "DELETE /organizations/{id}/members"),
    "list_member_roles": (ORGANIZATION | USER, "GET /organizations/{id}/members/{id}/roles"),
    "assign_member_roles": (ORGANIZATION | USER | ROLES, "POST /organizations/{id}/members/{id}/roles"),
    "remove_member_roles": (ORGANIZATION | USER | ROLES, "DELETE /organizations/{id}/members/{id}/roles"),
    "list_authentication_methods": (USER, "GET /users/{id}/authentication-methods"),
    "delete_authentication_method": (
        USER | {"method_id": ID},
        "DELETE /users/{id}/authentication-methods/{id}",
    ),
    "delete_authentication_methods": (USER, "DELETE /users/{id}/authentication-methods"),
    "forget_browsers": (USER, "POST /users/{id}/multifactor/actions/invalidate-remember-browser"),
    "delete_multifactor_provider": (USER | {"provider": "duo"}, "DELETE /users/{id}/multifactor/duo"),
    "clear_risk_assessment": (USER | {"connection": "c"}, "POST /users/{id}/risk-assessments/clear"),
    "get_job": ({"job_id": ID}, "GET /jobs/{id}"),
    "list_job_errors": ({"job_id": ID}, "GET /jobs/{id}/errors"),
    "get_log": ({"log_id": ID}, "GET /logs/{id}"),
}


def filled(value: Any, text: str) -> Any:
    """Put an id wherever one belongs."""
    match value:
        case str():
            return value.replace(ID, text)
        case dict():
            return {name: filled(one, text) for name, one in value.items()}
        case list():
            return [filled(one, text) for one in value]
        case _:
            return value


async def attempt(tenant: Tenant, name: str, given: dict[str, Any]) -> None:
    """Carry out an action, whether it goes well or not."""
    action = catalog().actions[f"auth0.{name}"]
    model = action.given.model_validate(given)
    with suppress(ConnectorError):
        if action.way == "streams":
            async for _ in action.carry_out(tenant, model):
                pass
        else:
            await action.carry_out(tenant, model)


@pytest.mark.parametrize("name", PLACES)
async def test_an_id_is_one_part_of_the_address_whatever_is_in_it(auth0: Auth0, tenant: Tenant, name: str) -> None:
    given, place = PLACES[name]
    verb, _, path = place.partition(" ")
    for each in AWKWARD_IDS:
        await attempt(tenant, name, filled(given, each))
        calls = (await auth0.control.get("/sandbox/calls")).json()
        assert f"{verb} /api/v2{filled(path, quote(each, safe=''))}" in [
            f"{call['verb']} {call['raw']}" for call in calls
        ]
        # What the tenant says of a place that is not there; of things that are not there it says more.
        assert "Not Found" not in [call["error"] for call in calls]


@pytest.mark.parametrize("bad", ["", ".", "..", "auth0|\n", "auth0|\x00", "x" * 256])
@pytest.mark.parametrize("name", PLACES)
def test_what_cannot_be_an_id_is_refused_before_anything_is_sent(name: str, bad: str) -> None:
    with pytest.raises(ValidationError):
        catalog().actions[f"auth0.{name}"].given.model_validate(filled(PLACES[name][0], bad))


@pytest.mark.parametrize("ip", ["203.0.113.7/../x", "203.0.113.0/24", "..", "", "%2e%2e", "localhost", "1.2.3"])
@pytest.mark.parametrize("name", ["check_address", "unblock_address"])
def test_what_is_not_a_network_address_is_refused_before_anything_is_sent(name: str, ip: str) -> None:
    with pytest.raises(ValidationError):
        catalog().actions[f"auth0.{name}"].given.model_validate({"ip": ip})
