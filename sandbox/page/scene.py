"""What one person sees of the workspace: the state of the service, chosen and put in order for the template."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.page.moments import Moments
from sandbox.page.names import Offers, called, listed

TOGETHER = 300.0
"""Seconds within which messages of one author share one head."""

HIDDEN_SUBTYPES = {"message_deleted", "message_changed", "message_replied"}
EVENT_SUBTYPES = {"channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_archive", "group_join"}
TINTS = 8
SLACKBOT = "USLACKBOT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who a message is from, as its head shows it."""

    name: str
    initials: str
    tint: int
    is_app: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a channel: a day, something that happened, a message, or one that only this person sees."""

    kind: Literal["day", "event", "message", "ephemeral"]
    key: str
    ts: str
    author: Author
    message: Mapping[str, Any]
    led: bool = True
    replies: tuple["Entry", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that the page shows of the workspace."""

    you: Mapping[str, Any]
    people: list[dict[str, Any]]
    channels: list[dict[str, Any]]
    direct: Mapping[str, Any] | None
    offers: Offers
    channel: Mapping[str, Any] | None
    at_home: bool
    workspace: str
    app: Author
    entries: list[Entry]
    views: list[dict[str, Any]]
    home: Mapping[str, Any] | None
    sequence: int
    arrived: Mapping[str, int]
    """Messages in each channel, replies among them."""


def scene(state: Mapping[str, Any], moments: Moments, *, you: str, channel: str, at_home: bool) -> Scene | None:
    """Choose what this person sees; nothing if the workspace has no people."""
    users = listed(state, "users")
    people = [user for user in users if not is_bot(user)]
    if not people:
        return None
    person = next((user for user in people if you in {user["id"], user.get("name")}), people[0])
    channels = [
        one
        for one in listed(state, "channels")
        if not one.get("is_private") or person["id"] in {one.get("user"), *(one.get("members") or [])}
    ]
    rooms = [one for one in channels if not one.get("user")]
    direct = next((one for one in channels if one.get("user") == person["id"]), None)
    shown = next((one for one in channels if channel in {one["id"], one.get("name")}), rooms[0] if rooms else None)
    bots = [user for user in users if is_bot(user)]
    entries = _entries(state, moments, users, person["id"], shown["id"]) if shown and not at_home else []
    return Scene(
        you=person,
        people=people,
        channels=rooms,
        direct=direct,
        offers=_offers(people, rooms),
        channel=None if at_home else shown,
        at_home=at_home,
        workspace=_workspace(state),
        app=_face(called(bots[0]) if bots else "App", is_app=True),
        entries=entries,
        views=[view for view in _of(state, "views").get(person["id"]) or [] if isinstance(view, dict)],
        home=_of(state, "homes").get(person["id"]),
        sequence=int(state.get("sequence") or 0),
        arrived={one["id"]: _arrived(state, one["id"], person["id"]) for one in channels},
    )


def _arrived(state: Mapping[str, Any], channel: str, you: str) -> int:
    messages = _of(state, "messages").get(channel) or []
    own = [one for one in state.get("ephemerals") or [] if (one.get("user"), one.get("channel")) == (you, channel)]
    return len(own) + sum(1 + len(one.get("replies") or []) for one in messages)


def is_bot(user: Mapping[str, Any]) -> bool:
    """Tell an app's user from a person."""
    return bool(user.get("is_bot")) or user["id"] == SLACKBOT


def _offers(people: list[dict[str, Any]], rooms: list[dict[str, Any]]) -> Offers:
    named = [(one, (str(one["id"]), f"#{one.get('name', '')}")) for one in rooms if not one.get("is_archived")]
    return Offers(
        people=tuple((str(user["id"]), called(user)) for user in people),
        channels=tuple(pair for one, pair in named if not one.get("is_private")),
        conversations=tuple(pair for _, pair in named),
    )


def _workspace(state: Mapping[str, Any]) -> str:
    return str(_of(state, "team").get("name") or "Sandbox")


def _of(state: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = state.get(key)
    return found if isinstance(found, Mapping) else {}


def _entries(
    state: Mapping[str, Any], moments: Moments, users: list[dict[str, Any]], you: str, channel: str
) -> list[Entry]:
    by_id = {user["id"]: user for user in users}
    found = [
        _message(message, by_id)
        for message in _of(state, "messages").get(channel) or []
        if message.get("subtype") not in HIDDEN_SUBTYPES and not _is_reply(message)
    ]
    for number, one in enumerate(state.get("ephemerals") or []):
        if one.get("user") == you and one.get("channel") == channel:
            ts = str(one.get("ts") or one.get("at") or "0")
            found.append(
                Entry(
                    kind="ephemeral",
                    key=f"ephemeral-{one.get('ts') or number}",
                    ts=ts,
                    author=_ephemeral_author(one, by_id),
                    message=one,
                )
            )
    found.sort(key=lambda entry: _seconds(entry.ts))
    return _with_days(found, moments)


def _with_days(found: list[Entry], moments: Moments) -> list[Entry]:
    entries: list[Entry] = []
    before: Entry | None = None
    for entry in found:
        day = moments.day(entry.ts)
        if before is None or moments.day(before.ts) != day:
            face = Author(name="", initials="", tint=0, is_app=False)
            entries.append(Entry(kind="day", key=f"day-{day}", ts=entry.ts, author=face, message={}))
            before = None
        entries.append(_under(entry, before))
        before = entry
    return entries


def _under(entry: Entry, before: Entry | None) -> Entry:
    """Leave out the head of a message that follows another of the same author."""
    follows = (
        before is not None
        and before.kind == entry.kind == "message"
        and before.author == entry.author
        and not before.replies
        and _seconds(entry.ts) - _seconds(before.ts) < TOGETHER
    )
    if not follows:
        return entry
    return Entry(
        kind=entry.kind,
        key=entry.key,
        ts=entry.ts,
        author=entry.author,
        message=entry.message,
        led=False,
        replies=entry.replies,
    )


def _message(message: Mapping[str, Any], users: Mapping[str, dict[str, Any]]) -> Entry:
    ts = str(message.get("ts", "0"))
    replies = message.get("replies") or []
    return Entry(
        kind="event" if message.get("subtype") in EVENT_SUBTYPES else "message",
        key=f"message-{ts}",
        ts=ts,
        author=_author(message, users),
        message=message,
        replies=tuple(_message(reply, users) for reply in replies if isinstance(reply, dict) and "text" in reply),
    )


def _is_reply(message: Mapping[str, Any]) -> bool:
    thread = message.get("thread_ts")
    return thread is not None and thread != message.get("ts") and message.get("subtype") != "thread_broadcast"


def _author(message: Mapping[str, Any], users: Mapping[str, dict[str, Any]]) -> Author:
    user = users.get(str(message.get("user", "")))
    is_app = "bot_id" in message or message.get("subtype") == "bot_message" or bool(user and is_bot(user))
    profile = message.get("bot_profile") or {}
    if message.get("user") == SLACKBOT:
        return _face("Slackbot", is_app=False)
    name = (is_app and (message.get("username") or profile.get("name"))) or (called(user) if user else "Somebody")
    return _face(str(name), is_app=is_app)


def _ephemeral_author(message: Mapping[str, Any], users: Mapping[str, dict[str, Any]]) -> Author:
    # That an app did not answer is said by Slack itself: "/command failed with the error …".
    if str(message.get("response_url_of") or "").endswith("the error"):
        return _face("Slackbot", is_app=False)
    bots = [user for user in users.values() if is_bot(user)]
    return _face(called(bots[0]) if bots else "App", is_app=True)


def _face(name: str, *, is_app: bool) -> Author:
    words = [word for word in name.replace(".", " ").split() if word[0].isalnum()]
    initials = "".join(word[0] for word in words[:2]).upper() or "?"
    return Author(name=name, initials=initials, tint=zlib.crc32(name.encode()) % TINTS, is_app=is_app)


def _seconds(ts: str) -> float:
    try:
        return float(ts)
    except ValueError:
        return 0.0
