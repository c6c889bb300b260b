"""Replies: what the bot says to one person and to nobody else."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot import words
from bot.permissions import Permissions, Right

log = structlog.get_logger()

Message = tuple[str, list[dict[str, Any]]]
"""The one-line text for notifications and screen readers, and the blocks."""
Said = str | Message
_DOES: Final[Mapping[Right, str]] = {"decide": "decide here", "configure": "set up flows"}


async def tell(respond: AsyncRespond, said: Said) -> None:
    """Say something to the person who pressed or typed, and to nobody else."""
    text, blocks = said if isinstance(said, tuple) else (said, words.pages(said.split("\n")))
    answer = await respond(text=text[:3900], blocks=blocks[:50], response_type="ephemeral", replace_original=False)
    status = getattr(answer, "status_code", 200)
    if status != 200:  # Bolt raises nothing for a dead address
        log.warning("reply_not_delivered", status=status)


async def refusal(right: Right, permissions: Permissions, *, besides: Sequence[str] = ()) -> str:
    """Return the sentence that says who can. `besides` are people who may in this case."""
    who = words.listed([*map(words.person, besides), await permissions.who_may(right)])
    what = "decide this" if besides else _DOES[right]
    return f"You are not allowed to {what}, so nothing was done. These are: {who}."
