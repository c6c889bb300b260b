"""What is chosen from a tenant: connections, roles, organizations and applications."""

from collections.abc import Sequence

from connectors.auth0.answers import PAGE, listed
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.menus import MOST, Choice, Sought, ordered


@auth0.menu("Roles", searched=True)
async def roles(client: Tenant, sought: Sought) -> Sequence[Choice]:
    """Look for roles by a part of their name, or by their id."""
    text = sought.text.strip()
    by_name = None if text.startswith("rol_") else text or None
    found, _ = await listed(lambda page: client.api.roles.list(page=page, per_page=PAGE, name_filter=by_name))
    return ordered(Choice(value=each.id, label=each.name or each.id) for each in found if each.id)


@auth0.menu("Organizations")
async def organizations(client: Tenant, sought: Sought) -> Sequence[Choice]:  # noqa: ARG001 - Auth0 does not look for parts
    """List the organizations."""
    choices: list[Choice] = []
    async for each in await client.api.organizations.list(take=PAGE):
        if each.id:
            choices.append(Choice(value=each.id, label=each.display_name or each.name or each.id))
        if len(choices) >= MOST:
            break
    return ordered(choices)


@auth0.menu("Connections")
async def connections(client: Tenant, sought: Sought) -> Sequence[Choice]:  # noqa: ARG001 - there are few
    """List the connections with which people sign in, by the names that events and actions know them by."""
    choices: list[Choice] = []
    async for each in await client.api.connections.list(take=PAGE, fields="id,name,strategy"):
        if each.name:
            choices.append(Choice(value=each.name, label=f"{each.name} ({each.strategy})"))
        if len(choices) >= MOST:
            break
    return ordered(choices)


@auth0.menu("Applications")
async def applications(client: Tenant, sought: Sought) -> Sequence[Choice]:  # noqa: ARG001 - there are few
    """List the applications, by their client ids."""
    found, _ = await listed(
        lambda page: client.api.clients.list(page=page, per_page=PAGE, is_global=False, fields="client_id,name")
    )
    return ordered(Choice(value=each.client_id, label=each.name or each.client_id) for each in found if each.client_id)
