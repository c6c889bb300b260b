"""The list of everything that cicflow can talk to."""

from connectors.auth0 import auth0
from connectors.base import Catalog


def catalog() -> Catalog:
    """List all connectors; a new one is one line here."""
    return Catalog([auth0])
