"""Tokens by any OAuth grant: fetched when needed, shared by all calls, renewed once when rejected."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, Literal

import httpx
from pydantic import Field, SecretStr, ValidationError

from connectors.base import Lenient
from connectors.errors import ConnectorError, Reconnect
from connectors.wire import Classify, Wire, by_status

SPARE = 30.0
"""Seconds before its end at which a token is no longer used."""


class _Token(Lenient):
    access_token: SecretStr = Field(min_length=1)
    expires_in: float | None = None
    scope: str | None = None


def _harmless(_request: httpx.Request) -> bool:
    """Fetching a token changes nothing, although it is a POST."""
    return True


def _token_errors(service: str) -> Classify:
    """Make the classifier of a token endpoint: what it refuses, an admin must put right."""

    def classify(response: httpx.Response) -> ConnectorError | None:
        problem = by_status(response, service=service, safe=_harmless)
        match problem:
            case None:
                return None
            case _ if response.is_client_error and response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                message = f"{service} does not accept the client id and secret of this connection."
                return Reconnect(message, status=response.status_code)
            case _:
                return problem

    return classify


Form = Mapping[str, str] | Callable[[], Mapping[str, str]]
"""What is sent for a token. One that is signed anew each time is made when it is needed."""


def _unauthorized(response: httpx.Response) -> bool:
    return response.status_code == httpx.codes.UNAUTHORIZED


class Grant(httpx.Auth):
    """Bearer tokens for one connection, kept in memory. Many calls at once cause one fetch."""

    def __init__(
        self,
        wire: Wire,
        *,
        url: str,
        form: Form,
        service: str,
        method: Literal["POST", "GET"] = "POST",
        rejects: Callable[[httpx.Response], bool] = _unauthorized,
    ) -> None:
        """Prepare; nothing is sent yet.

        `method` is GET where a service wants the form in the address. `rejects` tells whether an answer says that the
        token is not (or no longer) good: some services say so with status 200, and then the body is read first.
        """
        self._line = wire.client(url, service=service, classify=_token_errors(service), safe=_harmless)
        self._url = url
        self._form = form
        self._method = method
        self._rejects = rejects
        self.requires_response_body = rejects is not _unauthorized
        self._service = service
        self._token = ""
        self._renew_at = 0.0
        self._lock = asyncio.Lock()
        self.scopes: frozenset[str] | None = None
        """What the last token allows, if the service said so."""
        self.said: Mapping[str, Any] = {}
        """What else the service said with the last token, such as where its calls go."""

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with a token; where it is rejected, once more with a new one."""
        token = await self.token()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if self.requires_response_body:
            await response.aread()
        if self._rejects(response):
            request.headers["Authorization"] = f"Bearer {await self.token(rejected=token)}"
            yield request

    async def token(self, *, rejected: str | None = None) -> str:
        """Give a token that is not `rejected`, fetching one only if nobody else just did."""
        async with self._lock:
            if self._token in {"", rejected} or time.monotonic() >= self._renew_at:
                await self._fetch()
            return self._token

    async def _fetch(self) -> None:
        form = self._form() if callable(self._form) else self._form
        by_get = self._method == "GET"
        response = await self._line.request(
            self._method, self._url, params=form if by_get else None, data=None if by_get else form
        )
        try:
            answer = _Token.model_validate_json(response.content)
        except ValidationError:
            # Without a cause: pydantic's text would show the token.
            raise Reconnect(f"{self._service} answered with something else than a token.") from None
        self._token = answer.access_token.get_secret_value()
        # A service that does not say how long a token lasts will reject it when it has ended.
        lasts = math.inf if answer.expires_in is None else answer.expires_in
        self._renew_at = time.monotonic() + max(lasts - SPARE, lasts / 2)
        self.scopes = None if answer.scope is None else frozenset(answer.scope.split())
        self.said = answer.model_extra or {}
