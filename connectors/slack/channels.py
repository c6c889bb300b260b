"""The channels of a workspace."""

import time
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from connectors.base import Value
from connectors.errors import Ambiguous, Refused
from connectors.slack.client import Workspace
from connectors.slack.connector import slack
from connectors.slack.contents import CHANNEL, ChannelId, UserId
from connectors.slack.marks import readable
from connectors.slack.posting import SKEW

Name = Annotated[str, StringConstraints(pattern=r"^[^\sA-Z.,!?@#]+$", max_length=80)]


class Channel(Value):
    """A channel."""

    channel: str = Field(title="Channel", description="Its id, such as C0123456789.")
    name: str = Field(title="Name", description="Its name, without the number sign.")
    is_private: bool = Field(title="Private", description="Whether only its members see it.")
    is_archived: bool = Field(title="Archived", description="Whether it is archived.")
    is_member: bool = Field(title="Member", description="Whether the app is in it.")
    members: int | None = Field(title="Members", description="How many people are in it, if Slack says so.")
    topic: str = Field(title="Topic", description="What is written at its top.")


class Made(Value):
    """A channel that is there now."""

    channel: str = Field(title="Channel", description="Its id.")
    name: str = Field(title="Name", description="Its name.")
    existed: bool = Field(title="Existed", description="Whether it was there before.")


class NewChannel(Value):
    """A channel to be."""

    name: Name = Field(
        title="Name", description="Small letters, digits, hyphens and underscores; without the number sign."
    )
    private: bool = Field(default=False, title="Private", description="Whether only its members see it.")
    or_existing: bool = Field(
        default=False,
        title="Or the one there is",
        description="Whether a channel that has this name already is as good. Otherwise that is an error.",
    )


class Invitation(Value):
    """Whom to bring into a channel."""

    channel: ChannelId = Field(title="Channel", description=CHANNEL)
    users: list[UserId] = Field(min_length=1, max_length=100, title="People", description="Their ids.")


class Invited(Value):
    """Who was brought into a channel."""

    channel: str = Field(title="Channel", description="The id of the channel.")
    invited: list[str] = Field(title="Invited", description="The ids of those who were brought in.")
    already_there: list[str] = Field(title="Already there", description="The ids of those who were in it before.")


class NewTopic(Value):
    """What to write at the top of a channel."""

    channel: ChannelId = Field(title="Channel", description=CHANNEL)
    topic: Annotated[str, StringConstraints(max_length=250)] = Field(
        title="Topic", description="At most 250 letters; nothing removes what is there."
    )


class Topic(Value):
    """What is written at the top of a channel."""

    channel: str = Field(title="Channel", description="The id of the channel.")
    topic: str = Field(title="Topic", description="What is written there now.")


class Channels(Value):
    """Which channels to list."""

    private: bool = Field(
        default=False, title="Private", description="Whether private channels are listed, too: those the app is in."
    )
    archived: bool = Field(default=False, title="Archived", description="Whether archived channels are listed, too.")


@slack.action("Create a channel", effect="changes")
async def create_channel(client: Workspace, given: NewChannel) -> Made:
    """Create a channel. The app is in it, and nobody else yet."""
    began = time.time()
    try:
        made = (await client.call("conversations.create", name=given.name, is_private=given.private))["channel"]
    except Ambiguous as error:
        # A second try would find the name taken, and not know by whom.
        found = await _named(client, given.name)
        if found is None or not found.get("is_member") or float(found.get("created", 0)) < began - SKEW:
            raise Ambiguous(f"{error.message} There is no new channel of this name so far.", code=error.code) from error
        made = found
    except Refused as error:
        found = await _named(client, given.name) if given.or_existing and error.code == "name_taken" else None
        if found is None:
            raise
        return Made(channel=str(found["id"]), name=str(found["name"]), existed=True)
    return Made(channel=str(made["id"]), name=str(made["name"]), existed=False)


@slack.action("Invite people to a channel", effect="changes", repeatable=True, counts=lambda given: len(given.users))
async def invite(client: Workspace, given: Invitation) -> Invited:
    """Bring people into a channel that the app is in. Who is in it already is no error."""
    invited, there = [], []
    for user in dict.fromkeys(given.users):  # one by one: Slack refuses all where one is there already
        try:
            await client.call("conversations.invite", channel=given.channel, users=user)
        except Refused as error:
            if error.code != "already_in_channel":
                raise
            there.append(user)
        else:
            invited.append(user)
    return Invited(channel=given.channel, invited=invited, already_there=there)


@slack.action("Set a channel's topic", effect="changes", repeatable=True)
async def set_topic(client: Workspace, given: NewTopic) -> Topic:
    """Write something at the top of a channel that the app is in."""
    topic = " ".join(readable(given.topic).split())
    await client.call("conversations.setTopic", channel=given.channel, topic=topic)
    return Topic(channel=given.channel, topic=topic)


@slack.action("List channels", effect="reads", repeatable=True)
async def list_channels(client: Workspace, given: Channels) -> AsyncIterator[Channel]:
    """List the channels of the workspace that the app can see, however many they are."""
    types = "public_channel,private_channel" if given.private else "public_channel"
    async for page in client.listed("conversations.list", "channels", types=types, exclude_archived=not given.archived):
        for each in page:
            yield Channel(
                channel=str(each["id"]),
                name=str(each.get("name") or ""),
                is_private=bool(each.get("is_private")),
                is_archived=bool(each.get("is_archived")),
                is_member=bool(each.get("is_member")),
                members=each.get("num_members"),
                topic=str((each.get("topic") or {}).get("value") or ""),
            )


async def _named(client: Workspace, name: str) -> Mapping[str, Any] | None:
    """Find a channel by its name, among those that the app can see."""
    types = "public_channel,private_channel"
    async for page in client.listed("conversations.list", "channels", types=types, exclude_archived=True):
        for each in page:
            if each.get("name") == name:
                return each
    return None
