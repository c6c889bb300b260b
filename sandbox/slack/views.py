"""Modals and Home tabs: what each person has open."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.values import state_of

Json = dict[str, Any]

MOST_IN_STACK = 3


@dataclass(slots=True, kw_only=True)
class View:
    """One modal or Home tab, as one person has it before them."""

    id: str
    user: str
    content: Json
    team_id: str
    app_id: str
    bot_id: str
    at: float
    root_id: str
    previous_id: str | None = None
    typed: Json = field(default_factory=dict)
    """What the person has chosen so far, by block_id and action_id; it survives an update that keeps both."""

    suggested: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    """What the bot has offered in menus that it fills, by block_id and action_id."""

    @property
    def hash(self) -> str:
        """What changes whenever the view is updated."""
        digest = hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()[:8]
        return f"{self.at:.6f}.{digest}"

    def as_given(self) -> Json:
        """Show the view the way views.open answers it."""
        content = self.content
        common: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "type": content["type"],
            "blocks": content["blocks"],
            "private_metadata": content.get("private_metadata", ""),
            "callback_id": content.get("callback_id", ""),
            "state": {"values": state_of(content["blocks"], self.typed)},
            "hash": self.hash,
            "title": content.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
            "clear_on_close": content.get("clear_on_close", False),
            "notify_on_close": content.get("notify_on_close", False),
            "close": content.get("close"),
            "submit": content.get("submit"),
            "previous_view_id": self.previous_id,
            "root_view_id": self.root_id,
            "app_id": self.app_id,
            "external_id": content.get("external_id", ""),
            "app_installed_team_id": self.team_id,
            "bot_id": self.bot_id,
        }
        return common


class Views:
    """Every person's stack of modals, and their Home tab."""

    def __init__(self) -> None:
        self.stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}

    def all(self) -> list[View]:
        """List every view that exists."""
        return [*(view for stack in self.stacks.values() for view in stack), *self.homes.values()]

    def find(self, *, view_id: str = "", external_id: str = "") -> View | None:
        """Find a view that somebody has open, by either of its ids."""
        for view in self.all():
            if (view_id and view.id == view_id) or (external_id and view.content.get("external_id") == external_id):
                return view
        return None

    def open(self, view: View) -> None:
        """Show a modal instead of whatever the person had open."""
        self.stacks[view.user] = [view]

    def push(self, view: View) -> None:
        """Show a modal on top of the person's others."""
        self.stacks[view.user].append(view)

    def drop(self, view: View, *, whole_stack: bool) -> list[View]:
        """Close a modal, or the whole stack it is in; gives what was closed, topmost first."""
        stack = self.stacks.get(view.user, [])
        if whole_stack:
            closed = list(reversed(stack))
            stack.clear()
        else:
            place = stack.index(view)
            closed = list(reversed(stack[place:]))
            del stack[place:]
        if not stack:
            self.stacks.pop(view.user, None)
        return closed
