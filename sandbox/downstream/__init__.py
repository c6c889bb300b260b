"""An application of the customer's own: takes whatever it is sent over HTTP, shows it, and misbehaves on demand."""

from sandbox.downstream.application import Application

__all__ = ["Application", "create"]


def create() -> Application:
    """Make an application that has heard nothing yet; its web application is `.app`."""
    return Application()
