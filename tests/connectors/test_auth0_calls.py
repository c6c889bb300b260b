"""Any call of the Management API, and none of anything else."""

import pytest
from pydantic import ValidationError

from connectors.auth0.client import Tenant
from connectors.catalog import catalog
from tests.connectors.doing import FIRST, SECOND, do
from tests.connectors.doubles import Auth0


async def test_any_call_can_be_made(auth0: Auth0, tenant: Tenant) -> None:
    read = await do(tenant, "call_read", path=f"/api/v2/users/{FIRST}", query={"fields": "name"})
    assert (read.status, read.body) == (200, {"name": "Customer 1"})
    written = await do(
        tenant,
        "call_change",
        method="PATCH",
        path="/api/v2/users/auth0%7C650000000000000000000001",
        body={"blocked": True},
    )
    assert written.body["blocked"] is True
    removed = await do(tenant, "call_change", method="DELETE", path=f"/api/v2/users/{SECOND}")
    assert (removed.status, removed.body) == (204, None)


@pytest.mark.parametrize(
    "path",
    [
        "/oauth/token",
        "/api/v2",
        "api/v2/users",
        "https://example.com/api/v2/users",
        "//example.com/api/v2/users",
        "/api/v2/../../oauth/token",
        "/api/v2/%2e%2e/%2e%2e/oauth/token",
        "/api/v2/%252e%252e/oauth/token",
        "/api/v2/users/auth0%7C..%2F..%2Fclients",
        "/api/v2/..%5coauth",
        "/api/v2/./users",
        "/api/v2//users",
        "/api/v2/users?q=x",
        "/api/v2/users#x",
        "/api/v2/users\\..",
        "/api/v2/users\r\nx: y",
        "/api/v2/us%0d%0aers",
        "/api/v2/us ers",
    ],
)
def test_a_call_that_leads_out_of_the_management_api_is_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        catalog().actions["auth0.call_read"].given.model_validate({"path": path})


async def test_what_only_reads_cannot_do_anything_else(auth0: Auth0, tenant: Tenant) -> None:
    with pytest.raises(ValidationError):
        await do(tenant, "call_read", method="DELETE", path=f"/api/v2/users/{FIRST}")
    assert await auth0.calls("/api") == []


async def test_words_for_yes_and_no_in_a_query_are_those_of_the_service(tenant: Tenant) -> None:
    listed = await do(tenant, "call_read", path="/api/v2/users", query={"include_totals": True, "per_page": 1})
    assert listed.body["length"] == 1


async def test_an_id_in_a_path_may_hold_what_is_escaped(auth0: Auth0, tenant: Tenant) -> None:
    await do(tenant, "call_change", method="DELETE", path="/api/v2/users/auth0%7Ca%3Fb%23c")
    assert await auth0.calls("/api") == ["DELETE /api/v2/users/auth0|a?b#c"]
