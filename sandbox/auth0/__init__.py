"""A simulated Auth0 tenant: token endpoint, Management API, and logins that run Actions."""

from sandbox.auth0.app import application
from sandbox.auth0.seed import plant
from sandbox.auth0.tenant import NAME, Tenant

__all__ = ["Tenant", "create"]


def create(name: str = NAME) -> Tenant:
    """Make a tenant of a name, with its first people in it; its web application is `.app`."""
    tenant = Tenant(name)
    plant(tenant)
    tenant.app = application(tenant)
    return tenant
