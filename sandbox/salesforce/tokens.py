"""The token endpoint."""

import base64
import binascii
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import jwt

from sandbox.salesforce.errors import Refusal, TokenRefusal
from sandbox.salesforce.org import CLIENT_ID, CLIENT_SECRET, ORG_ID, USERNAME, Org

BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def give_token(org: Org, address: str, content: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """Answer a request for a token."""
    if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise TokenRefusal("unsupported_grant_type", "grant type not supported")
    form = dict(parse_qsl(content.decode()))
    match form.get("grant_type"):
        case "client_credentials":
            _check_client(form, headers)
            if not org.settings.run_as_user:
                raise TokenRefusal("invalid_grant", "no client credentials user enabled")
        case "refresh_token":
            _check_client(form, headers)
            if form.get("refresh_token") not in org.refresh_tokens:
                raise TokenRefusal("invalid_grant", "expired access/refresh token")
        case str(grant) if grant == BEARER:
            _check_assertion(org, form.get("assertion", ""))
        case _:
            raise TokenRefusal("unsupported_grant_type", "grant type not supported")
    answer = {
        "access_token": org.new_token(),
        "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
        "scope": "api",
        "instance_url": address,
        "id": f"{address}/id/{ORG_ID}/005000000000001AAA",
        "token_type": "Bearer",
        "issued_at": str(int(time.time() * 1000)),
    }
    if form["grant_type"] == "refresh_token" and org.settings.rotates:
        org.refresh_tokens.discard(form["refresh_token"])
        answer["refresh_token"] = secrets.token_urlsafe(40)
        org.refresh_tokens.add(answer["refresh_token"])
    return answer


def _check_client(form: Mapping[str, str], headers: Mapping[str, str]) -> None:
    id_, secret = form.get("client_id"), form.get("client_secret")
    scheme, _, basic = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            id_, _, secret = base64.b64decode(basic).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise TokenRefusal("invalid_client", "invalid client credentials") from None
        id_, secret = unquote(id_), unquote(secret)
    if id_ != CLIENT_ID:
        raise TokenRefusal("invalid_client_id", "client identifier invalid")
    if secret != CLIENT_SECRET:
        raise TokenRefusal("invalid_client", "invalid client credentials")


def _check_assertion(org: Org, assertion: str) -> None:
    try:
        key: Any = org.settings.public_key
        options: Any = {
            "verify_signature": key is not None,
            "verify_aud": False,
            "require": ["exp", "iss", "sub", "aud"],
        }
        claims = jwt.decode(assertion, key or "", algorithms=["RS256"], options=options)
    except jwt.PyJWTError as error:
        raise TokenRefusal("invalid_grant", "invalid assertion") from error
    if jwt.get_unverified_header(assertion).get("alg") != "RS256" or not claims["exp"] < time.time() + 600:
        raise TokenRefusal("invalid_grant", "invalid assertion")
    if claims["iss"] != CLIENT_ID:
        raise TokenRefusal("invalid_client_id", "client identifier invalid")
    if claims["aud"] not in {"https://login.salesforce.com", "https://test.salesforce.com"}:
        raise TokenRefusal("invalid_grant", "audience is invalid")
    if claims["sub"] != USERNAME or not org.settings.approved:
        raise TokenRefusal("invalid_grant", "user hasn't approved this consumer")


def check_token(org: Org, authorization: str) -> None:
    """Refuse a call whose token is not good."""
    scheme, _, token = authorization.partition(" ")
    if scheme not in {"Bearer", "OAuth"} or token not in org.tokens:
        raise Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
