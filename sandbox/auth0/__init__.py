"""A simulated Auth0 tenant: token endpoint, Management API, and logins that run Actions."""

from sandbox.auth0.app import application
from sandbox.auth0.seed import plant
from sandbox.auth0.tenant import Tenant

__all__ = ["Tenant", "create"]


def create() -> Tenant:
    """Make a tenant with its first people in it; its web application is `.app`."""
    tenant = Tenant()
    plant(tenant)
    tenant.app = application(tenant)
    return tenant
