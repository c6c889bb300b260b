"""Trust: whom the sandbox's own calls trust, read once for all of them."""

import ssl
from functools import cache

import httpx


@cache
def trust() -> ssl.SSLContext:
    """Return whom to trust, for every client of this process."""
    return httpx.create_ssl_context(trust_env=False)
