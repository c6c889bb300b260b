"""Pages for new passwords and for verifying addresses, e-mails, and what the risk assessment remembers."""

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.auth0.client import Tenant
from connectors.errors import Missing
from tests.connectors.doing import FIRST, do
from tests.connectors.doubles import Auth0

APPLICATION = "sandboxCustomerApplication00001C"


async def sent(auth0: Auth0) -> Any:
    calls = (await auth0.control.get("/sandbox/calls")).json()
    return calls[-1]["body"]


async def test_a_password_ticket_is_a_page_that_nobody_is_sent(auth0: Auth0, tenant: Tenant) -> None:
    done = await do(tenant, "create_password_ticket", user_id=FIRST, seconds=3600, client_id=APPLICATION)
    assert done.ticket.startswith("http")
    assert await sent(auth0) == {
        "user_id": FIRST,
        "ttl_sec": 3600,
        "client_id": APPLICATION,
        "mark_email_as_verified": False,
    }
    assert (await auth0.control.get("/sandbox/mails")).json() == []


async def test_a_verification_ticket_is_a_page_too(auth0: Auth0, tenant: Tenant) -> None:
    page = "https://app.example.com/welcome?a=b"
    done = await do(tenant, "create_email_verification_ticket", user_id=FIRST, result_url=page)
    assert done.ticket.startswith("http")
    assert await sent(auth0) == {"user_id": FIRST, "result_url": page}


async def test_a_verification_e_mail_is_sent_by_auth0(auth0: Auth0, tenant: Tenant) -> None:
    done = await do(tenant, "send_verification_email", user_id=FIRST)
    assert done.id.startswith("job_")
    assert (await do(tenant, "get_job", job_id=done.id)).type == "verification_email"
    (mail,) = (await auth0.control.get("/sandbox/mails")).json()
    assert mail["user_id"] == FIRST


@pytest.mark.parametrize("name", ["create_password_ticket", "create_email_verification_ticket"])
async def test_a_ticket_for_nobody_is_missing(tenant: Tenant, name: str) -> None:
    with pytest.raises(Missing):
        await do(tenant, name, user_id="auth0|nobody")


@pytest.mark.parametrize("page", ["javascript:alert(1)", "app.example.com", "https://a b"])
async def test_a_page_afterwards_is_an_address(tenant: Tenant, page: str) -> None:
    with pytest.raises(ValidationError):
        await do(tenant, "create_password_ticket", user_id=FIRST, result_url=page)


async def test_known_devices_are_forgotten(auth0: Auth0, tenant: Tenant) -> None:
    assert auth0.double.accounts[FIRST].user_agents
    await do(tenant, "clear_risk_assessment", user_id=FIRST, connection="Username-Password-Authentication")
    assert not auth0.double.accounts[FIRST].user_agents
    assert await sent(auth0) == {"connection": "Username-Password-Authentication", "assessors": ["new-device"]}
