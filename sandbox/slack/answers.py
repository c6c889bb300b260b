"""What the bot answers outside of the Web API: with its acknowledgement, and to response addresses."""

from typing import TYPE_CHECKING, Any

from sandbox.slack.arguments import Arguments
from sandbox.slack.blocks import fill
from sandbox.slack.contents import Contents, posted_text, read_contents
from sandbox.slack.refusals import Refusal
from sandbox.slack.tickets import ResponseUrl

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

Json = dict[str, Any]


def said(workspace: "Workspace", url: ResponseUrl, given: Json) -> None:
    """Carry out one answer: a new message, or a change of the one it is about. Raises Refusal."""
    arguments = Arguments(given)
    about_a_message = url.origin != "command"
    if about_a_message and arguments.flag("delete_original"):
        _delete(workspace, url)
        return
    contents = read_contents(arguments, workspace.files)
    text = posted_text(contents)
    if about_a_message and arguments.flag("replace_original", default=not given.get("response_type")):
        _replace(workspace, url, text, contents)
        return
    channel = workspace.conversations.channels[url.channel]
    more: Json = {"attachments": contents.attachments or [], "thread_ts": arguments.text("thread_ts") or None}
    if arguments.text("response_type") == "in_channel":
        if channel.is_archived:
            raise Refusal("is_archived", status=404)
        metadata = contents.metadata or None
        workspace.post(channel, workspace.bot, text, contents.blocks or [], metadata=metadata, **more)
        return
    workspace.whisper(channel.id, url.user, text, contents.blocks or [], answers=url.about, **more)


def _replace(workspace: "Workspace", url: ResponseUrl, text: str, contents: Contents) -> None:
    blocks = fill(contents.blocks or [], workspace.stamps.short)
    if url.origin == "ephemeral":
        ephemeral = workspace.conversations.find_ephemeral(url.channel, url.ts or "", url.user)
        if ephemeral is None:
            raise Refusal("message_not_found", status=404)
        ephemeral.text, ephemeral.blocks, ephemeral.attachments = text, blocks, contents.attachments or []
    else:
        message = workspace.conversations.find(url.channel, url.ts or "")
        if message is None:
            raise Refusal("message_not_found", status=404)
        message.text, message.blocks, message.attachments = text, blocks, contents.attachments or []
        message.edited = {"user": workspace.bot_id, "ts": workspace.stamps.ts()}
    workspace.changes.happened()


def _delete(workspace: "Workspace", url: ResponseUrl) -> None:
    conversations = workspace.conversations
    if url.origin == "ephemeral":
        conversations.ephemerals = [
            each for each in conversations.ephemerals if (each.ts, each.user) != (url.ts, url.user)
        ]
    elif message := conversations.find(url.channel, url.ts or ""):
        conversations.remove(message)
    workspace.changes.happened()
