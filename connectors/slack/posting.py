"""Messages that can be found again by a key, so that one which may have arrived is looked for and not sent twice.

The bot's own messages go this way, too.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, Protocol
from uuid import uuid4

from connectors.errors import Ambiguous, Missing, Reconnect, Refused

PAGES: Final = 5
"""Pages of 200 messages that are looked through."""
SKEW: Final = 60.0
"""Seconds that Slack's clock may be behind ours."""
ATTEMPTS: Final = 2
PAUSE: Final = 0.5
"""Seconds before a message that may be under way is looked for."""


class Calls(Protocol):
    """Whoever can call Slack's methods."""

    async def call(self, method: str, *, reads: bool = False, **arguments: Any) -> Mapping[str, Any]:
        """Call a method. Arguments that are None are not sent. Raises ConnectorError."""
        ...


async def post(
    slack: Calls,
    channel: str,
    *,
    text: str,
    blocks: Sequence[Mapping[str, Any]],
    key: str,
    thread: str | None = None,
    broadcast: bool | None = None,
) -> tuple[str, str]:
    """Post a message that can be found by its key. Returns its channel and timestamp. Raises ConnectorError."""
    sent = await slack.call(
        "chat.postMessage",
        channel=channel,
        text=text,
        blocks=list(blocks),
        thread_ts=thread,
        reply_broadcast=broadcast,
        unfurl_links=False,
        unfurl_media=False,
        metadata={"event_type": "cicflow", "event_payload": {"key": key}},
    )
    return str(sent["channel"]), str(sent["ts"])


async def messages(slack: Calls, channel: str, *, since: float | None, thread: str | None) -> list[Mapping[str, Any]]:
    """Return what was said in a channel, or in a thread of it: the latest 1,000 messages. Raises ConnectorError."""
    method, within = ("conversations.replies", {"ts": thread}) if thread else ("conversations.history", {})
    oldest = None if since is None else f"{since - SKEW:.6f}"
    found: list[Mapping[str, Any]] = []
    cursor: str | None = None
    for _ in range(PAGES):
        page = await slack.call(
            method,
            reads=True,
            channel=channel,
            **within,
            oldest=oldest,
            limit=200,
            include_all_metadata="true",
            cursor=cursor,
        )
        found += page.get("messages", [])
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
        if cursor is None:
            break
    return found


async def find(slack: Calls, channel: str, *, key: str, since: float | None, thread: str | None = None) -> str | None:
    """Return the timestamp of the message with a key, if it is there. Raises ConnectorError."""
    for message in await messages(slack, channel, since=since, thread=thread):
        if (message.get("metadata") or {}).get("event_payload", {}).get("key") == key:
            return str(message["ts"])
    return None


async def post_once(
    slack: Calls,
    channel: str,
    *,
    text: str,
    blocks: Sequence[Mapping[str, Any]],
    key: str | None,
    thread: str | None = None,
    broadcast: bool | None = None,
) -> tuple[str, str, bool]:
    """Post a message once. Returns its channel, its timestamp, and whether it was there before.

    With a key it is looked for first. Where Slack's answer is lost it is looked for before it is sent again.
    Raises ConnectorError; Ambiguous if it may be there and cannot be looked for.
    """
    # What the members of the channel can read of it says nothing.
    mark = sha256(key.encode()).hexdigest() if key else uuid4().hex
    began = time.time()
    if key:
        found = await find(slack, channel, key=mark, since=None, thread=thread)
        if found is not None:
            return channel, found, True
    for attempt in range(ATTEMPTS):
        try:
            place, ts = await post(
                slack, channel, text=text, blocks=blocks, key=mark, thread=thread, broadcast=broadcast
            )
        except Ambiguous as error:
            await asyncio.sleep(PAUSE)
            try:
                found = await find(slack, channel, key=mark, since=began, thread=thread)
            except (Missing, Reconnect, Refused) as why:
                raise Ambiguous(f"{error.message} I could not look: {why.message}", code=error.code) from why
            if found is not None:
                return channel, found, False
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return place, ts, False
    raise AssertionError  # the last attempt returns or raises
