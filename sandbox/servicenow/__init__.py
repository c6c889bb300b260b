"""A simulated ServiceNow instance: token endpoint, Table API, Attachment API and Import Set API."""

from sandbox.servicenow.app import application
from sandbox.servicenow.instance import Instance
from sandbox.servicenow.seed import plant

__all__ = ["Instance", "create"]


def create() -> Instance:
    """Make an instance with its first records in it; its web application is `.app`."""
    instance = Instance()
    plant(instance)
    instance.app = application(instance)
    return instance
