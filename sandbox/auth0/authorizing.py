"""Logins of applications: `/authorize`, the login page, the way back with a code, and the codes' exchange for tokens.

As OpenID Connect Core 1.0 and RFC 7636 (PKCE) have it, and Auth0's documentation of the authorization code flow.
"""

import base64
import hashlib
import html
import secrets
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.auth0.errors import TokenError
from sandbox.auth0.failures import FailedLogin, fail
from sandbox.auth0.logins import Login, log_in
from sandbox.auth0.moments import hexadecimal, letters
from sandbox.auth0.outcomes import Outcome
from sandbox.auth0.routing import Call, answer
from sandbox.auth0.tenant import LOGIN_CLIENT_ID, LOGIN_CLIENT_SECRET, Account, Tenant

COOKIE: Final = "auth0"
CODE_SECONDS: Final = 600
ID_TOKEN_SECONDS: Final = 36_000
MOST_PENDING: Final = 1000


class Key:
    """The tenant's key for ID tokens, made when it is first needed."""

    def __init__(self) -> None:
        self.id = letters(21)

    @cached_property
    def private(self) -> rsa.RSAPrivateKey:
        """The key that signs."""
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def shown(self) -> dict[str, Any]:
        """Show what everybody may check signatures with."""
        public = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id, "n": public["n"], "e": public["e"]}

    def sign(self, claims: dict[str, Any]) -> str:
        """Write a token."""
        return jwt.encode(claims, self.private, algorithm="RS256", headers={"kid": self.id})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an application asks for, as it was checked."""

    redirect_uri: str
    state: str
    scope: str
    nonce: str | None
    challenge: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code that an application may exchange once."""

    asked: Asked
    user_id: str
    auth_time: int
    until: float


class Authorizing:
    """The logins of applications at one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.pages: dict[str, Asked] = {}
        self.under_way: dict[str, tuple[Asked, int]] = {}
        self.browsers: dict[str, tuple[str, int]] = {}
        tenant.authorizing = self

    def routes(self) -> list[Route]:
        """Make the addresses that browsers come to."""
        return [
            Route("/authorize", self.authorize, methods=["GET"]),
            Route("/u/login", self.show, methods=["GET"]),
            Route("/u/login", self.log_in, methods=["POST"]),
            Route("/.well-known/jwks.json", self.keys, methods=["GET"]),
        ]

    async def keys(self, _request: Request) -> Response:
        """Show the keys."""
        return JSONResponse({"keys": [self.tenant.oidc_key.shown()]})

    async def authorize(self, request: Request) -> Response:
        """Begin a login for an application."""
        query = dict(request.query_params)
        if query.get("client_id") != LOGIN_CLIENT_ID:
            return oops("unauthorized_client", f"Unknown client: {query.get('client_id', '')}", 403)
        redirect_uri = query.get("redirect_uri", "")
        if redirect_uri not in self.tenant.settings.callbacks:
            return oops(
                "Callback URL mismatch.", "The provided redirect_uri is not in the list of allowed callback URLs.", 403
            )
        state = query.get("state", "")
        if query.get("response_type") != "code":
            return back(redirect_uri, error="unsupported_response_type", state=state)
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            text = "Parameter 'code_challenge' is required, by S256"
            return back(redirect_uri, error="invalid_request", error_description=text, state=state)
        asked = Asked(
            redirect_uri=redirect_uri,
            state=state,
            scope=query.get("scope", ""),
            nonce=query.get("nonce"),
            challenge=query["code_challenge"],
            address=str(request.base_url).rstrip("/"),
        )
        known = self.browsers.get(request.cookies.get(COOKIE, ""))
        fresh_enough = known is not None and (
            "max_age" not in query or self.tenant.now() - known[1] < int(query["max_age"] or 0)
        )
        if known is not None and fresh_enough and query.get("prompt") != "login":
            return self.with_code(asked, known[0], known[1])
        if query.get("prompt") == "none":
            return back(redirect_uri, error="login_required", error_description="Login required", state=state)
        page = letters(32)
        self.pages[page] = asked
        for old in list(self.pages)[:-MOST_PENDING]:
            del self.pages[old]
        return RedirectResponse(f"/u/login?{urlencode({'state': page})}", status_code=302)

    async def show(self, request: Request) -> Response:
        """Show the login page."""
        known = request.query_params.get("state", "") in self.pages
        return login_page() if known else oops("invalid_request", "This page is not good any more.", 400)

    async def log_in(self, request: Request) -> Response:
        """Take the name and the password, let the Actions run, and send the browser back."""
        page = request.query_params.get("state", "")
        asked = self.pages.get(page)
        if asked is None:
            return oops("invalid_request", "This page is not good any more.", 400)
        form = dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
        account = self.found(form.get("username", ""), form.get("password", ""))
        if account is None:
            fail(self.tenant, FailedLogin(user=form.get("username", "") or "nobody"))
            return login_page("Wrong email or password", 400)
        del self.pages[page]
        auth_time = int(self.tenant.now())
        outcome = await log_in(self.tenant, account, Login(user_id=account.user_id), asked.address)
        self.under_way[outcome.id] = (asked, auth_time)
        response = self.ended(outcome)
        if outcome.allowed and outcome.user_id:
            session = letters(32)
            self.browsers[session] = (outcome.user_id, auth_time)
            response.set_cookie(COOKIE, session, httponly=True, samesite="lax")
        return response

    def found(self, name: str, password: str) -> Account | None:
        """Find who has this name and this password."""
        for account in self.tenant.accounts.values():
            names = [str(account.profile.get(key) or "").lower() for key in ("email", "username")]
            if name and name.lower() in names and account.connection.strategy == "auth0" and account.password:
                right = secrets.compare_digest(account.password.encode(), password.encode())
                return account if right else None
        return None

    def ended(self, outcome: Outcome) -> Response:
        """Send the browser on: to a page in the middle, or back to the application."""
        if outcome.redirect is not None:
            return RedirectResponse(outcome.redirect, status_code=302)
        asked, auth_time = self.under_way.pop(outcome.id)
        if not outcome.allowed:
            why = outcome.message or outcome.reason or "Access denied."
            return back(
                asked.redirect_uri, error=outcome.code or "access_denied", error_description=why, state=asked.state
            )
        return self.with_code(asked, str(outcome.user_id), auth_time)

    def with_code(self, asked: Asked, user_id: str, auth_time: int) -> Response:
        """Send the browser back with a code."""
        code = letters(43)
        until = self.tenant.now() + CODE_SECONDS
        self.tenant.codes[code] = Code(asked=asked, user_id=user_id, auth_time=auth_time, until=until)
        return back(asked.redirect_uri, code=code, state=asked.state)


def exchange_code(tenant: Tenant, call: Call, asked: dict[str, Any]) -> Response:
    """Give tokens for a code: once, to the application that it was made for, which knows the verifier."""
    known = [
        secrets.compare_digest(str(asked.get("client_id", "")).encode(), LOGIN_CLIENT_ID.encode()),
        secrets.compare_digest(str(asked.get("client_secret", "")).encode(), LOGIN_CLIENT_SECRET.encode()),
    ]
    if not all(known):
        raise TokenError(401, "access_denied", "Unauthorized")
    code = tenant.codes.pop(str(asked.get("code", "")), None)
    if code is None or code.until < tenant.now():
        raise TokenError(403, "invalid_grant", "Invalid authorization code")
    if asked.get("redirect_uri") != code.asked.redirect_uri:
        raise TokenError(403, "invalid_grant", "The redirect URI is wrong.")
    digest = hashlib.sha256(str(asked.get("code_verifier", "")).encode()).digest()
    if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code.asked.challenge:
        raise TokenError(403, "invalid_grant", "Failed to verify code verifier")
    now = int(tenant.now())
    claims: dict[str, Any] = {
        "iss": f"{call.address}/",
        "sub": code.user_id,
        "aud": LOGIN_CLIENT_ID,
        "iat": now,
        "exp": now + ID_TOKEN_SECONDS,
        "auth_time": code.auth_time,
        "sid": letters(32),
    }
    if code.asked.nonce is not None:
        claims["nonce"] = code.asked.nonce
    body = {"access_token": hexadecimal(64), "scope": code.asked.scope, "expires_in": 86_400, "token_type": "Bearer"}
    if "openid" in code.asked.scope.split():
        body["id_token"] = tenant.oidc_key.sign(claims | tenant.settings.id_token)
    return answer(body)


def back(address: str, **more: str) -> Response:
    """Send the browser back to an application."""
    parts = urlsplit(address)
    query = [*parse_qsl(parts.query), *((name, value) for name, value in more.items() if value)]
    return RedirectResponse(urlunsplit(parts._replace(query=urlencode(query))), status_code=302)


def oops(title: str, words: str, status: int) -> Response:
    """Show the page of an error that no application is told of."""
    title, words = html.escape(title), html.escape(words)
    return HTMLResponse(f"<!doctype html><title>Oops!</title><h1>Oops!, {title}</h1><p>{words}</p>", status_code=status)


def login_page(wrong: str = "", status: int = 200) -> Response:
    """Show the page where people log in."""
    said = f'<p role="alert">{html.escape(wrong)}</p>' if wrong else ""
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Log in</title></head><body><main>'
        f"<h1>Welcome</h1>{said}"
        '<form method="post"><label>Email address <input name="username" autocomplete="username" required></label> '
        '<label>Password <input name="password" type="password" autocomplete="current-password" required></label> '
        "<button>Continue</button></form></main></body></html>",
        status_code=status,
        headers={"cache-control": "no-store"},
    )
