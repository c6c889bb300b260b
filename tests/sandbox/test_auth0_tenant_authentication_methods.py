"""Second factors, tickets and attack protection of the simulated tenant, before the official client."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from auth0.management.core.api_error import ApiError
from auth0.management.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError

from tests.sandbox.auth0_tenancy import CUSTOMER, DATABASE, OTHER, PHONE, SOCIAL, Tenancy, tenancy

ADDRESS = "203.0.113.99"
METHODS = f"/users/{CUSTOMER}/authentication-methods"


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        yield found


async def phone(tenant: Tenancy, number: str = "+4930901820099", **more: Any) -> str:
    method = await tenant.sdk.users.authentication_methods.create(CUSTOMER, type="phone", phone_number=number, **more)
    return str(method.id)


async def types(tenant: Tenancy) -> list[str]:
    return [one.type async for one in await tenant.sdk.users.authentication_methods.list(CUSTOMER)]


async def test_a_phone_is_enrolled_looked_at_changed_and_taken_away(tenant: Tenancy) -> None:
    methods = tenant.sdk.users.authentication_methods
    phone_id = await phone(tenant, name="work")
    found = await methods.get(CUSTOMER, phone_id)
    assert (found.confirmed, found.phone_number, found.preferred_authentication_method) == (
        True,
        "+4930901820099",
        "sms",
    )
    changed = await methods.update(CUSTOMER, phone_id, preferred_authentication_method="voice")
    assert changed.authentication_methods is not None
    assert [one.type for one in changed.authentication_methods] == ["voice"]
    await methods.delete(CUSTOMER, phone_id)
    with pytest.raises(NotFoundError):
        await methods.get(CUSTOMER, phone_id)


async def test_a_method_is_enrolled_once(tenant: Tenancy) -> None:
    await phone(tenant)
    with pytest.raises(ConflictError):
        await phone(tenant)


async def test_a_secret_is_taken_and_never_shown(tenant: Tenancy) -> None:
    await tenant.api("POST", METHODS, json={"type": "totp", "totp_secret": "JBSWY3DPEHPK3PXP"})
    assert "JBSWY" not in (await tenant.api("GET", METHODS)).text
    assert "JBSWY" not in str(await tenant.control("GET", "calls"))


@pytest.mark.parametrize(
    "given",
    [
        {"type": "phone"},
        {"type": "email"},
        {"type": "totp", "totp_secret": "not base32!"},
        {"type": "phone", "phone_number": "0301234"},
        {"type": "recovery-code"},
        {"type": "email", "email": "a@example.com", "colour": "red"},
        {},
    ],
)
async def test_a_method_that_cannot_be_is_refused(tenant: Tenancy, given: dict[str, str]) -> None:
    assert (await tenant.api("POST", METHODS, json=given)).status_code == 400


async def test_all_methods_are_replaced_and_all_are_deleted(tenant: Tenancy) -> None:
    await phone(tenant)
    replaced = await tenant.sdk.users.authentication_methods.set(
        CUSTOMER,
        request=[{"type": "email", "email": "second@example.com"}, {"type": "totp", "totp_secret": "JBSWY3DPEHPK3PXP"}],
    )
    assert [one.type for one in replaced] == ["email", "totp"]
    assert await types(tenant) == ["email", "totp"]
    await tenant.sdk.users.authentication_methods.delete_all(CUSTOMER)
    assert await types(tenant) == []


async def test_guardian_knows_the_enrolments_too(tenant: Tenancy) -> None:
    phone_id = await phone(tenant)
    await tenant.api("POST", METHODS, json={"type": "email", "email": "second@example.com"})
    (enrolment,) = await tenant.sdk.users.enrollments.get(CUSTOMER)
    assert (enrolment.auth_method, enrolment.status) == ("sms", "confirmed")
    assert phone_id == f"phone|{enrolment.id}"
    assert enrolment.id is not None
    assert (await tenant.sdk.guardian.enrollments.get(enrolment.id)).phone_number == "+4930901820099"
    await tenant.sdk.guardian.enrollments.delete(enrolment.id)
    assert await types(tenant) == ["email"]


async def test_an_enrolment_ticket_is_made_and_sent(tenant: Tenancy) -> None:
    ticket = await tenant.sdk.guardian.enrollments.create_ticket(user_id=CUSTOMER, send_mail=True)
    (mail,) = await tenant.control("GET", "mails")
    assert (mail["kind"], mail["to"], mail["url"]) == ("enrollment", "customer.1@example.com", ticket.ticket_url)
    with pytest.raises(BadRequestError):
        await tenant.sdk.guardian.enrollments.create_ticket(user_id=PHONE, send_mail=True)
    with pytest.raises(NotFoundError):
        await tenant.sdk.guardian.enrollments.create_ticket(user_id="auth0|nobody")


async def test_browsers_are_forgotten_and_a_provider_is_taken_away(tenant: Tenancy) -> None:
    await tenant.sdk.users.multifactor.invalidate_remember_browser(CUSTOMER)
    await tenant.api("POST", METHODS, json={"type": "totp", "totp_secret": "JBSWY3DPEHPK3PXP"})
    await tenant.sdk.users.multifactor.delete_provider(CUSTOMER, "google-authenticator")
    assert await types(tenant) == []
    with pytest.raises(BadRequestError):
        await tenant.sdk.users.multifactor.delete_provider(CUSTOMER, "somebody-else")


@pytest.mark.parametrize(
    "given", [{"user_id": CUSTOMER}, {"email": "Customer.1@example.com", "connection_id": DATABASE, "ttl_sec": 60}]
)
async def test_a_ticket_for_a_new_password_is_made(tenant: Tenancy, given: dict[str, Any]) -> None:
    ticket = await tenant.sdk.tickets.change_password(**given)
    assert ticket.ticket.startswith(f"{tenant.address}/lo/reset?ticket=")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 400),
        ({"email": "customer.1@example.com"}, 400),
        ({"user_id": CUSTOMER, "email": "customer.1@example.com"}, 400),
        ({"user_id": SOCIAL}, 400),
        ({"user_id": "auth0|nobody"}, 404),
        ({"user_id": CUSTOMER, "client_id": "nobody"}, 404),
        ({"email": "nobody@example.com", "connection_id": DATABASE}, 404),
    ],
)
async def test_a_ticket_for_nobody_is_refused(tenant: Tenancy, given: dict[str, str], status: int) -> None:
    assert (await tenant.api("POST", "/tickets/password-change", json=given)).status_code == status


async def test_an_address_is_verified_by_a_ticket_or_by_mail(tenant: Tenancy) -> None:
    ticket = await tenant.sdk.tickets.verify_email(user_id=OTHER)
    assert "/u/email-verification?ticket=" in ticket.ticket
    job = await tenant.sdk.jobs.verification_email.create(user_id=OTHER)
    assert (await tenant.sdk.jobs.get(job.id)).type == "verification_email"
    (mail,) = await tenant.control("GET", "mails")
    assert (mail["kind"], mail["user_id"]) == ("email-verification", OTHER)
    with pytest.raises(ApiError, match="does not have an email address"):
        await tenant.sdk.jobs.verification_email.create(user_id=PHONE)


async def test_a_blocked_address_is_seen_and_unblocked(tenant: Tenancy) -> None:
    blocks = tenant.sdk.anomaly.blocks
    with pytest.raises(NotFoundError):
        await blocks.check_ip(ADDRESS)
    assert await tenant.control("PUT", "blocked-addresses", [ADDRESS, "2001:db8::1"]) == ["2001:db8::1", ADDRESS]
    await blocks.check_ip(ADDRESS)
    await blocks.check_ip("2001:0db8:0::1")
    await blocks.unblock_ip(ADDRESS)
    with pytest.raises(NotFoundError):
        await blocks.check_ip(ADDRESS)
    with pytest.raises(BadRequestError):
        await blocks.check_ip("somewhere")


async def test_throttling_and_risk_settings_are_shown_and_changed(tenant: Tenancy) -> None:
    throttling = tenant.sdk.attack_protection.suspicious_ip_throttling
    changed = await throttling.update(allowlist=[ADDRESS], stage={"pre-login": {"max_attempts": 5}})
    assert changed.stage is not None
    assert changed.stage.pre_login is not None
    assert (changed.allowlist, changed.stage.pre_login.max_attempts) == ([ADDRESS], 5)
    assert (await throttling.get()).enabled is True
    risk = tenant.sdk.risk_assessments.settings
    assert (await risk.update(enabled=False)).enabled is False
    assert (await risk.new_device.update(remember_for=7)).remember_for == 7
    with pytest.raises(BadRequestError):
        await risk.new_device.update(remember_for=0)


@pytest.mark.parametrize("plan", ["free", "essentials", "professional"])
async def test_what_the_plan_does_not_include_is_refused(tenant: Tenancy, plan: str) -> None:
    session = (await tenant.user(CUSTOMER))["sessions"][0]["id"]
    await tenant.control("PUT", "settings", {"plan": plan})
    for asked in (
        tenant.sdk.users.sessions.list(CUSTOMER),
        tenant.sdk.sessions.revoke(session),
        tenant.sdk.users.refresh_token.list(CUSTOMER),
        tenant.sdk.risk_assessments.settings.get(),
        tenant.sdk.users.risk_assessments.clear(CUSTOMER, connection="google-oauth2", assessors=["new-device"]),
    ):
        with pytest.raises(ForbiddenError, match="insufficient_entitlement"):
            await asked
    await tenant.sdk.users.revoke_access(CUSTOMER)
    assert (await tenant.user(CUSTOMER))["sessions"] == []


async def test_an_enterprise_has_it_all(tenant: Tenancy) -> None:
    assert (await tenant.control("PUT", "settings", {"plan": "enterprise"}))["plan"] == "enterprise"
    assert len([one async for one in await tenant.sdk.users.sessions.list(CUSTOMER)]) == 2
    assert (await tenant.http.put("/sandbox/settings", json={"plan": "gold"})).status_code == 400
