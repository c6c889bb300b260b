"""Second factors and passkeys: listed, taken away, asked for anew."""

import pytest

from connectors.auth0.client import Tenant
from connectors.errors import Missing
from tests.connectors.doing import FIRST, do
from tests.connectors.doubles import Auth0

METHODS = f"/api/v2/users/{FIRST}/authentication-methods"
PHONE = {"type": "phone", "phone_number": "+4930901820001", "name": "Mine"}
CODES = {"type": "totp", "totp_secret": "JBSWY3DPEHPK3PXP"}


async def enrolled(tenant: Tenant) -> None:
    for body in (PHONE, CODES):
        await do(tenant, "call_change", method="POST", path=METHODS, body=body)


async def test_authentication_methods_are_listed_without_secrets(tenant: Tenant) -> None:
    await enrolled(tenant)
    found = await do(tenant, "list_authentication_methods", user_id=FIRST)
    assert (found.types, found.count) == (["phone", "totp"], 2)
    assert (found.methods[0].phone_number, found.methods[0].name) == ("+4930901820001", "Mine")
    assert "JBSWY3" not in found.model_dump_json()


async def test_one_method_is_taken_away_and_doing_it_again_is_fine(tenant: Tenant) -> None:
    await enrolled(tenant)
    phone, codes = (await do(tenant, "list_authentication_methods", user_id=FIRST)).methods
    first = await do(tenant, "delete_authentication_method", user_id=FIRST, method_id=phone.id)
    again = await do(tenant, "delete_authentication_method", user_id=FIRST, method_id=phone.id)
    assert (first.existed, again.existed) == (True, False)
    left = (await do(tenant, "list_authentication_methods", user_id=FIRST)).methods
    assert [each.id for each in left] == [codes.id]


async def test_all_methods_are_taken_away(tenant: Tenant) -> None:
    await enrolled(tenant)
    await do(tenant, "delete_authentication_methods", user_id=FIRST)
    assert (await do(tenant, "list_authentication_methods", user_id=FIRST)).count == 0


@pytest.mark.parametrize("name", ["list_authentication_methods", "forget_browsers"])
async def test_methods_of_nobody_are_missing(tenant: Tenant, name: str) -> None:
    with pytest.raises(Missing):
        await do(tenant, name, user_id="auth0|nobody")


async def test_a_method_of_nobody_is_missing(tenant: Tenant) -> None:
    with pytest.raises(Missing):
        await do(tenant, "delete_authentication_method", user_id="auth0|nobody", method_id="phone|dev_1")


async def test_a_person_is_invited_to_set_up_a_second_factor(auth0: Auth0, tenant: Tenant) -> None:
    quiet = await do(tenant, "create_enrolment_ticket", user_id=FIRST, send_mail=False)
    assert quiet.ticket_url.startswith("http")
    assert (await auth0.control.get("/sandbox/mails")).json() == []
    await do(tenant, "create_enrolment_ticket", user_id=FIRST, factor="otp")
    (mail,) = (await auth0.control.get("/sandbox/mails")).json()
    assert (mail["to"], mail["user_id"]) == ("customer.1@example.com", FIRST)


async def test_nobody_is_invited_who_is_not_there(tenant: Tenant) -> None:
    with pytest.raises(Missing):
        await do(tenant, "create_enrolment_ticket", user_id="auth0|nobody")


async def test_remembered_browsers_are_forgotten(auth0: Auth0, tenant: Tenant) -> None:
    await do(tenant, "forget_browsers", user_id=FIRST)
    place = f"/api/v2/users/{FIRST}/multifactor/actions/invalidate-remember-browser"
    assert await auth0.calls("/api") == [f"POST {place}"]


async def test_a_provider_of_second_factors_is_taken_away(auth0: Auth0, tenant: Tenant) -> None:
    done = await do(tenant, "delete_multifactor_provider", user_id=FIRST, provider="duo")
    assert (done.user_id, done.provider) == (FIRST, "duo")
    assert await auth0.calls("/api") == [f"DELETE /api/v2/users/{FIRST}/multifactor/duo"]
