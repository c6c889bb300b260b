"""conversations.*: channels, and what has been said in them."""

import re
from typing import Any

from sandbox.slack.arguments import Arguments
from sandbox.slack.conversations import Channel, Message
from sandbox.slack.methods import Call, method
from sandbox.slack.pages import page
from sandbox.slack.places import direct, read_in, seen
from sandbox.slack.refusals import Refusal

Json = dict[str, Any]

LONGEST_TOPIC = 250


@method("conversations.info", "channels:read", "groups:read", tier=3)
def info(call: Call) -> Json:
    """Tell about a channel."""
    channel = seen(call.workspace, call.arguments.required("channel"))
    return {"channel": channel.as_given(call.workspace.bot.id)}


@method("conversations.list", "channels:read", "groups:read", tier=2)
def list_all(call: Call) -> Json:
    """List the channels that the bot can see."""
    kinds = call.arguments.names("types") or ["public_channel"]
    if unknown := set(kinds) - {"public_channel", "private_channel", "mpim", "im"}:
        raise Refusal("invalid_types", unknown=sorted(unknown))
    channels = [
        channel
        for channel in call.workspace.conversations.channels.values()
        if _kind(channel) in kinds
        and (_kind(channel) == "public_channel" or call.workspace.bot.id in channel.members)
        and not (channel.is_archived and call.arguments.flag("exclude_archived"))
    ]
    shown, cursor = page(channels, call.arguments)
    listed = [channel.as_given(call.workspace.bot.id) for channel in shown]
    return {"channels": listed, "response_metadata": {"next_cursor": cursor}}


@method("conversations.members", "channels:read", "groups:read", tier=4)
def members(call: Call) -> Json:
    """List the members of a channel."""
    channel = seen(call.workspace, call.arguments.required("channel"))
    shown, cursor = page(channel.members, call.arguments)
    return {"members": shown, "response_metadata": {"next_cursor": cursor}}


@method("conversations.history", "channels:history", "groups:history", tier=3)
def history(call: Call) -> Json:
    """List the messages of a channel, newest first."""
    channel = read_in(call.workspace, call.arguments.required("channel"))
    _may_read(call, channel)
    messages = _between(call.workspace.conversations.top(channel.id), call.arguments)
    shown, cursor = page(list(reversed(messages)), call.arguments)
    return _messages(call, shown, cursor)


@method("conversations.replies", "channels:history", "groups:history", tier=3)
def replies(call: Call) -> Json:
    """List a message and its replies, oldest first."""
    channel = read_in(call.workspace, call.arguments.required("channel"))
    _may_read(call, channel)
    ts = call.arguments.required("ts")
    parent = call.workspace.conversations.find(channel.id, ts)
    if parent is None:
        raise Refusal("thread_not_found")
    thread = [parent, *call.workspace.conversations.replies(channel.id, parent.ts)]
    shown, cursor = page(_between(thread, call.arguments), call.arguments)
    return _messages(call, shown, cursor)


@method("conversations.open", "im:write", tier=3)
def open_direct(call: Call) -> Json:
    """Find or begin the direct conversation with a person."""
    users = call.arguments.names("users")
    if call.arguments.has("channel"):
        channel = seen(call.workspace, call.arguments.text("channel"))
    elif len(users) == 1:
        channel = direct(call.workspace, users[0])
    else:
        raise Refusal("not_enough_users" if not users else "too_many_users")
    if call.arguments.flag("return_im"):
        return {"channel": channel.as_given(call.workspace.bot.id)}
    return {"channel": {"id": channel.id}}


@method("conversations.join", "channels:join", tier=3)
def join(call: Call) -> Json:
    """Go into a public channel."""
    channel = seen(call.workspace, call.arguments.required("channel"))
    if channel.is_private or channel.is_im:
        raise Refusal("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise Refusal("is_archived")
    body: Json = {}
    if call.workspace.bot.id in channel.members:
        body = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    else:
        channel.members.append(call.workspace.bot.id)
        call.workspace.changes.happened()
    return {"channel": channel.as_given(call.workspace.bot.id), **body}


@method("conversations.create", "channels:manage", "groups:write", tier=2)
def create(call: Call) -> Json:
    """Make a channel."""
    workspace, name = call.workspace, call.arguments.text("name")
    needed = "groups:write" if call.arguments.flag("is_private") else "channels:manage"
    if needed not in call.scopes:
        raise Refusal("missing_scope", needed=needed, provided=",".join(sorted(call.scopes)))
    if not name:
        raise Refusal("invalid_name_required")
    if len(name) > 80:
        raise Refusal("invalid_name_maxlength")
    if not re.fullmatch(r"[\w\-]+", name) or name != name.lower():
        raise Refusal("invalid_name_specials")
    if workspace.conversations.named(name):
        raise Refusal("name_taken")
    channel = Channel(
        id=workspace.stamps.id("C"),
        name=name,
        creator=workspace.bot.id,
        created=int(workspace.clock()),
        members=[workspace.bot.id],
        is_private=call.arguments.flag("is_private"),
    )
    workspace.conversations.add(channel)
    workspace.changes.happened()
    return {"channel": channel.as_given(workspace.bot.id)}


@method("conversations.invite", "channels:manage", "groups:write", "channels:write.invites", tier=3)
def invite(call: Call) -> Json:
    """Bring people into a channel."""
    workspace = call.workspace
    channel = read_in(workspace, call.arguments.required("channel"))
    if channel.is_archived:
        raise Refusal("is_archived")
    users = call.arguments.names("users")
    if not users:
        raise Refusal("no_user")
    for user in users:
        if user not in workspace.users:
            raise Refusal("user_not_found")
        if user in channel.members:
            error = "cant_invite_self" if user == workspace.bot.id else "already_in_channel"
            raise Refusal(error)
    channel.members.extend(users)
    workspace.changes.happened()
    return {"channel": channel.as_given(workspace.bot.id)}


@method("conversations.setTopic", "channels:manage", "groups:write", "im:write", "channels:write.topic", tier=2)
def set_topic(call: Call) -> Json:
    """Write something at the top of a channel."""
    workspace, topic = call.workspace, call.arguments.text("topic")
    channel = read_in(workspace, call.arguments.required("channel"))
    if channel.is_im:
        raise Refusal("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise Refusal("is_archived")
    if len(topic) > LONGEST_TOPIC:
        raise Refusal("too_long")
    channel.topic = {"value": topic, "creator": workspace.bot.id, "last_set": int(workspace.clock())}
    workspace.changes.happened()
    return {"channel": channel.as_given(workspace.bot.id)}


def _kind(channel: Channel) -> str:
    if channel.is_im:
        return "im"
    return "private_channel" if channel.is_private else "public_channel"


def _may_read(call: Call, channel: Channel) -> None:
    """Require the scope for this kind of channel. Raises Refusal."""
    needed = {"im": "im:history", "private_channel": "groups:history"}.get(_kind(channel), "channels:history")
    if needed not in call.scopes:
        raise Refusal("missing_scope", needed=needed, provided=",".join(sorted(call.scopes)))


def _between(messages: list[Message], arguments: Arguments) -> list[Message]:
    oldest, latest = _moment(arguments, "oldest", 0), _moment(arguments, "latest", 1 << 62)
    inclusive = arguments.flag("inclusive")
    return [
        message
        for message in messages
        if oldest < _exact(message.ts) < latest or (inclusive and _exact(message.ts) in (oldest, latest))
    ]


def _moment(arguments: Arguments, name: str, default: int) -> int:
    """Read a time stamp. Raises Refusal."""
    given = arguments.text(name)
    if not given:
        return default
    if not re.fullmatch(r"\d+(\.\d+)?", given):
        raise Refusal(f"invalid_ts_{name}")
    return _exact(given)


def _exact(ts: str) -> int:
    """Give a time stamp in whole microseconds: floats would mix up neighbours."""
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * 1_000_000 + int(f"{fraction:0<6}"[:6])


def _messages(call: Call, messages: list[Message], cursor: str) -> Json:
    with_metadata = call.arguments.flag("include_all_metadata")
    given = [
        call.workspace.conversations.given(message, call.workspace.team_id, with_metadata=with_metadata)
        for message in messages
    ]
    body: Json = {"messages": given, "has_more": bool(cursor), "pin_count": 0}
    return body | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})
