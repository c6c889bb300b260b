"""The guard of the private network: which addresses may be connected to, and a pool that connects to no others.

A name is resolved once, what it resolves to is checked, and the connection goes to the very address that was checked:
a name that changes its mind in between gains nothing. Every new connection is checked so, after a redirect too. The
certificate and the Host header are those of the name all the same.

Through a proxy, names are resolved by the proxy, and it has to guard what it reaches; addresses written as numbers, and
the names of this machine, are refused here all the same.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import cache
from typing import Any, Final, TypeAlias

import httpcore
import httpx

from connectors.errors import Refused

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Return the addresses of a name, the best first. Raises OSError."""

NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""An IPv4 address in its last 32 bits, as networks without IPv4 write all of the internet (RFC 6052)."""
CLOSED: Final[Sequence[Network]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # behind a provider's address translation; metadata of one cloud
        "168.63.129.16/32",  # a cloud's own services, at an address that looks public
        "192.0.0.0/24",  # metadata of one cloud
        "192.88.99.0/24",
        "::/96",  # IPv4 in disguise, long out of use
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",  # Teredo and others: an IPv4 address of anybody's choice within
        "2002::/16",  # 6to4: likewise
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)
"""What Python's own tables do not call private in every version."""
LARGEST: Final = "cicflow.largest"
"""The extension of a request that says how many bytes its answer may have."""
LONGEST: Final = 10_000_000
LOCAL_NAMES: Final = ("localhost", "localdomain", "local", "internal", "home.arpa")


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks, such as 10.1.0.0/16 or 127.0.0.1. Raises ValueError."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def is_open(address: str, allowed: Iterable[Network] = ()) -> bool:
    """Tell whether an address may be connected to: it is on the public internet, or in a network that is allowed."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            return False
        inner = found.ipv4_mapped
        if inner is None and found in NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        if inner is not None:
            return is_open(str(inner), allowed)
    if any(found in network for network in allowed):
        return True
    return found.is_global and not (
        found.is_multicast or found.is_reserved or found.is_unspecified or any(found in network for network in CLOSED)
    )


def literal(host: str) -> str | None:
    """Return the address that a host is, however it is written (decimal, octal, hexadecimal, short); None for a name."""
    host = host.strip("[]")
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(host))
    try:
        return socket.inet_ntoa(socket.inet_aton(host.removesuffix(".")))
    except (OSError, UnicodeError):
        return None


def is_this_machine(host: str) -> bool:
    """Tell whether a host is this machine, as far as it can be seen from how it is written."""
    address = literal(host)
    return host.lower() == "localhost" if address is None else ipaddress.ip_address(address).is_loopback


def refuse_private(host: str, allowed: Iterable[Network]) -> None:
    """Raise Refused for a host that can be seen to be private without asking anybody."""
    address = literal(host)
    if address is not None:
        fine = is_open(address, allowed)
    else:
        name = host.lower().rstrip(".")
        local = any(name == one or name.endswith(f".{one}") for one in LOCAL_NAMES)
        fine = not local or bool(tuple(allowed))
    if not fine:
        raise _private(host)


def _private(host: str) -> Refused:
    return Refused(
        f"{host[:100]} is within a private network, where flows may not call. Whoever runs the bot can allow a network "
        "with CICFLOW_HTTP_ALLOW."
    )


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system for the addresses of a name. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _Checked(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked, and to no names."""

    def __init__(self, allowed: Sequence[Network], resolver: Resolve) -> None:
        self._allowed = allowed
        self._resolve = resolver
        self._net = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore names it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check, and connect to the first address that answers."""
        end = None if timeout is None else time.monotonic() + timeout
        try:
            async with asyncio.timeout(timeout):
                found = await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("The name was not resolved in time.") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("The name could not be resolved.") from error
        checked = [address for address in found if is_open(address, self._allowed)]
        if found and not checked:
            raise _private(host)
        failure: Exception = httpcore.ConnectError("The name has no address.")
        for address in checked:
            left = None if end is None else max(0.001, end - time.monotonic())
            try:
                return await self._net.connect_tcp(
                    address, port, timeout=left, local_address=local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        """Wait, for httpcore's own retries."""
        await asyncio.sleep(seconds)


@cache
def trust() -> ssl.SSLContext:
    """Return whom to trust, for every connection of this process: it takes a while to read, and some room."""
    return httpx.create_ssl_context(trust_env=False)


class GuardedTransport(httpx.AsyncHTTPTransport):
    """A pool of connections, none of which leads into a private network."""

    def __init__(
        self, *, allowed: Sequence[Network] = (), proxy: str | None = None, resolver: Resolve = resolve
    ) -> None:
        """Prepare; `resolver` is asked for the addresses of names."""
        super().__init__(proxy=proxy, trust_env=False, verify=trust())
        self._allowed = tuple(allowed)
        if proxy is None:
            # httpx has no parameter for it, and replacing the pool is what is left: all else of it is used as it is.
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=trust(),
                max_connections=100,
                max_keepalive_connections=20,
                keepalive_expiry=5.0,
                network_backend=_Checked(self._allowed, resolver),
            )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, unless the host is seen to be private. An answer may be as long as the request's extension says.

        Raises TooLarge while a longer one is read, and Refused for one that is compressed: nobody asked for that, and
        how long it becomes is known only when it is too late.
        """
        refuse_private(request.url.host, self._allowed)
        request.headers["Accept-Encoding"] = "identity"
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
            await response.aclose()
            raise TooLarge("The service answered with compressed content, although it was asked not to.")
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - as httpx's own transport promises
        response.stream = _Limited(response.stream, int(request.extensions.get(LARGEST, LONGEST)))
        return response


class TooLarge(Refused):
    """The answer is larger than it may be."""


class _Limited(httpx.AsyncByteStream):
    """The body of an answer, up to a number of bytes."""

    def __init__(self, stream: httpx.AsyncByteStream, largest: int) -> None:
        self._stream = stream
        self._largest = largest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._stream:
            size += len(part)
            if size > self._largest:
                raise TooLarge(f"The service answered with more than {self._largest:,} bytes.")
            yield part

    async def aclose(self) -> None:
        """Let the connection go."""
        await self._stream.aclose()
