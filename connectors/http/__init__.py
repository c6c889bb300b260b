"""The HTTP connector: any service that speaks HTTP, for which there is no connector of its own."""

from connectors.http import calls, pages
from connectors.http.connector import http

__all__ = ["calls", "http", "pages"]
