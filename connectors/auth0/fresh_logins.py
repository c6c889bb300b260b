"""Fresh logins: somebody shows who they are by logging in at the tenant now (OpenID Connect, a code with PKCE)."""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import jwt
from pydantic import SecretStr, ValidationError

from connectors.base import Lenient
from connectors.errors import Refused
from connectors.wire import View

ALGORITHM: Final = "RS256"
LEEWAY: Final = 10
"""Seconds by which Auth0's clock and ours may differ."""
KEYS_LAST: Final = 600.0
"""Seconds for which the tenant's keys are not looked at again."""
SELDOM: Final = 10.0
"""Seconds between two looks for a key that was not there."""


class NotFreshError(Refused):
    """This login does not show who somebody is. Log in again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A login that was begun: what has to come back with it. It belongs to the browser, and to nobody else."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    at: int
    """Unix seconds. Who logged in before does not count."""


class _Tokens(Lenient):
    id_token: SecretStr


class _Keys(Lenient):
    keys: list[dict[str, Any]]


@dataclass(slots=True, kw_only=True)
class FreshLogins:
    """Logins at one tenant, for an application of its own."""

    http: View
    """The wire to the tenant, without a token."""
    address: str
    client_id: str | None
    client_secret: SecretStr | None
    _keys: Mapping[str, jwt.PyJWK] = field(default_factory=dict, init=False)
    _looked: float = field(default=-KEYS_LAST, init=False)

    @property
    def possible(self) -> bool:
        """Whether the connection names an application for it."""
        return self.client_id is not None and self.client_secret is not None

    def begin(self, *, now: float) -> Begun:
        """Begin one."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return Begun(state=state, nonce=nonce, verifier=verifier, at=int(now))

    def where(self, begun: Begun, *, back: str) -> str:
        """Return the address at the tenant where the person logs in, whether they are logged in or not."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(begun.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": back,
            "scope": "openid",
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "prompt": "login",
            "max_age": "0",
        }
        return f"{self.address}/authorize?{urlencode(query)}"

    async def who(self, begun: Begun, *, code: str, back: str) -> str:
        """Return Auth0's id of who has just logged in, for a code. Raises ConnectorError, NotFreshError among others."""
        if self.client_id is None or self.client_secret is None:
            raise NotFreshError
        form = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "client_secret": self.client_secret.get_secret_value(),
            "code": code,
            "code_verifier": begun.verifier,
            "redirect_uri": back,
        }
        answer = await self.http.post("/oauth/token", data=form)
        try:
            token = _Tokens.model_validate_json(answer.content).id_token.get_secret_value()
        except ValidationError:
            raise NotFreshError from None  # its text would show the tokens
        return await self._subject(token, begun)

    async def _subject(self, token: str, begun: Begun) -> str:
        """Check an ID token as OpenID Connect Core asks (3.1.3.7). Returns whose it is."""
        try:
            key = await self._key(str(jwt.get_unverified_header(token).get("kid")))
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self.client_id,
                issuer=f"{self.address}/",
                leeway=LEEWAY,
                options={"require": ["iss", "sub", "aud", "exp", "iat", "nonce", "auth_time"]},
            )
        except jwt.PyJWTError:
            raise NotFreshError from None
        logged_in, mine = claims["auth_time"], claims.get("azp", self.client_id) == self.client_id
        fresh = isinstance(logged_in, int | float) and logged_in >= begun.at - LEEWAY
        if not (mine and fresh and secrets.compare_digest(str(claims["nonce"]).encode(), begun.nonce.encode())):
            raise NotFreshError
        return str(claims["sub"])

    async def _key(self, name: str) -> jwt.PyJWK:
        """Return one of the tenant's keys. They change now and then: one that is not known is looked for."""
        age = time.monotonic() - self._looked
        if age >= KEYS_LAST or (name not in self._keys and age >= SELDOM):
            answer = await self.http.get("/.well-known/jwks.json")
            self._looked = time.monotonic()
            try:
                listed = _Keys.model_validate_json(answer.content).keys
                usable = [one for one in listed if one.get("kty") == "RSA" and one.get("use", "sig") == "sig"]
                self._keys = {str(one.get("kid")): jwt.PyJWK(one, algorithm=ALGORITHM) for one in usable}
            except (ValidationError, jwt.PyJWTError):
                raise NotFreshError from None
        if name not in self._keys:
            raise NotFreshError
        return self._keys[name]
