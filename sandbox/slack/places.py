"""Which channels the bot can see, read and write in."""

from typing import TYPE_CHECKING

from sandbox.slack.conversations import Channel
from sandbox.slack.refusals import Refusal

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace


def seen(workspace: "Workspace", channel_id: str) -> Channel:
    """Find a channel that the bot can see. A private one it is not in looks as if it were not there. Raises Refusal."""
    channel = workspace.conversations.channels.get(channel_id)
    if channel is None or ((channel.is_private or channel.is_im) and workspace.bot.id not in channel.members):
        raise Refusal("channel_not_found")
    return channel


def read_in(workspace: "Workspace", channel_id: str) -> Channel:
    """Find a channel whose messages the bot can read. Raises Refusal."""
    channel = seen(workspace, channel_id)
    if workspace.bot.id not in channel.members:
        raise Refusal("not_in_channel")
    return channel


def written_in(workspace: "Workspace", reference: str, scopes: frozenset[str]) -> Channel:
    """Find the channel that the bot may post in: by id, by name, or a person's id for a direct message. Raises Refusal."""
    if reference in workspace.users:
        return direct(workspace, reference)
    channel = workspace.conversations.named(reference)
    if channel is None:
        raise Refusal("channel_not_found")
    seen(workspace, channel.id)
    if channel.is_archived:
        raise Refusal("is_archived")
    if workspace.bot.id not in channel.members and "chat:write.public" not in scopes:
        raise Refusal("not_in_channel")
    return channel


def direct(workspace: "Workspace", user_id: str) -> Channel:
    """Find or begin the direct conversation with a person. Raises Refusal."""
    user = workspace.users.get(user_id)
    if user is None or user.deleted:
        raise Refusal("user_not_found")
    if user.is_bot:
        raise Refusal("cannot_dm_bot")
    found = workspace.conversations.direct(user_id)
    if found is not None:
        return found
    workspace.changes.happened()
    return workspace.conversations.add(
        Channel(
            id=workspace.stamps.id("D"),
            name="",
            creator=workspace.bot.id,
            created=int(workspace.clock()),
            members=[user_id, workspace.bot.id],
            user=user_id,
        )
    )
