"""The Slack workspace, as the bot speaks to it: every failure becomes one of the errors named by reaction."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from connectors.errors import Ambiguous, ConnectorError, Missing, TryLater
from connectors.slack import posting, refusals

TIMEOUT: Final = aiohttp.ClientTimeout(total=15, connect=5)
"""An own session ignores the client's own time-out: it must be set there."""

_PAGES: Final = 5


def named(error: SlackApiError) -> ConnectorError:
    """Return Slack's refusal as the error that says what to do."""
    response: Any = error.response
    after = response.headers.get("Retry-After", "")
    return refusals.named(
        str(response.get("error", "")),
        status=int(response.status_code),
        after=float(after) if after.isdecimal() else None,
        needed=str(response.get("needed", "")),
        details=(response.get("response_metadata") or {}).get("messages") or [],
    )


class Workspace:
    """Calls to Slack's Web API. None is repeated here: whoever calls knows whether it may be."""

    def __init__(self, client: AsyncWebClient) -> None:
        self.client = client

    async def call(self, method: str, *, reads: bool = False, **arguments: Any) -> Mapping[str, Any]:
        """Call a method. Raises ConnectorError."""
        sent = {name: value for name, value in arguments.items() if value is not None}
        try:
            if reads:
                response = await self.client.api_call(method, http_verb="GET", params=sent)
            else:
                response = await self.client.api_call(method, json=sent)
        except SlackApiError as error:
            raise named(error) from error
        except aiohttp.ClientConnectorError as error:
            raise TryLater("Slack could not be reached.") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            if reads:
                raise TryLater("Slack did not answer.") from error
            raise Ambiguous("Slack did not answer: it may or may not have happened.") from error
        data = response.data
        return data if isinstance(data, dict) else {}

    async def post(
        self,
        channel: str,
        *,
        text: str,
        blocks: Sequence[Mapping[str, Any]],
        key: str,
        thread: str | None = None,
        broadcast: bool | None = None,
    ) -> tuple[str, str]:
        """Post a message that can be found by its key. Returns its channel and timestamp."""
        return await posting.post(self, channel, text=text, blocks=blocks, key=key, thread=thread, broadcast=broadcast)

    async def find(self, channel: str, *, key: str, since: float, thread: str | None = None) -> str | None:
        """Return the timestamp of the message with a key, if it is in a channel, or in a thread of it."""
        return await posting.find(self, channel, key=key, since=since, thread=thread)

    async def update(self, channel: str, message: str, *, text: str, blocks: Sequence[Mapping[str, Any]]) -> None:
        """Replace a message."""
        await self.call("chat.update", channel=channel, ts=message, text=text[:4000], blocks=list(blocks))

    async def user(self, user_id: str) -> Mapping[str, Any]:
        """Return a user."""
        found = await self.call("users.info", reads=True, user=user_id)
        user: Mapping[str, Any] = found["user"]
        return user

    async def admins(self) -> Sequence[str]:
        """Return the ids of the workspace's admins, as far as they are on the first pages of its people."""
        found: list[str] = []
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await self.call("users.list", reads=True, limit=200, cursor=cursor)
            found += [
                str(user["id"])
                for user in page["members"]
                if (user.get("is_admin") or user.get("is_owner")) and not (user.get("deleted") or user.get("is_bot"))
            ]
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
            if cursor is None:
                break
        return found

    async def members(self, group: str) -> Sequence[str]:
        """Return the ids of a user group's members."""
        found = await self.call("usergroups.users.list", reads=True, usergroup=group)
        return [str(user) for user in found["users"]]

    async def can_post(self, channel: str) -> bool:
        """Return whether the bot may post in a channel: any public one, and those it was invited to."""
        try:
            found = (await self.call("conversations.info", reads=True, channel=channel))["channel"]
        except Missing:
            return False
        return not found.get("is_archived") and (found.get("is_member") or not found.get("is_private", False))
