"""Access tokens: the client-credentials grant, and the check that guards the Management API."""

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.responses import Response

from sandbox.auth0.authorizing import exchange_code
from sandbox.auth0.errors import ApiError, TokenError
from sandbox.auth0.moments import hexadecimal
from sandbox.auth0.routing import Call, Routes, answer
from sandbox.auth0.tenant import Issued, Tenant

routes = Routes(prefix="")


@routes.on("POST", "/oauth/token")
def exchange(tenant: Tenant, call: Call) -> Response:
    """Give a token to the client that knows its secret."""
    asked = read(call)
    grant = asked.get("grant_type")
    if not isinstance(grant, str) or not grant:
        raise TokenError(400, "invalid_request", "Missing required parameter: grant_type")
    if grant == "authorization_code":
        return exchange_code(tenant, call, asked)
    if grant != "client_credentials":
        raise TokenError(403, "unsupported_grant_type", f"Unsupported grant type: {grant}")
    known = [
        secrets.compare_digest(str(asked.get("client_id", "")).encode(), tenant.client_id.encode()),
        secrets.compare_digest(str(asked.get("client_secret", "")).encode(), tenant.client_secret.encode()),
    ]
    if not all(known):
        raise TokenError(401, "access_denied", "Unauthorized")
    audience = asked.get("audience")
    if not audience:
        text = "No audience parameter was provided, and no default audience has been configured"
        raise TokenError(403, "access_denied", text)
    if audience != f"{call.address}/api/v2/":
        raise TokenError(403, "access_denied", f"Service not found: {audience}")
    granted = tenant.settings.scopes.split()
    narrowed = str(asked.get("scope") or "").split()
    scopes = [scope for scope in granted if not narrowed or scope in narrowed]
    return answer(
        {
            "access_token": issue(tenant, call.address, scopes),
            "scope": " ".join(scopes),
            "expires_in": tenant.settings.token_lifetime,
            "token_type": "Bearer",
        }
    )


def read(call: Call) -> dict[str, Any]:
    """Read what was asked for: JSON or a form, with the client's secret in it or in a Basic header."""
    if call.headers.get("content-type", "").startswith("application/json"):
        try:
            value = json.loads(call.content)
        except ValueError:
            raise TokenError(400, "invalid_request", "Invalid JSON body") from None
        if not isinstance(value, dict):
            raise TokenError(400, "invalid_request", "Invalid JSON body")
        asked = dict(value)
    else:
        asked = dict(parse_qsl(call.content.decode(errors="replace"), keep_blank_values=True))
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            raise TokenError(401, "access_denied", "Unauthorized") from None
        asked |= {"client_id": unquote(name), "client_secret": unquote(secret)}
    return asked


def issue(tenant: Tenant, address: str, scopes: list[str]) -> str:
    """Make a token: a JWT, so that clients that look inside find what they expect."""
    now = tenant.now()
    token_id = hexadecimal(32)
    expires = now + tenant.settings.token_lifetime
    tenant.issued[token_id] = Issued(scopes=frozenset(scopes), expires=expires)
    claims = {
        "iss": f"{address}/",
        "sub": f"{tenant.client_id}@clients",
        "aud": f"{address}/api/v2/",
        "iat": int(now),
        "exp": int(expires),
        "scope": " ".join(scopes),
        "gty": "client-credentials",
        "azp": tenant.client_id,
        "jti": token_id,
    }
    unsigned = f"{encode({'alg': 'HS256', 'typ': 'JWT'})}.{encode(claims)}"
    return f"{unsigned}.{sign(tenant, unsigned)}"


def encode(value: dict[str, Any]) -> str:
    """Write a part of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def sign(tenant: Tenant, unsigned: str) -> str:
    """Sign a JWT with the tenant's key."""
    digest = hmac.new(tenant.signing_key, unsigned.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def scopes_of(tenant: Tenant, call: Call) -> frozenset[str]:
    """Give the scopes of the request's token.

    Raises ApiError 401 where the token is missing, not ours, or has run out.
    """
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if not token:
        raise ApiError(401, "Missing authentication")
    if scheme.lower() != "bearer":
        raise ApiError(401, "Bad HTTP authentication header format")
    unsigned, _, signature = token.rpartition(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(unsigned.partition(".")[2] + "==="))
    except ValueError:
        raise ApiError(401, "Invalid token") from None
    known = tenant.issued.get(str(claims.get("jti"))) if isinstance(claims, dict) else None
    if known is None or not secrets.compare_digest(sign(tenant, unsigned).encode(), signature.encode()):
        raise ApiError(401, "Invalid signature received for JSON Web Token validation")
    if known.expires <= tenant.now():
        raise ApiError(401, "Expired token received for JSON Web Token validation")
    return known.scopes
