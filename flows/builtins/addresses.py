"""Network addresses that this workspace does not trust: a login from one of them is risky."""

import time
from datetime import UTC, datetime
from typing import Annotated, Final

import sqlalchemy as sa
from pydantic import AfterValidator, Field

from connectors.base import Declaring, Value
from connectors.errors import Refused
from flows import denied_addresses
from flows.denied_addresses import FullError, network_of
from flows.durations import Duration, seconds

addresses: Final = Declaring("addresses", title="Network addresses")

LISTED: Final = 1000
"""Networks that are listed at most."""


def _one_network(text: str) -> str:
    return str(network_of(text))


NetworkText = Annotated[
    str,
    AfterValidator(_one_network),
    Field(
        max_length=60,
        title="Network",
        description="An address such as 203.0.113.7, or a network such as 192.0.2.0/24 or 2001:db8::/32.",
    ),
]
Where = Annotated[
    str,
    Field(
        default="",
        max_length=200,
        title="Connection",
        description="The name of the connection whose logins it is for. Empty: all.",
    ),
]


class ToDeny(Value):
    """A network that is not to be trusted."""

    network: NetworkText
    connection: Where = ""
    reason: str = Field(default="", max_length=200, title="Reason", description="Why, for those who see an alert.")
    by: str = Field(default="", max_length=200, title="By", description="Who has decided so.")
    lasts: Duration | None = Field(
        default=None, title="Lasts", description="After this time it is trusted again, such as 7d. Empty: never."
    )


class Denied(Value):
    """A network that is not trusted."""

    network: str = Field(title="Network", description="The network, in its usual spelling.")
    connection: str = Field(title="Connection", description="The connection it is for; empty: all.")
    until: str | None = Field(title="Until", description="When it is trusted again; empty: never.")
    new: bool = Field(title="Is new", description="Whether it was trusted before.")


@addresses.action("Deny a network address", effect="changes", undo="allow_address", repeatable=True, stores=True)
def deny_address(connection: sa.Connection, given: ToDeny) -> Denied:
    """Trust a network address, or a network, no more: cicflow finds every login from it risky.

    This is for logins that Auth0 does not assess itself. It blocks nobody: a flow decides what becomes of a login.
    """
    now = time.time()
    until = None if given.lasts is None else now + seconds(given.lasts)
    try:
        new = denied_addresses.deny(
            connection,
            given.connection,
            network_of(given.network),
            reason=given.reason,
            by=given.by,
            now=now,
            until=until,
        )
    except FullError as error:
        raise Refused(
            f"The list has {denied_addresses.MOST:,} networks already. Take some off it, or write wider ones."
        ) from error
    return Denied(network=given.network, connection=given.connection, until=_iso(until), new=new)


class ToAllow(Value):
    """A network to trust again."""

    network: NetworkText
    connection: Where = ""


class Allowed(Value):
    """A network that is trusted."""

    network: str = Field(title="Network", description="The network, in its usual spelling.")
    connection: str = Field(title="Connection", description="The connection it is for; empty: all.")
    removed: bool = Field(title="Was denied", description="Whether it was on the list.")


@addresses.action("Allow a network address", effect="changes", undo="deny_address", repeatable=True, stores=True)
def allow_address(connection: sa.Connection, given: ToAllow) -> Allowed:
    """Trust a network address, or a network, again. It must be named as it was denied; one that was not is no error."""
    removed = denied_addresses.allow(connection, given.connection, network_of(given.network))
    return Allowed(network=given.network, connection=given.connection, removed=removed)


class ToList(Value):
    """How many to list."""

    limit: int = Field(default=100, ge=1, le=LISTED, title="Limit", description="How many at most, the latest first.")


class DeniedAddress(Value):
    """One network on the list."""

    network: str = Field(title="Network", description="The network.")
    connection: str = Field(title="Connection", description="The connection it is for; empty: all.")
    reason: str = Field(title="Reason", description="Why it is not trusted.")
    by: str = Field(title="By", description="Who has decided so.")
    at: str = Field(title="Since", description="Since when.")
    until: str | None = Field(title="Until", description="When it is trusted again; empty: never.")


class DeniedAddresses(Value):
    """The list."""

    networks: list[DeniedAddress] = Field(title="Networks", description="The latest first.")
    count: int = Field(title="Count", description="How many there are in all.")


@addresses.action("List denied network addresses", effect="reads", repeatable=True, stores=True)
def list_denied_addresses(connection: sa.Connection, given: ToList) -> DeniedAddresses:
    """List the networks that are not trusted, and why."""
    found, count = denied_addresses.listed(connection, now=time.time(), most=given.limit)
    networks = [
        DeniedAddress(
            network=one.network,
            connection=one.connection,
            reason=one.reason,
            by=one.by,
            at=_iso(one.at) or "",
            until=_iso(one.until),
        )
        for one in found
    ]
    return DeniedAddresses(networks=networks, count=count)


def _iso(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
