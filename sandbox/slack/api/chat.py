"""chat.*: messages."""

from typing import Any

from sandbox.slack.blocks import fill
from sandbox.slack.contents import posted_text, read_contents
from sandbox.slack.conversations import Message
from sandbox.slack.methods import Call, method
from sandbox.slack.places import seen, written_in
from sandbox.slack.refusals import Refusal

Json = dict[str, Any]

LONGEST_UPDATE = 4_000


@method("chat.postMessage", "chat:write")
def post_message(call: Call) -> Json:
    """Post a message."""
    workspace, arguments = call.workspace, call.arguments
    channel = written_in(workspace, arguments.required("channel"), call.scopes)
    contents = read_contents(arguments, workspace.files)
    text = posted_text(contents)
    thread_ts = arguments.text("thread_ts") or None
    if thread_ts and workspace.conversations.find(channel.id, thread_ts) is None:
        raise Refusal("thread_not_found")
    message = workspace.post(
        channel,
        workspace.bot,
        text,
        contents.blocks or [],
        attachments=contents.attachments or [],
        metadata=contents.metadata or None,
        thread_ts=thread_ts,
        is_broadcast=bool(thread_ts) and arguments.flag("reply_broadcast"),
    )
    if message.is_broadcast:
        message.subtype = "thread_broadcast"
    shown = workspace.conversations.given(message, workspace.team_id)
    return {"channel": channel.id, "ts": message.ts, "message": shown}


@method("chat.update", "chat:write", tier=3)
def update(call: Call) -> Json:
    """Change a message that the bot has posted."""
    workspace, arguments = call.workspace, call.arguments
    message = _own(call, "cant_update_message")
    contents = read_contents(arguments, workspace.files)
    if contents.text is None and contents.blocks is None and contents.attachments is None:
        raise Refusal("no_text")
    if contents.text is not None and len(contents.text) > LONGEST_UPDATE:
        raise Refusal("msg_too_long")
    blocks = message.blocks if contents.blocks is None and contents.text is None else contents.blocks or []
    attachments = message.attachments if contents.attachments is None else contents.attachments
    if not contents.text and not blocks and not attachments:
        raise Refusal("no_text")
    message.text = contents.text or posted_text(contents)
    message.blocks = fill(blocks, workspace.stamps.short)
    message.attachments = attachments
    if contents.metadata is not None:
        message.metadata = contents.metadata or None
    message.edited = {"user": workspace.bot_id, "ts": workspace.stamps.ts()}
    workspace.changes.happened()
    shown = workspace.conversations.given(message, workspace.team_id)
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": shown}


@method("chat.delete", "chat:write", tier=3)
def delete(call: Call) -> Json:
    """Delete a message that the bot has posted."""
    message = _own(call, "cant_delete_message")
    call.workspace.conversations.remove(message)
    call.workspace.changes.happened()
    return {"channel": message.channel, "ts": message.ts}


@method("chat.postEphemeral", "chat:write", tier=4)
def post_ephemeral(call: Call) -> Json:
    """Show one person in a channel a message."""
    workspace, arguments = call.workspace, call.arguments
    channel = written_in(workspace, arguments.required("channel"), call.scopes)
    user = arguments.required("user")
    if user not in workspace.users:
        raise Refusal("user_not_found")
    if user not in channel.members:
        raise Refusal("user_not_in_channel")
    contents = read_contents(arguments, workspace.files)
    ephemeral = workspace.whisper(
        channel.id,
        user,
        posted_text(contents),
        contents.blocks or [],
        attachments=contents.attachments or [],
        thread_ts=arguments.text("thread_ts") or None,
    )
    return {"message_ts": ephemeral.ts}


@method("chat.getPermalink")
def get_permalink(call: Call) -> Json:
    """Give the address of a message."""
    channel = seen(call.workspace, call.arguments.required("channel"))
    ts = call.arguments.required("message_ts")
    message = call.workspace.conversations.find(channel.id, ts)
    if message is None:
        raise Refusal("message_not_found")
    link = f"{call.address}/archives/{channel.id}/p{ts.replace('.', '')}"
    if message.thread_ts and message.thread_ts != ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _own(call: Call, otherwise: str) -> Message:
    """Find the message of the bot that a call names. Raises Refusal."""
    channel = seen(call.workspace, call.arguments.required("channel"))
    message = call.workspace.conversations.find(channel.id, call.arguments.required("ts"))
    if message is None or message.subtype == "tombstone":
        raise Refusal("message_not_found")
    if message.user != call.workspace.bot.id:
        raise Refusal(otherwise)
    if channel.is_archived:
        raise Refusal("is_archived")
    return message
