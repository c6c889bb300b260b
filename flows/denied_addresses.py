"""Network addresses that we do not trust: written by flows, and looked up for every login."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import sqlalchemy as sa
from sqlmodel import col

from connectors.base import Listed
from flows.store import Store, dialect_of
from flows.tables import DeniedAddress

BELIEVED: Final = 2.0
"""Seconds that the list is believed before it is read again."""
MOST: Final = 50_000
"""Networks on the list: all of them are held here."""
WIDEST: Final[Mapping[int, int]] = {4: 8, 6: 16}
"""The widest networks, by version: nobody shuts out half the world by a slip, or because an event said so."""

Network = IPv4Network | IPv6Network


class WrongNetworkError(ValueError):
    """A text that is no network that can be on the list."""


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address. One of version 4 in the clothes of version 6 is one of version 4."""
    if len(text) > 60 or "%" in text:
        return None
    try:
        found = ip_address(text.strip())
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def network_of(text: str) -> Network:
    """Read an address, or a network such as 192.0.2.0/24. Raises WrongNetworkError."""
    given = text.strip()
    if len(given) > 60 or "%" in given:
        raise WrongNetworkError(_WRONG)
    single = address_of(given)
    try:
        network = ip_network(single if single is not None else given, strict=False)
    except ValueError:
        raise WrongNetworkError(_WRONG) from None
    written = given.partition("/")[0]
    if single is None and ip_address(written) != network.network_address:
        raise WrongNetworkError(f"This address lies within a network. The network is written {network}.")
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is not None:
        if network.prefixlen < 96:
            raise WrongNetworkError(_WRONG)
        network = IPv4Network((mapped, network.prefixlen - 96))
    if network.prefixlen < WIDEST[network.version]:
        raise WrongNetworkError(f"A network is no wider than /{WIDEST[network.version]}: this one is half the world.")
    return network


_WRONG: Final = "This is no network address. It looks like 203.0.113.7, 192.0.2.0/24 or 2001:db8::/32."


class FullError(Exception):
    """There is no room on the list for another network."""


def deny(
    connection: sa.Connection, where: str, network: Network, *, reason: str, by: str, now: float, until: float | None
) -> bool:
    """Put a network on the list, or change why and for how long it is there. Returns whether it is new on it."""
    key = {"connection": where, "network": str(network)}
    here = sa.and_(col(DeniedAddress.connection) == where, col(DeniedAddress.network) == str(network))
    there = connection.execute(sa.select(col(DeniedAddress.until)).where(here)).first()
    if there is None:
        connection.execute(sa.delete(DeniedAddress).where(col(DeniedAddress.until) <= now))
        if (connection.execute(sa.select(sa.func.count()).select_from(DeniedAddress)).scalar() or 0) >= MOST:
            raise FullError
    said = {"reason": reason, "by": by, "at": now, "until": until}
    insert = dialect_of(connection).insert(DeniedAddress).values(**key, **said)
    connection.execute(insert.on_conflict_do_update(index_elements=list(key), set_=said))
    return there is None or (there.until is not None and there.until <= now)


def allow(connection: sa.Connection, where: str, network: Network) -> bool:
    """Take a network off the list. Returns whether it was on it."""
    here = sa.and_(col(DeniedAddress.connection) == where, col(DeniedAddress.network) == str(network))
    return connection.execute(sa.delete(DeniedAddress).where(here)).rowcount > 0


def listed(connection: sa.Connection, *, now: float, most: int) -> tuple[Sequence[DeniedAddress], int]:
    """Return what is on the list, the latest first, and how much is on it in all."""
    valid = sa.or_(col(DeniedAddress.until).is_(None), col(DeniedAddress.until) > now)
    count = connection.execute(sa.select(sa.func.count()).select_from(DeniedAddress).where(valid)).scalar() or 0
    query = sa.select(DeniedAddress.__table__).where(valid)  # type: ignore[attr-defined]  # SQLModel hides it
    query = query.order_by(col(DeniedAddress.at).desc(), col(DeniedAddress.network)).limit(most)
    return [DeniedAddress(**row) for row in connection.execute(query).mappings()], count


@dataclass(frozen=True, slots=True)
class _Entry:
    where: str
    listed: Listed
    until: float | None


class DeniedAddresses:
    """The list, held here, and read again every few seconds."""

    def __init__(self, store: Store, *, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self._networks: Mapping[tuple[int, int], Mapping[int, Sequence[_Entry]]] = {}
        self._read_at: float | None = None
        self._reading: asyncio.Task[None] | None = None

    async def find(self, where: str, address: str) -> Listed | None:
        """Return the narrowest network on the list that has the address. Raises StorageError.

        Only who asks first waits for the list; later it is read again meanwhile.
        """
        now = self._now()
        if self._read_at is None or not now - BELIEVED < self._read_at <= now:
            if self._reading is None:
                self._reading = asyncio.get_running_loop().create_task(self._read())
                self._reading.add_done_callback(self._done)
            if self._read_at is None:
                await asyncio.shield(self._reading)
        found = address_of(address)
        if found is None or not self._networks:
            return None
        for version, length in self._networks:
            if version == found.version:
                start = int(found) >> (found.max_prefixlen - length)
                for entry in self._networks[version, length].get(start, ()):
                    if entry.where in {"", where} and (entry.until is None or entry.until > now):
                        return entry.listed
        return None

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._reading = None
        if not task.cancelled():
            task.exception()  # whoever waits for the list has it; nobody else needs it

    async def close(self) -> None:
        """Read no more."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        rows = await self._store.read(
            lambda session: session.execute(
                sa.select(
                    col(DeniedAddress.connection),
                    col(DeniedAddress.network),
                    col(DeniedAddress.reason),
                    col(DeniedAddress.until),
                ).limit(MOST)
            ).all()
        )
        found: dict[tuple[int, int], dict[int, list[_Entry]]] = {}
        for where, network, reason, until in rows:
            each = ip_network(network)
            start = int(each.network_address) >> (each.max_prefixlen - each.prefixlen)
            entry = _Entry(where, Listed(network=network, reason=reason), until)
            found.setdefault((each.version, each.prefixlen), {}).setdefault(start, []).append(entry)
        self._networks = dict(sorted(found.items(), key=lambda one: -one[0][1]))
        self._read_at = self._now()
