"""Our Auth0 Actions and streams in a tenant, as people in Slack have them installed, see them and take them away."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog

from bot import words
from bot.connections import Accounts
from bot.stream_watch import CONNECTOR, address
from connectors.base import Catalog
from connectors.errors import ConnectorError
from flows.vault import Account, Vault

if TYPE_CHECKING:
    from connectors.auth0 import install, streams
    from connectors.auth0.client import Tenant

log = structlog.get_logger()

FEW: Final = 4
"""Things that are named of those which need a permission."""
ON_FAILURE: Final[Mapping[str, str]] = {
    "open": "let logins and the like pass",
    "closed": "refuse logins and the like",
}
NO_ADDRESS: Final = "CICFLOW_PUBLIC_URL is not set where this bot runs: Auth0 must know where to reach it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What of ours is in a tenant."""

    triggers: Collection[str] | None
    """Those that have one of our Auth0 Actions; None where that cannot be seen."""
    streams: Mapping[str, bool]
    """Whether each of our streams is there. One that cannot be seen is left out."""
    on_failure: str | None
    """What our Auth0 Actions do where the bot cannot be reached; None where that is not known."""
    lines: Sequence[str]
    """The same in words, and what cannot be seen and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to be in a tenant, of what they were shown."""

    triggers: Collection[str] | None
    streams: Mapping[str, bool]
    on_failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Installing:
    """Installs, looks at and takes away what is ours in tenants."""

    vault: Vault
    catalog: Catalog
    accounts: Accounts
    public_url: str | None

    async def standing(self, account: Account) -> Standing:
        """Look what of ours is in a tenant. Raises ConnectorError if it cannot be asked at all."""
        from connectors.auth0 import install, streams

        client = await self.accounts.client(account.name)
        lines: list[str] = []
        overview: install.Overview | None = None
        on_failure: install.OnFailure | None = None
        try:
            overview = await install.status(client)
            if overview.installed:
                on_failure = await install.on_failure_of(client, url=self._url(account), secret=account.secret)
            lines += str(overview).splitlines()
        except ConnectorError as error:
            lines.append(error.message)
        found: dict[str, bool] = {}
        for kind in streams.KINDS:
            try:
                status = await streams.status(client, kind, url=self._url(account))
            except ConnectorError as error:
                lines.append(f"The {streams.CALLED[kind]} cannot be seen. {error.message}")
            else:
                found[kind] = status.installed
                lines.append(str(status))
        if on_failure is not None:
            lines.append(f"Where this bot cannot be reached, they {ON_FAILURE[on_failure]}.")
        triggers = overview.installed if overview else None
        return Standing(triggers=triggers, streams=found, on_failure=on_failure, lines=lines)

    async def install(self, name: str, wish: Wish) -> list[str]:
        """Bring a tenant to what somebody wants, one thing after the other. Returns what became of each, in words."""
        from connectors.auth0 import streams
        from connectors.auth0.shipped import TRIGGERS

        account = await self._account(name)
        client, url = await self.accounts.client(name), self._url(account)
        standing = await self.standing(account)
        steps: list[tuple[str, Callable[[], Awaitable[object]]]] = []
        if wish.triggers is not None:
            before = standing.triggers or ()
            for trigger in TRIGGERS:
                what = f"The Auth0 Action for {trigger}"
                if trigger in wish.triggers:
                    steps.append((what, _installs(client, url, account.secret, trigger, wish.on_failure)))
                elif trigger in before:
                    steps.append((what, _uninstalls(client, trigger)))
        for kind in streams.KINDS:
            what = f"The {streams.CALLED[kind]}"
            if wish.streams.get(kind):
                steps.append((what, _streams(client, url, account.secret, kind)))
            elif kind in wish.streams and standing.streams.get(kind):
                steps.append((what, _stops(client, kind)))
        return [await _said(what, act) for what, act in steps] or ["There was nothing to do."]

    async def uninstall(self, name: str) -> tuple[bool, list[str]]:
        """Take everything of ours out of a tenant. Returns whether all went well, and what became of each, in words."""
        from connectors.auth0 import streams
        from connectors.auth0.shipped import TRIGGERS

        account = await self._account(name)
        client = await self.accounts.client(name)
        standing = await self.standing(account)
        steps: list[tuple[str, Callable[[], Awaitable[object]]]] = [
            (f"The Auth0 Action for {trigger}", _uninstalls(client, trigger))
            for trigger in TRIGGERS
            if standing.triggers is None or trigger in standing.triggers
        ]
        steps += [
            (f"The {streams.CALLED[kind]}", _stops(client, kind))
            for kind in streams.KINDS
            if standing.streams.get(kind, True)
        ]
        lines = [await _said(what, act) for what, act in steps]
        return not any(line.startswith(_WRONG) for line in lines), lines or ["Nothing of ours was in the tenant."]

    def missing(self, client: Any) -> list[str]:
        """Return the permissions that a connection lacks, each with what cannot be done without it."""
        from connectors.auth0.granted import missing

        lines = []
        for scope, needed_for in missing(client.credentials.scopes).items():
            actions = (self.catalog.action(f"{CONNECTOR}.{name}") for name in needed_for)
            named = [action.title if action else name for action, name in zip(actions, needed_for, strict=True)]
            more = [f"{len(named) - FEW} more"] if len(named) > FEW else []
            lines.append(f"• `{scope}`: {words.listed([*named[:FEW], *more])}")
        return lines

    async def _account(self, name: str) -> Account:
        account = await self.vault.named(name)
        if account is None or account.connector != CONNECTOR:
            raise ConnectorError(f"There is no tenant connected as {name} any more.")
        return account

    def _url(self, account: Account) -> str:
        return address(self.public_url or "", account)


_RIGHT: Final = ":white_check_mark:"
_WRONG: Final = ":x:"


async def _said(what: str, act: Callable[[], Awaitable[object]]) -> str:
    """Do something, and say in a line what came of it."""
    try:
        return f"{_RIGHT} {words.escape(str(await act()), 600)}"
    except (ConnectorError, ValueError) as error:
        said = error.message if isinstance(error, ConnectorError) else str(error)
        log.warning("not_installed", what=what, why=said)
        return f"{_WRONG} {what}: {words.escape(said, 600)}"


def _installs(
    client: "Tenant", url: str, secret: str, trigger: str, on_failure: str
) -> Callable[[], Awaitable["install.Installation"]]:
    from connectors.auth0 import install

    return lambda: install.install(
        client,
        url=url,
        secret=secret,
        triggers=[trigger],
        on_failure="closed" if on_failure == "closed" else "open",
    )


def _uninstalls(client: "Tenant", trigger: str) -> Callable[[], Awaitable["install.Removal"]]:
    from connectors.auth0 import install

    return lambda: install.uninstall(client, triggers=[trigger])


def _streams(
    client: "Tenant", url: str, secret: str, kind: "streams.Kind"
) -> Callable[[], Awaitable["streams.Installed"]]:
    from connectors.auth0 import streams

    return lambda: streams.install(client, kind, url=url, secret=secret)


def _stops(client: "Tenant", kind: "streams.Kind") -> Callable[[], Awaitable["streams.Removed"]]:
    from connectors.auth0 import streams

    return lambda: streams.uninstall(client, kind)
