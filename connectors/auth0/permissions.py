"""Permissions that are given to a person directly, besides those of their roles."""

from collections.abc import Sequence

from auth0.management.types import PermissionRequestPayload
from pydantic import Field

from connectors.auth0.answers import PAGE, listed
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.profiles import UserId, UserRef
from connectors.base import Value


class Permission(Value):
    """Something that an API allows."""

    api: str = Field(
        min_length=1,
        max_length=600,
        title="API",
        description="The identifier (audience) of the API, as in the Dashboard.",
    )
    name: str = Field(min_length=1, max_length=280, title="Permission", description="Such as read:orders.")


class Held(Permission):
    """A permission that a person has."""

    description: str | None = Field(default=None, title="Description", description="What it is for.")
    direct: bool = Field(title="Direct", description="Whether the person has it themselves.")
    by_roles: list[str] = Field(title="By roles", description="The names of the roles that give it.")


class Permissions(Value):
    """What a person may do."""

    permissions: list[Held] = Field(title="Permissions", description="Each permission, at most 1,000.")
    complete: bool = Field(title="Complete", description="False when there are more than could be listed.")


class UserPermissions(Value):
    """A person, and permissions."""

    user_id: UserId
    permissions: list[Permission] = Field(
        min_length=1, max_length=100, title="Permissions", description="Each with its API and its name."
    )


class PermissionsChanged(Value):
    """Whose permissions were changed."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    permissions: list[Permission] = Field(title="Permissions", description="Each with its API and its name.")


def _how_many(given: UserPermissions) -> int:
    return len(given.permissions)


@auth0.action("List the permissions of a user", effect="reads", repeatable=True)
async def list_user_permissions(client: Tenant, given: UserRef) -> Permissions:
    """List what a person may do, and whether they have it themselves or by a role."""
    found, complete = await listed(
        lambda page: client.api.users.permissions.list(given.user_id, page=page, per_page=PAGE)
    )
    return Permissions(permissions=[_held(each.model_dump(mode="json")) for each in found], complete=complete)


@auth0.action("Add permissions", effect="changes", undo="remove_permissions", repeatable=True, counts=_how_many)
async def add_permissions(client: Tenant, given: UserPermissions) -> PermissionsChanged:
    """Give a person permissions directly."""
    await client.api.users.permissions.create(given.user_id, permissions=_named(given.permissions))
    return PermissionsChanged(user_id=given.user_id, permissions=given.permissions)


@auth0.action("Remove permissions", effect="changes", undo="add_permissions", repeatable=True, counts=_how_many)
async def remove_permissions(client: Tenant, given: UserPermissions) -> PermissionsChanged:
    """Take permissions from a person that they have directly. Those of their roles stay."""
    await client.api.users.permissions.delete(given.user_id, permissions=_named(given.permissions))
    return PermissionsChanged(user_id=given.user_id, permissions=given.permissions)


def _named(permissions: Sequence[Permission]) -> list[PermissionRequestPayload]:
    return [
        PermissionRequestPayload(resource_server_identifier=each.api, permission_name=each.name) for each in permissions
    ]


def _held(data: dict[str, object]) -> Held:
    sources = data.get("sources")
    given = [each for each in sources if isinstance(each, dict)] if isinstance(sources, list) else []
    return Held(
        api=str(data.get("resource_server_identifier") or "?"),
        name=str(data.get("permission_name") or "?"),
        description=str(data["description"]) if data.get("description") else None,
        direct=not given or any(each.get("source_type") == "DIRECT" for each in given),
        by_roles=[
            str(each.get("source_name") or each.get("source_id")) for each in given if each.get("source_type") == "ROLE"
        ],
    )
