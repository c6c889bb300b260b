"""What Auth0's risk assessment remembers of a person."""

from pydantic import Field

from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.profiles import UserId
from connectors.base import Value


class Assessed(Value):
    """Whose devices to forget."""

    user_id: UserId
    connection: str = Field(
        min_length=1, max_length=128, title="Connection", description="Auth0's name for the person's connection."
    )


class RiskCleared(Value):
    """Whose devices are forgotten."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    connection: str = Field(title="Connection", description="Auth0's name for the person's connection.")


@auth0.action("Clear the risk assessment of a user", effect="changes", repeatable=True)
async def clear_risk_assessment(client: Tenant, given: Assessed) -> RiskCleared:
    """Forget which devices a person has used: the next login is not held against them for a new device."""
    await client.api.users.risk_assessments.clear(given.user_id, connection=given.connection, assessors=["new-device"])
    return RiskCleared(user_id=given.user_id, connection=given.connection)
