"""Mentions in what a person types after a command, as the app gets them with `should_escape`."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

_TYPED = re.compile(r"(?<![\w<])([@#])([a-z0-9][a-z0-9._-]*)")


def escaped(workspace: "Workspace", text: str) -> str:
    """Return typed text with entities, and with @names and #channels that exist as ids."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def replaced(found: re.Match[str]) -> str:
        sign, name = found.groups()
        if sign == "#":
            channel = workspace.conversations.named(name)
            return f"<#{channel.id}|{channel.name}>" if channel else found.group()
        user = next((user for user in workspace.users.values() if user.name == name), None)
        if user:
            return f"<@{user.id}|{user.name}>"
        group = next((group for group in workspace.user_groups.values() if group.handle == name), None)
        return f"<!subteam^{group.id}|@{group.handle}>" if group else found.group()

    return _TYPED.sub(replaced, text)
