"""Auth0: where a company's customers log in."""

from connectors.auth0 import access, calls, risk, users  # their actions register on the connector
from connectors.auth0.connector import auth0

__all__ = ["access", "auth0", "calls", "risk", "users"]
