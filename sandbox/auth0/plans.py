"""Plans: what a tenant's subscription does not include is refused.

Bound to a plan here: sessions and the lists of refresh tokens, and the risk assessment (Adaptive MFA), which are for
Enterprise; bot detection and such are not simulated. Taking access away (`revoke-access`, `DELETE …/refresh-tokens`)
is open to all.
"""

from typing import TYPE_CHECKING

from sandbox.auth0.errors import ApiError

if TYPE_CHECKING:
    from sandbox.auth0.tenant import Plan, Tenant

ORDER: tuple["Plan", ...] = ("free", "essentials", "professional", "enterprise")


def refuse_plan(tenant: "Tenant", least: "Plan", feature: str) -> None:
    """Refuse a feature that the tenant's plan does not include.

    Raises ApiError 403.
    """
    if ORDER.index(tenant.settings.plan) < ORDER.index(least):
        raise ApiError(403, f"Please upgrade your subscription to use {feature}", "insufficient_entitlement")
