"""Stricter logins: what our Auth0 Action asks of a person at their next logins, whether it reaches us then or not."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.multifactor import Factor
from connectors.auth0.profiles import UserId, user_from
from connectors.base import Value

MFA: Final = "cicflow_require_mfa"
"""The name in the app metadata under which our Auth0 Action finds that a second factor is wanted."""
CHOICE: Final = "cicflow_new_password"
"""The name under which it finds that the password must be a new one."""


def _time(value: str) -> str:
    """Return a time as JavaScript reads it in every place: with its zone."""
    found = datetime.fromisoformat(value)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()


Time = Annotated[str, AfterValidator(_time)]


class Stricter(Value):
    """What is asked of a person, and until when."""

    user_id: UserId
    until: Time = Field(title="Until", description="When it ends by itself: ISO 8601, such as 2026-01-31T09:00:00Z.")
    second_factor: bool = Field(
        default=True, title="Second factor", description="Whether every login needs a second factor."
    )
    factors: list[Factor] = Field(
        default=[], title="Factors", description="Which ones are good enough; empty for any that the tenant has."
    )
    new_password_since: Time | None = Field(
        default=None,
        title="New password since",
        description="No login with a password that is older than this. Empty: the password stays as it is. Who signs in "
        "without a password of the tenant's own, as with Google, is not concerned.",
    )


class Required(Value):
    """What is asked of a person now."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    until: str = Field(title="Until", description="When it ends by itself.")


class Lifting(Value):
    """From whom to take it."""

    user_id: UserId
    until: Time | None = Field(
        default=None,
        title="Only until",
        description="Only what ends at this time: what somebody has prolonged meanwhile stays. Empty: all of it.",
    )


class Lifted(Value):
    """Whether something was taken back."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    lifted: bool = Field(title="Lifted", description="No if nothing was there, or what was there ends at another time.")


@auth0.action("Require a stricter login", effect="changes", repeatable=True)
async def require_stricter_login(client: Tenant, given: Stricter) -> Required:
    """Ask a second factor, or a new password, of a person at their next logins, until it ends by itself.

    It is kept in the person's app metadata, where our Auth0 Action finds it: it holds also when the bot is away.
    """
    orders: dict[str, Any] = {}
    if given.second_factor:
        orders[MFA] = {"until": given.until, **({"factors": list(given.factors)} if given.factors else {})}
    if given.new_password_since is not None:
        orders[CHOICE] = {"since": given.new_password_since, "until": given.until}
    if orders:
        await client.api.users.update(given.user_id, app_metadata=orders)
    return Required(user_id=given.user_id, until=given.until)


@auth0.action("Lift a stricter login", effect="changes", repeatable=True)
async def lift_stricter_login(client: Tenant, given: Lifting) -> Lifted:
    """Ask nothing more of a person than of everybody."""
    known = user_from(await client.api.users.get(given.user_id)).app_metadata
    over = {name: None for name in (MFA, CHOICE) if _is(known.get(name), given.until)}
    if over:
        await client.api.users.update(given.user_id, app_metadata=over)
    return Lifted(user_id=given.user_id, lifted=bool(over))


def _is(order: Any, until: str | None) -> bool:
    return isinstance(order, dict) and (until is None or order.get("until") == until)
