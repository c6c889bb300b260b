"""A small bot of a test's own: one command, one form, one alert with two answers. It knows nothing of the product."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.server import serving
from sandbox.trust import trust
from tests.sandbox.page_doubles import mrkdwn, plain

HOURS = "1h", "2h"


def form(channel: str) -> dict[str, Any]:
    choice = {"type": "plain_text_input", "action_id": "v", "initial_value": "30 potatoes"}
    return {
        "type": "modal",
        "callback_id": "form",
        "private_metadata": channel,
        "title": plain("High-risk login"),
        "submit": plain("Save"),
        "blocks": [
            {"type": "section", "text": mrkdwn("Ask *this channel* about risky logins.")},
            {"type": "input", "block_id": "patience", "label": plain("How long to wait"), "element": choice},
        ],
    }


def alert(user: dict[str, Any]) -> list[dict[str, Any]]:
    confirm = {
        "title": plain("Block this person?"),
        "text": plain(f"{user['email']} will not be able to log in."),
        "confirm": plain("Block"),
        "deny": plain("Not now"),
        "style": "danger",
    }
    return [
        {"type": "header", "text": plain("Risky login")},
        {"type": "section", "fields": [plain(str(user["name"])), plain(str(user["email"]))]},
        {
            "type": "actions",
            "block_id": "decide",
            "elements": [
                {"type": "button", "action_id": "approve", "text": plain("Approve"), "style": "primary", "value": "1"},
                {
                    "type": "button",
                    "action_id": "block",
                    "text": plain("Block"),
                    "style": "danger",
                    "value": str(user["user_id"]),
                    "confirm": confirm,
                },
            ],
        },
    ]


class SmallBot:
    """The bot, and where it asks."""

    def __init__(self, addresses: dict[str, Any]) -> None:
        slack, self.auth0 = addresses["slack"], addresses["auth0"]
        self.channel = ""
        self.slack = AsyncWebClient(token=slack["bot_token"], base_url=slack["api"])
        app = AsyncApp(client=self.slack, signing_secret=slack["signing_secret"])
        app.command("/cicflow")(self.command)
        app.view("form")(self.saved)
        app.action("block")(self.block)
        app.event("app_home_opened")(self.home)
        handler = AsyncSlackRequestHandler(app)

        async def events(request: Request) -> Response:
            return await handler.handle(request)

        self.app = Starlette(
            routes=[
                Route("/slack/events", events, methods=["POST"]),
                Route("/in/login", self.login, methods=["POST"]),
            ]
        )

    async def command(self, ack: AsyncAck, command: dict[str, Any]) -> None:
        await ack("One moment: here is the form.")
        await self.slack.views_open(trigger_id=command["trigger_id"], view=form(command["channel_id"]))

    async def saved(self, ack: AsyncAck, view: dict[str, Any]) -> None:
        if view["state"]["values"]["patience"]["v"]["value"] not in HOURS:
            await ack(response_action="errors", errors={"patience": "Write 1h or 2h."})
            return
        self.channel = view["private_metadata"]
        await ack()
        await self.slack.chat_postMessage(channel=self.channel, text="*high-risk-login* is on.")

    async def login(self, request: Request) -> Response:
        event = (await request.json())["event"]
        await self.slack.chat_postMessage(channel=self.channel, text="Risky login", blocks=alert(event["user"]))
        return Response(status_code=202)

    async def block(self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        asked = {name: self.auth0[name] for name in ("client_id", "client_secret", "audience")}
        async with httpx.AsyncClient(base_url=self.auth0["url"], trust_env=False, verify=trust()) as client:
            token = await client.post("/oauth/token", json={"grant_type": "client_credentials", **asked})
            bearer = {"authorization": f"Bearer {token.json()['access_token']}"}
            answer = await client.patch(f"/api/v2/users/{action['value']}", json={"blocked": True}, headers=bearer)
            answer.raise_for_status()
        decided = [
            *body["message"]["blocks"][:-1],
            {"type": "context", "elements": [mrkdwn(f"Blocked by <@{body['user']['id']}>.")]},
        ]
        await self.slack.chat_update(
            channel=body["channel"]["id"], ts=body["message"]["ts"], text="Blocked", blocks=decided
        )

    async def home(self, event: dict[str, Any]) -> None:
        view = {"type": "home", "blocks": [{"type": "header", "text": plain("My flows")}]}
        await self.slack.views_publish(user_id=event["user"], view=view)


@asynccontextmanager
async def small_bot(addresses: dict[str, Any]) -> AsyncIterator[str]:
    """Run the bot for these services, and tell them where it is; gives its address."""
    bot = SmallBot(addresses)
    async with serving(bot.app) as address, httpx.AsyncClient(trust_env=False, verify=trust()) as client:
        app = {"request_url": f"{address}/slack/events", "socket_mode": False}
        (await client.put(f"{addresses['slack']['url']}/sandbox/app", json=app)).raise_for_status()
        yield address
