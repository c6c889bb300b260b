"""What people type, as Slack passes it on: mentions and links become ids in angle brackets (`should_escape`)."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.slack.people import User
    from sandbox.slack.workspace import Workspace

_TYPED = re.compile(r"(?<![\w<@#])([@#])([a-z0-9](?:[a-z0-9._-]*[a-z0-9_])?)|https?://[^\s<>|]+")
_BROADCASTS = {"here", "channel", "everyone"}


def escaped(workspace: "Workspace", text: str, writer: "User") -> str:
    """Return typed text with entities, and what was mentioned (and is there for the writer to mention) as ids."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def replaced(found: re.Match[str]) -> str:
        sign, name = found.groups()
        if sign is None:
            return f"<{found.group()}>"
        if sign == "#":
            channel = workspace.conversations.named(name)
            is_seen = channel is not None and (not channel.is_private or writer.id in channel.members)
            return f"<#{channel.id}|{channel.name}>" if channel and is_seen else found.group()
        if name in _BROADCASTS:
            return f"<!{name}>"
        user = next((user for user in workspace.users.values() if user.name == name), None)
        if user:
            return f"<@{user.id}|{user.name}>"
        group = next((group for group in workspace.user_groups.values() if group.handle == name), None)
        return f"<!subteam^{group.id}|@{group.handle}>" if group else found.group()

    return _TYPED.sub(replaced, text)
