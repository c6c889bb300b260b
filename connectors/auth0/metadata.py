"""What applications and people store about a person."""

from typing import Any

from pydantic import Field

from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.profiles import UserId, user_from
from connectors.base import Value


class AppMetadata(Value):
    """What to store about a person."""

    user_id: UserId
    app_metadata: dict[str, Any] = Field(
        min_length=1,
        title="App metadata",
        description="Names and values. Other names stay as they are; an empty value removes the name.",
    )


class AppMetadataSet(Value):
    """What is stored about a person now."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    app_metadata: dict[str, Any] = Field(title="App metadata", description="All of it, after the change.")


class UserMetadata(Value):
    """What to store for a person."""

    user_id: UserId
    user_metadata: dict[str, Any] = Field(
        min_length=1,
        title="User metadata",
        description="Names and values. Other names stay as they are; an empty value removes the name.",
    )


class UserMetadataSet(Value):
    """What is stored for a person now."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    user_metadata: dict[str, Any] = Field(title="User metadata", description="All of it, after the change.")


@auth0.action("Set app metadata", effect="changes", repeatable=True)
async def set_app_metadata(client: Tenant, given: AppMetadata) -> AppMetadataSet:
    """Store something about a person where your applications can read it. A value replaces the one before."""
    changed = await client.api.users.update(given.user_id, app_metadata=given.app_metadata)
    return AppMetadataSet(user_id=given.user_id, app_metadata=user_from(changed).app_metadata)


@auth0.action("Set user metadata", effect="changes", repeatable=True)
async def set_user_metadata(client: Tenant, given: UserMetadata) -> UserMetadataSet:
    """Store something that the person may also change, such as a language. A value replaces the one before."""
    changed = await client.api.users.update(given.user_id, user_metadata=given.user_metadata)
    return UserMetadataSet(user_id=given.user_id, user_metadata=user_from(changed).user_metadata)
