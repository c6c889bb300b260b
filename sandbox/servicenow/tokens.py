"""Who is asking: the token endpoint, and the check that guards every call of the API."""

import base64
import secrets
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request

from sandbox.servicenow import instance as known
from sandbox.servicenow.errors import ApiError, TokenError, not_authenticated
from sandbox.servicenow.instance import Instance, Token


def exchange(instance: Instance, request: Request, content: bytes) -> dict[str, Any]:
    """Give a token for a grant. It must be asked for with a form."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise TokenError
    asked = dict(parse_qsl(content.decode(errors="replace"), keep_blank_values=True))
    asked |= _in_the_head(request)
    grant = asked.get("grant_type", "")
    wanted = {"client_id": known.CLIENT_ID, "client_secret": known.CLIENT_SECRET}
    match grant:
        case "client_credentials" if instance.settings.client_credentials:
            pass
        case "password":
            wanted |= {"username": known.USER_NAME, "password": known.PASSWORD}
        case "refresh_token":
            wanted |= {"refresh_token": known.REFRESH_TOKEN}
        case _:
            raise TokenError
    if not all(secrets.compare_digest(asked.get(name, "").encode(), value.encode()) for name, value in wanted.items()):
        raise TokenError
    now = instance.now()
    token = instance.tokens.get("access")
    if token is None or token.expires <= now:
        token = Token(text=secrets.token_urlsafe(64), expires=now + instance.settings.token_lifetime)
        instance.tokens["access"] = token
    answer: dict[str, Any] = {
        "access_token": token.text,
        "scope": "useraccount",
        "token_type": "Bearer",
        "expires_in": max(0, round(token.expires - now - 0.5)),
    }
    return answer if grant == "client_credentials" else {**answer, "refresh_token": known.REFRESH_TOKEN}


def _in_the_head(request: Request) -> dict[str, str]:
    """Read the client's id and secret from the head, where RFC 6749 prefers them."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        name, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        raise TokenError from None
    return {"client_id": unquote(name), "client_secret": unquote(secret)}


def refuse_strangers(instance: Instance, request: Request) -> None:
    """Raise ApiError 401 unless the call says who makes it."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            token = instance.tokens.get("access")
            accepted = token is not None and token.expires > instance.now() and _same(given, token.text)
        case "basic" if instance.settings.basic:
            expected = base64.b64encode(f"{known.USER_NAME}:{known.PASSWORD}".encode()).decode()
            accepted = _same(given, expected)
        case "":
            accepted = _same(request.headers.get("x-sn-apikey", ""), known.API_KEY)
        case _:
            accepted = False
    if not accepted:
        raise not_authenticated()
    if not instance.settings.api_allowed:
        raise ApiError(403, "Failed API level ACL Validation")


def _same(given: str, expected: str) -> bool:
    return secrets.compare_digest(given.encode(), expected.encode())
