"""The process's one pool of HTTP connections, and each connection's view of it.

A view paces its calls, authenticates them, and turns every failing answer and every broken connection into one of
our errors: this is the one place where that happens, so no action needs to.
"""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Self, TypeAlias

import httpx

from connectors.addresses import GuardedTransport, Network, trust
from connectors.errors import Ambiguous, ConnectorError, Missing, Reconnect, Refused, TryLater
from connectors.limits import Pace, wait_asked
from connectors.wording import clean

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
)
Classify: TypeAlias = Callable[[httpx.Response], ConnectorError | None]
Safe: TypeAlias = Callable[[httpx.Request], bool]


def only_reads(request: httpx.Request) -> bool:
    """Tell whether the request changes nothing, so that it may be repeated without looking."""
    return request.method in {"GET", "HEAD", "OPTIONS"}


def by_status(
    response: httpx.Response,
    *,
    service: str,
    said: str = "",
    code: str | None = None,
    missing_scope: str | None = None,
    safe: Safe = only_reads,
) -> ConnectorError | None:
    """Name the error of an answer by its status; None for a success.

    `said` is the service's own explanation: it is cleaned and cut here.
    """
    status = response.status_code
    said = clean(said)
    colon = f": {said}" if said else "."
    match status:
        case _ if response.is_success:
            return None
        case 401:
            message = f"{service} does not accept our credentials any more{colon}"
            return Reconnect(message, status=status, code=code)
        case 403 if missing_scope:
            message = f"{service} says that this connection lacks a permission: {missing_scope}."
            return Reconnect(message, missing_scope=missing_scope, status=status, code=code)
        case 404 | 410:
            return Missing(f"{service} has no such thing{colon}", status=status, code=code)
        case 429:
            after = wait_asked(response.headers)
            return TryLater(f"{service} is asked too often at the moment.", after=after, status=status, code=code)
        case _ if (status == httpx.codes.REQUEST_TIMEOUT or response.is_server_error) and safe(response.request):
            after = wait_asked(response.headers) if "retry-after" in response.headers else None
            return TryLater(f"{service} has trouble answering ({status}).", after=after, status=status, code=code)
        case _ if status == httpx.codes.REQUEST_TIMEOUT or response.is_server_error:
            message = f"{service} had trouble ({status}): the change may or may not have been made."
            return Ambiguous(message, status=status, code=code)
        case _:
            return Refused(f"{service} refused ({status}){colon}", status=status, code=code)


class _Shared(httpx.AsyncBaseTransport):
    """The pool as one view sees it: closing the view does not close the pool."""

    def __init__(self, pool: httpx.AsyncBaseTransport) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._pool.handle_async_request(request)


class View(httpx.AsyncClient):
    """An httpx client whose calls raise ConnectorError and nothing else when they fail."""

    def __init__(
        self,
        pool: httpx.AsyncBaseTransport,
        *,
        base_url: str,
        service: str,
        auth: httpx.Auth | None,
        pace: Pace | None,
        classify: Classify | None,
        safe: Safe,
    ) -> None:
        super().__init__(
            transport=_Shared(pool),
            base_url=base_url,
            auth=auth,
            timeout=TIMEOUT,
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": "cicflow"},
        )
        self._service = service
        self._pace = pace
        self._classify = classify
        self._safe = safe

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send in turn; raise a ConnectorError unless the answer is a success."""
        async with self._pace.turn(request) if self._pace else nullcontext():
            try:
                response = await super().send(request, **options)
                if not response.is_success:
                    await response.aread()
            except httpx.RequestError as error:
                raise self._broken(request, error) from error
            if self._pace:
                self._pace.heard(response)
        problem = (
            self._classify(response) if self._classify else by_status(response, service=self._service, safe=self._safe)
        )
        if problem:
            raise problem
        return response

    def _broken(self, request: httpx.Request, error: httpx.RequestError) -> ConnectorError:
        """Name what a broken connection means for the request."""
        match error:
            case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
                return Refused(f"{self._service}: that request cannot be sent.")
            case _ if isinstance(error, NOT_SENT):
                return TryLater(f"{self._service} could not be reached.")
            case _ if self._safe(request):
                return TryLater(f"{self._service} did not answer.")
            case _:
                return Ambiguous(f"{self._service} did not answer: the change may or may not have been made.")


class Wire:
    """The pool that every connection shares. It belongs to the event loop that opened it."""

    def __init__(self, pool: httpx.AsyncBaseTransport, *, guarded: httpx.AsyncBaseTransport | None = None) -> None:
        self._pool = pool
        self._guarded = guarded or GuardedTransport()

    @classmethod
    @asynccontextmanager
    async def open(cls, *, proxy: str | None = None, allowed: Sequence[Network] = ()) -> AsyncIterator[Self]:
        """Open the pool; nothing of the environment (proxies, netrc) is used.

        `allowed` are the private networks that calls to addresses of people's choice may reach.
        """
        # httpx would log the address of every call, and searches hold people's e-mail addresses.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        async with (
            httpx.AsyncHTTPTransport(proxy=proxy, trust_env=False, verify=trust()) as pool,
            GuardedTransport(proxy=proxy, allowed=allowed) as guarded,
        ):
            yield cls(pool, guarded=guarded)

    @property
    def guarded(self) -> "Wire":
        """The wire for addresses that people choose: it leads into no private network that is not allowed."""
        return Wire(self._guarded, guarded=self._guarded)

    def client(
        self,
        base_url: str,
        *,
        service: str,
        auth: httpx.Auth | None = None,
        pace: Pace | None = None,
        classify: Classify | None = None,
        safe: Safe = only_reads,
    ) -> View:
        """Give a view for one connection; `service` names it in the texts of errors.

        `classify` names the error of an answer (None: a success); `safe` tells which requests may be repeated blindly.
        It needs no closing.
        """
        return View(self._pool, base_url=base_url, service=service, auth=auth, pace=pace, classify=classify, safe=safe)
