"""Messages: posted in channels, in threads, to one person; changed and deleted."""

from typing import Self

from pydantic import Field, model_validator

from connectors.base import Value
from connectors.errors import Missing
from connectors.slack.client import Workspace
from connectors.slack.connector import slack
from connectors.slack.contents import (
    CHANNEL,
    KEY,
    STAMP,
    ChannelId,
    Contents,
    Key,
    Stamp,
    UserId,
    blocks_of,
    notice_of,
)
from connectors.slack.people import Email, user_with
from connectors.slack.posting import post_once


class MessageRef(Value):
    """A message."""

    channel: ChannelId = Field(title="Channel", description=CHANNEL)
    message: Stamp = Field(title="Message", description=STAMP)


class NewMessage(Contents):
    """A message to be posted in a channel."""

    channel: ChannelId = Field(title="Channel", description=CHANNEL)
    key: Key | None = Field(default=None, title="Key", description=KEY)


class NewReply(Contents):
    """A message to be posted in the thread of another."""

    channel: ChannelId = Field(title="Channel", description=CHANNEL)
    message: Stamp = Field(title="Message", description=f"The message to reply to. {STAMP}")
    in_channel: bool = Field(
        default=False, title="In the channel, too", description="Whether the channel sees it, too."
    )
    key: Key | None = Field(default=None, title="Key", description=KEY)


class NewDirectMessage(Contents):
    """A message to be sent to one person."""

    user: UserId | None = Field(default=None, title="Person", description="The person's id, such as U0123456789.")
    email: Email | None = Field(default=None, title="E-mail", description="Or the e-mail address they have in Slack.")
    key: Key | None = Field(default=None, title="Key", description=KEY)

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if (self.user is None) == (self.email is None):
            raise ValueError("Say to whom, either by id or by e-mail address.")
        return self


class NewWhisper(Contents):
    """A message that one person sees in a channel."""

    channel: ChannelId = Field(title="Channel", description=CHANNEL)
    user: UserId = Field(title="Person", description="The id of somebody who is in the channel.")


class Change(Contents):
    """What a message is to hold instead."""

    channel: ChannelId = Field(title="Channel", description=CHANNEL)
    message: Stamp = Field(title="Message", description=STAMP)


class Posted(Value):
    """A message that was posted."""

    channel: str = Field(title="Channel", description="The id of the channel or direct conversation that it is in.")
    message: str = Field(title="Message", description="Its own name in there: its timestamp.")
    existed: bool = Field(title="Existed", description="Whether one with the same key was there before.")


class Whispered(Value):
    """A message that was shown to one person."""

    channel: str = Field(title="Channel", description="The id of the channel.")
    user: str = Field(title="Person", description="The id of who saw it.")


class Changed(Value):
    """A message that was changed."""

    channel: str = Field(title="Channel", description="The id of its channel.")
    message: str = Field(title="Message", description="Its timestamp, the same as before.")


class Deleted(Value):
    """A message that is gone."""

    channel: str = Field(title="Channel", description="The id of its channel.")
    message: str = Field(title="Message", description="Its timestamp.")
    existed: bool = Field(title="Existed", description="False where it was not there any more.")


@slack.action("Post a message", effect="changes")
async def post_message(client: Workspace, given: NewMessage) -> Posted:
    """Post a message in a channel: in any public one, and in private ones that the app was invited to."""
    return await _posted(client, given.channel, given, key=given.key)


@slack.action("Reply in a thread", effect="changes")
async def reply(client: Workspace, given: NewReply) -> Posted:
    """Post a message in the thread of another."""
    return await _posted(
        client, given.channel, given, key=given.key, thread=given.message, broadcast=given.in_channel or None
    )


@slack.action("Send a direct message", effect="changes")
async def send_direct_message(client: Workspace, given: NewDirectMessage) -> Posted:
    """Send a message to one person, found by id or by e-mail address."""
    user = given.user or (await user_with(client, str(given.email))).user_id
    opened = await client.call("conversations.open", users=user)
    return await _posted(client, str(opened["channel"]["id"]), given, key=given.key)


@slack.action("Show somebody a message", effect="changes")
async def whisper(client: Workspace, given: NewWhisper) -> Whispered:
    """Show one person in a channel a message that nobody else sees, and that is gone when they reload Slack."""
    await client.call(
        "chat.postEphemeral",
        channel=given.channel,
        user=given.user,
        text=notice_of(given),
        blocks=blocks_of(given),
    )
    return Whispered(channel=given.channel, user=given.user)


@slack.action("Change a message", effect="changes", repeatable=True)
async def update_message(client: Workspace, given: Change) -> Changed:
    """Let a message of the app's own hold something else. Where it is in the channel stays the same."""
    await client.call(
        "chat.update",
        channel=given.channel,
        ts=given.message,
        text=notice_of(given),
        blocks=blocks_of(given),
    )
    return Changed(channel=given.channel, message=given.message)


@slack.action("Delete a message", effect="destroys", repeatable=True)
async def delete_message(client: Workspace, given: MessageRef) -> Deleted:
    """Delete a message of the app's own. One that is not there is no error."""
    existed = True
    try:
        await client.call("chat.delete", channel=given.channel, ts=given.message)
    except Missing as error:
        if error.code != "message_not_found":
            raise
        existed = False
    return Deleted(channel=given.channel, message=given.message, existed=existed)


async def _posted(
    client: Workspace,
    channel: str,
    given: Contents,
    *,
    key: str | None,
    thread: str | None = None,
    broadcast: bool | None = None,
) -> Posted:
    place, ts, existed = await post_once(
        client, channel, text=notice_of(given), blocks=blocks_of(given), key=key, thread=thread, broadcast=broadcast
    )
    return Posted(channel=place, message=ts, existed=existed)
