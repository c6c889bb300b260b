"""Reactions: an emoji under a message."""

from typing import Annotated

from pydantic import Field, StringConstraints

from connectors.base import Value
from connectors.errors import Refused
from connectors.slack.client import Workspace
from connectors.slack.connector import slack
from connectors.slack.messages import MessageRef

Emoji = Annotated[str, StringConstraints(pattern=r"^:?[a-z0-9_+\-']+(::skin-tone-[2-6])?:?$", max_length=100)]


class NewReaction(MessageRef):
    """An emoji to put under a message."""

    emoji: Emoji = Field(title="Emoji", description="Its name, such as white_check_mark.")


class Reaction(Value):
    """An emoji under a message."""

    emoji: str = Field(title="Emoji", description="Its name.")
    existed: bool = Field(title="Existed", description="Whether the app had put it there before.")


@slack.action("Add a reaction", effect="changes", repeatable=True)
async def add_reaction(client: Workspace, given: NewReaction) -> Reaction:
    """Put an emoji under a message in a channel that the app is in. One that is there already is no error."""
    emoji, existed = given.emoji.strip(":"), False
    try:
        await client.call("reactions.add", channel=given.channel, timestamp=given.message, name=emoji)
    except Refused as error:
        if error.code != "already_reacted":
            raise
        existed = True
    return Reaction(emoji=emoji, existed=existed)
