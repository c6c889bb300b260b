"""Channels, the messages in them, and the messages that only one person sees."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Channel:
    """A public or private channel, or the direct conversation between a person and the bot."""

    id: str
    name: str
    creator: str
    created: int
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_archived: bool = False
    is_general: bool = False
    user: str | None = None
    topic: Json = field(default_factory=lambda: {"value": "", "creator": "", "last_set": 0})

    @property
    def is_im(self) -> bool:
        """Whether this is a direct conversation."""
        return self.user is not None

    def as_given(self, reader: str) -> Json:
        """Show the channel the way conversations.info does to the bot."""
        common: Json = {"id": self.id, "created": self.created, "is_archived": self.is_archived, "is_org_shared": False}
        if self.is_im:
            return common | {"is_im": True, "user": self.user, "is_user_deleted": False, "priority": 0}
        return common | {
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.id.startswith("G"),
            "is_group": self.id.startswith("G"),
            "is_im": False,
            "is_mpim": False,
            "is_private": self.is_private,
            "is_general": self.is_general,
            "is_shared": False,
            "is_ext_shared": False,
            "is_member": reader in self.members,
            "creator": self.creator,
            "topic": self.topic,
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "previous_names": [],
            "num_members": len(self.members),
        }


@dataclass(slots=True, kw_only=True)
class Message:
    """A message that everybody in its channel sees."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    bot: Json | None = None
    thread_ts: str | None = None
    subtype: str | None = None
    edited: Json | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    files: list[Json] = field(default_factory=list)
    is_broadcast: bool = False

    def as_given(self, team_id: str, *, with_metadata: bool = True) -> Json:
        """Show the message the way conversations.history does."""
        given: Json = {"type": "message", "user": self.user, "ts": self.ts, "team": team_id, "text": self.text}
        if self.subtype:
            given["subtype"] = self.subtype
        if self.bot:
            given |= self.bot
        if self.blocks:
            given["blocks"] = self.blocks
        if self.attachments:
            given["attachments"] = self.attachments
        if self.metadata and with_metadata:
            given["metadata"] = self.metadata
        if self.thread_ts:
            given["thread_ts"] = self.thread_ts
        if self.edited:
            given["edited"] = self.edited
        if self.files:
            given["files"] = self.files
        if self.reactions:
            given["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)} for name, users in self.reactions.items()
            ]
        return given


@dataclass(slots=True, kw_only=True)
class Ephemeral:
    """A message that one person sees until they reload. It is in no history and can only be changed by response_url."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    answers: str | None = None
    """The command or the message whose response_url, or whose acknowledgement, brought it."""
    at: float = 0.0


class Conversations:
    """Every channel with its messages, oldest first."""

    def __init__(self, channels: list[Channel]) -> None:
        self.channels = {channel.id: channel for channel in channels}
        self.messages: dict[str, dict[str, Message]] = {channel.id: {} for channel in channels}
        self.ephemerals: list[Ephemeral] = []

    def add(self, channel: Channel) -> Channel:
        """Put a new channel into the workspace."""
        self.channels[channel.id] = channel
        self.messages[channel.id] = {}
        return channel

    def named(self, reference: str) -> Channel | None:
        """Find a channel by its id, by "name" or by "#name"."""
        if reference in self.channels:
            return self.channels[reference]
        name = reference.removeprefix("#")
        return next((channel for channel in self.channels.values() if channel.name == name and not channel.is_im), None)

    def direct(self, user: str) -> Channel | None:
        """Find the direct conversation between this person and the bot."""
        return next((channel for channel in self.channels.values() if channel.user == user), None)

    def find(self, channel: str, ts: str) -> Message | None:
        """Find a message."""
        return self.messages.get(channel, {}).get(ts)

    def find_ephemeral(self, channel: str, ts: str, user: str) -> Ephemeral | None:
        """Find a message that only this person sees."""
        return next((e for e in self.ephemerals if (e.channel, e.ts, e.user) == (channel, ts, user)), None)

    def top(self, channel: str) -> list[Message]:
        """List the messages of a channel that are not in a thread, oldest first."""
        return [
            message
            for message in self.messages[channel].values()
            if message.thread_ts in (None, message.ts) or message.is_broadcast
        ]

    def replies(self, channel: str, thread_ts: str) -> list[Message]:
        """List the replies to a message, oldest first."""
        return [m for m in self.messages[channel].values() if m.thread_ts == thread_ts and m.ts != thread_ts]

    def given(self, message: Message, team_id: str, *, with_metadata: bool = True) -> Json:
        """Show a message, and how its thread stands."""
        shown = message.as_given(team_id, with_metadata=with_metadata)
        replies = self.replies(message.channel, message.ts)
        if replies:
            repliers = list(dict.fromkeys(reply.user for reply in replies))
            shown |= {
                "thread_ts": message.ts,
                "reply_count": len(replies),
                "reply_users_count": len(repliers),
                "latest_reply": replies[-1].ts,
                "reply_users": repliers,
                "is_locked": False,
                "subscribed": False,
            }
        return shown

    def remove(self, message: Message) -> None:
        """Delete a message. One with replies leaves a tombstone, as in Slack."""
        if self.replies(message.channel, message.ts):
            message.text, message.subtype, message.user = "This message was deleted.", "tombstone", "USLACKBOT"
            message.blocks, message.attachments, message.files = [], [], []
            message.metadata, message.bot, message.edited, message.reactions = None, None, None, {}
            return
        del self.messages[message.channel][message.ts]
