"""How fast Slack may be called: it counts each method on its own, and messages by channel."""

import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import httpx

from connectors.limits import Allowance, Pace

MESSAGES: Final = Allowance(3, 1.0)
"""One message a second in each channel, with short bursts."""
TIERS: Final[Mapping[int, Allowance]] = {
    2: Allowance(10, 20 / 60),
    3: Allowance(25, 50 / 60),
    4: Allowance(50, 100 / 60),
}
"""Slack promises so many calls a minute; not all of them at once, as the bot itself makes some."""
TIER: Final[Mapping[str, int]] = {
    "conversations.list": 2,
    "conversations.create": 2,
    "users.list": 2,
    "usergroups.list": 2,
    "usergroups.users.list": 2,
    "chat.postEphemeral": 4,
    "users.info": 4,
    "conversations.members": 4,
    "files.getUploadURLExternal": 4,
    "files.completeUploadExternal": 4,
    "files.info": 4,
}
"""Methods that are not of the third tier."""
POST: Final = "chat.postMessage"
KEPT: Final = 500
"""Methods and channels whose pace is kept: one that was not used for so long has no use of it."""


class Paces(Pace):
    """The pace of one workspace: a line for each method, and for the messages of each channel."""

    def __init__(self) -> None:
        super().__init__(TIERS[3])
        self._paces: OrderedDict[str, Pace] = OrderedDict()

    def _of(self, request: httpx.Request) -> Pace:
        method = method_of(request)
        name = f"{method} {_channel(request)}" if method == POST else method
        pace = self._paces.get(name)
        if pace is None:
            pace = self._paces[name] = Pace(MESSAGES if method == POST else TIERS[TIER.get(method, 3)])
            if len(self._paces) > KEPT:
                self._paces.popitem(last=False)
        self._paces.move_to_end(name)
        return pace

    @asynccontextmanager
    async def turn(self, request: httpx.Request) -> AsyncIterator[None]:
        """Wait for a turn and hold it during the call. Raises TryLater when it would take too long."""
        async with self._of(request).turn(request):
            yield

    def heard(self, response: httpx.Response) -> None:
        """Take note of what an answer says about the limits."""
        self._of(response.request).heard(response)


def method_of(request: httpx.Request) -> str:
    """Return the name of the method that a request calls."""
    return request.url.path.rpartition("/")[2]


def _channel(request: httpx.Request) -> str:
    try:
        return str(json.loads(request.content).get("channel", ""))
    except (ValueError, AttributeError):
        return ""
