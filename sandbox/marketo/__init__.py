"""A simulated Marketo instance: identity, lead database, assets, and bulk import."""

from sandbox.marketo.app import application
from sandbox.marketo.instance import Instance
from sandbox.marketo.seed import plant

__all__ = ["Instance", "create"]


def create() -> Instance:
    """Make an instance with its first leads and lists in it; its web application is `.app`."""
    instance = Instance()
    plant(instance)
    instance.app = application(instance)
    return instance
