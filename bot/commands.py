"""Commands: what people type after /cicflow."""

import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot import words
from bot.replies import Said, tell
from flows.problems import nearest

COMMAND: Final = "/cicflow"
_QUOTES: Final = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " "})


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A command as somebody typed it."""

    user: str
    channel: str
    trigger_id: str
    words: Sequence[str]

    @property
    def rest(self) -> Sequence[str]:
        """What was typed after the verb."""
        return self.words[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One thing that can be typed."""

    usage: str
    about: str
    example: str
    carry_out: Callable[[Typed], Awaitable[Said | None]]
    """Returns what to answer, or None if it has answered in another way."""

    @property
    def name(self) -> str:
        """The first word."""
        return self.usage.partition(" ")[0]


class Commands:
    """The verbs of /cicflow."""

    def __init__(self, verbs: Sequence[Verb]) -> None:
        about = Verb(
            usage="help [command]",
            about="this list, or more about one command",
            example="help enable",
            carry_out=self._help,
        )
        self.verbs: Mapping[str, Verb] = {verb.name: verb for verb in (*verbs, about)}

    async def carry_out(self, typed: Typed) -> Said | None:
        """Carry out what was typed, and return what to answer."""
        name = typed.words[0].lower() if typed.words else "help"
        verb = self.verbs.get(name)
        if verb is None:
            guess = nearest(name, self.verbs)
            return f"I do not know `{words.escape(name, 40)}`{f'; {guess}' if guess else '.'} Type `{COMMAND} help` for what I know."
        return await verb.carry_out(typed)

    async def _help(self, typed: Typed) -> Said:
        verb = self.verbs.get(typed.rest[0].lower()) if typed.rest else None
        if verb is not None:
            return f"`{COMMAND} {verb.usage}`: {verb.about}.\nFor instance `{COMMAND} {verb.example}`."
        return "\n".join(f"• `{COMMAND} {verb.usage}`: {verb.about}" for verb in self.verbs.values())


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
        )
        said = await commands.carry_out(typed)
        if said is not None:
            await tell(respond, said)
