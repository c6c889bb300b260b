"""The Home tab: what waits for an answer, the flows there are, and how the connections are."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.app.async_app import AsyncApp

from bot import gallery, words
from bot.health import Health
from bot.shelf import Shelf
from bot.workspace import Workspace
from flows.decisions import Decisions, question_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Makes the Home tab from what is remembered."""

    shelf: Shelf
    decisions: Decisions
    health: Health
    workspace: Workspace

    async def publish(self, user: str) -> None:
        """Show a person's Home tab as things are now."""
        await self.workspace.call("views.publish", user_id=user, view=await self._view())

    async def _view(self) -> dict[str, Any]:
        blocks: list[dict[str, Any]] = [{"type": "header", "text": words.plain("Waiting for an answer", 150)}]
        pending = await self.decisions.pending()
        for decision in pending:
            text = f"*{words.escape(question_of(decision).text)}*\nin {words.place(decision.channel)}, until {words.moment(decision.deadline)}"
            blocks.append(words.section(text))
        if not pending:
            blocks.append(words.section("Nothing."))
        blocks.append({"type": "header", "text": words.plain("Flows", 150)})
        blocks += gallery.sections((await self.shelf.entries()).values())
        blocks.append({"type": "header", "text": words.plain("Connections", 150)})
        lines = list((await self.health.lines()).values())
        blocks += words.pages(lines, 5) if lines else [words.section("None yet: `/cicflow connect`.")]
        blocks.append(words.context("Type `/cicflow help` in any channel for what can be done."))
        return {"type": "home", "blocks": blocks[:100]}


def register(app: AsyncApp, home: Home) -> None:
    """Listen to people who open the Home tab."""

    @app.event("app_home_opened")
    async def opened(event: dict[str, Any]) -> None:
        if event.get("tab") == "home":
            await home.publish(str(event["user"]))
