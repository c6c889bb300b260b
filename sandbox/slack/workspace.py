"""The workspace: everything that Slack remembers, and what happens in it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette

from sandbox.changes import Changes
from sandbox.faults import Faults
from sandbox.read_only import ReadOnly
from sandbox.slack import seed
from sandbox.slack.blocks import fill
from sandbox.slack.conversations import Channel, Conversations, Ephemeral, Message
from sandbox.slack.delivery import Delivery
from sandbox.slack.files import Files
from sandbox.slack.people import User
from sandbox.slack.rates import Rates
from sandbox.slack.records import Calls, Deliveries
from sandbox.slack.socket import Sockets
from sandbox.slack.stamps import Clock, Stamps
from sandbox.slack.tickets import ResponseUrls, Triggers
from sandbox.slack.views import View, Views

Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Settings:
    """What can be set about the workspace and the app in it."""

    request_url: str | None = None
    socket_mode: bool = False
    scopes: set[str] = field(default_factory=lambda: set(seed.SCOPES))
    app_scopes: set[str] = field(default_factory=lambda: set(seed.APP_SCOPES))
    event_retry_delays: list[float] = field(default_factory=lambda: [1.0, 60.0, 300.0])


class Workspace:
    """A Slack workspace with one app installed."""

    def __init__(self, clock: Clock = time.time) -> None:
        self.clock = clock
        self.stamps = Stamps(clock)
        self.settings = Settings()
        self.team_id, self.app_id, self.bot_id = seed.TEAM_ID, seed.APP_ID, seed.BOT_ID
        self.bot_token, self.app_token, self.signing_secret = seed.BOT_TOKEN, seed.APP_TOKEN, seed.SIGNING_SECRET
        self.users = {user.id: user for user in seed.users()}
        self.user_groups = {group.id: group for group in seed.user_groups()}
        self.bot: User = self.users[seed.BOT_USER_ID]
        self.conversations = Conversations(seed.channels())
        self.views = Views()
        self.files = Files(self.stamps)
        self.triggers = Triggers(self.stamps)
        self.response_urls = ResponseUrls(self.stamps)
        self.rates = Rates(clock)
        self.faults = Faults()
        self.read_only = ReadOnly()
        self.changes = Changes()
        self.calls = Calls(clock)
        self.sockets = Sockets(self.stamps, self.changes)
        self.delivery = Delivery(
            settings=self.settings,
            secret=self.signing_secret,
            clock=clock,
            deliveries=Deliveries(clock),
            sockets=self.sockets,
        )
        self.address = "http://127.0.0.1"
        self.app = Starlette(lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with self.delivery.running():
            yield

    def credentials(self, address: str) -> Json:
        """Give all that a bot needs to know, when the workspace is served at this address."""
        self.address = address
        return {
            "url": address,
            "api": f"{address}/api/",
            "team_id": self.team_id,
            "bot_token": self.bot_token,
            "app_token": self.app_token,
            "signing_secret": self.signing_secret,
            "bot_user_id": self.bot.id,
            "users": {user.name: user.id for user in self.users.values() if not user.is_bot},
            "channels": {each.name: each.id for each in self.conversations.channels.values() if not each.is_im},
            "user_groups": {group.handle: group.id for group in self.user_groups.values()},
        }

    def post(self, channel: Channel, author: User, text: str, blocks: list[Json], **more: Any) -> Message:
        """Put a message into a channel."""
        message = Message(
            ts=self.stamps.ts(),
            channel=channel.id,
            user=author.id,
            text=text,
            blocks=fill(blocks, self.stamps.short),
            bot=self.bot_profile() if author.is_bot else None,
            **more,
        )
        self.conversations.messages[channel.id][message.ts] = message
        self.changes.happened()
        return message

    def whisper(self, channel: str, user: str, text: str, blocks: list[Json], **more: Any) -> Ephemeral:
        """Show a person a message that nobody else sees."""
        ephemeral = Ephemeral(
            ts=self.stamps.ts(),
            channel=channel,
            user=user,
            text=text,
            blocks=fill(blocks, self.stamps.short),
            at=self.clock(),
            **more,
        )
        self.conversations.ephemerals.append(ephemeral)
        self.changes.happened()
        return ephemeral

    def view(self, user: str, content: Json, *, root_id: str | None = None, previous_id: str | None = None) -> View:
        """Make a view out of content that has been checked."""
        view_id = self.stamps.id("V")
        return View(
            id=view_id,
            user=user,
            content={**content, "blocks": fill(content["blocks"], self.stamps.short)},
            team_id=self.team_id,
            app_id=self.app_id,
            bot_id=self.bot_id,
            at=self.clock(),
            root_id=root_id or view_id,
            previous_id=previous_id,
        )

    def bot_profile(self) -> Json:
        """Give the fields by which a bot's message is told from a person's."""
        return {
            "bot_id": self.bot_id,
            "app_id": self.app_id,
            "bot_profile": {
                "id": self.bot_id,
                "app_id": self.app_id,
                "name": self.bot.real_name,
                "deleted": False,
                "updated": seed.CREATED,
                "team_id": self.team_id,
                "icons": {},
            },
        }
