"""The sandbox's page: the workspace and the tenant's corner in a browser, rendered on the server."""

from sandbox.page.application import create

__all__ = ["create"]
