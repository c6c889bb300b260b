"""What people type into a channel: slash commands, and messages."""

from typing import TYPE_CHECKING, Any

from sandbox.slack import hands, seed
from sandbox.slack.answers import said
from sandbox.slack.mentions import escaped
from sandbox.slack.refusals import Impossible, Refusal

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

Json = dict[str, Any]


async def command(workspace: "Workspace", given: Json) -> Json:
    """Type a slash command: {"user", "channel", "command", "text"}. Raises Impossible."""
    user = hands.person(workspace, given.get("user"))
    channel = hands.place(workspace, given.get("channel"), user)
    name, text = given.get("command"), given.get("text") or ""
    if not isinstance(name, str) or not name.startswith("/") or not isinstance(text, str):
        raise Impossible("invalid_command", "a command starts with /, and its text is text", status=400)
    url = workspace.response_urls.issue(
        user=user.id, channel=channel.id, origin="command", about=f"{name} {text}".strip()
    )
    answer = await workspace.delivery.send(
        "command",
        {
            "token": seed.VERIFICATION_TOKEN,
            "team_id": workspace.team_id,
            "team_domain": seed.TEAM_DOMAIN,
            "channel_id": channel.id,
            "channel_name": _channel_name(channel),
            "user_id": user.id,
            "user_name": user.name,
            "command": name,
            "text": escaped(workspace, text, user),
            "api_app_id": workspace.app_id,
            "is_enterprise_install": "false",
            "response_url": hands.response_address(workspace, url),
            "trigger_id": workspace.triggers.issue(user.id),
        },
    )
    shown = hands.failure(workspace, answer, channel, user, f"{name} failed with the error")
    if answer.failure is None and answer.text:
        response = answer.json if isinstance(answer.json, dict) else {"text": answer.text}
        try:
            said(workspace, url, response)
        except Refusal as refusal:
            text = f"{name} failed with the error `{refusal.error}`"
            workspace.whisper(channel.id, user.id, text, [], answers=name)
            shown.append(text)
    return {"status": answer.status, "seconds": answer.seconds, "shown": shown}


async def write(workspace: "Workspace", given: Json) -> Json:
    """Write a message: {"user", "channel", "text", "thread_ts"?}. Raises Impossible."""
    user = hands.person(workspace, given.get("user"))
    channel = hands.place(workspace, given.get("channel"), user)
    text, thread_ts = given.get("text"), given.get("thread_ts")
    if not isinstance(text, str) or not text:
        raise Impossible("no_text", "a message has a text", status=400)
    if user.id not in channel.members:
        raise Impossible("not_in_channel", "this person is not in the channel", status=403)
    if channel.is_archived:
        raise Impossible("is_archived", "nobody can write in an archived channel", status=403)
    if thread_ts is not None and workspace.conversations.find(channel.id, str(thread_ts)) is None:
        raise Impossible("message_not_found", "there is no such message to reply to")
    message = workspace.post(channel, user, escaped(workspace, text, user), [], thread_ts=thread_ts)
    return {"ts": message.ts}


def _channel_name(channel: Any) -> str:
    """Name the channel as commands do: private ones keep their name to themselves."""
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.is_private else str(channel.name)
