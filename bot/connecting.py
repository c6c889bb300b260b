"""Connections, as people in Slack see, make, change and remove them."""

import asyncio
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from pydantic import ValidationError
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot import connection_forms, forms, words
from bot.commands import COMMAND, Typed, Verb
from bot.concerned import Concerned
from bot.connections import Accounts
from bot.health import ACT, Health, line
from bot.installing import NO_ADDRESS, Installing, Wish
from bot.permissions import Permissions
from bot.replies import Said, refusal, tell
from bot.stream_watch import CONNECTOR, StreamWatch
from bot.undertakings import Undertakings
from bot.workspace import Workspace
from connectors.base import Catalog, Connector
from connectors.errors import ConnectorError, Reconnect
from flows.problems import nearest
from flows.vault import Vault

log = structlog.get_logger()

PATIENCE: Final = 2.0
"""Seconds that a submitted form waits for the service: it must be answered within three."""
SHOWN: Final = 15
"""Connections in one message."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")
_BUTTONS: Final = re.compile(rf"{ACT}:(check|edit|install|remove|connect:.+|resume:logs|resume:events)")

View = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A connection that was just tried."""

    ok: bool
    said: str
    lines: Sequence[str] = ()
    """What it may not do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form of a connection with what was typed into it."""

    connector: Connector[Any, Any]
    name: str
    new: bool
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connecting:
    """Lists connections, and opens and saves their forms."""

    vault: Vault
    catalog: Catalog
    accounts: Accounts
    health: Health
    watch: StreamWatch
    installing: Installing
    undertakings: Undertakings
    concerned: Concerned
    permissions: Permissions
    workspace: Workspace
    now: Callable[[], float]

    def verbs(self) -> Sequence[Verb]:
        """Return what can be typed."""
        return [
            Verb(
                usage="connections [connection]",
                about="the connections, and how they are; or try one, and see what is installed in its tenant",
                example="connections",
                carry_out=self._list,
            ),
            Verb(
                usage="connect [service]",
                about="connect a tenant, or another service",
                example=f"connect {CONNECTOR}",
                carry_out=self._connect,
            ),
        ]

    # --- seeing -----------------------------------------------------------------------------------------------------

    async def _list(self, typed: Typed) -> Said:
        if typed.rest:
            if not await self.permissions.may(typed.user, "configure"):
                return await refusal("configure", self.permissions)
            return await self.checked(" ".join(typed.rest))
        names = await self.vault.names()
        new = [
            words.button(f"Connect {connector.title}", action=f"{ACT}:connect:{name}", value=name)
            for name, connector in self.catalog.connectors.items()
        ]
        if not names:
            text = "There is no connection yet."
            return text, [words.section(text), {"type": "actions", "elements": new[:25]}]
        lines = await self.health.lines()
        blocks: list[dict[str, Any]] = []
        services = {each: name for name in self.catalog.connectors for each in await self.vault.names(name)}
        for name in names[:SHOWN]:
            title = self.catalog.connectors[services[name]].title if name in services else ""
            blocks.append(words.section(f"{lines.get(name, name)}\n{words.escape(title)}"))
            buttons = {"check": "Check now", "edit": "Edit"}
            if services.get(name) == CONNECTOR:
                buttons["install"] = "Install …"
            buttons["remove"] = "Remove"
            shown = [words.button(text, action=f"{ACT}:{act}", value=name) for act, text in buttons.items()]
            blocks.append({"type": "actions", "elements": shown})
        if len(names) > SHOWN:
            rest = ", ".join(f"`{words.escape(name, 60)}`" for name in names[SHOWN:])
            blocks.append(words.section(f"and {rest}: see them with `{COMMAND} connections <connection>`"))
        blocks.append({"type": "actions", "elements": new[:25]})
        return words.number(len(names), "connection"), blocks

    async def checked(self, name: str) -> Said:
        """Try a connection now. Returns how it is, and what of ours is in its tenant."""
        account = await self.vault.named(name)
        if account is None:
            guess = nearest(name, await self.vault.names())
            return f"There is no connection `{words.escape(name, 60)}`{f'; {guess}' if guess else '.'}"
        ok, _ = await self.health.check(name)
        found = [line(name, (await self.health.records.connections()).get(name))]
        if account.connector == CONNECTOR:
            try:
                found += self.installing.missing(await self.accounts.client(name))
                if ok:
                    found += [
                        f"• {words.escape(said, 600)}" for said in (await self.installing.standing(account)).lines
                    ]
            except ConnectorError as error:
                found.append(f"• {words.escape(error.message, 600)}")
        return "\n".join(found)

    # --- opening forms ----------------------------------------------------------------------------------------------

    async def _connect(self, typed: Typed) -> Said | None:
        known = self.catalog.connectors
        name = typed.rest[0].lower() if typed.rest else next(iter(known))
        if name not in known:
            guess = nearest(name, known)
            there = ", ".join(f"`{each}`" for each in known)
            return f"I do not know `{words.escape(name, 40)}`{f'; {guess}' if guess else '.'} There is {there}."
        await self.open("connect", name, user=typed.user, trigger_id=typed.trigger_id)
        return None

    async def open(self, what: str, name: str, *, user: str, trigger_id: str) -> None:
        """Open a form. Something is opened before anything else is looked at: the trigger lasts three seconds."""
        loading = forms.loading("Connections")
        opened = await self.workspace.call("views.open", trigger_id=trigger_id, view=loading)
        view = await self._view(what, name, user)
        await self.workspace.call("views.update", view_id=opened["view"]["id"], view=view)

    async def _view(self, what: str, name: str, user: str) -> View:
        if not await self.permissions.may(user, "configure"):
            return _notice(await refusal("configure", self.permissions))
        if what == "connect":
            return connection_forms.connection_form(self.catalog.connectors[name], None, {})
        account = await self.vault.named(name)
        if account is None:
            return _notice("This connection is not there any more.")
        match what:
            case "edit":
                connector = self.catalog.connectors[account.connector]
                return connection_forms.connection_form(connector, name, account.settings)
            case "install":
                if self.installing.public_url is None:
                    return _notice(NO_ADDRESS)
                try:
                    standing = await self.installing.standing(account)
                except ConnectorError as error:
                    return _notice(
                        f"The tenant does not say what is installed in it. {words.escape(error.message, 900)}"
                    )
                if standing.triggers is None and not standing.streams:
                    return _notice("\n".join(words.escape(said, 600) for said in standing.lines))
                from connectors.auth0.shipped import SHIPPED

                triggers = {str(trigger): shipped.when for trigger, shipped in SHIPPED.items()}
                return connection_forms.installation_form(name, triggers, standing)
            case _:
                flows = await self.concerned.flows(name)
                if flows:
                    used = words.listed([f"`{flow.name}`" for flow in flows])
                    return _notice(
                        f"{used} would fail without this connection. Switch them off first, or let them use another."
                    )
                idle = [flow.name for flow in await self.concerned.users(name)]
                return connection_forms.removal_form(name, installed=account.connector == CONNECTOR, used_by=idle)

    # --- making and changing ----------------------------------------------------------------------------------------

    async def filled(
        self, kept: Mapping[str, Any], values: Mapping[str, Any], *, user: str
    ) -> Filled | dict[str, str] | str:
        """Return what a form says, or what is wrong with which field, or with the whole."""
        if not await self.permissions.may(user, "configure"):
            return await refusal("configure", self.permissions)
        connector = self.catalog.connectors[str(kept["connector"])]
        given = connection_forms.filled_in(connector.settings, values)
        wrong: dict[str, str] = {}
        name = str(kept["name"] or connection_forms.typed_name(values))
        account = await self.vault.named(name)
        if kept["name"] is None:
            if not _NAME.fullmatch(name):
                wrong[connection_forms.NAME] = "Small letters, digits and hyphens, please, with no space between."
            elif account is not None:
                wrong[connection_forms.NAME] = "There is a connection of this name already."
        elif account is None:
            return "This connection is not there any more."
        else:
            wrong |= _keep_secrets(connector, given, account.settings)
        try:
            connector.settings.model_validate(given)
        except ValidationError as error:
            for found in error.errors(include_url=False, include_context=False, include_input=False):
                message = (
                    "This is needed." if found["type"] == "missing" else found["msg"].removeprefix("Value error, ")
                )
                wrong.setdefault(str(found["loc"][0]) if found["loc"] else "", message)
        if "" in wrong:
            return words.escape(wrong[""])
        return wrong or Filled(connector=connector, name=name, new=kept["name"] is None, settings=given)

    async def tried(self, form: Filled) -> Tried:
        """Try what was filled in with one harmless call. Nothing is kept yet."""
        client = self.accounts.trial(form.connector.name, form.settings)
        try:
            said, ok = await form.connector.check(client), True
        except Reconnect as error:
            if error.missing_scope is None:
                raise
            said, ok = error.message, False  # the credentials are right, and some permissions are missing
        lines = self.installing.missing(client) if form.connector.name == CONNECTOR else ()
        return Tried(ok=ok, said=said, lines=lines)

    async def keep(self, form: Filled, tried: Tried, *, user: str) -> str:
        """Keep a connection that was tried. Returns what to say."""
        before = await self.vault.named(form.name)
        if form.new and before is not None:
            return "Somebody has just made a connection of this name, so this one was not kept."
        await self.vault.keep(
            form.name,
            connector=form.connector.name,
            settings=form.settings,
            accepts=before.accepts if before else "signed",
            now=self.now(),
        )
        await self.health.known(form.name, ok=tried.ok, said=tried.said)
        log.info("connection_kept", connection=form.name, new=form.new, user=user)
        shown = words.escape(form.name, 60)
        said = [f":white_check_mark: *{shown}* is kept. {words.escape(tried.said, 600)}"]
        if tried.lines:
            said += ["Its application lacks these permissions. Without them it cannot:", *tried.lines]
        if form.connector.name == CONNECTOR:
            said.append(f"Install our Auth0 Actions and streams in the tenant from `{COMMAND} connections`.")
        return "\n".join(said)

    # --- installing and removing ------------------------------------------------------------------------------------

    async def install(self, kept: Mapping[str, Any], values: Mapping[str, Any], *, user: str) -> str:
        """Begin to install what was chosen. Returns what to say meanwhile."""
        if not await self.permissions.may(user, "configure"):
            return await refusal("configure", self.permissions)
        name, streams = str(kept["name"]), connection_forms.ticked(values, "streams")
        wish = Wish(
            triggers=connection_forms.ticked(values, "triggers") if kept["triggers"] else None,
            streams={str(kind): kind in streams for kind in kept["streams"]},
            on_failure=connection_forms.chosen(values, "on-failure"),
        )
        log.info("installing", connection=name, triggers=wish.triggers, streams=streams, user=user)
        self._begin(
            user, f"Installing in the tenant of {words.escape(name, 60)}", lambda: self.installing.install(name, wish)
        )
        return "I am at it. It can take a minute; I send you a message when it is done. You may close this."

    async def remove(self, name: str, values: Mapping[str, Any], *, user: str) -> str:
        """Begin to remove a connection. Returns what to say meanwhile."""
        if not await self.permissions.may(user, "configure"):
            return await refusal("configure", self.permissions)
        if await self.concerned.flows(name):
            return "Meanwhile a flow uses this connection, so it was not removed."
        cleaning = connection_forms.chosen(values, "uninstall") == "yes"

        async def work() -> Sequence[str]:
            lines: list[str] = []
            if cleaning:
                clean, lines = await self.installing.uninstall(name)
                if not clean:
                    return [*lines, "So the connection is still there. Remove it without cleaning up, or try again."]
            gone = await self.vault.forget(name)
            await self.health.records.forget(name)
            self.accounts.forget(name)
            log.info("connection_removed", connection=name, user=user)
            return [*lines, "The connection is forgotten." if gone else "The connection was not there any more."]

        self._begin(user, f"Removing the connection {words.escape(name, 60)}", work)
        return "I am at it, and send you a message when it is done. You may close this."

    def _begin(self, user: str, title: str, work: Callable[[], Any]) -> None:
        self.undertakings.begin(user, title, work, key=f"undertaking/{secrets.token_hex(6)}")


def _keep_secrets(connector: Connector[Any, Any], given: dict[str, Any], before: Mapping[str, Any]) -> dict[str, str]:
    """Fill in the secrets that were left empty. They go nowhere else than where they went before."""
    fields = connector.settings.model_fields
    kept = [name for name, info in fields.items() if connection_forms.is_secret(info) and name not in given]
    if not kept:
        return {}
    named = [name for name, info in fields.items() if info.is_required() and not connection_forms.is_secret(info)]
    other = [name for name in named if given.get(name) != before.get(name)]
    if other:
        titles = words.listed([str(fields[name].title or name) for name in other])
        return dict.fromkeys(kept, f"Please type it again, because this is another one: {titles}.")
    given.update({name: before[name] for name in kept if name in before})
    return {}


def _notice(text: str) -> View:
    return forms.notice("Connections", text)


def register(app: AsyncApp, connecting: Connecting) -> None:
    """Listen to buttons and forms about connections."""

    @app.action(_BUTTONS)
    async def pressed(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        what, name, user = str(action["action_id"]).partition(":")[2], str(action["value"]), str(body["user"]["id"])
        what = "connect" if what.startswith("connect:") else what
        if what not in {"check", "resume:logs", "resume:events"}:
            await connecting.open(what, name, user=user, trigger_id=str(body["trigger_id"]))
        elif not await connecting.permissions.may(user, "configure"):
            await tell(respond, await refusal("configure", connecting.permissions))
        elif what == "check":
            await tell(respond, await connecting.checked(name))
        else:
            await tell(respond, await connecting.watch.resume(name, "logs" if what == "resume:logs" else "events"))

    @app.view(connection_forms.CONNECTION)
    async def connection(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        kept, values, user = json.loads(view["private_metadata"]), view["state"]["values"], str(body["user"]["id"])
        form = await connecting.filled(kept, values, user=user)
        match form:
            case str():
                await ack(response_action="update", view=_notice(form))
            case dict():
                await ack(response_action="errors", errors=form)
            case Filled():
                await _submitted(connecting, ack, str(view["id"]), form, user)

    @app.view(connection_forms.INSTALLATION)
    async def installation(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        kept, values = json.loads(view["private_metadata"]), view["state"]["values"]
        said = await connecting.install(kept, values, user=str(body["user"]["id"]))
        await ack(response_action="update", view=_notice(said))

    @app.view(connection_forms.REMOVAL)
    async def removal(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        name = str(json.loads(view["private_metadata"])["name"])
        said = await connecting.remove(name, view["state"]["values"], user=str(body["user"]["id"]))
        await ack(response_action="update", view=_notice(said))


async def _submitted(connecting: Connecting, ack: AsyncAck, view_id: str, form: Filled, user: str) -> None:
    """Try what was filled in. Where the service takes longer than a form may, it is shown in the form afterwards."""
    trial = asyncio.create_task(connecting.tried(form))
    done, _ = await asyncio.wait({trial}, timeout=PATIENCE)
    if not done:
        await ack(response_action="update", view=_notice("The service takes its time. One moment …"))
    try:
        tried = await trial
    except ConnectorError as error:
        if done:
            await ack(response_action="errors", errors={_field(form, error): error.message[:2000]})
        else:
            shown = _shown_again(form)
            name = None if form.new else form.name
            again = connection_forms.connection_form(form.connector, name, shown, problem=error.message)
            await connecting.workspace.call("views.update", view_id=view_id, view=again)
        return
    said = _notice(await connecting.keep(form, tried, user=user))
    if done:
        await ack(response_action="update", view=said)
    else:
        await connecting.workspace.call("views.update", view_id=view_id, view=said)


def _field(form: Filled, error: ConnectorError) -> str:
    """Return the field at which to say why a connection does not work: the secret if it was refused, else the first."""
    fields = form.connector.settings.model_fields
    hidden = [name for name, info in fields.items() if connection_forms.is_secret(info)]
    return str(hidden[0] if isinstance(error, Reconnect) and hidden else next(iter(fields)))


def _shown_again(form: Filled) -> dict[str, Any]:
    """Return what was filled in, without what is secret."""
    fields = form.connector.settings.model_fields
    shown = {name: value for name, value in form.settings.items() if not connection_forms.is_secret(fields[name])}
    return {connection_forms.NAME: form.name, **shown}
