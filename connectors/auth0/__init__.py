"""Auth0: where a company's customers log in."""

from connectors.auth0.connector import auth0

__all__ = ["auth0"]
