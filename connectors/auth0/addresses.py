"""Network addresses that Auth0 blocks because attacks came from them."""

from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, Field

from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.base import Value
from connectors.errors import Missing


def _one_address(text: str) -> str:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        raise ValueError("This is not a network address. It looks like 203.0.113.7 or 2001:db8::7.") from None


class AddressRef(Value):
    """Which network address is meant."""

    ip: Annotated[str, AfterValidator(_one_address)] = Field(
        max_length=60, title="Address", description="A single network address, such as 203.0.113.7."
    )


class AddressState(Value):
    """Whether a network address is blocked."""

    ip: str = Field(title="Address", description="The network address.")
    blocked: bool = Field(title="Blocked", description="Whether Auth0 blocks it because of suspicious requests.")


@auth0.action("Check a network address", effect="reads", repeatable=True)
async def check_address(client: Tenant, given: AddressRef) -> AddressState:
    """Tell whether Auth0 blocks a network address because of suspicious requests."""
    try:
        await client.api.anomaly.blocks.check_ip(given.ip)
    except Missing:
        return AddressState(ip=given.ip, blocked=False)
    return AddressState(ip=given.ip, blocked=True)


@auth0.action("Unblock a network address", effect="changes", repeatable=True)
async def unblock_address(client: Tenant, given: AddressRef) -> AddressState:
    """Let logins come from a network address again. One that is not blocked is no error."""
    await client.api.anomaly.blocks.unblock_ip(given.ip)
    return AddressState(ip=given.ip, blocked=False)
