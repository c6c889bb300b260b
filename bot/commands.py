"""Commands: what people type after /cicflow."""

import re
import shlex
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot import words
from bot.decisions import refusal, tell
from bot.flow_settings import FlowSettings
from bot.permissions import RIGHTS, Permissions
from flows.check import nearest
from flows.decisions import Decisions, question_of
from flows.history import History
from flows.language import Template
from flows.store import Store
from flows.vault import Vault

log = structlog.get_logger()

COMMAND: Final = "/cicflow"
DAY: Final = 86400
_QUOTES: Final = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " "})
_SUBJECT: Final = re.compile(r"<(?:@|!subteam\^)([UWS][A-Z0-9]{2,20})(?:\|[^>]*)?>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A command as somebody typed it."""

    user: str
    channel: str
    trigger_id: str
    words: list[str]
    respond: AsyncRespond


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One thing that can be typed."""

    usage: str
    about: str
    example: str
    carry_out: Callable[[Typed], Awaitable[str | None]]
    """Returns what to answer, or None if it has answered in another way."""


@dataclass(slots=True, kw_only=True)
class Commands:
    """The verbs of /cicflow."""

    store: Store
    history: History
    vault: Vault
    decisions: Decisions
    permissions: Permissions
    library: Mapping[str, Template]
    settings: FlowSettings
    verbs: dict[str, Verb] = field(default_factory=dict)

    def __post_init__(self) -> None:
        template = next(iter(self.library), "name")
        self.verbs = {
            "list": Verb(
                usage="list",
                about="the flows there are, and which are on",
                example="list",
                carry_out=self._list,
            ),
            "enable": Verb(
                usage="enable <flow>",
                about="set a flow up and switch it on",
                example=f"enable {template}",
                carry_out=self._configure,
            ),
            "configure": Verb(
                usage="configure <flow>",
                about="change the settings of a flow that is on",
                example=f"configure {template}",
                carry_out=self._configure,
            ),
            "disable": Verb(
                usage="disable <flow>",
                about="switch a flow off",
                example=f"disable {template}",
                carry_out=self._disable,
            ),
            "status": Verb(
                usage="status [flow]",
                about="how the flows are doing, and what waits for an answer",
                example=f"status {template}",
                carry_out=self._status,
            ),
            "permissions": Verb(
                usage="permissions",
                about="who may decide and who may configure",
                example="permissions",
                carry_out=self._permissions,
            ),
            "allow": Verb(
                usage="allow @person-or-group decide|configure",
                about="let people decide, or set up flows",
                example="allow @security-team decide",
                carry_out=self._allow,
            ),
            "disallow": Verb(
                usage="disallow @person-or-group decide|configure",
                about="take that back",
                example="disallow @security-team decide",
                carry_out=self._disallow,
            ),
            "help": Verb(
                usage="help [command]",
                about="this list, or more about one command",
                example="help enable",
                carry_out=self._help,
            ),
        }

    async def carry_out(self, typed: Typed) -> str | None:
        """Carry out what was typed, and return what to answer."""
        name = typed.words[0].lower() if typed.words else "help"
        verb = self.verbs.get(name)
        if verb is None:
            guess = nearest(name, self.verbs)
            return f"I do not know `{words.escape(name, 40)}`{f'; {guess}' if guess else '.'} Type `{COMMAND} help` for what I know."
        return await verb.carry_out(typed)

    async def _list(self, _typed: Typed) -> str:
        flows = {flow.name: flow for flow in await self.store.flows()}
        lines = []
        for name, template in self.library.items():
            flow = flows.get(name)
            sign = ":large_green_circle: on" if flow and flow.enabled else ":white_circle: off"
            lines.append(f"{sign}  `{name}`  {words.escape(template.title)}\n{words.escape(template.about, 500)}")
        return "\n".join([*lines, f"Switch one on with `{COMMAND} enable <flow>`."])

    async def _configure(self, typed: Typed) -> str | None:
        template = self.library.get(typed.words[1]) if len(typed.words) == 2 else None
        if template is None:
            return self._which(typed)
        await self.settings.open(template, user=typed.user, channel=typed.channel, trigger_id=typed.trigger_id)
        return None

    async def _disable(self, typed: Typed) -> str:
        template = self.library.get(typed.words[1]) if len(typed.words) == 2 else None
        if template is None:
            return self._which(typed)
        if not await self.permissions.may(typed.user, "configure"):
            return await refusal("configure", self.permissions)
        name = template.template
        flow = await self.store.flow(name)
        if flow is None or not await self.store.switch_off(name, by=typed.user, now=time.time()):
            return f"`{name}` is not on, so there is nothing to switch off."
        log.info("flow_disabled", flow=name, user=typed.user)
        await self.settings.announce(flow, f"switched off *{words.escape(template.title)}*", by=typed.user)
        return f"`{name}` is off. Questions that are open stay open; new events wake nothing."

    async def _status(self, typed: Typed) -> str:
        if len(typed.words) > 1 and typed.words[1] not in self.library:
            return self._which(typed)
        flows = [flow for flow in await self.store.flows() if len(typed.words) < 2 or flow.name == typed.words[1]]
        if not flows:
            return f"Nothing is set up yet. See `{COMMAND} list`."
        now, lines = time.time(), []
        for flow in flows:
            state = ":large_green_circle: on" if flow.enabled else ":white_circle: off"
            counts = await self.history.counts(flow.name, since=now - DAY)
            runs = ", ".join(f"{number} {state}" for state, number in sorted(counts.items())) or "none"
            lines.append(
                f"{state}  `{flow.name}`, set by {words.person(flow.changed_by)} {words.moment(flow.changed_at)}. "
                f"Runs in the last 24 hours: {runs}."
            )
            failed = next(iter(await self.history.latest(flow=flow.name, states=["failed"], limit=1)), None)
            if failed:
                lines.append(
                    f":warning: Last failure, {words.moment(failed.began_at)}: {words.escape(failed.message, 400)}"
                )
        for decision in await self.decisions.pending():
            question = question_of(decision)
            if any(flow.name == question.flow for flow in flows):
                lines.append(
                    f":hourglass: {words.escape(question.text)} in <#{decision.channel}>, until {words.moment(decision.deadline)}"
                )
        connections = ", ".join(words.escape(name) for name in await self.vault.names()) or "none"
        return "\n".join([*lines, f"Connections: {connections}."])

    async def _permissions(self, _typed: Typed) -> str:
        lines = [f"• {right}: {await self.permissions.who_may(right)}" for right in RIGHTS]
        return "\n".join([*lines, f"Change it with `{COMMAND} allow` and `{COMMAND} disallow`."])

    async def _allow(self, typed: Typed) -> str:
        return await self._change_right(typed, given=True)

    async def _disallow(self, typed: Typed) -> str:
        return await self._change_right(typed, given=False)

    async def _change_right(self, typed: Typed, *, given: bool) -> str:
        rest = [word.lower() for word in typed.words[2:] if word.lower() not in {"to", "may"}]
        subject = _SUBJECT.fullmatch(typed.words[1]) if len(typed.words) > 1 else None
        right = next((right for right in RIGHTS if rest == [right]), None)
        if subject is None or right is None:
            verb = self.verbs[typed.words[0].lower()]
            return f"Say whom and what: `{COMMAND} {verb.usage}`, for instance `{COMMAND} {verb.example}`."
        if not await self.permissions.may_give(typed.user):
            return "Only workspace admins can change who may do what, so nothing was changed."
        name = subject.group(1)
        if given:
            await self.store.allow(right, name)
            log.info("allowed", right=right, subject=name, by=typed.user)
            return f"{words.subject(name)} may {right} now."
        if not await self.store.disallow(right, name):
            return f"{words.subject(name)} was not allowed to {right}, so nothing changed."
        log.info("disallowed", right=right, subject=name, by=typed.user)
        return f"{words.subject(name)} may not {right} any more."

    async def _help(self, typed: Typed) -> str:
        verb = self.verbs.get(typed.words[1].lower()) if len(typed.words) > 1 else None
        if verb is not None:
            return f"`{COMMAND} {verb.usage}`: {verb.about}.\nFor instance `{COMMAND} {verb.example}`."
        return "\n".join(f"• `{COMMAND} {verb.usage}`: {verb.about}" for verb in self.verbs.values())

    def _which(self, typed: Typed) -> str:
        """Return what to answer when no flow was named, or one that is not there."""
        known = ", ".join(f"`{name}`" for name in self.library)
        if len(typed.words) < 2:
            return f"Which flow? There is {known}."
        name = " ".join(typed.words[1:])
        guess = nearest(name.lower(), self.library)
        return f"There is no flow `{words.escape(name, 60)}`{f'; {guess}' if guess else '.'} There is {known}."


def split(text: str) -> list[str]:
    """Return the words of what was typed. Quotes may be the curly ones that phones write."""
    straight = text.translate(_QUOTES)
    try:
        return shlex.split(straight)
    except ValueError:  # a quote that is not closed
        return straight.split()


def register(app: AsyncApp, commands: Commands) -> None:
    """Listen to /cicflow."""

    @app.command(COMMAND)
    async def command(ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        typed = Typed(
            user=str(body["user_id"]),
            channel=str(body["channel_id"]),
            trigger_id=str(body["trigger_id"]),
            words=split(str(body.get("text") or "")),
            respond=respond,
        )
        answer = await commands.carry_out(typed)
        if answer is not None:
            await tell(respond, answer)
