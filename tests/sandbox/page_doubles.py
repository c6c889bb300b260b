"""Doubles of the two services' control addresses, with a workspace that uses every block."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.changes import Changes

BEGIN = 1_700_000_000.0


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def option(value: str, text: str) -> dict[str, Any]:
    return {"value": value, "text": plain(text)}


ALERT: list[dict[str, Any]] = [
    {"type": "header", "block_id": "head", "text": plain("Risky login")},
    {"type": "section", "block_id": "who", "text": mrkdwn("*Customer 1* logged in to *Customer portal* and Auth0 is not confident that it was them.")},
    {
        "type": "section",
        "block_id": "facts",
        "fields": [
            mrkdwn("*Who*\nCustomer 1\ncustomer.1@example.com"),
            mrkdwn("*When*\n<!date^1700000000^{date_short_pretty} at {time}|2023-11-14 22:13>"),
            mrkdwn("*Where*\nOslo, Norway (`203.0.113.7`)"),
            mrkdwn("*Device*\nChrome 130 on Windows"),
        ],
    },
    {"type": "section", "block_id": "why", "text": mrkdwn("*Why*\n• The last login was 1,200 km away, 9 minutes before\n• A device that was never seen with this account")},
    {"type": "context", "block_id": "context", "elements": [mrkdwn("high-risk-login · run 7f3a · answers until <!date^1700001800^{time}|22:43>, then *Approve*")]},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {"type": "button", "action_id": "approve", "text": plain("Approve"), "style": "primary", "value": "1", "accessibility_label": "Approve the login of Customer 1"},
            {
                "type": "button",
                "action_id": "block",
                "text": plain("Block"),
                "style": "danger",
                "value": "1",
                "confirm": {
                    "title": plain("Block Customer 1?"),
                    "text": mrkdwn("*customer.1@example.com* cannot log in any more, and all sessions and refresh tokens end."),
                    "confirm": plain("Block"),
                    "deny": plain("Go back"),
                    "style": "danger",
                },
            },
        ],
    },
]  # fmt: skip

FORM: dict[str, Any] = {
    "id": "V1",
    "type": "modal",
    "hash": "1",
    "callback_id": "enable",
    "title": plain("High-risk login"),
    "submit": plain("Save"),
    "close": plain("Cancel"),
    "blocks": [
        {"type": "section", "block_id": "about", "text": mrkdwn("Ask the security channel whether to block a person after a risky sign-in.")},
        {"type": "input", "block_id": "tenant", "label": plain("Auth0 tenant"), "element": {"type": "static_select", "action_id": "v", "options": [option("one", "127.0.0.1:8702")], "initial_option": option("one", "127.0.0.1:8702")}},
        {"type": "input", "block_id": "channel", "label": plain("Where to ask"), "hint": plain("The bot must be in the channel."), "element": {"type": "channels_select", "action_id": "v", "initial_channel": "C1"}},
        {"type": "input", "block_id": "risk", "label": plain("Ask when Auth0's confidence is"), "element": {"type": "checkboxes", "action_id": "v", "options": [option("low", "Low"), option("medium", "Medium")], "initial_options": [option("low", "Low")]}},
        {"type": "input", "block_id": "patience", "label": plain("How long to wait"), "hint": plain("From 5m to 7d, such as 30m or 2h."), "element": {"type": "plain_text_input", "action_id": "v", "initial_value": "30m"}},
        {"type": "input", "block_id": "roles", "optional": True, "label": plain("Who else may decide"), "element": {"type": "multi_users_select", "action_id": "v", "placeholder": plain("Nobody")}},
    ],
}  # fmt: skip


def workspace() -> dict[str, Any]:
    """Make a state in the shape of the Slack service's."""
    return {
        "team": {"id": "T1", "name": "Sandbox"},
        "users": [
            {"id": "U1", "name": "admin", "real_name": "Admin", "is_admin": True},
            {"id": "U2", "name": "analyst", "real_name": "Analyst"},
            {"id": "U3", "name": "visitor", "real_name": "<!channel> & <script>alert(1)</script>"},
            {"id": "U9", "name": "cicflow", "real_name": "cicflow", "is_bot": True},
        ],
        "user_groups": [{"id": "S1", "handle": "security-team"}],
        "channels": [
            {"id": "C1", "name": "security", "members": ["U1", "U2", "U3", "U9"]},
            {"id": "C2", "name": "general", "members": ["U1", "U2", "U3"]},
            {"id": "G1", "name": "private-room", "is_private": True, "members": ["U1", "U2"]},
        ],
        "messages": {"C1": []},
        "ephemerals": [],
        "views": {},
        "homes": {},
    }


def tenant() -> dict[str, Any]:
    """Make a state in the shape of the Auth0 service's."""
    return {
        "users": [
            {"user_id": f"auth0|{number}", "name": f"Customer {number}", "email": f"customer.{number}@example.com", "blocked": False, "sessions": [1], "refresh_tokens": [1, 2], "last_login": "2023-11-14T22:13:20.000Z"}
            for number in (1, 2, 3)
        ],
        "logins": [],
    }  # fmt: skip


class Double:
    """One service: a state that a test sets, and what was asked of it."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.changes = Changes()
        self.asked: list[tuple[str, Any]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        self.reactions: dict[str, Callable[[dict[str, Any]], None]] = {}
        self.app = Starlette(
            routes=[
                Route("/sandbox/state", self._state),
                self.changes.route(),
                Route("/sandbox/{act}", self._act, methods=["POST"]),
            ],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self.loop = asyncio.get_running_loop()
        yield

    def become(self, **changes: Any) -> None:
        """Change the state, and say so; from any thread."""
        self.state |= changes
        self.loop.call_soon_threadsafe(self.changes.happened)

    def _ignore(self, given: dict[str, Any]) -> None:
        pass

    async def _state(self, request: Request) -> Response:
        return JSONResponse({**self.state, "sequence": self.changes.sequence})

    async def _act(self, request: Request) -> Response:
        act = request.path_params["act"]
        given = await request.json()
        self.asked.append((act, given))
        self.reactions.get(act, self._ignore)(given)
        status, body = self.answers.get(act, (200, {"status": 200, "seconds": 0.01}))
        return JSONResponse(body, status_code=status)
