"""Blocks after too many wrong passwords, and blocks of network addresses."""

import pytest

from connectors.auth0.client import Tenant, connect
from connectors.errors import Missing
from connectors.wire import Wire
from tests.connectors.doing import FIRST, SECOND, do
from tests.connectors.doubles import Auth0, simulated

EMAIL = "customer.1@example.com"


async def locked(auth0: Auth0, user_id: str) -> None:
    (await auth0.control.post("/sandbox/blocks", params={"user_id": user_id})).raise_for_status()


async def test_blocks_are_listed_by_person_and_by_address(auth0: Auth0, tenant: Tenant) -> None:
    await locked(auth0, FIRST)
    of_person = await do(tenant, "list_brute_force_blocks", user_id=FIRST)
    of_address = await do(tenant, "list_brute_force_blocks_of", identifier=EMAIL)
    assert of_person.blocked is of_address.blocked is True
    assert [block.identifier for block in of_person.blocks] == [EMAIL]
    assert of_person.blocks == of_address.blocks
    assert of_person.blocks[0].ip


async def test_who_has_no_blocks_is_not_blocked(tenant: Tenant) -> None:
    assert (await do(tenant, "list_brute_force_blocks", user_id=FIRST)).blocked is False
    assert (await do(tenant, "list_brute_force_blocks_of", identifier="nobody@example.com")).blocks == []


@pytest.mark.parametrize(
    ("name", "given"),
    [("remove_brute_force_blocks", {"user_id": FIRST}), ("remove_brute_force_blocks_of", {"identifier": EMAIL})],
)
async def test_removed_blocks_are_gone_and_an_administrators_block_stays(
    auth0: Auth0, tenant: Tenant, name: str, given: dict[str, str]
) -> None:
    await locked(auth0, FIRST)
    await locked(auth0, SECOND)
    await do(tenant, "block_user", user_id=FIRST)
    assert "administrator" in (await do(tenant, name, **given)).note
    assert (await do(tenant, "list_brute_force_blocks", user_id=FIRST)).blocked is False
    assert (await do(tenant, "list_brute_force_blocks", user_id=SECOND)).blocked is True
    assert (await auth0.user(FIRST))["blocked"] is True


async def test_blocks_of_nobody_are_missing(tenant: Tenant) -> None:
    with pytest.raises(Missing):
        await do(tenant, "list_brute_force_blocks", user_id="auth0|nobody")


@pytest.mark.parametrize("identifier", ["o'brien+a@example.com", 'x" OR *', "+4930901820007", "a&identifier=b"])
async def test_an_identifier_is_sent_as_it_is(auth0: Auth0, tenant: Tenant, identifier: str) -> None:
    await do(tenant, "list_brute_force_blocks_of", identifier=identifier)
    calls = (await auth0.control.get("/sandbox/calls")).json()
    assert calls[-1]["query"] == {"identifier": identifier}


@pytest.mark.parametrize(("ip", "written"), [("203.0.113.7", "203.0.113.7"), ("2001:DB8:0::7", "2001:db8::7")])
async def test_a_network_address_is_checked_and_unblocked(wire: Wire, ip: str, written: str) -> None:
    # Not held against Auth0's document: it says "one of two formats", and formats are not looked at there.
    async with simulated() as auth0:
        tenant = connect(auth0.settings(), wire)
        auth0.double.blocked_ips.add(written)
        assert (await do(tenant, "check_address", ip=ip)).blocked is True
        done = await do(tenant, "unblock_address", ip=ip)
        assert (done.ip, done.blocked) == (written, False)
        assert (await do(tenant, "check_address", ip=ip)).blocked is False
        assert (await do(tenant, "unblock_address", ip=ip)).blocked is False
